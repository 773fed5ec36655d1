//! `host plugin build`: from projects to checked components in a folder.

use super::cargo::{Package, Workspace};
use super::declared::{self, declared_object};
use super::failure::size;
use super::grant::Grant;
use super::inspect::Inspection;
use super::load::{EngineError, Loader, Terms};
use super::project::{Project, ProjectError};
use super::refusal::{Reason, Refusal};
use super::wrap::read_any;
use crate::ports::Mapper;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A component that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The object that it describes; of the component that carries out declared objects, `declared`.
    pub object: String,
    /// Where it was written.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// For `sha256` in the metadata. That of a declaration covers the component beside it, and there is none without.
    pub sha256: Option<String>,
    /// What metadata must grant it.
    pub grants: Vec<Grant>,
}

/// What is going on, for the person who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The target's standard library is missing and is being installed.
    AddTarget {
        /// Its name.
        target: &'a str,
    },
    /// These packages are being compiled; cargo's own progress is on the error stream.
    Compile {
        /// Their names.
        packages: &'a [String],
    },
    /// A project's own command runs; what it says is on the error stream.
    Run {
        /// As the project has it.
        command: &'a str,
        /// Where it runs.
        folder: &'a Path,
    },
    /// A component was checked and written.
    Wrote(&'a Built),
}

/// Why no components were built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A tool of the Rust toolchain is not there.
    #[error("failed to run `{program}`: {why}")]
    Tool {
        /// Its name.
        program: &'static str,
        /// What the system says.
        why: String,
    },
    /// The target cannot be installed.
    #[error("failed to install the target {target}: {why}")]
    Target {
        /// Its name.
        target: &'static str,
        /// What went wrong.
        why: String,
    },
    /// Neither a project nor a component.
    #[error("{} is neither a plugin project nor a component", .0.display())]
    NoProject(PathBuf),
    /// No project where they are looked for.
    #[error("there is no plugin project in {}", .0.display())]
    NoProjects(PathBuf),
    /// cargo does not understand the project.
    #[error("failed to read the project {}: {output}", folder.display())]
    Project {
        /// The project.
        folder: PathBuf,
        /// What cargo says.
        output: String,
    },
    /// A library that cannot become a component.
    #[error("{} is not built to a component", .0.display())]
    NoPlugin(PathBuf),
    /// It does not compile.
    #[error("failed to compile: cargo's messages are above")]
    Compile,
    /// A project's own command gave no component.
    #[error(transparent)]
    Own(#[from] ProjectError),
    /// It compiles, but a host would refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Two of them describe the same object.
    #[error("{} and {} both describe the object {object}", first.display(), second.display())]
    SameObject {
        /// The object.
        object: String,
        /// One component.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The result cannot be written.
    #[error("failed to write {}: {why}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Components cannot be checked here.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl BuildError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            BuildError::Tool { .. } => Some("install Rust with rustup: https://rustup.rs"),
            BuildError::Target { .. } => {
                Some("install it with rustup, or as a package of the system's own Rust, and build again")
            }
            BuildError::NoProject(_) | BuildError::NoProjects(_) => {
                Some("name folders with a Cargo.toml or a plugin.toml; `host plugin new` makes one")
            }
            BuildError::NoPlugin(_) => Some("add `[lib] crate-type = [\"cdylib\"]` to its Cargo.toml"),
            BuildError::Own(error) => error.help(),
            BuildError::Refused(refusal) => Some(refusal.reason.help()),
            BuildError::SameObject { .. } => Some("give one of them another name in `describe`"),
            BuildError::Project { .. }
            | BuildError::Compile
            | BuildError::Write { .. }
            | BuildError::Engine(_) => None,
        }
    }
}

/// Builds the projects (and takes the components and declarations) at the paths, and writes each to `out` under its
/// object's name. Without paths: every plugin project in `plugins/`. A folder that holds no component yet is made.
///
/// # Errors
/// The first thing that went wrong. What was written before stays: every file is whole.
pub fn build(
    paths: &[PathBuf],
    out: &Path,
    step: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<Built>, BuildError> {
    let mut sources = Sources::default();
    if paths.is_empty() {
        sources.add_all(Path::new("plugins"))?;
    }
    for path in paths {
        sources.add(path)?;
    }
    // What is wrong with a declaration is told before anything is compiled.
    sources.declarations.iter().try_for_each(|path| declared::checked(path).map(drop))?;
    let mut components = sources.components;
    for (workspace, packages) in sources.workspaces {
        workspace.add_target(step)?;
        let names: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
        step(Step::Compile { packages: &names });
        components.extend(workspace.build(&packages)?);
    }
    for project in sources.projects {
        components.push(project.build(step)?);
    }
    install(components, sources.declarations, out, step)
}

/// What there is to build.
#[derive(Default)]
struct Sources {
    /// Packages, by workspace: one run of cargo each.
    workspaces: Vec<(Workspace, Vec<Package>)>,
    /// Those with a command of their own.
    projects: Vec<Project>,
    /// Already built.
    components: Vec<PathBuf>,
    /// Objects without code.
    declarations: Vec<PathBuf>,
}

impl Sources {
    /// Every plugin project of a folder; libraries beside them, such as an SDK, are left out.
    fn add_all(&mut self, parent: &Path) -> Result<(), BuildError> {
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

    fn add(&mut self, path: &Path) -> Result<(), BuildError> {
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

/// Checks all of them as a run would, and writes them under their objects' names: the components first, since they
/// may be what carries out the declarations.
fn install(
    components: Vec<PathBuf>,
    declarations: Vec<PathBuf>,
    out: &Path,
    step: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<Built>, BuildError> {
    let loader = Loader::new()?;
    // Whether the metadata grants it is for each run to see.
    let terms = Terms { grants: &Grant::ALL, ..Terms::default() };
    let mut by_object: BTreeMap<String, (PathBuf, Vec<u8>, Inspection)> = BTreeMap::new();
    for component in components {
        let (bytes, inspection) = read_any(&component)?;
        let object = if declared::export(&inspection.exports).is_some() {
            declared::check(&loader, &component, &bytes, &inspection)?;
            declared::NAME.to_owned()
        } else {
            let plugin = loader.prepare(&component, &bytes, inspection.clone(), terms)?;
            plugin.object().name.as_str().to_owned()
        };
        if let Some((first, ..)) = by_object.insert(object.clone(), (component.clone(), bytes, inspection)) {
            return Err(BuildError::SameObject { object, first, second: component });
        }
    }
    std::fs::create_dir_all(out).map_err(|error| not_written(out, &error))?;
    let mut built = Vec::new();
    for (object, (_, bytes, inspection)) in by_object {
        let path = write(out, &format!("{object}.wasm"), &bytes)?;
        let (size, grants) = (inspection.size, inspection.needs().to_vec());
        built.push(Built { object, path, size, sha256: Some(inspection.sha256), grants });
    }
    for source in declarations {
        let declared::Checked { object, text, .. } = declared::checked(&source)?;
        let object = object.name.as_str().to_owned();
        let path = write(out, &format!("{object}{}", declared::SUFFIX), text.as_bytes())?;
        let sha256 = match loader.load(&path, Terms::default()) {
            Ok(plugin) => Some(plugin.inspection().sha256.clone()),
            Err(Refusal { reason: Reason::NoGeneric, .. }) => None,
            Err(refusal) => return Err(refusal.into()),
        };
        built.push(Built { object, path, size: text.len() as u64, sha256, grants: Vec::new() });
    }
    built.iter().for_each(|one| step(Step::Wrote(one)));
    Ok(built)
}

/// Writes a file of the folder. A run that starts meanwhile finds the old one or the new one, and never half of one.
fn write(out: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, BuildError> {
    let path = out.join(name);
    let partial = out.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&partial, bytes)
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(|error| not_written(&path, &error))?;
    Ok(path)
}

fn not_written(path: &Path, error: &std::io::Error) -> BuildError {
    BuildError::Write { path: path.to_owned(), why: error.to_string() }
}

impl std::fmt::Display for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, size) = (self.path.display(), size(self.size));
        match &self.sha256 {
            Some(sha256) => write!(f, "{path} ({size}, sha256 {sha256})"),
            None => write!(
                f,
                "{path} ({size}; what carries it out is not there yet: `host plugin build plugins/declared --out DIR`)"
            ),
        }
    }
}
