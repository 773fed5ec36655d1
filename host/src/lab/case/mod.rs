//! Case files: one example each, written by the author or saved by a law that a row broke.

mod read;
mod write;

pub(super) use read::read_all;
pub(super) use write::{Named, save, write};

use super::laws::{Over, Sample};
use crate::shown::shown;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use sync_core::value::Row;

/// A case file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", shown(file))]
pub struct CaseError {
    /// The file, or the folder.
    pub file: PathBuf,
    /// What is wrong.
    pub why: String,
}

/// An example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) file: PathBuf,
    pub(super) name: String,
    pub(super) expected: Expected,
}

/// What a case says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// A remote record becomes this local one, which becomes the remote one again, or `back` where it is another.
    Mapped { remote: Row, local: Row, back: Option<Row> },
    /// A local record is sent as this.
    Sent { local: Row, back: Row },
    /// A remote record is not kept.
    NotKept { remote: Row, rejected: Rejected },
    /// A local record is not sent.
    NotSent { local: Row, rejected: Rejected },
    /// A record that both sides changed is settled like this.
    Merged { sides: [Row; 3], resolution: Resolution },
    /// A law holds for this row.
    Law { law: String, over: Over, sample: Sample },
    /// Nothing yet, for `--bless` to fill in.
    Nothing(Input),
}

/// The half of a case that a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Remote(Row),
    Local(Row),
    Merge([Row; 3]),
}

/// What `merging` is expected to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resolution {
    KeepLocal,
    KeepRemote,
    Ask,
    Row(Row),
}

/// A refusal that is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejected {
    pub(super) code: String,
    /// Name of the field on the input side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
}
