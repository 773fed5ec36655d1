//! Writes, on a server that knows no conditions: read the version, write, read again (`behaviour.md`, decisions 6
//! to 8). Two dangers shape the code. A PUT is an upsert, so it would bring back a record that is gone; and a 500
//! may be a refusal or an accident after the fact, so the record is asked what became of it.

use super::query::Query;
use super::wire::{Said, code};
use super::{Purpose, Siebel};
use crate::ports::{RemoteError, RemoteRecord, WriteError, Written};
use crate::remote::decode::{Layout, unfolded};
use crate::remote::http::{Call, Reply};
use reqwest::Method;
use std::collections::BTreeMap;
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

impl Siebel {
    pub(super) async fn insert_record(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        let sent: Vec<(usize, Value)> = row
            .iter()
            .enumerate()
            .filter(|(index, value)| {
                let writable = |traits: sync_core::object::Traits| !traits.read_only && !traits.computed;
                value.is_filled() && object.remote.get(*index).is_some_and(|field| writable(field.traits))
            })
            .map(|(index, value)| (index, value.clone()))
            .collect();
        let mut call = self.call(object, Purpose::Write, Method::POST, self.address(object, None));
        call.body = Some(self.body(object, &sent)?);
        let reply = self.http.answered(&call, self.http.write(&call).await?)?;
        if reply.status >= 500 {
            let message = self.http.unexpected(&call, &reply).message;
            return Err(WriteError::FateUnknown { message, may_still_run: false });
        }
        if !reply.is_success() {
            return Err(self.refusal(&call, &reply));
        }
        let Some(id) = Said::of(&reply.body).id().map(RemoteId) else {
            let message = format!("{} was answered without the id of the new record", self.http.name(&call));
            return Err(WriteError::FateUnknown { message, may_still_run: false });
        };
        let found = self.one(object, &id).await.unwrap_or_else(|error| {
            tracing::warn!(%id, %error, "a new record could not be read back");
            None
        });
        let version = object.resource.version.as_ref().map(|_| "0".to_owned());
        Ok(self.written(object, id, version, &sent, found))
    }

    pub(super) async fn update_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        let before = self.as_expected(object, id, expected).await?.ok_or(WriteError::Gone)?;
        let ours = match &object.resource.version {
            Some(_) => Some(version(&before).ok_or(WriteError::NoVersion)? + 1),
            None => None,
        };
        let sent: Vec<(usize, Value)> = changes
            .iter()
            .filter(|(index, _)| {
                object.remote.get(*index).is_some_and(|field| !field.traits.is_remote_owned())
            })
            .cloned()
            .collect();
        if sent.is_empty() {
            return Ok(found_as_ours(before));
        }
        let mut call = self.call(object, Purpose::Write, Method::PUT, self.address(object, Some(id)));
        call.body = Some(self.body(object, &sent)?);
        let doubt = self.outcome(&call).await?;
        let after = match (self.one(object, id).await, &doubt) {
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

    pub(super) async fn delete_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<(), WriteError> {
        if self.as_expected(object, id, expected).await?.is_none() {
            return Ok(());
        }
        let call = self.call(object, Purpose::Write, Method::DELETE, self.address(object, Some(id)));
        match self.outcome(&call).await? {
            None => Ok(()),
            Some(doubt) => match (self.one(object, id).await, doubt) {
                (Ok(None), _) => Ok(()),
                (_, doubt) => Err(doubt),
            },
        }
    }

    /// The record as it is now, if it still is what is expected; `None` if it is gone.
    async fn as_expected(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<Option<RemoteRecord>, WriteError> {
        let Some(record) = self.one(object, id).await? else { return Ok(None) };
        let found = &record.key.token;
        let missing = if object.resource.version.is_some() {
            found.version.is_none()
        } else {
            found.updated.is_empty()
        };
        if missing {
            return Err(WriteError::NoVersion);
        }
        let same_version = expected.version.is_none() || expected.version == found.version;
        let same_stamp = expected.updated.is_empty() || expected.updated == found.updated;
        let settled = *expected != RemoteToken::unsettled();
        if settled && same_version && same_stamp { Ok(Some(record)) } else { Err(WriteError::Moved) }
    }

    /// One record by its id, in the widest view. `None` also where the server answers another one: nothing may be
    /// written to an id that the server did not name.
    async fn one(&self, object: &Object, id: &RemoteId) -> Result<Option<RemoteRecord>, RemoteError> {
        let layout = Layout::records(object, unfolded);
        let query = Query {
            fields: layout.names().collect(),
            view_mode: &self.options.user_key_view_mode,
            ..Query::default()
        };
        let url = query.at(self.address(object, Some(id)));
        let records = self.query(object, Purpose::Query, url, layout).await?;
        Ok(records.into_iter().find(|record| record.key.id == *id))
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
