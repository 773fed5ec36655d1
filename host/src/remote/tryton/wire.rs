//! Values and answers as Tryton writes them. What JSON lacks is an object with a `__class__`.

use super::mechanism::{self, Mechanism};
use crate::remote::decode::{Wire, unfit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value as Json, json};
use std::fmt;
use sync_core::calendar::{format_timestamp, parse_timestamp};
use sync_core::object::Object;
use sync_core::value::{Kind, Row, Value, canonical_decimal};

/// Reads values of one object.
#[derive(Debug)]
pub(super) struct Tryton {
    /// The fields that live in contact mechanisms: their index, and the mechanism's type.
    mechanisms: Vec<(usize, String)>,
}

impl Tryton {
    /// For an object.
    pub(super) fn new(object: &Object) -> Tryton {
        let kind = |(index, name): (usize, &str)| Some((index, mechanism::kind(name)?.to_owned()));
        let names = object.remote.iter().map(|field| field.name.as_str());
        Tryton { mechanisms: names.enumerate().filter_map(kind).collect() }
    }
}

/// What may stand in an object with a `__class__`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Tagged {
    #[serde(rename = "__class__")]
    class: String,
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
    decimal: String,
    base64: String,
}

impl Wire for Tryton {
    fn text(&self, kind: &Kind, text: &str) -> Value {
        match kind {
            Kind::Reference(_) if !text.is_empty() => Value::Reference(text.to_owned()),
            Kind::Timestamp => parse_timestamp(text).map_or_else(|| Value::text(text), Value::Timestamp),
            Kind::Decimal(_) => canonical_decimal(text).map_or_else(|| Value::text(text), Value::Decimal),
            _ => Value::text(text),
        }
    }

    fn map<'de, A: MapAccess<'de>>(&self, _: &Kind, map: A) -> Result<Value, A::Error> {
        let tagged = Tagged::deserialize(MapAccessDeserializer::new(map))?;
        let Tagged { year, month, day, hour, minute, second, microsecond, .. } = tagged;
        let date = format!("{year:04}-{month:02}-{day:02}");
        let value = match tagged.class.as_str() {
            "Decimal" => canonical_decimal(&tagged.decimal).map(Value::Decimal),
            "date" => Some(Value::Date(date)),
            "datetime" => {
                let clock = format!("{hour:02}:{minute:02}:{second:02}.{microsecond:06}");
                parse_timestamp(&format!("{date}T{clock}Z")).map(Value::Timestamp)
            }
            "bytes" => BASE64_STANDARD.decode(&tagged.base64).ok().map(Value::Bytes),
            _ => None,
        };
        Ok(value.unwrap_or_else(unfit))
    }

    fn unfold<'de, D: Deserializer<'de>>(&self, from: D, row: &mut Row) -> Result<String, D::Error> {
        let all = Vec::<Mechanism>::deserialize(from)?;
        for (index, kind) in &self.mechanisms {
            if let Some(value) = row.get_mut(*index) {
                *value = mechanism::first(&all, kind)
                    .and_then(|mechanism| mechanism.value.as_deref())
                    .map_or(Value::Null, Value::text);
            }
        }
        Ok(mechanism::stamp(&all))
    }
}

/// A value as Tryton wants it. Decimals serve fields of type float too: the server converts them.
pub(super) fn written(value: &Value) -> Json {
    match value {
        Value::Absent | Value::Null => Json::Null,
        Value::Boolean(yes) => json!(yes),
        Value::Integer(number) => json!(number),
        Value::Decimal(text) => json!({ "__class__": "Decimal", "decimal": text }),
        Value::Text(text) => json!(text),
        Value::Choices(choices) => json!(choices),
        Value::Date(date) => tagged("date", date),
        Value::Timestamp(micros) => {
            let text = format_timestamp(*micros).unwrap_or_default();
            tagged("datetime", text.trim_end_matches('Z'))
        }
        Value::Bytes(bytes) => json!({ "__class__": "bytes", "base64": BASE64_STANDARD.encode(bytes) }),
        // A link to one model is a number, one to any of several is text such as `party.party,3`.
        Value::Reference(id) => id.parse::<i64>().map_or_else(|_| json!(id), |id| json!(id)),
    }
}

/// A date or date and time in its parts: `2024-02-29T10:00:00.000000`.
fn tagged(class: &str, text: &str) -> Json {
    const PARTS: [&str; 7] = ["year", "month", "day", "hour", "minute", "second", "microsecond"];
    let mut map = serde_json::Map::new();
    map.insert("__class__".into(), json!(class));
    let numbers = text.split(['-', 'T', ':', '.']).filter_map(|part| part.parse::<u32>().ok());
    map.extend(PARTS.iter().zip(numbers).map(|(name, number)| ((*name).to_owned(), json!(number))));
    Json::Object(map)
}

/// An error of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The exception's name, or what Python says of an exception that is not Tryton's.
    pub(super) name: String,
    /// For people.
    pub(super) message: String,
}

impl Fault {
    fn of(error: &Json) -> Fault {
        let name = error.get(0).and_then(Json::as_str).unwrap_or("error").to_owned();
        // A warning has a key of its own before its text.
        let skip = usize::from(name == "UserWarning");
        let texts: Vec<&str> = match error.get(1) {
            Some(Json::String(text)) => vec![text],
            Some(Json::Array(parts)) => parts.iter().skip(skip).filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let message = texts.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ");
        Fault { message: if message.is_empty() { name.clone() } else { message }, name }
    }

    /// `user-error` for `UserError`.
    pub(super) fn code(&self) -> String {
        if !self.name.bytes().all(|b| b.is_ascii_alphanumeric()) || !self.name.starts_with(char::is_uppercase)
        {
            return "refused".into();
        }
        let mut code = String::new();
        for letter in self.name.chars() {
            if letter.is_ascii_uppercase() && !code.is_empty() {
                code.push('-');
            }
            code.push(letter.to_ascii_lowercase());
        }
        code
    }

    /// The name of which the server knows nothing: a Python KeyError shows as the name in quotes.
    pub(super) fn unknown_name(&self) -> Option<&str> {
        self.name.strip_prefix('\'')?.strip_suffix('\'').filter(|name| !name.contains('\''))
    }
}

/// Reads a JSON-RPC answer.
///
/// # Errors
/// No JSON, or none of that form.
pub(super) fn answer<'de, S: DeserializeSeed<'de>>(
    json: &'de [u8],
    seed: S,
) -> Result<Result<S::Value, Fault>, serde_json::Error> {
    let mut from = serde_json::Deserializer::from_slice(json);
    let answer = from.deserialize_map(Answer(seed))?;
    from.end()?;
    Ok(answer)
}

struct Answer<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Answer<S> {
    type Value = Result<S::Value, Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seed = Some(self.0);
        let (mut result, mut error) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match (name.as_str(), seed.take()) {
                ("result", Some(seed)) => result = Some(map.next_value_seed(seed)?),
                ("error", kept) => {
                    error = map.next_value::<Option<Json>>()?;
                    seed = kept;
                }
                (_, kept) => {
                    map.next_value::<IgnoredAny>()?;
                    seed = kept;
                }
            }
        }
        match (error, result) {
            (Some(error), _) => Ok(Err(Fault::of(&error))),
            (None, Some(result)) => Ok(Ok(result)),
            (None, None) => Err(serde::de::Error::missing_field("result")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::marker::PhantomData;

    #[test]
    fn values_are_tagged_where_json_lacks_them() {
        for (value, json) in [
            (Value::Null, json!(null)),
            (Value::Decimal("10.5".into()), json!({ "__class__": "Decimal", "decimal": "10.5" })),
            (Value::Reference("3".into()), json!(3)),
            (Value::Reference("party.party,3".into()), json!("party.party,3")),
            (
                Value::Date("2024-02-29".into()),
                json!({ "__class__": "date", "year": 2024, "month": 2, "day": 29 }),
            ),
            (
                Value::Timestamp(1_709_200_801_000_002),
                json!({ "__class__": "datetime", "year": 2024, "month": 2, "day": 29,
                        "hour": 10, "minute": 0, "second": 1, "microsecond": 2 }),
            ),
        ] {
            assert_eq!(written(&value), json);
        }
    }

    #[test]
    fn errors_are_read_in_all_their_forms() {
        let fault = |text: &str| answer(text.as_bytes(), PhantomData::<i64>).unwrap().unwrap_err();
        let error = fault(r#"{"id":1,"error":["UserError",["The code must be unique.","",null]]}"#);
        assert_eq!(
            (error.code().as_str(), error.message.as_str()),
            ("user-error", "The code must be unique.")
        );
        let error = fault(r#"{"error":["UserWarning",["key","Sure?","Really",null]]}"#);
        assert_eq!((error.code().as_str(), error.message.as_str()), ("user-warning", "Sure? Really"));
        let error = fault(r#"{"error":["'foo.bar'",""],"id":1}"#);
        assert_eq!((error.code().as_str(), error.unknown_name()), ("refused", Some("foo.bar")));
        assert_eq!(answer(br#"{"id":1,"result":7,"error":null}"#, PhantomData::<i64>).unwrap(), Ok(7));
        assert!(answer(br#"{"id":1}"#, PhantomData::<i64>).is_err());
    }
}
