//! From a file to a plugin that is ready to map.

use super::declared::{self, Generics, declared_object};
use super::engine::Engines;
use super::failure::clean;
use super::grant::Grant;
use super::inspect::{Inspection, LARGEST_FILE, inspect};
use super::limits::{Limits, Meter};
use super::mapper::WasmMapper;
use super::refusal::{Reason, Refusal};
use super::sandbox::Sandbox;
use super::v0_1::ObjectPluginPre;
use super::wasi;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use sync_core::object::{Descriptor, Object, ObjectName};
use wasmtime::component::Component;

/// Longest text of the compiler that a message repeats, in characters.
pub(super) const LONGEST_CAUSE: usize = 300;

/// Loads components.
pub struct Loader {
    engines: Engines,
    /// What carries out declared objects.
    pub(super) generics: Generics,
}

/// What a component is loaded under.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms<'a> {
    /// The sha256 of the one component that is accepted: any other is refused before it runs.
    pub pinned: Option<&'a str>,
    /// What it may use up.
    pub limits: Limits,
    /// What it may import; nothing, if not granted.
    pub grants: &'a [Grant],
}

/// This machine cannot run plugins at all.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the WebAssembly engine: {0}")]
pub struct EngineError(String);

impl Loader {
    /// Starts the engine.
    ///
    /// # Errors
    /// When wasmtime does not support this machine.
    pub fn new() -> Result<Loader, EngineError> {
        Loader::start(true)
    }

    /// Starts an engine that compiles every component anew.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub fn without_cache() -> Result<Loader, EngineError> {
        Loader::start(false)
    }

    fn start(cached: bool) -> Result<Loader, EngineError> {
        let engines = Engines::new(cached).map_err(|error| EngineError(format!("{error:#}")))?;
        Ok(Loader { engines, generics: Generics::default() })
    }

    /// Loads a component: inspects, compiles and asks it what it is. A file `NAME.object.toml` is loaded as the
    /// object that it declares.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(&self, path: &Path, terms: Terms<'_>) -> Result<WasmMapper, Refusal> {
        if declared_object(path).is_some() {
            return declared::load(self, path, terms);
        }
        let (bytes, inspection) = read(path)?;
        self.prepare(path, &bytes, inspection, terms)
    }

    /// As [`Loader::load`], of a file that was read already.
    pub(super) fn prepare(
        &self,
        path: &Path,
        bytes: &[u8],
        inspection: Inspection,
        terms: Terms<'_>,
    ) -> Result<WasmMapper, Refusal> {
        let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
        inspection.check_imports(terms.grants).map_err(refuse)?;
        if declared::export(&inspection.exports).is_some() {
            return Err(refuse(Reason::Generic));
        }
        inspection.check(terms.grants).map_err(refuse)?;
        check_digest(&inspection, terms.pinned).map_err(refuse)?;
        let pre = self
            .compile(bytes, &inspection)
            .map_err(|error| refuse(Reason::Uncompilable(clean(&format!("{error:#}"), LONGEST_CAUSE))))?;
        self.described(path, inspection, Sandbox::new(pre, terms.limits, None))
    }

    /// Asks a component what it is.
    pub(super) fn described(
        &self,
        path: &Path,
        inspection: Inspection,
        mut sandbox: Sandbox,
    ) -> Result<WasmMapper, Refusal> {
        let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
        let limits = std::mem::replace(&mut sandbox.limits, Limits::DESCRIBE);
        let descriptor = describe(&sandbox).map_err(refuse)?;
        // A name that is not usable is quoted in the reason.
        let named = ObjectName::new(descriptor.name.as_str()).ok().map(|name| name.as_str().to_owned());
        let object = Object::try_from(descriptor)
            .map_err(|error| Refusal { object: named, ..refuse(Reason::Descriptor(error)) })?;
        Ok(WasmMapper::new(path.to_owned(), inspection, object, sandbox).with_limits(limits))
    }

    pub(super) fn compile(
        &self,
        bytes: &[u8],
        inspection: &Inspection,
    ) -> Result<ObjectPluginPre<Meter>, wasmtime::Error> {
        let engine = self.engines.of(inspection)?;
        // Not `Component::new`, which would take text as well.
        let component = Component::from_binary(&engine, bytes)?;
        // Without imports there is nothing in it.
        let linker = wasi::linker(&engine, &component)?;
        ObjectPluginPre::new(linker.instantiate_pre(&component)?)
    }
}

/// Reads a file and its surface; for those who want to see a component that is refused.
///
/// # Errors
/// When it cannot be read or is no component.
pub fn read(path: &Path) -> Result<(Vec<u8>, Inspection), Refusal> {
    let bytes = read_bytes(path)?;
    let inspection =
        inspect(&bytes).map_err(|reason| Refusal { file: path.to_owned(), object: None, reason })?;
    Ok((bytes, inspection))
}

/// Reads a file, whatever is in it.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, Refusal> {
    let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
    let unreadable = |error: std::io::Error| refuse(Reason::Unreadable(error.to_string()));
    // Asked before it is opened: to open a pipe waits for someone who writes to it.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(refuse(Reason::NoFile));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know, however large the file is.
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}

/// Whether this is the component that the metadata pins.
pub(super) fn check_digest(inspection: &Inspection, pinned: Option<&str>) -> Result<(), Reason> {
    match pinned {
        Some(pinned) if !pinned.eq_ignore_ascii_case(&inspection.sha256) => {
            Err(Reason::Digest { pinned: pinned.to_owned(), found: inspection.sha256.clone() })
        }
        _ => Ok(()),
    }
}

/// Asks one instance twice. Fresh ones cannot differ, as they import nothing; one that remembers could, and
/// then its mapping would not be pure either.
fn describe(sandbox: &Sandbox) -> Result<Descriptor, Reason> {
    let (answer, _) = sandbox.call(|plugin, store| {
        let descriptor = plugin.crm_sync_object_descriptor();
        Ok((descriptor.call_describe(&mut *store)?, descriptor.call_describe(store)?))
    });
    let (first, second) = answer.map_err(Reason::Describe)?;
    let first = Descriptor::from(first);
    if first == Descriptor::from(second) { Ok(first) } else { Err(Reason::Fickle) }
}
