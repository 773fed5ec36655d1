//! What the pipeline needs from the outside world: a [`Remote`], a [`Store`] (the local records,
//! the baseline and the logs, in one file so that one transaction covers them), and a [`Mapper`].
//!
//! The pipeline imports these traits and the core, never an adapter.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use sync_core::change_feed::Changes;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::conflict::{Choice, ConflictKind, Resolution, Sides};
use sync_core::object::{Object, ObjectName, Resource, Traits, UserKey};
use sync_core::operation::Operation;
use sync_core::value::{Kind, Row, Value};

// ---------------------------------------------------------------------------------- the remote

/// What a remote can do; the pipeline asks this instead of the protocol's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the server can count without listing.
    pub counts: bool,
    /// How a write is kept from overwriting somebody else's.
    pub lock: Lock,
    /// Most records that one details request answers.
    pub details_batch: usize,
    /// Requests that may be in flight at once.
    pub in_flight: usize,
    /// Most records that are looked up or written in one call, see [`Remote::insert_all`]. What was looked up for one
    /// of them is as old as the call when the last of them is written, so this is no more than what the server
    /// takes at once.
    pub write_batch: usize,
    /// Batches of inserts or updates that may be under way at once, each looked up and written by itself.
    pub write_batches: usize,
    /// Who makes up the id of a new record.
    pub ids: IdsFrom,
    /// Whether the server can list what changed since a mark, see [`Remote::changes`].
    pub change_feed: bool,
}

/// How a write is guarded (decision 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The server checks the version in the request.
    ConditionalWrite,
    /// The version is read right before the write and verified after it.
    ReadCompare,
}

/// Who makes up ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdsFrom {
    /// The server, with the insert.
    Server,
    /// The client, which makes inserts repeatable.
    Client,
}

/// What of an object is synchronized.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The object.
    pub object: &'a Object,
    /// In the remote's own query language.
    pub filter: Option<&'a str>,
}

/// A stretch of a view, by the order of the ids: after one and up to another. Without either it is open there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch<'a> {
    /// The id that it begins after.
    pub after: Option<&'a RemoteId>,
    /// The last id that may be in it.
    pub through: Option<&'a RemoteId>,
}

/// A remote record with its content, in remote shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRecord {
    /// Its change key.
    pub key: RemoteKey,
    /// Its content; references hold remote ids.
    pub row: Row,
}

/// Records, page by page.
pub type Pages<'a> = BoxStream<'a, Result<Vec<RemoteRecord>, RemoteError>>;

/// A CRM server. One request's meaning a method; retries, paging and the wire format are inside.
///
/// A failure that only concerns one record is part of the answer; a [`RemoteError`] stops the
/// object or the run (decision 22).
#[async_trait]
pub trait Remote: Send + Sync {
    /// What this remote can do.
    fn capabilities(&self) -> Capabilities;

    /// Logs in, and proves that the server is there and speaks the protocol.
    async fn connect(&self) -> Result<(), RemoteError>;

    /// Number of records of the view; `None` where the server cannot tell.
    async fn count(&self, view: View<'_>) -> Result<Option<u64>, RemoteError>;

    /// The change keys of the view, page by page, in any order, each id once.
    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>>;

    /// The records of the view, page by page: what [`Remote::change_keys`] lists, each with its content. For a load of
    /// most of them; `None` where that costs no less than [`Remote::details`].
    fn records<'a>(&'a self, _view: View<'a>) -> Option<Pages<'a>> {
        None
    }

    /// How far the remote's changes have come: what changes from now on is listed since this. `None` where that cannot
    /// be told, for instance of an object without records.
    async fn mark(&self, _view: View<'_>) -> Result<Option<Mark>, RemoteError> {
        Ok(None)
    }

    /// The same, where only a listing or the changes tell: asked right after they have been read to their end. What
    /// changed since they began to be read is listed since this.
    fn told_mark(&self, _view: View<'_>) -> Option<Mark> {
        None
    }

    /// Whether each delete is among the changes, so that no count has to confirm that none is missing.
    fn changes_tell_deletes(&self) -> bool {
        false
    }

    /// What changed since a mark that this remote gave; more than that does no harm. Deletes need not be among it
    /// ([`Remote::changes_tell_deletes`]): counts show that some are missing.
    async fn changes(&self, _view: View<'_>, _since: &Mark) -> Result<Feed, RemoteError> {
        Ok(Feed::Expired)
    }

    /// The number of records in each of these stretches of the view; `None` where that costs no less than listing them.
    async fn count_each(
        &self,
        _view: View<'_>,
        _stretches: &[Stretch<'_>],
    ) -> Result<Option<Vec<u64>>, RemoteError> {
        Ok(None)
    }

    /// The change keys in each of these stretches of the view, where [`Remote::count_each`] counts them.
    async fn list_each(
        &self,
        _view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Vec<Vec<RemoteKey>>, RemoteError> {
        Ok(vec![Vec::new(); stretches.len()])
    }

    /// The records of these ids, whether they match a filter or not; those that are gone are left
    /// out. At most `details_batch` ids, one request.
    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError>;

    /// The records that have this user key, whether they match a filter or not. Two are enough to
    /// know that the key is ambiguous; an adapter may stop there.
    async fn find(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError>;

    /// Inserts a record and reads it back. `row` is in remote shape; absent and null values, and
    /// read-only and computed fields, are not sent.
    async fn insert(&self, object: &Object, row: &Row) -> Result<Written, WriteError>;

    /// Writes the changed fields (indices into the remote fields) if the record still has the
    /// expected token, and reads it back.
    async fn update(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError>;

    /// Deletes the record if it still has the expected token. Already gone is success (decision 11).
    async fn delete(&self, object: &Object, id: &RemoteId, expected: &RemoteToken) -> Result<(), WriteError>;

    /// [`Remote::find`] for several keys, at most `write_batch`; answer *i* belongs to key *i*.
    async fn find_all(
        &self,
        object: &Object,
        keys: &[&UserKey],
    ) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
        let requests = keys.iter().map(|key| self.find(object, key)).collect();
        side_by_side(self.capabilities().in_flight, requests).await
    }

    /// [`Remote::insert`] for several rows, at most `write_batch`; answer *i* belongs to row *i*, and none has
    /// an effect on another.
    async fn insert_all(&self, object: &Object, rows: &[&Row]) -> Vec<Result<Written, WriteError>> {
        let requests = rows.iter().map(|row| self.insert(object, row)).collect();
        side_by_side(self.capabilities().in_flight, requests).await
    }

    /// [`Remote::update`] for several records, at most `write_batch`; answer *i* belongs to update *i*, and none
    /// has an effect on another.
    async fn update_all(
        &self,
        object: &Object,
        updates: &[RemoteUpdate<'_>],
    ) -> Vec<Result<Written, WriteError>> {
        let requests = updates.iter().map(|it| self.update(object, it.id, it.expected, it.changes)).collect();
        side_by_side(self.capabilities().in_flight, requests).await
    }

    /// [`Remote::delete`] for several records, at most `write_batch`; answer *i* belongs to delete *i*, and none
    /// has an effect on another.
    async fn delete_all(&self, object: &Object, deletes: &[RemoteDelete<'_>]) -> Vec<Result<(), WriteError>> {
        let requests = deletes.iter().map(|it| self.delete(object, it.id, it.expected)).collect();
        side_by_side(self.capabilities().in_flight, requests).await
    }

    /// Requests sent so far for the object.
    fn requests(&self, object: &ObjectName) -> Requests;

    /// What the server tells of a resource, for a person who is about to write the mapping of `object`. Reads only.
    async fn describe_resource(
        &self,
        object: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        Err(RemoteError {
            scope: Scope::Object,
            message: format!("this kind of remote cannot tell what the fields of {path} are, for `{object}`"),
            help: Some("leave `--from-server` out, and write the fields into the template".into()),
        })
    }
}

/// One record's part in [`Remote::update_all`].
#[derive(Debug, Clone, Copy)]
pub struct RemoteUpdate<'a> {
    /// The record.
    pub id: &'a RemoteId,
    /// The token that it must still have.
    pub expected: &'a RemoteToken,
    /// The fields that are written, by their index in the remote fields.
    pub changes: &'a [(usize, Value)],
}

/// One record's part in [`Remote::delete_all`].
#[derive(Debug, Clone, Copy)]
pub struct RemoteDelete<'a> {
    /// The record.
    pub id: &'a RemoteId,
    /// The token that it must still have.
    pub expected: &'a RemoteToken,
}

/// Several requests, so many at once; answer *i* belongs to request *i*.
pub async fn side_by_side<F: Future>(in_flight: usize, requests: Vec<F>) -> Vec<F::Output> {
    stream::iter(requests).buffered(in_flight.max(1)).collect().await
}

/// What a server tells of one of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDescription {
    /// The resource, with the fields that make the change key.
    pub resource: Resource,
    /// How this is known, and how sure it is: sentences for people.
    pub known_from: String,
    /// The fields that can be mapped, in the server's order.
    pub fields: Vec<FieldDescription>,
    /// The names of those that cannot, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// A record of the server: a value a field.
    pub sample: Option<Row>,
}

/// What a server tells of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDescription {
    /// Its name.
    pub name: String,
    /// What it holds, as far as that is known.
    pub holds: Holds,
    /// What is special about it, as far as that is known.
    pub traits: Traits,
    /// What a person should look at: where the rest is a guess, and why.
    pub note: Option<String>,
}

/// What a remote field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A value.
    Value(Kind),
    /// The id of a record of this resource.
    Link(String),
}

/// A point in the history of a remote's changes. Opaque: only the remote that gave it understands it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub String);

/// What a change feed answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// All that changed since the mark.
    Changes(Changes),
    /// The remote no longer knows what changed since: everything has to be listed.
    Expired,
}

/// Requests by what they were for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Requests {
    /// Counting.
    pub count: u64,
    /// Listing change keys.
    pub keys: u64,
    /// Reading records.
    pub details: u64,
    /// Looking up user keys and versions, and reading back what was written.
    pub query: u64,
    /// Inserts, updates and deletes.
    pub write: u64,
}

/// A write that the server carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The record's id.
    pub id: RemoteId,
    /// Created-stamp, where the endpoint tells.
    pub created: Option<String>,
    /// The token that *our* write gave the record; where somebody else wrote since, what is known
    /// of our own ([`RemoteToken::of_version`], decision 8).
    pub token: RemoteToken,
    /// The record as read back, if that is still the result of our write.
    pub row: Option<Row>,
}

/// Why a write was not carried out, or may not have been. Each is one record's affair but the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteError {
    /// The server says no: its own message, without credentials.
    Refused {
        /// Stable code: the server's where it has one, else `refused`.
        code: String,
        /// The server's message.
        message: String,
    },
    /// The record no longer has the expected token: nothing was written.
    Moved,
    /// The record to update is not there: nothing was written.
    Gone,
    /// The version cannot be determined: nothing was written (decision 6).
    NoVersion,
    /// Sent, and no answer that tells what became of it. `may_still_run` where the server may yet
    /// carry it out (a timeout), so that not finding its result proves nothing.
    FateUnknown {
        /// What happened, in words.
        message: String,
        /// Whether it may be carried out after we look.
        may_still_run: bool,
    },
    /// The remote as a whole failed.
    Remote(RemoteError),
}

impl From<RemoteError> for WriteError {
    fn from(error: RemoteError) -> WriteError {
        WriteError::Remote(error)
    }
}

/// Why the remote failed, as one clear sentence that names the request but never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// How far it reaches.
    pub scope: Scope,
    /// What failed and why.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How far a failure reaches (decision 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The run: no login, no connection.
    Run,
    /// The object at hand; the others proceed.
    Object,
}

// ----------------------------------------------------------------------------------- the store

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

/// A local record with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRecord {
    /// Its change key.
    pub key: LocalKey,
    /// Its content in local shape, or the field that holds what cannot be such a value.
    pub row: Result<Row, Unfit>,
}

/// A value that does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Index of the local field.
    pub field: usize,
    /// Stable code for the issue log.
    pub code: String,
    /// What is wrong, without the value.
    pub message: String,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What both sides agree on once the write is done, in local shape.
    pub row: Row,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Done; the local record's key after it (for a delete or forget: as it was).
    Done(LocalKey),
    /// Not done: the record was edited or deleted since the compare.
    Moved,
    /// Not done: a constraint of the local table, which a person made, refuses it. A [`Change::Link`] is entered
    /// all the same, without its fields and unsettled, so that the next run tries them again.
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

    /// The change keys of these local records, in the order of the ids; those that are gone are left out.
    fn local_keys_of(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalKey>, StoreError>;

    /// The local ids that a run has to look at whatever the remote tells, ascending: of all records that are new,
    /// edited or gone, and of all pairs whose token is not settled. More than that does no harm. `None` where the
    /// store cannot tell: everything has to be listed.
    fn touched(&self, object: &Object) -> Result<Option<Vec<LocalId>>, StoreError>;

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

    /// The pairs of these local records; those that are not linked are left out.
    fn pairs_of_local(&self, object: &ObjectName, ids: &[LocalId]) -> Result<Vec<Pair>, StoreError>;

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

    /// The records of `object` whose link in this field (an index into the local fields) points at one of
    /// `targets`: each with the target.
    fn linking_to(
        &self,
        object: &Object,
        field: usize,
        targets: &[LocalId],
    ) -> Result<Vec<(LocalId, LocalId)>, StoreError>;

    /// The records of `object` whose link in this field (an index into the local fields) points at no record of
    /// `target`.
    fn dangling(&self, object: &Object, field: usize, target: &Object) -> Result<Vec<LocalId>, StoreError>;

    /// How many local records of these objects ever went.
    fn deletes(&self, objects: &[&ObjectName]) -> Result<u64, StoreError>;

    /// The local record that is linked to a remote one.
    fn linked_local(&self, object: &ObjectName, id: &RemoteId) -> Result<Option<LocalId>, StoreError>;

    /// The remote record that a local one is linked to.
    fn linked_remote(&self, object: &ObjectName, id: LocalId) -> Result<Option<RemoteId>, StoreError>;

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

// ---------------------------------------------------------------------------------- the person

/// Whoever is asked about conflicts while a run is under way (step 5).
pub trait Person {
    /// Which side to keep; `left` more conflicts of the object are to come.
    fn choose(&self, conflict: &ConflictEntry, left: usize) -> Answer;
}

/// What a person says of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The side to keep; `None` leaves the conflict pending.
    pub choice: Option<Choice>,
    /// The same for the rest of the object.
    pub for_the_rest: bool,
}

// ---------------------------------------------------------------------------------- the mapper

/// Maps records between the two shapes: in production a WebAssembly component.
///
/// Answer *i* belongs to input *i*; one record's failure is that record's alone (decision 21).
/// Rows that come back are conformed to the descriptor.
pub trait Mapper: Send + Sync {
    /// What the object is.
    fn object(&self) -> &Object;

    /// Remote shape to local shape. References pass through untranslated.
    fn to_local(&self, remote: Vec<Row>) -> Vec<Result<Row, MapError>>;

    /// Local shape to remote shape. References pass through untranslated.
    fn to_remote(&self, local: Vec<Row>) -> Vec<Result<Row, MapError>>;

    /// The object's business rules; `Ok` accepts the record.
    fn validate(&self, local: Vec<Row>) -> Vec<Result<(), MapError>>;

    /// The object's own way to settle a record that both sides changed, in local shape: `None` where it has none, an
    /// inner `None` where a person has to be asked.
    fn merge(&self, _sides: Sides<'_>) -> Option<Result<Option<Resolution>, MapError>> {
        None
    }
}

/// Why one record could not be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapError {
    /// Stable kebab-case code: the plugin's own, or `plugin-trap`, `plugin-fuel`, `plugin-time`,
    /// `plugin-memory`, `plugin-row`.
    pub code: String,
    /// What is wrong; names the plugin and, for a limit, the limit and where to raise it.
    pub message: String,
    /// Name of the field on the input side.
    pub field: Option<String>,
}
