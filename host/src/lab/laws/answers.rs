//! What every answer must be.

use super::{Law, Over, Sample, Verdict, fields, functions, rows, there_and_back, told, words};
use crate::plugin::{Answer, Fault, Function, Rejection, WasmMapper};
use sync_core::object::Field;
use sync_core::value::{Row, Value};

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "total",
        says: "every row is mapped or refused, within the limits",
        over: &[Over::Remote, Over::Local],
        needs_one: false,
        check: |plugin, over, samples| {
            each(plugin, over, samples, |function, _, answer| match answer {
                Err(fault @ Fault::Failed(_)) => Verdict::Broken(told(plugin, function, fault)),
                _ => Verdict::Holds,
            })
        },
    },
    Law {
        name: "conforms",
        says: "every row that comes back is as `describe` says: as many values, each of its kind, in its length and canonical",
        over: &[Over::Remote, Over::Local],
        needs_one: true,
        check: |plugin, over, samples| {
            each(plugin, over, samples, |function, _, answer| match answer {
                Err(fault @ Fault::Misfit { .. }) => Verdict::Broken(told(plugin, function, fault)),
                Ok(Some(_)) => Verdict::Holds,
                _ => Verdict::DoesNotApply,
            })
        },
    },
    Law {
        name: "required-is-kept",
        says: "a row with all that its side requires becomes a row with all that the other side requires",
        over: &[Over::Remote, Over::Local],
        needs_one: false,
        check: required_is_kept,
    },
    Law {
        name: "absent-is-not-null",
        says: "a value that was not sent becomes no empty one, which would clear what the other side has",
        over: &[Over::Remote, Over::Local],
        needs_one: false,
        check: absent_is_not_null,
    },
    Law {
        name: "refusals-are-clear",
        says: "a refusal has a kebab-case code, a field that exists, and a lowercase message without the record's data",
        over: &[Over::Remote, Over::Local],
        needs_one: false,
        check: |plugin, over, samples| {
            each(plugin, over, samples, |function, row, answer| {
                let Err(Fault::Rejected(first, others)) = answer else { return Verdict::DoesNotApply };
                let fields = plugin.input(function);
                let unclear = std::iter::once(first).chain(others).find_map(|it| unclear(it, fields, row));
                match unclear {
                    Some(why) => Verdict::Broken(format!("{}: {why}", super::name(function))),
                    None => Verdict::Holds,
                }
            })
        },
    },
];

/// The first verdict of the side's functions that is not in order, else whether it applied to any.
fn each(
    plugin: &WasmMapper,
    over: Over,
    samples: &[Sample],
    check: impl Fn(Function, &Row, &Answer) -> Verdict,
) -> Vec<Verdict> {
    let rows = rows(samples);
    let mut verdicts = vec![Verdict::DoesNotApply; rows.len()];
    for function in functions(over) {
        for ((row, answer), verdict) in rows.iter().zip(plugin.ask(*function, &rows)).zip(&mut verdicts) {
            match (&*verdict, check(*function, row, &answer)) {
                (Verdict::Broken(_), _) | (_, Verdict::DoesNotApply) => {}
                (_, found) => *verdict = found,
            }
        }
    }
    verdicts
}

/// The first of the required fields that is empty, or blank: mappings may take white space away.
pub(super) fn empty_required<'a>(row: &Row, fields: &'a [Field]) -> Option<&'a Field> {
    let is_blank = |value: &Value| matches!(value, Value::Text(text) if text.trim().is_empty());
    let empty =
        |(value, field): &(&Value, &Field)| field.traits.required && (!value.is_filled() || is_blank(value));
    row.iter().zip(fields).find(empty).map(|(_, field)| field)
}

/// Whether every value of the row was sent: of another one, little can be asked.
pub(super) fn is_whole(row: &Row) -> bool {
    !row.contains(&Value::Absent)
}

fn required_is_kept(plugin: &WasmMapper, over: Over, samples: &[Sample]) -> Vec<Verdict> {
    let (there, _) = there_and_back(over);
    let rows = rows(samples);
    let verdict = |(row, answer): (&Row, Answer)| match answer {
        Ok(Some(mapped)) if is_whole(row) && empty_required(row, fields(plugin, over)).is_none() => {
            match empty_required(&mapped, plugin.output(there).1) {
                // What the server sets, it sets.
                Some(field) if !field.traits.computed && !field.traits.read_only => {
                    Verdict::Broken(format!("{} leaves {} empty", super::name(there), field.name))
                }
                _ => Verdict::Holds,
            }
        }
        _ => Verdict::DoesNotApply,
    };
    rows.iter().zip(plugin.ask(there, &rows)).map(verdict).collect()
}

fn absent_is_not_null(plugin: &WasmMapper, over: Over, samples: &[Sample]) -> Vec<Verdict> {
    let (there, _) = there_and_back(over);
    let rows = rows(samples);
    let fields = fields(plugin, over);
    // One row more for each value that is filled: the same without it.
    let mut probes = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for field in (0..row.len()).filter(|field| row[*field].is_filled()) {
            let mut probe = row.clone();
            probe[field] = Value::Absent;
            probes.push((at, field, probe));
        }
    }
    let whole = plugin.ask(there, &rows);
    let without = plugin.ask(there, &probes.iter().map(|(_, _, row)| row).collect::<Vec<_>>());
    let mut verdicts = vec![Verdict::DoesNotApply; rows.len()];
    for ((at, field, _), without) in probes.iter().zip(without) {
        let (Ok(Some(whole)), Ok(Some(without))) = (&whole[*at], without) else { continue };
        let cleared = whole.iter().zip(&without).position(|(was, is)| was.is_filled() && *is == Value::Null);
        verdicts[*at] = match (&verdicts[*at], cleared.and_then(|at| plugin.output(there).1.get(at))) {
            (Verdict::Broken(why), _) => Verdict::Broken(why.clone()),
            (_, Some(cleared)) => Verdict::Broken(format!(
                "where {} is absent, {} gives null for {}",
                fields[*field].name,
                super::name(there),
                cleared.name
            )),
            (_, None) => Verdict::Holds,
        };
    }
    verdicts
}

/// Shortest text of a record that a message is searched for: shorter ones are words of the language, too.
const TELLING: usize = 4;

fn unclear(it: &Rejection, fields: &[Field], row: &Row) -> Option<String> {
    if !it.has_usable_code() {
        return Some(format!(
            "the code {:?} is not kebab-case, or is one of the host's own",
            words(&it.code)
        ));
    }
    if it.field.is_some_and(|at| at as usize >= fields.len()) {
        return Some(format!("there is no field {}", it.field.unwrap_or_default()));
    }
    let begins_well =
        it.message.chars().next().is_some_and(|first| !first.is_uppercase() && !first.is_whitespace());
    if !begins_well || it.message.chars().any(char::is_control) {
        return Some(format!("the message {:?} is no lowercase fragment", words(&it.message)));
    }
    let told = row.iter().any(|value| {
        let text = match value {
            Value::Text(text) | Value::Decimal(text) | Value::Date(text) | Value::Reference(text) => {
                text.as_str()
            }
            _ => return false,
        };
        text.chars().count() >= TELLING && it.message.contains(text)
    });
    told.then(|| "the message tells the record's data, which then stands in logs".to_owned())
}
