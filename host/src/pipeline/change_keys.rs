//! Step 2: list the change keys of both sides.

use super::{Event, Observer, Stop};
use crate::ports::{Remote, View};
use futures_util::TryStreamExt;
use sync_core::change_key::RemoteKey;
use sync_core::count::is_complete;

/// How often a listing that is not as long as counted is taken again: a live server may have moved under it
/// (decision 13).
const LISTED_AGAIN: u32 = 2;

/// Lists the remote's change keys, completely or not at all (decision 13). Answers the count that the listing
/// agrees with, too.
pub(super) async fn list_remote(
    remote: &dyn Remote,
    view: View<'_>,
    mut counted: Option<u64>,
    observer: &dyn Observer,
) -> Result<(Option<u64>, Vec<RemoteKey>), Stop> {
    let mut attempt = 0;
    loop {
        let listing = list_once(remote, view, counted, observer).await?;
        let problem = match listing.windows(2).find(|pair| pair[0].id == pair[1].id) {
            Some(pair) => format!("it lists the id {} twice", pair[0].id),
            None if is_complete(counted, listing.len() as u64) => return Ok((counted, listing)),
            None => {
                format!("it counts {} records and lists {}", counted.unwrap_or_default(), listing.len())
            }
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
        counted = if remote.capabilities().counts { remote.count(view).await? } else { None };
    }
}

/// One listing, sorted by id.
async fn list_once(
    remote: &dyn Remote,
    view: View<'_>,
    counted: Option<u64>,
    observer: &dyn Observer,
) -> Result<Vec<RemoteKey>, Stop> {
    observer.event(Event::Step { object: view.object.name.as_str(), step: "list", total: counted });
    let mut keys = Vec::with_capacity(usize::try_from(counted.unwrap_or_default().min(1 << 20)).unwrap_or(0));
    let mut pages = remote.change_keys(view);
    while let Some(page) = pages.try_next().await? {
        observer.event(Event::Progress(page.len() as u64));
        keys.extend(page);
    }
    if !keys.is_sorted_by(|a, b| a.id < b.id) {
        keys.sort_by(|a, b| a.id.cmp(&b.id));
    }
    Ok(keys)
}
