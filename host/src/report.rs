//! What a run did, as the one JSON document of `cli.md` and as text.

use crate::ports::Requests;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use sync_core::change_key::{LocalId, RemoteId};
use sync_core::object::ObjectName;
use sync_core::operation::Operation;

/// How a run or an object ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything equal, nothing pending.
    Synced,
    /// Done, but conflicts, issues or held deletes are pending.
    Pending,
    /// It failed; `error` says why.
    Failed,
    /// Not done, because the run or a parent failed before it. Objects only.
    Skipped,
}

impl Outcome {
    /// The word in the report.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Synced => "synced",
            Outcome::Pending => "pending",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

/// Records by operation, of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Inserts.
    pub insert: u64,
    /// Updates.
    pub update: u64,
    /// Deletes.
    pub delete: u64,
}

/// Records that pass the filter, on each side; `None` where it was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Local records.
    pub local: Option<u64>,
    /// Remote records.
    pub remote: Option<u64>,
}

/// What happened to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectReport {
    /// The object.
    pub object: ObjectName,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// What both sides counted.
    pub counted: Counts,
    /// Carried out on the local side.
    pub pull: Tally,
    /// Carried out on the remote side.
    pub push: Tally,
    /// Records that were equal on both sides and are now linked (decision 4).
    pub adopted: u64,
    /// Pending conflicts.
    pub conflicts: u64,
    /// Pending issues; in a plan those of the log, and what could not even be compared.
    pub issues: u64,
    /// Deletes that wait for confirmation (decision 23).
    pub held_deletes: u64,
    /// Values that the server keeps otherwise than they were sent (decision 9).
    pub differences: u64,
    /// Whether the filter is another one than in the last run (decision 12).
    pub filter_changed: bool,
    /// Whether the server or the user is another one than before, or that is unsettled: every record was compared,
    /// and no deletes are carried out without confirmation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remote_changed: bool,
    /// Requests sent.
    pub requests: Requests,
    /// The fields behind `differences`, with their number, for the text.
    #[serde(skip)]
    pub differing_fields: BTreeMap<String, u64>,
}

impl ObjectReport {
    /// A report of nothing yet.
    pub fn new(object: ObjectName) -> ObjectReport {
        ObjectReport {
            object,
            outcome: Outcome::Skipped,
            error: None,
            counted: Counts::default(),
            pull: Tally::default(),
            push: Tally::default(),
            adopted: 0,
            conflicts: 0,
            issues: 0,
            held_deletes: 0,
            differences: 0,
            filter_changed: false,
            remote_changed: false,
            requests: Requests::default(),
            differing_fields: BTreeMap::new(),
        }
    }

    /// The outcome of an object that is through: whether anything is pending.
    pub fn settle(&mut self) {
        let pending = self.conflicts + self.issues + self.held_deletes > 0;
        self.outcome = if pending { Outcome::Pending } else { Outcome::Synced };
    }

    /// Counts one operation.
    pub fn count(&mut self, operation: Operation) {
        let counter = match operation {
            Operation::PullInsert => &mut self.pull.insert,
            Operation::PullUpdate => &mut self.pull.update,
            Operation::PullDelete => &mut self.pull.delete,
            Operation::PushInsert => &mut self.push.insert,
            Operation::PushUpdate => &mut self.push.update,
            Operation::PushDelete => &mut self.push.delete,
        };
        *counter += 1;
    }
}

/// An operation that a run would carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedOperation {
    /// The object.
    pub object: ObjectName,
    /// What would be done.
    pub operation: Operation,
    /// The local record, where there is one.
    pub local_id: Option<LocalId>,
    /// The remote record, where there is one.
    pub remote_id: Option<RemoteId>,
    /// The local fields that would change; empty for inserts and deletes of whole records.
    pub fields: Vec<String>,
}

/// What a run did; serialized as `host run --format json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Id of the run.
    pub run: String,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// Why the run as a whole failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Object by object, in the order in which they are written.
    pub objects: Vec<ObjectReport>,
    /// What a run would do; in a plan only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<PlannedOperation>>,
}

impl Report {
    /// A run that failed before it could look at any object.
    pub fn of_failure(run: String, dry_run: bool, error: String) -> Report {
        Report {
            run,
            dry_run,
            outcome: Outcome::Failed,
            error: Some(error),
            objects: Vec::new(),
            operations: dry_run.then(Vec::new),
        }
    }

    /// The run as a whole failed, after it told what became of the objects. An earlier reason stands.
    pub fn fail(&mut self, error: String) {
        self.error.get_or_insert(error);
        self.outcome = Outcome::Failed;
    }

    /// The run's outcome, from those of its objects; why it failed, where only objects did.
    pub fn conclude(&mut self) {
        let failed = self.objects.iter().filter(|object| object.outcome == Outcome::Failed);
        let errors: Vec<String> = failed
            .filter_map(|object| Some(format!("{}: {}", object.object, object.error.as_deref()?)))
            .collect();
        if self.error.is_none() && !errors.is_empty() {
            self.error = Some(errors.join("; "));
        }
        let any = |outcome| self.objects.iter().any(|object| object.outcome == outcome);
        self.outcome = if self.error.is_some() || any(Outcome::Failed) || any(Outcome::Skipped) {
            Outcome::Failed
        } else if any(Outcome::Pending) {
            Outcome::Pending
        } else {
            Outcome::Synced
        };
    }

    /// The report as text: a line an object, then what needs attention.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for object in &self.objects {
            let _ = writeln!(text, "{}", line(object, self.dry_run));
        }
        for planned in self.operations.iter().flatten() {
            let id = |id: Option<String>| id.unwrap_or_else(|| "-".into());
            let _ = writeln!(
                text,
                "{:19} {:12} local {:8} remote {:16} {}",
                planned.object.as_str(),
                planned.operation.name(),
                id(planned.local_id.map(|id| id.to_string())),
                id(planned.remote_id.as_ref().map(ToString::to_string)),
                planned.fields.join(", ")
            );
        }
        let _ = writeln!(text, "{}", self.summary());
        text
    }

    fn summary(&self) -> String {
        let sum = |of: fn(&ObjectReport) -> u64| self.objects.iter().map(of).sum::<u64>();
        let pending = [
            (sum(|object| object.conflicts), "conflict", "`host conflicts` shows them"),
            (sum(|object| object.issues), "issue", "`host issues` shows them"),
            (
                sum(|object| object.held_deletes),
                "held delete",
                "`host run --confirm-deletes` carries them out",
            ),
        ];
        let pending: Vec<String> = pending
            .into_iter()
            .filter(|(count, _, _)| *count > 0)
            .map(|(count, what, how)| format!("{count} {what}{}: {how}", if count == 1 { "" } else { "s" }))
            .collect();
        let kind = if self.dry_run { "plan" } else { "run" };
        match self.outcome {
            outcome if pending.is_empty() => format!("{kind} {}: {}", self.run, outcome.name()),
            outcome => format!("{kind} {}: {}\n  {}", self.run, outcome.name(), pending.join("\n  ")),
        }
    }
}

fn line(object: &ObjectReport, dry_run: bool) -> String {
    let count = |count: Option<u64>| count.map_or_else(|| "?".into(), |count| count.to_string());
    let tally = |tally: Tally| format!("+{} ~{} -{}", tally.insert, tally.update, tally.delete);
    let mut line = format!(
        "{:19} {:9} local {:>7}  remote {:>7}  pull{} {:14} push{} {:14}",
        object.object.as_str(),
        object.outcome.name(),
        count(object.counted.local),
        count(object.counted.remote),
        if dry_run { " would be" } else { "" },
        tally(object.pull),
        if dry_run { " would be" } else { "" },
        tally(object.push),
    );
    for (number, name) in [
        (object.adopted, "adopted"),
        (object.conflicts, "conflicts"),
        (object.issues, "issues"),
        (object.held_deletes, "held deletes"),
    ] {
        if number > 0 {
            let _ = write!(line, "  {number} {name}");
        }
    }
    if object.differences > 0 {
        let named: Vec<String> =
            object.differing_fields.iter().map(|(field, count)| format!("{field} {count}")).collect();
        let _ = write!(line, "  {} differences ({})", object.differences, named.join(", "));
    }
    if object.filter_changed {
        line.push_str("  filter changed");
    }
    if object.remote_changed {
        line.push_str("  another server or user: all compared, deletes wait for confirmation");
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_does_not_run_into_the_outcome() {
        for (name, begin) in [
            ("task", "task                skipped   local"),
            ("nineteen-characters", "nineteen-characters skipped   local"),
            ("opportunity-line-item", "opportunity-line-item skipped   local"),
        ] {
            let text = line(&ObjectReport::new(ObjectName::new(name).unwrap()), false);
            assert!(text.starts_with(begin), "{text}");
        }
    }
}
