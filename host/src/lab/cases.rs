//! A case against the plugin.

use super::case::{Case, CaseError, Expected, Input, Named, Rejected, Resolution, write};
use super::laws;
use super::report::{Outcome, Test};
use crate::plugin::{Fault, Function, Rejection, WasmMapper};
use crate::ports::Mapper;
use crate::shown::shown;
use sync_core::conflict::{self, Choice, Sides};
use sync_core::object::Field;
use sync_core::value::{Row, Value};

/// Runs a case; with `bless`, makes it expect what the plugin does.
pub(super) fn run(plugin: &WasmMapper, case: &Case, bless: bool) -> Result<Test, CaseError> {
    let file = shown(case.file.file_name().unwrap_or_default());
    let (name, detail) = (format!("case {file}"), Some(case.name.clone()));
    let Err(message) = check(plugin, &case.expected) else { return Ok(Test::ok(name, detail)) };
    let blessed = if bless { actual(plugin, &case.expected) } else { Err(message.clone()) };
    match blessed {
        Ok(expected) => {
            write(&Case { expected, ..case.clone() }, plugin.object())?;
            Ok(Test { outcome: Outcome::Blessed, ..Test::ok(name, detail) })
        }
        Err(message) => Ok(Test::failed(name, format!("{}: {message}", case.name))),
    }
}

/// Whether the plugin does what the case expects.
fn check(plugin: &WasmMapper, expected: &Expected) -> Result<(), String> {
    let object = plugin.object();
    match expected {
        Expected::Mapped { remote, local, back } => {
            let here = mapped(plugin, Function::ToLocal, remote)?;
            same("to-local", &object.local, local, &here)?;
            validated(plugin, local)?;
            let there = mapped(plugin, Function::ToRemote, local)?;
            match back {
                Some(back) => same("to-remote", &object.remote, back, &there),
                None => same("to-remote", &object.remote, &as_sent(remote, &there, &object.remote), &there),
            }
        }
        Expected::Sent { local, back } => {
            validated(plugin, local)?;
            same("to-remote", &object.remote, back, &mapped(plugin, Function::ToRemote, local)?)
        }
        Expected::NotKept { remote, rejected } => refused(plugin, &[Function::ToLocal], remote, rejected),
        Expected::NotSent { local, rejected } => {
            refused(plugin, &[Function::Validate, Function::ToRemote], local, rejected)
        }
        Expected::Merged { sides, resolution } => {
            let found = resolved(plugin, sides)?;
            match (&found, resolution) {
                (Resolution::Row(found), Resolution::Row(expected)) => {
                    same("the merged row", &object.local, expected, found)
                }
                _ if found == *resolution => Ok(()),
                _ => Err(format!("merging says {}, expected {}", word(&found), word(resolution))),
            }
        }
        Expected::Law { law, over, sample } => laws::check_one(plugin, law, *over, sample),
        Expected::Nothing(_) => {
            Err("the case expects nothing yet; `host plugin test --bless` fills in what the plugin does"
                .into())
        }
    }
}

/// What the case would have to expect.
fn actual(plugin: &WasmMapper, expected: &Expected) -> Result<Expected, String> {
    Ok(match expected {
        Expected::Mapped { remote, .. }
        | Expected::NotKept { remote, .. }
        | Expected::Nothing(Input::Remote(remote)) => {
            let remote = remote.clone();
            match asked(plugin, &[Function::ToLocal], &remote)? {
                Asked::Row(local) => {
                    let there = mapped(plugin, Function::ToRemote, &local)?;
                    let sent = as_sent(&remote, &there, &plugin.object().remote);
                    Expected::Mapped { remote, local, back: (there != sent).then_some(there) }
                }
                Asked::Rejected(rejected) => Expected::NotKept { remote, rejected },
            }
        }
        Expected::Sent { local, .. }
        | Expected::NotSent { local, .. }
        | Expected::Nothing(Input::Local(local)) => {
            let local = local.clone();
            match asked(plugin, &[Function::Validate, Function::ToRemote], &local)? {
                Asked::Row(back) => Expected::Sent { local, back },
                Asked::Rejected(rejected) => Expected::NotSent { local, rejected },
            }
        }
        Expected::Merged { sides, .. } | Expected::Nothing(Input::Merge(sides)) => {
            Expected::Merged { sides: sides.clone(), resolution: resolved(plugin, sides)? }
        }
        Expected::Law { .. } => return Err("a law cannot be blessed: mend the plugin".into()),
    })
}

enum Asked {
    Row(Row),
    Rejected(Rejected),
}

/// The first of these functions that refuses the row, or the last one's answer.
fn asked(plugin: &WasmMapper, functions: &[Function], row: &Row) -> Result<Asked, String> {
    let mut last = Row::new();
    for function in functions {
        match plugin.measure(*function, row).answer {
            Ok(answer) => last = answer.unwrap_or_default(),
            Err(Fault::Rejected(first, _)) => {
                return Ok(Asked::Rejected(rejected(&first, plugin, *function)));
            }
            Err(fault) => return Err(laws::told(plugin, *function, &fault)),
        }
    }
    Ok(Asked::Row(last))
}

fn rejected(it: &Rejection, plugin: &WasmMapper, function: Function) -> Rejected {
    let fields = plugin.input(function);
    let field = it.field.and_then(|at| fields.get(at as usize)).map(|field| field.name.clone());
    Rejected { code: it.code.clone(), field }
}

fn mapped(plugin: &WasmMapper, function: Function, row: &Row) -> Result<Row, String> {
    let answer = plugin.measure(function, row).answer;
    answer.map(Option::unwrap_or_default).map_err(|fault| laws::told(plugin, function, &fault))
}

fn validated(plugin: &WasmMapper, local: &Row) -> Result<(), String> {
    mapped(plugin, Function::Validate, local).map(|_| ())
}

fn refused(
    plugin: &WasmMapper,
    functions: &[Function],
    row: &Row,
    expected: &Rejected,
) -> Result<(), String> {
    let shown = |it: &Rejected| match &it.field {
        Some(field) => format!("{} of {field}", laws::words(&it.code)),
        None => laws::words(&it.code),
    };
    match asked(plugin, functions, row)? {
        Asked::Row(_) => Err(format!("the record is taken, expected the refusal {}", shown(expected))),
        Asked::Rejected(found) if found == *expected => Ok(()),
        Asked::Rejected(found) => {
            Err(format!("the record is refused with {}, expected {}", shown(&found), shown(expected)))
        }
    }
}

fn resolved(plugin: &WasmMapper, [base, local, remote]: &[Row; 3]) -> Result<Resolution, String> {
    let resolution = plugin
        .resolve(Sides { base, local, remote })
        .ok_or("the plugin does not export `merging`")?
        .map_err(|fault| laws::told(plugin, Function::ToLocal, &fault))?;
    Ok(match resolution {
        None => Resolution::Ask,
        Some(conflict::Resolution::Keep(Choice::KeepLocal)) => Resolution::KeepLocal,
        Some(conflict::Resolution::Keep(Choice::KeepRemote)) => Resolution::KeepRemote,
        Some(conflict::Resolution::Merged(row)) => Resolution::Row(row),
    })
}

fn word(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::KeepLocal => "keep-local",
        Resolution::KeepRemote => "keep-remote",
        Resolution::Ask => "ask",
        Resolution::Row(_) => "a merged row",
    }
}

/// The remote row that comes back: what the server keeps to itself may be left out.
fn as_sent(remote: &Row, sent: &Row, fields: &[Field]) -> Row {
    let value = |((was, sent), field): ((&Value, &Value), &Field)| {
        let left_out = *sent == Value::Absent && (field.traits.read_only || field.traits.computed);
        if left_out { Value::Absent } else { was.clone() }
    };
    remote.iter().zip(sent).zip(fields).map(value).collect()
}

fn same(what: &str, fields: &[Field], expected: &Row, found: &Row) -> Result<(), String> {
    let differ = fields.iter().zip(expected.iter().zip(found)).filter(|(_, (wanted, got))| wanted != got);
    let lines: Vec<String> = differ
        .map(|(field, (wanted, got))| {
            let (wanted, got) = (laws::shown(wanted), laws::shown(got));
            format!("\n  {}: expected {wanted}, got {got}", field.name)
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(format!("{what} gave another record:{}", lines.concat())) }
}

/// A row as a case file shows it.
pub(super) fn written(fields: &[Field], row: &Row) -> String {
    serde_json::to_string(&Named { fields, row }).unwrap_or_default()
}
