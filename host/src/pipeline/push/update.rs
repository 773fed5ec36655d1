//! Push update: query the remote by user key, compare the version, update, read back.

use super::send::Sending;
use super::{Ready, Unmapped, answers, link, map, no_answer, read, refusal, unanswered};
use crate::pipeline::links::{self, Links};
use crate::pipeline::operations::{Learned, PushUpdate, Work};
use crate::pipeline::{Event, Failed, Failure, Stop, Subject};
use crate::ports::{Baseline, Change, Intent, Mapper, Remote, RemoteUpdate, Store, WriteError, Written};
use crate::report::ObjectReport;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use sync_core::change_key::{LocalId, RemoteToken, Revision};
use sync_core::object::{Object, UserKey};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// Updates that are worked out, journalled and sent together: one wait for the disk.
const WAVE: usize = 64;

/// An update with all that it needs.
struct Update {
    ready: Ready,
    task: PushUpdate,
    base: Baseline,
    changes: Vec<(usize, Value)>,
    /// The new user key, where the update changes it (decision 5).
    renamed: Option<UserKey>,
}

/// Updates that were read and mapped.
struct Mapped {
    ready: Vec<Ready>,
    /// What both sides agreed on, in local and in remote shape.
    bases: Vec<(Baseline, Option<Row>)>,
    failed: Failed<LocalId>,
}

/// Updates that are being mapped.
struct Mapping<'u> {
    wave: &'u [PushUpdate],
    mapped: Sending<Mapped>,
}

/// Updates that are sent together.
struct Wave {
    tasks: Vec<Update>,
    failures: Failed<Subject>,
    /// What needs no sending.
    done: Vec<Change>,
}

/// What came of an update.
enum Updated {
    /// It was written; what the remote has, in local shape, where it told.
    Written(Written, Option<Row>),
    Collides(String),
    Failed(WriteError),
}

/// Push update: the record is addressed by its mapped id, a changed user key is looked up for collisions, and
/// the write happens only if the version is the compared one. While some waves are sent, the next is mapped.
pub(in crate::pipeline) async fn updates(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    updates: Vec<PushUpdate>,
) -> Result<(), Stop> {
    work.step(Operation::PushUpdate, updates.len());
    let mut waves = updates.chunks(WAVE);
    let mut next = begin(work, store, waves.next())?;
    let mut under_way: VecDeque<Sending<Vec<(Update, Updated)>>> = VecDeque::new();
    let mut stop = None;
    loop {
        while stop.is_none() && under_way.len() < work.write_batches() {
            let Some(Mapping { wave, mapped }) = next.take() else { break };
            next = begin(work, store, waves.next())?;
            let Wave { tasks, mut failures, done: mut changes } =
                plan_updates(work, store, report, learned, wave, mapped.end().await?)?;
            work.observer.event(Event::Progress((wave.len() - tasks.len()) as u64));
            changes.extend(tasks.iter().map(|it| Change::Intend(intent(Operation::PushUpdate, it))));
            work.commit(store, changes, &mut failures)?;
            work.log(store, Operation::PushUpdate, failures)?;
            // Two renames to one key must not pass each other's look-up.
            if tasks.iter().any(|task| task.renamed.is_some()) {
                while let Some(sending) = under_way.pop_front() {
                    stop = settle(work, store, report, learned, sending.end().await?)?.or(stop);
                }
            }
            if stop.is_some() {
                let unsent = tasks.iter().map(|task| Change::Settled { local: task.ready.key.id });
                store.commit(work.object(), unsent.collect())?;
                break;
            }
            under_way.push_back(Sending::start(update(
                Arc::clone(work.remote),
                Arc::clone(&work.participant().mapper),
                tasks,
            )));
        }
        let Some(sending) = under_way.pop_front() else { break };
        stop = settle(work, store, report, learned, sending.end().await?)?.or(stop);
    }
    stop.map_or(Ok(()), Err)
}

/// Enters what came of a wave. Answers what concerns all records.
fn settle(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    results: Vec<(Update, Updated)>,
) -> Result<Option<Stop>, Stop> {
    let done = results.len();
    let (mut changes, mut failures, mut stop) = (Vec::new(), Vec::new(), None);
    let snapshot = store.snapshot()?;
    for (mut task, result) in results {
        let subject = Subject::pair(task.ready.key.id, &task.task.pair.remote.id);
        let local = task.ready.key.id;
        // Not known whether it happened: the journal keeps the record for the next run to look at.
        let settled = !matches!(result, Updated::Failed(WriteError::FateUnknown { .. }));
        let failure = match result {
            Updated::Written(written, answer) => {
                if task.ready.links == Links::Refill {
                    learned.refill.push(local);
                    let (row, before) = (&mut task.ready.local, Some(&task.base.row));
                    links::drop_unlinked(store, work.object(), row, before)?;
                    task.ready.key.revision = Revision::UNSETTLED;
                }
                changes.push(link(work, store, report, task.ready, written, answer, Some(&task.base))?);
                changes.push(Change::Settled { local });
                report.count(Operation::PushUpdate);
                continue;
            }
            Updated::Collides(other) => Failure::new(
                "user-key-taken",
                format!("another remote record, {other}, has this user key already: nothing was written"),
            ),
            Updated::Failed(error) => match refusal(error) {
                Ok(failure) => failure,
                Err(error) => {
                    stop = Some(error);
                    changes.push(Change::Settled { local });
                    continue;
                }
            },
        };
        if settled {
            changes.push(Change::Settled { local });
        }
        failures.push((subject, failure));
    }
    drop(snapshot);
    work.commit(store, changes, &mut failures)?;
    work.observer.event(Event::Progress(done as u64));
    work.log(store, Operation::PushUpdate, failures)?;
    Ok(stop)
}

/// Reads the updates of a wave, and begins to map them.
fn begin<'u>(
    work: &Work<'_>,
    store: &dyn Store,
    wave: Option<&'u [PushUpdate]>,
) -> Result<Option<Mapping<'u>>, Stop> {
    let Some(wave) = wave else { return Ok(None) };
    let object = work.object();
    let _snapshot = store.snapshot()?;
    let ids: Vec<LocalId> = wave.iter().map(|it| it.pair.local).collect();
    let (records, failed) = read(work, store, &ids, Operation::PushUpdate)?;
    let mut bases = Vec::with_capacity(records.len());
    for base in store.agreed(object, wave.iter().map(|it| it.pair.clone()).collect())? {
        let mut outgoing = base.row.clone();
        // Whatever the link is now, it is not what it was: null, too, has to be sent.
        links::agreed_to_remote(store, object, &mut outgoing, &Value::Reference("gone".to_owned()))?;
        bases.push((base, outgoing));
    }
    let mapper = Arc::clone(&work.participant().mapper);
    let mapped = Sending::start(async move { map_updates(&*mapper, records, bases, failed) });
    Ok(Some(Mapping { wave, mapped }))
}

fn map_updates(
    mapper: &dyn Mapper,
    records: Vec<Unmapped>,
    bases: Vec<(Baseline, Row)>,
    mut failed: Failed<LocalId>,
) -> Mapped {
    let (ready, unmapped) = map(mapper, records);
    failed.extend(unmapped);
    let (bases, outgoing): (Vec<Baseline>, Vec<Row>) = bases.into_iter().unzip();
    let sent_before = mapper.to_remote(outgoing).into_iter().map(Result::ok);
    Mapped { ready, bases: bases.into_iter().zip(sent_before).collect(), failed }
}

/// Works out what each update sends. One that sends nothing, because only fields of the server were edited, is
/// done here: they are put back.
fn plan_updates(
    work: &Work<'_>,
    store: &dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    wave: &[PushUpdate],
    Mapped { ready, bases, failed }: Mapped,
) -> Result<Wave, Stop> {
    let object = work.object();
    let mut by_id: HashMap<LocalId, &PushUpdate> = wave.iter().map(|it| (it.pair.local, it)).collect();
    let failures: Vec<_> = failed
        .into_iter()
        .map(|(id, failure)| {
            let remote = by_id.get(&id).map(|it| it.pair.remote.id.clone());
            (Subject { local: Some(id), remote }, failure)
        })
        .collect();
    let mut bases: HashMap<LocalId, (Baseline, Option<Row>)> =
        bases.into_iter().map(|(base, sent)| (base.pair.local, (base, sent))).collect();
    let (mut tasks, mut changes) = (Vec::new(), Vec::new());
    for mut ready in ready {
        let id = ready.key.id;
        let (Some(task), Some((base, before))) = (by_id.remove(&id), bases.remove(&id)) else { continue };
        let sent: Vec<(usize, Value)> = differing(object, before.as_ref(), &ready.remote);
        if sent.is_empty() {
            // Nothing is written, so nothing is learned of the remote: what was to be looked at stays so.
            let before = task.pair.remote.clone();
            let token = if before.fresh { RemoteToken::unsettled() } else { before.token };
            let written = Written { id: before.id, created: before.created, token, row: None };
            if ready.links == Links::Refill {
                ready.key.revision = Revision::UNSETTLED;
                learned.refill.push(id);
                links::drop_unlinked(store, object, &mut ready.local, Some(&base.row))?;
            }
            changes.push(link(work, store, report, ready, written, None, Some(&base))?);
            continue;
        }
        let key = object.filled_user_keys(&ready.remote).next();
        let renamed =
            key.filter(|key| key.parts.iter().any(|(part, _)| sent.iter().any(|(it, _)| it == part)));
        tasks.push(Update { ready, task: task.clone(), base, changes: sent, renamed });
    }
    // A record that was deleted locally since the compare is neither: the next run finds the delete.
    Ok(Wave { tasks, failures, done: changes })
}

/// The remote fields that an update sends: those that are not what they were when both sides agreed. An empty
/// field that was never agreed on, because the object gained it, says nothing about what the remote has there.
fn differing(object: &Object, before: Option<&Row>, now: &Row) -> Vec<(usize, Value)> {
    let sendable =
        |index: usize| object.remote.get(index).is_some_and(|field| !field.traits.is_remote_owned());
    now.iter()
        .enumerate()
        .filter(|(index, value)| {
            let before = before.and_then(|row| row.get(*index));
            let unknown = before == Some(&Value::Absent) && **value == Value::Null;
            sendable(*index) && **value != Value::Absent && before != Some(value) && !unknown
        })
        .map(|(index, value)| (index, value.clone()))
        .collect()
}

fn intent(operation: Operation, update: &Update) -> Intent {
    Intent {
        operation,
        local: update.ready.key.id,
        revision: update.ready.key.revision,
        remote: Some(update.task.pair.remote.id.clone()),
        expected: Some(update.task.expected.clone()),
        row: update.ready.local.clone(),
    }
}

/// Sends the updates, in batches. Where there are several renames, every record is a batch of its own.
async fn update(
    remote: Arc<dyn Remote>,
    mapper: Arc<dyn Mapper>,
    tasks: Vec<Update>,
) -> Vec<(Update, Updated)> {
    let object = mapper.object();
    let renames = tasks.iter().filter(|task| task.renamed.is_some()).count();
    let mut results = Vec::with_capacity(tasks.len());
    let mut tasks = tasks.into_iter();
    loop {
        // A remote may have learned that it can take more at once.
        let most = if renames > 1 { 1 } else { remote.capabilities().write_batch.max(1) };
        let batch: Vec<Update> = tasks.by_ref().take(most).collect();
        if batch.is_empty() {
            return results;
        }
        let refused = collisions(&*remote, object, &batch).await;
        let updates: Vec<RemoteUpdate<'_>> = batch
            .iter()
            .zip(&refused)
            .filter(|(_, refused)| refused.is_none())
            .map(|(it, _)| RemoteUpdate {
                id: &it.task.pair.remote.id,
                expected: &it.task.expected,
                changes: &it.changes,
            })
            .collect();
        let mut written = remote.update_all(object, &updates).await;
        let mut answers = answers(&*mapper, written.iter_mut().flatten()).into_iter();
        let mut written = written.into_iter();
        for (task, refused) in batch.into_iter().zip(refused) {
            let result = refused.unwrap_or_else(|| match written.next() {
                Some(Ok(written)) => Updated::Written(written, answers.next().flatten()),
                Some(Err(error)) => Updated::Failed(error),
                None => Updated::Failed(unanswered()),
            });
            results.push((task, result));
        }
    }
}

/// Why an update must not be sent: another record has the user key that it brings (decision 5), or nobody knows.
async fn collisions(remote: &dyn Remote, object: &Object, batch: &[Update]) -> Vec<Option<Updated>> {
    let keys: Vec<&UserKey> = batch.iter().filter_map(|it| it.renamed.as_ref()).collect();
    let mut found = Vec::new();
    if !keys.is_empty() {
        found = remote.find_all(object, &keys).await;
    }
    let mut found = found.into_iter();
    let collision = |it: &Update| {
        it.renamed.as_ref()?;
        match found.next().unwrap_or_else(|| Err(no_answer())) {
            Ok(found) => {
                let mut others = found.into_iter().filter(|record| record.key.id != it.task.pair.remote.id);
                others.next().map(|other| Updated::Collides(other.key.id.0))
            }
            Err(error) => Some(Updated::Failed(error.into())),
        }
    };
    batch.iter().map(collision).collect()
}
