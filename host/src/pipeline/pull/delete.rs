//! Pull delete: delete the local records.

use super::moved_locally;
use crate::pipeline::links;
use crate::pipeline::operations::{Doomed, PullDelete, Work};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::ports::{Change, Changed, Store};
use crate::report::ObjectReport;
use sync_core::change_key::Pair;
use sync_core::operation::Operation;

/// Local deletes that make one transaction.
const DELETES: usize = 500;

/// Pull delete: delete the local records. `doomed` are the records of all objects that this run deletes.
pub(in crate::pipeline) fn deletes(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    deletes: Vec<PullDelete>,
    doomed: &Doomed,
) -> Result<(), Stop> {
    work.step(Operation::PullDelete, deletes.len());
    let mut deleted: Vec<&Pair> = Vec::with_capacity(deletes.len());
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
                    deleted.push(&it.pair);
                }
                Changed::Moved => failures.push((subject(), moved_locally())),
                Changed::Refused { message } => failures.push((subject(), Failure::local_refused(&message))),
            }
        }
        work.observer.event(Event::Progress(batch.len() as u64));
        work.log(store, Operation::PullDelete, failures)?;
    }
    // What only a filter leaves out is still there.
    links::clear(work, store, &deleted, doomed, work.participant().filter.is_some())
}
