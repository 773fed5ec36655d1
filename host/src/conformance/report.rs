//! What was found of a remote, object by object.

use crate::ports::Requests;
use serde::Serialize;
use sync_core::change_key::RemoteId;
use sync_core::object::ObjectName;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As the pipeline relies on it.
    Holds,
    /// Something to know; the runtime copes with it.
    Note,
    /// Not as the pipeline relies on it: edits could be lost, doubled or overwritten.
    Broken,
}

impl Verdict {
    /// The verdict in one word.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Note => "note",
            Verdict::Broken => "broken",
        }
    }
}

/// Which part of the kit a check belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Nothing is written.
    Reading,
    /// Done on records that the kit makes, and removes.
    Writing,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's stable kebab-case name.
    pub check: &'static str,
    /// Its part.
    pub part: Part,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What the runtime does about it.
    pub means: String,
}

/// A record that the kit made and could not remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// Its id.
    pub id: RemoteId,
    /// Why it is still there.
    pub why: String,
}

/// Everything that was found of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The object.
    pub object: ObjectName,
    /// Where its records live.
    pub resource: String,
    /// The filter of the metadata.
    pub filter: Option<String>,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// In the order in which the checks were done.
    pub findings: Vec<Finding>,
    /// Records that were made and are still there.
    pub left_behind: Vec<LeftBehind>,
    /// Requests that the checks took.
    pub requests: Requests,
}

impl Report {
    /// How many findings have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|it| it.verdict == verdict).count()
    }

    /// The names of the checks that something is broken about.
    pub fn broken(&self) -> Vec<&'static str> {
        self.findings.iter().filter(|it| it.verdict == Verdict::Broken).map(|it| it.check).collect()
    }
}
