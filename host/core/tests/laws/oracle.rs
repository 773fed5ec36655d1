//! What must come out, said a second time and in another way: by brute force, and from contents
//! instead of tokens.

use crate::world::{Action, Step, World};
use sync_core::change_key::{LocalKey, Pair, RemoteKey};
use sync_core::compare::{Finding, Side};
use sync_core::conflict::ConflictKind::{DeleteUpdate, UpdateDelete, UpdateUpdate};
use sync_core::operation::Operation;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    Same,
    Changed,
    Gone,
}

/// The decision table of a pair, local state first. Two changed sides with equal content are no row.
pub(crate) const TABLE: [(Is, Is, Action); 9] = [
    (Is::Same, Is::Same, Action::Refresh),
    (Is::Changed, Is::Same, Action::Do(Operation::PushUpdate)),
    (Is::Same, Is::Changed, Action::Do(Operation::PullUpdate)),
    (Is::Gone, Is::Same, Action::Do(Operation::PushDelete)),
    (Is::Same, Is::Gone, Action::Do(Operation::PullDelete)),
    (Is::Gone, Is::Gone, Action::Forget),
    (Is::Changed, Is::Changed, Action::Conflict(UpdateUpdate)),
    (Is::Changed, Is::Gone, Action::Conflict(UpdateDelete)),
    (Is::Gone, Is::Changed, Action::Conflict(DeleteUpdate)),
];

pub(crate) fn action(local: Is, remote: Is, equal: bool) -> Action {
    if local == Is::Changed && remote == Is::Changed && equal {
        return Action::Refresh;
    }
    let row = TABLE.iter().find(|(l, r, _)| (*l, *r) == (local, remote));
    row.expect("the table has nine rows").2
}

/// The plan of a world, sorted. It reads contents and created-stamps; tokens only tell whether a pair
/// that is in step needs a refresh.
pub(crate) fn plan(world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    for linked in world.baseline.values() {
        let is = |content| if content == linked.content { Is::Same } else { Is::Changed };
        let local = world.local.get(&linked.pair.local);
        let remote = world.remote.get(&linked.pair.remote.id);
        // Another record under the same id is not this pair's record (decision 14).
        let remote = remote.filter(|record| record.created == linked.pair.remote.created);
        let local_is = local.map_or(Is::Gone, |record| is(record.content));
        let remote_is = remote.map_or(Is::Gone, |record| is(record.content));
        let equal = local.map(|record| record.content) == remote.map(|record| record.content);
        let action = action(local_is, remote_is, equal);
        let settled = local.is_some_and(|record| record.revision == linked.pair.revision)
            && remote.is_some_and(|record| record.token == linked.pair.remote.token);
        if !(settled && action == Action::Refresh) {
            let (local, remote) = (linked.pair.local, linked.pair.remote.id.clone());
            steps.push(Step { action, local: Some(local), remote: Some(remote) });
        }
    }
    for id in world.local.keys() {
        if !world.baseline.contains_key(id) {
            let action = Action::Do(Operation::PushInsert);
            steps.push(Step { action, local: Some(*id), remote: None });
        }
    }
    for (id, record) in &world.remote {
        let known = world
            .baseline
            .values()
            .any(|linked| linked.pair.remote.id == *id && linked.pair.remote.created == record.created);
        if !known {
            let action = Action::Do(Operation::PullInsert);
            steps.push(Step { action, local: None, remote: Some(id.clone()) });
        }
    }
    sorted(steps)
}

pub(crate) fn sorted(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by_key(|step| (step.local, step.remote.clone()));
    steps
}

/// The findings, in no particular order: every record of one list is looked up in the whole other.
pub(crate) fn findings(baseline: &[Pair], local: &[LocalKey], remote: &[RemoteKey]) -> Vec<Finding> {
    let is_record = |pair: &Pair, key: &RemoteKey| {
        let reborn = pair.remote.created.is_some() && key.created.is_some();
        pair.remote.id == key.id && !(reborn && pair.remote.created != key.created)
    };
    let mut findings = Vec::new();
    for pair in baseline {
        let local = match local.iter().find(|key| key.id == pair.local) {
            Some(key) if key.revision.0 != pair.revision.0 => Side::Changed(key.revision),
            Some(_) => Side::Same,
            None => Side::Gone,
        };
        let remote = match remote.iter().find(|key| is_record(pair, key)) {
            Some(key) if key.token.updated != pair.remote.token.updated => Side::Changed(key.clone()),
            Some(key) if key.token.version != pair.remote.token.version => Side::Changed(key.clone()),
            Some(_) => Side::Same,
            None => Side::Gone,
        };
        if local != Side::Same || remote != Side::Same {
            findings.push(Finding::Linked { pair: pair.clone(), local, remote });
        }
    }
    for key in local {
        if baseline.iter().all(|pair| pair.local != key.id) {
            findings.push(Finding::NewLocal(*key));
        }
    }
    for key in remote {
        if !baseline.iter().any(|pair| is_record(pair, key)) {
            findings.push(Finding::NewRemote(key.clone()));
        }
    }
    findings
}
