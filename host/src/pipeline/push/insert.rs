//! Push insert: query the remote by user key; no match: insert, then query what came of it. A match is adopted
//! where it is the same record, else it is an issue, and nothing is written (decision 4).

use super::{Ready, WAVE, answers, link, no_answer, prepare, refusal, unanswered};
use crate::pipeline::links::{self, Links};
use crate::pipeline::operations::{Learned, Work};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::ports::{Change, Intent, Remote, RemoteError, RemoteRecord, Store, WriteError, Written};
use crate::report::ObjectReport;
use std::collections::{HashSet, VecDeque};
use sync_core::change_key::{LocalId, LocalKey, RemoteId, RemoteToken, Revision};
use sync_core::object::{Object, UserKey};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// A new local record and the key that it is looked up by.
struct Candidate {
    ready: Ready,
    key: UserKey,
}

/// What came of a candidate.
enum Inserted {
    /// It was inserted.
    Written(Written),
    /// There are records with its user key already.
    Found(Vec<RemoteRecord>),
    /// Its insert got no answer, and these were found afterwards.
    FoundAfter(Vec<RemoteRecord>),
    /// It was not inserted.
    Failed(WriteError),
}

/// Inserts the new local records on the remote.
pub(in crate::pipeline) async fn inserts(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    new: Vec<LocalKey>,
) -> Result<(), Stop> {
    work.step(Operation::PushInsert, new.len());
    let mut waiting: VecDeque<LocalKey> = new.into();
    while !waiting.is_empty() {
        let wave: Vec<LocalKey> = waiting.drain(..waiting.len().min(WAVE)).collect();
        let before = waiting.len();
        let postponed = insert_wave(work, store, report, learned, &wave).await?;
        work.observer.event(Event::Progress((wave.len() - postponed.len()) as u64));
        for key in postponed.into_iter().rev() {
            waiting.push_front(key);
        }
        debug_assert!(waiting.len() < before + wave.len(), "a wave settles its first record at least");
    }
    Ok(())
}

/// Inserts a wave; answers the records that have a user key in common with one before them in the wave. They
/// are looked up after it is there: of two local twins the first is inserted, the second is an issue.
async fn insert_wave(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    wave: &[LocalKey],
) -> Result<Vec<LocalKey>, Stop> {
    let object = work.object();
    let ids: Vec<LocalId> = wave.iter().map(|key| key.id).collect();
    let (mut ready, failed) = prepare(work, store, &ids, Operation::PushInsert)?;
    // From here on the local row is what is sent: links that point forward are filled in later.
    for ready in ready.iter_mut().filter(|ready| ready.links == Links::Refill) {
        links::drop_unlinked(store, object, &mut ready.local, None)?;
        ready.key.revision = Revision::UNSETTLED;
    }
    learned.not_looked_up |= !failed.is_empty();
    let unsent: Vec<LocalId> = failed.iter().map(|(id, _)| *id).collect();
    learned.reserved.extend(user_keys(work, store, &unsent)?);
    let mut failures: Vec<_> =
        failed.into_iter().map(|(id, failure)| (Subject::local(id), failure)).collect();
    let (candidates, postponed, keyless) = choose(object, ready);
    failures.extend(keyless.into_iter().map(|id| (Subject::local(id), no_user_key(object))));
    let intents = candidates.iter().map(|it| {
        Change::Intend(Intent {
            operation: Operation::PushInsert,
            local: it.ready.key.id,
            revision: it.ready.key.revision,
            remote: None,
            expected: None,
            row: it.ready.local.clone(),
        })
    });
    store.commit(object, intents.collect())?;
    let results = insert(work, candidates).await;
    // What was written is entered first, all at once: then whatever was found is compared with a baseline that
    // knows it.
    let (mut inserted, mut others) = (Vec::new(), Vec::new());
    for (Candidate { ready, .. }, result) in results {
        match result {
            Inserted::Written(written) => inserted.push((ready, written)),
            result => others.push((ready, result)),
        }
    }
    let answers = answers(work, inserted.iter_mut().map(|(_, written)| written));
    let mut changes = Vec::with_capacity(2 * inserted.len());
    for ((ready, written), answer) in inserted.into_iter().zip(answers) {
        changes.extend(entries(work, store, report, learned, ready, written, answer)?);
        report.count(Operation::PushInsert);
    }
    work.commit(store, changes, &mut failures)?;
    let mut stop = None;
    for (ready, result) in others {
        let local = ready.key.id;
        let mut settled = true;
        let failure = match result {
            Inserted::Written(_) => continue,
            Inserted::FoundAfter(found) => match same_record(work, store, &ready, &found)? {
                Some((record, answer)) => {
                    let changes = entries(work, store, report, learned, ready, record, Some(answer))?;
                    work.commit(store, changes.into(), &mut failures)?;
                    report.count(Operation::PushInsert);
                    continue;
                }
                None => twin(object, &found, learned),
            },
            Inserted::Found(found) => match same_record(work, store, &ready, &found)? {
                // Deleted here meanwhile: what is there is somebody else's, and stays.
                Some(_) if store.local_records(object, &[local])?.is_empty() => {
                    store.commit(object, vec![Change::Settled { local }])?;
                    continue;
                }
                Some((record, answer)) => {
                    learned.twins.insert(record.id.clone());
                    let changes = entries(work, store, report, learned, ready, record, Some(answer))?;
                    work.commit(store, changes.into(), &mut failures)?;
                    report.adopted += 1;
                    continue;
                }
                None => twin(object, &found, learned),
            },
            Inserted::Failed(error) => {
                learned.reserved.extend(object.filled_user_keys(&ready.remote));
                // Not known whether it happened: the journal keeps the record for the next run to look up.
                settled = !matches!(error, WriteError::FateUnknown { .. });
                match refusal(error) {
                    Ok(failure) => failure,
                    Err(error) => {
                        stop = Some(error);
                        learned.not_looked_up = true;
                        store.commit(object, vec![Change::Settled { local }])?;
                        continue;
                    }
                }
            }
        };
        if settled {
            store.commit(object, vec![Change::Settled { local }])?;
        }
        failures.push((Subject::local(local), failure));
    }
    work.log(store, Operation::PushInsert, failures)?;
    stop.map_or(Ok(postponed), Err)
}

/// The user keys of new local records that cannot be sent, as far as they can be told.
fn user_keys(work: &Work<'_>, store: &dyn Store, ids: &[LocalId]) -> Result<Vec<UserKey>, Stop> {
    let object = work.object();
    let rows = store.local_records(object, ids)?.into_iter().filter_map(|record| record.row.ok());
    let unlinked = rows.map(|mut row| {
        links::leave_out(object, &mut row);
        row
    });
    let remote = work.participant().mapper.to_remote(unlinked.collect());
    Ok(remote.iter().flatten().flat_map(|row| object.filled_user_keys(row)).collect())
}

/// The candidates of a wave, those that share a user key with an earlier one, and those without any.
fn choose(object: &Object, ready: Vec<Ready>) -> (Vec<Candidate>, Vec<LocalKey>, Vec<LocalId>) {
    let (mut candidates, mut postponed, mut keyless) = (Vec::new(), Vec::new(), Vec::new());
    let mut taken = HashSet::new();
    for ready in ready {
        let keys: Vec<UserKey> = object.filled_user_keys(&ready.remote).collect();
        let Some(key) = keys.first().cloned() else {
            keyless.push(ready.key.id);
            continue;
        };
        // Any filled key counts, not just the first: the other record may be looked up by another one.
        let names: Vec<String> = keys.iter().map(|key| format!("{:?}", key.parts)).collect();
        if names.iter().any(|name| taken.contains(name)) {
            postponed.push(ready.key);
        } else {
            candidates.push(Candidate { ready, key });
        }
        taken.extend(names);
    }
    (candidates, postponed, keyless)
}

fn no_user_key(object: &Object) -> Failure {
    let name = |index: &usize| object.remote.get(*index).map_or("?", |field| &field.name);
    let keys: Vec<String> = object
        .user_keys
        .iter()
        .map(|key| format!("({})", key.iter().map(name).collect::<Vec<_>>().join(", ")))
        .collect();
    let message = format!("no user key has all its parts filled: fill one of {}", keys.join(", "));
    Failure::new("no-user-key", message)
}

fn twin(object: &Object, found: &[RemoteRecord], learned: &mut Learned) -> Failure {
    let twins: Vec<RemoteId> = found.iter().map(|record| record.key.id.clone()).collect();
    learned.twins.extend(twins.iter().cloned());
    let ids: Vec<&str> = twins.iter().map(|id| id.0.as_str()).collect();
    let message = format!(
        "the remote has {} with this user key already ({}): nothing was written; rename one of them, or make \
         them equal to link them",
        if ids.len() == 1 {
            format!("a record of {}", object.resource.path)
        } else {
            format!("{} records", ids.len())
        },
        ids.join(", ")
    );
    Failure { code: "user-key-match".into(), message, twins }
}

/// Looks the user keys up immediately before the inserts, and again where an insert got no answer.
async fn insert(work: &Work<'_>, candidates: Vec<Candidate>) -> Vec<(Candidate, Inserted)> {
    let object = work.object();
    let mut results = Vec::with_capacity(candidates.len());
    let mut candidates = candidates.into_iter();
    loop {
        let batch: Vec<Candidate> = candidates.by_ref().take(work.write_batch()).collect();
        if batch.is_empty() {
            return results;
        }
        let keys: Vec<&UserKey> = batch.iter().map(|candidate| &candidate.key).collect();
        let mut found = look_up(&**work.remote, object, &keys).await;
        found.resize_with(batch.len(), || Err(no_answer()));
        let is_free = |found: &Result<Vec<RemoteRecord>, _>| found.as_ref().is_ok_and(Vec::is_empty);
        let rows: Vec<&Row> = batch
            .iter()
            .zip(&found)
            .filter(|(_, found)| is_free(found))
            .map(|(candidate, _)| &candidate.ready.remote)
            .collect();
        let mut written = work.remote.insert_all(object, &rows).await.into_iter();
        for (candidate, found) in batch.into_iter().zip(found) {
            let result = match found {
                Err(error) => Inserted::Failed(error.into()),
                Ok(found) if !found.is_empty() => Inserted::Found(found),
                Ok(_) => match written.next() {
                    Some(Ok(written)) => Inserted::Written(written),
                    Some(Err(doubt @ WriteError::FateUnknown { .. })) => {
                        find_out(work, &candidate, doubt).await
                    }
                    Some(Err(error)) => Inserted::Failed(error),
                    None => Inserted::Failed(unanswered()),
                },
            };
            results.push((candidate, result));
        }
    }
}

/// What became of an insert that got no answer. A second one is sent only if the first one provably did not happen
/// (decision 15).
async fn find_out(work: &Work<'_>, candidate: &Candidate, doubt: WriteError) -> Inserted {
    let (object, row) = (work.object(), &candidate.ready.remote);
    let mut error = doubt;
    for repeated in [false, true] {
        let WriteError::FateUnknown { may_still_run, .. } = error else { break };
        match look_up(&**work.remote, object, &[&candidate.key]).await.pop() {
            Some(Ok(found)) if !found.is_empty() => return Inserted::FoundAfter(found),
            Some(Ok(_)) if !may_still_run && !repeated => {}
            _ => break,
        }
        match work.remote.insert(object, row).await {
            Ok(written) => return Inserted::Written(written),
            Err(again) => error = again,
        }
    }
    Inserted::Failed(error)
}

/// The records with these user keys, answer *i* for key *i*: as they are, or else as a server keeps them that trims
/// its texts.
pub(in crate::pipeline) async fn look_up(
    remote: &dyn Remote,
    object: &Object,
    keys: &[&UserKey],
) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
    let mut found = remote.find_all(object, keys).await;
    let trimmed: Vec<Option<UserKey>> = keys
        .iter()
        .zip(&found)
        .map(|(key, found)| trimmed(key).filter(|_| found.as_ref().is_ok_and(Vec::is_empty)))
        .collect();
    let again: Vec<&UserKey> = trimmed.iter().flatten().collect();
    if !again.is_empty() {
        let places = found.iter_mut().zip(&trimmed).filter(|(_, key)| key.is_some());
        for ((place, _), again) in places.zip(remote.find_all(object, &again).await) {
            *place = again;
        }
    }
    found
}

/// The key with trimmed texts, where that is another one and none of its parts is empty.
fn trimmed(key: &UserKey) -> Option<UserKey> {
    let trimmed = key.parts.iter().map(|(index, value)| match value {
        Value::Text(text) => (*index, Value::text(text.trim())),
        other => (*index, other.clone()),
    });
    let trimmed = UserKey { parts: trimmed.collect() };
    (trimmed != *key && trimmed.parts.iter().all(|(_, value)| value.is_filled())).then_some(trimmed)
}

/// The one record that was found, if it is linked to nothing and its content is that of the local one; with what it is
/// in local shape.
fn same_record(
    work: &Work<'_>,
    store: &dyn Store,
    ready: &Ready,
    found: &[RemoteRecord],
) -> Result<Option<(Written, Row)>, Stop> {
    let [record] = found else { return Ok(None) };
    let object = work.object();
    if store.linked_local(&object.name, &record.key.id)?.is_some() {
        return Ok(None);
    }
    let mapped = work.participant().mapper.to_local(vec![record.row.clone()]).pop();
    let Some(Ok(mut mapped)) = mapped else { return Ok(None) };
    let answer = mapped.clone();
    let unlinked = links::to_local(store, object, &mut mapped)?;
    if !object.differing_in_content(&ready.local, &mapped).is_empty() {
        return Ok(None);
    }
    let written = Written {
        id: record.key.id.clone(),
        created: record.key.created.clone(),
        // A link that is not pulled yet is null here: the next run looks at the record again.
        token: if unlinked.is_empty() { record.key.token.clone() } else { RemoteToken::unsettled() },
        row: None,
    };
    Ok(Some((written, answer)))
}

/// What enters the store for a record that is on both sides now. A link that points forward is filled in later.
fn entries(
    work: &Work<'_>,
    store: &dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    ready: Ready,
    written: Written,
    answer: Option<Row>,
) -> Result<[Change; 2], Stop> {
    let local = ready.key.id;
    if ready.links == Links::Refill {
        learned.refill.push(local);
    }
    let change = link(work, store, report, ready, written, answer, None)?;
    Ok([change, Change::Settled { local }])
}
