//! Step 1: count the records of both sides.

use super::Stop;
use crate::ports::{Remote, Store, View};
use sync_core::count::Counted;

/// Asks both sides for the number of records that pass the filter.
pub(super) async fn count(remote: &dyn Remote, store: &dyn Store, view: View<'_>) -> Result<Counted, Stop> {
    let remote = if remote.capabilities().counts { remote.count(view).await? } else { None };
    Ok(Counted { local: store.count(view.object)?, remote })
}
