//! Step 4: the operations' names. Which data an operation carries is the pipeline's affair; the
//! names are what plans, reports and the issue log share.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One of the six operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A new remote record is inserted locally.
    PullInsert,
    /// A changed remote record overwrites the local one.
    PullUpdate,
    /// A record deleted on the remote is deleted locally.
    PullDelete,
    /// A new local record is inserted on the remote.
    PushInsert,
    /// A changed local record updates the remote one.
    PushUpdate,
    /// A record deleted locally is deleted on the remote.
    PushDelete,
}

impl Operation {
    /// All six, in the order in which they are written about.
    pub const ALL: [Operation; 6] = [
        Operation::PullInsert,
        Operation::PullUpdate,
        Operation::PullDelete,
        Operation::PushInsert,
        Operation::PushUpdate,
        Operation::PushDelete,
    ];

    /// The kebab-case name that plans, reports and logs use.
    pub fn name(self) -> &'static str {
        match self {
            Operation::PullInsert => "pull-insert",
            Operation::PullUpdate => "pull-update",
            Operation::PullDelete => "pull-delete",
            Operation::PushInsert => "push-insert",
            Operation::PushUpdate => "push-update",
            Operation::PushDelete => "push-delete",
        }
    }

    /// The operation of a name.
    pub fn from_name(name: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
