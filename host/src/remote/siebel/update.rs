//! Updates: read the version, write, read again. A PUT is an upsert, so it would bring back a record that is gone; and a
//! 500 may be a refusal or an accident after the fact, so the record is asked what became of it.

use super::listing::Extent;
use super::write::{Values, as_expected, found_as_ours, version};
use super::{IN_FLIGHT, Purpose, Siebel};
use crate::ports::{RemoteError, RemoteRecord, RemoteUpdate, WriteError, Written, side_by_side};
use reqwest::Method;
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::compare::is_another_record;
use sync_core::object::{Field, Object};
use sync_core::value::Value;

impl Siebel {
    pub(super) async fn update_records(
        &self,
        object: &Object,
        updates: &[RemoteUpdate<'_>],
    ) -> Vec<Result<Written, WriteError>> {
        let values: Vec<Values<'_>> = updates.iter().map(|it| sent_by_update(object, it)).collect();
        // What is not sent is answered with what is there.
        let extent = if values.iter().any(Vec::is_empty) { Extent::Records } else { Extent::Keys };
        let ids: Vec<&RemoteId> = updates.iter().map(|it| it.id).collect();
        let mut before = self.present(object, extent, &ids).await;
        let puts = updates.iter().zip(values);
        let puts = puts.map(|(it, values)| self.put(object, *it, values, before.take(it.id))).collect();
        let puts = side_by_side(IN_FLIGHT, puts).await;
        let sent = |put: &&Put<'_>| matches!(put, Put::Sent(_));
        let sent: Vec<&RemoteId> =
            updates.iter().zip(&puts).filter(|(_, put)| sent(put)).map(|(it, _)| it.id).collect();
        let mut after = self.present(object, Extent::Records, &sent).await;
        let mut answers = Vec::with_capacity(puts.len());
        for (update, put) in updates.iter().zip(puts) {
            answers.push(match put {
                Put::Settled(answer) => answer,
                Put::Sent(sent) => self.outcome_of(object, update.id, *sent, after.take(update.id)).await,
            });
        }
        answers
    }

    /// Sends an update, if the record is still what is expected.
    async fn put<'v>(
        &self,
        object: &Object,
        update: RemoteUpdate<'_>,
        values: Values<'v>,
        found: Result<Option<RemoteRecord>, RemoteError>,
    ) -> Put<'v> {
        match self.try_put(object, update, values, found).await {
            Ok(put) => put,
            Err(error) => Put::Settled(Err(error)),
        }
    }

    async fn try_put<'v>(
        &self,
        object: &Object,
        update: RemoteUpdate<'_>,
        values: Values<'v>,
        found: Result<Option<RemoteRecord>, RemoteError>,
    ) -> Result<Put<'v>, WriteError> {
        let before = as_expected(object, found?, update.expected)?.ok_or(WriteError::Gone)?;
        let ours = match &object.resource.version {
            Some(_) => Some(version(&before.key).ok_or(WriteError::NoVersion)? + 1),
            None => None,
        };
        if values.is_empty() {
            return Ok(Put::Settled(Ok(found_as_ours(before))));
        }
        let mut call = self.call(object, Purpose::Write, Method::PUT, self.address(object, Some(update.id)));
        call.body = Some(self.body(object, &values)?);
        let doubt = self.outcome(&call, || self.is_as_expected(object, update.id, &before.key.token)).await?;
        Ok(Put::Sent(Box::new(Sent { before: before.key, ours, values, doubt })))
    }

    /// What an update came to, by what was found afterwards.
    async fn outcome_of(
        &self,
        object: &Object,
        id: &RemoteId,
        Sent { before, ours, values: sent, doubt }: Sent<'_>,
        after: Result<Option<RemoteRecord>, RemoteError>,
    ) -> Result<Written, WriteError> {
        let after = match (after, &doubt) {
            (Ok(after), _) => after,
            // Written for certain, and nobody knows what came after.
            (Err(error), None) => {
                tracing::warn!(%id, %error, "an updated record could not be read back");
                None
            }
            (Err(_), Some(doubt)) => return Err(doubt.clone()),
        };
        if let Some(after) = &after
            && was_recreated(&before, &after.key)
        {
            return Err(self.undo_upsert(object, id, &before, &sent).await);
        }
        let unmoved = after.as_ref().is_some_and(|after| after.key.token == before.token);
        if let Some(doubt) = doubt {
            let ours_alone = after.as_ref().is_some_and(|after| {
                self.stand(&sent, &after.row) && (ours.is_none() || version(&after.key) == ours) && !unmoved
            });
            return match doubt {
                _ if ours_alone => {
                    Ok(self.written(object, id.clone(), ours.map(|v| v.to_string()), &sent, after))
                }
                WriteError::Refused { .. } if after.is_none() => Err(WriteError::Gone),
                WriteError::Refused { .. } if unmoved => Err(doubt),
                WriteError::Refused { message, .. } => {
                    Err(WriteError::FateUnknown { message, may_still_run: false })
                }
                other => Err(other),
            };
        }
        if unmoved && let Some(after) = after {
            // Siebel does not write what changes nothing.
            return Ok(found_as_ours(after));
        }
        let created = before.created;
        let written = self.written(object, id.clone(), ours.map(|v| v.to_string()), &sent, after);
        Ok(Written { created: written.created.clone().or(created), ..written })
    }

    /// Takes back what our PUT made of a record that was deleted between the read and the write. The read that shows it
    /// may be a lagging replica's, and somebody may have filled the record since: one more, of the record by itself, has
    /// to show it, too.
    async fn undo_upsert(
        &self,
        object: &Object,
        id: &RemoteId,
        before: &RemoteKey,
        sent: &[(usize, &Value)],
    ) -> WriteError {
        let doubt = || WriteError::FateUnknown {
            message: format!(
                "record {id} may have been deleted meanwhile, and the update may have brought part of it back"
            ),
            may_still_run: false,
        };
        match self.one(object, Extent::Records, id).await {
            Ok(None) => return WriteError::Gone,
            Ok(Some(found)) if self.is_made_by_update(object, before, sent, &found) => {}
            _ => return doubt(),
        }
        let call = self.call(object, Purpose::Write, Method::DELETE, self.address(object, Some(id)));
        match self.outcome(&call, || std::future::ready(Ok(()))).await {
            Ok(None) => WriteError::Gone,
            _ => doubt(),
        }
    }

    /// Whether the record is what our PUT alone has made: another one than before, with nothing in it but what was sent
    /// and what the server sets.
    fn is_made_by_update(
        &self,
        object: &Object,
        before: &RemoteKey,
        sent: &[(usize, &Value)],
        found: &RemoteRecord,
    ) -> bool {
        let is_new = object.resource.version.is_none() || matches!(version(&found.key), Some(0 | 1));
        let is_ours = |(index, field): (usize, &Field)| {
            let is_servers = field.traits.read_only || field.traits.computed;
            let is_sent = sent.iter().any(|(sent, _)| *sent == index);
            is_servers || is_sent || !found.row.get(index).is_some_and(Value::is_filled)
        };
        is_another_record(before, &found.key)
            && is_new
            && object.remote.iter().enumerate().all(is_ours)
            && self.stand(sent, &found.row)
    }
}

/// How far an update has come.
enum Put<'v> {
    /// There is nothing more to find out.
    Settled(Result<Written, WriteError>),
    /// The record tells what came of it.
    Sent(Box<Sent<'v>>),
}

/// An update that was sent.
struct Sent<'v> {
    before: RemoteKey,
    /// The version that it gives the record.
    ours: Option<u64>,
    values: Values<'v>,
    /// Why it may not have been carried out, see [`Siebel::outcome`].
    doubt: Option<WriteError>,
}

/// The fields that an update sends.
fn sent_by_update<'v>(object: &Object, update: &RemoteUpdate<'v>) -> Values<'v> {
    let is_sent = |(index, _): &&(usize, Value)| {
        object.remote.get(*index).is_some_and(|field| !field.traits.is_remote_owned())
    };
    update.changes.iter().filter(is_sent).map(|(index, value)| (*index, value)).collect()
}

/// Whether the id seems to be another record's by now: its created-stamp moved; where that is not known, its version
/// began anew.
fn was_recreated(before: &RemoteKey, after: &RemoteKey) -> bool {
    match (&before.created, &after.created) {
        (Some(_), Some(_)) => is_another_record(before, after),
        _ => matches!((version(before), version(after)), (Some(before), Some(after)) if after < before),
    }
}
