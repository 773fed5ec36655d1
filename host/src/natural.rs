//! A value as natural JSON: in the baseline, in lists and reports, and in the case files of plugins.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use std::fmt::{self, Formatter};
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
    Fitting(kind).deserialize(json).ok().flatten()
}

/// Reads what [`Natural`] wrote as a value of this kind, without a detour over a JSON tree; `None` where it is something
/// else, which is no error.
pub(crate) struct Fitting<'a>(pub(crate) &'a Kind);

impl<'de> DeserializeSeed<'de> for Fitting<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fitting<'_> {
    type Value = Option<Value>;

    fn expecting(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0.name())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<Value>, E> {
        Ok(Some(Value::Null))
    }

    fn visit_bool<E: de::Error>(self, yes: bool) -> Result<Option<Value>, E> {
        Ok((*self.0 == Kind::Boolean).then_some(Value::Boolean(yes)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<Value>, E> {
        Ok((*self.0 == Kind::Integer).then_some(Value::Integer(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<Value>, E> {
        i64::try_from(number).map_or(Ok(None), |number| self.visit_i64(number))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<Value>, E> {
        Ok(match self.0 {
            Kind::Decimal(_) => Some(Value::Decimal(text.to_owned())),
            Kind::Text(_) => Some(Value::Text(text.to_owned())),
            Kind::Date => Some(Value::Date(text.to_owned())),
            Kind::Timestamp => calendar::parse_timestamp(text).map(Value::Timestamp),
            Kind::Bytes => BASE64.decode(text).ok().map(Value::Bytes),
            Kind::Reference(_) => Some(Value::Reference(text.to_owned())),
            Kind::Boolean | Kind::Integer | Kind::Choices => None,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Option<Value>, A::Error> {
        let mut choices = Some(Vec::new());
        while let Some(choice) = from.next_element_seed(Fitting(&Kind::Text(u32::MAX)))? {
            match (&mut choices, choice) {
                (Some(choices), Some(Value::Text(choice))) => choices.push(choice),
                _ => choices = None,
            }
        }
        Ok(choices.filter(|_| *self.0 == Kind::Choices).map(Value::Choices))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Option<Value>, A::Error> {
        let mut is_empty = true;
        while from.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            is_empty = false;
        }
        Ok(is_empty.then_some(Value::Absent))
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

    #[test]
    fn what_is_of_another_kind_is_no_value() {
        let read = |json: &str, kind: &Kind| from_natural(serde_json::from_str(json).unwrap(), kind);
        assert_eq!(read("null", &Kind::Date), Some(Value::Null));
        assert_eq!(read("{}", &Kind::Integer), Some(Value::Absent));
        assert_eq!(read(r#"{"a": [1]}"#, &Kind::Integer), None);
        assert_eq!(read("true", &Kind::Integer), None);
        assert_eq!(read("-5", &Kind::Integer), Some(Value::Integer(-5)));
        assert_eq!(read("18446744073709551615", &Kind::Integer), None);
        assert_eq!(read("5.0", &Kind::Integer), None);
        assert_eq!(read("5", &Kind::Text(9)), None);
        assert_eq!(read("\"x\"", &Kind::Choices), None);
        assert_eq!(read(r#"["a", "b"]"#, &Kind::Choices), Some(Value::Choices(vec!["a".into(), "b".into()])));
        assert_eq!(read(r#"["a", 1]"#, &Kind::Choices), None);
        assert_eq!(read(r#"["a"]"#, &Kind::Text(9)), None);
        assert_eq!(read("\"no time\"", &Kind::Timestamp), None);
        assert_eq!(read("\"AQI=\"", &Kind::Bytes), Some(Value::Bytes(vec![1, 2])));
    }
}
