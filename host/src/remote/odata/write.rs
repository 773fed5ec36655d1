//! Writes. The ETag of the record is the condition of every one of them: the server checks it, and tells the new one
//! with its answer, so that the new token is ours for certain (`behaviour.md`, decisions 7 and 8). Of a record without
//! an ETag, or whose ETag is not its version, the version is read right before; the condition is then its ETag, or at
//! least that it is there, and what was written is verified.

use super::Odata;
use super::proof::{as_ours, is_whole, stand, unproven, written};
use super::query;
use super::read::{Found, etag_header};
use super::schema::ETAG;
use super::send::Answer;
use super::shape::Shape;
use crate::ports::{RemoteRecord, WriteError, Written};
use crate::remote::http::Reply;
use reqwest::Method;
use reqwest::header::LOCATION;
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// The condition that a record is there, whatever its version.
const WHATEVER_IS_THERE: &str = "*";

/// What a write that is about to be sent may rely on.
pub(super) struct Guard {
    /// The `If-Match`.
    pub(super) condition: String,
    /// The record as it was right before, where that had to be read.
    before: Option<RemoteRecord>,
}

impl Odata {
    pub(super) async fn insert_record(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        let shape = self.shape(object).await?;
        let writable = |index: usize| {
            let field = object.remote.get(index);
            field.is_some_and(|field| !field.traits.read_only && !field.traits.computed)
        };
        let sent: Vec<(usize, Value)> = row
            .iter()
            .enumerate()
            .filter(|(index, value)| value.is_filled() && writable(*index))
            .map(|(index, value)| (index, value.clone()))
            .collect();
        let url = self.address(object, &shape, None);
        let mut call = self.writing(object, &shape, Method::POST, url, Some(&sent), None)?;
        let reply = self.send(&mut call).await?;
        let unknown = |message: String| WriteError::FateUnknown { message, may_still_run: false };
        if reply.status >= 500 {
            return Err(unknown(self.failed(&call, &reply).message));
        }
        if !reply.is_success() {
            return Err(self.refusal(&call, &reply));
        }
        let answered = self.representation(object, &shape, &reply);
        let ours = answered.as_ref().and_then(|it| it.etag.clone()).or_else(|| etag_header(&reply));
        let named = ["odata-entityid", LOCATION.as_str()];
        let id = match &answered {
            Some(found) => Some(found.record.key.id.clone()),
            None => named.iter().find_map(|name| query::key_of(reply.header(name)?)).map(RemoteId),
        };
        let Some(id) = id else {
            let what = self.http.name(&call);
            return Err(unknown(format!("{what} was answered without the id of the new record")));
        };
        if let Some(found) = answered.filter(|found| is_whole(object, found)) {
            return Ok(as_ours(found.record));
        }
        let found = self.one(object, &shape, &id).await.unwrap_or_else(|error| {
            tracing::warn!(%id, %error, "a new record could not be read back");
            None
        });
        Ok(written(object, &shape, id, ours, &sent, None, found))
    }

    pub(super) async fn update_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        let shape = self.shape(object).await?;
        let ours =
            |index: usize| object.remote.get(index).is_some_and(|field| !field.traits.is_remote_owned());
        let sent: Vec<(usize, Value)> = changes.iter().filter(|(index, _)| ours(*index)).cloned().collect();
        if sent.is_empty() {
            // Nothing is written, so nothing is learned.
            return Ok(Written { id: id.clone(), created: None, token: expected.clone(), row: None });
        }
        let Some(guard) = self.guard(object, &shape, id, expected).await? else {
            return Err(WriteError::Gone);
        };
        let url = self.address(object, &shape, Some(id));
        let mut call = self.writing(object, &shape, Method::PATCH, url, Some(&sent), Some(&guard))?;
        let reply = match self.outcome(&mut call).await? {
            Answer::Done(reply) => reply,
            Answer::Gone => return Err(WriteError::Gone),
            Answer::Unmet => return Err(self.unmet(object, &shape, id).await),
            Answer::Doubt(doubt) => {
                return self.after_doubt(object, &shape, id, &guard, &sent, doubt).await;
            }
        };
        let answered = self.representation(object, &shape, &reply);
        let etag = answered.as_ref().and_then(|it| it.etag.clone()).or_else(|| etag_header(&reply));
        let whole = answered.filter(|found| is_whole(object, found) && found.record.key.id == *id);
        if let (Some(found), true) = (&whole, etag.is_some()) {
            return Ok(as_ours(found.record.clone()));
        }
        let found = match whole {
            Some(found) => Some(found),
            None => self.one(object, &shape, id).await.unwrap_or_else(|error| {
                tracing::warn!(%id, %error, "an updated record could not be read back");
                None
            }),
        };
        Ok(written(object, &shape, id.clone(), etag, &sent, guard.before.as_ref(), found))
    }

    pub(super) async fn delete_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<(), WriteError> {
        let shape = self.shape(object).await?;
        let Some(guard) = self.guard(object, &shape, id, expected).await? else { return Ok(()) };
        let url = self.address(object, &shape, Some(id));
        let mut call = self.writing(object, &shape, Method::DELETE, url, None, Some(&guard))?;
        match self.outcome(&mut call).await? {
            Answer::Done(_) | Answer::Gone => Ok(()),
            Answer::Unmet => match self.unmet(object, &shape, id).await {
                WriteError::Gone => Ok(()),
                error => Err(error),
            },
            Answer::Doubt(doubt) => match self.one(object, &shape, id).await {
                Ok(None) => Ok(()),
                _ => Err(doubt),
            },
        }
    }

    /// What keeps a write from overwriting another's; `None` if the record is gone.
    async fn guard(
        &self,
        object: &Object,
        shape: &Shape,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<Option<Guard>, WriteError> {
        let versions = object.resource.version.as_deref();
        if let (Some(ETAG), Some(condition)) = (versions, &expected.version) {
            return Ok(Some(Guard { condition: condition.clone(), before: None }));
        }
        let Some(Found { record, etag }) = self.one(object, shape, id).await? else { return Ok(None) };
        let found = &record.key.token;
        let missing = match versions {
            Some(name) if name != ETAG => found.version.is_none(),
            _ => found.updated.is_empty(),
        };
        if missing {
            return Err(WriteError::NoVersion);
        }
        let same_version = expected.version.is_none() || expected.version == found.version;
        let same_stamp = expected.updated.is_empty() || expected.updated == found.updated;
        if *expected == RemoteToken::unsettled() || !same_version || !same_stamp {
            return Err(WriteError::Moved);
        }
        let condition = etag.unwrap_or_else(|| WHATEVER_IS_THERE.to_owned());
        Ok(Some(Guard { condition, before: Some(record) }))
    }

    /// Whether a condition did not hold because of another version, or because there is no record.
    async fn unmet(&self, object: &Object, shape: &Shape, id: &RemoteId) -> WriteError {
        match self.one(object, shape, id).await {
            Ok(Some(_)) => WriteError::Moved,
            Ok(None) => WriteError::Gone,
            Err(error) => {
                tracing::warn!(%id, %error, "a record that has moved could not be read");
                WriteError::Moved
            }
        }
    }

    /// What became of an update that got no answer, or one that may be an accident after the fact.
    async fn after_doubt(
        &self,
        object: &Object,
        shape: &Shape,
        id: &RemoteId,
        guard: &Guard,
        sent: &[(usize, Value)],
        doubt: WriteError,
    ) -> Result<Written, WriteError> {
        let Ok(found) = self.one(object, shape, id).await else { return Err(doubt) };
        let refused = matches!(doubt, WriteError::Refused { .. });
        let Some(Found { record, etag }) = found else {
            return Err(if refused { WriteError::Gone } else { doubt });
        };
        let unmoved = match &guard.before {
            Some(before) => before.key.token == record.key.token,
            None => etag.as_deref() == Some(guard.condition.as_str()),
        };
        match doubt {
            // Carried out, by us or by somebody who wrote the same: no version is certainly ours.
            _ if !unmoved && stand(shape, sent, &record.row) => {
                Ok(Written { created: record.key.created, ..unproven(id.clone(), None) })
            }
            WriteError::Refused { message, .. } if !unmoved => {
                Err(WriteError::FateUnknown { message, may_still_run: false })
            }
            doubt => Err(doubt),
        }
    }

    /// The record in the answer to a write, if there is one.
    fn representation(&self, object: &Object, shape: &Shape, reply: &Reply) -> Option<Found> {
        if reply.body.trim_ascii().is_empty() {
            return None;
        }
        self.record(object, shape, reply).unwrap_or_else(|error| {
            tracing::warn!(%error, "the answer to a write could not be read");
            None
        })
    }
}
