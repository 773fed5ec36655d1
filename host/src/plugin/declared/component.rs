//! The component that carries out declared objects: found beside their files, compiled once, and told each time
//! which object it is.

use super::wit::{Declared, ObjectDeclaration};
use super::{LARGEST_DECLARATION, declaration, declared_object};
use crate::plugin::failure::clean;
use crate::plugin::inspect::{Inspection, digest};
use crate::plugin::limits::Meter;
use crate::plugin::load::{LONGEST_CAUSE, Loader, Terms, check_digest, read, read_bytes};
use crate::plugin::mapper::WasmMapper;
use crate::plugin::refusal::{Reason, Refusal};
use crate::plugin::sandbox::Sandbox;
use crate::plugin::survey::is_shown;
use crate::plugin::v0_1::ObjectPluginPre;
use crate::shown::shown;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use sync_core::object::Object;

/// What `host plugin build` calls it; an object of that name would take its place.
pub const NAME: &str = "declared";
/// The file of that name.
const FILE: &str = "declared.wasm";
/// What it exports beside what every plugin does, without the version.
const EXPORT: &str = "crm:declared-object/declaration@";
/// The versions of it that this host hands declarations to.
const MAPPED: &str = "0.1.";

/// The version of the interface for declarations that a component exports.
pub(in crate::plugin) fn export(exports: &[String]) -> Option<&str> {
    exports.iter().find_map(|name| name.strip_prefix(EXPORT))
}

/// The component, compiled.
pub(in crate::plugin) struct Generic {
    bytes: Vec<u8>,
    inspection: Inspection,
    pre: ObjectPluginPre<Meter>,
}

impl Generic {
    /// Compiles a component that exports the interface for declarations.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(in crate::plugin) fn new(
        loader: &Loader,
        bytes: Vec<u8>,
        inspection: Inspection,
    ) -> Result<Generic, Reason> {
        inspection.check_imports(&[])?;
        match export(&inspection.exports) {
            Some(version) if !version.starts_with(MAPPED) => {
                return Err(Reason::DeclarationVersion { found: version.to_owned() });
            }
            _ => inspection.check(&[])?,
        }
        let pre = loader.compile(&bytes, &inspection).map_err(|error| uncompilable(&error))?;
        Ok(Generic { bytes, inspection, pre })
    }
}

/// Checks such a component as a run would.
///
/// # Errors
/// Why it cannot be used.
pub(in crate::plugin) fn check(
    loader: &Loader,
    path: &Path,
    bytes: &[u8],
    inspection: &Inspection,
) -> Result<(), Refusal> {
    Generic::new(loader, bytes.to_owned(), inspection.clone())
        .map(drop)
        .map_err(|reason| refusal(path, reason))
}

/// The components that were found so far, by their folders: one serves every declaration beside it.
#[derive(Default)]
pub(in crate::plugin) struct Generics(Mutex<HashMap<PathBuf, Result<Arc<Generic>, Refusal>>>);

impl Generics {
    /// The component of a folder. Others that ask meanwhile wait: compiling it twice would cost more.
    fn of(&self, loader: &Loader, folder: &Path) -> Result<Arc<Generic>, Refusal> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(folder.to_owned()).or_insert_with(|| find(loader, folder).map(Arc::new)).clone()
    }
}

/// The component of a folder: the file of the usual name, or whichever exports the interface.
fn find(loader: &Loader, folder: &Path) -> Result<Generic, Refusal> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|file| is_shown(file) && file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort_by_key(|file| (file.file_name() != Some(FILE.as_ref()), file.clone()));
    for file in files {
        match read(&file) {
            Ok((bytes, inspection)) if export(&inspection.exports).is_some() => {
                return Generic::new(loader, bytes, inspection).map_err(|reason| Refusal {
                    file,
                    object: None,
                    reason,
                });
            }
            // Its own trouble is told where it is loaded.
            Ok(_) | Err(_) => {}
        }
    }
    Err(Refusal { file: folder.to_owned(), object: None, reason: Reason::NoGeneric })
}

/// A declaration that holds together.
pub(in crate::plugin) struct Checked {
    /// What the object is.
    pub(in crate::plugin) object: Object,
    /// What the component is told.
    declaration: ObjectDeclaration,
    /// The whole file.
    pub(in crate::plugin) text: String,
}

/// Reads and checks a declaration.
///
/// # Errors
/// Why it cannot be used.
pub(in crate::plugin) fn checked(path: &Path) -> Result<Checked, Refusal> {
    let refuse = |reason| refusal(path, reason);
    let name = declared_object(path).unwrap_or_default();
    let bytes = read_bytes(path).map_err(|refusal| refuse(refusal.reason))?;
    if bytes.len() as u64 > LARGEST_DECLARATION {
        return Err(refuse(Reason::LongDeclaration));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse(Reason::NotText))?;
    let (object, declaration) =
        declaration(path, name, &text).map_err(|error| refuse(Reason::Declaration(error.plain())))?;
    Ok(Checked { object, declaration, text })
}

/// Loads a declared object: the component beside the file, told what the file says. The digest is that of both
/// files, one after the other.
///
/// # Errors
/// Why it cannot be used.
pub(in crate::plugin) fn load(loader: &Loader, path: &Path, terms: Terms<'_>) -> Result<WasmMapper, Refusal> {
    let refuse = |reason| refusal(path, reason);
    let Checked { declaration, text, .. } = checked(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let generic = loader.generics.of(loader, folder).map_err(|refusal| match refusal.reason {
        Reason::NoGeneric => refuse(Reason::NoGeneric),
        _ => refusal,
    })?;
    let inspection = Inspection {
        size: generic.inspection.size + text.len() as u64,
        sha256: digest(&[&generic.bytes, text.as_bytes()]),
        ..generic.inspection.clone()
    };
    check_digest(&inspection, terms.pinned).map_err(refuse)?;
    let declared = Declared::new(declaration, generic.pre.instance_pre())
        .map_err(|error| refuse(uncompilable(&error)))?;
    let sandbox = Sandbox::new(generic.pre.clone(), terms.limits, Some(Arc::new(declared)));
    loader.described(path, inspection, sandbox)
}

fn refusal(path: &Path, reason: Reason) -> Refusal {
    Refusal { file: path.to_owned(), object: declared_object(path).map(shown), reason }
}

fn uncompilable(error: &wasmtime::Error) -> Reason {
    Reason::Uncompilable(clean(&format!("{error:#}"), LONGEST_CAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_of_the_interface_is_named() {
        let loader = Loader::new().unwrap();
        let inspection = Inspection {
            interface_version: Some("0.1.0".into()),
            imports: Vec::new(),
            excessive: false,
            composed: false,
            exports: vec!["crm:declared-object/declaration@0.2.0".into()],
            size: 0,
            sha256: String::new(),
        };
        let refused = Generic::new(&loader, Vec::new(), inspection).map(drop);
        assert_eq!(refused, Err(Reason::DeclarationVersion { found: "0.2.0".into() }));
    }
}
