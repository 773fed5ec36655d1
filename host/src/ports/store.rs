//! The local side: the records, the baseline, the journal and the logs.

use super::{Mark, Stretch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::conflict::{Choice, ConflictKind};
use sync_core::object::{Object, ObjectName};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// The links of one record, both change keys, and the record as both sides agreed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The pair and its change keys.
    pub pair: Pair,
    /// The agreed record, in local shape, references as local ids.
    pub row: Row,
    /// Pulled only because a link needs it, outside the filter (decision 12).
    pub beyond_filter: bool,
}

/// How a local record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalStatus {
    /// The record.
    pub local: LocalId,
    /// Its revision; `None` where it is gone.
    pub revision: Option<Revision>,
    /// The pair that it is part of, if it is linked.
    pub pair: Option<Pair>,
}

impl LocalStatus {
    /// The record's change key; `None` where it is gone.
    pub fn key(&self) -> Option<LocalKey> {
        self.revision.map(|revision| LocalKey { id: self.local, revision })
    }
}

/// A local record with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRecord {
    /// Its change key.
    pub key: LocalKey,
    /// Its content in local shape, or the field that holds what cannot be such a value.
    pub row: Result<Row, Unfit>,
}

/// A value that does not fit its field, in a record that cannot be sent for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Index of the local field.
    pub field: usize,
    /// Stable code for the issue log.
    pub code: String,
    /// What is wrong, without the value: it follows the field's name.
    pub message: String,
    /// This value and any other that does not fit, by field, as text where it is one.
    pub found: Vec<(usize, Value)>,
    /// The rest of the record; what does not fit is absent.
    pub rest: Row,
}

/// One change of the store. A batch of them is one transaction; baseline and record change together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Inserts a local record and its baseline entry. While links are still to be filled in, the
    /// remote key carries [`RemoteToken::unsettled`]: a run that dies before finds them open.
    Insert {
        /// Content in local shape.
        row: Row,
        /// The remote record that it came from.
        remote: RemoteKey,
        /// See [`Baseline::beyond_filter`].
        beyond_filter: bool,
    },
    /// Overwrites the mapped fields of a local record, if it still has the expected revision, and
    /// its baseline entry. Absent values are kept as they are.
    Update {
        /// The record.
        local: LocalId,
        /// The revision it had when compared.
        expected: Revision,
        /// Content in local shape.
        row: Row,
        /// The remote record that it came from.
        remote: RemoteKey,
    },
    /// Deletes a local record, if it still has the expected revision (`None`: whatever it has), and its baseline entry.
    Delete {
        /// The record.
        local: LocalId,
        /// The revision it had when compared.
        expected: Option<Revision>,
    },
    /// Enters (or replaces) a baseline entry, and writes the given fields of the local record
    /// without that counting as a local change: what the server computed, and links filled in.
    /// The entry's revision is the given one as long as the record still has it; otherwise it is
    /// kept as given, so that the newer local edit is found next time.
    Link {
        /// The entry; `pair.revision` is the revision that was synchronized.
        baseline: Baseline,
        /// Local fields to write, by index.
        fields: Vec<(usize, Value)>,
    },
    /// The same for links that a person may set, too: each is written where it still is what it was read as. One that
    /// somebody set since stays, and the next run finds it, as the entry does not have its revision.
    Relink {
        /// The entry.
        baseline: Baseline,
        /// The links: index of the local field, what it was, and what it is to be.
        links: Vec<(usize, Value, Value)>,
    },
    /// Takes a link off a record that only this side has, where it still is what it was read as: what it points at is
    /// gone.
    Unlink {
        /// The record.
        local: LocalId,
        /// Index of the local field.
        field: usize,
        /// What it was.
        was: Value,
    },
    /// Drops a baseline entry, whatever became of the records.
    Forget {
        /// The local id of the pair.
        local: LocalId,
    },
    /// Settles a conflict: enters what both sides now agree on, so that one plain operation is left to do, and takes
    /// the conflict off the log (decisions 17 and 19). Nothing of it where the local record is not what it was
    /// when compared.
    Settle {
        /// The record.
        local: LocalId,
        /// The revision that it had when compared; `None` where it was gone.
        expected: Option<Revision>,
        /// Local fields to write, by index: what was merged.
        fields: Vec<(usize, Value)>,
        /// The entry; `None` drops it, and the record that is left counts as new.
        agreed: Option<Baseline>,
    },
    /// Enters an intended remote write before it is sent (decision 15).
    Intend(Intent),
    /// The fate of a remote write is known: its journal entry goes.
    Settled {
        /// The local record that the write was for.
        local: LocalId,
    },
}

/// A remote write about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// `push-insert`, `push-update` or `push-delete`.
    pub operation: Operation,
    /// The local record.
    pub local: LocalId,
    /// Its revision.
    pub revision: Revision,
    /// The remote record, for updates and deletes.
    pub remote: Option<RemoteId>,
    /// The token that the record must still have, for updates and deletes.
    pub expected: Option<RemoteToken>,
    /// What both sides agree on once the write is done, in local shape. Shared with whoever sends it.
    pub row: Arc<Row>,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Done; the local record's key after it (for a delete or forget: as it was).
    Done(LocalKey),
    /// Not done: the record was edited or deleted since the compare. A [`Change::Relink`] is entered all the same.
    Moved,
    /// Not done: a constraint of the local table, which a person made, refuses it. A [`Change::Link`] or
    /// [`Change::Relink`] is entered all the same, without its fields and unsettled, so that the next run tries them
    /// again.
    Refused {
        /// Which constraint, and what to do.
        message: String,
    },
}

/// What is known of an object from earlier runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectState {
    /// Mapping version of the last run; `None` before the first.
    pub mapping_version: Option<u32>,
    /// Filter of the last run.
    pub filter: Option<String>,
    /// The last run that synchronized it: its id.
    pub last_run: Option<String>,
    /// How that ended: the report's word.
    pub last_outcome: Option<String>,
    /// The server, and the user there, that it is synchronized with; the empty text while that is unsettled, `None`
    /// where nobody noted it.
    pub remote: Option<String>,
    /// The objects that its links point at and that took part when its records were last read; `None` before.
    pub targets: Option<BTreeSet<String>>,
    /// How far the remote's changes were known when the last run ended with nothing left open; `None`: everything has
    /// to be listed. The store keeps none where an issue or a conflict is logged.
    pub mark: Option<Mark>,
    /// Runs since everything was listed.
    pub since_listed: u32,
    /// [`Store::deletes`] of the objects that its links point at, when they were last looked through for links to
    /// what is gone; `None` where they have to be.
    pub deletes_seen: Option<u64>,
    /// Why its local table, altered by a person or made for other fields, can be read and not written: the object stops,
    /// and the others proceed.
    pub refused: Option<StoreError>,
}

/// A link that could not be made, because what it points at does not exist: it is null here (decision 12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmade {
    /// The remote record that has the link.
    pub record: RemoteId,
    /// The object of the record that it points at.
    pub target: ObjectName,
    /// That record.
    pub missing: RemoteId,
}

/// An operation that could not be carried out (found when applying).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueEntry {
    /// The object.
    pub object: ObjectName,
    /// What was to be done.
    pub operation: Operation,
    /// The local record, where there is one.
    pub local: Option<LocalId>,
    /// The remote record, where there is one.
    pub remote: Option<RemoteId>,
    /// Stable kebab-case code.
    pub code: String,
    /// What failed, why, and what to do.
    pub message: String,
    /// Remote records that are not pulled while the issue is open (decision 4).
    pub twins: Vec<RemoteId>,
}

/// A record that both sides changed (found when comparing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictEntry {
    /// The object.
    pub object: ObjectName,
    /// What the two sides did.
    pub kind: ConflictKind,
    /// The pair's local id.
    pub local: LocalId,
    /// The pair's remote id.
    pub remote: RemoteId,
    /// All local fields, in the object's order. The side that deleted the record has `Absent` throughout.
    pub fields: Vec<ConflictField>,
}

/// One field of a conflict, side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictField {
    /// Local name of the field.
    pub field: String,
    /// What both sides agreed on last.
    pub base: Value,
    /// The local value.
    pub local: Value,
    /// The remote value.
    pub remote: Value,
    /// Whether it takes part in the conflict.
    pub differs: bool,
}

/// Something that ends when it is dropped.
pub trait Snapshot {}

impl<T> Snapshot for T {}

/// The local store. Synchronous: SQLite answers in microseconds.
pub trait Store: Send {
    /// As long as this is held, all that is read is of one moment, and each look-up costs much less. Never over a wait
    /// for the remote.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        Ok(Box::new(()))
    }

    /// Makes or checks the object's table (a read-only store only checks), and tells what is known
    /// of it.
    fn attach(&mut self, object: &Object) -> Result<ObjectState, StoreError>;

    /// Number of local records.
    fn count(&self, object: &Object) -> Result<u64, StoreError>;

    /// The local change keys that follow a record, or the first; ascending by id, as many as make a good slice. None
    /// at the end.
    fn local_keys(&self, object: &Object, after: Option<LocalId>) -> Result<Vec<LocalKey>, StoreError>;

    /// The local ids that a run has to look at whatever the remote tells, ascending: of all records that are new,
    /// edited or gone, and of all pairs whose token is not settled. More than that does no harm. `None` where the
    /// store cannot tell: everything has to be listed.
    fn touched(&self, object: &Object) -> Result<Option<Vec<LocalId>>, StoreError>;

    /// How these local records stand, in the order of the ids.
    fn local_statuses(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalStatus>, StoreError>;

    /// Local records, in the order of the ids; those that are gone are left out.
    fn local_records(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalRecord>, StoreError>;

    /// The pairs that follow one, or the first; ascending by remote id, then by local id, as many as make a good
    /// slice. None at the end.
    fn pairs(
        &self,
        object: &ObjectName,
        after: Option<(&RemoteId, LocalId)>,
    ) -> Result<Vec<Pair>, StoreError>;

    /// The local halves of the pairs that follow a record, or the first; ascending by its id, as many as make a good
    /// slice. None at the end.
    fn local_halves(&self, object: &ObjectName, after: Option<LocalId>) -> Result<Vec<LocalKey>, StoreError>;

    /// The pairs of these remote records; an id that came back may have two (decision 14).
    fn pairs_of_remote(&self, object: &ObjectName, ids: &[RemoteId]) -> Result<Vec<Pair>, StoreError>;

    /// Every so many of the remote ids that are linked, ascending: the last of each so many.
    fn landmarks(&self, object: &ObjectName, every: usize) -> Result<Vec<RemoteId>, StoreError>;

    /// The remote ids that are linked in a stretch, ascending.
    fn linked_in(&self, object: &ObjectName, stretch: Stretch<'_>) -> Result<Vec<RemoteId>, StoreError>;

    /// Number of pairs.
    fn linked(&self, object: &ObjectName) -> Result<u64, StoreError>;

    /// The remote ids of the pairs that are there beyond the filter.
    fn beyond_filter(&self, object: &ObjectName) -> Result<Vec<RemoteId>, StoreError>;

    /// Baseline entries, in the order of the ids; those that are not there are left out.
    fn baselines(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<Baseline>, StoreError>;

    /// Baseline entries of these pairs, in their order; those that are not there are left out. It saves looking the
    /// pairs up again.
    fn agreed(&self, object: &Object, pairs: Vec<Pair>) -> Result<Vec<Baseline>, StoreError>;

    /// The records of `object` whose link in this field (an index into the local fields) points at one of
    /// `targets`: each with the target.
    fn linking_to(
        &self,
        object: &Object,
        field: usize,
        targets: &[LocalId],
    ) -> Result<Vec<(LocalId, LocalId)>, StoreError>;

    /// The records of `object` whose link in this field (an index into the local fields) points at no record of
    /// `target`; some of them twice.
    fn dangling(&self, object: &Object, field: usize, target: &Object) -> Result<Vec<LocalId>, StoreError>;

    /// How many local records of these objects ever went.
    fn deletes(&self, objects: &[&ObjectName]) -> Result<u64, StoreError>;

    /// The local record that is linked to a remote one.
    fn linked_local(&self, object: &ObjectName, id: &RemoteId) -> Result<Option<LocalId>, StoreError>;

    /// The remote record that a local one is linked to.
    fn linked_remote(&self, object: &ObjectName, id: LocalId) -> Result<Option<RemoteId>, StoreError>;

    /// Remembers records of the object whose link to a record of another could not be made, as that does not exist: once
    /// it is inserted, the next run looks at them again. Noted too often does no harm.
    fn note_unmade(&mut self, object: &ObjectName, links: &[Unmade]) -> Result<(), StoreError>;

    /// Sets pairs aside for as long as the store is open: the server that is talked to has nothing of them, so no
    /// link is translated by them. An id of theirs may be another record's there.
    fn set_aside(&mut self, object: &ObjectName, pairs: Vec<LocalId>);

    /// Carries the changes out in one transaction; answer *i* belongs to change *i*. One that the table refuses
    /// does not keep the others back.
    fn commit(&mut self, object: &Object, changes: Vec<Change>) -> Result<Vec<Changed>, StoreError>;

    /// Journal entries that an earlier run left: writes whose fate is unknown.
    fn intents(&self, object: &Object) -> Result<Vec<Intent>, StoreError>;

    /// Enters issues of this run: one that persists keeps its entry and counts (decision 20).
    fn record_issues(&mut self, run: &str, issues: &[IssueEntry]) -> Result<(), StoreError>;

    /// Enters the conflicts of this run; one that persists keeps its id.
    fn record_conflicts(&mut self, run: &str, conflicts: &[ConflictEntry]) -> Result<(), StoreError>;

    /// The remote records that are not pulled while an issue of the object is open (decision 4).
    fn open_twins(&self, object: &ObjectName) -> Result<Vec<RemoteId>, StoreError>;

    /// What was chosen for a conflict, if its content is still the one that the choice was made on
    /// (decision 17).
    fn choice(&self, conflict: &ConflictEntry) -> Result<Option<Choice>, StoreError>;

    /// Records a choice for a conflict that is in the log.
    fn choose(&mut self, conflict: &ConflictEntry, choice: Choice) -> Result<(), StoreError>;

    /// Remembers which server the object is synchronized with, until [`Store::finish`] does.
    fn note_remote(&mut self, object: &ObjectName, remote: &str) -> Result<(), StoreError>;

    /// Drops the object's issues and conflicts that this run did not meet again, and remembers the
    /// object's state. Called when an object has passed all its steps.
    fn finish(&mut self, run: &str, object: &Object, state: &ObjectState) -> Result<(), StoreError>;

    /// Pending entries of the object: conflicts, then issues that are not dismissed.
    fn pending(&self, object: &ObjectName) -> Result<(u64, u64), StoreError>;

    /// Whether an issue of this record and operation is pending already.
    fn is_pending(&self, issue: &IssueEntry) -> Result<bool, StoreError>;

    /// Deletes of the object that wait for confirmation, as of the last run that it passed all its steps in.
    fn held_deletes(&self, object: &ObjectName) -> Result<u64, StoreError>;
}

/// Why the store failed; fatal to the run, except as [`ObjectState::refused`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What failed, on which file, and why.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl StoreError {
    /// Both in one sentence, as a report has it.
    pub fn on_one_line(&self) -> String {
        match &self.help {
            Some(help) => format!("{} ({help})", self.message),
            None => self.message.clone(),
        }
    }
}
