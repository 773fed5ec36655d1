//! Step 2 where the remote tells what changed: its changes since the last run instead of all its records.
//!
//! The store tells as much of its own side, so that such a run costs what changed, however much there is. The number of
//! pairs and the changes make the length that a full listing would have, which against the remote's count shows whether
//! something happened that the feed does not tell of: a delete, a record that left the filter. Those are searched for
//! ([`super::missing`]). Where they are many, or the baseline is not to be trusted, everything is listed; so it is every
//! so many runs in any case.

use super::listing::{Found, Sizes};
use super::missing::{self, Expected};
use super::operations::Work;
use super::task::Task;
use super::{Event, Stop, count, full_compare};
use crate::ports::{Feed, LocalStatus, Mark, RemoteError, Store, View};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use sync_core::change_feed::{self, Changes};
use sync_core::change_key::{LocalId, Pair, RemoteId};
use sync_core::count::{Counted, is_complete};

/// How far the remote's changes are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Progress {
    /// From where the next run may go on.
    pub(super) mark: Option<Mark>,
    /// Runs since everything was listed, this one included.
    pub(super) since_listed: u32,
    /// See [`crate::ports::ObjectState::deletes_seen`].
    pub(super) deletes_seen: Option<u64>,
}

/// What the remote is asked first; the store is looked through meanwhile.
pub(super) struct Answers {
    /// How many records it has, where it says it.
    pub(super) count: Option<u64>,
    /// Where its changes stand. Taken before anything is listed: what changes meanwhile is after it.
    pub(super) mark: Option<Mark>,
    /// What changed since the last run; `None` where everything has to be listed.
    pub(super) changes: Option<Feed>,
}

/// Asks the remote; for its changes where the store tells its own.
pub(super) fn ask(work: &Work<'_>, told: bool) -> Task<Result<Answers, RemoteError>> {
    let (remote, participant) = (Arc::clone(work.remote), work.participant());
    let (mapper, filter) = (Arc::clone(&participant.mapper), participant.filter.clone());
    let since = since(work).filter(|_| told).cloned();
    Task::start(async move {
        let view = View { object: mapper.object(), filter: filter.as_deref() };
        let count = count::remote(&*remote, view).await?;
        let mark = if remote.capabilities().change_feed { remote.mark(view).await? } else { None };
        let changes = match since {
            Some(since) if count.is_some() || remote.changes_tell_deletes() => {
                Some(remote.changes(view, &since).await?)
            }
            Some(_) | None => None,
        };
        Ok(Answers { count, mark, changes })
    })
}

/// Where its changes stand, as the listing that was just read tells it, or the changes.
pub(super) fn told_mark(work: &Work<'_>, view: View<'_>) -> Option<Mark> {
    if work.remote.capabilities().change_feed { work.remote.told_mark(view) } else { None }
}

/// The local records that the store saw touched; `None` where everything has to be listed.
pub(super) fn touched(work: &Work<'_>, store: &dyn Store) -> Result<Option<Vec<LocalId>>, Stop> {
    Ok(if since(work).is_some() { store.touched(work.object())? } else { None })
}

/// What changed on both sides, by way of the remote's feed and what the store saw touched; `None` where everything has
/// to be listed.
pub(super) async fn changed(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    counted: Counted,
    changes: Option<Feed>,
    touched: Option<Vec<LocalStatus>>,
) -> Result<Option<Found>, Stop> {
    let (Some(changes), Some(touched)) = (changes, touched) else { return Ok(None) };
    let object = &view.object.name;
    work.observer.event(Event::Step { object: object.as_str(), step: "list", total: None });
    let mut changes = match changes {
        Feed::Changes(changes) => changes,
        Feed::Expired => {
            tracing::warn!(
                "the remote no longer tells what changed in {object} since the last run: everything is listed"
            );
            return Ok(None);
        }
    };
    work.observer.event(Event::Progress(changes.changed.len() as u64));
    look_at_open(work, &mut changes, &touched).await?;
    let mut ids: BTreeSet<RemoteId> = changes.changed.iter().map(|key| key.id.clone()).collect();
    ids.extend(std::mem::take(&mut changes.gone));
    ids.extend(store.beyond_filter(object)?);
    let mut pairs = store.pairs_of_remote(object, &ids.into_iter().collect::<Vec<_>>())?;
    let (linked, keys) = (store.linked(object)?, changes.keys());
    let listed = |pairs: &[Pair]| change_feed::listed(linked, pairs.len() as u64, keys.len() as u64);
    if let Some(remote) = counted.remote {
        let expected = Expected { linked, without: &pairs, with: &keys };
        let missing = missing::search(work, store, view, expected, remote).await?;
        pairs.extend(store.pairs_of_remote(object, &missing)?);
    }
    let listed = listed(&pairs);
    if is_complete(counted.remote, listed) {
        let sizes = Sizes { linked, local: counted.local, remote: listed };
        return Ok(Some(Found { pairs, keys, touched, sizes }));
    }
    tracing::info!(
        "the remote counts {} records of {object} where its changes make {listed}: everything is listed",
        counted.remote.unwrap_or_default(),
    );
    Ok(None)
}

/// Adds the records whose tokens are not settled: they may have changed before the mark, unseen.
async fn look_at_open(work: &Work<'_>, changes: &mut Changes, touched: &[LocalStatus]) -> Result<(), Stop> {
    let open: Vec<RemoteId> = {
        let changed: HashSet<&RemoteId> = changes.changed.iter().map(|key| &key.id).collect();
        let linked = touched.iter().filter_map(|it| it.pair.as_ref()).map(|pair| &pair.remote);
        let open = linked.filter(|key| key.token.updated.is_empty());
        open.map(|key| &key.id).filter(|id| !changed.contains(id)).cloned().collect()
    };
    for ids in open.chunks(work.remote.capabilities().details_batch.max(1)) {
        let found = work.remote.details(work.object(), ids).await?;
        changes.gone.extend(ids.iter().filter(|id| found.iter().all(|it| it.key.id != **id)).cloned());
        changes.changed.extend(found.into_iter().map(|record| record.key));
    }
    Ok(())
}

/// The mark to go on from, where the baseline is what the remote had then.
fn since<'w>(work: &'w Work<'_>) -> Option<&'w Mark> {
    let (participant, remote) = (work.participant(), work.remote.capabilities());
    let state = &participant.state;
    let trusted = remote.change_feed
        && state.filter == participant.filter
        && state.since_listed.saturating_add(1) < work.options.list_every
        && !full_compare::is_due(work);
    state.mark.as_ref().filter(|_| trusted)
}
