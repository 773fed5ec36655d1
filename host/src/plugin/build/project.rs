//! Projects in any language: `plugin.toml` in a project's folder says which command builds it, and what that leaves.

use super::Step;
use super::cargo::command;
use crate::shown::shown;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tempfile::TempDir;
use toml::Spanned;

/// The file's name.
pub(super) const MANIFEST: &str = "plugin.toml";

/// Tells a build command where a folder with `object.wit` is, so that a project need not keep a copy.
const WIT_VARIABLE: &str = "SYNC_OBJECT_WIT";
/// The contract that this host was built with.
const WIT: &str = include_str!("../../../../wit/object.wit");

/// Why a project's own command gave no component.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The manifest cannot be read.
    #[error("failed to read {}: {why}", shown(path))]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The manifest does not say what it must, or something else besides.
    #[error("{}:{line}:{column}: {message}", shown(path))]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The command does not start, or what it needs cannot be made.
    #[error("failed to run `{command}` in {}: {why}", shown(folder))]
    NotRun {
        /// As the manifest has it.
        command: String,
        /// The project.
        folder: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The command says that it failed.
    #[error("`{command}` failed in {} ({status}): its messages are above", shown(folder))]
    Failed {
        /// As the manifest has it.
        command: String,
        /// The project.
        folder: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// The command went well and left nothing.
    #[error("`{command}` went well in {}, but there is no {}", shown(folder), shown(component))]
    NoComponent {
        /// As the manifest has it.
        command: String,
        /// The project.
        folder: PathBuf,
        /// What should be there.
        component: PathBuf,
    },
    /// The command went well and did not write what was there before.
    #[error(
        "`{command}` went well in {}, but did not write {}: what is there is of an earlier build",
        shown(folder),
        shown(component)
    )]
    Stale {
        /// As the manifest has it.
        command: String,
        /// The project.
        folder: PathBuf,
        /// What it should have written.
        component: PathBuf,
    },
}

impl ProjectError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            ProjectError::Manifest { .. } => Some(
                "it has two keys: `build`, a command for `sh`, and `component`, the file that it leaves, from the project's folder",
            ),
            ProjectError::NoComponent { .. } | ProjectError::Stale { .. } => {
                Some("correct `component` in plugin.toml, or let the command of `build` write that file")
            }
            ProjectError::Unreadable { .. } | ProjectError::NotRun { .. } | ProjectError::Failed { .. } => {
                None
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    build: Spanned<String>,
    component: Spanned<PathBuf>,
}

/// A project with a command of its own.
pub(super) struct Project {
    folder: PathBuf,
    command: String,
    /// Relative to the folder.
    component: PathBuf,
}

impl Project {
    /// Whether a folder says how it is built.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(MANIFEST).is_file()
    }

    /// Reads the manifest of a folder.
    pub(super) fn of(folder: &Path) -> Result<Project, ProjectError> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ProjectError::Unreadable { path: path.clone(), why: error.to_string() })?;
        let wrong = |at: usize, message: &str| {
            let before = text.get(..at).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            ProjectError::Manifest {
                path: path.clone(),
                line: before.matches('\n').count() + 1,
                column: line.chars().count() + 1,
                message: message.to_owned(),
            }
        };
        let manifest: Manifest = toml::from_str(&text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message()))?;
        if manifest.build.get_ref().trim().is_empty() {
            return Err(wrong(manifest.build.span().start, "`build` must not be empty"));
        }
        let component = manifest.component.get_ref();
        if component.as_os_str().is_empty() || !component.is_relative() {
            return Err(wrong(
                manifest.component.span().start,
                "`component` must be a path from the project's folder",
            ));
        }
        Ok(Project {
            folder: folder.to_owned(),
            command: manifest.build.into_inner(),
            component: manifest.component.into_inner(),
        })
    }

    /// Runs the command, and tells where the component is that it wrote.
    pub(super) fn build(&self, step: &mut dyn FnMut(Step<'_>)) -> Result<PathBuf, ProjectError> {
        let not_run = |error: std::io::Error| ProjectError::NotRun {
            command: self.command.clone(),
            folder: self.folder.clone(),
            why: error.to_string(),
        };
        let wit = contract().map_err(not_run)?;
        let component = self.folder.join(&self.component);
        let earlier = Earlier::set_aside(&component).map_err(not_run)?;
        step(Step::Run { command: &self.command, folder: &self.folder });
        let status = command("sh", &self.folder)
            .args(["-c", &self.command])
            .env(WIT_VARIABLE, wit.path())
            .stdin(Stdio::null())
            // Standard output is for what this host says of the components.
            .stdout(std::io::stderr())
            .status()
            .map_err(not_run)?;
        let (command, folder) = (self.command.clone(), self.folder.clone());
        if !status.success() {
            return Err(ProjectError::Failed { command, folder, status });
        }
        if !component.is_file() {
            return Err(match earlier {
                Some(_) => ProjectError::Stale { command, folder, component },
                None => ProjectError::NoComponent { command, folder, component },
            });
        }
        Ok(component)
    }
}

/// A folder with the contract in it, for as long as a command runs.
fn contract() -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("sync-object-wit-").tempdir()?;
    std::fs::write(folder.path().join("object.wit"), WIT)?;
    Ok(folder)
}

/// What an earlier build left, out of the way while this one runs: a component that is there afterwards is this build's.
/// Where there is none, the earlier one comes back; if this build is interrupted, with the next one.
struct Earlier {
    component: PathBuf,
    aside: PathBuf,
}

impl Earlier {
    fn set_aside(component: &Path) -> std::io::Result<Option<Earlier>> {
        let mut aside = component.to_owned().into_os_string();
        aside.push(".earlier");
        let earlier = Earlier { component: component.to_owned(), aside: aside.into() };
        if component.is_file() {
            std::fs::rename(&earlier.component, &earlier.aside)?;
        }
        // It may also be there since a build that was interrupted.
        Ok(if earlier.aside.is_file() { Some(earlier) } else { None })
    }
}

impl Drop for Earlier {
    fn drop(&mut self) {
        // Build outputs both: what cannot be moved or removed now, the next build replaces.
        let _ = if self.component.exists() {
            std::fs::remove_file(&self.aside)
        } else {
            std::fs::rename(&self.aside, &self.component)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(manifest: &str) -> (TempDir, Result<Project, ProjectError>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MANIFEST), manifest).unwrap();
        let project = Project::of(folder.path());
        (folder, project)
    }

    fn outcome(folder: &TempDir, command: &str) -> Result<PathBuf, ProjectError> {
        let manifest = format!("build = {command:?}\ncomponent = \"out/it.wasm\"\n");
        std::fs::write(folder.path().join(MANIFEST), manifest).unwrap();
        Project::of(folder.path())?.build(&mut |_| {})
    }

    #[test]
    fn a_manifest_is_read_strictly() {
        for (manifest, place, word) in [
            ("build = \"true\"\ncomponent = \"a.wasm\"\n  biuld = 1\n", ":3:3:", "`build`"),
            ("build = \"true\"\n", ":1:1:", "component"),
            ("build = \" \"\ncomponent = \"a.wasm\"\n", ":1:9:", "empty"),
            ("build = 7\ncomponent = \"a.wasm\"\n", ":1:9:", "string"),
            ("build = \"true\"\ncomponent = \"/a.wasm\"\n", ":2:13:", "folder"),
            ("build = \"true\"\ncomponent\n", ":2:10:", "="),
        ] {
            let error = project(manifest).1.err().unwrap();
            let text = error.to_string();
            assert!(text.contains("plugin.toml") && text.contains(place) && text.contains(word), "{text}");
            assert!(error.help().unwrap().contains("`component`"));
        }
    }

    #[test]
    fn a_command_finds_the_contract_and_runs_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let built =
            outcome(&folder, "mkdir -p out && cp \"$SYNC_OBJECT_WIT/object.wit\" out/it.wasm").unwrap();
        assert_eq!(built, folder.path().join("out/it.wasm"));
        assert_eq!(std::fs::read_to_string(&built).unwrap(), WIT);
    }

    #[test]
    fn what_a_command_did_not_write_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("out/it.wasm");
        assert!(matches!(outcome(&folder, "true"), Err(ProjectError::NoComponent { .. })));
        outcome(&folder, "mkdir out; echo one > out/it.wasm").unwrap();
        assert!(matches!(outcome(&folder, "true"), Err(ProjectError::Stale { .. })));
        assert_eq!(std::fs::read_to_string(&component).unwrap(), "one\n");
        assert!(matches!(outcome(&folder, "exit 3"), Err(ProjectError::Failed { .. })));
        assert_eq!(std::fs::read_to_string(&component).unwrap(), "one\n");
        outcome(&folder, "echo two > out/it.wasm").unwrap();
        assert_eq!(std::fs::read_to_string(&component).unwrap(), "two\n");
        assert_eq!(std::fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
    }

    #[test]
    fn what_an_interrupted_build_set_aside_is_not_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let (component, aside) = (out.join("it.wasm"), out.join("it.wasm.earlier"));
        let interrupted = |left: Option<&str>| {
            let _ = std::fs::remove_dir_all(&out);
            std::fs::create_dir(&out).unwrap();
            std::fs::write(&aside, "earlier").unwrap();
            left.into_iter().for_each(|text| std::fs::write(&component, text).unwrap());
        };
        let is_left = |text: &str| {
            assert_eq!(std::fs::read_to_string(&component).unwrap(), text);
            assert!(!aside.exists());
        };
        interrupted(None);
        assert!(matches!(outcome(&folder, "exit 3"), Err(ProjectError::Failed { .. })));
        is_left("earlier");
        interrupted(None);
        outcome(&folder, "printf new > out/it.wasm").unwrap();
        is_left("new");
        interrupted(Some("half"));
        assert!(matches!(outcome(&folder, "true"), Err(ProjectError::Stale { .. })));
        is_left("half");
    }
}
