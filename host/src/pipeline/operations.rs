//! Step 4's vocabulary: the operations with the data that each carries, and what an object's apply shares.

use super::conflicts::{Open, Settlement, Then};
use super::feed::Progress;
use super::followers::{Follower, Revised};
use super::{Event, Failed, Failure, Observer, Options, Participant, Stop, Subject};
use crate::ports::{Change, Changed, IssueEntry, Person, Remote, Store};
use crate::report::{ObjectReport, PlannedOperation};
use std::collections::HashSet;
use std::sync::Arc;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::operation::Operation;

/// What a compare found to do with one object. Nothing in it has been carried out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Entries of the baseline that only get new tokens.
    pub(super) bookkeeping: Vec<Change>,
    /// Pairs whose remote id came back as another record (decision 14).
    pub(super) outlived: Vec<LocalId>,
    /// Pairs that are gone on both sides.
    pub(super) forgotten: Vec<Pair>,
    /// New local records.
    pub(super) push_inserts: Vec<LocalKey>,
    /// New remote records.
    pub(super) pull_inserts: Vec<RemoteId>,
    /// How they are best read.
    pub(super) reading: Reading,
    /// Remote changes.
    pub(super) pull_updates: Vec<PullUpdate>,
    /// Local changes.
    pub(super) push_updates: Vec<PushUpdate>,
    /// Records gone on the remote, or out of the filter.
    pub(super) pull_deletes: Vec<PullDelete>,
    /// Records gone locally.
    pub(super) push_deletes: Vec<PushDelete>,
    /// Both sides changed, and nobody has chosen.
    pub(super) open: Vec<Open>,
    /// Both sides changed, and it is settled which to keep.
    pub(super) settlements: Vec<Settlement>,
    /// Records that could not even be compared.
    pub(super) issues: Vec<IssueEntry>,
    /// Deletes that wait for confirmation (decision 23).
    pub(super) held_deletes: u64,
    /// Whether a local change went before what a remote record that nobody wrote is now read as.
    pub(super) read_otherwise: bool,
    /// How far the remote's changes are known when all this is done.
    pub(super) progress: Progress,
    /// Local fields that a change touches, by operation; filled for a plan only.
    pub(super) planned: Vec<PlannedOperation>,
}

/// How new remote records are best read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Reading {
    /// By their ids.
    #[default]
    Each,
    /// They are most of what the remote has: with the rest, page by page.
    WithTheRest,
    /// There is nothing here that they could be compared with, so that they were not listed: page by page, so many.
    Unlisted(u64),
}

impl Plan {
    /// Adds what is left to do once a conflict is settled.
    pub(super) fn add(&mut self, then: Then) {
        match then {
            Then::PullInsert(id) => self.pull_inserts.push(id),
            Then::PullUpdate(update) => self.pull_updates.push(update),
            Then::PullDelete(delete) => self.pull_deletes.push(delete),
            Then::PushInsert(key) => self.push_inserts.push(key),
            Then::PushUpdate(update) => self.push_updates.push(update),
            Then::PushDelete(delete) => self.push_deletes.push(delete),
        }
    }

    /// A local record that is still to be written got another revision by our own doing.
    pub(super) fn revised(&mut self, local: LocalId, before: Revision, after: Revision) {
        let updates = self.pull_updates.iter_mut().map(|it| (it.pair.local, &mut it.revision));
        let deletes = self.pull_deletes.iter_mut().map(|it| (it.pair.local, &mut it.revision));
        for (_, revision) in updates.chain(deletes).filter(|(id, it)| *id == local && **it == before) {
            *revision = after;
        }
        let settled = self.settlements.iter_mut().map(|it| &mut it.open);
        settled.chain(&mut self.open).for_each(|it| it.revised(local, before, after));
    }
}

/// The remote change goes to the local record.
#[derive(Debug, Clone)]
pub(super) struct PullUpdate {
    pub(super) pair: Pair,
    /// The local record's revision when compared.
    pub(super) revision: Revision,
}

/// The local change goes to the remote record.
#[derive(Debug, Clone)]
pub(super) struct PushUpdate {
    pub(super) pair: Pair,
    /// The token that the remote record had when compared.
    pub(super) expected: RemoteToken,
}

/// The local record goes.
#[derive(Debug, Clone)]
pub(super) struct PullDelete {
    pub(super) pair: Pair,
    /// The local record's revision when compared.
    pub(super) revision: Revision,
    /// It only left the filter: no delete for the guard (decision 12).
    pub(super) departed: bool,
}

/// The remote record goes.
#[derive(Debug, Clone)]
pub(super) struct PushDelete {
    pub(super) pair: Pair,
    /// The token that the remote record had when compared.
    pub(super) expected: RemoteToken,
}

/// One object under way: its report, and everything that its steps share.
pub(super) struct Work<'a> {
    pub(super) run: &'a str,
    pub(super) remote: &'a Arc<dyn Remote>,
    /// Which server that is, and as which user.
    pub(super) server: &'a str,
    pub(super) observer: &'a dyn Observer,
    pub(super) person: Option<&'a dyn Person>,
    pub(super) options: Options,
    pub(super) participants: &'a [Participant],
    /// Objects that take part in other runs, but not in this one.
    pub(super) others: &'a [Object],
    /// Which participant this is.
    pub(super) index: usize,
}

impl<'a> Work<'a> {
    pub(super) fn participant(&self) -> &'a Participant {
        &self.participants[self.index]
    }

    pub(super) fn object(&self) -> &'a Object {
        self.participant().mapper.object()
    }

    /// All objects that links may come from: those of this run, then the others.
    pub(super) fn objects(&self) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.participants.iter().map(|it| it.mapper.object()).chain(self.others)
    }

    /// Whether the object takes part in other runs, but not in this one.
    pub(super) fn is_elsewhere(&self, object: &ObjectName) -> bool {
        self.others.iter().any(|other| other.name == *object)
    }

    /// Records that are looked up and written in one call of the remote.
    pub(super) fn write_batch(&self) -> usize {
        self.remote.capabilities().write_batch.max(1)
    }

    /// Batches of inserts that may be under way at once.
    pub(super) fn write_batches(&self) -> usize {
        self.remote.capabilities().write_batches.max(1)
    }

    /// Announces a step.
    pub(super) fn step(&self, step: Operation, total: usize) {
        if total > 0 {
            let object = self.object().name.as_str();
            self.observer.event(Event::Step { object, step: step.name(), total: Some(total as u64) });
        }
    }

    /// Commits changes. What the local table refuses is its record's failure (decision 22).
    pub(super) fn commit(
        &self,
        store: &mut dyn Store,
        changes: Vec<Change>,
        failures: &mut Failed<Subject>,
    ) -> Result<Vec<Changed>, Stop> {
        let subjects: Vec<Subject> = changes.iter().map(subject).collect();
        let answers = store.commit(self.object(), changes)?;
        for (answer, subject) in answers.iter().zip(subjects) {
            if let Changed::Refused { message } = answer {
                failures.push((subject, Failure::local_refused(message)));
            }
        }
        Ok(answers)
    }

    /// Enters failures into the log at once: a run that dies later has still told of them.
    pub(super) fn log(
        &self,
        store: &mut dyn Store,
        operation: Operation,
        failures: Failed<Subject>,
    ) -> Result<(), Stop> {
        if failures.is_empty() {
            return Ok(());
        }
        let issues: Vec<IssueEntry> = failures
            .into_iter()
            .map(|(subject, failure)| failure.issue(self.object(), operation, subject))
            .collect();
        for issue in &issues {
            self.observer.event(Event::Issue(issue));
        }
        Ok(store.record_issues(self.run, &issues)?)
    }
}

/// The record that a change is about.
fn subject(change: &Change) -> Subject {
    match change {
        Change::Insert { remote, .. } => Subject::remote(&remote.id),
        Change::Update { local, remote, .. } => Subject::pair(*local, &remote.id),
        Change::Link { baseline, .. } | Change::Relink { baseline, .. } => {
            Subject::pair(baseline.pair.local, &baseline.pair.remote.id)
        }
        Change::Delete { local, .. }
        | Change::Settle { local, .. }
        | Change::Unlink { local, .. }
        | Change::Forget { local }
        | Change::Settled { local } => Subject::local(*local),
        Change::Intend(intent) => Subject::local(intent.local),
    }
}

/// The local records that a run deletes, by the position of their object in [`Work::objects`].
pub(super) type Doomed = HashSet<(usize, LocalId)>;

/// One object on its way through the steps.
pub(super) struct Journey {
    pub(super) report: ObjectReport,
    pub(super) plan: Plan,
    pub(super) learned: Learned,
    /// It failed or was skipped: nothing more is done with it.
    pub(super) stopped: bool,
}

/// What an object's apply learns for its own later steps.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Remote records that an open issue keeps from being pulled (decision 4).
    pub(super) twins: HashSet<RemoteId>,
    /// User keys of new local records that were not looked up, or not inserted: a remote record that has one may
    /// be the same, and is not pulled beside it (decision 4).
    pub(super) reserved: Vec<UserKey>,
    /// Whether a new local record was not looked up this time, so that twins of earlier runs still count.
    pub(super) not_looked_up: bool,
    /// Whether a remote record could not be read: a new mapping has then not seen every record.
    pub(super) unread: bool,
    /// Local records inserted on the remote without a link that points forward (decision 16).
    pub(super) refill: Vec<LocalId>,
    /// Local records pulled without a link that points forward.
    pub(super) open_links: Vec<OpenLink>,
    /// Records whose links follow one of this object that is created anew (decision 19).
    pub(super) followers: Vec<Follower>,
    /// Records of this object whose links are to be sent again.
    pub(super) relinked: Vec<LocalId>,
    /// Records of other objects whose revision this one's writes changed.
    pub(super) revised: Vec<Revised>,
}

/// A pulled record that waits for the record which one of its links points at.
#[derive(Debug, Clone)]
pub(super) struct OpenLink {
    pub(super) local: LocalId,
    pub(super) remote: RemoteKey,
}

/// Counts values that the server keeps otherwise than they were sent, by field (decision 9).
pub(super) fn note_differences(report: &mut ObjectReport, object: &Object, fields: &[usize]) {
    for field in fields.iter().filter_map(|index| object.local.get(*index)) {
        report.differences += 1;
        *report.differing_fields.entry(field.name.clone()).or_default() += 1;
    }
}
