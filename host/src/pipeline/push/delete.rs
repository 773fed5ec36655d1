//! Push delete: look whether the local record is still gone, compare the version, then delete the remote record.

use super::{refusal, unanswered};
use crate::pipeline::links;
use crate::pipeline::operations::{Doomed, PushDelete, Work};
use crate::pipeline::{Event, Failed, Failure, Stop, Subject};
use crate::ports::{Change, Intent, RemoteDelete, Store};
use crate::report::ObjectReport;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use sync_core::change_key::LocalId;
use sync_core::object::{Field, Object};
use sync_core::operation::Operation;
use sync_core::order::children_first;
use sync_core::value::{Kind, Value};

/// Deletes that are journalled and entered together: one wait for the disk, and one look for links to what is gone.
const WAVE: usize = 512;

/// Push delete: delete the remote records whose version is the compared one.
pub(in crate::pipeline) async fn deletes(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    deletes: Vec<PushDelete>,
    doomed: &Doomed,
) -> Result<(), Stop> {
    work.step(Operation::PushDelete, deletes.len());
    let object = work.object();
    let none = Arc::new(vec![Value::Absent; object.local.len()]);
    for wave in deletes.chunks(WAVE) {
        let total = wave.len() as u64;
        let (wave, mut failures) = still_gone(store, object, wave)?;
        let intents = wave.iter().map(|it| {
            Change::Intend(Intent {
                operation: Operation::PushDelete,
                local: it.pair.local,
                revision: it.pair.revision,
                remote: Some(it.pair.remote.id.clone()),
                expected: Some(it.expected.clone()),
                row: Arc::clone(&none),
            })
        });
        store.commit(object, intents.collect())?;
        let mut results = Vec::with_capacity(wave.len());
        let mut left = &wave[..];
        while !left.is_empty() {
            let (batch, rest) = left.split_at(left.len().min(work.write_batch()));
            left = rest;
            let deletes: Vec<_> = batch
                .iter()
                .map(|it| RemoteDelete { id: &it.pair.remote.id, expected: &it.expected })
                .collect();
            let answers = work.remote.delete_all(object, &deletes).await;
            let answers = answers.into_iter().chain(std::iter::repeat_with(|| Err(unanswered())));
            results.extend(batch.iter().zip(answers));
        }
        let (mut changes, mut stop) = (Vec::new(), None);
        let mut deleted = Vec::new();
        for (it, result) in results {
            let local = it.pair.local;
            match result {
                Ok(()) => {
                    changes.push(Change::Forget { local });
                    deleted.push(&it.pair);
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
        links::clear(work, store, &deleted, doomed, false)?;
        work.observer.event(Event::Progress(total));
        work.log(store, Operation::PushDelete, failures)?;
        if let Some(stop) = stop {
            return Err(stop);
        }
    }
    Ok(())
}

/// Takes out the deletes of records that one of another object links to which was deleted here, too, and is still on the
/// remote: because its own delete is held, was refused, is in conflict, or its object failed (decision 16). Those of
/// objects that come before this one are links that point forward, on a circle: their deletes come after these.
pub(in crate::pipeline) fn without_awaited(
    work: &Work<'_>,
    store: &mut dyn Store,
    deletes: Vec<PushDelete>,
) -> Result<Vec<PushDelete>, Stop> {
    let parents: HashSet<LocalId> = deletes.iter().map(|it| it.pair.local).collect();
    let mut awaited = HashMap::new();
    for child in work.objects().skip(work.index + 1).filter(|_| !parents.is_empty()) {
        for parent in linked_to_by_gone(work.object(), child, store)? {
            if parents.contains(&parent) {
                awaited.insert(parent, &child.name);
            }
        }
    }
    let (waiting, free): (Vec<_>, Vec<_>) =
        deletes.into_iter().partition(|it| awaited.contains_key(&it.pair.local));
    let failures = waiting.iter().filter_map(|it| {
        let child = awaited.get(&it.pair.local)?;
        let message = format!(
            "waits for the deletes of records of {child} that link to it, which are still on the remote: nothing was deleted"
        );
        Some((Subject::pair(it.pair.local, &it.pair.remote.id), Failure::new("waits-for-children", message)))
    });
    work.log(store, Operation::PushDelete, failures.collect())?;
    Ok(free)
}

/// The records of the object that those of another link to, by what was agreed on, which are gone here and linked still.
fn linked_to_by_gone(object: &Object, child: &Object, store: &dyn Store) -> Result<Vec<LocalId>, Stop> {
    let mut found = Vec::new();
    if !child.parents().any(|parent| *parent == *object.name.as_str()) {
        return Ok(found);
    }
    // A store that cannot tell what was touched cannot tell this either.
    for ids in store.touched(child)?.unwrap_or_default().chunks(WAVE) {
        let gone = store.local_statuses(child, ids)?.into_iter().filter(|it| it.revision.is_none());
        let gone: Vec<LocalId> = gone.filter(|it| it.pair.is_some()).map(|it| it.local).collect();
        let bases = store.baselines(child, &gone)?.into_iter();
        found.extend(bases.flat_map(|base| links::leading_to(&object.name, child, &base.row)));
    }
    Ok(found)
}

/// The deletes level by level: a record goes after those of its own object that linked to it (decision 16).
pub(in crate::pipeline) fn levels(
    work: &Work<'_>,
    store: &dyn Store,
    deletes: Vec<PushDelete>,
) -> Result<Vec<Vec<PushDelete>>, Stop> {
    let object = work.object();
    let is_own = |field: &Field| matches!(&field.kind, Kind::Reference(to) if *to == *object.name.as_str());
    if deletes.len() < 2 || !object.local.iter().any(is_own) {
        return Ok(vec![deletes]);
    }
    let mut linked = Vec::with_capacity(deletes.len());
    for wave in deletes.chunks(WAVE) {
        let ids: Vec<LocalId> = wave.iter().map(|it| it.pair.local).collect();
        let bases = store.baselines(object, &ids)?.into_iter();
        let mut parents: HashMap<LocalId, Vec<LocalId>> =
            bases.map(|base| (base.pair.local, links::leading_to(&object.name, object, &base.row))).collect();
        linked.extend(ids.into_iter().map(|id| (id, parents.remove(&id).unwrap_or_default())));
    }
    let mut by_id: HashMap<LocalId, PushDelete> = deletes.into_iter().map(|it| (it.pair.local, it)).collect();
    let levels = children_first(&linked).into_iter();
    Ok(levels.map(|level| level.iter().filter_map(|id| by_id.remove(id)).collect()).collect())
}

/// The deletes of records that are still gone; the others are issues (decision 6).
fn still_gone<'d>(
    store: &dyn Store,
    object: &Object,
    wave: &'d [PushDelete],
) -> Result<(Vec<&'d PushDelete>, Failed<Subject>), Stop> {
    let ids: Vec<LocalId> = wave.iter().map(|it| it.pair.local).collect();
    let (mut gone, mut back) = (Vec::with_capacity(wave.len()), Vec::new());
    for (it, status) in wave.iter().zip(store.local_statuses(object, &ids)?) {
        match status.revision {
            None => gone.push(it),
            Some(_) => back.push((
                Subject::pair(it.pair.local, &it.pair.remote.id),
                Failure::new(
                    "moved",
                    "the local record is there again since the compare: nothing was deleted; the next run compares it again",
                ),
            )),
        }
    }
    Ok((gone, back))
}
