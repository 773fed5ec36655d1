//! The three operations that originate on the remote.
//!
//! Details arrive in pages, several in flight; each batch is mapped at once and committed as one
//! transaction with its baseline entries.

pub(super) mod ahead;
pub(super) mod delete;
pub(super) mod insert;
pub(super) mod parents;
pub(super) mod update;

use super::links::{self, Unlinked};
use super::operations::Work;
use super::{Failed, Failure, Stop};
use crate::ports::{Remote, RemoteError, RemoteRecord, Store};
use ahead::Read;
use futures_util::{Stream, StreamExt};
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::Object;
use sync_core::value::Row;

/// Pages of details at once: each is held until those before it are through.
const PAGES: usize = 6;

/// Pages of details, several in flight, in order.
fn pages<'a>(
    remote: &'a dyn Remote,
    object: &'a Object,
    ids: &'a [RemoteId],
) -> impl Stream<Item = Result<Vec<RemoteRecord>, RemoteError>> + use<'a> {
    let capabilities = remote.capabilities();
    futures_util::stream::iter(ids.chunks(capabilities.details_batch.max(1)))
        .map(move |ids| remote.details(object, ids))
        .buffered(capabilities.in_flight.clamp(1, PAGES))
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
    let mapped = work.participant().mapper.to_local(&rows.iter().collect::<Vec<_>>());
    link(work, store, keys.into_iter().zip(mapped).collect())
}

/// Translates the links of what was mapped.
fn link(
    work: &Work<'_>,
    store: &dyn Store,
    batch: Vec<Read>,
) -> Result<(Vec<Mapped>, Failed<RemoteKey>), Stop> {
    let (mut mapped, mut failed) = (Vec::with_capacity(batch.len()), Vec::new());
    let _snapshot = store.snapshot()?;
    for (key, row) in batch {
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

fn moved_locally() -> Failure {
    Failure::new("moved", "the local record was edited during the run; the next run compares it again")
}
