//! Step 2: list the change keys of both sides.

use super::listing::{Found, Sizes, unsettled};
use super::operations::Work;
use super::{Event, Stop, full_compare};
use crate::ports::{LocalStatus, Store, StoreError, View};
use futures_util::TryStreamExt;
use sync_core::change_key::{LocalKey, Pair};
use sync_core::count::{is_complete, is_far_beyond};
use sync_core::sieve::{self, RemoteSieve};

/// How often a listing that is not as long as counted is taken again: a live server may have moved under it
/// (decision 13).
const LISTED_AGAIN: u32 = 2;

/// Lists both sides. Answers the remote's count that the listing agrees with, too.
pub(super) async fn everything(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    counted: Option<u64>,
) -> Result<(Option<u64>, Found), Stop> {
    let (counted, remote) = list_remote(work, store, view, counted).await?;
    let halves = |last: Option<&LocalKey>| store.local_halves(&view.object.name, last.map(|key| key.id));
    let keys = |last: Option<&LocalKey>| store.local_keys(view.object, last.map(|key| key.id));
    let local = sieve::local(slices(halves), slices(keys))?;
    let sizes = Sizes { linked: local.linked, local: local.listed, remote: remote.listed };
    let mut touched = store.local_statuses(view.object, &local.touched)?;
    let new = |LocalKey { id, revision }| LocalStatus { local: id, revision: Some(revision), pair: None };
    touched.extend(local.new.into_iter().map(new));
    Ok((counted, Found { pairs: remote.pairs, keys: remote.keys, touched, sizes }))
}

/// Lists the remote's change keys, completely or not at all (decision 13).
async fn list_remote(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    mut counted: Option<u64>,
) -> Result<(Option<u64>, sieve::Remote), Stop> {
    let mut attempt = 0;
    loop {
        let left = list_once(work, store, view, counted).await?;
        let twice = match left.twice() {
            Some(id) => Some(id.clone()),
            None => {
                store.pairs_of_remote(&view.object.name, &left.doubtful)?.pop().map(|pair| pair.remote.id)
            }
        };
        let problem = match twice {
            Some(id) => format!("it lists the id {id} twice"),
            None if is_complete(counted, left.listed) => return Ok((counted, left)),
            None => format!("it counts {} records and lists {}", counted.unwrap_or_default(), left.listed),
        };
        if attempt == LISTED_AGAIN {
            return Err(Stop::Object(format!(
                "the listing of {} is incomplete: {problem}, {} times over; nothing was changed (if the \
                 server is busy, run again later)",
                view.object.resource.path,
                attempt + 1
            )));
        }
        attempt += 1;
        counted = if work.remote.capabilities().counts { work.remote.count(view).await? } else { None };
    }
}

/// One listing, without what is as it was.
async fn list_once(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    counted: Option<u64>,
) -> Result<sieve::Remote, Stop> {
    let name = &view.object.name;
    work.observer.event(Event::Step { object: name.as_str(), step: "list", total: counted });
    let every = full_compare::is_due(work);
    let pairs =
        slices(|last: Option<&Pair>| store.pairs(name, last.map(|pair| (&pair.remote.id, pair.local))));
    let mut sieve = RemoteSieve::new(pairs.map(|pair| if every { pair.map(unsettled) } else { pair }));
    let mut pages = work.remote.change_keys(view);
    let (mut listed, mut largest) = (0, 0);
    while let Some(page) = pages.try_next().await? {
        let length = page.len() as u64;
        work.observer.event(Event::Progress(length));
        page.into_iter().try_for_each(|key| sieve.add(key))?;
        (listed, largest) = (listed + length, length.max(largest));
        if is_far_beyond(counted, listed, largest) {
            break;
        }
    }
    Ok(sieve.finish()?)
}

/// What a store lists slice by slice, one by one.
fn slices<T: Clone>(
    next: impl Fn(Option<&T>) -> Result<Vec<T>, StoreError>,
) -> impl Iterator<Item = Result<T, StoreError>> {
    let (mut slice, mut last, mut failed) = (Vec::new().into_iter(), None, false);
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        if slice.as_slice().is_empty() {
            match next(last.as_ref()) {
                Ok(found) => (last, slice) = (found.last().cloned(), found.into_iter()),
                Err(error) => {
                    failed = true;
                    return Some(Err(error));
                }
            }
        }
        slice.next().map(Ok)
    })
}
