//! What the operations that originate locally share, and two of them: update and delete.
//!
//! Records are pushed in waves. A wave's writes are entered in the journal in one transaction, sent with
//! several in flight, and their results committed in another: the journal knows every write that may have
//! reached the server (decision 15).

use super::links::{self, Links};
use super::operations::{Learned, PushDelete, PushUpdate, Work, note_differences};
use super::{Event, Failed, Failure, Stop, Subject};
use crate::ports::{Baseline, Change, Intent, LocalRecord, Scope, Store, WriteError, Written};
use crate::report::ObjectReport;
use futures_util::StreamExt;
use std::collections::HashMap;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteKey, Revision};
use sync_core::object::{Field, Object, UserKey};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// Records that are journalled, sent and committed together.
pub(super) const WAVE: usize = 64;

/// A local record, checked and mapped, ready to be sent.
pub(super) struct Ready {
    pub(super) key: LocalKey,
    /// In local shape, links as local ids.
    pub(super) local: Row,
    /// In remote shape.
    pub(super) remote: Row,
    pub(super) links: Links,
}

/// Reads, checks and maps local records; a failure of one is its own.
///
/// Checked before anything is sent (decision 26): values that fit their fields, required fields, the plugin's
/// own rules, links that have a remote record.
pub(super) fn prepare(
    work: &Work<'_>,
    store: &dyn Store,
    ids: &[LocalId],
    operation: Operation,
) -> Result<(Vec<Ready>, Failed<LocalId>), Stop> {
    let (object, mapper) = (work.object(), &work.participant().mapper);
    let (mut accepted, mut failed) = (Vec::new(), Vec::new());
    for LocalRecord { key, row } in store.local_records(object, ids)? {
        match row
            .map_err(|unfit| unfit_failure(object, unfit))
            .and_then(|row| has_required(object, row, operation))
        {
            Ok(row) => accepted.push((key, row)),
            Err(failure) => failed.push((key.id, failure)),
        }
    }
    let verdicts = mapper.validate(accepted.iter().map(|(_, row)| row.clone()).collect());
    let mut translated = Vec::with_capacity(accepted.len());
    for ((key, row), verdict) in accepted.into_iter().zip(verdicts) {
        let mut outgoing = row.clone();
        match verdict.map_err(Failure::from) {
            Ok(()) => match links::to_remote(work, store, &mut outgoing)? {
                Ok(links) => translated.push((key, row, links, outgoing)),
                Err(failure) => failed.push((key.id, failure)),
            },
            Err(failure) => failed.push((key.id, failure)),
        }
    }
    let outgoing = translated.iter_mut().map(|(.., outgoing)| std::mem::take(outgoing)).collect();
    let mut ready = Vec::with_capacity(translated.len());
    for ((key, local, links, _), remote) in translated.into_iter().zip(mapper.to_remote(outgoing)) {
        match remote {
            Ok(remote) => ready.push(Ready { key, local, remote, links }),
            Err(error) => failed.push((key.id, error.into())),
        }
    }
    Ok((ready, failed))
}

fn unfit_failure(object: &Object, unfit: crate::ports::Unfit) -> Failure {
    let field = object.local.get(unfit.field).map_or("a field", |field| &field.name);
    Failure::new(&unfit.code, format!("{field} {}; correct it in the local store", unfit.message))
}

fn has_required(object: &Object, row: Row, operation: Operation) -> Result<Row, Failure> {
    let sent = |field: &Field| {
        let first = operation == Operation::PushInsert && field.traits.create_only;
        !field.traits.is_remote_owned() || first
    };
    let empty = object
        .local
        .iter()
        .zip(&row)
        .find(|(field, value)| field.traits.required && sent(field) && **value == Value::Null);
    match empty {
        Some((field, _)) => {
            let message = format!("{} is required and empty; fill it in the local store", field.name);
            Err(Failure::new("required", message))
        }
        None => Ok(row),
    }
}

/// Why a write did not happen, as a record's failure; what concerns all records is a [`Stop`].
pub(super) fn refusal(error: WriteError) -> Result<Failure, Stop> {
    Ok(match error {
        WriteError::Refused { code, message } => Failure::new(&code, message),
        WriteError::Moved => Failure::new(
            "moved",
            "the remote record was changed since the compare: nothing was written; the next run compares it again",
        ),
        WriteError::Gone => {
            Failure::new("gone", "the remote record was deleted since the compare: nothing was written")
        }
        WriteError::NoVersion => Failure::new(
            "no-version",
            "the remote does not tell the record's version, so nothing was written (a blind write could undo \
             somebody's edit)",
        ),
        WriteError::FateUnknown { message, .. } => Failure::new("fate-unknown", message),
        // The server answers, and cannot deal with this record: the others go on (decision 22).
        WriteError::Remote(error) if error.scope == Scope::Object => {
            Failure::new("remote-failed", error.message)
        }
        WriteError::Remote(error) => return Err(error.into()),
    })
}

/// What enters the store after the remote confirmed a write: the pair, what both agree on, and what the server
/// computed (decisions 8, 9 and 10).
pub(super) fn link(
    work: &Work<'_>,
    store: &dyn Store,
    report: &mut ObjectReport,
    ready: Ready,
    revision: Revision,
    written: Written,
    base: Option<&Baseline>,
) -> Result<Change, Stop> {
    let object = work.object();
    let before = base.map(|base| &base.row);
    let Ready { key, local, .. } = ready;
    let (mut row, mut fields) = (local, Vec::new());
    let mut answer = match written.row {
        Some(answer) => work.participant().mapper.to_local(vec![answer]).pop().and_then(Result::ok),
        None => None,
    };
    if let Some(answer) = &mut answer {
        links::to_local(store, object, answer)?;
    }
    // What the server owns comes from its answer, or stays as it was agreed; a local edit of it is put back.
    let owned = before.or(answer.as_ref());
    let mut differing = Vec::new();
    for (index, field) in object.local.iter().enumerate() {
        let Some(value) = row.get_mut(index) else { continue };
        let answered =
            answer.as_ref().and_then(|row| row.get(index)).filter(|value| **value != Value::Absent);
        let server_keeps =
            field.traits.computed || field.traits.read_only || (field.traits.create_only && before.is_some());
        if server_keeps {
            let kept =
                answered.or(owned.and_then(|row| row.get(index))).filter(|kept| **kept != Value::Absent);
            if let Some(kept) = kept.filter(|kept| *kept != value) {
                let edited = match before.and_then(|row| row.get(index)) {
                    Some(before) => before != value,
                    None => value.is_filled(),
                };
                if edited {
                    differing.push(index);
                }
                fields.push((index, kept.clone()));
                value.clone_from(kept);
            }
        } else if !field.traits.not_compared && answered.is_some_and(|answered| answered != value) {
            differing.push(index);
        }
    }
    note_differences(report, object, &differing);
    let remote = RemoteKey { id: written.id, token: written.token, created: written.created };
    let pair = Pair { local: key.id, remote, revision };
    let beyond_filter = base.is_some_and(|base| base.beyond_filter);
    Ok(Change::Link { baseline: Baseline { pair, row, beyond_filter }, fields })
}

/// An update with all that it needs.
struct Update {
    ready: Ready,
    task: PushUpdate,
    base: Baseline,
    changes: Vec<(usize, Value)>,
    /// The new user key, where the update changes it (decision 5).
    renamed: Option<UserKey>,
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
    Written(Written),
    Collides(String),
    Failed(WriteError),
}

/// Push update: the record is addressed by its mapped id, a changed user key is looked up for collisions, and
/// the write happens only if the version is the compared one.
pub(super) async fn updates(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    updates: Vec<PushUpdate>,
) -> Result<(), Stop> {
    work.step(Operation::PushUpdate, updates.len());
    for wave in updates.chunks(WAVE) {
        let Wave { tasks, mut failures, done: mut changes } =
            plan_updates(work, store, report, learned, wave)?;
        let intents = tasks.iter().map(|it| Change::Intend(intent(Operation::PushUpdate, it)));
        changes.extend(intents);
        store.commit(work.object(), changes)?;
        // Two renames to one key must not pass each other's look-up.
        let renames = tasks.iter().filter(|task| task.renamed.is_some()).count();
        let in_flight = if renames > 1 { 1 } else { work.remote.capabilities().in_flight.max(1) };
        let results: Vec<_> = futures_util::stream::iter(tasks)
            .map(async |task| {
                let result = update(work, &task).await;
                (task, result)
            })
            .buffered(in_flight)
            .collect()
            .await;
        let mut changes = Vec::new();
        let mut stop = None;
        for (mut task, result) in results {
            let subject = Subject::pair(task.ready.key.id, &task.task.pair.remote.id);
            let local = task.ready.key.id;
            let failure = match result {
                Updated::Written(written) => {
                    let revision = match task.ready.links {
                        Links::Done => task.ready.key.revision,
                        Links::Refill => {
                            learned.refill.push(local);
                            let (row, before) = (&mut task.ready.local, Some(&task.base.row));
                            links::drop_unlinked(store, work.object(), row, before)?;
                            Revision::UNSETTLED
                        }
                    };
                    changes.push(link(work, store, report, task.ready, revision, written, Some(&task.base))?);
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
            changes.push(Change::Settled { local });
            failures.push((subject, failure));
        }
        store.commit(work.object(), changes)?;
        work.observer.event(Event::Progress(wave.len() as u64));
        work.log(store, Operation::PushUpdate, failures)?;
        if let Some(stop) = stop {
            return Err(stop);
        }
    }
    Ok(())
}

/// Works out what each update sends. One that sends nothing, because only fields of the server were edited, is
/// done here: they are put back.
fn plan_updates(
    work: &Work<'_>,
    store: &dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    wave: &[PushUpdate],
) -> Result<Wave, Stop> {
    let object = work.object();
    let ids: Vec<LocalId> = wave.iter().map(|it| it.pair.local).collect();
    let (ready, failed) = prepare(work, store, &ids, Operation::PushUpdate)?;
    let mut by_id: HashMap<LocalId, &PushUpdate> = wave.iter().map(|it| (it.pair.local, it)).collect();
    let failures: Vec<_> = failed
        .into_iter()
        .map(|(id, failure)| {
            let remote = by_id.get(&id).map(|it| it.pair.remote.id.clone());
            (Subject { local: Some(id), remote }, failure)
        })
        .collect();
    let mut bases = Vec::with_capacity(ready.len());
    for base in store.baselines(object, &ids)? {
        let over = by_id.get(&base.pair.local).and_then(|it| it.over.as_ref());
        let mut outgoing = over.unwrap_or(&base.row).clone();
        links::agreed_to_remote(store, object, &mut outgoing)?;
        bases.push((base, outgoing));
    }
    let outgoing = bases.iter_mut().map(|(_, outgoing)| std::mem::take(outgoing)).collect();
    let sent_before = work.participant().mapper.to_remote(outgoing);
    let mut bases: HashMap<LocalId, (Baseline, Option<Row>)> = bases
        .into_iter()
        .zip(sent_before)
        .map(|((base, _), sent)| (base.pair.local, (base, sent.ok())))
        .collect();
    let (mut tasks, mut changes) = (Vec::new(), Vec::new());
    for mut ready in ready {
        let id = ready.key.id;
        let (Some(task), Some((base, before))) = (by_id.remove(&id), bases.remove(&id)) else { continue };
        let sent: Vec<(usize, Value)> = differing(object, before.as_ref(), &ready.remote);
        if sent.is_empty() {
            let written = Written {
                id: task.pair.remote.id.clone(),
                created: task.pair.remote.created.clone(),
                token: task.expected.clone(),
                row: None,
            };
            let revision = if ready.links == Links::Done { ready.key.revision } else { Revision::UNSETTLED };
            if ready.links == Links::Refill {
                learned.refill.push(id);
                links::drop_unlinked(store, object, &mut ready.local, Some(&base.row))?;
            }
            changes.push(link(work, store, report, ready, revision, written, Some(&base))?);
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

/// The remote fields that an update sends: those that are not what they were when both sides agreed.
fn differing(object: &Object, before: Option<&Row>, now: &Row) -> Vec<(usize, Value)> {
    let sendable =
        |index: usize| object.remote.get(index).is_some_and(|field| !field.traits.is_remote_owned());
    now.iter()
        .enumerate()
        .filter(|(index, value)| {
            sendable(*index)
                && **value != Value::Absent
                && before.and_then(|row| row.get(*index)) != Some(value)
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

async fn update(work: &Work<'_>, task: &Update) -> Updated {
    let (object, id) = (work.object(), &task.task.pair.remote.id);
    if let Some(key) = &task.renamed {
        match work.remote.find(object, key).await {
            Ok(found) => {
                if let Some(other) = found.into_iter().find(|record| record.key.id != *id) {
                    return Updated::Collides(other.key.id.0);
                }
            }
            Err(error) => return Updated::Failed(error.into()),
        }
    }
    match work.remote.update(object, id, &task.task.expected, &task.changes).await {
        Ok(written) => Updated::Written(written),
        Err(error) => Updated::Failed(error),
    }
}

/// Push delete: delete the remote records whose version is the compared one.
pub(super) async fn deletes(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    deletes: Vec<PushDelete>,
) -> Result<(), Stop> {
    work.step(Operation::PushDelete, deletes.len());
    let object = work.object();
    for wave in deletes.chunks(WAVE) {
        let intents = wave.iter().map(|it| {
            Change::Intend(Intent {
                operation: Operation::PushDelete,
                local: it.pair.local,
                revision: it.pair.revision,
                remote: Some(it.pair.remote.id.clone()),
                expected: Some(it.expected.clone()),
                row: vec![Value::Absent; object.local.len()],
            })
        });
        store.commit(object, intents.collect())?;
        let results: Vec<_> = futures_util::stream::iter(wave)
            .map(async |it| (it, work.remote.delete(object, &it.pair.remote.id, &it.expected).await))
            .buffered(work.remote.capabilities().in_flight.max(1))
            .collect()
            .await;
        let (mut changes, mut failures, mut stop) = (Vec::new(), Vec::new(), None);
        for (it, result) in results {
            let local = it.pair.local;
            match result {
                Ok(()) => {
                    changes.push(Change::Forget { local });
                    report.count(Operation::PushDelete);
                }
                Err(error) => match refusal(error) {
                    Ok(failure) => failures.push((Subject::pair(local, &it.pair.remote.id), failure)),
                    Err(error) => stop = Some(error),
                },
            }
            changes.push(Change::Settled { local });
        }
        store.commit(object, changes)?;
        work.observer.event(Event::Progress(wave.len() as u64));
        work.log(store, Operation::PushDelete, failures)?;
        if let Some(stop) = stop {
            return Err(stop);
        }
    }
    Ok(())
}
