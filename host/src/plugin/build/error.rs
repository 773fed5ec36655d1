//! Why there is no component, and what to do about it.

use super::project::ProjectError;
use crate::plugin::declared::NAME;
use crate::plugin::load::EngineError;
use crate::plugin::refusal::Refusal;
use crate::shown::shown;
use std::path::PathBuf;

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
    #[error("{} is neither a plugin project nor a component", shown(.0))]
    NoProject(PathBuf),
    /// No project where they are looked for.
    #[error("there is no plugin project in {}", shown(.0))]
    NoProjects(PathBuf),
    /// cargo does not understand the project.
    #[error("failed to read the project {}: {output}", shown(folder))]
    Project {
        /// The project.
        folder: PathBuf,
        /// What cargo says.
        output: String,
    },
    /// A library that cannot become a component.
    #[error("{} is not built to a component", shown(.0))]
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
    #[error("{} and {} both describe the object {object}", shown(first), shown(second))]
    SameObject {
        /// The object.
        object: String,
        /// One component.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// It describes an object whose file would be that of the component behind declared objects.
    #[error("{} describes the object {NAME}, but {NAME}.wasm is the component that carries out declared objects", shown(.0))]
    TakenName(PathBuf),
    /// The result cannot be written.
    #[error("failed to write {}: {why}", shown(path))]
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
            BuildError::TakenName(_) => Some("give the object another name in `describe`"),
            BuildError::Project { .. }
            | BuildError::Compile
            | BuildError::Write { .. }
            | BuildError::Engine(_) => None,
        }
    }
}
