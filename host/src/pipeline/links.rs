//! Links between records: local rows hold local ids, remote rows remote ids, and this is where one becomes the
//! other (decisions 12 and 16).

use super::operations::{Doomed, Work};
use super::{Failure, Stop, Subject};
use crate::ports::{Baseline, Change, Changed, Store, Unmade};
use std::collections::HashSet;
use std::fmt::Write as _;
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteToken, Revision};
use sync_core::object::{Field, Object, ObjectName};
use sync_core::operation::Operation;
use sync_core::value::{Kind, Row, Value};

/// A link of a pulled record that points at a record which is not here (yet).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Unlinked {
    /// The object that it points to.
    pub(super) target: ObjectName,
    /// The record there.
    pub(super) id: RemoteId,
}

impl Unlinked {
    /// The same as a link of this record that cannot be made.
    pub(super) fn unmade(&self, record: &RemoteId) -> Unmade {
        Unmade { record: record.clone(), target: self.target.clone(), missing: self.id.clone() }
    }
}

/// Translates the links of a row that was mapped to local shape. Those that point at records which are not
/// linked become null, and are answered.
pub(super) fn to_local(store: &dyn Store, object: &Object, row: &mut Row) -> Result<Vec<Unlinked>, Stop> {
    let mut unlinked = Vec::new();
    for (field, value) in object.local.iter().zip(row) {
        let (Kind::Reference(target), Value::Reference(id)) = (&field.kind, &mut *value) else { continue };
        let Ok(target) = ObjectName::new(target.as_str()) else { continue };
        let id = RemoteId(std::mem::take(id));
        *value = match store.linked_local(&target, &id)? {
            Some(local) => Value::Reference(local.to_string()),
            None => {
                unlinked.push(Unlinked { target, id });
                Value::Null
            }
        };
    }
    Ok(unlinked)
}

/// Where a link of a local row points.
fn local_link(field: &Field, value: &Value) -> Option<(ObjectName, LocalId)> {
    match (&field.kind, value) {
        (Kind::Reference(target), Value::Reference(id)) => {
            Some((ObjectName::new(target.as_str()).ok()?, id.parse().map(LocalId).ok()?))
        }
        _ => None,
    }
}

/// The records of one object that a local row links to.
pub(super) fn leading_to(target: &ObjectName, object: &Object, row: &Row) -> Vec<LocalId> {
    let links = object.local.iter().zip(row).filter_map(|(field, value)| local_link(field, value));
    links.filter(|(to, _)| to == target).map(|(_, local)| local).collect()
}

/// What became of the links of a row that is about to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Links {
    /// All translated.
    Done,
    /// Some point forward, at records that are written later in this run, and are not sent for now.
    Refill,
}

/// Whether a record links to any.
pub(super) fn has_any(row: &Row) -> bool {
    row.iter().any(|value| matches!(value, Value::Reference(_)))
}

/// Translates the links of a local row to remote ids. A link that points at a record of the same object, or of
/// one that comes later, is not sent for now; the parent of any other must be there.
///
/// The inner error is this record's failure: it waits for its parent, or points at nothing.
pub(super) fn to_remote(
    work: &Work<'_>,
    store: &dyn Store,
    row: &mut Row,
) -> Result<Result<Links, Failure>, Stop> {
    let mut links = Links::Done;
    for (field, value) in work.object().local.iter().zip(row) {
        let Some((target, local)) = local_link(field, value) else { continue };
        if let Some(remote) = store.linked_remote(&target, local)? {
            *value = Value::Reference(remote.0);
            continue;
        }
        let position = work.participants.iter().position(|it| it.mapper.object().name == target);
        let there = match work.objects().find(|object| object.name == target) {
            Some(object) => !store.local_records(object, &[local])?.is_empty(),
            None => true,
        };
        if !there {
            let message = format!("{}: links to {target} {local}, which does not exist", field.name);
            return Ok(Err(Failure::new("dangling-link", message)));
        }
        if position.is_some_and(|position| position >= work.index) && !field.traits.required {
            *value = Value::Absent;
            links = Links::Refill;
        } else {
            let mut message =
                format!("{}: waits for {target} {local}, which is not on the remote yet", field.name);
            // Parents come first, unless each object of a circle requires another one of it.
            if position.is_some_and(|position| position > work.index) {
                let _ = write!(
                    message,
                    "; new records in a circle can be sent only if one of the links is not required, be it this one or \
                     one that leads back from {target} to {}",
                    work.object().name
                );
            }
            return Ok(Err(Failure::new("waits-for-parent", message)));
        }
    }
    Ok(Ok(links))
}

/// The same for a row of the baseline. `lost` stands in for a link to a record that is no longer linked.
pub(super) fn agreed_to_remote(
    store: &dyn Store,
    object: &Object,
    row: &mut Row,
    lost: &Value,
) -> Result<(), Stop> {
    for (field, value) in object.local.iter().zip(row) {
        let Some((target, local)) = local_link(field, value) else { continue };
        *value =
            store.linked_remote(&target, local)?.map_or_else(|| lost.clone(), |id| Value::Reference(id.0));
    }
    Ok(())
}

/// Takes the links out of a local row, which then says nothing of them.
pub(super) fn leave_out(object: &Object, row: &mut Row) {
    for (field, value) in object.local.iter().zip(row) {
        if matches!(field.kind, Kind::Reference(_)) {
            *value = Value::Absent;
        }
    }
}

/// A link to one of the records asked for.
pub(super) struct Pointer {
    /// Position in [`Work::objects`].
    pub(super) object: usize,
    /// Index of the local field.
    pub(super) field: usize,
    pub(super) record: LocalId,
    target: LocalId,
}

/// All links that point at one of these records of the object.
pub(super) fn pointing_at(
    work: &Work<'_>,
    store: &dyn Store,
    targets: &[LocalId],
) -> Result<Vec<Pointer>, Stop> {
    let mut found = Vec::new();
    for (position, object) in work.objects().enumerate() {
        for (index, field) in object.local.iter().enumerate() {
            if matches!(&field.kind, Kind::Reference(target) if target == work.object().name.as_str()) {
                let links = store.linking_to(object, index, targets)?.into_iter();
                found.extend(links.map(|(record, target)| Pointer {
                    object: position,
                    field: index,
                    record,
                    target,
                }));
            }
        }
    }
    Ok(found)
}

/// Of these records of the object, those that another record links to.
pub(super) fn linked_to(
    work: &Work<'_>,
    store: &dyn Store,
    targets: &[LocalId],
) -> Result<HashSet<LocalId>, Stop> {
    if targets.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(pointing_at(work, store, targets)?.into_iter().map(|pointer| pointer.target).collect())
}

/// A record that left the filter stays beyond it, as a link of another needs it (decision 12).
pub(super) fn kept_beyond(base: Baseline) -> Change {
    Change::Link { baseline: Baseline { beyond_filter: true, ..base }, fields: Vec::new() }
}

/// Takes links off records that are deleted, without that counting as a local change: a link to a record that does
/// not exist becomes null locally and is not pushed back (decision 12). Where another record has the remote id by now
/// (decision 14), it is what the link means on the remote. Where it may turn out to mean something, the next run
/// looks again: `perhaps` tells of which pairs that is not known. Records that go themselves stay as they are: they
/// must not be edited by us before.
pub(super) fn clear(
    work: &Work<'_>,
    store: &mut dyn Store,
    deleted: &[&Pair],
    doomed: &Doomed,
    perhaps: bool,
) -> Result<(), Stop> {
    if deleted.is_empty() {
        return Ok(());
    }
    let targets: Vec<LocalId> = deleted.iter().map(|pair| pair.local).collect();
    let twins = store.open_twins(&work.object().name)?;
    let pointers = pointing_at(work, store, &targets)?.into_iter();
    for Pointer { object, field, record, target } in
        pointers.filter(|it| !doomed.contains(&(it.object, it.record)))
    {
        let Some(object) = work.objects().nth(object) else { continue };
        let Some(pair) = deleted.iter().find(|pair| pair.local == target) else { continue };
        let Some(mut baseline) = store.baselines(object, &[record])?.pop() else {
            if !twins.contains(&pair.remote.id) {
                unlink(work, store, object, record, (field, target))?;
            }
            continue;
        };
        let heir = store.linked_local(&work.object().name, &pair.remote.id)?.filter(|heir| *heir != target);
        let agreed = Value::Reference(target.to_string());
        let link = heir.map_or(Value::Null, |heir| Value::Reference(heir.to_string()));
        if heir.is_none() {
            if perhaps || twins.contains(&pair.remote.id) {
                baseline.pair.remote.token = RemoteToken::unsettled();
            }
            let (target, missing) = (work.object().name.clone(), pair.remote.id.clone());
            let record = baseline.pair.remote.id.clone();
            store.note_unmade(&object.name, &[Unmade { record, target, missing }])?;
        }
        // A link that was only just made here was never agreed on.
        if let Some(value) = baseline.row.get_mut(field).filter(|value| **value == agreed) {
            value.clone_from(&link);
        }
        write(work, store, object, baseline, (field, agreed, link))?;
    }
    Ok(())
}

/// Takes a link off a record that only this side has: it could never be sent.
fn unlink(
    work: &Work<'_>,
    store: &mut dyn Store,
    object: &Object,
    local: LocalId,
    (field, target): (usize, LocalId),
) -> Result<(), Stop> {
    let was = Value::Reference(target.to_string());
    let answer = store.commit(object, vec![Change::Unlink { local, field, was }])?.pop();
    if let Some(Changed::Refused { message }) = answer {
        let issue = Failure::local_refused(&message);
        store
            .record_issues(work.run, &[issue.issue(object, Operation::PushInsert, Subject::local(local))])?;
    }
    Ok(())
}

/// Writes a link of a record, given with what it was, without that counting as a local change; answers the record's
/// revision then. One that somebody set since stays. A table that refuses it costs the record an issue, and the next run
/// tries again (decision 22).
pub(super) fn write(
    work: &Work<'_>,
    store: &mut dyn Store,
    object: &Object,
    baseline: Baseline,
    link: (usize, Value, Value),
) -> Result<Option<Revision>, Stop> {
    let subject = Subject::pair(baseline.pair.local, &baseline.pair.remote.id);
    let change = Change::Relink { baseline, links: vec![link] };
    match store.commit(object, vec![change])?.pop() {
        Some(Changed::Done(key)) => Ok(Some(key.revision)),
        Some(Changed::Refused { message }) => {
            let issue = Failure::local_refused(&message).issue(object, Operation::PullUpdate, subject);
            store.record_issues(work.run, &[issue])?;
            Ok(None)
        }
        Some(Changed::Moved) | None => Ok(None),
    }
}

/// What both sides agree on while a link cannot be sent: the link as it was before, or none.
pub(super) fn drop_unlinked(
    store: &dyn Store,
    object: &Object,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Stop> {
    for (index, (field, value)) in object.local.iter().zip(row).enumerate() {
        let Some((target, local)) = local_link(field, value) else { continue };
        if store.linked_remote(&target, local)?.is_none() {
            *value = before.and_then(|row| row.get(index)).cloned().unwrap_or(Value::Null);
        }
    }
    Ok(())
}
