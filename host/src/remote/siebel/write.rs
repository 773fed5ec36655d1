//! Writes, on a server that knows no conditions: read the version, write, read again (`behaviour.md`, decisions 6
//! to 8). Two dangers shape the code. A PUT is an upsert, so it would bring back a record that is gone; and a 500
//! may be a refusal or an accident after the fact, so the record is asked what became of it.

use super::wire::{Said, code};
use super::{IN_FLIGHT, Purpose, Siebel};
use crate::ports::{
    RemoteDelete, RemoteError, RemoteRecord, RemoteUpdate, WriteError, Written, side_by_side,
};
use crate::remote::http::{Call, Reply};
use reqwest::Method;
use std::collections::BTreeMap;
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

impl Siebel {
    pub(super) async fn insert_records(
        &self,
        object: &Object,
        rows: &[&Row],
    ) -> Vec<Result<Written, WriteError>> {
        let sent: Vec<Values> = rows.iter().map(|row| sent_by_insert(object, row)).collect();
        let posts = sent.iter().map(|sent| self.post(object, sent)).collect();
        let ids = side_by_side(IN_FLIGHT, posts).await;
        let mut found = self.present(object, &ids.iter().flatten().collect::<Vec<_>>()).await;
        let version = object.resource.version.as_ref().map(|_| "0".to_owned());
        let written = |(id, sent): (Result<RemoteId, WriteError>, Values)| {
            let id = id?;
            let found = found.take(&id).unwrap_or_else(|error| {
                tracing::warn!(%id, %error, "a new record could not be read back");
                None
            });
            Ok(self.written(object, id, version.clone(), &sent, found))
        };
        ids.into_iter().zip(sent).map(written).collect()
    }

    /// Sends an insert. The new record's id.
    async fn post(&self, object: &Object, sent: &[(usize, Value)]) -> Result<RemoteId, WriteError> {
        let mut call = self.call(object, Purpose::Write, Method::POST, self.address(object, None));
        call.body = Some(self.body(object, sent)?);
        let reply = self.http.answered(&call, self.http.write(&call).await?)?;
        if reply.status >= 500 {
            let message = self.http.unexpected(&call, &reply).message;
            return Err(WriteError::FateUnknown { message, may_still_run: false });
        }
        if !reply.is_success() {
            return Err(self.refusal(&call, &reply));
        }
        Said::of(&reply.body).id().map(RemoteId).ok_or_else(|| {
            let message = format!("{} was answered without the id of the new record", self.http.name(&call));
            WriteError::FateUnknown { message, may_still_run: false }
        })
    }

    pub(super) async fn update_records(
        &self,
        object: &Object,
        updates: &[RemoteUpdate<'_>],
    ) -> Vec<Result<Written, WriteError>> {
        let mut before = self.present(object, &updates.iter().map(|it| it.id).collect::<Vec<_>>()).await;
        let puts = updates.iter().map(|it| self.put(object, *it, before.take(it.id))).collect();
        let puts = side_by_side(IN_FLIGHT, puts).await;
        let sent = |put: &&Put| matches!(put, Put::Sent(_));
        let sent: Vec<&RemoteId> =
            updates.iter().zip(&puts).filter(|(_, put)| sent(put)).map(|(it, _)| it.id).collect();
        let mut after = self.present(object, &sent).await;
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
    async fn put(
        &self,
        object: &Object,
        update: RemoteUpdate<'_>,
        found: Result<Option<RemoteRecord>, RemoteError>,
    ) -> Put {
        match self.try_put(object, update, found).await {
            Ok(put) => put,
            Err(error) => Put::Settled(Err(error)),
        }
    }

    async fn try_put(
        &self,
        object: &Object,
        update: RemoteUpdate<'_>,
        found: Result<Option<RemoteRecord>, RemoteError>,
    ) -> Result<Put, WriteError> {
        let before = as_expected(object, found?, update.expected)?.ok_or(WriteError::Gone)?;
        let ours = match &object.resource.version {
            Some(_) => Some(version(&before).ok_or(WriteError::NoVersion)? + 1),
            None => None,
        };
        let is_sent = |(index, _): &&(usize, Value)| {
            object.remote.get(*index).is_some_and(|field| !field.traits.is_remote_owned())
        };
        let values: Values = update.changes.iter().filter(is_sent).cloned().collect();
        if values.is_empty() {
            return Ok(Put::Settled(Ok(found_as_ours(before))));
        }
        let mut call = self.call(object, Purpose::Write, Method::PUT, self.address(object, Some(update.id)));
        call.body = Some(self.body(object, &values)?);
        let doubt = self.outcome(&call).await?;
        Ok(Put::Sent(Box::new(Sent { before, ours, values, doubt })))
    }

    /// What an update came to, by what was found afterwards.
    async fn outcome_of(
        &self,
        object: &Object,
        id: &RemoteId,
        Sent { before, ours, values: sent, doubt }: Sent,
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
            && was_recreated(&before, after)
        {
            return Err(self.undo_upsert(object, id).await);
        }
        let unmoved = after.as_ref().is_some_and(|after| after.key.token == before.key.token);
        if let Some(doubt) = doubt {
            let ours_alone = after.as_ref().is_some_and(|after| {
                self.stand(&sent, &after.row) && (ours.is_none() || version(after) == ours) && !unmoved
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
        let created = before.key.created;
        let written = self.written(object, id.clone(), ours.map(|v| v.to_string()), &sent, after);
        Ok(Written { created: written.created.clone().or(created), ..written })
    }

    pub(super) async fn delete_records(
        &self,
        object: &Object,
        deletes: &[RemoteDelete<'_>],
    ) -> Vec<Result<(), WriteError>> {
        let mut found = self.present(object, &deletes.iter().map(|it| it.id).collect::<Vec<_>>()).await;
        let deletes = deletes.iter().map(|it| self.delete_record(object, *it, found.take(it.id))).collect();
        side_by_side(IN_FLIGHT, deletes).await
    }

    async fn delete_record(
        &self,
        object: &Object,
        RemoteDelete { id, expected }: RemoteDelete<'_>,
        found: Result<Option<RemoteRecord>, RemoteError>,
    ) -> Result<(), WriteError> {
        if as_expected(object, found?, expected)?.is_none() {
            return Ok(());
        }
        let call = self.call(object, Purpose::Write, Method::DELETE, self.address(object, Some(id)));
        match self.outcome(&call).await? {
            None => Ok(()),
            Some(doubt) => match (self.present(object, &[id]).await.take(id), doubt) {
                (Ok(None), _) => Ok(()),
                (_, doubt) => Err(doubt),
            },
        }
    }

    /// Sends an update or delete. `None`: done. Otherwise what to report should the record not tell more;
    /// [`WriteError::Refused`] for a 500 is such a doubt, while a plain refusal is final.
    async fn outcome(&self, call: &Call<'_>) -> Result<Option<WriteError>, WriteError> {
        let reply = match self.http.write(call).await {
            Ok(reply) => self.http.answered(call, reply)?,
            Err(doubt @ WriteError::FateUnknown { .. }) => return Ok(Some(doubt)),
            Err(error) => return Err(error),
        };
        match reply.status {
            404 if call.method == Method::DELETE => Ok(None),
            _ if reply.is_success() => Ok(None),
            500.. => Ok(Some(self.refusal(call, &reply))),
            _ => Err(self.refusal(call, &reply)),
        }
    }

    /// Takes back what our PUT made of a record that was deleted between the read and the write.
    async fn undo_upsert(&self, object: &Object, id: &RemoteId) -> WriteError {
        let call = self.call(object, Purpose::Write, Method::DELETE, self.address(object, Some(id)));
        match self.outcome(&call).await {
            Ok(None) => WriteError::Gone,
            _ => WriteError::FateUnknown {
                message: format!(
                    "record {id} was deleted meanwhile, and the update has brought part of it back"
                ),
                may_still_run: false,
            },
        }
    }

    /// A write of ours that gave the record the version, with the record as it was found afterwards.
    fn written(
        &self,
        object: &Object,
        id: RemoteId,
        ours: Option<String>,
        sent: &[(usize, Value)],
        found: Option<RemoteRecord>,
    ) -> Written {
        let Some(RemoteRecord { key, row }) = found else {
            return Written { id, created: None, token: RemoteToken::of_version(ours), row: None };
        };
        // Without a version, values that stand are all the proof there is.
        let still_ours = match object.resource.version {
            Some(_) => key.token.version == ours,
            None => self.stand(sent, &row),
        };
        if still_ours {
            found_as_ours(RemoteRecord { key, row })
        } else {
            Written { id, created: key.created, token: RemoteToken::of_version(ours), row: None }
        }
    }

    /// Whether the record has the values that were sent, in the precision that Siebel keeps.
    fn stand(&self, sent: &[(usize, Value)], row: &Row) -> bool {
        sent.iter().all(|(index, value)| {
            row.get(*index).is_some_and(|found| self.wire.written(found) == self.wire.written(value))
        })
    }

    fn body(&self, object: &Object, values: &[(usize, Value)]) -> Result<Vec<u8>, WriteError> {
        let fields: BTreeMap<&str, String> = values
            .iter()
            .filter_map(|(index, value)| {
                Some((object.remote.get(*index)?.name.as_str(), self.wire.written(value)))
            })
            .collect();
        serde_json::to_vec(&fields)
            .map_err(|error| WriteError::Refused { code: "refused".into(), message: error.to_string() })
    }

    /// What Siebel says to a write that it does not carry out. A 404 is about the component, not the record.
    fn refusal(&self, call: &Call<'_>, reply: &Reply) -> WriteError {
        let error = self.http.unexpected(call, reply);
        if reply.status == 404 {
            return WriteError::Remote(error);
        }
        let said = Said::of(&reply.body);
        let message = said.error().map_or(error.message, |text| self.http.clean(text));
        let code = code(&message).unwrap_or("refused").to_owned();
        WriteError::Refused { code, message }
    }
}

/// Fields with the values that are sent.
type Values = Vec<(usize, Value)>;

/// How far an update has come.
enum Put {
    /// There is nothing more to find out.
    Settled(Result<Written, WriteError>),
    /// The record tells what came of it.
    Sent(Box<Sent>),
}

/// An update that was sent.
struct Sent {
    before: RemoteRecord,
    /// The version that it gives the record.
    ours: Option<u64>,
    values: Values,
    /// Why it may not have been carried out, see [`Siebel::outcome`].
    doubt: Option<WriteError>,
}

fn sent_by_insert(object: &Object, row: &Row) -> Values {
    let writable = |traits: sync_core::object::Traits| !traits.read_only && !traits.computed;
    row.iter()
        .enumerate()
        .filter(|(index, value)| {
            value.is_filled() && object.remote.get(*index).is_some_and(|field| writable(field.traits))
        })
        .map(|(index, value)| (index, value.clone()))
        .collect()
}

/// The record as it is now, if it still is what is expected; `None` if it is gone.
fn as_expected(
    object: &Object,
    found: Option<RemoteRecord>,
    expected: &RemoteToken,
) -> Result<Option<RemoteRecord>, WriteError> {
    let Some(record) = found else { return Ok(None) };
    let found = &record.key.token;
    let missing =
        if object.resource.version.is_some() { found.version.is_none() } else { found.updated.is_empty() };
    if missing {
        return Err(WriteError::NoVersion);
    }
    let same_version = expected.version.is_none() || expected.version == found.version;
    let same_stamp = expected.updated.is_empty() || expected.updated == found.updated;
    let settled = *expected != RemoteToken::unsettled();
    if settled && same_version && same_stamp { Ok(Some(record)) } else { Err(WriteError::Moved) }
}

/// What a record that is the result of our write enters the baseline with: somebody may write again within the tick
/// of our stamp (decision 3).
fn found_as_ours(RemoteRecord { key, row }: RemoteRecord) -> Written {
    let token = if key.fresh { RemoteToken::unsettled() } else { key.token };
    Written { id: key.id, created: key.created, token, row: Some(row) }
}

fn version(record: &RemoteRecord) -> Option<u64> {
    record.key.token.version.as_ref()?.parse().ok()
}

/// Whether the id is another record's by now: its version began anew, or its created-stamp moved.
fn was_recreated(before: &RemoteRecord, after: &RemoteRecord) -> bool {
    let created = before.key.created.is_some() && after.key.created.is_some();
    (created && before.key.created != after.key.created)
        || matches!((version(before), version(after)), (Some(before), Some(after)) if after < before)
}
