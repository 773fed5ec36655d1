//! Links that follow a record which is created anew on the side that deleted it (decision 19).
//!
//! Created anew on the remote, it keeps its local id and gets another remote id: the links that point at it are sent
//! again. Created anew locally, it keeps its remote id and gets another local id: the local links are put right,
//! without that counting as a local change. What is entered before the record is created says of each follower that
//! it is not settled, so that a run that dies in between is completed by the next one.

use super::Stop;
use super::conflicts::is_open;
use super::links::{self, Pointer, pointing_at};
use super::operations::{Journey, Learned, Work};
use crate::ports::{Baseline, Change, Store};
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteToken, Revision};
use sync_core::object::Object;
use sync_core::value::Value;

/// A record with a link to one that is created anew.
#[derive(Debug, Clone)]
pub(super) struct Follower {
    /// Position in [`Work::objects`].
    object: usize,
    /// Index of the local field.
    field: usize,
    record: LocalId,
    anew: Anew,
}

/// Where the record is created anew.
#[derive(Debug, Clone)]
enum Anew {
    /// On the remote, where it had this id; its local id stays.
    Remote { local: LocalId, was: RemoteId },
    /// Locally; its remote id stays. The follower's token is put back once its link is right.
    Local { was: LocalId, remote: RemoteId, token: RemoteToken },
}

/// A local record that got another revision by our own doing, while its object's plan knows the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revised {
    /// Position in [`Work::objects`].
    pub(super) object: usize,
    pub(super) record: LocalId,
    pub(super) before: Revision,
    pub(super) after: Revision,
}

/// The record of this pair is about to be created anew on the remote: the links to it count as not sent.
pub(super) fn of_remote(
    work: &Work<'_>,
    store: &mut dyn Store,
    learned: &mut Learned,
    pair: &Pair,
) -> Result<(), Stop> {
    for (pointer, object, mut baseline) in linked(work, store, pair.local)? {
        let sent = object.local.get(pointer.field).is_some_and(|field| !field.traits.is_remote_owned());
        if !sent {
            continue;
        }
        // Agreed on no more, and so neither equal to what is here nor to whatever the remote says of it.
        set(&mut baseline, pointer.field, Value::Absent);
        baseline.pair.revision = Revision::UNSETTLED;
        store.commit(object, vec![Change::Link { baseline, fields: Vec::new() }])?;
        learned
            .followers
            .push(follower(&pointer, Anew::Remote { local: pair.local, was: pair.remote.id.clone() }));
    }
    Ok(())
}

/// The record of this pair is about to be created anew locally: the next run looks at its followers in any case.
pub(super) fn of_local(
    work: &Work<'_>,
    store: &mut dyn Store,
    learned: &mut Learned,
    pair: &Pair,
) -> Result<(), Stop> {
    for (pointer, object, mut baseline) in linked(work, store, pair.local)? {
        let token = std::mem::replace(&mut baseline.pair.remote.token, RemoteToken::unsettled());
        store.commit(object, vec![Change::Link { baseline, fields: Vec::new() }])?;
        let anew = Anew::Local { was: pair.local, remote: pair.remote.id.clone(), token };
        learned.followers.push(follower(&pointer, anew));
    }
    Ok(())
}

/// Puts the local links right, once the records are there.
pub(super) fn relink(work: &Work<'_>, store: &mut dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let Journey { plan, learned, .. } = journey;
    for follower in &learned.followers {
        let Anew::Local { was, remote, token } = &follower.anew else { continue };
        let Some(object) = work.objects().nth(follower.object) else { continue };
        let Some(new) = store.linked_local(&work.object().name, remote)?.filter(|new| new != was) else {
            continue;
        };
        let (Some(before), Some(mut baseline)) = (
            store.local_records(object, &[follower.record])?.pop(),
            store.baselines(object, &[follower.record])?.pop(),
        ) else {
            continue;
        };
        let (old, new) = (Value::Reference(was.to_string()), Value::Reference(new.to_string()));
        if before.row.as_ref().ok().and_then(|row| row.get(follower.field)) != Some(&old) {
            continue;
        }
        if baseline.row.get(follower.field) == Some(&old) {
            set(&mut baseline, follower.field, new.clone());
        }
        if baseline.pair.remote.token == RemoteToken::unsettled() {
            baseline.pair.remote.token = token.clone();
        }
        if let Some(after) = links::write(work, store, object, baseline, (follower.field, old, new))? {
            let before = before.key.revision;
            if follower.object == work.index {
                plan.revised(follower.record, before, after);
            } else {
                let record = follower.record;
                learned.revised.push(Revised { object: follower.object, record, before, after });
            }
        }
    }
    Ok(())
}

/// Prepares the links that are to be sent again, now that everything is written: each of them is an update of its
/// record. One that was pulled meanwhile lost its link where the server's still points at the record that was
/// deleted; a link that somebody took off there stays off.
pub(super) async fn resend(
    work: &Work<'_>,
    store: &mut dyn Store,
    journeys: &mut [Journey],
    followers: Vec<Follower>,
) -> Result<(), Stop> {
    for follower in followers {
        let Anew::Remote { local, was } = &follower.anew else { continue };
        let Some(journey) = journeys.get_mut(follower.object) else { continue };
        let Some(object) = work.objects().nth(follower.object) else { continue };
        let waits = store.linked_remote(&work.object().name, *local)?.is_none();
        // One that the remote deleted with what it followed goes here, too.
        let goes = journey.plan.pull_deletes.iter().any(|it| it.pair.local == follower.record);
        if waits || goes || journey.stopped || is_open(&journey.plan, follower.record) {
            continue;
        }
        let (Some(record), Some(mut baseline)) = (
            store.local_records(object, &[follower.record])?.pop(),
            store.baselines(object, &[follower.record])?.pop(),
        ) else {
            continue;
        };
        let link = Value::Reference(local.to_string());
        let here = record.row.as_ref().ok().and_then(|row| row.get(follower.field));
        let unsent = matches!(baseline.row.get(follower.field), Some(Value::Absent | Value::Null));
        let lost = here == Some(&Value::Null);
        let held = if lost { Value::Null } else { link.clone() };
        let theirs = Work { index: follower.object, ..*work };
        if unsent
            && (here == Some(&link)
                || lost && leads_to(&theirs, &baseline.pair.remote.id, follower.field, was).await?)
        {
            baseline.pair.revision = Revision::UNSETTLED;
            links::write(work, store, object, baseline, (follower.field, held, link))?;
            journey.learned.relinked.push(follower.record);
        }
    }
    Ok(())
}

/// Whether the remote record's link still holds this id.
async fn leads_to(work: &Work<'_>, record: &RemoteId, field: usize, id: &RemoteId) -> Result<bool, Stop> {
    let found = work.remote.details(work.object(), std::slice::from_ref(record)).await?;
    let rows = work.participant().mapper.to_local(&found.iter().map(|it| &it.row).collect::<Vec<_>>());
    let link = Value::Reference(id.0.clone());
    Ok(rows.into_iter().flatten().any(|row| row.get(field) == Some(&link)))
}

/// The links at this record, each with what its record agreed on; new records have their links still to be sent.
fn linked<'a>(
    work: &Work<'a>,
    store: &dyn Store,
    target: LocalId,
) -> Result<Vec<(Pointer, &'a Object, Baseline)>, Stop> {
    let mut found = Vec::new();
    for pointer in pointing_at(work, store, &[target])? {
        let Some(object) = work.objects().nth(pointer.object) else { continue };
        if let Some(baseline) = store.baselines(object, &[pointer.record])?.pop() {
            found.push((pointer, object, baseline));
        }
    }
    Ok(found)
}

fn follower(pointer: &Pointer, anew: Anew) -> Follower {
    Follower { object: pointer.object, field: pointer.field, record: pointer.record, anew }
}

fn set(baseline: &mut Baseline, field: usize, value: Value) {
    if let Some(slot) = baseline.row.get_mut(field) {
        *slot = value;
    }
}
