//! Step 1: count the records of both sides.

use super::Stop;
use crate::ports::{LocalStatus, Remote, Store, View};
use sync_core::count::Counted;

/// Asks both sides for the number of records that pass the filter. Where it is known how the touched local records stand,
/// the pairs tell the rest.
pub(super) async fn count(
    remote: &dyn Remote,
    store: &dyn Store,
    view: View<'_>,
    touched: Option<&[LocalStatus]>,
) -> Result<Counted, Stop> {
    let remote = if remote.capabilities().counts { remote.count(view).await? } else { None };
    let local = match touched {
        Some(touched) => from_pairs(store.linked(&view.object.name)?, touched),
        None => store.count(view.object)?,
    };
    Ok(Counted { local, remote })
}

fn from_pairs(linked: u64, touched: &[LocalStatus]) -> u64 {
    let new = touched.iter().filter(|it| it.revision.is_some() && it.pair.is_none()).count();
    let gone = touched.iter().filter(|it| it.revision.is_none() && it.pair.is_some()).count();
    (linked + new as u64).saturating_sub(gone as u64)
}
