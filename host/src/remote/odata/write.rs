//! Writes. The ETag of the record is the condition of every one of them: the server checks it, and tells the new one
//! with its answer, so that the new token is ours for certain (`behaviour.md`, decisions 7 and 8). Of a record without
//! an ETag, or whose ETag is not its version, the version is read right before; the condition is then its ETag, or at
//! least that it is there, and what was written is verified.

use super::query;
use super::read::{Found, etag_header};
use super::schema::{Bind, ETAG, Shape};
use super::wire::{self, Fault};
use super::{EXACT_JSON, JSON, Odata, PREFER};
use crate::ports::{RemoteError, RemoteRecord, Scope, WriteError, Written};
use crate::remote::http::{Call, Reply};
use crate::remote::tally::Purpose;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue, IF_MATCH, LOCATION};
use serde_json::{Map, Value as Json, json};
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// The condition that a record is there, whatever its version.
const WHATEVER_IS_THERE: &str = "*";

/// What a write that is about to be sent may rely on.
struct Guard {
    /// The `If-Match`.
    condition: String,
    /// The record as it was right before, where that had to be read.
    before: Option<RemoteRecord>,
}

/// What the server answered to an update or delete.
enum Answer {
    /// Carried out.
    Done(Reply),
    /// Not there.
    Gone,
    /// The condition does not hold: another version, or no record.
    Unmet,
    /// Nobody knows; the record may tell.
    Doubt(WriteError),
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
        let call = self.writing(object, &shape, Method::POST, url, Some(&sent), None)?;
        let reply = self.send(&call).await?;
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
        let call = self.writing(object, &shape, Method::PATCH, url, Some(&sent), Some(&guard))?;
        let reply = match self.outcome(&call).await? {
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
        let call = self.writing(object, &shape, Method::DELETE, url, None, Some(&guard))?;
        match self.outcome(&call).await? {
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

    fn writing<'o>(
        &self,
        object: &'o Object,
        shape: &Shape,
        method: Method,
        url: url::Url,
        values: Option<&[(usize, Value)]>,
        guard: Option<&Guard>,
    ) -> Result<Call<'o>, WriteError> {
        let unusable = |what: &str| WriteError::Refused {
            code: "refused".into(),
            message: format!("{what}: nothing was written"),
        };
        let accept = if shape.exact { EXACT_JSON } else { JSON };
        let mut call = self.call(Some(object), Purpose::Write, method, url, accept);
        if let Some(values) = values {
            let body = self.body(object, shape, values);
            let exact =
                values.iter().any(|(index, _)| shape.columns.get(*index).is_some_and(|it| it.edm.is_exact()));
            let kind = if exact { "application/json;IEEE754Compatible=true" } else { "application/json" };
            call.headers.push((CONTENT_TYPE, HeaderValue::from_static(kind)));
            call.headers.push((PREFER, HeaderValue::from_static("return=representation")));
            call.body = Some(
                serde_json::to_vec(&body).map_err(|_| unusable("the record cannot be written as JSON"))?,
            );
        }
        if let Some(guard) = guard {
            let condition = HeaderValue::from_str(&guard.condition)
                .map_err(|_| unusable("the record's version cannot be put into a header"))?;
            call.headers.push((IF_MATCH, condition));
        }
        Ok(call)
    }

    fn body(&self, object: &Object, shape: &Shape, values: &[(usize, Value)]) -> Json {
        let mut map = Map::new();
        for (index, value) in values {
            let (Some(field), Some(column)) = (object.remote.get(*index), shape.columns.get(*index)) else {
                continue;
            };
            match &column.bind {
                Some(Bind { navigation, set, key }) => {
                    let id = wire::text(value, key);
                    let to = format!("/{set}({})", query::literal(key, &id));
                    let to = if value.is_filled() { json!(to) } else { Json::Null };
                    map.insert(format!("{navigation}@odata.bind"), to);
                }
                None => {
                    map.insert(field.name.clone(), wire::written(value, &column.edm));
                }
            }
        }
        Json::Object(map)
    }

    /// Sends a write.
    async fn send(&self, call: &Call<'_>) -> Result<Reply, WriteError> {
        Ok(self.http.answered(call, self.http.write(call).await?)?)
    }

    /// Sends an update or delete.
    async fn outcome(&self, call: &Call<'_>) -> Result<Answer, WriteError> {
        let reply = match self.send(call).await {
            Ok(reply) => reply,
            Err(doubt @ WriteError::FateUnknown { .. }) => return Ok(Answer::Doubt(doubt)),
            Err(error) => return Err(error),
        };
        Ok(match reply.status {
            404 | 410 => Answer::Gone,
            412 => Answer::Unmet,
            428 => {
                let what = self.http.name(call);
                return Err(WriteError::Remote(RemoteError {
                    scope: Scope::Object,
                    message: format!("{what} was answered with 428, as if it had no condition, and it has"),
                    help: Some("a proxy between seems to take `If-Match` out of requests".into()),
                }));
            }
            _ if reply.is_success() => Answer::Done(reply),
            500.. => Answer::Doubt(self.refusal(call, &reply)),
            _ => return Err(self.refusal(call, &reply)),
        })
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

    /// What the server says to a write that it does not carry out. A 404 is about the set, not the record.
    fn refusal(&self, call: &Call<'_>, reply: &Reply) -> WriteError {
        if reply.status == 404 {
            return WriteError::Remote(self.failed(call, reply));
        }
        let fault = Fault::of(&reply.body).unwrap_or_default();
        let message = match fault.sentence() {
            none if none.is_empty() => self.http.unexpected(call, reply).message,
            said => self.http.clean(&said),
        };
        let code = fault.code().map_or_else(|| "refused".to_owned(), |code| self.http.clean(code));
        WriteError::Refused { code, message }
    }
}

/// Whether an answer tells all that is to be known of a record.
fn is_whole(object: &Object, found: &Found) -> bool {
    let RemoteRecord { key, row } = &found.record;
    let has_version = object.resource.version.is_none() || key.token.version.is_some();
    has_version && !key.token.updated.is_empty() && !row.contains(&Value::Absent)
}

/// A write of ours, with the record as it was found afterwards.
fn written(
    object: &Object,
    shape: &Shape,
    id: RemoteId,
    etag: Option<String>,
    sent: &[(usize, Value)],
    before: Option<&RemoteRecord>,
    found: Option<Found>,
) -> Written {
    let created = before.and_then(|before| before.key.created.clone());
    let ours = etag.clone().filter(|_| object.resource.version.as_deref() == Some(ETAG));
    let Some(found) = found else { return Written { created, ..unproven(id, ours) } };
    let still_ours = match (&etag, &found.etag) {
        (Some(ours), Some(found)) => ours == found,
        // The answer told no version. Where nothing else has moved since the record was read, the present one is
        // ours.
        _ => {
            stand(shape, sent, &found.record.row)
                && before.is_some_and(|before| others_stand(object, sent, &before.row, &found.record.row))
        }
    };
    if still_ours {
        as_ours(found.record)
    } else {
        Written { created: found.record.key.created.or(created), ..unproven(id, ours) }
    }
}

/// A record that is the result of our write. Somebody may write again within the tick of our stamp (decision 3).
fn as_ours(RemoteRecord { key, row }: RemoteRecord) -> Written {
    let token = if key.fresh { RemoteToken::unsettled() } else { key.token };
    Written { id: key.id, created: key.created, token, row: Some(row) }
}

/// Carried out, and nothing but perhaps the version is known of it.
fn unproven(id: RemoteId, version: Option<String>) -> Written {
    Written { id, created: None, token: RemoteToken::of_version(version), row: None }
}

/// Whether the record has the values that were sent.
fn stand(shape: &Shape, sent: &[(usize, Value)], row: &Row) -> bool {
    sent.iter().all(|(index, value)| {
        let (found, column) = (row.get(*index), shape.columns.get(*index));
        found.zip(column).is_some_and(|(found, column)| wire::same(found, value, &column.edm))
    })
}

/// Whether nothing moved but what was sent and what the server computes.
fn others_stand(object: &Object, sent: &[(usize, Value)], before: &Row, after: &Row) -> bool {
    object.remote.iter().enumerate().all(|(index, field)| {
        let ours = sent.iter().any(|(sent, _)| *sent == index);
        ours || field.traits.computed || before.get(index) == after.get(index)
    })
}
