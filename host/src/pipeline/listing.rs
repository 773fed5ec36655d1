//! Steps 1 and 2: what both sides have, without what is as it was.
//!
//! Either everything is listed and dropped on the way ([`super::change_keys`]), or the remote and the store tell what
//! changed ([`super::feed`]). Both come to the same: what may differ, whole pairs of it, for the compare. Where there is
//! nothing here yet, the compare has nothing to find, and the records themselves are read instead of a listing.

use super::change_keys::everything;
use super::count;
use super::feed::{self, Progress};
use super::operations::Work;
use super::recovery::{self, Recovered, Unsettled};
use super::{Event, Stop, full_compare};
use crate::ports::{Baseline, Change, LocalStatus, Store, View};
use crate::report::{Counts, ObjectReport};
use std::collections::{BTreeSet, HashSet};
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken};
use sync_core::count::Counted;

/// What both sides listed, without the pairs of which neither side changed.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) baseline: Vec<Pair>,
    pub(super) local: Vec<LocalKey>,
    pub(super) remote: Vec<RemoteKey>,
    pub(super) sizes: Sizes,
    /// How many remote records there are that were not listed, because nothing is here to compare them with.
    pub(super) unlisted: Option<u64>,
    /// New local records that an earlier run sent, and of which nobody knows yet.
    pub(super) unsettled: Vec<Unsettled>,
    pub(super) progress: Progress,
}

/// How much there is altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sizes {
    /// Pairs.
    pub(super) linked: u64,
    /// Local records.
    pub(super) local: u64,
    /// Remote records.
    pub(super) remote: u64,
}

/// What was found to have changed, each side by itself.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Pairs whose remote record is not the same, or may not be.
    pub(super) pairs: Vec<Pair>,
    /// What the remote lists of these, and what is not linked; sorted by id.
    pub(super) keys: Vec<RemoteKey>,
    /// Local records that are not the same, or may not be.
    pub(super) touched: Vec<LocalStatus>,
    pub(super) sizes: Sizes,
}

/// Steps 1 and 2, after what an earlier run left open.
pub(super) async fn list(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
) -> Result<Listed, Stop> {
    let (object, participant) = (work.object(), work.participant());
    let state = &participant.state;
    let view = View { object, filter: participant.filter.as_deref() };
    report.filter_changed = state.mapping_version.is_some() && state.filter != participant.filter;
    report.remote_changed = full_compare::elsewhere(work);
    work.observer.event(Event::Step { object: object.name.as_str(), step: "count", total: None });
    let touched = feed::touched(work, store)?;
    let mut asked = feed::ask(work, touched.is_some());
    let statuses = |store: &dyn Store, touched: Option<Vec<LocalId>>| {
        touched.map(|ids| store.local_statuses(object, &ids)).transpose()
    };
    let mut touched = statuses(store, touched)?;
    let (dangling, deletes_seen) = full_compare::dangling(work, store)?;
    let feed::Answers { count, mark, changes } = asked.end().await??;
    let mut recovered = Recovered::default();
    if !work.options.dry_run {
        full_compare::note_server(work, store)?;
        recovered = recovery::recover(work, store).await?;
        if recovered.any {
            touched = statuses(store, feed::touched(work, store)?)?;
        }
    }
    let counted = Counted { local: count::local(store, view, touched.as_deref())?, remote: count };
    report.counted = Counts { local: Some(counted.local), remote: counted.remote };
    let unsettled = recovered.unsettled;
    let unlisted = unlisted(work, store, view, counted)?.filter(|_| unsettled.is_empty());
    let (found, since_listed) = match feed::changed(work, store, view, counted, changes, touched).await? {
        Some(found) => (found, state.since_listed.saturating_add(1)),
        None if unlisted.is_some() => (Found::default(), 0),
        None => {
            let (count, found) = everything(work, store, view, counted.remote).await?;
            report.counted = Counts { local: Some(found.sizes.local), remote: count };
            (found, 0)
        }
    };
    let mark = mark.or_else(|| feed::told_mark(work, view));
    let sizes = found.sizes;
    let (baseline, local, remote) = join(work, store, found, &dangling).await?;
    let progress = Progress { mark, since_listed, deletes_seen };
    Ok(Listed { baseline, local, remote, sizes, unlisted, unsettled, progress })
}

/// Pages of details from which on it is worth not to list first.
const MANY: u64 = 4;

/// How many records the remote has, where none is here, and so many there that listing them first would be a waste.
fn unlisted(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    counted: Counted,
) -> Result<Option<u64>, Stop> {
    let name = &view.object.name;
    let many = MANY * work.remote.capabilities().details_batch as u64;
    let is_new = !work.options.dry_run
        && store.linked(name)? == 0
        && store.local_keys(view.object, None)?.is_empty()
        && store.open_twins(name)?.is_empty()
        && work.remote.records(view).is_some();
    Ok(counted.remote.filter(|count| is_new && *count > many))
}

/// Makes whole pairs of what each side found: a side that is the same is entered as it was.
async fn join(
    work: &Work<'_>,
    store: &mut dyn Store,
    found: Found,
    dangling: &HashSet<LocalId>,
) -> Result<(Vec<Pair>, Vec<LocalKey>, Vec<RemoteKey>), Stop> {
    let object = work.object();
    let Found { mut pairs, mut keys, mut touched, .. } = found;
    keys.extend(beyond_filter(work, store, &pairs, &keys).await?);
    let mut seen: HashSet<LocalId> = touched.iter().map(|it| it.local).collect();
    let unseen: BTreeSet<LocalId> = dangling.iter().copied().filter(|id| seen.insert(*id)).collect();
    touched.extend(store.local_statuses(object, &unseen.into_iter().collect::<Vec<_>>())?);
    let mut locals: Vec<LocalKey> = touched.iter().filter_map(LocalStatus::key).collect();
    // What nobody touched is there, as it was.
    let untouched = pairs.iter().filter(|pair| !seen.contains(&pair.local));
    locals.extend(untouched.map(|pair| LocalKey { id: pair.local, revision: pair.revision }));
    locals.sort_by_key(|key| key.id);
    let mut paired: HashSet<LocalId> = pairs.iter().map(|pair| pair.local).collect();
    for pair in touched.into_iter().filter_map(|it| it.pair) {
        if paired.insert(pair.local) {
            keys.push(pair.remote.clone());
            pairs.push(pair);
        }
    }
    full_compare::unsettle(work, dangling, &mut pairs);
    keys.sort_by(|a, b| a.id.cmp(&b.id));
    Ok((pairs, locals, keys))
}

/// The change keys of records that are here only because a link needs them: no listing has them (decision 12). Those
/// that one has all the same are back in the filter.
async fn beyond_filter(
    work: &Work<'_>,
    store: &mut dyn Store,
    pairs: &[Pair],
    listed: &[RemoteKey],
) -> Result<Vec<RemoteKey>, Stop> {
    let beyond: HashSet<RemoteId> = store.beyond_filter(&work.object().name)?.into_iter().collect();
    let is_listed = |id: &RemoteId| listed.binary_search_by(|key| key.id.cmp(id)).is_ok();
    let back: Vec<LocalId> = pairs
        .iter()
        .filter(|pair| beyond.contains(&pair.remote.id) && is_listed(&pair.remote.id))
        .map(|pair| pair.local)
        .collect();
    if !work.options.dry_run && !back.is_empty() {
        let back = store.baselines(work.object(), &back)?.into_iter().map(|base| Change::Link {
            baseline: Baseline { beyond_filter: false, ..base },
            fields: Vec::new(),
        });
        store.commit(work.object(), back.collect())?;
    }
    let missing: BTreeSet<&RemoteId> = pairs
        .iter()
        .map(|pair| &pair.remote.id)
        .filter(|id| beyond.contains(*id) && !is_listed(id))
        .collect();
    let missing: Vec<RemoteId> = missing.into_iter().cloned().collect();
    let mut keys = Vec::with_capacity(missing.len());
    for ids in missing.chunks(work.remote.capabilities().details_batch.max(1)) {
        keys.extend(work.remote.details(work.object(), ids).await?.into_iter().map(|record| record.key));
    }
    Ok(keys)
}

impl Listed {
    /// The part that is about one record, and where that is none, what both sides have of it all the same.
    pub(super) fn of(
        &self,
        work: &Work<'_>,
        store: &dyn Store,
        local: Option<LocalId>,
        remote: Option<&RemoteId>,
    ) -> Result<Option<Listed>, Stop> {
        let object = work.object();
        let is_it = |pair: &&Pair| Some(pair.local) == local || Some(&pair.remote.id) == remote;
        let listed = self.baseline.iter().filter(is_it).max_by_key(|pair| pair.local).cloned();
        let same = match (&listed, local, remote) {
            (Some(_), _, _) => None,
            (None, Some(local), _) => store.local_statuses(object, &[local])?.pop().and_then(|it| it.pair),
            (None, None, Some(remote)) => {
                store.pairs_of_remote(&object.name, std::slice::from_ref(remote))?.pop()
            }
            (None, None, None) => None,
        };
        let key = same.as_ref().map(|pair| pair.remote.clone());
        let pair = listed.or(same);
        let local = pair.as_ref().map(|pair| pair.local).or(local);
        let remote = pair.as_ref().map(|pair| &pair.remote.id).or(remote);
        let key = key.or_else(|| self.remote.iter().find(|key| Some(&key.id) == remote).cloned());
        let local = store.local_statuses(object, local.as_slice())?;
        let local: Vec<LocalKey> = local.iter().filter_map(LocalStatus::key).collect();
        let known = pair.is_some() || !local.is_empty() || key.is_some();
        Ok(known.then(|| Listed {
            baseline: pair.into_iter().collect(),
            local,
            remote: key.into_iter().collect(),
            sizes: self.sizes,
            unlisted: None,
            unsettled: Vec::new(),
            progress: self.progress.clone(),
        }))
    }
}

/// The pair, as one whose remote content has to be looked at.
pub(super) fn unsettled(pair: Pair) -> Pair {
    Pair { remote: RemoteKey { token: RemoteToken::unsettled(), ..pair.remote }, ..pair }
}
