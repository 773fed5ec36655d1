//! Step 2: change keys. Tokens are compared for equality only (decision 2); nothing here has an
//! order but the ids, whose order is that of their bytes and serves the merge alone.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Id of a local record: its `INTEGER PRIMARY KEY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalId(pub i64);

/// Id of a remote record, as the server writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(pub String);

/// The local half of a change key: grows with every edit, one counter for the whole store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub i64);

impl Revision {
    /// Equal to no revision that the store hands out: the record counts as changed next time.
    pub const UNSETTLED: Revision = Revision(0);
}

/// The remote half of a change key: last-updated, and the version where the endpoint has one.
/// Deliberately without an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RemoteToken {
    /// Last-updated, as the server writes it.
    pub updated: String,
    /// Modification number or ETag.
    pub version: Option<String>,
}

impl RemoteToken {
    /// Equal to no token that a server sends: the record counts as changed next time.
    pub fn unsettled() -> RemoteToken {
        RemoteToken { updated: String::new(), version: None }
    }

    /// A token of which only our own version is known (decision 8). Without one, unsettled.
    pub fn of_version(version: Option<String>) -> RemoteToken {
        RemoteToken { updated: String::new(), version }
    }
}

impl fmt::Display for LocalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RemoteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} (version {version})", self.updated),
            None => f.write_str(&self.updated),
        }
    }
}

/// Change key of a local record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalKey {
    /// The record.
    pub id: LocalId,
    /// Its revision.
    pub revision: Revision,
}

/// Change key of a remote record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// The record.
    pub id: RemoteId,
    /// Its token.
    pub token: RemoteToken,
    /// When it was created, where the endpoint tells (decision 14).
    pub created: Option<String>,
    /// Whether it may change again without its token moving: stamped within one tick of being read, by an endpoint
    /// without versions (decision 3).
    pub fresh: bool,
}

impl RemoteKey {
    /// The token that enters the baseline: of a record that may change unseen, one that equals no other, so that its
    /// content decides next time (decision 3).
    pub fn token_to_keep(&self) -> (&str, Option<&str>) {
        if self.fresh { ("", None) } else { (&self.token.updated, self.token.version.as_deref()) }
    }
}

/// Two linked records, with their change keys as of the last success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The local record.
    pub local: LocalId,
    /// The remote record.
    pub remote: RemoteKey,
    /// The local record's revision.
    pub revision: Revision,
}
