//! What a run would do, for a plan: counted in the report, and listed operation by operation.

use super::operations::{Journey, Work};
use super::{Event, Stop, pull};
use crate::ports::Store;
use crate::report::PlannedOperation;
use sync_core::change_key::{LocalId, RemoteId};
use sync_core::object::ObjectName;
use sync_core::operation::Operation;

/// What a run would do: counted in the report, and listed operation by operation.
pub(super) async fn foresee(work: &Work<'_>, store: &dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let Journey { report, plan, .. } = journey;
    for settlement in std::mem::take(&mut plan.settlements) {
        if let Some((_, then)) = settlement.steps(work.object()) {
            plan.add(then);
        }
    }
    let object: &ObjectName = &work.object().name;
    // An open issue keeps them from being pulled (decision 4).
    let twins = store.open_twins(object)?;
    plan.pull_inserts.retain(|id| !twins.contains(id));
    let mut add = |operation, local: Option<LocalId>, remote: Option<RemoteId>, fields: Vec<String>| {
        report.count(operation);
        let object = object.clone();
        plan.planned.push(PlannedOperation { object, operation, local_id: local, remote_id: remote, fields });
    };
    for key in &plan.push_inserts {
        add(Operation::PushInsert, Some(key.id), None, Vec::new());
    }
    for id in &plan.pull_inserts {
        add(Operation::PullInsert, None, Some(id.clone()), Vec::new());
    }
    let updates = pull::update::foresee_updates(work, store, std::mem::take(&mut plan.pull_updates)).await?;
    for (update, fields) in updates {
        add(Operation::PullUpdate, Some(update.pair.local), Some(update.pair.remote.id), fields);
    }
    for update in &plan.push_updates {
        let local = update.pair.local;
        let fields = foresee_push(work, store, local)?;
        add(Operation::PushUpdate, Some(local), Some(update.pair.remote.id.clone()), fields);
    }
    for delete in &plan.push_deletes {
        add(Operation::PushDelete, Some(delete.pair.local), Some(delete.pair.remote.id.clone()), Vec::new());
    }
    for delete in &plan.pull_deletes {
        add(Operation::PullDelete, Some(delete.pair.local), Some(delete.pair.remote.id.clone()), Vec::new());
    }
    Ok(())
}

/// What would be pending after it. All conflicts and held deletes are found by comparing. Issues are not: whether one of
/// the log persists shows when it is tried again, so it counts until then.
pub(super) fn foresee_pending(work: &Work<'_>, store: &dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let Journey { report, plan, .. } = journey;
    let (_, logged) = store.pending(&report.object)?;
    report.issues = logged;
    for issue in &plan.issues {
        report.issues += u64::from(!store.is_pending(issue)?);
    }
    report.conflicts = plan.open.len() as u64;
    report.held_deletes = plan.held_deletes;
    report.settle();
    work.observer.event(Event::Finished(report));
    Ok(())
}

/// The local fields that a pushed update changes.
fn foresee_push(work: &Work<'_>, store: &dyn Store, local: LocalId) -> Result<Vec<String>, Stop> {
    let object = work.object();
    let base = store.baselines(object, &[local])?.pop();
    let record = store.local_records(object, &[local])?.pop();
    let (Some(base), Some(Ok(row))) = (base, record.map(|record| record.row)) else { return Ok(Vec::new()) };
    let names = object.differing(&base.row, &row).into_iter();
    Ok(names.filter_map(|index| Some(object.local.get(index)?.name.clone())).collect())
}
