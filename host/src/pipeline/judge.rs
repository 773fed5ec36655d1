//! How both sides of a pair stand once their contents are known: a changed token with the baseline's content is no
//! change (decision 2), and not every difference is one that somebody made (decisions 9, 12 and 19).

use super::contents::Record;
use super::operations::Work;
use super::{Stop, full_compare, links};
use crate::ports::Store;
use sync_core::change_key::{RemoteKey, Revision};
use sync_core::compare::Side;
use sync_core::object::Object;
use sync_core::value::{Kind, Row, Value};

/// How both sides stand.
pub(super) struct Judged {
    pub(super) local: Side<Revision>,
    pub(super) remote: Side<RemoteKey>,
    /// Whether both have the same content.
    pub(super) equal: bool,
    /// See [`waiting`].
    pub(super) waits: Vec<usize>,
    /// The remote record is another one than was linked, and this one is gone.
    pub(super) stranger: Option<RemoteKey>,
    /// Only the reading of the remote record is another: it waits for the next run.
    pub(super) read_otherwise: bool,
}

/// Judges a pair.
pub(super) fn judge(work: &Work<'_>, store: &dyn Store, record: &Record<'_>) -> Result<Judged, Stop> {
    let object = work.object();
    let (base, local_row, fetched) = (record.base_row(), record.local_row(), record.fetched());
    let remote_row = fetched.map(|fetched| &fetched.row);
    let ahead = fetched.is_some_and(|fetched| fetched.ahead);
    let (local, remote) = (&record.linked.local, &record.linked.remote);
    let edited = match (local, base, local_row) {
        (Side::Changed(_), Some(base), Some(row)) => changed_here(object, base, row, &Side::Gone),
        (Side::Changed(_) | Side::Same | Side::Gone, _, _) => *local != Side::Same,
    };
    let relinked = match (base, local_row) {
        (Some(base), Some(row)) => unlike(object, base, row).into_iter().any(|it| is_link(object, it)),
        _ => true,
    };
    let remote = match (remote, base, remote_row) {
        (Side::Changed(_), Some(base), Some(row))
            if (!ahead || edited && !relinked)
                && !changed_there(object, &agreed_there(store, object, base)?, row, local, edited) =>
        {
            Side::Same
        }
        (side, _, _) => side.clone(),
    };
    let local = match (local, base, local_row) {
        (Side::Changed(_), Some(base), Some(row)) if !changed_here(object, base, row, &remote) => Side::Same,
        (side, _, _) => side.clone(),
    };
    let apart = match (local_row, remote_row) {
        (Some(local), Some(remote)) if !ahead => Some(unlike(object, local, remote)),
        _ => None,
    };
    let equal = apart.as_ref().is_some_and(Vec::is_empty);
    // Both sides made the same edit, and the server added something of its own (decisions 9 and 18).
    let local = match (&apart, &remote) {
        (Some(apart), Side::Changed(_)) if !equal && apart.iter().all(|&it| is_owned(object, it)) => {
            Side::Same
        }
        _ => local,
    };
    let (mut stranger, mut read_otherwise) = (None, false);
    // As it was read, which may be later than it was listed.
    let key = record.remote_key();
    let remote = match (remote, record.base, remote_row) {
        (Side::Changed(_), Some(base), Some(row))
            if !equal && full_compare::is_a_stranger(work, store, base, &key, row)? =>
        {
            stranger = Some(key.clone());
            Side::Gone
        }
        (Side::Changed(_), Some(base), Some(row))
            if local != Side::Same && full_compare::only_read_otherwise(work, base, &key, row, local_row) =>
        {
            read_otherwise = true;
            Side::Same
        }
        (side, _, _) => side,
    };
    let waits = base.zip(local_row).map_or_else(Vec::new, |(base, row)| waiting(object, base, row));
    // A link that waits to be sent again is no edit that a delete stands against.
    let local = if remote == Side::Gone && !waits.is_empty() { Side::Same } else { local };
    Ok(Judged { local, remote, equal, waits, stranger, read_otherwise })
}

/// Whether a person changed the local record. An edit of what the remote owns is put back, and must not stand
/// against what happened on the remote (decision 9). A field that was never agreed on counts once it is filled.
fn changed_here(object: &Object, base: &Row, row: &Row, remote: &Side<RemoteKey>) -> bool {
    unlike(object, base, row).into_iter().any(|index| {
        let known = base.get(index) != Some(&Value::Absent) || row.get(index).is_some_and(Value::is_filled);
        known && (*remote == Side::Same || !is_owned(object, index))
    })
}

/// What was agreed on as the remote would have it now: a link to a record that is no longer linked is null.
fn agreed_there(store: &dyn Store, object: &Object, base: &Row) -> Result<Row, Stop> {
    let mut row = base.clone();
    links::drop_unlinked(store, object, &mut row, None)?;
    Ok(row)
}

/// Whether the remote record changed in a way that a local change stands against. One that was edited here brings
/// back what only the remote writes when it is sent; one that was deleted here needs nothing that the server
/// computed, and to neither matters which blanks the server took off a text that it was sent (decision 9).
fn changed_there(object: &Object, base: &Row, row: &Row, local: &Side<Revision>, edited: bool) -> bool {
    let trimmed = |index: usize| match (base.get(index), row.get(index)) {
        (Some(Value::Text(sent)), Some(Value::Text(kept))) => sent.trim() == kept,
        (Some(Value::Text(sent)), Some(Value::Null)) => sent.trim().is_empty(),
        _ => false,
    };
    let mut unlike = unlike(object, base, row).into_iter().filter(|&index| !edited || !trimmed(index));
    unlike.any(|index| match local {
        Side::Gone => !object.local.get(index).is_some_and(|field| field.traits.computed),
        Side::Same | Side::Changed(_) => !edited || !is_owned(object, index),
    })
}

/// The links that wait to be sent again, if that is all that differs here: they are agreed on no more, since the
/// record that they lead to is created anew (decision 19).
fn waiting(object: &Object, base: &Row, row: &Row) -> Vec<usize> {
    let unlike = unlike(object, base, row);
    let waits = |&index: &usize| base.get(index) == Some(&Value::Absent) && is_link(object, index);
    if unlike.iter().all(waits) { unlike } else { Vec::new() }
}

/// Whether the field is a link.
fn is_link(object: &Object, index: usize) -> bool {
    object.local.get(index).is_some_and(|field| matches!(field.kind, Kind::Reference(_)))
}

/// Whether only the remote writes the field.
fn is_owned(object: &Object, index: usize) -> bool {
    object.local.get(index).is_some_and(|field| field.traits.is_remote_owned())
}

/// Fields in which a row is not what it was: as [`Object::differing`], but a field that the old row does not
/// know counts as well, so that a field which the object gained is filled.
pub(super) fn unlike(object: &Object, old: &Row, new: &Row) -> Vec<usize> {
    let unlike = |&index: &usize| {
        let (Some(old), Some(new), Some(field)) = (old.get(index), new.get(index), object.local.get(index))
        else {
            return false;
        };
        !field.traits.not_compared && *new != Value::Absent && old != new
    };
    (0..object.local.len()).filter(unlike).collect()
}
