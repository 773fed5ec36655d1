//! `sync.toml`: which remote, which local store, which plugins, and how.
//!
//! [`Metadata::load`] reads the file and checks all that can be known from the file alone. What needs more, such as
//! whether a plugin for `[objects.NAME]` exists, is checked by the caller, who reports it with [`Metadata::error_at`].
//!
//! One file, one job: `types` is what the rest of the host reads; `check`, `remote`, `auth`, `transport`, `secret` and
//! `objects` are the rules of the sections; `redact` takes secrets out of what is printed. The walk over the file, and its mistakes, are those of
//! `toml_file`.

mod auth;
mod check;
mod objects;
mod redact;
mod remote;
mod secret;
mod transport;
mod types;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::toml_file::{error, found, read};

pub use crate::toml_file::error::{Location, MetadataError, Problem, ProblemKind};
pub use crate::toml_file::nearest::suggestion;
pub use auth::{Auth, ClientAuth};
pub use remote::time_zone;
pub use secret::Secret;
pub use transport::{Ca, Proxy, Transport};
pub use types::{
    Deletes, FieldRule, Grant, Limits, Local, LocalKind, ObjectMetadata, Policy, Remote, RemoteKind,
    RestDescription, SiebelOptions, Undo,
};

/// The version of the metadata format that this host understands: the file's `version` key.
pub const VERSION: u64 = 1;

/// The checked content of a metadata file. It cannot be had with a mistake in it.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The file as it was named by the user; relative paths in it start at its folder.
    pub file: PathBuf,
    /// `[remote]`: the CRM server.
    pub remote: Remote,
    /// `[local]`: the store on this machine.
    pub local: Local,
    /// `plugins.dir`, with the file's folder put before it: every `*.wasm` and `*.object.toml` in
    /// it is an object. Not checked to exist.
    pub plugins_dir: PathBuf,
    /// `[deletes]`: how many deletes are held for confirmation.
    pub deletes: Deletes,
    /// `[undo]`: what is kept of what runs overwrite.
    pub undo: Undo,
    /// `[objects.NAME]` by name. An object that is not in here has [`ObjectMetadata::default`].
    pub objects: BTreeMap<String, ObjectMetadata>,
    /// The text with every secret blanked out, for errors that are found later.
    source: error::Source,
    /// Where each key of the file stands, by its path.
    locations: BTreeMap<Vec<String>, Location>,
}

impl Metadata {
    /// Reads and checks the file at `path`, with secrets from this process's environment.
    ///
    /// Every error of this module means exit code 2, before anything is contacted.
    pub fn load(path: &Path) -> Result<Self, MetadataError> {
        let bytes = std::fs::read(path).map_err(|error| MetadataError::unreadable(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| MetadataError::not_utf8(path, &error))?;
        Self::parse(path, &text, &|name| std::env::var_os(name))
    }

    /// Checks `text` as the content of `file`, with `env` for the environment. Reads the files that secrets are in, and
    /// nothing else. Reports all mistakes, in the order of the file; but a file that is not TOML, or that is of another
    /// version, is reported as that alone, since the rest would be guesswork.
    pub fn parse(
        file: &Path,
        text: &str,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, MetadataError> {
        let (tree, syntax) = DeTable::parse_recoverable(text);
        let root = tree.get_ref();
        let source = error::Source::new(file, redact::redact(text, syntax.is_empty().then_some(root)));
        let mut found = found::Found::new(&source, text);
        if !syntax.is_empty() {
            found.syntax(&syntax);
            return Err(found.into_error());
        }

        let checked = check::metadata(&read::Table::root(root), &check::Around::new(file, env), &mut found);
        match checked {
            Some(parts) if found.is_empty() => {
                let mut locations = BTreeMap::new();
                locate(&[], root, &mut locations);
                Ok(Self {
                    file: file.to_owned(),
                    remote: parts.remote,
                    local: parts.local,
                    plugins_dir: parts.plugins_dir,
                    deletes: parts.deletes,
                    undo: parts.undo,
                    objects: parts.objects,
                    source,
                    locations,
                })
            }
            _ => Err(found.into_error()),
        }
    }

    /// Where a key stands: its value, or the name itself where the value is a table. For a key that is not in the file,
    /// the nearest table around it; failing that, the start of the file.
    ///
    /// `&["objects", "opportunity", "plugin"]` is the `plugin` of `[objects.opportunity]`.
    pub fn location(&self, path: &[&str]) -> Location {
        let owned: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        (1..=owned.len())
            .rev()
            .find_map(|length| self.locations.get(owned.get(..length)?))
            .copied()
            .unwrap_or_default()
    }

    /// An error at a place in this file, for what only the caller can check: an object without a plugin, a field that
    /// its object does not have, a plugin file that is missing. It looks like the errors of [`Metadata::load`].
    pub fn error_at(&self, at: Location, message: impl Into<String>, help: Option<String>) -> MetadataError {
        Problem::new(ProblemKind::Reference, &self.source, self.source.text(), at, message.into(), help)
            .into()
    }
}

/// Notes where each key below `table` stands.
fn locate(above: &[String], table: &DeTable<'_>, into: &mut BTreeMap<Vec<String>, Location>) {
    for (key, value) in table {
        let mut path = above.to_vec();
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => {
                locate(&path, inner, into);
                into.insert(path, key.span().into());
            }
            _ => {
                into.insert(path, value.span().into());
            }
        }
    }
}
