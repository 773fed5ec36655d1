//! Inserts and deletes, and what all writes share, on a server that knows no conditions: read the version, write, read
//! again (`behaviour.md`, decisions 6 to 8).

use super::listing::Extent;
use super::wire::{Said, code};
use super::{IN_FLIGHT, Purpose, Siebel, WRITES};
use crate::ports::{RemoteDelete, RemoteError, RemoteRecord, WriteError, Written, side_by_side};
use crate::remote::http::{Call, Reply};
use reqwest::Method;
use serde::Serializer;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};
use url::Url;

/// Bytes that most bodies fit into.
const ROOM: usize = 1_024;

impl Siebel {
    pub(super) async fn insert_records(
        &self,
        object: &Object,
        rows: &[&Row],
    ) -> Vec<Result<Written, WriteError>> {
        let sent: Vec<Values<'_>> = rows.iter().map(|row| sent_by_insert(object, row)).collect();
        let url = self.address(object, None);
        let posts = sent.iter().map(|sent| self.post(object, &url, sent)).collect();
        let ids = side_by_side(WRITES, posts).await;
        let mut found =
            self.present(object, Extent::Records, &ids.iter().flatten().collect::<Vec<_>>()).await;
        let version = object.resource.version.as_ref().map(|_| "0".to_owned());
        let written = |(id, sent): (Result<RemoteId, WriteError>, Values<'_>)| {
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
    async fn post(
        &self,
        object: &Object,
        url: &Url,
        sent: &[(usize, &Value)],
    ) -> Result<RemoteId, WriteError> {
        let mut call = self.call(object, Purpose::Write, Method::POST, url.clone());
        call.body = Some(self.body(object, sent)?);
        let reply = self.http.answered(&call, self.http.write(&call).await?)?;
        if reply.status >= 500 {
            let message = self.http.unexpected(&call, &reply).message;
            return Err(WriteError::FateUnknown { message, may_still_run: false });
        }
        if !reply.is_success() {
            return Err(self.refusal(&call, &reply));
        }
        let id = Said::of(&reply.body).id().map(RemoteId);
        id.ok_or_else(|| WriteError::unnamed(&self.http.name(&call)))
    }

    pub(super) async fn delete_records(
        &self,
        object: &Object,
        deletes: &[RemoteDelete<'_>],
    ) -> Vec<Result<(), WriteError>> {
        let mut found =
            self.present(object, Extent::Keys, &deletes.iter().map(|it| it.id).collect::<Vec<_>>()).await;
        let deletes = deletes.iter().map(|it| self.delete_record(object, *it, found.take(it.id)));
        side_by_side(IN_FLIGHT, deletes.collect()).await
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
        match self.outcome(&call, || self.is_as_expected(object, id, expected)).await {
            Ok(None) | Err(WriteError::Gone) => Ok(()),
            Ok(Some(doubt)) => match (self.present(object, Extent::Keys, &[id]).await.take(id), doubt) {
                (Ok(None), _) => Ok(()),
                (_, doubt) => Err(doubt),
            },
            Err(error) => Err(error),
        }
    }

    /// Sends an update or delete. `None`: done. Otherwise what to report should the record not tell more;
    /// [`WriteError::Refused`] for a 500 is such a doubt, while a plain refusal is final. What has to hold before the
    /// write is asked again where the server puts it off.
    pub(super) async fn outcome<F>(
        &self,
        call: &Call<'_>,
        holds: impl Fn() -> F,
    ) -> Result<Option<WriteError>, WriteError>
    where
        F: Future<Output = Result<(), WriteError>>,
    {
        let reply = match self.http.write_if(call, holds).await {
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

    /// Whether the record still is what is expected.
    pub(super) async fn is_as_expected(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<(), WriteError> {
        let found = self.one(object, Extent::Keys, id).await?;
        as_expected(object, found, expected)?.map(|_| ()).ok_or(WriteError::Gone)
    }

    /// A write of ours that gave the record the version, with the record as it was found afterwards.
    pub(super) fn written(
        &self,
        object: &Object,
        id: RemoteId,
        ours: Option<String>,
        sent: &[(usize, &Value)],
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
    pub(super) fn stand(&self, sent: &[(usize, &Value)], row: &Row) -> bool {
        sent.iter().all(|(index, value)| {
            row.get(*index).is_some_and(|found| self.wire.written(found) == self.wire.written(value))
        })
    }

    pub(super) fn body(&self, object: &Object, values: &[(usize, &Value)]) -> Result<Vec<u8>, WriteError> {
        let fields = values.iter().filter_map(|(index, value)| {
            Some((object.remote.get(*index)?.name.as_str(), self.wire.written(value)))
        });
        let mut body = Vec::with_capacity(ROOM);
        match serde_json::Serializer::new(&mut body).collect_map(fields) {
            Ok(()) => Ok(body),
            Err(error) => Err(WriteError::Refused { code: "refused".into(), message: error.to_string() }),
        }
    }

    /// What Siebel says to a write that it does not carry out. A 404 is about the component, not the record.
    pub(super) fn refusal(&self, call: &Call<'_>, reply: &Reply) -> WriteError {
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
pub(super) type Values<'v> = Vec<(usize, &'v Value)>;

fn sent_by_insert<'v>(object: &Object, row: &'v Row) -> Values<'v> {
    let writable = |traits: sync_core::object::Traits| !traits.read_only && !traits.computed;
    row.iter()
        .enumerate()
        .filter(|(index, value)| {
            value.is_filled() && object.remote.get(*index).is_some_and(|field| writable(field.traits))
        })
        .collect()
}

/// The record as it is now, if it still is what is expected; `None` if it is gone.
pub(super) fn as_expected(
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
pub(super) fn found_as_ours(RemoteRecord { key, row }: RemoteRecord) -> Written {
    let token = if key.fresh { RemoteToken::unsettled() } else { key.token };
    Written { id: key.id, created: key.created, token, row: Some(row) }
}

pub(super) fn version(key: &RemoteKey) -> Option<u64> {
    key.token.version.as_ref()?.parse().ok()
}
