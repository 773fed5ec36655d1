//! Pull insert: fetch the details of new remote records, map them, insert the local records.

use super::ahead::{Ahead, Batch, Read, Wanted};
use super::parents::{fates, is_settled, unmade, waits_for_parent};
use super::{Mapped, link, map};
use crate::pipeline::change_keys::everything;
use crate::pipeline::operations::{Learned, OpenLink, Reading, Work};
use crate::pipeline::{Event, Failed, Stop, Subject};
use crate::ports::{Change, Changed, RemoteRecord, Store, View};
use crate::report::ObjectReport;
use std::collections::HashSet;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::count::is_far_beyond;
use sync_core::operation::Operation;

/// Pull insert: fetch the details, map them, insert the local records.
pub(in crate::pipeline) async fn inserts(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    mut ids: Vec<RemoteId>,
    reading: Reading,
) -> Result<(), Stop> {
    if let Reading::Unlisted(count) = reading {
        work.observer.event(Event::Step {
            object: work.object().name.as_str(),
            step: Operation::PullInsert.name(),
            total: Some(count),
        });
        if all(work, store, report, learned, count).await? == count {
            return Ok(());
        }
        // Records came and went meanwhile: a listing shows which are missing (decision 13).
        let view = View { object: work.object(), filter: work.participant().filter.as_deref() };
        let (count, found) = everything(work, store, view, work.remote.count(view).await?).await?;
        report.counted.remote = count;
        let linked: HashSet<RemoteId> = found.pairs.into_iter().map(|pair| pair.remote.id).collect();
        ids = found.keys.into_iter().map(|key| key.id).filter(|id| !linked.contains(id)).collect();
    }
    ids.retain(|id| !learned.twins.contains(id));
    work.step(Operation::PullInsert, ids.len());
    let with_the_rest =
        reading == Reading::WithTheRest && ids.len() > work.remote.capabilities().details_batch;
    // A record that has a user key of a local record which is still to be sent may be the same.
    let reserved = learned.reserved.clone();
    let mut batches = Ahead::start(work, Wanted::Each { ids, reserved, with_the_rest });
    while let Some(batch) = batches.next().await? {
        insert_batch(work, store, report, learned, batch.records).await?;
    }
    Ok(())
}

/// Inserts all that the remote has, as long as that is about what it counts; answers how many records arrived.
async fn all(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    count: u64,
) -> Result<u64, Stop> {
    let (mut arrived, mut largest) = (0, 0);
    let mut batches = Ahead::start(work, Wanted::All);
    while let Some(Batch { mut records, in_order }) = batches.next().await? {
        if !in_order {
            let ids: Vec<RemoteId> = records.iter().map(|(key, _)| key.id.clone()).collect();
            let linked = store.pairs_of_remote(&work.object().name, &ids)?;
            let mut known: HashSet<RemoteId> = linked.into_iter().map(|pair| pair.remote.id).collect();
            records.retain(|(key, _)| known.insert(key.id.clone()));
        }
        let length = records.len() as u64;
        (arrived, largest) = (arrived + length, length.max(largest));
        insert_batch(work, store, report, learned, records).await?;
        if is_far_beyond(Some(count), arrived, largest) {
            break;
        }
    }
    Ok(arrived)
}

async fn insert_batch(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    records: Vec<Read>,
) -> Result<(), Stop> {
    work.observer.event(Event::Progress(records.len() as u64));
    let linked = link(work, store, records)?;
    let done = insert_mapped(work, store, learned, linked, false).await?;
    (0..done).for_each(|_| report.count(Operation::PullInsert));
    Ok(())
}

/// Inserts a page; answers how many records it inserted.
pub(super) async fn insert_page(
    work: &Work<'_>,
    store: &mut dyn Store,
    learned: &mut Learned,
    page: Vec<RemoteRecord>,
    beyond_filter: bool,
) -> Result<usize, Stop> {
    work.observer.event(Event::Progress(page.len() as u64));
    let mapped = map(work, store, page)?;
    insert_mapped(work, store, learned, mapped, beyond_filter).await
}

async fn insert_mapped(
    work: &Work<'_>,
    store: &mut dyn Store,
    learned: &mut Learned,
    (mapped, failed): (Vec<Mapped>, Failed<RemoteKey>),
    beyond_filter: bool,
) -> Result<usize, Stop> {
    learned.unread |= !failed.is_empty();
    let mut failures: Vec<_> =
        failed.into_iter().map(|(key, failure)| (Subject::remote(&key.id), failure)).collect();
    let fates = fates(work, store, mapped.iter().flat_map(|it| &it.unlinked)).await?;
    store.note_unmade(&work.object().name, &unmade(work, mapped.iter(), &fates))?;
    // Pulled for the sake of a link just now: two objects may point at each other beyond their filters.
    let pulled: HashSet<RemoteId> = match beyond_filter || work.participant().filter.is_some() {
        true => store.beyond_filter(&work.object().name)?.into_iter().collect(),
        false => HashSet::new(),
    };
    let mut changes = Vec::with_capacity(mapped.len());
    let mut open = Vec::new();
    for Mapped { key, row, unlinked } in mapped.into_iter().filter(|it| !pulled.contains(&it.key.id)) {
        if let Some(waits) = waits_for_parent(&unlinked, &fates) {
            failures.push((Subject::remote(&key.id), waits));
            continue;
        }
        let remote = if is_settled(&unlinked, &fates) {
            key
        } else {
            open.push((changes.len(), key.clone()));
            RemoteKey { token: RemoteToken::unsettled(), ..key }
        };
        changes.push(Change::Insert { row, remote, beyond_filter });
    }
    let answers = work.commit(store, changes, &mut failures)?;
    let done = answers.iter().filter(|answer| matches!(answer, Changed::Done(_))).count();
    for (index, remote) in open {
        if let Some(Changed::Done(key)) = answers.get(index) {
            learned.open_links.push(OpenLink { local: key.id, remote });
        }
    }
    work.log(store, Operation::PullInsert, failures)?;
    Ok(done)
}
