//! The three operations that originate on the remote.
//!
//! Details arrive in pages, several in flight; each page is mapped as one batch and committed as one
//! transaction with its baseline entries.

use super::compare::unlike;
use super::links::{self, Unlinked};
use super::operations::{Learned, OpenLink, PullDelete, PullUpdate, Work};
use super::{Event, Failed, Failure, Stop, Subject};
use crate::ports::{Baseline, Change, Changed, RemoteError, RemoteRecord, Store};
use crate::report::ObjectReport;
use futures_util::{Stream, StreamExt, TryStreamExt};
use std::collections::{HashMap, HashSet};
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName};
use sync_core::operation::Operation;
use sync_core::value::Row;

/// Local deletes that make one transaction.
const DELETES: usize = 500;

/// Pages of details, several in flight, in order.
fn pages<'a>(
    work: &Work<'a>,
    ids: &'a [RemoteId],
) -> impl Stream<Item = Result<Vec<RemoteRecord>, RemoteError>> + use<'a> {
    let (remote, object) = (work.remote, work.object());
    let capabilities = remote.capabilities();
    futures_util::stream::iter(ids.chunks(capabilities.details_batch.max(1)))
        .map(move |ids| remote.details(object, ids))
        .buffered(capabilities.in_flight.max(1))
}

/// A remote record in local shape.
struct Mapped {
    key: RemoteKey,
    row: Row,
    unlinked: Vec<Unlinked>,
}

/// Maps a page as one batch; a record's failure is its own (decision 21).
fn map(
    work: &Work<'_>,
    store: &dyn Store,
    page: Vec<RemoteRecord>,
) -> Result<(Vec<Mapped>, Failed<RemoteKey>), Stop> {
    let (keys, rows): (Vec<_>, Vec<_>) = page.into_iter().map(|record| (record.key, record.row)).unzip();
    let (mut mapped, mut failed) = (Vec::with_capacity(keys.len()), Vec::new());
    for (key, row) in keys.into_iter().zip(work.participant().mapper.to_local(rows)) {
        match row {
            Ok(mut row) => {
                let unlinked = links::to_local(store, work.object(), &mut row)?;
                mapped.push(Mapped { key, row, unlinked });
            }
            Err(error) => failed.push((key, error.into())),
        }
    }
    Ok((mapped, failed))
}

/// Pull insert: fetch the details, map them, insert the local records.
pub(super) async fn inserts(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    ids: Vec<RemoteId>,
) -> Result<(), Stop> {
    let ids: Vec<RemoteId> = ids.into_iter().filter(|id| !learned.twins.contains(id)).collect();
    work.step(Operation::PullInsert, ids.len());
    let mut pages = pages(work, &ids);
    while let Some(page) = pages.try_next().await? {
        let done = insert_page(work, store, learned, page, false).await?;
        (0..done).for_each(|_| report.count(Operation::PullInsert));
    }
    Ok(())
}

/// Inserts a page; answers how many records it inserted.
async fn insert_page(
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
    let mut changes = Vec::with_capacity(mapped.len());
    let mut open = Vec::new();
    for Mapped { key, row, unlinked } in mapped {
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
    let done = changes.len();
    let answers = store.commit(work.object(), changes)?;
    for (index, remote) in open {
        if let Some(Changed::Done(key)) = answers.get(index) {
            learned.open_links.push(OpenLink { local: key.id, remote });
        }
    }
    work.log(store, Operation::PullInsert, failures)?;
    Ok(done)
}

/// What is to become of a link whose record is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The record is written later, in this run or in one that its object takes part in: the link is filled in
    /// then (decision 16).
    Later,
    /// It does not exist, or its object takes no part: null, and not pushed back (decision 12).
    Null,
    /// It exists and could not be pulled: this record waits for it (decision 16).
    Failed,
}

/// Looks the missing records up, and pulls those that only the filter left out (decision 12).
async fn fates(
    work: &Work<'_>,
    store: &mut dyn Store,
    unlinked: impl Iterator<Item = &Unlinked>,
) -> Result<HashMap<Unlinked, Fate>, Stop> {
    let mut fates = HashMap::new();
    let mut missing: HashMap<&ObjectName, HashSet<&RemoteId>> = HashMap::new();
    for link in unlinked {
        missing.entry(&link.target).or_default().insert(&link.id);
    }
    for (target, ids) in missing {
        let position = work.participants.iter().position(|it| it.mapper.object().name == *target);
        let link = |id: &RemoteId| Unlinked { target: target.clone(), id: id.clone() };
        match position {
            None => {
                let fate = if work.others.contains(target) { Fate::Later } else { Fate::Null };
                fates.extend(ids.into_iter().map(|id| (link(id), fate)));
            }
            Some(position) if position >= work.index => {
                fates.extend(ids.into_iter().map(|id| (link(id), Fate::Later)));
            }
            Some(position) => {
                let mut ids: Vec<RemoteId> = ids.into_iter().cloned().collect();
                ids.sort();
                let pulled = pull_parents(work, store, position, ids).await?;
                fates.extend(pulled.into_iter().map(|(id, fate)| (link(&id), fate)));
            }
        }
    }
    Ok(fates)
}

/// Parents that are not linked though their object came before: those that a filter left out are pulled now.
async fn pull_parents(
    work: &Work<'_>,
    store: &mut dyn Store,
    position: usize,
    ids: Vec<RemoteId>,
) -> Result<Vec<(RemoteId, Fate)>, Stop> {
    let parents = Work { index: position, ..*work };
    let filtered = parents.participant().filter.is_some();
    let twins: HashSet<RemoteId> = store.open_twins(&parents.object().name)?.into_iter().collect();
    let mut fates: HashMap<RemoteId, Fate> = ids.iter().map(|id| (id.clone(), Fate::Null)).collect();
    for ids in ids.chunks(work.remote.capabilities().details_batch.max(1)) {
        let found = work.remote.details(parents.object(), ids).await?;
        for record in &found {
            fates.insert(record.key.id.clone(), Fate::Failed);
        }
        if filtered {
            let found: Vec<_> = found.into_iter().filter(|it| !twins.contains(&it.key.id)).collect();
            let mut learned = Learned::default();
            Box::pin(insert_page(&parents, store, &mut learned, found, true)).await?;
            Box::pin(fill_links(&parents, store, learned.open_links)).await?;
        }
    }
    // What was pulled just now is linked by the next look: these records wait one page at most.
    let mut answers = Vec::with_capacity(fates.len());
    for (id, fate) in fates {
        let linked = store.linked_local(&parents.object().name, &id)?.is_some();
        answers.push((id, if linked { Fate::Later } else { fate }));
    }
    Ok(answers)
}

/// Whether no link is still to be filled in.
fn is_settled(unlinked: &[Unlinked], fates: &HashMap<Unlinked, Fate>) -> bool {
    !unlinked.iter().any(|link| fates.get(link) == Some(&Fate::Later))
}

fn waits_for_parent(unlinked: &[Unlinked], fates: &HashMap<Unlinked, Fate>) -> Option<Failure> {
    let link = unlinked.iter().find(|link| fates.get(link) == Some(&Fate::Failed))?;
    let message = format!("waits for {} {}, which could not be pulled", link.target, link.id);
    Some(Failure::new("waits-for-parent", message))
}

/// Fills in the links of pulled records that pointed forward, once their object is through.
pub(super) async fn fill_links(
    work: &Work<'_>,
    store: &mut dyn Store,
    open: Vec<OpenLink>,
) -> Result<(), Stop> {
    let object = work.object();
    let by_id: HashMap<&RemoteId, &OpenLink> = open.iter().map(|link| (&link.remote.id, link)).collect();
    let ids: Vec<RemoteId> = open.iter().map(|link| link.remote.id.clone()).collect();
    let mut pages = pages(work, &ids);
    while let Some(page) = pages.try_next().await? {
        let (mut mapped, _) = map(work, store, page.clone())?;
        if pull_left_out(work, store, mapped.iter().flat_map(|it| &it.unlinked)).await? {
            mapped = map(work, store, page)?.0;
        }
        let locals: Vec<LocalId> =
            mapped.iter().filter_map(|it| by_id.get(&it.key.id)).map(|link| link.local).collect();
        let baselines: HashMap<LocalId, Baseline> =
            store.baselines(object, &locals)?.into_iter().map(|base| (base.pair.local, base)).collect();
        let mut changes = Vec::with_capacity(mapped.len());
        for Mapped { key, row, unlinked } in mapped {
            let Some(base) = by_id.get(&key.id).and_then(|link| baselines.get(&link.local)) else { continue };
            // A link whose record is still not here stays open, and the next run tries again; one to a record
            // that is gone, or of an object without a plugin, is settled by its own look-up then.
            let still_open = still_expected(work, store, &unlinked).await?;
            let remote = if still_open { RemoteKey { token: RemoteToken::unsettled(), ..key } } else { key };
            // A local edit made meanwhile stays: the entry is then still open, and the next run compares both.
            let (local, expected) = (base.pair.local, base.pair.revision);
            changes.push(Change::Update { local, expected, row, remote });
        }
        store.commit(object, changes)?;
    }
    Ok(())
}

/// Pulls the records of the object's own kind, or of a later one, that links point at and only a filter left
/// out; answers whether there were any.
async fn pull_left_out(
    work: &Work<'_>,
    store: &mut dyn Store,
    links: impl Iterator<Item = &Unlinked>,
) -> Result<bool, Stop> {
    let mut pulled = false;
    for link in links {
        let position = work.participants.iter().position(|it| it.mapper.object().name == link.target);
        let Some(position) = position.filter(|&at| work.participants[at].filter.is_some()) else { continue };
        if store.linked_local(&link.target, &link.id)?.is_none() {
            pull_parents(work, store, position, vec![link.id.clone()]).await?;
        }
        pulled = true;
    }
    Ok(pulled)
}

/// Whether any of the records that links point at exists on the remote.
pub(super) async fn still_expected(
    work: &Work<'_>,
    store: &dyn Store,
    links: &[Unlinked],
) -> Result<bool, Stop> {
    for link in links {
        let target = work.participants.iter().map(|it| it.mapper.object()).find(|it| it.name == link.target);
        if work.others.contains(&link.target) {
            return Ok(true);
        }
        let Some(target) = target else { continue };
        let linked = store.linked_local(&link.target, &link.id)?.is_some();
        if linked || !work.remote.details(target, std::slice::from_ref(&link.id)).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Pull update: fetch the details, map them, overwrite all mapped fields (decision 1). Content that is the
/// baseline's only refreshes the token (decision 2).
pub(super) async fn updates(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    updates: Vec<PullUpdate>,
) -> Result<(), Stop> {
    work.step(Operation::PullUpdate, updates.len());
    let object = work.object();
    let ids: Vec<RemoteId> = updates.iter().map(|it| it.pair.remote.id.clone()).collect();
    let by_id: HashMap<&RemoteId, &PullUpdate> = updates.iter().map(|it| (&it.pair.remote.id, it)).collect();
    let mut pages = pages(work, &ids);
    while let Some(page) = pages.try_next().await? {
        work.observer.event(Event::Progress(page.len() as u64));
        let (mapped, failed) = map(work, store, page)?;
        let pair_of = |id: &RemoteId| by_id.get(id).map(|it| it.pair.local);
        let mut failures: Vec<_> = failed
            .into_iter()
            .map(|(key, failure)| (Subject { local: pair_of(&key.id), remote: Some(key.id) }, failure))
            .collect();
        let fates = fates(work, store, mapped.iter().flat_map(|it| &it.unlinked)).await?;
        let locals: Vec<LocalId> = mapped.iter().filter_map(|it| pair_of(&it.key.id)).collect();
        let baselines: HashMap<LocalId, Baseline> =
            store.baselines(object, &locals)?.into_iter().map(|base| (base.pair.local, base)).collect();
        let (mut changes, mut written) = (Vec::new(), Vec::new());
        for Mapped { key, row, unlinked } in mapped {
            let Some(update) = by_id.get(&key.id) else { continue };
            let local = update.pair.local;
            if let Some(waits) = waits_for_parent(&unlinked, &fates) {
                failures.push((Subject::pair(local, &key.id), waits));
                continue;
            }
            let settled = is_settled(&unlinked, &fates);
            if !settled {
                learned.open_links.push(OpenLink { local, remote: key.clone() });
            }
            let remote = if settled { key } else { RemoteKey { token: RemoteToken::unsettled(), ..key } };
            let known = baselines.get(&local).filter(|_| !update.over_local_change);
            match known {
                Some(base) if unlike(object, &base.row, &row).is_empty() => {
                    let pair = Pair { local, remote, revision: update.revision };
                    let baseline =
                        Baseline { pair, row: base.row.clone(), beyond_filter: base.beyond_filter };
                    changes.push(Change::Link { baseline, fields: Vec::new() });
                    written.push(None);
                }
                Some(_) | None => {
                    written.push(Some((local, remote.id.clone())));
                    changes.push(Change::Update { local, expected: update.revision, row, remote });
                }
            }
        }
        for (answer, written) in store.commit(object, changes)?.into_iter().zip(written) {
            match (answer, written) {
                (Changed::Done(_), Some(_)) => report.count(Operation::PullUpdate),
                (Changed::Moved, Some((local, remote))) => {
                    failures.push((Subject::pair(local, &remote), moved_locally()));
                }
                (Changed::Done(_) | Changed::Moved, None) => {}
            }
        }
        learned.unread |= !failures.is_empty();
        work.log(store, Operation::PullUpdate, failures)?;
    }
    Ok(())
}

fn moved_locally() -> Failure {
    Failure::new("moved", "the local record was edited during the run; the next run compares it again")
}

/// Pull delete: delete the local records.
pub(super) fn deletes(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    deletes: Vec<PullDelete>,
) -> Result<(), Stop> {
    work.step(Operation::PullDelete, deletes.len());
    for batch in deletes.chunks(DELETES) {
        let changes = batch
            .iter()
            .map(|it| Change::Delete { local: it.pair.local, expected: Some(it.revision) })
            .collect();
        let mut failures = Vec::new();
        for (answer, it) in store.commit(work.object(), changes)?.into_iter().zip(batch) {
            match answer {
                Changed::Done(_) => report.count(Operation::PullDelete),
                Changed::Moved => {
                    failures.push((Subject::pair(it.pair.local, &it.pair.remote.id), moved_locally()));
                }
            }
        }
        work.observer.event(Event::Progress(batch.len() as u64));
        work.log(store, Operation::PullDelete, failures)?;
    }
    Ok(())
}

/// The fields that pulled updates would change, for a plan: those without any are dropped.
pub(super) async fn foresee_updates(
    work: &Work<'_>,
    store: &dyn Store,
    updates: Vec<PullUpdate>,
) -> Result<Vec<(PullUpdate, Vec<String>)>, Stop> {
    let object: &Object = work.object();
    let ids: Vec<RemoteId> = updates.iter().map(|it| it.pair.remote.id.clone()).collect();
    let mut rows = HashMap::new();
    let mut pages = pages(work, &ids);
    while let Some(page) = pages.try_next().await? {
        let (mapped, _) = map(work, store, page)?;
        rows.extend(mapped.into_iter().map(|it| (it.key.id, it.row)));
    }
    let mut foreseen = Vec::new();
    for update in updates {
        let base = store.baselines(object, &[update.pair.local])?.pop();
        let fields = match (&base, rows.get(&update.pair.remote.id)) {
            (Some(base), Some(row)) => unlike(object, &base.row, row),
            (None, _) | (_, None) => Vec::new(),
        };
        let unreadable = !rows.contains_key(&update.pair.remote.id);
        if !fields.is_empty() || update.over_local_change || unreadable {
            let names = fields.into_iter().filter_map(|index| Some(object.local.get(index)?.name.clone()));
            foreseen.push((update, names.collect()));
        }
    }
    Ok(foreseen)
}
