//! Pull delete: delete the local records.

use super::moved_locally;
use crate::pipeline::links;
use crate::pipeline::operations::{PullDelete, Work};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::ports::{Change, Changed, Store};
use crate::report::ObjectReport;
use sync_core::operation::Operation;

/// Local deletes that make one transaction.
const DELETES: usize = 500;

/// Pull delete: delete the local records.
pub(in crate::pipeline) fn deletes(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    deletes: Vec<PullDelete>,
) -> Result<(), Stop> {
    work.step(Operation::PullDelete, deletes.len());
    let mut deleted = Vec::new();
    for batch in deletes.chunks(DELETES) {
        let changes = batch
            .iter()
            .map(|it| Change::Delete { local: it.pair.local, expected: Some(it.revision) })
            .collect();
        let mut failures = Vec::new();
        for (answer, it) in store.commit(work.object(), changes)?.into_iter().zip(batch) {
            let subject = || Subject::pair(it.pair.local, &it.pair.remote.id);
            match answer {
                Changed::Done(_) => {
                    report.count(Operation::PullDelete);
                    deleted.push(it.pair.local);
                }
                Changed::Moved => failures.push((subject(), moved_locally())),
                Changed::Refused { message } => failures.push((subject(), Failure::local_refused(&message))),
            }
        }
        work.observer.event(Event::Progress(batch.len() as u64));
        work.log(store, Operation::PullDelete, failures)?;
    }
    // When all are gone: a record that is still to go must not be edited by us before.
    links::clear(work, store, &deleted)
}
