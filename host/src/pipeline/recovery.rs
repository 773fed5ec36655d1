//! What an earlier run left behind: remote writes that were entered in the journal, and of which nobody saw the
//! answer (decision 15).

use super::full_compare::user_keys;
use super::judge::unlike;
use super::links;
use super::operations::Work;
use super::push::no_answer;
use super::push::send::look_up;
use super::{Failure, Stop};
use crate::ports::{Baseline, Change, Intent, RemoteRecord, Store};
use std::sync::Arc;
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteToken, Revision};
use sync_core::compare::is_another_record;
use sync_core::object::UserKey;
use sync_core::operation::Operation;

/// What became of the journalled writes.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// Whether there were any.
    pub(super) any: bool,
    /// Inserts of which it is still not known: they keep their entries.
    pub(super) unsettled: Vec<Unsettled>,
}

/// A new local record that may be on the remote, and is not sent again as long as nobody knows.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) local: LocalId,
    pub(super) failure: Failure,
    /// Its user keys as they were sent: a remote record that has one may be it, and is not pulled beside it.
    pub(super) keys: Vec<UserKey>,
}

/// Looks up what became of the journalled writes. A record that is exactly what was to be written is linked as
/// our own; an edit or delete made here since is then found as such. An insert whose user key a record has that is
/// not quite it is an issue, also where the local record has another by now. Anything else is left to the compare.
pub(super) async fn recover(work: &Work<'_>, store: &mut dyn Store) -> Result<Recovered, Stop> {
    let object = work.object();
    let intents = store.intents(object)?;
    let mut recovered = Recovered { any: !intents.is_empty(), unsettled: Vec::new() };
    for intent in intents {
        let mut keys = Vec::new();
        let found = match intent.operation {
            Operation::PushInsert => {
                keys = user_keys(work, store, &intent.row)?;
                inserted(work, &keys).await
            }
            Operation::PushUpdate => match &intent.remote {
                Some(id) => work.remote.details(object, std::slice::from_ref(id)).await.map_err(Stop::from),
                None => Ok(Vec::new()),
            },
            Operation::PushDelete | Operation::PullInsert | Operation::PullUpdate | Operation::PullDelete => {
                Ok(Vec::new())
            }
        };
        // What cannot be looked up keeps its entry, and the others are looked up all the same.
        let found = match found {
            Ok(found) => found,
            Err(Stop::Object(message)) => {
                // Where it is not known under which name, the record's own look-up has to do.
                if !keys.is_empty() {
                    let failure = Failure::new("fate-unknown", not_looked_up(&message));
                    recovered.unsettled.push(Unsettled { local: intent.local, failure, keys });
                }
                continue;
            }
            Err(stop) => return Err(stop),
        };
        let mut linked = the_one(work, store, &intent, &found)?;
        if linked.is_none() && intent.operation == Operation::PushInsert {
            let perhaps = unlinked(work, store, &found)?;
            let now = if perhaps.is_empty() { Now::Linked } else { now(work, store, &intent)? };
            let failure = match &now {
                Now::Linked => None,
                Now::New(now) => {
                    // A person may have made them equal.
                    linked = the_one(work, store, now, &found)?;
                    // Under the same name, its own look-up will find them.
                    let is_renamed = user_keys(work, store, &now.row)?.first() != keys.first();
                    let is_open = linked.is_none() && is_renamed;
                    is_open.then(|| {
                        perhaps_inserted(perhaps, "make them equal to link them, or rename that one")
                    })
                }
                Now::Gone => {
                    Some(perhaps_inserted(perhaps, "it was deleted here: delete that one, too, or rename it"))
                }
            };
            if let Some(failure) = failure {
                recovered.unsettled.push(Unsettled { local: intent.local, failure, keys });
                continue;
            }
        }
        let mut changes = vec![Change::Settled { local: intent.local }];
        changes.extend(linked.map(|baseline| Change::Link { baseline, fields: Vec::new() }));
        store.commit(object, changes)?;
    }
    Ok(recovered)
}

fn not_looked_up(message: &str) -> String {
    format!(
        "an earlier run sent this record, and what became of it cannot be found out ({message}): nothing was sent"
    )
}

/// Records of which one may be what an insert came to, though none is what it sent.
fn perhaps_inserted(twins: Vec<RemoteId>, advice: &str) -> Failure {
    let ids: Vec<&str> = twins.iter().map(|id| id.0.as_str()).collect();
    let message = format!(
        "an earlier run sent this record and saw no answer, and the remote has the user key that was sent with other \
         content ({}): nothing was written; {advice} if it is another record",
        ids.join(", ")
    );
    Failure { code: "user-key-match".into(), message, twins }
}

/// Records with the user key of an insert that may have happened. What was sent had one.
async fn inserted(work: &Work<'_>, keys: &[UserKey]) -> Result<Vec<RemoteRecord>, Stop> {
    let Some(key) = keys.first() else {
        return Err(Stop::Object("it can no longer be mapped".to_owned()));
    };
    let mut found = look_up(&**work.remote, work.object(), &[key]).await;
    Ok(found.pop().unwrap_or_else(|| Err(no_answer()))?)
}

/// The baseline entry of our own write, if one of the records is the result of it. Others may have the same name; two
/// that are equal in everything cannot be told apart.
fn the_one(
    work: &Work<'_>,
    store: &dyn Store,
    intent: &Intent,
    found: &[RemoteRecord],
) -> Result<Option<Baseline>, Stop> {
    let mut candidates = Vec::new();
    for record in found {
        candidates.extend(ours(work, store, intent, record)?);
    }
    Ok(candidates.pop().filter(|_| candidates.is_empty()))
}

/// Those of the records that are linked to nothing.
fn unlinked(work: &Work<'_>, store: &dyn Store, found: &[RemoteRecord]) -> Result<Vec<RemoteId>, Stop> {
    let mut ids = Vec::new();
    for record in found {
        if store.linked_local(&work.object().name, &record.key.id)?.is_none() {
            ids.push(record.key.id.clone());
        }
    }
    Ok(ids)
}

/// The record of an insert as it is now.
enum Now {
    /// It has a pair.
    Linked,
    /// It is still new: as if this had been sent.
    New(Intent),
    /// It was deleted.
    Gone,
}

fn now(work: &Work<'_>, store: &dyn Store, intent: &Intent) -> Result<Now, Stop> {
    let (object, local) = (work.object(), intent.local);
    if store.linked_remote(&object.name, local)?.is_some() {
        return Ok(Now::Linked);
    }
    let Some(record) = store.local_records(object, &[local])?.pop() else { return Ok(Now::Gone) };
    Ok(Now::New(match record.row {
        Ok(row) => Intent { revision: record.key.revision, row: Arc::new(row), ..intent.clone() },
        Err(_) => intent.clone(),
    }))
}

/// The baseline entry of our own write, if the record is the result of it.
fn ours(
    work: &Work<'_>,
    store: &dyn Store,
    intent: &Intent,
    record: &RemoteRecord,
) -> Result<Option<Baseline>, Stop> {
    let object = work.object();
    let linked = store.linked_local(&object.name, &record.key.id)?;
    if linked.is_some_and(|local| local != intent.local) {
        return Ok(None);
    }
    let Some(Ok(mut mapped)) = work.participant().mapper.to_local(&[&record.row]).pop() else {
        return Ok(None);
    };
    links::to_local(store, object, &mut mapped)?;
    let before = store.baselines(object, &[intent.local])?.pop();
    if before.as_ref().is_some_and(|before| is_another_record(&before.pair.remote, &record.key)) {
        return Ok(None);
    }
    // A link that was not sent, or whose record is gone since, is no part of it.
    let mut row = (*intent.row).clone();
    links::drop_unlinked(store, object, &mut row, before.as_ref().map(|before| &before.row))?;
    let mut apart = object.differing_in_content(&row, &mapped);
    // An update is there if what it sent is there, whatever else somebody changed since (decision 8).
    if let Some(before) = &before {
        let sent = unlike(object, &before.row, &row);
        apart.retain(|index| sent.contains(index));
    }
    if !apart.is_empty() {
        return Ok(None);
    }
    // The journal has what was sent. What the server computed, or somebody else changed, is pulled by this run: its
    // token is left open.
    let mut remote = record.key.clone();
    if !object.differing(&row, &mapped).is_empty() {
        remote.token = RemoteToken::unsettled();
    }
    let revision = if row == *intent.row { intent.revision } else { Revision::UNSETTLED };
    let pair = Pair { local: intent.local, remote, revision };
    let beyond_filter = before.is_some_and(|before| before.beyond_filter);
    Ok(Some(Baseline { pair, row, beyond_filter }))
}
