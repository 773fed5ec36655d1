//! Writes. Where the answer holds the record as it is after the write, its token is certainly ours; elsewhere it is read
//! back, and counts as ours only if the record shows that nobody else wrote (`behaviour.md`, decisions 6 to 8).

use super::asking::Wanted;
use super::classify::Judged;
use super::description::{Items, LockKind, Means, On, Write};
use super::guard::{Before, is_expected, names_version};
use super::pointer::Pointer;
use super::template::{Bindings, Bound, Var};
use super::tree::Tree;
use super::{Purpose, Rest};
use crate::ports::{RemoteRecord, WriteError, Written};
use crate::remote::http::{Call, Reply};
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::{Object, Traits};
use sync_core::value::{Row, Value};

/// What came of a write that was sent.
enum Sent {
    /// It was carried out.
    Done(Reply),
    /// It may have been.
    Doubt(WriteError),
    /// The server failed on it, before or after the fact: its own message.
    Accident(String),
    /// The server says no, and it is not certain whether because the record has moved.
    Contested(WriteError),
}

impl Rest {
    pub(super) async fn insert_record(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        let Some(write) = &self.description.insert else { return Err(not_offered("insert")) };
        let writable = |traits: Traits| !traits.read_only && !traits.computed;
        let sent: Vec<(usize, Value)> = row
            .iter()
            .enumerate()
            .filter(|(index, value)| {
                value.is_filled() && object.remote.get(*index).is_some_and(|field| writable(field.traits))
            })
            .map(|(index, value)| (index, value.clone()))
            .collect();
        let layout = self.layout(object, Wanted::Record);
        let body = self.tree(object, &sent).json();
        let bindings = self.bindings(object, &layout).with(Var::Record, Bound::Raw(body));
        let call = self.call(Some(object), Purpose::Write, &write.request, &bindings, &[])?;
        let reply = match self.send(&call, On::Insert).await? {
            Sent::Done(reply) => reply,
            Sent::Doubt(error) | Sent::Contested(error) => return Err(error),
            Sent::Accident(message) => return Err(unknown(message)),
        };
        let answer = self.answer(object, write, &call, &reply);
        let id = answer.as_ref().map(|record| record.key.id.clone()).or_else(|| new_id(write, &reply));
        let Some(id) = id else { return Err(WriteError::unnamed(&self.http.name(&call))) };
        if write.complete
            && let Some(record) = answer
        {
            return Ok(found_as_ours(record));
        }
        let found = self.read_back(object, &id).await;
        let token = answer.map(|record| record.key.token).filter(|token| *token != RemoteToken::unsettled());
        let Some(found) = found else { return Ok(unproven(id, token)) };
        let ours = match &token {
            Some(token) => found.key.token == *token,
            None => self.stand(&sent, &found.row),
        };
        let created = found.key.created.clone();
        Ok(if ours { found_as_ours(found) } else { Written { created, ..unproven(id, token) } })
    }

    pub(super) async fn update_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        let Some(write) = &self.description.update else { return Err(not_offered("update")) };
        let sent: Vec<(usize, Value)> = changes
            .iter()
            .filter(|(index, _)| {
                object.remote.get(*index).is_some_and(|field| !field.traits.is_remote_owned())
            })
            .cloned()
            .collect();
        let lock = &self.description.lock.kind;
        let must_read = sent.is_empty() || !write.complete;
        let before = self.before(object, id, expected, lock, must_read).await?.ok_or(WriteError::Gone)?;
        if sent.is_empty()
            && let Some(record) = before.record
        {
            return Ok(found_as_ours(record));
        }
        let mut tree = self.tree(object, &sent);
        if *lock == LockKind::Field && !names_version(&write.request) {
            let resource = &object.resource;
            let (name, token) = match &resource.version {
                Some(name) => (name, expected.version.as_deref()),
                None => (&resource.updated, Some(expected.updated.as_str()).filter(|it| !it.is_empty())),
            };
            let version = self.description.values.version(token.ok_or(WriteError::NoVersion)?);
            tree.put(self.place(object, name).parts(), version.json());
        }
        let layout = self.layout(object, Wanted::Record);
        let bindings = self.bindings(object, &layout).with(Var::Record, Bound::Raw(tree.json()));
        let call = self.guarded(object, id, expected, &before, lock, &write.request, bindings)?;
        let (doubt, accident) = match self.send(&call, On::Update).await? {
            Sent::Done(reply) => {
                let answer = self.answer(object, write, &call, &reply).filter(|record| record.key.id == *id);
                let settled = answer.filter(|record| record.key.token != RemoteToken::unsettled());
                return Ok(self.updated(object, id, &sent, write, before, settled).await);
            }
            Sent::Contested(refused) => {
                return Err(match self.one(object, id, Purpose::Query).await {
                    Ok(None) => WriteError::Gone,
                    Ok(Some((now, _))) if !is_expected(&now.key.token, expected) => WriteError::Moved,
                    _ => refused,
                });
            }
            Sent::Doubt(doubt) => (doubt, None),
            Sent::Accident(message) => (unknown(message.clone()), Some(message)),
        };
        let Some(after) = self.read_back(object, id).await else { return Err(doubt) };
        let unmoved = is_expected(&after.key.token, expected);
        // Another version alone proves nothing: it may be somebody else's.
        let stands = !unmoved && self.stand(&sent, &after.row);
        match accident {
            Some(message) if unmoved => Err(WriteError::Refused { code: "refused".into(), message }),
            _ if stands && self.is_ours(object, &sent, before.record.as_ref(), &after) => {
                Ok(found_as_ours(after))
            }
            _ => Err(doubt),
        }
    }

    /// An update that was carried out. `answer` is what the server said of the record then.
    async fn updated(
        &self,
        object: &Object,
        id: &RemoteId,
        sent: &[(usize, Value)],
        write: &Write,
        before: Before,
        answer: Option<RemoteRecord>,
    ) -> Written {
        let created = before.record.as_ref().and_then(|record| record.key.created.clone());
        let token = match answer {
            Some(record) if write.complete => return found_as_ours(record),
            Some(record) => Some(record.key.token),
            None => None,
        };
        let Some(after) = self.read_back(object, id).await else {
            return Written { created, ..unproven(id.clone(), token) };
        };
        let ours = match &token {
            Some(token) => after.key.token == *token,
            None => self.is_ours(object, sent, before.record.as_ref(), &after),
        };
        match ours {
            true => found_as_ours(after),
            false => Written { created: after.key.created.or(created), ..unproven(id.clone(), token) },
        }
    }

    pub(super) async fn delete_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<(), WriteError> {
        let Some(write) = &self.description.delete else { return Err(not_offered("delete")) };
        let lock = &self.description.lock;
        let kind = if lock.deletes { &lock.kind } else { &LockKind::ReadCompare };
        let Some(before) = self.before(object, id, expected, kind, false).await? else { return Ok(()) };
        let bindings = Bindings::default().text(Var::Resource, &object.resource.path);
        let call = self.guarded(object, id, expected, &before, kind, &write.request, bindings)?;
        let error = match self.send(&call, On::Delete).await {
            Ok(Sent::Done(_)) | Err(WriteError::Gone) => return Ok(()),
            Ok(Sent::Doubt(error) | Sent::Contested(error)) => error,
            Ok(Sent::Accident(message)) => unknown(message),
            Err(error) => return Err(error),
        };
        match self.one(object, id, Purpose::Query).await {
            Ok(None) => Ok(()),
            Ok(Some((now, _))) if !is_expected(&now.key.token, expected) => match error {
                WriteError::Refused { .. } => Err(WriteError::Moved),
                doubt => Err(doubt),
            },
            _ => Err(error),
        }
    }

    /// Sends a write.
    ///
    /// # Errors
    /// What is certain: it was not carried out, and why.
    async fn send(&self, call: &Call<'_>, on: On) -> Result<Sent, WriteError> {
        let reply = match self.http.write(call).await {
            Ok(reply) => self.answered(call, reply)?,
            Err(doubt @ WriteError::FateUnknown { .. }) => return Ok(Sent::Doubt(doubt)),
            Err(error) => return Err(error),
        };
        let Some(Judged { means, by_rule }) = self.judge(on, &reply) else {
            // A login page, for one, has a status of success, and says nothing of what was done.
            let page = self.http.web_page(call, &reply).filter(|_| !reply.body.is_empty());
            let untold = |message| WriteError::FateUnknown { message, may_still_run: true };
            return Ok(page.map_or(Sent::Done(reply), |page| Sent::Doubt(untold(page.message))));
        };
        match means {
            Means::Login => Err(self.no_login(call, &reply).into()),
            // There is no record yet that could be gone: what is not there is the resource.
            Means::Gone if on == On::Insert && !by_rule => Err(self.error(call, &reply).into()),
            Means::Gone if on != On::Insert => Err(WriteError::Gone),
            Means::Moved if on != On::Insert => Err(WriteError::Moved),
            Means::Unknown => {
                let message = self.error(call, &reply).message;
                Ok(if by_rule { Sent::Doubt(unknown(message)) } else { Sent::Accident(message) })
            }
            Means::Refused if reply.status == 409 && !by_rule => {
                Ok(Sent::Contested(self.refusal(call, &reply)))
            }
            Means::Refused | Means::Gone | Means::Moved | Means::Expired => Err(self.refusal(call, &reply)),
        }
    }

    /// The record in the answer to a write; none where it says nothing of use.
    fn answer(&self, object: &Object, write: &Write, call: &Call<'_>, reply: &Reply) -> Option<RemoteRecord> {
        let at = Items { items: write.record.clone()?, record: Pointer::default() };
        let layout = self.layout(object, Wanted::Record);
        match self.records(object, &layout, &at, call, reply) {
            Ok(mut records) if records.len() == 1 => records.pop(),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "the answer to a write does not tell the record");
                None
            }
        }
    }

    async fn read_back(&self, object: &Object, id: &RemoteId) -> Option<RemoteRecord> {
        match self.one(object, id, Purpose::Query).await {
            Ok(found) => found.map(|(record, _)| record),
            Err(error) => {
                tracing::warn!(%id, %error, "a record that was written could not be read back");
                None
            }
        }
    }

    /// Whether the record is the result of our write alone: its version is the one that follows, or nothing moved but
    /// what was sent and what the server computes.
    fn is_ours(
        &self,
        object: &Object,
        sent: &[(usize, Value)],
        before: Option<&RemoteRecord>,
        after: &RemoteRecord,
    ) -> bool {
        let Some(before) = before else { return false };
        let number = |record: &RemoteRecord| record.key.token.version.as_ref()?.parse::<i64>().ok();
        if let (Some(before), Some(after)) = (number(before), number(after))
            && before.checked_add(1) == Some(after)
        {
            return true;
        }
        let others = object.remote.iter().enumerate().all(|(index, field)| {
            let ours = sent.iter().any(|(sent, _)| *sent == index);
            ours || field.traits.computed || before.row.get(index) == after.row.get(index)
        });
        others && self.stand(sent, &after.row)
    }

    /// Whether the record has the values that were sent.
    fn stand(&self, sent: &[(usize, Value)], row: &Row) -> bool {
        let same = |value: &Value, found: &Value| self.description.values.same(value, found);
        sent.iter().all(|(index, value)| row.get(*index).is_some_and(|found| same(value, found)))
    }

    /// The fields as they are sent.
    fn tree(&self, object: &Object, sent: &[(usize, Value)]) -> Tree {
        let mut tree = Tree::default();
        for (index, value) in sent {
            if let Some(field) = object.remote.get(*index) {
                let json = self.description.values.bound(value).json();
                tree.put(self.place(object, &field.name).parts(), json);
            }
        }
        tree
    }
}

/// The id of a new record, where the answer does not hold the record itself.
fn new_id(write: &Write, reply: &Reply) -> Option<RemoteId> {
    let named = write.id.as_ref().and_then(|at| at.text(&reply.body));
    let located = || {
        let location = reply.header("location").filter(|_| write.location)?;
        let path = location.split(['?', '#']).next()?.trim_end_matches('/');
        let last = path.rsplit('/').next().filter(|id| !id.is_empty())?;
        let pairs = format!("id={}", last.replace('+', "%2B"));
        url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, id)| id.into_owned())
    };
    named.or_else(located).filter(|id| !id.is_empty()).map(RemoteId)
}

/// What a record that is the result of our write enters the baseline with: somebody may write again within the tick
/// of our stamp (decision 3).
fn found_as_ours(RemoteRecord { key, row }: RemoteRecord) -> Written {
    let token = if key.fresh { RemoteToken::unsettled() } else { key.token };
    Written { id: key.id, created: key.created, token, row: Some(row) }
}

/// Carried out; what the record holds now may be somebody else's. Without a token of ours it counts as changed next
/// time.
fn unproven(id: RemoteId, token: Option<RemoteToken>) -> Written {
    Written { id, created: None, token: token.unwrap_or_else(RemoteToken::unsettled), row: None }
}

fn unknown(message: String) -> WriteError {
    WriteError::FateUnknown { message, may_still_run: false }
}

fn not_offered(what: &str) -> WriteError {
    WriteError::Refused {
        code: "read-only".into(),
        message: format!("the description of this server has no `[{what}]`, so that it cannot be done"),
    }
}
