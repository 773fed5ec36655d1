//! Push insert: query the remote by user key; no match: insert, then query what came of it. A match is adopted
//! where it is the same record, else it is an issue, and nothing is written (decision 4).

use super::queue::{Candidate, Queue};
use super::send::{self, Inserted};
use super::{Ready, link, refusal};
use crate::pipeline::links::{self, Links};
use crate::pipeline::operations::{Learned, Work};
use crate::pipeline::task::{Task, first_ended};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::ports::{Change, RemoteRecord, Store, WriteError, Written};
use crate::report::ObjectReport;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use sync_core::change_key::{LocalId, LocalKey, RemoteId, RemoteKey, RemoteToken};
use sync_core::compare::is_another_record;
use sync_core::object::Object;
use sync_core::operation::Operation;
use sync_core::value::Row;

/// Inserts the new local records on the remote. While one batch is looked up, another is written and the results of a
/// third are entered, as far as the remote takes several at once.
pub(in crate::pipeline) async fn inserts(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    new: Vec<LocalKey>,
) -> Result<(), Stop> {
    work.step(Operation::PushInsert, new.len());
    let mut queue = Queue::new(new);
    // In order: what a later batch finds is compared with a baseline that knows what the ones before it wrote.
    let mut under_way = VecDeque::new();
    let mut back = Vec::new();
    let mut stop = None;
    loop {
        // The next are on their way before what came back is entered.
        while stop.is_none() && under_way.len() < work.write_batches() {
            let idle = under_way.is_empty() && back.is_empty();
            let batch = queue.next(work, store, learned, work.write_batch(), idle)?;
            if batch.is_empty() {
                break;
            }
            under_way.push_back(Task::start(send::insert(
                Arc::clone(work.remote),
                Arc::clone(&work.participant().mapper),
                batch,
            )));
        }
        let done = back.len();
        stop = settle(work, store, report, learned, std::mem::take(&mut back))?.or(stop);
        work.observer.event(Event::Progress(done as u64));
        if stop.is_none() && !under_way.is_empty() {
            queue.look_ahead(work, store, learned)?;
        }
        match first_ended(&mut under_way).await? {
            Some(ended) => back = ended,
            None if done == 0 => break,
            // Others may have waited for these.
            None => continue,
        }
        for (candidate, result) in &back {
            match result {
                Inserted::Failed(WriteError::FateUnknown { .. }) => queue.unsettled(candidate),
                _ => queue.settled(candidate),
            }
        }
    }
    let Some(stop) = stop else { return Ok(()) };
    learned.not_looked_up = true;
    store.commit(work.object(), queue.unsent().map(|local| Change::Settled { local }).collect())?;
    Err(stop)
}

/// Enters what came of a batch. Answers what concerns all records.
fn settle(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    results: Vec<(Candidate, Inserted)>,
) -> Result<Option<Stop>, Stop> {
    let object = work.object();
    // What was written is entered first, all at once: then whatever was found is compared with a baseline that
    // knows it.
    let (mut inserted, mut others) = (Vec::new(), Vec::new());
    for (Candidate { ready, .. }, result) in results {
        match result {
            Inserted::Written(written, answer) => inserted.push((ready, written, answer)),
            result => others.push((ready, result)),
        }
    }
    let mut changes = Vec::with_capacity(2 * inserted.len());
    let mut failures = Vec::new();
    let snapshot = store.snapshot()?;
    // A server that knows the record already, by rules of its own, may answer with that one's id.
    let mut answered = HashSet::with_capacity(inserted.len());
    for (ready, written, answer) in inserted {
        let local = ready.key.id;
        let other = linked_elsewhere(store, object, local, &written)?;
        if other.is_some() || !answered.insert(written.id.clone()) {
            failures.push((Subject::local(local), taken(object, &written.id, other)));
            changes.push(Change::Settled { local });
            continue;
        }
        changes.extend(entries(work, store, report, learned, ready, written, answer)?);
        report.count(Operation::PushInsert);
    }
    drop(snapshot);
    work.commit(store, changes, &mut failures)?;
    let mut stop = None;
    for (ready, result) in others {
        let local = ready.key.id;
        let mut settled = true;
        let failure = match result {
            Inserted::Written(..) => continue,
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
    Ok(stop)
}

/// The other local record that is linked to what an insert was answered with. An id that came back as another record is
/// free (decision 14).
fn linked_elsewhere(
    store: &dyn Store,
    object: &Object,
    local: LocalId,
    written: &Written,
) -> Result<Option<LocalId>, Stop> {
    let Written { id, token, created, .. } = written;
    let mut pairs = store.pairs_of_remote(&object.name, std::slice::from_ref(id))?.into_iter();
    let is_same = |known: &RemoteKey| {
        let (id, token, created) = (id.clone(), token.clone(), created.clone());
        !is_another_record(known, &RemoteKey { id, token, created, fresh: false })
    };
    Ok(pairs.find(|pair| pair.local != local && is_same(&pair.remote)).map(|pair| pair.local))
}

/// The id that an insert was answered with is another local record's.
fn taken(object: &Object, id: &RemoteId, other: Option<LocalId>) -> Failure {
    let whose = match other {
        Some(other) => format!("is linked to {} {other}", object.name),
        None => "it gave to another insert, too".to_owned(),
    };
    let message = format!(
        "the remote answered the insert with {id}, which {whose}: it takes the two for one record, so this one is not \
         linked; make them differ as the remote tells records apart, or delete one of them"
    );
    Failure::new("id-taken", message)
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
    let mapped = work.participant().mapper.to_local(&[&record.row]).pop();
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
