//! A value as natural JSON, and a row of the baseline as a JSON array of such values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use sync_core::calendar;
use sync_core::object::Field;
use sync_core::value::{Kind, Row, Value};

/// The value as lists and reports show it: `null`, `true`, `5`, and text for everything else, bytes
/// in base64. What is absent is `null`.
pub fn natural_json(value: &Value) -> Json {
    match value {
        Value::Absent => Json::Null,
        present => serde_json::to_value(Natural(present)).unwrap_or_default(),
    }
}

/// A row as it is stored.
pub(super) fn encode_row(row: &Row) -> serde_json::Result<String> {
    serde_json::to_string(&row.iter().map(Natural).collect::<Vec<_>>())
}

/// Where each of the object's fields stands in a stored row, by the names that it was written with:
/// the row may be older than the descriptor.
pub(super) struct Layout(Vec<Option<usize>>);

impl Layout {
    /// Compares the stored names with the fields of today.
    pub(super) fn new(stored: &[String], fields: &[Field]) -> Layout {
        let position = |field: &Field| stored.iter().position(|name| *name == field.name);
        Layout(fields.iter().map(position).collect())
    }

    /// Reads a stored row. A field that it does not know, or whose value is no longer of the
    /// field's kind, is absent: nothing is known of what the sides agreed on.
    pub(super) fn decode(&self, text: &str, fields: &[Field]) -> serde_json::Result<Row> {
        let mut values: Vec<Json> = serde_json::from_str(text)?;
        let read = |(position, field): (&Option<usize>, &Field)| {
            let stored = position.and_then(|position| values.get_mut(position)).map(std::mem::take);
            stored.map_or(Value::Absent, |json| from_natural(json, &field.kind))
        };
        Ok(self.0.iter().zip(fields).map(read).collect())
    }
}

/// Writes a value without a detour over a JSON tree. Absent is the empty object, which no value is.
struct Natural<'a>(&'a Value);

impl Serialize for Natural<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Absent => to.serialize_map(Some(0))?.end(),
            Value::Null => to.serialize_unit(),
            Value::Boolean(yes) => to.serialize_bool(*yes),
            Value::Integer(number) => to.serialize_i64(*number),
            Value::Decimal(text) | Value::Text(text) | Value::Date(text) | Value::Reference(text) => {
                to.serialize_str(text)
            }
            Value::Choices(choices) => choices.serialize(to),
            Value::Timestamp(micros) => match calendar::format_timestamp(*micros) {
                Some(timestamp) => to.serialize_str(&timestamp),
                None => to.serialize_i64(*micros),
            },
            Value::Bytes(bytes) => to.serialize_str(&BASE64.encode(bytes)),
        }
    }
}

fn from_natural(json: Json, kind: &Kind) -> Value {
    let read = match (json, kind) {
        (Json::Null, _) => Some(Value::Null),
        (Json::Bool(yes), Kind::Boolean) => Some(Value::Boolean(yes)),
        (Json::Number(number), Kind::Integer) => number.as_i64().map(Value::Integer),
        (Json::String(text), Kind::Decimal(_)) => Some(Value::Decimal(text)),
        (Json::String(text), Kind::Text(_)) => Some(Value::Text(text)),
        (Json::String(text), Kind::Date) => Some(Value::Date(text)),
        (Json::String(text), Kind::Timestamp) => calendar::parse_timestamp(&text).map(Value::Timestamp),
        (Json::String(text), Kind::Bytes) => BASE64.decode(text).ok().map(Value::Bytes),
        (Json::String(text), Kind::Reference(_)) => Some(Value::Reference(text)),
        (choices @ Json::Array(_), Kind::Choices) => serde_json::from_value(choices).ok().map(Value::Choices),
        _ => None,
    };
    let fitting = read.and_then(|mut value| value.conform(kind).is_ok().then_some(value));
    fitting.unwrap_or(Value::Absent)
}
