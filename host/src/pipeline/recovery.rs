//! What an earlier run left behind: remote writes that were entered in the journal, and of which nobody saw the
//! answer (decision 15).

use super::Stop;
use super::judge::unlike;
use super::links;
use super::operations::Work;
use super::push::no_answer;
use super::push::send::look_up;
use crate::ports::{Baseline, Change, Intent, RemoteRecord, Store};
use sync_core::change_key::{Pair, RemoteToken, Revision};
use sync_core::compare::is_another_record;
use sync_core::operation::Operation;
use sync_core::value::Value;

/// Looks up what became of the journalled writes. A record that is exactly what was to be written is linked as
/// our own; an edit or delete made here since is then found as such. Anything else is left to the compare. Answers whether
/// there were any.
pub(super) async fn recover(work: &Work<'_>, store: &mut dyn Store) -> Result<bool, Stop> {
    let object = work.object();
    let intents = store.intents(object)?;
    let any = !intents.is_empty();
    for intent in intents {
        let found = match intent.operation {
            Operation::PushInsert => inserted(work, store, &intent).await,
            Operation::PushUpdate => match &intent.remote {
                Some(id) => work.remote.details(object, std::slice::from_ref(id)).await.map_err(Stop::from),
                None => Ok(Vec::new()),
            },
            Operation::PushDelete | Operation::PullInsert | Operation::PullUpdate | Operation::PullDelete => {
                Ok(Vec::new())
            }
        };
        // What cannot be looked up keeps its entry, and the others are looked up all the same.
        let found = match found {
            Ok(found) => found,
            Err(Stop::Object(_)) => continue,
            Err(stop) => return Err(stop),
        };
        let mut changes = vec![Change::Settled { local: intent.local }];
        let mut candidates = Vec::new();
        for record in &found {
            candidates.extend(ours(work, store, &intent, record)?);
        }
        // Others may have the same name; two that are equal in everything cannot be told apart.
        if let (Some(baseline), true) = (candidates.pop(), candidates.is_empty()) {
            changes.push(Change::Link { baseline, fields: Vec::new() });
        }
        store.commit(object, changes)?;
    }
    Ok(any)
}

/// Records with the user key of an insert that may have happened.
async fn inserted(work: &Work<'_>, store: &dyn Store, intent: &Intent) -> Result<Vec<RemoteRecord>, Stop> {
    let object = work.object();
    let mut row = (*intent.row).clone();
    links::agreed_to_remote(store, object, &mut row, &Value::Null)?;
    let Some(Ok(remote)) = work.participant().mapper.to_remote(&[&row]).pop() else {
        return Err(Stop::Object(format!("{} {} cannot be mapped", object.name, intent.local)));
    };
    match object.filled_user_keys(&remote).next() {
        Some(key) => {
            Ok(look_up(&**work.remote, object, &[&key]).await.pop().unwrap_or_else(|| Err(no_answer()))?)
        }
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
    let Some(Ok(mut mapped)) = work.participant().mapper.to_local(&[&record.row]).pop() else {
        return Ok(None);
    };
    links::to_local(store, object, &mut mapped)?;
    let before = store.baselines(object, &[intent.local])?.pop();
    if before.as_ref().is_some_and(|before| is_another_record(&before.pair.remote, &record.key)) {
        return Ok(None);
    }
    // A link that was not sent, or whose record is gone since, is no part of it.
    let mut row = (*intent.row).clone();
    links::drop_unlinked(store, object, &mut row, before.as_ref().map(|before| &before.row))?;
    let mut apart = object.differing_in_content(&row, &mapped);
    // An update is there if what it sent is there, whatever else somebody changed since (decision 8).
    if let Some(before) = &before {
        let sent = unlike(object, &before.row, &row);
        apart.retain(|index| sent.contains(index));
    }
    if !apart.is_empty() {
        return Ok(None);
    }
    // The journal has what was sent. What the server computed, or somebody else changed, is pulled by this run: its
    // token is left open.
    let mut remote = record.key.clone();
    if !object.differing(&row, &mapped).is_empty() {
        remote.token = RemoteToken::unsettled();
    }
    let revision = if row == *intent.row { intent.revision } else { Revision::UNSETTLED };
    let pair = Pair { local: intent.local, remote, revision };
    let beyond_filter = before.is_some_and(|before| before.beyond_filter);
    Ok(Some(Baseline { pair, row, beyond_filter }))
}
