//! Pull delete: delete the local records.

use super::{moved_locally, pages};
use crate::pipeline::operations::{Doomed, PullDelete, Work};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::pipeline::{full_compare, links};
use crate::ports::{Change, Changed, Store};
use crate::report::ObjectReport;
use futures_util::TryStreamExt;
use std::collections::HashMap;
use sync_core::change_key::{LocalId, Pair, RemoteId};
use sync_core::compare::is_another_record;
use sync_core::operation::Operation;

/// Local deletes that make one transaction.
const DELETES: usize = 500;

/// Pull delete: delete the local records. `doomed` are the records of all objects that this run deletes.
///
/// A record that is not listed is asked for by its id first: rows that move while a server pages through them can hide
/// one, and the count agrees all the same where another came (decision 13).
pub(in crate::pipeline) async fn deletes(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    deletes: Vec<PullDelete>,
    doomed: &Doomed,
) -> Result<(), Stop> {
    work.step(Operation::PullDelete, deletes.len());
    let deletes = without_needed(work, store, gone(work, deletes).await?)?;
    let mut deleted: Vec<&Pair> = Vec::with_capacity(deletes.len());
    for batch in deletes.chunks(DELETES) {
        let changes = batch
            .iter()
            .map(|it| Change::Delete { local: it.pair.local, expected: Some(it.revision) })
            .collect();
        let mut failures = Vec::new();
        for (answer, it) in store.commit(work.object(), changes)?.into_iter().zip(batch) {
            let subject = || Subject::pair(it.pair.local, &it.pair.remote.id);
            match answer {
                Changed::Done(_) => {
                    report.count(Operation::PullDelete);
                    deleted.push(&it.pair);
                }
                Changed::Moved => failures.push((subject(), moved_locally())),
                Changed::Refused { message } => failures.push((subject(), Failure::local_refused(&message))),
            }
        }
        work.observer.event(Event::Progress(batch.len() as u64));
        work.log(store, Operation::PullDelete, failures)?;
    }
    // What only a filter leaves out is still there.
    links::clear(work, store, &deleted, doomed, work.participant().filter.is_some())
}

/// Takes out the records that left the filter and that another links to by now: they stay beyond it (decision 12).
fn without_needed(
    work: &Work<'_>,
    store: &mut dyn Store,
    deletes: Vec<PullDelete>,
) -> Result<Vec<PullDelete>, Stop> {
    let departed: Vec<LocalId> = deletes.iter().filter(|it| it.departed).map(|it| it.pair.local).collect();
    let needed = links::linked_to(work, store, &departed)?;
    let (stay, go): (Vec<_>, Vec<_>) =
        deletes.into_iter().partition(|it| it.departed && needed.contains(&it.pair.local));
    let stay: Vec<LocalId> = stay.into_iter().map(|it| it.pair.local).collect();
    let stay = store.baselines(work.object(), &stay)?.into_iter().map(links::kept_beyond);
    store.commit(work.object(), stay.collect())?;
    Ok(go)
}

/// The deletes of records that are gone indeed, or that only left the filter. One that is still there is left alone:
/// the next run finds it listed.
async fn gone(work: &Work<'_>, mut deletes: Vec<PullDelete>) -> Result<Vec<PullDelete>, Stop> {
    // On another server an id proves nothing, and a person has confirmed each delete.
    if full_compare::elsewhere(work) {
        return Ok(deletes);
    }
    let asked: Vec<RemoteId> =
        deletes.iter().filter(|it| !it.departed).map(|it| it.pair.remote.id.clone()).collect();
    let mut there = HashMap::new();
    let mut pages = pages(&**work.remote, work.object(), &asked);
    while let Some(page) = pages.try_next().await? {
        there.extend(page.into_iter().map(|record| (record.key.id.clone(), record.key)));
    }
    deletes.retain(|it| {
        let found = there.get(&it.pair.remote.id).filter(|_| !it.departed);
        let is_there = found.is_some_and(|found| !is_another_record(&it.pair.remote, found));
        if is_there {
            tracing::warn!("{} {} was not listed, and is still there", work.object().name, it.pair.remote.id);
        }
        !is_there
    });
    Ok(deletes)
}
