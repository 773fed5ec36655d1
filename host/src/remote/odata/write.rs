//! Writes. The ETag of the record is the condition of every one of them: the server checks it, and tells the new one
//! with its answer, so that the new token is ours for certain (`behaviour.md`, decisions 7 and 8). Of a record without
//! an ETag, or whose ETag is not its version, the version is read right before; the condition is then its ETag, or at
//! least that it is there, and what was written is verified.

use super::Odata;
use super::proof::{as_ours, is_whole, stand, unproven, written};
use super::read::{Found, etag_header};
use super::schema::ETAG;
use super::send::{Answer, Sent};
use super::shape::Shape;
use crate::ports::{Remote, RemoteDelete, RemoteRecord, RemoteUpdate, WriteError, Written, side_by_side};
use crate::remote::http::{Call, Reply};
use futures_util::future::BoxFuture;
use reqwest::Method;
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::Value;

/// The condition that a record is there, whatever its version.
const WHATEVER_IS_THERE: &str = "*";

/// What a write that is about to be sent may rely on.
pub(super) struct Guard {
    /// The `If-Match`.
    pub(super) condition: String,
    /// The record as it was right before, where that had to be read.
    before: Option<RemoteRecord>,
}

/// A write that is ready to be sent, or what came of it without that.
pub(super) type Prepared<'o, T, R> = Result<(Call<'o>, T), R>;

/// An update, but for the request itself.
struct Edit<'a> {
    id: &'a RemoteId,
    expected: &'a RemoteToken,
    changes: &'a [(usize, Value)],
    guard: Guard,
    sent: Vec<(usize, Value)>,
}

impl Odata {
    /// Updates records, in as few requests as the server allows; answer *i* belongs to update *i*.
    pub(super) async fn update_records(
        &self,
        object: &Object,
        updates: &[RemoteUpdate<'_>],
    ) -> Vec<Result<Written, WriteError>> {
        let shape = match self.shape(object).await {
            Ok(shape) => shape,
            Err(error) => return same(updates.len(), &error.into()),
        };
        if updates.len() > 1 && !updates.iter().all(|it| is_guarded(object, it.expected)) {
            // What has to be read before its write is written right after.
            let alone = updates.iter().map(|it| self.update(object, it.id, it.expected, it.changes));
            return side_by_side(self.abilities().in_flight, alone.collect()).await;
        }
        let mut prepared = Vec::with_capacity(updates.len());
        for it in updates {
            prepared.push(self.edit(object, &shape, *it).await);
        }
        let sent = self.send_prepared(object, &shape, prepared).await;
        let shape = &*shape;
        let judged = sent.into_iter().map(|it| -> BoxFuture<'_, _> {
            Box::pin(async move {
                match it {
                    Ok((call, edit, sent)) => self.updated(object, shape, &call, edit, sent).await,
                    Err(done) => done,
                }
            })
        });
        side_by_side(self.abilities().in_flight, judged.collect()).await
    }

    /// An update that is ready to be sent.
    async fn edit<'o, 'a>(
        &self,
        object: &'o Object,
        shape: &Shape,
        RemoteUpdate { id, expected, changes }: RemoteUpdate<'a>,
    ) -> Prepared<'o, Edit<'a>, Result<Written, WriteError>> {
        let ours =
            |index: usize| object.remote.get(index).is_some_and(|field| !field.traits.is_remote_owned());
        let sent: Vec<(usize, Value)> = changes.iter().filter(|(index, _)| ours(*index)).cloned().collect();
        if sent.is_empty() {
            // Nothing is written, so nothing is learned.
            return Err(Ok(Written { id: id.clone(), created: None, token: expected.clone(), row: None }));
        }
        let Some(guard) = self.guard(object, shape, id, expected).await.map_err(Err)? else {
            return Err(Err(WriteError::Gone));
        };
        let url = self.address(object, shape, Some(id));
        let call = self.writing(object, shape, Method::PATCH, url, Some(&sent), Some(&guard)).map_err(Err)?;
        Ok((call, Edit { id, expected, changes, guard, sent }))
    }

    /// What an update has come to.
    async fn updated(
        &self,
        object: &Object,
        shape: &Shape,
        call: &Call<'_>,
        edit: Edit<'_>,
        sent: Sent,
    ) -> Result<Written, WriteError> {
        let Edit { id, guard, sent: values, .. } = &edit;
        let id = *id;
        let reply = match self.outcome(call, sent)? {
            Answer::Done(reply) => reply,
            Answer::Gone => return Err(WriteError::Gone),
            Answer::Unmet => return Err(self.unmet(object, shape, id).await),
            Answer::Doubt(doubt) => return self.after_doubt(object, shape, id, guard, values, doubt).await,
            Answer::Untold(doubt) => {
                return match self.after_doubt(object, shape, id, guard, values, doubt).await {
                    // It is not there and never will be, and the condition would keep it from being done twice.
                    Err(WriteError::FateUnknown { .. }) => {
                        self.update(object, id, edit.expected, edit.changes).await
                    }
                    found => found,
                };
            }
        };
        let answered = self.representation(object, shape, &reply);
        let etag = answered.as_ref().and_then(|it| it.etag.clone()).or_else(|| etag_header(&reply));
        let whole = answered.filter(|found| is_whole(object, found) && found.record.key.id == *id);
        if let (Some(found), true) = (&whole, etag.is_some()) {
            return Ok(as_ours(found.record.clone()));
        }
        let found = match whole {
            Some(found) => Some(found),
            None => self.one(object, shape, id).await.unwrap_or_else(|error| {
                tracing::warn!(%id, %error, "an updated record could not be read back");
                None
            }),
        };
        Ok(written(object, shape, id.clone(), etag, values, guard.before.as_ref(), found))
    }

    /// Deletes records, in as few requests as the server allows; answer *i* belongs to delete *i*.
    pub(super) async fn delete_records(
        &self,
        object: &Object,
        deletes: &[RemoteDelete<'_>],
    ) -> Vec<Result<(), WriteError>> {
        let shape = match self.shape(object).await {
            Ok(shape) => shape,
            Err(error) => return same(deletes.len(), &error.into()),
        };
        if deletes.len() > 1 && !deletes.iter().all(|it| is_guarded(object, it.expected)) {
            let alone = deletes.iter().map(|it| self.delete(object, it.id, it.expected));
            return side_by_side(self.abilities().in_flight, alone.collect()).await;
        }
        let mut prepared = Vec::with_capacity(deletes.len());
        for it in deletes {
            prepared.push(match self.guard(object, &shape, it.id, it.expected).await {
                Ok(Some(guard)) => {
                    let url = self.address(object, &shape, Some(it.id));
                    let call = self.writing(object, &shape, Method::DELETE, url, None, Some(&guard));
                    call.map(|call| (call, *it)).map_err(Err)
                }
                Ok(None) => Err(Ok(())),
                Err(error) => Err(Err(error)),
            });
        }
        let sent = self.send_prepared(object, &shape, prepared).await;
        let shape = &*shape;
        let judged = sent.into_iter().map(|it| -> BoxFuture<'_, _> {
            Box::pin(async move {
                match it {
                    Ok((call, it, sent)) => self.deleted(object, shape, &call, it, sent).await,
                    Err(done) => done,
                }
            })
        });
        side_by_side(self.abilities().in_flight, judged.collect()).await
    }

    /// What a delete has come to.
    async fn deleted(
        &self,
        object: &Object,
        shape: &Shape,
        call: &Call<'_>,
        RemoteDelete { id, expected }: RemoteDelete<'_>,
        sent: Sent,
    ) -> Result<(), WriteError> {
        match self.outcome(call, sent)? {
            Answer::Done(_) | Answer::Gone => Ok(()),
            Answer::Unmet => match self.unmet(object, shape, id).await {
                WriteError::Gone => Ok(()),
                error => Err(error),
            },
            Answer::Doubt(doubt) => match self.one(object, shape, id).await {
                Ok(None) => Ok(()),
                _ => Err(doubt),
            },
            Answer::Untold(doubt) => match self.one(object, shape, id).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) => self.delete(object, id, expected).await,
                Err(_) => Err(doubt),
            },
        }
    }

    /// Sends what is ready; what was done without that stays in its place.
    pub(super) async fn send_prepared<'o, T, R>(
        &self,
        object: &Object,
        shape: &Shape,
        mut prepared: Vec<Prepared<'o, T, R>>,
    ) -> Vec<Result<(Call<'o>, T, Sent), R>> {
        let mut calls: Vec<&mut Call<'o>> = prepared.iter_mut().flatten().map(|(call, _)| call).collect();
        let mut sent = self.send_all(object, shape, &mut calls).await.into_iter();
        let mut with_answer = |(call, it): (Call<'o>, T)| {
            let lost = || Sent::Failed(WriteError::NoVersion);
            let sent = sent.next().unwrap_or_else(lost);
            (call, it, sent)
        };
        prepared.into_iter().map(|it| it.map(&mut with_answer)).collect()
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
        if let (true, Some(condition)) = (is_guarded(object, expected), &expected.version) {
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
    pub(super) fn representation(&self, object: &Object, shape: &Shape, reply: &Reply) -> Option<Found> {
        if reply.body.trim_ascii().is_empty() {
            return None;
        }
        self.record(object, shape, reply).unwrap_or_else(|error| {
            tracing::warn!(%error, "the answer to a write could not be read");
            None
        })
    }
}

/// Whether what is known of a record is the condition of its writes.
fn is_guarded(object: &Object, expected: &RemoteToken) -> bool {
    object.resource.version.as_deref() == Some(ETAG) && expected.version.is_some()
}

/// The same failure for each of so many records.
pub(super) fn same<T>(count: usize, error: &WriteError) -> Vec<Result<T, WriteError>> {
    (0..count).map(|_| Err(error.clone())).collect()
}
