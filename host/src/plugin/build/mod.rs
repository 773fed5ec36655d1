//! `host plugin build`: from projects to checked components in a folder.

mod cargo;
mod error;
mod project;
mod sources;
mod wrap;

pub use error::BuildError;
pub use project::ProjectError;

use super::declared;
use super::failure::size;
use super::grant::Grant;
use super::inspect::Inspection;
use super::load::{Loader, Terms};
use super::refusal::{Reason, Refusal};
use crate::ports::Mapper;
use crate::shown::shown;
use serde::Serialize;
use sources::Sources;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wrap::read_any;

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
        if object == declared::NAME && declared::export(&inspection.exports).is_none() {
            return Err(BuildError::TakenName(component));
        }
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
        let (path, size) = (shown(&self.path), size(self.size));
        match &self.sha256 {
            Some(sha256) => write!(f, "{path} ({size}, sha256 {sha256})"),
            None => write!(
                f,
                "{path} ({size}; what carries it out is not there yet: `host plugin build plugins/declared --out DIR` in a checkout of this project)"
            ),
        }
    }
}
