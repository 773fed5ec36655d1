//! What an earlier run left behind: remote writes that were entered in the journal, and of which nobody saw the
//! answer (decision 15).

use super::Stop;
use super::links;
use super::operations::Work;
use crate::ports::{Baseline, Change, Intent, RemoteRecord, Store};
use sync_core::change_key::Pair;
use sync_core::operation::Operation;

/// Looks up what became of the journalled writes. A record that is exactly what was to be written is linked as
/// our own; an edit or delete made here since is then found as such. Anything else is left to the compare.
pub(super) async fn recover(work: &Work<'_>, store: &mut dyn Store) -> Result<(), Stop> {
    let object = work.object();
    for intent in store.intents(object)? {
        let found = match intent.operation {
            Operation::PushInsert => inserted(work, store, &intent).await?,
            Operation::PushUpdate => match &intent.remote {
                Some(id) => work.remote.details(object, std::slice::from_ref(id)).await?,
                None => Vec::new(),
            },
            Operation::PushDelete | Operation::PullInsert | Operation::PullUpdate | Operation::PullDelete => {
                Vec::new()
            }
        };
        let mut changes = vec![Change::Settled { local: intent.local }];
        if let [record] = found.as_slice()
            && let Some(baseline) = ours(work, store, &intent, record)?
        {
            changes.push(Change::Link { baseline, fields: Vec::new() });
        }
        store.commit(object, changes)?;
    }
    Ok(())
}

/// Records with the user key of an insert that may have happened.
async fn inserted(work: &Work<'_>, store: &dyn Store, intent: &Intent) -> Result<Vec<RemoteRecord>, Stop> {
    let object = work.object();
    let mut row = intent.row.clone();
    links::agreed_to_remote(store, object, &mut row)?;
    let Some(Ok(remote)) = work.participant().mapper.to_remote(vec![row]).pop() else {
        return Ok(Vec::new());
    };
    match object.filled_user_keys(&remote).next() {
        Some(key) => Ok(work.remote.find(object, &key).await?),
        None => Ok(Vec::new()),
    }
}

/// The baseline entry of our own write, if the record is the result of it.
fn ours(
    work: &Work<'_>,
    store: &dyn Store,
    intent: &Intent,
    record: &RemoteRecord,
) -> Result<Option<Baseline>, Stop> {
    let object = work.object();
    let linked = store.linked_local(&object.name, &record.key.id)?;
    if linked.is_some_and(|local| local != intent.local) {
        return Ok(None);
    }
    let Some(Ok(mut mapped)) = work.participant().mapper.to_local(vec![record.row.clone()]).pop() else {
        return Ok(None);
    };
    // A link left out of the insert is null on both sides of this comparison.
    let mut row = intent.row.clone();
    links::to_local(store, object, &mut mapped)?;
    links::drop_unlinked(store, object, &mut row)?;
    if !object.differing_in_content(&row, &mapped).is_empty() {
        return Ok(None);
    }
    let pair = Pair { local: intent.local, remote: record.key.clone(), revision: intent.revision };
    // Whatever was left out, or computed by the server, is found by the compare: the local half is what we sent.
    let settled = row == intent.row;
    let revision = if settled { intent.revision } else { sync_core::change_key::Revision::UNSETTLED };
    Ok(Some(Baseline { pair: Pair { revision, ..pair }, row, beyond_filter: false }))
}
