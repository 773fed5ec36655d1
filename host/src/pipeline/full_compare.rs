//! What makes the tokens of the baseline say nothing, so that every content is looked at once: another server or
//! user, another mapping, an object back that links point at. And what such a run must not do.
//!
//! **Another server.** An id is the old server's, and so is a token; what this server does not list may be another
//! database's affair, or out of this user's sight. So no pair ends in such a run: deletes are held in both
//! directions until they are confirmed, or until the records appear. Which server the object belongs to is unsettled
//! from before the first write (nobody's name, so that the next run is such a run, too, whichever server it talks
//! to), and the name of this one is entered when a run has read every pair and left none open: none held, none in
//! conflict, none unreadable. A run that is killed, or a person who goes back, loses nothing by that.

use super::conflicts::Then;
use super::operations::{Plan, Work};
use super::{Stop, links};
use crate::ports::{Baseline, Change, ObjectState, Store};
use std::collections::{BTreeSet, HashSet};
use sync_core::change_key::{LocalId, Pair, RemoteKey, RemoteToken};
use sync_core::compare::{Needs, Side, needs};
use sync_core::object::{ObjectName, UserKey};
use sync_core::value::{Kind, Row, Value};

/// The name of no server.
const UNSETTLED: &str = "";

/// Whether the object was last synchronized with another server, or as another user.
pub(super) fn elsewhere(work: &Work<'_>) -> bool {
    work.participant().state.remote.as_deref().is_some_and(|known| known != work.server)
}

/// Enters, before anything else is written, which server the object is now synchronized with.
pub(super) fn note_server(work: &Work<'_>, store: &mut dyn Store) -> Result<(), Stop> {
    let server = if elsewhere(work) { UNSETTLED } else { work.server };
    if work.participant().state.remote.as_deref() != Some(server) {
        store.note_remote(&work.object().name, server)?;
    }
    Ok(())
}

/// Whether every record's content has to be looked at.
pub(super) fn is_due(work: &Work<'_>) -> bool {
    let (object, state) = (work.object(), &work.participant().state);
    // Another mapping may read the same record otherwise.
    let mapping = state.mapping_version.is_some_and(|version| version != object.mapping_version);
    // A link was settled as null while its object took no part: there is something to point at now.
    let linked = state.targets.as_ref().is_none_or(|before| !targets(work).is_subset(before));
    mapping || elsewhere(work) || (linked && object.parents().next().is_some())
}

/// Takes the tokens away from the pairs whose remote content has to be looked at, and puts all in the order in which
/// they have what is listed.
pub(super) fn unsettle(work: &Work<'_>, dangling: &HashSet<LocalId>, pairs: &mut [Pair]) {
    let every = is_due(work);
    pairs.sort_by_key(|pair| pair.local);
    if elsewhere(work) {
        // An id may be in the baseline twice, once for the other server's record. The younger pair comes first, and
        // has what is listed.
        pairs.reverse();
    }
    for pair in pairs.iter_mut().filter(|pair| every || dangling.contains(&pair.local)) {
        pair.remote.token = RemoteToken::unsettled();
    }
}

/// The objects that this one links to and that take part, in this run or in others.
fn targets(work: &Work<'_>) -> BTreeSet<String> {
    let takes_part = |name: &&str| {
        work.participants.iter().any(|it| it.mapper.object().name.as_str() == *name)
            || work.others.iter().any(|it| it.name.as_str() == *name)
    };
    work.object().parents().filter(takes_part).map(str::to_owned).collect()
}

/// Records that link to one which went in a run that this object took no part in, and up to where deletes have been
/// looked at by that. Looks through all links, so only where something went.
pub(super) fn dangling(work: &Work<'_>, store: &dyn Store) -> Result<(HashSet<LocalId>, Option<u64>), Stop> {
    let mut found = HashSet::new();
    let (mut fields, mut is_whole) = (Vec::new(), true);
    for (index, field) in work.object().local.iter().enumerate() {
        let Kind::Reference(target) = &field.kind else { continue };
        match work.participants.iter().map(|it| it.mapper.object()).find(|it| it.name.as_str() == target) {
            Some(target) => fields.push((index, target)),
            None => is_whole = false,
        }
    }
    let targets: Vec<&ObjectName> = fields.iter().map(|(_, target)| &target.name).collect();
    let deletes = store.deletes(&targets)?;
    let seen = work.participant().state.deletes_seen;
    let is_seen = is_whole && seen == Some(deletes);
    if !is_seen && !is_due(work) {
        for (index, target) in fields {
            found.extend(store.dangling(work.object(), index, target)?);
        }
    }
    Ok((found, if is_whole { Some(deletes) } else { seen }))
}

/// As [`needs`]; but where only content can tell whether it is the same record, it is read.
pub(super) fn needs_of(
    work: &Work<'_>,
    pair: &Pair,
    local: &Side<sync_core::change_key::Revision>,
    remote: &Side<RemoteKey>,
) -> Needs {
    match (needs(local, remote), remote) {
        (Needs::Nothing, Side::Changed(key)) if only_content_tells(work, pair, key) => Needs::Remote,
        (needs, _) => needs,
    }
}

/// Whether nothing but its content tells that a record of another server is the one that was linked: there is no
/// created-stamp, and an id alone is not enough (decision 14).
fn only_content_tells(work: &Work<'_>, pair: &Pair, key: &RemoteKey) -> bool {
    elsewhere(work) && (pair.remote.created.is_none() || key.created.is_none())
}

/// Whether that is so and its content tells otherwise: it has none of the user keys that were agreed on.
pub(super) fn is_a_stranger(
    work: &Work<'_>,
    store: &dyn Store,
    base: &Baseline,
    key: &RemoteKey,
    row: &Row,
) -> Result<bool, Stop> {
    if !only_content_tells(work, &base.pair, key) {
        return Ok(false);
    }
    let (agreed, found) = (user_keys(work, store, &base.row)?, user_keys(work, store, row)?);
    Ok(!agreed.iter().any(|key| found.contains(key)))
}

/// The user keys of a row that was agreed on, or sent; none where they cannot be told.
pub(super) fn user_keys(work: &Work<'_>, store: &dyn Store, row: &Row) -> Result<Vec<UserKey>, Stop> {
    let mut row = row.clone();
    links::agreed_to_remote(store, work.object(), &mut row, &Value::Null)?;
    let remote = work.participant().mapper.to_remote(&[&row]).pop().and_then(Result::ok);
    Ok(remote.map_or_else(Vec::new, |remote| work.object().filled_user_keys(&remote).collect()))
}

/// Whether nobody wrote the remote record since both sides agreed, so that whatever differs is in the reading: a
/// field that the object gained, a link that can now be filled in. That gives way to what was done here, and waits
/// for the next run. A gained field that is filled here already is something to choose between.
pub(super) fn only_read_otherwise(
    work: &Work<'_>,
    base: &Baseline,
    key: &RemoteKey,
    remote: &Row,
    local: Option<&Row>,
) -> bool {
    let contested = |index: usize| {
        let mine = local.and_then(|row| row.get(index));
        base.row.get(index) == Some(&Value::Absent)
            && mine.is_some_and(|mine| mine.is_filled() && Some(mine) != remote.get(index))
    };
    !elsewhere(work) && base.pair.remote.token == key.token && !(0..remote.len()).any(contested)
}

/// On another server no pair ends without confirmation: neither of its records is deleted, nor is it forgotten
/// that they belong together.
pub(super) fn hold(work: &Work<'_>, plan: &mut Plan) {
    if work.options.confirm_deletes {
        return;
    }
    // Neither a rule nor a choice is a way round the confirmation: such a conflict stays open, with its choice.
    for it in std::mem::take(&mut plan.settlements) {
        let ends = it.steps(work.object()).is_some_and(|(change, then)| {
            matches!(change, Change::Settle { agreed: None, .. })
                || matches!(then, Then::PullDelete(_) | Then::PushDelete(_))
        });
        if ends {
            plan.open.push(it.open);
            plan.held_deletes += 1;
        } else {
            plan.settlements.push(it);
        }
    }
    let held = plan.forgotten.len() + plan.pull_deletes.len() + plan.push_deletes.len();
    plan.forgotten.clear();
    plan.pull_deletes.clear();
    plan.push_deletes.clear();
    plan.held_deletes += held as u64;
}

/// What the next run has to know of this one, which is through; `complete` where every record could be read.
pub(super) fn state(work: &Work<'_>, plan: &Plan, complete: bool, outcome: &str) -> ObjectState {
    let before = &work.participant().state;
    let complete = complete && plan.issues.is_empty() && !plan.read_otherwise;
    let first = before.mapping_version.is_none();
    let settled = complete && plan.open.is_empty() && plan.held_deletes == 0;
    ObjectState {
        // The next run may trust the tokens when this one has seen every record.
        mapping_version: before.mapping_version.filter(|_| !complete).or(Some(work.object().mapping_version)),
        targets: if complete || first { Some(targets(work)) } else { before.targets.clone() },
        remote: Some(if settled || !elsewhere(work) { work.server } else { UNSETTLED }.to_owned()),
        filter: work.participant().filter.clone(),
        last_run: Some(work.run.to_owned()),
        last_outcome: Some(outcome.to_owned()),
        mark: plan.progress.mark.clone().filter(|_| settled && !elsewhere(work)),
        since_listed: plan.progress.since_listed,
        deletes_seen: plan.progress.deletes_seen.filter(|_| complete).or(before.deletes_seen),
        refused: None,
    }
}
