//! The remote side: a CRM server.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use sync_core::change_feed::Changes;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, Resource, Traits, UserKey};
use sync_core::value::{Kind, Row, Value};

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

impl Stretch<'_> {
    /// Whether an id lies in it, where ids sort as texts do.
    pub fn contains(&self, id: &str) -> bool {
        self.after.is_none_or(|after| id > after.0.as_str())
            && self.through.is_none_or(|through| id <= through.0.as_str())
    }
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

    /// The ids in each of these stretches of the view, where [`Remote::count_each`] counts them.
    async fn ids_each(
        &self,
        _view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Vec<Vec<RemoteId>>, RemoteError> {
        Ok(vec![Vec::new(); stretches.len()])
    }

    /// The records of these ids, whether they match a filter or not; those that are gone are left
    /// out. At most `details_batch` ids, one request.
    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError>;

    /// Those of these ids whose records are in the view: what [`Remote::change_keys`] should list of them. At most
    /// `details_batch` ids; `None` where the remote cannot be asked that.
    async fn in_view(
        &self,
        _view: View<'_>,
        _ids: &[RemoteId],
    ) -> Result<Option<Vec<RemoteId>>, RemoteError> {
        Ok(None)
    }

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
    /// carry it out (a timeout) or show it (a success), so that not finding its result
    /// proves nothing.
    FateUnknown {
        /// What happened, in words.
        message: String,
        /// Whether it may be carried out, or seen, after we look.
        may_still_run: bool,
    },
    /// The remote as a whole failed.
    Remote(RemoteError),
}

impl WriteError {
    /// An insert that was answered with success, and not with the id of the new record. It is done, or will be, whether
    /// or not the record can be seen yet: only a write that got no answer may be repeated (decision 15).
    pub(crate) fn unnamed(what: &str) -> WriteError {
        let message = format!("{what} was answered without the id of the new record");
        WriteError::FateUnknown { message, may_still_run: true }
    }
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
