//! The three operations that originate locally, and what they share.
//!
//! Records are pushed in waves. A wave's writes are entered in the journal in one transaction, sent with
//! several in flight, and their results committed in others: the journal knows every write that may have
//! reached the server (decision 15).

pub(super) mod delete;
pub(super) mod insert;
mod queue;
pub(super) mod send;
pub(super) mod update;
mod wave;

use super::links::{self, Links};
use super::operations::{Work, note_differences};
use super::{Failed, Failure, Stop};
use crate::ports::{Baseline, Change, LocalRecord, Mapper, RemoteError, Scope, Store, WriteError, Written};
use crate::report::ObjectReport;
use std::sync::Arc;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteKey, RemoteToken};
use sync_core::object::{Field, Object};
use sync_core::operation::Operation;
use sync_core::value::{Kind, Row, Value};

/// A local record, checked and mapped, ready to be sent.
struct Ready {
    key: LocalKey,
    /// In local shape, links as local ids. The journal has it, too, as long as it enters it.
    local: Arc<Row>,
    /// In remote shape.
    remote: Row,
    links: Links,
}

/// A local record that was read, before its plugin has seen it.
struct Unmapped {
    key: LocalKey,
    /// In local shape, links as local ids.
    local: Row,
    /// The same with links as remote ids, where it has any.
    outgoing: Option<Row>,
    links: Result<Links, Failure>,
}

/// Reads, checks and maps local records; a failure of one is its own.
fn prepare(
    work: &Work<'_>,
    store: &dyn Store,
    ids: &[LocalId],
    operation: Operation,
) -> Result<(Vec<Ready>, Failed<LocalId>), Stop> {
    let (read, mut failed) = read(work, store, ids, operation)?;
    let (ready, unmapped) = map(&*work.participant().mapper, read);
    failed.extend(unmapped);
    Ok((ready, failed))
}

/// Reads local records. Checked before anything is sent (decision 26): values that fit their fields, required fields,
/// links that have a remote record; by [`map`], the plugin's own rules.
fn read(
    work: &Work<'_>,
    store: &dyn Store,
    ids: &[LocalId],
    operation: Operation,
) -> Result<(Vec<Unmapped>, Failed<LocalId>), Stop> {
    let object = work.object();
    let _snapshot = store.snapshot()?;
    let (mut accepted, mut failed) = (Vec::with_capacity(ids.len()), Vec::new());
    for LocalRecord { key, row } in store.local_records(object, ids)? {
        match row
            .map_err(|unfit| unfit_failure(object, unfit))
            .and_then(|row| has_required(object, row, operation))
        {
            Ok(local) => {
                let mut outgoing = links::has_any(&local).then(|| local.clone());
                let links = match &mut outgoing {
                    Some(outgoing) => links::to_remote(work, store, outgoing)?,
                    None => Ok(Links::Done),
                };
                accepted.push(Unmapped { key, local, outgoing, links });
            }
            Err(failure) => failed.push((key.id, failure)),
        }
    }
    Ok((accepted, failed))
}

/// Checks and maps what was read. It needs no store, so that a task of its own can do it.
fn map(mapper: &dyn Mapper, read: Vec<Unmapped>) -> (Vec<Ready>, Failed<LocalId>) {
    let (mut accepted, mut failed) = (Vec::with_capacity(read.len()), Vec::new());
    let verdicts = mapper.validate(&read.iter().map(|it| &it.local).collect::<Vec<_>>());
    for (it, verdict) in read.into_iter().zip(verdicts) {
        let Unmapped { key, local, outgoing, links } = it;
        match verdict.map_err(Failure::from).and(links) {
            Ok(links) => accepted.push((key, local, links, outgoing)),
            Err(failure) => failed.push((key.id, failure)),
        }
    }
    let outgoing: Vec<&Row> =
        accepted.iter().map(|(_, local, _, outgoing)| outgoing.as_ref().unwrap_or(local)).collect();
    let remotes = mapper.to_remote(&outgoing);
    let mut ready = Vec::with_capacity(accepted.len());
    for ((key, local, links, _), remote) in accepted.into_iter().zip(remotes) {
        match remote {
            Ok(remote) => ready.push(Ready { key, local: Arc::new(local), remote, links }),
            Err(error) => failed.push((key.id, error.into())),
        }
    }
    (ready, failed)
}

fn unfit_failure(object: &Object, unfit: crate::ports::Unfit) -> Failure {
    let field = object.local.get(unfit.field).map_or("a field", |field| &field.name);
    Failure::new(&unfit.code, format!("{field} {}; correct it in the local store", unfit.message))
}

fn has_required(object: &Object, row: Row, operation: Operation) -> Result<Row, Failure> {
    // What only the server fills cannot be missed here.
    let sent = |Field { traits, .. }: &Field| {
        let is_first = operation == Operation::PushInsert;
        !traits.read_only && !traits.computed && (is_first || !traits.create_only)
    };
    let empty = object
        .local
        .iter()
        .zip(&row)
        .find(|(field, value)| field.traits.required && sent(field) && **value == Value::Null);
    match empty {
        Some((field, _)) => {
            let message = format!("{} is required and empty; fill it in the local store", field.name);
            Err(Failure::new("required", message))
        }
        None => Ok(row),
    }
}

/// Why a write did not happen, as a record's failure; what concerns all records is a [`Stop`].
fn refusal(error: WriteError) -> Result<Failure, Stop> {
    Ok(match error {
        WriteError::Refused { code, message } => Failure::new(&code, message),
        WriteError::Moved => Failure::new(
            "moved",
            "the remote record was changed since the compare: nothing was written; the next run compares it again",
        ),
        WriteError::Gone => {
            Failure::new("gone", "the remote record was deleted since the compare: nothing was written")
        }
        WriteError::NoVersion => Failure::new(
            "no-version",
            "the remote does not tell the record's version, so nothing was written (a blind write could undo \
             somebody's edit)",
        ),
        WriteError::FateUnknown { message, .. } => Failure::new("fate-unknown", message),
        // The server answers, and cannot deal with this record: the others go on (decision 22).
        WriteError::Remote(error) if error.scope == Scope::Object => {
            Failure::new("remote-failed", error.message)
        }
        WriteError::Remote(error) => return Err(error.into()),
    })
}

/// Of several records that a remote was asked about, it told nothing of this one.
pub(in crate::pipeline) fn no_answer() -> RemoteError {
    let message = "the remote gave no answer for this record".to_owned();
    RemoteError { scope: Scope::Object, message, help: None }
}

/// The same of a write.
fn unanswered() -> WriteError {
    WriteError::FateUnknown { message: no_answer().message, may_still_run: true }
}

/// What the remote has after writes, in local shape: answer *i* belongs to write *i*, and is none where that does not
/// tell, or cannot be mapped: its token is left open then, so that the next run reads the record and says why. All
/// are mapped in one call.
fn answers<'w>(mapper: &dyn Mapper, written: impl Iterator<Item = &'w mut Written>) -> Vec<Option<Row>> {
    let (rows, mut tokens): (Vec<Option<Row>>, Vec<&mut RemoteToken>) =
        written.map(|written| (written.row.take(), &mut written.token)).unzip();
    let mut mapped = mapper.to_local(&rows.iter().flatten().collect::<Vec<_>>()).into_iter();
    let mut answer = |(row, token): (&Option<Row>, &mut &mut RemoteToken)| {
        row.as_ref()?;
        let answer = mapped.next()?.ok();
        if answer.is_none() {
            **token = RemoteToken::unsettled();
        }
        answer
    };
    rows.iter().zip(&mut tokens).map(&mut answer).collect()
}

/// What enters the store after the remote confirmed a write: the pair, what both agree on, and what the server
/// computed (decisions 8, 9 and 10). The revision of `ready` is the one that was sent, or unsettled where
/// something is still to be sent.
fn link(
    work: &Work<'_>,
    store: &dyn Store,
    report: &mut ObjectReport,
    ready: Ready,
    written: Written,
    mut answer: Option<Row>,
    base: Option<&Baseline>,
) -> Result<Change, Stop> {
    let object = work.object();
    let before = base.map(|base| &base.row);
    let Ready { key, local, .. } = ready;
    let (mut row, mut fields) = (Arc::unwrap_or_clone(local), Vec::new());
    let mut token = written.token;
    if let Some(answer) = &mut answer
        && !links::to_local(store, object, answer)?.is_empty()
    {
        // A link that is not pulled yet is null here: the next run looks at the record again.
        token = RemoteToken::unsettled();
    }
    // What the server owns comes from its answer, or stays as it was agreed; a local edit of it is put back.
    let owned = before.or(answer.as_ref());
    let mut differing = Vec::new();
    for (index, field) in object.local.iter().enumerate() {
        let Some(value) = row.get_mut(index) else { continue };
        let answered =
            answer.as_ref().and_then(|row| row.get(index)).filter(|value| **value != Value::Absent);
        let server_keeps =
            field.traits.computed || field.traits.read_only || (field.traits.create_only && before.is_some());
        if server_keeps {
            let kept =
                answered.or(owned.and_then(|row| row.get(index))).filter(|kept| **kept != Value::Absent);
            if let Some(kept) = kept.filter(|kept| *kept != value) {
                let edited = match before.and_then(|row| row.get(index)) {
                    Some(before) => before != value,
                    None => value.is_filled(),
                };
                if edited {
                    differing.push(index);
                }
                fields.push((index, kept.clone()));
                value.clone_from(kept);
            }
        } else if !field.traits.not_compared && answered.is_some_and(|answered| answered != value) {
            match field.kind {
                // Not what the server made of it: the record that it means has only been linked since the compare.
                Kind::Reference(_) => token = RemoteToken::unsettled(),
                _ => differing.push(index),
            }
        }
    }
    note_differences(report, object, &differing);
    let remote = RemoteKey { id: written.id, token, created: written.created, fresh: false };
    let pair = Pair { local: key.id, remote, revision: key.revision };
    let beyond_filter = base.is_some_and(|base| base.beyond_filter);
    Ok(Change::Link { baseline: Baseline { pair, row, beyond_filter }, fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_core::object::{ObjectName, Resource, Traits};

    #[test]
    fn a_required_field_is_missed_only_where_it_would_be_sent() {
        let missed = |traits: Traits, operation| {
            let traits = Traits { required: true, ..traits };
            let field = Field { name: "name".into(), kind: Kind::Text(10), traits };
            let (id, updated) = ("Id".into(), "Updated".into());
            let object = Object {
                name: ObjectName::new("task").unwrap(),
                mapping_version: 1,
                local: vec![field],
                remote: Vec::new(),
                resource: Resource { path: "Task/Task".into(), id, updated, version: None, created: None },
                user_keys: Vec::new(),
            };
            has_required(&object, vec![Value::Null], operation).is_err()
        };
        for create_only in [false, true] {
            let sent = Traits { create_only, ..Traits::default() };
            assert!(missed(sent, Operation::PushInsert));
            assert_eq!(missed(sent, Operation::PushUpdate), !create_only);
            for operation in [Operation::PushInsert, Operation::PushUpdate] {
                assert!(!missed(Traits { read_only: true, ..sent }, operation));
                assert!(!missed(Traits { computed: true, ..sent }, operation));
            }
        }
    }
}
