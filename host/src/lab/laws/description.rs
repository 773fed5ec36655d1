//! Whether the description fits what the mapping does: a trait or a user key that says something else makes a run do
//! nothing, record after record.

use super::answers::{empty_required, is_whole};
use super::{Law, Over, Sample, Verdict, rows};
use crate::plugin::{Answer, Function, WasmMapper};
use crate::ports::Mapper;
use sync_core::object::Field;
use sync_core::value::{Kind, Row, Value};

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "edits-are-sent",
        says: "an edit of a field that is not read-only changes a remote field that is sent",
        over: &[Over::Local],
        needs_one: false,
        check: edits_are_sent,
    },
    Law {
        name: "user-keys-are-filled",
        says: "a record with every field filled has a user key that the remote does not set itself",
        over: &[Over::Local],
        needs_one: false,
        check: user_keys_are_filled,
    },
];

fn edits_are_sent(plugin: &WasmMapper, _: Over, samples: &[Sample]) -> Vec<Verdict> {
    let rows = rows(samples);
    let fields = &plugin.object().local;
    let mut probes = Vec::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| is_whole(row)) {
        for (index, field) in fields.iter().enumerate().filter(|(_, field)| !field.traits.is_remote_owned()) {
            for value in others(&row[index], &field.kind) {
                let mut probe = row.clone();
                probe[index] = value;
                probes.push((at, index, probe));
            }
        }
    }
    let before = sent(plugin, &rows);
    let after = sent(plugin, &probes.iter().map(|(_, _, row)| row.clone()).collect::<Vec<_>>());
    let mut verdicts = vec![Verdict::DoesNotApply; rows.len()];
    for ((at, index, _), after) in probes.iter().zip(after) {
        let (Some(before), Some(after), false) =
            (&before[*at], after, matches!(verdicts[*at], Verdict::Broken(_)))
        else {
            continue;
        };
        let remote = plugin.output(Function::ToRemote).1;
        let changed: Vec<&Field> = before
            .iter()
            .zip(&after)
            .zip(remote)
            .filter(|((was, is), _)| was != is)
            .map(|(_, field)| field)
            .collect();
        verdicts[*at] = match changed.as_slice() {
            // The mapping tidies the difference away.
            [] => continue,
            [first, ..] if changed.iter().all(|field| field.traits.is_remote_owned()) => {
                Verdict::Broken(format!(
                    "an edit of {} reaches {} only, which is read-only, computed or create-only: make {} the same",
                    fields[*index].name, first.name, fields[*index].name
                ))
            }
            _ => Verdict::Holds,
        };
    }
    verdicts
}

fn user_keys_are_filled(plugin: &WasmMapper, _: Over, samples: &[Sample]) -> Vec<Verdict> {
    let object = plugin.object();
    let rows = rows(samples);
    let is_full =
        |row: &Row| row.iter().all(Value::is_filled) && empty_required(row, &object.local).is_none();
    let is_the_servers =
        |at: &usize| object.remote.get(*at).is_some_and(|it| it.traits.read_only || it.traits.computed);
    let is_usable =
        |remote: &Row, key: &Vec<usize>| key.iter().all(|at| remote[*at].is_filled() && !is_the_servers(at));
    let verdict = |(row, remote): (&Row, Option<Row>)| match remote {
        Some(remote) if is_full(row) && !object.user_keys.is_empty() => {
            if object.user_keys.iter().any(|key| is_usable(&remote, key)) {
                Verdict::Holds
            } else {
                Verdict::Broken(
                    "to-remote leaves a part of every user key empty, or to the server: no new record is ever sent"
                        .to_owned(),
                )
            }
        }
        _ => Verdict::DoesNotApply,
    };
    rows.iter().zip(sent(plugin, &rows)).map(verdict).collect()
}

/// The remote rows of local ones that are sent.
fn sent(plugin: &WasmMapper, rows: &[Row]) -> Vec<Option<Row>> {
    let valid = plugin.ask(Function::Validate, rows);
    let mapped = plugin.ask(Function::ToRemote, rows);
    mapped
        .into_iter()
        .zip(valid)
        .map(|(row, valid)| row.ok().flatten().filter(|_| Answer::is_ok(&valid)))
        .collect()
}

/// What a person could write in the value's place.
fn others(value: &Value, kind: &Kind) -> Vec<Value> {
    let text = |text: &str| text.to_owned();
    let two = match kind {
        Kind::Boolean => [Value::Boolean(true), Value::Boolean(false)],
        Kind::Integer => [Value::Integer(1), Value::Integer(2)],
        Kind::Decimal(_) => [Value::Decimal(text("1")), Value::Decimal(text("2"))],
        Kind::Text(_) => [Value::Text(text("a")), Value::Text(text("b"))],
        Kind::Choices => [Value::Choices(vec![text("a")]), Value::Choices(vec![text("b")])],
        Kind::Date => [Value::Date(text("2000-01-01")), Value::Date(text("2030-12-31"))],
        Kind::Timestamp => [Value::Timestamp(0), Value::Timestamp(1_893_456_000_000_000)],
        Kind::Bytes => [Value::Bytes(vec![1]), Value::Bytes(vec![2])],
        Kind::Reference(_) => [Value::Reference(text("1")), Value::Reference(text("2"))],
    };
    two.into_iter().chain([Value::Null]).filter(|other| other != value).collect()
}
