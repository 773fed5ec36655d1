//! Inserts. The version of a new record is the one that its insert is answered with (`behaviour.md`, decision 8).

use super::Odata;
use super::proof::{as_ours, is_whole, written};
use super::query;
use super::read::etag_header;
use super::send::Sent;
use super::shape::Shape;
use super::write::same;
use crate::ports::{WriteError, Written, side_by_side};
use crate::remote::http::Call;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::LOCATION;
use sync_core::change_key::RemoteId;
use sync_core::object::Object;
use sync_core::value::{Row, Value};

impl Odata {
    /// Inserts records, in as few requests as the server allows; answer *i* belongs to row *i*.
    pub(super) async fn insert_records(
        &self,
        object: &Object,
        rows: &[&Row],
    ) -> Vec<Result<Written, WriteError>> {
        let shape = match self.shape(object).await {
            Ok(shape) => shape,
            Err(error) => return same(rows.len(), &error.into()),
        };
        let url = self.address(object, &shape, None);
        let prepared = rows.iter().map(|row| {
            let sent = insertable(object, row);
            let call = self.writing(object, &shape, Method::POST, url.clone(), Some(&sent), None);
            call.map(|call| (call, sent)).map_err(Err)
        });
        let sent = self.send_prepared(object, &shape, prepared.collect()).await;
        let shape = &*shape;
        let judged = sent.into_iter().map(|it| -> BoxFuture<'_, _> {
            Box::pin(async move {
                match it {
                    Ok((call, values, sent)) => self.inserted(object, shape, &call, &values, sent).await,
                    Err(done) => done,
                }
            })
        });
        side_by_side(self.abilities().in_flight, judged.collect()).await
    }

    /// What an insert has come to.
    async fn inserted(
        &self,
        object: &Object,
        shape: &Shape,
        call: &Call<'_>,
        values: &[(usize, Value)],
        sent: Sent,
    ) -> Result<Written, WriteError> {
        let reply = match sent {
            Sent::Answered(reply) => reply,
            Sent::Failed(error) | Sent::Untold(error) => return Err(error),
        };
        if reply.status >= 500 {
            let message = self.failed(call, &reply).message;
            return Err(WriteError::FateUnknown { message, may_still_run: false });
        }
        if !reply.is_success() {
            return Err(self.refusal(call, &reply));
        }
        let answered = self.representation(object, shape, &reply);
        let ours = answered.as_ref().and_then(|it| it.etag.clone()).or_else(|| etag_header(&reply));
        let named = ["odata-entityid", LOCATION.as_str()];
        let id = match &answered {
            Some(found) => Some(found.record.key.id.clone()),
            None => named.iter().find_map(|name| query::key_of(reply.header(name)?)).map(RemoteId),
        };
        let Some(id) = id else { return Err(WriteError::unnamed(&self.http.name(call))) };
        if let Some(found) = answered.filter(|found| is_whole(object, found)) {
            return Ok(as_ours(found.record));
        }
        let found = self.one(object, shape, &id).await.unwrap_or_else(|error| {
            tracing::warn!(%id, %error, "a new record could not be read back");
            None
        });
        Ok(written(object, shape, id, ours, values, None, found))
    }
}

/// The values of a new record that are sent, by their fields.
fn insertable(object: &Object, row: &Row) -> Vec<(usize, Value)> {
    let writable = |index: usize| {
        let field = object.remote.get(index);
        field.is_some_and(|field| !field.traits.read_only && !field.traits.computed)
    };
    row.iter()
        .enumerate()
        .filter(|(index, value)| value.is_filled() && writable(*index))
        .map(|(index, value)| (index, value.clone()))
        .collect()
}
