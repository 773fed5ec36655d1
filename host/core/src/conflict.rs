//! Step 5: conflicts, and what settles them without a question.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the two sides did; the local side is named first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConflictKind {
    /// Both changed it.
    #[serde(rename = "update/update")]
    UpdateUpdate,
    /// Changed locally, deleted on the remote.
    #[serde(rename = "update/delete")]
    UpdateDelete,
    /// Deleted locally, changed on the remote.
    #[serde(rename = "delete/update")]
    DeleteUpdate,
}

impl ConflictKind {
    /// The name that logs and reports use.
    pub fn name(self) -> &'static str {
        match self {
            ConflictKind::UpdateUpdate => "update/update",
            ConflictKind::UpdateDelete => "update/delete",
            ConflictKind::DeleteUpdate => "delete/update",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<ConflictKind> {
        [ConflictKind::UpdateUpdate, ConflictKind::UpdateDelete, ConflictKind::DeleteUpdate]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which side of a conflict to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The local record, or its delete.
    KeepLocal,
    /// The remote record, or its delete.
    KeepRemote,
}

impl Choice {
    /// The word that `--keep` takes.
    pub fn name(self) -> &'static str {
        match self {
            Choice::KeepLocal => "local",
            Choice::KeepRemote => "remote",
        }
    }

    /// The choice of a word.
    pub fn from_name(name: &str) -> Option<Choice> {
        [Choice::KeepLocal, Choice::KeepRemote].into_iter().find(|choice| choice.name() == name)
    }
}
