//! What one check answers.

use super::report::Verdict;
use super::trial::Trial;
use crate::ports::{RemoteError, Scope, WriteError};
use futures_util::future::BoxFuture;

/// What a check found; `None` where the object has nothing that it is about.
pub(super) type Checked = Result<Option<Outcome>, Trouble>;

/// A check by its name.
pub(super) struct Check {
    /// Stable kebab-case name.
    pub(super) name: &'static str,
    /// Carries it out.
    pub(super) run: for<'a> fn(&'a Trial<'a>) -> BoxFuture<'a, Checked>,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What it came to.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What the runtime does about it.
    pub(super) means: String,
}

impl Outcome {
    fn new(verdict: Verdict, found: impl Into<String>, means: impl Into<String>) -> Outcome {
        Outcome { verdict, found: found.into(), means: means.into() }
    }
}

/// It is as the pipeline relies on it.
pub(super) fn holds(found: impl Into<String>, means: impl Into<String>) -> Outcome {
    Outcome::new(Verdict::Holds, found, means)
}

/// Something to know.
pub(super) fn note(found: impl Into<String>, means: impl Into<String>) -> Outcome {
    Outcome::new(Verdict::Note, found, means)
}

/// It is not as the pipeline relies on it.
pub(super) fn broken(found: impl Into<String>, means: impl Into<String>) -> Outcome {
    Outcome::new(Verdict::Broken, found, means)
}

/// Several observations that make one finding: the worst of them is its verdict.
#[derive(Debug, Default)]
pub(super) struct Gathered(Vec<Outcome>);

/// Most observations that a finding tells.
const MOST_TOLD: usize = 6;

impl Gathered {
    /// Adds one.
    pub(super) fn add(&mut self, outcome: Outcome) {
        self.0.push(outcome);
    }

    /// Adds one that is broken, unless the condition holds.
    pub(super) fn expect(&mut self, holds: bool, found: impl Into<String>, means: impl Into<String>) {
        if !holds {
            self.add(broken(found, means));
        }
    }

    /// All of them as one, or this where there are none.
    pub(super) fn or(self, well: Outcome) -> Outcome {
        let Some(verdict) = self.0.iter().map(|it| it.verdict).max() else { return well };
        let mut found: Vec<&str> = Vec::new();
        let mut means: Vec<&str> = Vec::new();
        // What weighs most comes first, so that it is told in any case.
        for weight in [Verdict::Broken, Verdict::Note, Verdict::Holds] {
            for it in self.0.iter().filter(|it| it.verdict == weight) {
                if !found.contains(&it.found.as_str()) {
                    found.push(&it.found);
                }
                if !means.contains(&it.means.as_str()) {
                    means.push(&it.means);
                }
            }
        }
        let more = found.len().saturating_sub(MOST_TOLD);
        found.truncate(MOST_TOLD);
        means.truncate(MOST_TOLD);
        let more = if more == 0 { String::new() } else { format!("; and {more} more of the kind") };
        Outcome { verdict, found: found.join("; ") + &more, means: means.join("; ") }
    }
}

/// Why a check could not be carried through.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The remote failed.
    Remote(RemoteError),
    /// A write that has nothing unusual was not carried out.
    Write(WriteError),
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Trouble {
        Trouble::Remote(error)
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Trouble {
        match error {
            WriteError::Remote(error) => Trouble::Remote(error),
            other => Trouble::Write(other),
        }
    }
}

impl Trouble {
    /// Whether nothing else will work either.
    pub(super) fn ends_all(&self) -> bool {
        matches!(self, Trouble::Remote(error) if error.scope == Scope::Run)
    }

    /// As a finding.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Trouble::Remote(error) => {
                let help = error.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
                let means = match error.scope {
                    Scope::Run => "a run ends here with this message (decision 22)",
                    Scope::Object => {
                        "a run fails this object here with this message; the others proceed (decision 22)"
                    }
                };
                broken(format!("{}{help}", error.message), means)
            }
            Trouble::Write(error) => broken(
                format!("a plain write was not carried out: {}", told(error)),
                "such a write is an issue of its record",
            ),
        }
    }
}

/// What became of a write, in words.
pub(super) fn told(error: &WriteError) -> String {
    match error {
        WriteError::Refused { code, message } => format!("refused ({code}): {message}"),
        WriteError::Moved => "moved: the record no longer has the expected token".into(),
        WriteError::Gone => "gone: the record is not there".into(),
        WriteError::NoVersion => "the record's version cannot be determined".into(),
        WriteError::FateUnknown { message, .. } => format!("its fate is unknown: {message}"),
        WriteError::Remote(error) => error.message.clone(),
    }
}
