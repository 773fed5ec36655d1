//! The objects of a run: every component of a folder.

use super::declared::declared_object;
use super::limits::Limits;
use super::load::{EngineError, Loader, check_digest};
use super::mapper::WasmMapper;
use super::refusal::{Reason, Refusal};
use crate::ports::Mapper;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the metadata says of one object's component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginOverride {
    /// Name of the object.
    pub object: String,
    /// File name of its component; default: whichever describes the object.
    pub file: Option<String>,
    /// The one component that is accepted.
    pub sha256: Option<String>,
    /// What it may use up.
    pub limits: Limits,
    /// Whether the object takes part.
    pub enabled: bool,
}

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
        let files = components(dir).map_err(|refusal| CatalogError::Plugins(vec![refusal]))?;
        let mut choice = Choice {
            dir,
            overrides,
            problems: Vec::new(),
            described: BTreeSet::new(),
            broken: BTreeSet::new(),
        };
        let files = choice.files(files);
        let loader = Loader::new()?;
        let loaded = in_parallel(&files, |path| {
            let claimed = choice.claimed_by(path);
            let pinned = claimed.and_then(|it| it.sha256.as_deref());
            loader.load(path, pinned, Limits::default()).map_err(|refusal| Refusal {
                object: refusal.object.or_else(|| claimed.map(|it| it.object.clone())),
                ..refusal
            })
        });
        let mut plugins = BTreeMap::new();
        for (path, plugin) in files.iter().zip(loaded) {
            choice.place(path, plugin, &mut plugins);
        }
        if choice.is_idle() {
            choice.refuse(dir, None, Reason::EmptyFolder);
        }
        choice.miss();
        if choice.problems.is_empty() {
            Ok(Catalog { plugins })
        } else {
            Err(CatalogError::Plugins(choice.problems))
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

/// Which component serves which object.
struct Choice<'a> {
    dir: &'a Path,
    overrides: &'a [PluginOverride],
    problems: Vec<Refusal>,
    /// Objects that components describe, whether those are used or not.
    described: BTreeSet<String>,
    /// Objects whose component is broken, so that it need not be said again that nothing describes them.
    broken: BTreeSet<String>,
}

impl Choice<'_> {
    fn refuse(&mut self, file: &Path, object: Option<&str>, reason: Reason) {
        self.problems.push(Refusal { file: file.to_owned(), object: object.map(str::to_owned), reason });
    }

    /// The override that names this file.
    fn claimed_by(&self, path: &Path) -> Option<&PluginOverride> {
        self.overrides.iter().find(|it| it.file.as_ref().is_some_and(|file| self.dir.join(file) == path))
    }

    fn of_object(&self, object: &str) -> Option<&PluginOverride> {
        self.overrides.iter().find(|it| it.object == object)
    }

    /// The files to load: those of the folder and those that are named, without what is switched off.
    fn files(&mut self, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
        for given in self.overrides {
            let Some(path) = given.file.as_ref().map(|file| self.dir.join(file)) else { continue };
            let object = given.object.clone();
            if !path.is_file() {
                self.refuse(&path, Some(&object), Reason::NoSuchFile);
                self.broken.insert(object);
            } else if given.enabled && !files.contains(&path) {
                files.push(path);
            } else if !given.enabled {
                files.retain(|file| *file != path);
                self.described.insert(object);
            }
        }
        files.sort();
        files
    }

    /// Takes a plugin into the catalog, leaves it out because the metadata says so, or says what is wrong.
    fn place(
        &mut self,
        path: &Path,
        plugin: Result<WasmMapper, Refusal>,
        plugins: &mut BTreeMap<String, Arc<WasmMapper>>,
    ) {
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = declared_object(path).map_or_else(stem, str::to_owned);
        let plugin = match plugin {
            Ok(plugin) => plugin,
            // It serves the declarations beside it.
            Err(Refusal { reason: Reason::Generic, .. }) if self.claimed_by(path).is_none() => return,
            Err(refusal) => {
                // `host plugin build` names the file after the object: that is all there is to go by.
                let object = refusal.object.clone().unwrap_or(stem);
                if self.of_object(&object).is_none_or(|it| it.enabled) {
                    // What is wrong with the component of several declarations is told once.
                    if !self.problems.contains(&refusal) {
                        self.problems.push(refusal);
                    }
                } else {
                    tracing::debug!("{refusal}, but {object} is switched off");
                }
                self.broken.insert(object);
                return;
            }
        };
        let name = plugin.object().name.as_str().to_owned();
        self.described.insert(name.clone());
        if let Some(claim) = self.claimed_by(path).filter(|it| it.object != name) {
            let wanted = claim.object.clone();
            self.broken.insert(wanted.clone());
            return self.refuse(path, Some(&wanted), Reason::OtherObject { found: name });
        }
        let given = self.of_object(&name);
        let chosen = given.and_then(|it| it.file.as_ref()).is_none_or(|file| self.dir.join(file) == path);
        if !chosen || given.is_some_and(|it| !it.enabled) {
            return;
        }
        if let Err(reason) = check_digest(plugin.inspection(), given.and_then(|it| it.sha256.as_deref())) {
            return self.refuse(path, Some(&name), reason);
        }
        if let Some(first) = plugins.get(&name) {
            let other = first.path().to_owned();
            return self.refuse(path, Some(&name), Reason::SameObject { other });
        }
        let limits = given.map_or_else(Limits::default, |it| it.limits);
        plugins.insert(name, Arc::new(plugin.with_limits(limits)));
    }

    /// Whether nothing is wrong, and yet there is no object.
    fn is_idle(&self) -> bool {
        let found = !(self.problems.is_empty() && self.described.is_empty() && self.broken.is_empty());
        !found && self.overrides.iter().all(|it| it.enabled)
    }

    /// Refuses overrides whose object nothing describes: most likely its name is misspelt, and what it
    /// switches off or pins would be neither.
    fn miss(&mut self) {
        for given in self.overrides {
            if !self.described.contains(&given.object) && !self.broken.contains(&given.object) {
                let described = self.described.iter().cloned().collect();
                self.refuse(self.dir, Some(&given.object), Reason::NoSuchObject(described));
            }
        }
    }
}

/// The components and declarations of a folder, by name.
fn components(dir: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let list = || {
        let paths =
            std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        let is_plugin = |path: &PathBuf| {
            path.extension().is_some_and(|it| it == "wasm") || declared_object(path).is_some()
        };
        Ok(paths.into_iter().filter(is_plugin).collect())
    };
    let mut files: Vec<PathBuf> = list().map_err(|error: std::io::Error| Refusal {
        file: dir.to_owned(),
        object: None,
        reason: Reason::NoFolder(error.to_string()),
    })?;
    files.sort();
    Ok(files)
}

/// Results in the order of the inputs, made on as many threads as there are processors: compiling takes tens
/// of milliseconds a plugin.
fn in_parallel<T: Send>(paths: &[PathBuf], work: impl Fn(&Path) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(paths.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(paths.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, path)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    paths.get(index).map(|path| (index, path))
                } {
                    let result = work(path);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(dir: &Path, overrides: &[PluginOverride]) -> Vec<Reason> {
        match Catalog::load(dir, overrides) {
            Err(CatalogError::Plugins(problems)) => problems.into_iter().map(|it| it.reason).collect(),
            Err(CatalogError::Engine(error)) => panic!("{error}"),
            Ok(_) => Vec::new(),
        }
    }

    fn of(object: &str, file: Option<&str>, enabled: bool) -> PluginOverride {
        let (object, file) = (object.to_owned(), file.map(str::to_owned));
        PluginOverride { object, file, sha256: None, limits: Limits::default(), enabled }
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
        let overrides = [of("task", Some("task.wasm"), true), of("acount", None, true)];
        assert_eq!(
            reasons(dir.path(), &overrides),
            [Reason::NoSuchFile, Reason::NotWasm, Reason::CoreModule, Reason::NoSuchObject(Vec::new())]
        );
    }

    #[test]
    fn what_is_switched_off_may_be_broken() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("account.wasm"), "text").unwrap();
        std::fs::write(dir.path().join("v2.wasm"), "text").unwrap();
        let off = [of("account", None, false), of("contact", Some("v2.wasm"), false)];
        assert_eq!(reasons(dir.path(), &off), []);
    }
}
