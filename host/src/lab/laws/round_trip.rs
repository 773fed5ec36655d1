//! What went to the other side comes back.

use super::answers::{empty_required, is_whole};
use super::{Law, Over, Sample, Verdict, fields, name, rows, shown, there_and_back, told};
use crate::plugin::{Answer, Fault, Function, WasmMapper};
use sync_core::object::Field;
use sync_core::value::{Row, Value};

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "remote-round-trip",
        says: "a remote record that is kept locally and sent again is the same, but for white space and letter case",
        over: &[Over::Remote],
        needs_one: true,
        check: round_trip,
    },
    Law {
        name: "local-round-trip",
        says: "a local record that is sent and kept again is the same, but for white space and letter case",
        over: &[Over::Local],
        needs_one: true,
        check: round_trip,
    },
    Law {
        name: "stable",
        says: "a record that went to the other side and back goes there as the very same record again",
        over: &[Over::Remote, Over::Local],
        needs_one: true,
        check: stable,
    },
];

/// A row on its way: there, and back.
struct Trip {
    there: Row,
    back: Answer,
}

/// Sends the rows that are taken there and back. Local rows that `validate` refuses are never sent.
fn travel(plugin: &WasmMapper, over: Over, rows: &[Row]) -> Vec<Option<Trip>> {
    let (there, back) = there_and_back(over);
    let valid: Vec<bool> = match over {
        Over::Remote => vec![true; rows.len()],
        Over::Local | Over::Conflicts => {
            plugin.ask(Function::Validate, rows).iter().map(Answer::is_ok).collect()
        }
    };
    let taken = plugin.ask(there, rows).into_iter().zip(valid);
    let taken: Vec<Option<Row>> = taken.map(|(it, valid)| it.ok().flatten().filter(|_| valid)).collect();
    let mut returned = plugin.ask(back, &taken.iter().flatten().collect::<Vec<_>>()).into_iter();
    taken
        .into_iter()
        .map(|there| {
            let there = there?;
            returned.next().map(|back| Trip { there, back })
        })
        .collect()
}

fn round_trip(plugin: &WasmMapper, over: Over, samples: &[Sample]) -> Vec<Verdict> {
    let rows = rows(samples);
    let (there, back) = there_and_back(over);
    let verdict = |(row, trip): (&Row, Option<Trip>)| {
        let Some(trip) = trip else { return Verdict::DoesNotApply };
        match trip.back {
            Ok(returned) => match lost(row, &returned.unwrap_or_default(), fields(plugin, over), over) {
                Some(what) => Verdict::Broken(format!("through {} and {}, {what}", name(there), name(back))),
                None => Verdict::Holds,
            },
            // The host says so itself, before it sends such a record.
            Err(Fault::Rejected(..)) if empty_required(&trip.there, plugin.output(there).1).is_some() => {
                Verdict::DoesNotApply
            }
            Err(fault @ Fault::Rejected(..)) => {
                Verdict::Broken(format!("what {} makes, {}", name(there), told(plugin, back, &fault)))
            }
            // The matter of `total` and `conforms`.
            Err(Fault::Failed(_) | Fault::Misfit { .. }) => Verdict::DoesNotApply,
        }
    };
    rows.iter().zip(travel(plugin, over, &rows)).map(verdict).collect()
}

fn stable(plugin: &WasmMapper, over: Over, samples: &[Sample]) -> Vec<Verdict> {
    let rows = rows(samples);
    let (there, _) = there_and_back(over);
    let trips = travel(plugin, over, &rows);
    let returned: Vec<&Row> =
        trips.iter().flatten().filter_map(|trip| trip.back.as_ref().ok()?.as_ref()).collect();
    let mut again = plugin.ask(there, &returned).into_iter();
    let verdict = |trip: Option<Trip>| {
        let Some(Trip { there: first, back: Ok(Some(_)) }) = trip else { return Verdict::DoesNotApply };
        match again.next() {
            Some(Ok(Some(second))) => {
                let differ = |((a, b), field): &((&Value, &Value), &Field)| a != b && counts(field, a, b);
                let mut values = first.iter().zip(&second).zip(plugin.output(there).1);
                match values.find(differ) {
                    Some(((a, b), field)) => Verdict::Broken(format!(
                        "{} gave {} for {} at first and then {}",
                        name(there),
                        shown(a),
                        field.name,
                        shown(b)
                    )),
                    None => Verdict::Holds,
                }
            }
            Some(Err(fault @ Fault::Rejected(..))) => {
                Verdict::Broken(format!("the second time, {}", told(plugin, there, &fault)))
            }
            _ => Verdict::DoesNotApply,
        }
    };
    trips.into_iter().map(verdict).collect()
}

/// Whether the record is another one for a difference in the field: what the server alone writes may be left out on
/// the way.
fn counts(field: &Field, was: &Value, is: &Value) -> bool {
    let left_out = is_the_servers(field) && (!was.is_filled() || !is.is_filled());
    !field.traits.not_compared && !left_out && *was != Value::Absent
}

fn is_the_servers(field: &Field) -> bool {
    field.traits.read_only || field.traits.computed
}

/// Whether the field of a row that is sent there has to come back. A read-only one is put back from the remote, and what
/// is sent with an insert only is left alone where the remote record is there already.
fn returns(field: &Field, over: Over) -> bool {
    let left_alone = over == Over::Remote && field.traits.create_only;
    !is_the_servers(field) && !left_alone
}

/// The first value that did not come back, in words.
fn lost(row: &Row, returned: &Row, fields: &[Field], over: Over) -> Option<String> {
    let mut values = row.iter().zip(returned).zip(fields);
    values.find_map(|((was, is), field)| {
        // What was made of an absent value and others is absent, and they are with it.
        let partial = *is == Value::Absent && !is_whole(row);
        let lost = returns(field, over) && counts(field, was, is) && !partial && !alike(was, is);
        lost.then(|| format!("{} was {} and is {}", field.name, shown(was), shown(is)))
    })
}

/// Equal, up to white space and letter case of text: mappings may tidy those.
fn alike(a: &Value, b: &Value) -> bool {
    let folded =
        |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().to_uppercase();
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a == b || folded(a) == folded(b),
        (Value::Text(blank), Value::Null) | (Value::Null, Value::Text(blank)) => blank.trim().is_empty(),
        _ => a == b,
    }
}
