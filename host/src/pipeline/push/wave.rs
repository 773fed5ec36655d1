//! The local changes on their way to be sent, a wave at a time: read here, mapped by a task, and compared with what was
//! agreed on, which tells what each sends.

use super::{Ready, Unmapped, link, map, read};
use crate::pipeline::links::{self, Links};
use crate::pipeline::operations::{Learned, PushUpdate, Work};
use crate::pipeline::task::Task;
use crate::pipeline::{Failed, Stop, Subject};
use crate::ports::{Baseline, Change, Intent, Mapper, Store, Written};
use crate::report::ObjectReport;
use std::collections::HashMap;
use std::sync::Arc;
use sync_core::change_key::{LocalId, RemoteToken, Revision};
use sync_core::object::{Object, UserKey};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// An update with all that it needs.
pub(super) struct Update {
    pub(super) ready: Ready,
    pub(super) task: PushUpdate,
    pub(super) base: Baseline,
    pub(super) changes: Vec<(usize, Value)>,
    /// The new user key, where the update changes it (decision 5).
    pub(super) renamed: Option<UserKey>,
}

/// Updates that were read and mapped.
pub(super) struct Mapped {
    ready: Vec<Ready>,
    /// What both sides agreed on, in local and in remote shape.
    bases: Vec<(Baseline, Option<Row>)>,
    failed: Failed<LocalId>,
}

/// Updates that are being mapped.
pub(super) struct Mapping<'u> {
    pub(super) wave: &'u [PushUpdate],
    pub(super) mapped: Task<Mapped>,
}

/// Updates that are journalled together.
pub(super) struct Wave {
    pub(super) tasks: Vec<Update>,
    pub(super) failures: Failed<Subject>,
    /// What needs no sending.
    pub(super) done: Vec<Change>,
}

/// Reads the updates of a wave, and begins to map them.
pub(super) fn begin<'u>(
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
        let mut outgoing = links::has_any(&base.row).then(|| base.row.clone());
        if let Some(outgoing) = &mut outgoing {
            // Whatever the link is now, it is not what it was: null, too, has to be sent.
            links::agreed_to_remote(store, object, outgoing, &Value::Reference("gone".to_owned()))?;
        }
        bases.push((base, outgoing));
    }
    let mapper = Arc::clone(&work.participant().mapper);
    let mapped = Task::start(async move { map_all(&*mapper, records, bases, failed) });
    Ok(Some(Mapping { wave, mapped }))
}

fn map_all(
    mapper: &dyn Mapper,
    records: Vec<Unmapped>,
    bases: Vec<(Baseline, Option<Row>)>,
    mut failed: Failed<LocalId>,
) -> Mapped {
    let (ready, unmapped) = map(mapper, records);
    failed.extend(unmapped);
    let outgoing: Vec<&Row> =
        bases.iter().map(|(base, outgoing)| outgoing.as_ref().unwrap_or(&base.row)).collect();
    let sent_before = mapper.to_remote(&outgoing).into_iter().map(Result::ok);
    let bases = bases.into_iter().map(|(base, _)| base).zip(sent_before).collect();
    Mapped { ready, bases, failed }
}

/// Works out what each update sends. One that sends nothing, because only fields of the server were edited, is
/// done here: they are put back.
pub(super) fn plan(
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
                links::drop_unlinked(store, object, Arc::make_mut(&mut ready.local), Some(&base.row))?;
            }
            changes.push(link(work, store, report, ready, written, None, Some(&base))?);
            continue;
        }
        // An emptied part, too, leads to another key: the next one that is filled.
        let former = before.as_ref().and_then(|row| object.filled_user_keys(row).next());
        let renamed =
            object.filled_user_keys(&ready.remote).next().filter(|key| former.as_ref() != Some(key));
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

/// What the journal keeps of an update.
pub(super) fn intent(update: &Update) -> Intent {
    Intent {
        operation: Operation::PushUpdate,
        local: update.ready.key.id,
        revision: update.ready.key.revision,
        remote: Some(update.task.pair.remote.id.clone()),
        expected: Some(update.task.expected.clone()),
        row: Arc::clone(&update.ready.local),
    }
}
