//! Step 1: count the records of both sides.

use super::Stop;
use crate::ports::{LocalStatus, Remote, RemoteError, Store, View};

/// How many remote records pass the filter, where the remote says it.
pub(super) async fn remote(remote: &dyn Remote, view: View<'_>) -> Result<Option<u64>, RemoteError> {
    if remote.capabilities().counts { remote.count(view).await } else { Ok(None) }
}

/// How many local records there are. Where it is known how the touched ones stand, the pairs tell the rest.
pub(super) fn local(store: &dyn Store, view: View<'_>, touched: Option<&[LocalStatus]>) -> Result<u64, Stop> {
    Ok(match touched {
        Some(touched) => from_pairs(store.linked(&view.object.name)?, touched),
        None => store.count(view.object)?,
    })
}

fn from_pairs(linked: u64, touched: &[LocalStatus]) -> u64 {
    let new = touched.iter().filter(|it| it.revision.is_some() && it.pair.is_none()).count();
    let gone = touched.iter().filter(|it| it.revision.is_none() && it.pair.is_some()).count();
    (linked + new as u64).saturating_sub(gone as u64)
}
