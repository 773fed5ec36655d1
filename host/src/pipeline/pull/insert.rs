//! Pull insert: fetch the details of new remote records, map them, insert the local records.

use super::ahead::{Ahead, Wanted};
use super::parents::{fates, is_settled, waits_for_parent};
use super::{Mapped, link, map};
use crate::pipeline::operations::{Learned, OpenLink, Work};
use crate::pipeline::{Event, Failed, Stop, Subject};
use crate::ports::{Change, Changed, RemoteRecord, Store};
use crate::report::ObjectReport;
use std::collections::HashSet;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::operation::Operation;

/// Pull insert: fetch the details, map them, insert the local records. Where they are most of what the remote has,
/// they are read with the rest.
pub(in crate::pipeline) async fn inserts(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    mut ids: Vec<RemoteId>,
    initial_load: bool,
) -> Result<(), Stop> {
    ids.retain(|id| !learned.twins.contains(id));
    work.step(Operation::PullInsert, ids.len());
    // A record that has a user key of a local record which is still to be sent may be the same.
    let reserved = learned.reserved.clone();
    let with_the_rest = initial_load && ids.len() > work.remote.capabilities().details_batch;
    let mut batches = Ahead::start(work, Wanted { ids, reserved, with_the_rest });
    while let Some(batch) = batches.next().await? {
        work.observer.event(Event::Progress(batch.len() as u64));
        let linked = link(work, store, batch)?;
        let done = insert_mapped(work, store, learned, linked, false).await?;
        (0..done).for_each(|_| report.count(Operation::PullInsert));
    }
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
