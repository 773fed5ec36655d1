//! What a resource holds, as far as a sample of its records tells: for servers that say of no field what it is.

use super::decode::Wire;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use std::collections::HashSet;
use std::fmt;
use sync_core::value::{Kind, Value};

/// Lengths that a text column is given: the first with twice the room of the longest value seen.
const LENGTHS: [u32; 7] = [100, 250, 500, 1_000, 2_000, 4_000, 16_000];

/// The kind of a field of which these texts were seen: a day, a point in time or a number where all of them can be read as
/// one, else text; and what is uncertain about that.
pub(super) fn kind_of(wire: &impl Wire, name: &str, texts: &[&str]) -> (Kind, Option<String>) {
    let all = |is: &dyn Fn(&str) -> bool| texts.iter().all(|text| is(text));
    let reads = |kind: Kind| move |text: &str| !matches!(wire.text(&kind, text), Value::Text(_));
    if all(&|text| !text.contains(':') && reads(Kind::Date)(text)) {
        return (Kind::Date, None);
    }
    if all(&reads(Kind::Timestamp)) {
        return (Kind::Timestamp, None);
    }
    if !all(&reads(Kind::Decimal(0))) {
        return (Kind::Text(length(texts)), None);
    }
    if is_a_code(name) {
        let note = "Only numbers were seen, but by its name it is a text of digits.";
        return (Kind::Text(length(texts)), Some(note.to_owned()));
    }
    let digits =
        texts.iter().map(|text| text.split_once('.').map_or(0, |(_, fraction)| fraction.len())).max();
    match digits.unwrap_or(0) {
        // A leading zero, or more digits than a number of 64 bits has, would be lost.
        0 if all(&|text| text.parse::<i64>().is_ok_and(|number| number.to_string() == text)) => {
            (Kind::Integer, None)
        }
        0 => (Kind::Text(length(texts)), None),
        // Money has two digits, also where one was enough for what was seen.
        digits => (Kind::Decimal(u8::try_from(digits.max(2)).unwrap_or(u8::MAX)), None),
    }
}

/// Whether its name says that the digits are no number: nobody adds up phone numbers.
fn is_a_code(name: &str) -> bool {
    let lower = name.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    name.contains('#')
        || words.any(|word| matches!(word, "phone" | "fax" | "postal" | "zip" | "code" | "uid"))
        // "Number of Employees" is one.
        || lower.ends_with(" number")
}

/// So many records, in words.
pub(super) fn counted(records: usize) -> String {
    if records == 1 { "one record".to_owned() } else { format!("{records} records") }
}

/// A length that leaves room.
pub(super) fn length(texts: &[&str]) -> u32 {
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let wanted = u32::try_from(longest).unwrap_or(u32::MAX).saturating_mul(2);
    LENGTHS.into_iter().find(|length| *length >= wanted).unwrap_or(wanted)
}

/// All names, in the order in which the server has them.
pub(super) fn names(records: &[Record]) -> Vec<&str> {
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    for (name, _) in records.iter().flat_map(|record| &record.0) {
        if seen.insert(name) {
            names.push(name.as_str());
        }
    }
    names
}

/// A record in the server's own order, which a map would lose.
#[derive(Debug)]
pub(super) struct Record(pub(super) Vec<(String, Json)>);

impl Record {
    /// The text under a name; empty where there is none.
    pub(super) fn text(&self, name: &str) -> String {
        match self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// How many of its fields hold something.
    pub(super) fn filled(&self) -> usize {
        let empty = |value: &Json| value.is_null() || value.as_str() == Some("");
        self.0.iter().filter(|(_, value)| !empty(value)).count()
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Record, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Record(fields))
            }
        }
        from.deserialize_map(InOrder)
    }
}
