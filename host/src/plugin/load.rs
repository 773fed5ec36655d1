//! From a file to a plugin that is ready to map.

use super::declared::{self, Generics, declared_object};
use super::engine::engine;
use super::failure::clean;
use super::inspect::{Inspection, LARGEST_FILE, inspect};
use super::limits::{Limits, Meter};
use super::mapper::WasmMapper;
use super::refusal::{Reason, Refusal};
use super::sandbox::Sandbox;
use super::v0_1::ObjectPluginPre;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use sync_core::object::{Descriptor, Object, ObjectName};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

/// Longest text of the compiler that a message repeats, in characters.
pub(super) const LONGEST_CAUSE: usize = 300;

/// Loads components, all with one engine.
pub struct Loader {
    engine: Engine,
    /// Empty: a plugin imports nothing.
    linker: Linker<Meter>,
    /// What carries out declared objects.
    pub(super) generics: Generics,
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
        let engine = engine().map_err(|error| EngineError(format!("{error:#}")))?;
        let linker = Linker::new(&engine);
        Ok(Loader { engine, linker, generics: Generics::default() })
    }

    /// Loads a component: inspects, compiles and asks it what it is. With `pinned`, any other component than
    /// that of this sha256 is refused before it runs. A file `NAME.object.toml` is loaded as the object that it
    /// declares.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(&self, path: &Path, pinned: Option<&str>, limits: Limits) -> Result<WasmMapper, Refusal> {
        if declared_object(path).is_some() {
            return declared::load(self, path, pinned, limits);
        }
        let (bytes, inspection) = read(path)?;
        self.prepare(path, &bytes, inspection, pinned, limits)
    }

    /// As [`Loader::load`], of a file that was read already.
    pub(super) fn prepare(
        &self,
        path: &Path,
        bytes: &[u8],
        inspection: Inspection,
        pinned: Option<&str>,
        limits: Limits,
    ) -> Result<WasmMapper, Refusal> {
        let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
        if declared::export(&inspection.exports).is_some() {
            return Err(refuse(Reason::Generic));
        }
        inspection.check().map_err(refuse)?;
        check_digest(&inspection, pinned).map_err(refuse)?;
        let pre = self
            .compile(bytes)
            .map_err(|error| refuse(Reason::Uncompilable(clean(&format!("{error:#}"), LONGEST_CAUSE))))?;
        self.described(path, inspection, Sandbox { pre, limits, declared: None })
    }

    /// Asks a component what it is.
    pub(super) fn described(
        &self,
        path: &Path,
        inspection: Inspection,
        sandbox: Sandbox,
    ) -> Result<WasmMapper, Refusal> {
        let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
        let limits = sandbox.limits;
        let sandbox = Sandbox { limits: Limits::DESCRIBE, ..sandbox };
        let descriptor = describe(&sandbox).map_err(refuse)?;
        // A name that is not usable is quoted in the reason.
        let named = ObjectName::new(descriptor.name.as_str()).ok().map(|name| name.as_str().to_owned());
        let object = Object::try_from(descriptor)
            .map_err(|error| Refusal { object: named, ..refuse(Reason::Descriptor(error)) })?;
        Ok(WasmMapper::new(path.to_owned(), inspection, object, Sandbox { limits, ..sandbox }))
    }

    pub(super) fn compile(&self, bytes: &[u8]) -> Result<ObjectPluginPre<Meter>, wasmtime::Error> {
        // Not `Component::new`, which would take text as well.
        let component = Component::from_binary(&self.engine, bytes)?;
        ObjectPluginPre::new(self.linker.instantiate_pre(&component)?)
    }
}

/// Reads a file and its surface; for those who want to see a component that is refused.
///
/// # Errors
/// When it cannot be read or is no component.
pub fn read(path: &Path) -> Result<(Vec<u8>, Inspection), Refusal> {
    let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
    let unreadable = |error: std::io::Error| refuse(Reason::Unreadable(error.to_string()));
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know, however large the file is.
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    let inspection = inspect(&bytes).map_err(refuse)?;
    Ok((bytes, inspection))
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
