//! What there is in a folder of plugins, and what becomes of each: which component serves which object, as the metadata
//! says.

use super::declared::declared_object;
use super::grant::Grant;
use super::limits::Limits;
use super::load::{EngineError, Loader, Terms, check_digest};
use super::mapper::WasmMapper;
use super::parallel::in_parallel;
use super::refusal::{Reason, Refusal};
use crate::ports::Mapper;
use crate::shown::shown;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the metadata says of one object's component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginOverride {
    /// Name of the object.
    pub object: String,
    /// Its component; default: whichever of the folder describes the object.
    pub file: Option<PathBuf>,
    /// The one component that is accepted.
    pub sha256: Option<String>,
    /// What it may use up.
    pub limits: Limits,
    /// What it may import.
    pub grants: Vec<Grant>,
    /// Whether the object takes part.
    pub enabled: bool,
}

/// A folder of components and declarations, with what becomes of each: for those who want to see what no run would take.
pub struct Survey {
    /// Those that a run takes, by the names of their objects.
    pub taken: BTreeMap<String, Arc<WasmMapper>>,
    /// Those that are left out because the metadata says so.
    pub left_out: Vec<LeftOut>,
    /// All that is wrong. Where there is anything, there is no run.
    pub refusals: Vec<Refusal>,
}

/// A component that the metadata leaves out.
pub struct LeftOut {
    /// The component.
    pub file: PathBuf,
    /// The object that it is for, as far as is known.
    pub object: String,
    /// The plugin, where it was loaded and can be used.
    pub plugin: Option<WasmMapper>,
    /// The file that the metadata prefers; none where the object is switched off.
    pub instead: Option<String>,
}

impl Survey {
    /// Looks at every `*.wasm` and `*.object.toml` of a folder, as the overrides say.
    ///
    /// # Errors
    /// When no plugin can run here.
    pub fn of(dir: &Path, overrides: &[PluginOverride]) -> Result<Survey, EngineError> {
        let nothing = || Survey { taken: BTreeMap::new(), left_out: Vec::new(), refusals: Vec::new() };
        let files = match components(dir) {
            Ok(files) => files,
            Err(refusal) => return Ok(Survey { refusals: vec![refusal], ..nothing() }),
        };
        let mut choice =
            Choice { dir, overrides, survey: nothing(), described: BTreeSet::new(), broken: BTreeSet::new() };
        let files = choice.files(files);
        let loader = Loader::new()?;
        let loaded = in_parallel(&files, |path| {
            let claimed = choice.claimed_by(path);
            let pinned = claimed.and_then(|it| it.sha256.as_deref());
            let terms = Terms { pinned, grants: choice.grants_before(path), ..Terms::default() };
            loader.load(path, terms).map_err(|refusal| Refusal {
                object: refusal.object.or_else(|| claimed.map(|it| it.object.clone())),
                ..refusal
            })
        });
        for (path, plugin) in files.iter().zip(loaded) {
            choice.place(path, plugin);
        }
        if choice.is_idle() {
            choice.refuse(dir, None, Reason::EmptyFolder);
        }
        choice.miss();
        Ok(choice.survey)
    }
}

/// Which component serves which object.
struct Choice<'a> {
    dir: &'a Path,
    overrides: &'a [PluginOverride],
    survey: Survey,
    /// Objects that components describe, whether those are used or not.
    described: BTreeSet<String>,
    /// Objects whose component is broken, so that it need not be said again that nothing describes them.
    broken: BTreeSet<String>,
}

impl Choice<'_> {
    fn refuse(&mut self, file: &Path, object: Option<&str>, reason: Reason) {
        let refusal = Refusal { file: file.to_owned(), object: object.map(str::to_owned), reason };
        self.survey.refusals.push(refusal);
    }

    fn leave_out(&mut self, file: &Path, object: &str, plugin: Option<WasmMapper>, instead: Option<String>) {
        let (file, object) = (file.to_owned(), object.to_owned());
        self.survey.left_out.push(LeftOut { file, object, plugin, instead });
    }

    /// The override that names this file.
    fn claimed_by(&self, path: &Path) -> Option<&PluginOverride> {
        self.overrides.iter().find(|it| it.file.as_ref().is_some_and(|file| file == path))
    }

    fn of_object(&self, object: &str) -> Option<&PluginOverride> {
        self.overrides.iter().find(|it| it.object == object)
    }

    /// What a component may import while it says what it is: what its object may, by the file's name.
    fn grants_before(&self, path: &Path) -> &[Grant] {
        let given = self.claimed_by(path).or_else(|| self.of_object(&stem(path)));
        given.map_or(&[], |it| it.grants.as_slice())
    }

    /// The files to load: those of the folder and those that are named, without what is switched off.
    fn files(&mut self, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
        for given in self.overrides {
            let Some(path) = given.file.clone() else { continue };
            let object = given.object.clone();
            if !path.is_file() {
                self.refuse(&path, Some(&object), Reason::NoSuchFile);
                self.broken.insert(object);
            } else if given.enabled && !files.contains(&path) {
                files.push(path);
            } else if !given.enabled {
                files.retain(|file| *file != path);
                self.leave_out(&path, &object, None, None);
                self.described.insert(object);
            }
        }
        files.sort();
        files
    }

    /// Takes a plugin into the catalog, leaves it out because the metadata says so, or says what is wrong.
    fn place(&mut self, path: &Path, plugin: Result<WasmMapper, Refusal>) {
        let plugin = match plugin {
            Ok(plugin) => plugin,
            // It serves the declarations beside it.
            Err(Refusal { reason: Reason::Generic, .. }) if self.claimed_by(path).is_none() => return,
            Err(refusal) => {
                // `host plugin build` names the file after the object: that is all there is to go by.
                let object = refusal.object.clone().unwrap_or_else(|| stem(path));
                if self.of_object(&object).is_none_or(|it| it.enabled) {
                    // What is wrong with the component of several declarations is told once.
                    if !self.survey.refusals.contains(&refusal) {
                        self.survey.refusals.push(refusal);
                    }
                } else {
                    tracing::debug!("{refusal}, but {object} is switched off");
                    self.leave_out(path, &object, None, None);
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
        if given.is_some_and(|it| !it.enabled) {
            return self.leave_out(path, &name, Some(plugin), None);
        }
        if let Some(instead) = given.and_then(|it| it.file.as_ref()).filter(|file| *file != path) {
            return self.leave_out(path, &name, Some(plugin), Some(shown(instead)));
        }
        if let Err(reason) = check_digest(plugin.inspection(), given.and_then(|it| it.sha256.as_deref())) {
            return self.refuse(path, Some(&name), reason);
        }
        // The file's name may have said otherwise.
        let grants = given.map_or(&[][..], |it| it.grants.as_slice());
        if let Err(reason) = plugin.inspection().check(grants) {
            return self.refuse(path, Some(&name), reason);
        }
        if let Some(first) = self.survey.taken.get(&name) {
            let other = first.path().to_owned();
            return self.refuse(path, Some(&name), Reason::SameObject { other });
        }
        let limits = given.map_or_else(Limits::default, |it| it.limits);
        self.survey.taken.insert(name, Arc::new(plugin.with_limits(limits)));
    }

    /// Whether nothing is wrong, and yet there is no object.
    fn is_idle(&self) -> bool {
        let found = !(self.survey.refusals.is_empty() && self.described.is_empty() && self.broken.is_empty());
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

/// The name that a file stands for: without its ending. It may become that of an object, which nobody escapes.
fn stem(path: &Path) -> String {
    let stem = || path.file_stem().map(shown).unwrap_or_default();
    declared_object(path).map_or_else(stem, str::to_owned)
}

/// Whether a file's name begins with no dot. Those of editors (locks, copies) and of file systems do, and nobody put them
/// there as plugins.
pub(super) fn is_shown(path: &Path) -> bool {
    !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The components and declarations of a folder, by name.
fn components(dir: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let list = || {
        let paths =
            std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        let is_plugin = |path: &PathBuf| {
            let ending = path.extension().is_some_and(|it| it == "wasm") || declared_object(path).is_some();
            ending && is_shown(path)
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
