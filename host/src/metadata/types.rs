//! What metadata says, as the rest of the host reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::auth::Auth;
use super::transport::Transport;
use crate::remote::rest::description::Description;

/// `[remote]`: the CRM server that is synchronized with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// `kind`: the protocol the server speaks.
    pub kind: RemoteKind,
    /// `url`: the address that resource names are appended to. Always http or https, always with a host, never with
    /// credentials.
    pub url: url::Url,
    /// `auth`: how the host identifies itself; none: it does not.
    pub auth: Option<Auth>,
    /// How requests get there.
    pub transport: Transport,
    /// `change-feed`: whether the server is asked for what changed; default: where it keeps the order of changes itself,
    /// and not where they could only be told by stamps, since a clock that is set back would hide changes.
    pub change_feed: Option<bool>,
    /// `list-every` so many runs, everything is listed, also where the server tells what changed; 1 for always, default
    /// 100.
    pub list_every: u32,
    /// The keys that only Siebel has. The defaults, and of no effect, with any other kind.
    pub siebel: SiebelOptions,
    /// What a `rest` server is like; none with any other kind.
    pub rest: Option<RestDescription>,
}

/// Where it is said what a `rest` server is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestDescription {
    /// `description`: one that comes with the host, by its name.
    Ready(String),
    /// `description`: a file, with the metadata file's folder put before it. Not checked to exist.
    File(PathBuf),
    /// `[remote.rest]`: here.
    Inline(Box<Description>),
}

/// The protocols that metadata knows by name. Whether this host has an adapter for one is the adapters' to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteKind {
    /// `siebel`: Siebel REST (`/siebel/v1.0`).
    Siebel,
    /// `odata`: OData 4, for example Dynamics 365.
    Odata,
    /// `tryton`: Tryton's JSON-RPC; the database is the path of the url.
    Tryton,
    /// `rest`: JSON over REST, as a description says.
    Rest,
}

impl RemoteKind {
    /// The name as it is written in metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Siebel => "siebel",
            Self::Odata => "odata",
            Self::Tryton => "tryton",
            Self::Rest => "rest",
        }
    }
}

/// The keys of `[remote]` that only a Siebel server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiebelOptions {
    /// `view-mode` of requests for records; default `Sales Rep`.
    pub view_mode: String,
    /// `user-key-view-mode` of the query that precedes an insert; default: `view_mode`. A wider one also finds records
    /// that the user may not see otherwise.
    pub user_key_view_mode: String,
    /// `timezone` that the server's timestamps are in, by its IANA name; default `UTC`. [`time_zone`](super::time_zone)
    /// has it.
    pub timezone: String,
}

impl Default for SiebelOptions {
    fn default() -> Self {
        let view_mode = "Sales Rep".to_owned();
        Self { user_key_view_mode: view_mode.clone(), view_mode, timezone: "UTC".to_owned() }
    }
}

/// `[local]`: the store on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// `kind` of store.
    pub kind: LocalKind,
    /// `path` of the store, with the metadata file's folder put before it. Made by the first run when missing.
    pub path: PathBuf,
}

/// The kinds of local store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalKind {
    /// `sqlite`: one SQLite file.
    Sqlite,
}

/// `[deletes]`: all deletes of one direction are held for confirmation when *both* are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletes {
    /// `count` of records that would be deleted; default 5.
    pub count: u64,
    /// `percent` of the object's records that would be deleted, 0 to 100; default 10.
    pub percent: u8,
}

impl Default for Deletes {
    fn default() -> Self {
        Self { count: 5, percent: 10 }
    }
}

/// `[undo]`: how long, and how much of, what runs overwrote or deleted locally is kept for `host undo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo {
    /// `keep`: how long; at most 3650 days, zero for not at all; default 30 days.
    pub keep: Duration,
    /// `size` in bytes of all that is kept; default 64 MiB.
    pub size: u64,
}

impl Default for Undo {
    fn default() -> Self {
        Self { keep: Duration::from_secs(30 * 24 * 60 * 60), size: 64 << 20 }
    }
}

/// `[objects.NAME]`: what is set for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// `enabled`: whether runs include the object; default true.
    pub enabled: bool,
    /// `plugin`: the component, in the folder of plugins or relative to the file; default: whichever describes itself by the object's name.
    pub plugin: Option<String>,
    /// `sha256` of the one component that is accepted: 64 hexadecimal digits in lower case.
    pub sha256: Option<String>,
    /// `filter` in the remote's own query language; default: all records.
    pub filter: Option<String>,
    /// `on-conflict`: how a conflict is settled; default: by the plugin, where it can, else ask.
    pub on_conflict: Option<Policy>,
    /// `fields`: rules for single fields, by name. Whether the object has such a field is not checked here.
    pub fields: BTreeMap<String, FieldRule>,
    /// `limits` of the component.
    pub limits: Limits,
    /// `grants`: what the component may import; default: nothing.
    pub grants: Vec<Grant>,
}

impl Default for ObjectMetadata {
    fn default() -> Self {
        Self {
            enabled: true,
            plugin: None,
            sha256: None,
            filter: None,
            on_conflict: None,
            fields: BTreeMap::new(),
            limits: Limits::default(),
            grants: Vec::new(),
        }
    }
}

/// What a component may import, though a plugin imports nothing (`grants`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// `wasi`: an empty, deterministic WASI.
    Wasi,
}

/// How conflicts of an object are settled (`on-conflict`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// `ask` the person.
    Ask,
    /// `keep-local`: the local record wins.
    KeepLocal,
    /// `keep-remote`: the remote record wins.
    KeepRemote,
    /// `merge`: what only one side changed is merged, field by field; for the rest, ask.
    Merge,
}

/// `fields.NAME` of an object: the rule for one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// `on-conflict` of the field, which must be there, since the rule says nothing else. Never [`Policy::Merge`]: a
    /// single field has nothing to merge.
    pub on_conflict: Policy,
}

/// `limits` of one object's component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `memory` in bytes, above zero; default 64 MiB.
    pub memory: u64,
    /// `fuel-per-record` in wasmtime's units, about one an instruction; above zero, default 2 000 000.
    pub fuel_per_record: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 64 << 20, fuel_per_record: 2_000_000 }
    }
}
