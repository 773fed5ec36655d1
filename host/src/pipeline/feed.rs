//! Step 2 where the remote tells what changed: its changes since the last run instead of all its records.
//!
//! The baseline and the changes make the listing that a full one would have been, and its length against the
//! remote's count shows whether something happened that the feed does not tell of: a delete, a record that left the
//! filter. Then, or where the baseline is not to be trusted, everything is listed; so it is every so many runs in
//! any case.

use super::operations::Work;
use super::{Event, Stop, full_compare};
use crate::ports::{Feed, Mark, Store, View};
use std::collections::HashSet;
use sync_core::change_feed::{self, Changes};
use sync_core::change_key::{Pair, RemoteId, RemoteKey};
use sync_core::count::is_complete;

/// How far the remote's changes are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Progress {
    /// From where the next run may go on.
    pub(super) mark: Option<Mark>,
    /// Runs since everything was listed, this one included.
    pub(super) since_listed: u32,
}

/// Where the remote's changes stand now.
pub(super) async fn mark(work: &Work<'_>, view: View<'_>) -> Result<Option<Mark>, Stop> {
    if work.remote.capabilities().change_feed { Ok(work.remote.mark(view).await?) } else { Ok(None) }
}

/// The same, as the listing that was just read tells it, or the changes.
pub(super) fn told_mark(work: &Work<'_>, view: View<'_>) -> Option<Mark> {
    if work.remote.capabilities().change_feed { work.remote.told_mark(view) } else { None }
}

/// The remote's change keys by way of its feed; `None` where everything has to be listed.
pub(super) async fn listing(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    counted: Option<u64>,
    baseline: &[Pair],
) -> Result<Option<Vec<RemoteKey>>, Stop> {
    let Some(since) = since(work) else { return Ok(None) };
    if counted.is_none() && !work.remote.changes_tell_deletes() {
        return Ok(None);
    }
    let object = view.object.name.as_str();
    work.observer.event(Event::Step { object, step: "list", total: None });
    let mut changes = match work.remote.changes(view, since).await? {
        Feed::Changes(changes) => changes,
        Feed::Expired => {
            tracing::warn!(
                "the remote no longer tells what changed in {object} since the last run: everything is listed"
            );
            return Ok(None);
        }
    };
    work.observer.event(Event::Progress(changes.changed.len() as u64));
    look_at_open(work, &mut changes, baseline).await?;
    let beyond = store.beyond_filter(&view.object.name)?;
    let listing = change_feed::listing(baseline, &beyond, changes);
    if is_complete(counted, listing.len() as u64) {
        return Ok(Some(listing));
    }
    tracing::info!(
        "the remote counts {} records of {object} where its changes make {}: everything is listed",
        counted.unwrap_or_default(),
        listing.len()
    );
    Ok(None)
}

/// Adds the records whose tokens are not settled: they may have changed before the mark, unseen.
async fn look_at_open(work: &Work<'_>, changes: &mut Changes, baseline: &[Pair]) -> Result<(), Stop> {
    let open: Vec<RemoteId> = {
        let changed: HashSet<&RemoteId> = changes.changed.iter().map(|key| &key.id).collect();
        let open = baseline.iter().map(|pair| &pair.remote).filter(|key| key.token.updated.is_empty());
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
