//! Pull insert: fetch the details of new remote records, map them, insert the local records.

use super::parents::{fates, is_settled, waits_for_parent};
use super::{Mapped, map, pages};
use crate::pipeline::operations::{Learned, OpenLink, Work};
use crate::pipeline::{Event, Stop, Subject};
use crate::ports::{Change, Changed, RemoteRecord, Store};
use crate::report::ObjectReport;
use futures_util::TryStreamExt;
use std::collections::HashSet;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::operation::Operation;

/// Pull insert: fetch the details, map them, insert the local records.
pub(in crate::pipeline) async fn inserts(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    ids: Vec<RemoteId>,
) -> Result<(), Stop> {
    let ids: Vec<RemoteId> = ids.into_iter().filter(|id| !learned.twins.contains(id)).collect();
    work.step(Operation::PullInsert, ids.len());
    let mut pages = pages(work, &ids);
    while let Some(mut page) = pages.try_next().await? {
        let object = work.object();
        page.retain(|record| {
            !object.filled_user_keys(&record.row).any(|key| learned.reserved.contains(&key))
        });
        let done = insert_page(work, store, learned, page, false).await?;
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
