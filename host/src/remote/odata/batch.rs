//! Several requests in one: `$batch` in its JSON form (OData 4.01), where the server has it. Each request of a batch is
//! on its own: none is undone because another fails, and what is answered of each is judged as if it had been sent
//! alone.
//!
//! Whether a server takes batches is found out with reads, once: a batch of writes is sent only after that. It is sent
//! once; where its answer is lost, nobody knows what became of any of its writes (decision 15).

use super::send::Sent;
use super::shape::Shape;
use super::{JSON, Odata, PREFER, query};
use crate::ports::{RemoteError, WriteError, side_by_side};
use crate::remote::http::{Call, Reply};
use crate::remote::tally::Purpose;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::PoisonError;
use sync_core::object::Object;

/// Requests of a batch, at most: what was looked up for the last of them should not be old when it is its turn.
pub(super) const MOST: usize = 32;
/// Bytes of a batch; some servers read no larger body than 100 KB.
const LARGEST: usize = 64 << 10;
/// So many writes are worth a read to find out whether there are batches.
const WORTH_TRYING: usize = 3;
const CONTINUE: HeaderValue = HeaderValue::from_static("odata.continue-on-error");

/// Whether the server takes batches, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Batches {
    /// Nobody asked.
    #[default]
    Untried,
    /// It has answered one.
    Taken,
    /// It has none, or not in this form, or one came to grief: requests go one by one.
    Refused,
}

/// What came of a batch of writes.
enum Fate {
    /// Whatever is answered, by the place of the request.
    Answered(Vec<Option<Reply>>),
    /// None was carried out: batches are not for this server.
    TurnedAway,
    /// The same of all of them.
    All(WriteError),
}

impl Odata {
    /// Whether the server takes batches, as far as is known.
    pub(super) fn batches(&self) -> Batches {
        *self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, batches: Batches) {
        *self.batches.lock().unwrap_or_else(PoisonError::into_inner) = batches;
    }

    /// Sends reads; answer *i* is that to read *i*. What a batch does not answer, or with "later", is asked alone.
    pub(super) async fn read_all(&self, calls: &[Call<'_>]) -> Vec<Result<Reply, RemoteError>> {
        let mut answers: Vec<Option<Result<Reply, RemoteError>>> = calls.iter().map(|_| None).collect();
        let parts: Vec<Option<String>> = calls.iter().map(|call| self.part(call)).collect();
        for piece in pieces(&parts).into_iter().filter(|piece| piece.len() > 1) {
            if self.batches() == Batches::Refused {
                break;
            }
            let replies = self.batch_of_reads(&calls[piece.start], &parts[piece.clone()]).await;
            let places = answers[piece].iter_mut();
            match replies {
                Ok(replies) => places.zip(replies).for_each(|(place, reply)| *place = reply.map(Ok)),
                Err(error) => places.for_each(|place| *place = Some(Err(error.clone()))),
            }
        }
        let all = calls.iter().zip(answers).map(|(call, answer)| -> BoxFuture<'_, _> {
            Box::pin(async move {
                match answer {
                    Some(answer) => self.http.answered(call, answer?),
                    None => self.http.answered(call, self.http.read(call).await?),
                }
            })
        });
        side_by_side(self.abilities().in_flight, all.collect()).await
    }

    /// Sends writes; answer *i* is that to write *i*.
    pub(super) async fn send_all(
        &self,
        object: &Object,
        shape: &Shape,
        calls: &mut [&mut Call<'_>],
    ) -> Vec<Sent> {
        if self.batches() == Batches::Untried && calls.len() >= WORTH_TRYING {
            self.try_batches(object, shape).await;
        }
        let mut sent: Vec<Option<Sent>> = calls.iter().map(|_| None).collect();
        let parts: Vec<Option<String>> = calls.iter().map(|call| self.part(call)).collect();
        for piece in pieces(&parts).into_iter().filter(|piece| piece.len() > 1) {
            if self.batches() != Batches::Taken {
                break;
            }
            let fate = self.batch_of_writes(calls[piece.start], &parts[piece.clone()]).await;
            let places = sent[piece.clone()].iter_mut();
            match fate {
                Fate::TurnedAway => {}
                Fate::All(error) => places.for_each(|place| *place = Some(Sent::Failed(error.clone()))),
                Fate::Answered(replies) => {
                    for ((place, reply), call) in places.zip(replies).zip(&calls[piece]) {
                        *place = self.told(call, reply);
                    }
                }
            }
        }
        let all = calls.iter_mut().zip(sent).map(|(call, sent)| -> BoxFuture<'_, Sent> {
            Box::pin(async move {
                match sent {
                    Some(sent) => sent,
                    None => self.send(call).await.map_or_else(Sent::Failed, Sent::Answered),
                }
            })
        });
        side_by_side(self.abilities().in_flight, all.collect()).await
    }

    /// What a batch's answer tells of one write; none where it was not carried out and may be sent alone.
    fn told(&self, call: &Call<'_>, reply: Option<Reply>) -> Option<Sent> {
        let Some(reply) = reply else {
            let message = format!(
                "{} was sent in a batch, and the server's answer says nothing of it",
                self.http.name(call)
            );
            return Some(Sent::Untold(WriteError::FateUnknown { message, may_still_run: false }));
        };
        match reply.status {
            // Too many requests, or another failed: each means that this one was not carried out.
            424 | 429 => None,
            _ => {
                let told = self.http.told(call, reply);
                let told = told.and_then(|reply| Ok(self.http.answered(call, reply)?));
                Some(told.map_or_else(Sent::Failed, Sent::Answered))
            }
        }
    }

    /// Finds out whether there are batches, with a batch that reads one key.
    async fn try_batches(&self, object: &Object, shape: &Shape) {
        let query =
            query::Query { select: vec![&object.resource.id], top: Some(1), ..query::Query::default() };
        let url = query.at(self.address(object, shape, None));
        let probe = self.reading(object, shape, Purpose::Query, url);
        if let Err(error) = self.batch_of_reads(&probe, &[self.part(&probe)]).await {
            tracing::debug!(%error, "whether there are batches cannot be found out");
        }
    }

    /// Sends reads in one batch; what is not answered for good is left open. A server without batches answers none.
    async fn batch_of_reads(
        &self,
        first: &Call<'_>,
        parts: &[Option<String>],
    ) -> Result<Vec<Option<Reply>>, RemoteError> {
        let mut call = self.batch(first, parts);
        self.prove(&mut call);
        let mut reply = self.http.read(&call).await?;
        if self.proof_is_had(&reply).await? {
            self.prove(&mut call);
            reply = self.http.read(&call).await?;
        }
        let reply = match reply.status {
            // What stands before the server may let nobody send batches.
            403 => reply,
            _ => self.http.answered(&call, reply)?,
        };
        let answers = Some(&reply).filter(|it| it.is_success()).and_then(|it| answers(&it.body, parts.len()));
        let Some(mut answers) = answers else {
            tracing::debug!(status = reply.status, "the server takes no batches: requests go one by one");
            self.now(Batches::Refused);
            return Ok(parts.iter().map(|_| None).collect());
        };
        self.now(Batches::Taken);
        for answer in &mut answers {
            answer.iter().for_each(|reply| self.http.heed(reply));
            answer.take_if(|reply| matches!(reply.status, 424 | 429 | 500 | 502 | 503 | 504));
        }
        Ok(answers)
    }

    /// Sends writes in one batch, once.
    async fn batch_of_writes(&self, first: &Call<'_>, parts: &[Option<String>]) -> Fate {
        let mut call = self.batch(first, parts);
        let reply = match self.send(&mut call).await {
            Ok(reply) => reply,
            Err(error) => {
                // Whatever it was, fewer records are in doubt where each goes by itself.
                self.now(Batches::Refused);
                return Fate::All(error);
            }
        };
        let unknown = |message, may_still_run| Fate::All(WriteError::FateUnknown { message, may_still_run });
        match reply.status {
            403 | 404 | 405 | 413 | 415 | 501 => {
                tracing::debug!(status = reply.status, "a batch of writes was turned away");
                self.now(Batches::Refused);
                Fate::TurnedAway
            }
            _ if !reply.is_success() => {
                self.now(Batches::Refused);
                unknown(self.failed(&call, &reply).message, false)
            }
            _ => match answers(&reply.body, parts.len()) {
                Some(answers) => {
                    answers.iter().flatten().for_each(|reply| self.http.heed(reply));
                    Fate::Answered(answers)
                }
                None => {
                    self.now(Batches::Refused);
                    let what = self.http.name(&call);
                    let message = format!("{what} was answered with something that is no answer to a batch");
                    // With success, though: what it wrote may be there later than we look.
                    unknown(message, true)
                }
            },
        }
    }

    /// The request that holds these; on the account, and for the purpose, of the first of them.
    fn batch<'o>(&self, first: &Call<'o>, parts: &[Option<String>]) -> Call<'o> {
        let url = query::address(&self.http.settings().url, "", None, Some("$batch"));
        let mut call = self.call(None, first.purpose, Method::POST, url, JSON);
        call.object = first.object;
        call.headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        call.headers.push((PREFER, CONTINUE));
        // The place of a request is its id.
        let parts = parts.iter().enumerate().filter_map(|(id, part)| {
            let rest = part.as_deref()?;
            Some(format!("{{\"id\":\"{id}\",{rest}"))
        });
        call.body = Some(format!("{{\"requests\":[{}]}}", parts.collect::<Vec<_>>().join(",")).into_bytes());
        call
    }

    /// A request as a batch has it, but for its id; none where it cannot be part of one.
    fn part(&self, call: &Call<'_>) -> Option<String> {
        #[derive(Serialize)]
        struct Part<'a> {
            method: &'a str,
            url: &'a str,
            headers: BTreeMap<&'a str, &'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            body: Option<&'a RawValue>,
        }
        let root = query::address(&self.http.settings().url, "", None, Some(""));
        let body = match &call.body {
            Some(body) => Some(serde_json::from_slice::<&RawValue>(body).ok()?),
            None => None,
        };
        let headers = call.headers.iter().map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let part = Part {
            method: call.method.as_str(),
            url: &root.make_relative(&call.url)?,
            headers: headers.collect::<Option<_>>()?,
            body,
        };
        let json = serde_json::to_string(&part).ok()?;
        json.strip_prefix('{').map(str::to_owned)
    }
}

/// What goes together: neighbours, as many as one batch holds. One that cannot be part of a batch stands alone.
fn pieces(parts: &[Option<String>]) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let (mut bytes, mut open) = (0, false);
    for (index, part) in parts.iter().enumerate() {
        let length = part.as_ref().map(String::len);
        match (pieces.last_mut(), length) {
            (Some(last), Some(length)) if open && last.len() < MOST && bytes + length <= LARGEST => {
                last.end = index + 1;
                bytes += length;
            }
            _ => {
                pieces.push(index..index + 1);
                bytes = length.unwrap_or(0);
            }
        }
        open = length.is_some();
    }
    pieces
}

/// The answers in the answer to a batch of so many requests, by their places; none where it is no such answer. One that
/// is there twice is as good as none.
fn answers(json: &[u8], count: usize) -> Option<Vec<Option<Reply>>> {
    #[derive(Deserialize)]
    struct Answers<'a> {
        #[serde(borrow)]
        responses: Vec<Answer<'a>>,
    }
    #[derive(Deserialize)]
    struct Answer<'a> {
        id: String,
        status: u16,
        #[serde(default)]
        headers: HashMap<String, serde_json::Value>,
        #[serde(borrow, default)]
        body: Option<&'a RawValue>,
    }
    let Answers { responses } = serde_json::from_slice(json).ok()?;
    let mut answers: Vec<Option<Reply>> = (0..count).map(|_| None).collect();
    let mut seen = vec![false; count];
    for Answer { id, status, headers, body } in responses {
        let Some(place) = id.parse::<usize>().ok().filter(|place| *place < count) else { continue };
        let header = |(name, value): (String, serde_json::Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(text).ok()?))
        };
        let headers: HeaderMap = headers.into_iter().filter_map(header).collect();
        // What is no JSON stands in a text.
        let body = body.map(|body| match serde_json::from_str::<String>(body.get()) {
            Ok(text) => text.into_bytes(),
            Err(_) => body.get().as_bytes().to_vec(),
        });
        let reply = Reply { status, headers, body: body.unwrap_or_default() };
        answers[place] = Some(reply).filter(|_| !std::mem::replace(&mut seen[place], true));
    }
    Some(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_by_number_and_by_bytes() {
        let part = |length: usize| Some("x".repeat(length));
        assert!(pieces(&[]).is_empty());
        assert_eq!(pieces(&vec![part(10); MOST + 2]), [0..MOST, MOST..MOST + 2]);
        let half = LARGEST / 2;
        let parts = [part(half), part(half), part(1), None, part(1), part(2 * LARGEST), part(1), part(1)];
        assert_eq!(pieces(&parts), [0..2, 2..3, 3..4, 4..5, 5..6, 6..8]);
    }

    #[test]
    fn answers_find_their_requests_by_id() {
        let json = br#"{"responses":[{"id":"2","status":204},{"id":"0","status":200,"headers":{"ETag":"W/\"1\"","n":7},
            "body":{"a":1.50}},{"id":"9","status":200},{"id":"x","status":200},{"id":"3","status":200,"body":"plain"},
            {"id":"4","status":201},{"id":"4","status":201}]}"#;
        let found = answers(json, 5).unwrap();
        let told: Vec<Option<(u16, &[u8])>> =
            found.iter().map(|it| it.as_ref().map(|it| (it.status, it.body.as_slice()))).collect();
        let body: &[u8] = br#"{"a":1.50}"#;
        assert_eq!(told, [Some((200, body)), None, Some((204, &[])), Some((200, b"plain")), None]);
        assert_eq!(found[0].as_ref().unwrap().header("etag"), Some("W/\"1\""));
        for other in ["", "<html>", "{}", "--batch_1\r\n", r#"{"responses":[{"id":"0","status":200}"#] {
            assert!(answers(other.as_bytes(), 1).is_none(), "{other}");
        }
    }
}
