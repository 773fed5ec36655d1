//! Links of pulled records that point at records which are not here: those that come later in the run, those that
//! only a filter left out, and those that do not exist (decisions 12 and 16).

use super::insert::insert_page;
use super::{Mapped, map, pages};
use crate::pipeline::judge::unlike;
use crate::pipeline::links::Unlinked;
use crate::pipeline::operations::{Learned, OpenLink, Work};
use crate::pipeline::{Failure, Stop};
use crate::ports::{Baseline, Change, Store, Unmade};
use futures_util::TryStreamExt;
use std::collections::{HashMap, HashSet};
use sync_core::change_key::{LocalId, RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// What is to become of a link whose record is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The record is written later, in this run or in one that its object takes part in: the link is filled in
    /// then (decision 16).
    Later,
    /// It does not exist, or its object takes no part: null, and not pushed back (decision 12).
    Null,
    /// It exists and could not be pulled: this record waits for it (decision 16).
    Failed,
}

/// Looks the missing records up, and pulls those that only the filter left out (decision 12).
pub(super) async fn fates(
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
                let fate = if work.is_elsewhere(target) { Fate::Later } else { Fate::Null };
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
pub(super) fn is_settled(unlinked: &[Unlinked], fates: &HashMap<Unlinked, Fate>) -> bool {
    !unlinked.iter().any(|link| fates.get(link) == Some(&Fate::Later))
}

/// The links that are null for good, as far as is known: their records do not exist.
pub(super) fn unmade<'l>(
    work: &Work<'_>,
    mapped: impl Iterator<Item = &'l Mapped>,
    fates: &HashMap<Unlinked, Fate>,
) -> Vec<Unmade> {
    let takes_part =
        |target: &ObjectName| work.participants.iter().any(|it| it.mapper.object().name == *target);
    let of = |it: &'l Mapped| it.unlinked.iter().map(move |link| (&it.key.id, link));
    let lost = |link: &Unlinked| fates.get(link) == Some(&Fate::Null) && takes_part(&link.target);
    mapped.flat_map(of).filter(|(_, link)| lost(link)).map(|(id, link)| link.unmade(id)).collect()
}

pub(super) fn waits_for_parent(unlinked: &[Unlinked], fates: &HashMap<Unlinked, Fate>) -> Option<Failure> {
    let link = unlinked.iter().find(|link| fates.get(link) == Some(&Fate::Failed))?;
    let message = format!("waits for {} {}, which could not be pulled", link.target, link.id);
    Some(Failure::new("waits-for-parent", message))
}

/// Fills in the links of pulled records that pointed forward, once their object is through.
pub(in crate::pipeline) async fn fill_links(
    work: &Work<'_>,
    store: &mut dyn Store,
    open: Vec<OpenLink>,
) -> Result<(), Stop> {
    let object = work.object();
    let by_id: HashMap<&RemoteId, &OpenLink> = open.iter().map(|link| (&link.remote.id, link)).collect();
    let ids: Vec<RemoteId> = open.iter().map(|link| link.remote.id.clone()).collect();
    let mut pages = pages(&**work.remote, work.object(), &ids);
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
        let mut lost = Vec::new();
        for Mapped { key, row, unlinked } in mapped {
            let Some(base) = by_id.get(&key.id).and_then(|link| baselines.get(&link.local)) else { continue };
            // A link whose record is still not here stays open, and the next run tries again; one to a record
            // that is gone, or of an object without a plugin, is settled by its own look-up then.
            let still_open = still_expected(work, store, &unlinked).await?;
            if !still_open {
                lost.extend(unlinked.iter().map(|link| link.unmade(&key.id)));
            }
            let remote = if still_open { RemoteKey { token: RemoteToken::unsettled(), ..key } } else { key };
            // A local edit made meanwhile stays; where more than links is written, the entry is then still open, and the
            // next run compares both.
            let whole = || {
                let (local, expected) = (base.pair.local, base.pair.revision);
                Change::Update { local, expected, row: row.clone(), remote: remote.clone() }
            };
            changes.push(only_links(object, base, &row, &remote).unwrap_or_else(whole));
        }
        store.note_unmade(&object.name, &lost)?;
        let mut failures = Vec::new();
        work.commit(store, changes, &mut failures)?;
        work.log(store, Operation::PullUpdate, failures)?;
    }
    Ok(())
}

/// Fills links in; `None` where the remote record has changed in other fields, too.
fn only_links(object: &Object, base: &Baseline, row: &Row, remote: &RemoteKey) -> Option<Change> {
    let (mut baseline, mut links) = (base.clone(), Vec::new());
    for index in unlike(object, &base.row, row) {
        let (slot, link) = (baseline.row.get_mut(index)?, row.get(index)?);
        if *slot != Value::Null || !matches!(link, Value::Reference(_)) {
            return None;
        }
        links.push((index, std::mem::replace(slot, link.clone()), link.clone()));
    }
    baseline.pair.remote = remote.clone();
    Some(Change::Relink { baseline, links })
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
pub(in crate::pipeline) async fn still_expected(
    work: &Work<'_>,
    store: &dyn Store,
    links: &[Unlinked],
) -> Result<bool, Stop> {
    for link in links {
        let target = work.participants.iter().map(|it| it.mapper.object()).find(|it| it.name == link.target);
        if work.is_elsewhere(&link.target) {
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
