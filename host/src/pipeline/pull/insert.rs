//! Pull insert: fetch the details of new remote records, map them, insert the local records.

use super::parents::{fates, is_settled, waits_for_parent};
use super::{Mapped, map, pages};
use crate::pipeline::operations::{Learned, OpenLink, Work};
use crate::pipeline::{Event, Stop, Subject};
use crate::ports::{Change, Changed, RemoteRecord, Store, View};
use crate::report::ObjectReport;
use futures_util::TryStreamExt;
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
    let (object, filter) = (work.object(), work.participant().filter.as_deref());
    let details = work.remote.capabilities().details_batch;
    if initial_load
        && ids.len() > details
        && let Some(mut pages) = work.remote.records(View { object, filter })
    {
        ids.sort();
        let mut arrived = vec![false; ids.len()];
        while let Some(mut page) = pages.try_next().await? {
            page.retain(|record| match ids.binary_search(&record.key.id) {
                Ok(index) => !std::mem::replace(&mut arrived[index], true),
                Err(_) => false,
            });
            insert(work, store, report, learned, page).await?;
        }
        let mut arrived = arrived.into_iter();
        ids.retain(|_| !arrived.next().unwrap_or(false));
    }
    let mut pages = pages(work, &ids);
    while let Some(page) = pages.try_next().await? {
        insert(work, store, report, learned, page).await?;
    }
    Ok(())
}

/// Inserts a page, without the records that have a user key of a local record which is still to be sent.
async fn insert(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    mut page: Vec<RemoteRecord>,
) -> Result<(), Stop> {
    let object = work.object();
    page.retain(|record| !object.filled_user_keys(&record.row).any(|key| learned.reserved.contains(&key)));
    let done = insert_page(work, store, learned, page, false).await?;
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
    let (mapped, failed) = map(work, store, page)?;
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
