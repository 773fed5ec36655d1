//! Sending writes, and what their answers mean.

use super::answer::Fault;
use super::query;
use super::shape::{Bind, Shape};
use super::wire;
use super::write::Guard;
use super::{EXACT_JSON, JSON, Odata, PREFER};
use crate::ports::{RemoteError, Scope, WriteError};
use crate::remote::http::{Call, Reply};
use crate::remote::tally::Purpose;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue, IF_MATCH};
use serde_json::{Map, Value as Json, json};
use sync_core::object::Object;
use sync_core::value::Value;
use url::Url;

/// What came of sending a write.
pub(super) enum Sent {
    /// The server's own answer.
    Answered(Reply),
    /// It was not carried out, or nobody knows.
    Failed(WriteError),
    /// It was part of a batch, and the answer to that says nothing of it.
    Untold(WriteError),
}

/// What the server answered to an update or delete.
pub(super) enum Answer {
    /// Carried out.
    Done(Reply),
    /// Not there.
    Gone,
    /// The condition does not hold: another version, or no record.
    Unmet,
    /// Nobody knows; the record may tell.
    Doubt(WriteError),
    /// The same, and the server is done with the batch that it was part of.
    Untold(WriteError),
}

impl Odata {
    /// A write with its body and its condition.
    pub(super) fn writing<'o>(
        &self,
        object: &'o Object,
        shape: &Shape,
        method: Method,
        url: Url,
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

    /// Sends a write. One that the server has turned away for lack of a token has not been carried out, and is sent
    /// again.
    pub(super) async fn send(&self, call: &mut Call<'_>) -> Result<Reply, WriteError> {
        self.prove(call);
        let reply = self.http.write(call).await?;
        if !self.proof_is_had(&reply).await? {
            return Ok(self.http.answered(call, reply)?);
        }
        self.prove(call);
        Ok(self.http.answered(call, self.http.write(call).await?)?)
    }

    /// What an update or delete has come to.
    pub(super) fn outcome(&self, call: &Call<'_>, sent: Sent) -> Result<Answer, WriteError> {
        let reply = match sent {
            Sent::Answered(reply) => reply,
            Sent::Failed(doubt @ WriteError::FateUnknown { .. }) => return Ok(Answer::Doubt(doubt)),
            Sent::Failed(error) => return Err(error),
            Sent::Untold(doubt) => return Ok(Answer::Untold(doubt)),
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

    /// What the server says to a write that it does not carry out. A 404 is about the set, not the record.
    pub(super) fn refusal(&self, call: &Call<'_>, reply: &Reply) -> WriteError {
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
