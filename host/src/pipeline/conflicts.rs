//! Step 5: what becomes of a conflict, and how it is written down.

use super::Stop;
use super::operations::{Plan, PullDelete, PullUpdate, PushDelete, PushUpdate, Work};
use crate::ports::{ConflictEntry, ConflictField, Store};
use sync_core::change_key::{Pair, RemoteToken, Revision};
use sync_core::conflict::{Choice, ConflictKind};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// Two sides that both changed, with what is known of each.
pub(super) struct Clash {
    pub(super) kind: ConflictKind,
    pub(super) pair: Pair,
    pub(super) base: Row,
    /// The local side; `None` where it is gone.
    pub(super) local: Option<(Revision, Row)>,
    /// The remote side; `None` where it is gone.
    pub(super) remote: Option<(RemoteToken, Row)>,
}

/// Settles the conflict if somebody chose, or a rule does; otherwise it is entered and stays pending. A
/// recorded choice comes before a rule (decision 24).
///
/// A choice that creates the record anew on the side that deleted it is not carried out yet: the conflict
/// stays pending, and nothing is lost.
pub(super) fn settle(work: &Work<'_>, store: &dyn Store, plan: &mut Plan, clash: Clash) -> Result<(), Stop> {
    let object = work.object();
    let entry = entry(object, &clash);
    let choice = store.choice(&entry)?.or(work.participant().settles);
    let Clash { pair, local, remote, .. } = clash;
    match (choice, local, remote) {
        (Some(Choice::KeepLocal), Some(_), Some((expected, present))) => {
            plan.push_updates.push(PushUpdate { pair, expected, over: Some(present) });
        }
        (Some(Choice::KeepRemote), Some((revision, _)), Some(_)) => {
            plan.pull_updates.push(PullUpdate { pair, revision, over_local_change: true });
        }
        (Some(Choice::KeepLocal), None, Some((expected, _))) => {
            plan.push_deletes.push(PushDelete { pair, expected });
        }
        (Some(Choice::KeepRemote), Some((revision, _)), None) => {
            plan.pull_deletes.push(PullDelete { pair, revision, departed: false });
        }
        (Some(Choice::KeepLocal), Some(_), None)
        | (Some(Choice::KeepRemote), None, Some(_))
        | (Some(_), None, None)
        | (None, _, _) => plan.conflicts.push(entry),
    }
    Ok(())
}

fn entry(object: &Object, clash: &Clash) -> ConflictEntry {
    let at = |row: Option<&Row>, index: usize| {
        row.and_then(|row| row.get(index)).cloned().unwrap_or(Value::Absent)
    };
    let (local, remote) =
        (clash.local.as_ref().map(|(_, row)| row), clash.remote.as_ref().map(|(_, row)| row));
    let differing = match (local, remote) {
        (Some(local), Some(remote)) => object.differing(local, remote),
        (Some(changed), None) | (None, Some(changed)) => object.differing(&clash.base, changed),
        (None, None) => Vec::new(),
    };
    let fields = object.local.iter().enumerate().map(|(index, field)| ConflictField {
        field: field.name.clone(),
        base: at(Some(&clash.base), index),
        local: at(local, index),
        remote: at(remote, index),
        differs: differing.contains(&index),
    });
    ConflictEntry {
        object: object.name.clone(),
        kind: clash.kind,
        local: clash.pair.local,
        remote: clash.pair.remote.id.clone(),
        fields: fields.collect(),
    }
}
