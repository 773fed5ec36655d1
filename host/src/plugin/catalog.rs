//! The objects of a run: every plugin of a folder.

use super::load::EngineError;
use super::mapper::WasmMapper;
use super::refusal::Refusal;
use super::survey::{PluginOverride, Survey};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The plugins that can be used, one an object.
pub struct Catalog {
    plugins: BTreeMap<String, Arc<WasmMapper>>,
}

/// Everything that is wrong with a folder of plugins. One broken plugin refuses the run: to go on without it
/// would leave its object unsynchronized in silence.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No plugin can run here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// These cannot be used.
    #[error("{}", .0.iter().map(|it| format!("{it}\n  help: {}", it.reason.help())).collect::<Vec<_>>().join("\n"))]
    Plugins(Vec<Refusal>),
}

impl Catalog {
    /// Loads every `*.wasm` and `*.object.toml` of a folder, as the overrides say.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn load(dir: &Path, overrides: &[PluginOverride]) -> Result<Catalog, CatalogError> {
        let survey = Survey::of(dir, overrides)?;
        if survey.refusals.is_empty() {
            Ok(Catalog { plugins: survey.taken })
        } else {
            Err(CatalogError::Plugins(survey.refusals))
        }
    }

    /// All plugins, by the names of their objects.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<WasmMapper>> {
        self.plugins.values()
    }

    /// The plugin of an object.
    pub fn get(&self, object: &str) -> Option<&Arc<WasmMapper>> {
        self.plugins.get(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Limits, Reason};
    use std::path::PathBuf;

    fn reasons(dir: &Path, overrides: &[PluginOverride]) -> Vec<Reason> {
        match Catalog::load(dir, overrides) {
            Err(CatalogError::Plugins(problems)) => problems.into_iter().map(|it| it.reason).collect(),
            Err(CatalogError::Engine(error)) => panic!("{error}"),
            Ok(_) => Vec::new(),
        }
    }

    fn of(object: &str, file: Option<PathBuf>, enabled: bool) -> PluginOverride {
        let object = object.to_owned();
        PluginOverride { object, file, sha256: None, limits: Limits::default(), grants: Vec::new(), enabled }
    }

    #[test]
    fn a_folder_without_plugins_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(reasons(dir.path(), &[]), [Reason::EmptyFolder]);
        assert!(matches!(reasons(&dir.path().join("none"), &[])[..], [Reason::NoFolder(_)]));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("account.wasm"), "text").unwrap();
        std::fs::write(dir.path().join("contact.wasm"), b"\0asm\x01\0\0\0").unwrap();
        std::fs::write(dir.path().join("README.md"), "not looked at").unwrap();
        let overrides = [of("task", Some(dir.path().join("task.wasm")), true), of("acount", None, true)];
        assert_eq!(
            reasons(dir.path(), &overrides),
            [Reason::NoSuchFile, Reason::NotWasm, Reason::CoreModule, Reason::NoSuchObject(Vec::new())]
        );
    }

    #[test]
    fn hidden_files_are_no_plugins() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("._account.wasm"), b"\0\x05\x16\x07").unwrap();
        std::fs::write(dir.path().join(".#task.object.toml"), "someone@somewhere").unwrap();
        assert_eq!(reasons(dir.path(), &[]), [Reason::EmptyFolder]);
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting_for_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("account.wasm")).unwrap();
        for pipe in ["contact.wasm", "task.object.toml"] {
            let made = std::process::Command::new("mkfifo").arg(dir.path().join(pipe)).status();
            assert!(made.unwrap().success());
        }
        assert_eq!(reasons(dir.path(), &[]), [Reason::NoFile, Reason::NoFile, Reason::NoFile]);
    }

    #[test]
    fn a_declaration_that_is_no_text_or_endless_says_so() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.object.toml"), b"\xff\xfe").unwrap();
        std::fs::write(dir.path().join("b.object.toml"), "# and on\n".repeat(200_000)).unwrap();
        assert_eq!(reasons(dir.path(), &[]), [Reason::NotText, Reason::LongDeclaration]);
    }

    #[test]
    fn what_is_switched_off_may_be_broken() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("account.wasm"), "text").unwrap();
        std::fs::write(dir.path().join("v2.wasm"), "text").unwrap();
        let off = [of("account", None, false), of("contact", Some(dir.path().join("v2.wasm")), false)];
        assert_eq!(reasons(dir.path(), &off), []);
    }
}
