//! Values in OData's JSON. Numbers are read digit by digit: a decimal of the server's has more digits
//! than a binary fraction keeps.

use super::schema::Edm;
use super::shape::Shape;
use crate::remote::decode::{Wire, binary, decimal_of, plain};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use sync_core::calendar::{canonical_date, format_timestamp, parse_timestamp};
use sync_core::value::{Kind, Value, canonical_decimal};

/// Separates the flags of an enumeration, and multiple choices that are kept as text.
const COMMA: char = ',';

impl Wire for Shape {
    /// What is not in OData's form stays the text that it is: the check of the row finds it.
    fn text(&self, kind: &Kind, text: &str) -> Value {
        if text.is_empty() {
            return Value::Null;
        }
        let value = match kind {
            Kind::Text(_) | Kind::Boolean => None,
            Kind::Integer => canonical_decimal(text).and_then(|text| text.parse().ok()).map(Value::Integer),
            Kind::Decimal(_) => canonical_decimal(text).map(Value::Decimal),
            Kind::Date => canonical_date(text).map(Value::Date),
            Kind::Timestamp => instant(text).map(Value::Timestamp),
            Kind::Reference(_) => Some(Value::Reference(text.to_owned())),
            Kind::Bytes => bytes(text).map(Value::Bytes),
            Kind::Choices => {
                let parts = text.split(COMMA).map(str::trim).filter(|part| !part.is_empty());
                let mut choices: Vec<String> = parts.map(str::to_owned).collect();
                choices.sort_unstable();
                choices.dedup();
                Some(if choices.is_empty() { Value::Null } else { Value::Choices(choices) })
            }
        };
        value.unwrap_or_else(|| Value::Text(text.to_owned()))
    }

    fn value<'de, D: Deserializer<'de>>(
        &self,
        field: usize,
        kind: &Kind,
        from: D,
    ) -> Result<Value, D::Error> {
        // Noise such as 0.30000000000000004 is no part of a binary fraction's value.
        let is_binary = self.columns.get(field).is_some_and(|column| column.edm == Edm::Double);
        if is_binary {
            return binary(self, kind, from);
        }
        if !matches!(kind, Kind::Decimal(_) | Kind::Integer) {
            return plain(self, kind, from);
        }
        let raw = <&RawValue>::deserialize(from)?.get();
        if raw.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Ok(self.text(kind, raw));
        }
        plain(self, kind, &mut serde_json::Deserializer::from_str(raw)).map_err(D::Error::custom)
    }

    fn wrapper(&self) -> Option<&'static str> {
        None
    }
}

/// The instant of a date and time with its offset, however many digits its fraction has.
pub(super) fn instant(text: &str) -> Option<i64> {
    const MOST_DIGITS: usize = 9;
    let Some(point) = text.find('.') else { return parse_timestamp(text) };
    let fraction = &text[point + 1..];
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits <= MOST_DIGITS {
        return parse_timestamp(text);
    }
    parse_timestamp(&format!("{}{}", &text[..=point + MOST_DIGITS], &fraction[digits..]))
}

/// In the alphabet for addresses, as the standard has it, or in the other, as some servers have it.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
    engine.decode(text.replace('+', "-").replace('/', "_")).ok()
}

/// A value as the server wants it in JSON.
pub(super) fn written(value: &Value, edm: &Edm) -> Json {
    match (value, edm) {
        (Value::Absent | Value::Null, _) => Json::Null,
        (Value::Boolean(yes), _) => json!(yes),
        (Value::Integer(number), edm) if !edm.is_exact() => json!(number),
        (Value::Bytes(bytes), _) => json!(URL_SAFE.encode(bytes)),
        (Value::Choices(choices), Edm::Collection(_)) => json!(choices),
        (value, Edm::Integer) => text(value, edm).parse::<i64>().map_or(Json::Null, |number| json!(number)),
        (value, Edm::Double) => text(value, edm).parse::<f64>().map_or(Json::Null, |number| json!(number)),
        (value, _) => json!(text(value, edm)),
    }
}

/// A value as text, as the server has it; null and absent are empty.
pub(super) fn text(value: &Value, edm: &Edm) -> String {
    match value {
        Value::Absent | Value::Null => String::new(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(text) | Value::Text(text) | Value::Reference(text) | Value::Date(text) => text.clone(),
        Value::Choices(choices) => choices.join(","),
        Value::Timestamp(micros) => {
            let text = format_timestamp(*micros).unwrap_or_default();
            let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
            let kept = match edm {
                Edm::DateTimeOffset(Some(digits)) => fraction.get(..usize::from(*digits)).unwrap_or(fraction),
                _ => fraction,
            };
            match kept.trim_end_matches('0') {
                "" => format!("{whole}Z"),
                fraction => format!("{whole}.{fraction}Z"),
            }
        }
        Value::Bytes(bytes) => URL_SAFE.encode(bytes),
    }
}

/// Whether two values are one as far as the server keeps them.
pub(super) fn same(a: &Value, b: &Value, edm: &Edm) -> bool {
    match edm {
        Edm::Double => {
            let number = |value: &Value| text(value, edm).parse().ok().and_then(decimal_of);
            a == b || number(a).is_some_and(|a| number(b) == Some(a))
        }
        _ => a.is_filled() == b.is_filled() && text(a, edm) == text(b, edm),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Column;
    use super::*;

    fn shape(edms: &[Edm]) -> Shape {
        let column = |edm: &Edm| Column { edm: edm.clone(), bind: None };
        Shape { key: Edm::Guid, columns: edms.iter().map(column).collect(), exact: true }
    }

    fn read(edm: Edm, kind: &Kind, json: &str) -> Value {
        shape(&[edm]).value(0, kind, &mut serde_json::Deserializer::from_str(json)).unwrap()
    }

    #[test]
    fn numbers_are_read_digit_by_digit() {
        let decimal = |edm, json: &str| read(edm, &Kind::Decimal(9), json);
        let exact = Edm::Decimal { whole: false };
        for (json, text) in [
            ("1234567890123456789.123456789", "1234567890123456789.123456789"),
            ("\"1234567890123456789.10\"", "1234567890123456789.1"),
            ("-0.10", "-0.1"),
            ("12e2", "1200"),
            ("0.1000000000000000055", "0.1000000000000000055"),
        ] {
            assert_eq!(decimal(exact.clone(), json), Value::Decimal(text.into()), "{json}");
        }
        assert_eq!(decimal(Edm::Double, "0.30000000000000004"), Value::Decimal("0.3".into()));
        assert_eq!(decimal(exact, "null"), Value::Null);
        for (json, number) in [("9223372036854775807", i64::MAX), ("\"-12\"", -12), ("3.0", 3)] {
            assert_eq!(read(Edm::Int64, &Kind::Integer, json), Value::Integer(number), "{json}");
        }
        assert_eq!(
            read(Edm::Int64, &Kind::Integer, "9223372036854775808"),
            Value::Text("9223372036854775808".into())
        );
    }

    #[test]
    fn values_go_there_and_back() {
        let kinds = [
            (Kind::Text(9), Edm::String, json!("O'Hara"), Value::Text("O'Hara".into())),
            (Kind::Boolean, Edm::Boolean, json!(true), Value::Boolean(true)),
            (Kind::Integer, Edm::Integer, json!(-7), Value::Integer(-7)),
            (Kind::Integer, Edm::Int64, json!("7"), Value::Integer(7)),
            (Kind::Decimal(2), Edm::Decimal { whole: false }, json!("12.5"), Value::Decimal("12.5".into())),
            (Kind::Decimal(2), Edm::Double, json!(12.5), Value::Decimal("12.5".into())),
            (Kind::Date, Edm::Date, json!("2024-02-29"), Value::Date("2024-02-29".into())),
            (
                Kind::Timestamp,
                Edm::DateTimeOffset(None),
                json!("1970-01-01T00:00:01.25Z"),
                Value::Timestamp(1_250_000),
            ),
            (Kind::Bytes, Edm::Binary, json!("-_8="), Value::Bytes(vec![0xfb, 0xff])),
            (
                Kind::Choices,
                Edm::Collection(Box::new(Edm::String)),
                json!(["a", "b"]),
                Value::Choices(vec!["a".into(), "b".into()]),
            ),
            (
                Kind::Choices,
                Edm::Enum("C.Flags".into()),
                json!("a,b"),
                Value::Choices(vec!["a".into(), "b".into()]),
            ),
            (Kind::Reference("x".into()), Edm::Guid, json!("aa-b"), Value::Reference("aa-b".into())),
            (Kind::Reference("x".into()), Edm::Integer, json!(3), Value::Reference("3".into())),
            (Kind::Text(9), Edm::String, Json::Null, Value::Null),
        ];
        for (kind, edm, json, value) in kinds {
            assert_eq!(read(edm.clone(), &kind, &json.to_string()), value, "{json}");
            assert_eq!(written(&value, &edm), json, "{value:?}");
        }
    }

    #[test]
    fn instants_have_any_fraction_and_offset() {
        let expected = parse_timestamp("2024-02-29T10:00:00.123456Z");
        for text in [
            "2024-02-29T10:00:00.123456Z",
            "2024-02-29T10:00:00.1234567Z",
            "2024-02-29T12:00:00.123456789012+02:00",
            "2024-02-29T04:30:00.123456-05:30",
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
        let stamp = Value::Timestamp(expected.unwrap());
        assert_eq!(text(&stamp, &Edm::DateTimeOffset(Some(3))), "2024-02-29T10:00:00.123Z");
        assert_eq!(text(&stamp, &Edm::DateTimeOffset(Some(0))), "2024-02-29T10:00:00Z");
    }

    #[test]
    fn bytes_come_in_either_alphabet() {
        for text in ["-_8=", "-_8", "+/8="] {
            assert_eq!(bytes(text), Some(vec![0xfb, 0xff]), "{text}");
        }
    }
}
