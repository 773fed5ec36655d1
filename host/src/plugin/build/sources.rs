//! What there is to build: Rust projects by workspace, projects with a command of their own, components and declarations.

use super::cargo::{Package, Workspace};
use super::error::BuildError;
use super::project::Project;
use crate::plugin::declared::declared_object;
use std::path::{Path, PathBuf};

/// What there is to build.
#[derive(Default)]
pub(super) struct Sources {
    /// Packages, by workspace: one run of cargo each.
    pub(super) workspaces: Vec<(Workspace, Vec<Package>)>,
    /// Those with a command of their own.
    pub(super) projects: Vec<Project>,
    /// Already built.
    pub(super) components: Vec<PathBuf>,
    /// Objects without code.
    pub(super) declarations: Vec<PathBuf>,
}

impl Sources {
    /// Every plugin project of a folder; libraries beside them, such as an SDK, are left out.
    pub(super) fn add_all(&mut self, parent: &Path) -> Result<(), BuildError> {
        let mut folders: Vec<PathBuf> = std::fs::read_dir(parent)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        folders.retain(|folder| folder.join("Cargo.toml").is_file() || Project::is_in(folder));
        folders.sort();
        for folder in folders {
            self.add_project(&folder)?;
        }
        if self.workspaces.is_empty() && self.projects.is_empty() {
            Err(BuildError::NoProjects(parent.to_owned()))
        } else {
            Ok(())
        }
    }

    pub(super) fn add(&mut self, path: &Path) -> Result<(), BuildError> {
        if path.is_file() && declared_object(path).is_some() {
            self.declarations.push(path.to_owned());
            Ok(())
        } else if path.is_file() {
            self.components.push(path.to_owned());
            Ok(())
        } else if !path.join("Cargo.toml").is_file() && !Project::is_in(path) {
            Err(BuildError::NoProject(path.to_owned()))
        } else if self.add_project(path)? {
            Ok(())
        } else {
            Err(BuildError::NoPlugin(path.to_owned()))
        }
    }

    /// Whether it is a plugin's project.
    fn add_project(&mut self, folder: &Path) -> Result<bool, BuildError> {
        // What a project says itself goes before what cargo would do with it.
        if Project::is_in(folder) {
            self.projects.push(Project::of(folder)?);
            return Ok(true);
        }
        for (workspace, packages) in &mut self.workspaces {
            // One question to cargo tells of all packages of a workspace.
            if let Some(package) = workspace.package(folder) {
                return Ok(take(package, packages));
            }
        }
        let workspace = Workspace::of(folder)?;
        let Some(package) = workspace.package(folder).cloned() else {
            return Ok(false);
        };
        let known = self.workspaces.iter_mut().find(|(it, _)| it.root() == workspace.root());
        if let Some((_, packages)) = known {
            return Ok(take(&package, packages));
        }
        let mut packages = Vec::new();
        let taken = take(&package, &mut packages);
        self.workspaces.extend(taken.then_some((workspace, packages)));
        Ok(taken)
    }
}

fn take(package: &Package, packages: &mut Vec<Package>) -> bool {
    if package.is_plugin() {
        packages.push(package.clone());
    }
    package.is_plugin()
}
