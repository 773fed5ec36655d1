//! A value as natural JSON: in the baseline, in lists and reports, and in the case files of plugins.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use sync_core::calendar;
use sync_core::value::{Kind, Value};

/// The value as lists and reports show it: `null`, `true`, `5`, and text for everything else, bytes
/// in base64. What is absent is `null`.
pub(crate) fn natural_json(value: &Value) -> Json {
    match value {
        Value::Absent => Json::Null,
        present => serde_json::to_value(Natural(present)).unwrap_or_default(),
    }
}

/// Writes a value without a detour over a JSON tree. Absent is the empty object, which no value is.
pub(crate) struct Natural<'a>(pub(crate) &'a Value);

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

/// Reads a value of this kind; `None` where it is something else. Whether it is canonical is not checked.
pub(crate) fn from_natural(json: Json, kind: &Kind) -> Option<Value> {
    match (json, kind) {
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
        (Json::Object(empty), _) if empty.is_empty() => Some(Value::Absent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_show_natural_json() {
        for (value, expected) in [
            (Value::Absent, "null"),
            (Value::Null, "null"),
            (Value::Boolean(true), "true"),
            (Value::Integer(5), "5"),
            (Value::Decimal("10.5".into()), "\"10.5\""),
            (Value::Timestamp(0), "\"1970-01-01T00:00:00.000000Z\""),
            (Value::Reference("5".into()), "\"5\""),
            (Value::Bytes(vec![1, 2]), "\"AQI=\""),
        ] {
            assert_eq!(natural_json(&value).to_string(), expected);
        }
    }
}
