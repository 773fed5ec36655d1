//! Values as the described server writes them.

use super::moments::{Moments, fraction, midnight};
use super::template::{Bound, quoted};
use crate::remote::decode::{Wire, decimal_of};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sync_core::value::{Kind, Value, canonical_decimal};

/// How values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forms {
    pub(super) timestamps: Moments,
    pub(super) dates: Moments,
    /// Texts for yes and no; none: JSON's own.
    pub(super) booleans: Option<(String, String)>,
    pub(super) numbers_as_text: bool,
    pub(super) ids_as_text: bool,
    pub(super) versions_as_text: bool,
    /// The separator of a text that holds several; none: a list.
    pub(super) choices: Option<String>,
    /// The text that null is sent as; none: null.
    pub(super) null: Option<String>,
    /// Texts that are read as null.
    pub(super) nulls: Vec<String>,
}

impl Default for Forms {
    fn default() -> Forms {
        Forms {
            timestamps: Moments::Iso,
            dates: Moments::Iso,
            booleans: None,
            numbers_as_text: false,
            ids_as_text: true,
            versions_as_text: false,
            choices: None,
            null: None,
            nulls: Vec::new(),
        }
    }
}

impl Wire for Forms {
    fn text(&self, kind: &Kind, text: &str) -> Value {
        if text.is_empty() || self.nulls.iter().any(|null| null == text) {
            return Value::Null;
        }
        let value = match kind {
            Kind::Text(_) => None,
            Kind::Boolean => {
                let (yes, no) =
                    self.booleans.as_ref().map_or(("true", "false"), |(yes, no)| (yes.as_str(), no.as_str()));
                (text == yes)
                    .then_some(Value::Boolean(true))
                    .or((text == no).then_some(Value::Boolean(false)))
            }
            Kind::Integer => canonical_decimal(text).and_then(|text| text.parse().ok()).map(Value::Integer),
            Kind::Decimal(_) => canonical_decimal(text).map(Value::Decimal),
            Kind::Date => self.dates.date(text).map(Value::Date),
            Kind::Timestamp => self.timestamps.instant(text).map(Value::Timestamp),
            Kind::Reference(_) => Some(Value::Reference(text.to_owned())),
            Kind::Bytes => BASE64_STANDARD.decode(text).ok().map(Value::Bytes),
            Kind::Choices => {
                let parts: Vec<&str> = match &self.choices {
                    Some(separator) => text.split(separator.as_str()).map(str::trim).collect(),
                    None => vec![text],
                };
                let mut choices: Vec<String> =
                    parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect();
                choices.sort_unstable();
                choices.dedup();
                Some(if choices.is_empty() { Value::Null } else { Value::Choices(choices) })
            }
        };
        value.unwrap_or_else(|| Value::Text(text.to_owned()))
    }

    fn integer(&self, kind: &Kind, number: i64) -> Option<Value> {
        match kind {
            Kind::Timestamp => self.timestamps.of_number(number).map(Value::Timestamp),
            Kind::Date => midnight(self.dates.of_number(number)?).map(Value::Date),
            Kind::Boolean => match self.text(kind, &number.to_string()) {
                yes @ Value::Boolean(_) => Some(yes),
                _ => None,
            },
            _ => None,
        }
    }

    fn fraction(&self, kind: &Kind, number: f64) -> Option<Value> {
        match kind {
            Kind::Timestamp => fraction(number, self.timestamps.unit()?).map(Value::Timestamp),
            Kind::Text(_) => decimal_of(number).map(Value::Text),
            _ => None,
        }
    }

    fn wrapper(&self) -> Option<&'static str> {
        None
    }
}

impl Forms {
    /// A value as it is sent.
    pub(super) fn bound(&self, value: &Value) -> Bound {
        let text = |text: &str| Bound::Text(text.to_owned());
        let moment = |form: &Moments, written: Option<String>| match (form.unit(), written) {
            (Some(_), Some(number)) => Bound::Raw(number),
            (_, written) => Bound::Text(written.unwrap_or_default()),
        };
        match value {
            Value::Absent | Value::Null => match &self.null {
                Some(null) => text(null),
                None => Bound::Raw("null".into()),
            },
            Value::Boolean(yes) => match &self.booleans {
                Some((yes_text, no_text)) => text(if *yes { yes_text } else { no_text }),
                None => Bound::Raw(yes.to_string()),
            },
            Value::Integer(number) => number_or_text(number.to_string(), self.numbers_as_text),
            // A canonical decimal is a number of JSON, digit by digit.
            Value::Decimal(number) => number_or_text(number.clone(), self.numbers_as_text),
            Value::Text(it) => text(it),
            Value::Choices(all) => match &self.choices {
                Some(separator) => Bound::Text(all.join(separator)),
                None => {
                    let all: Vec<String> = all.iter().map(|one| quoted(one)).collect();
                    Bound::Raw(format!("[{}]", all.join(",")))
                }
            },
            Value::Date(date) => moment(&self.dates, self.dates.date_written(date)),
            Value::Timestamp(micros) => moment(&self.timestamps, self.timestamps.instant_written(*micros)),
            Value::Bytes(bytes) => Bound::Text(BASE64_STANDARD.encode(bytes)),
            Value::Reference(id) => self.id(id),
        }
    }

    /// An id as it is sent.
    pub(super) fn id(&self, id: &str) -> Bound {
        number_or_text(id.to_owned(), self.ids_as_text || !is_number(id))
    }

    /// A version, or a last-updated stamp, as it is sent.
    pub(super) fn version(&self, version: &str) -> Bound {
        number_or_text(version.to_owned(), self.versions_as_text || !is_number(version))
    }

    /// Whether the server keeps a value as it was sent, in the precision of what is sent.
    pub(super) fn same(&self, sent: &Value, found: &Value) -> bool {
        sent == found || (found.is_filled() && self.bound(sent) == self.bound(found))
    }
}

fn number_or_text(number: String, as_text: bool) -> Bound {
    if as_text { Bound::Text(number) } else { Bound::Raw(number) }
}

/// Whether a text is a whole number as JSON writes it.
fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Moments {
        Moments::Pattern(text.into())
    }

    #[test]
    fn values_are_written_as_they_are_read() {
        let micros = 1_709_200_801_000_000;
        let plain = Forms::default();
        let odd = Forms {
            timestamps: Moments::Seconds,
            dates: pattern("%d.%m.%Y"),
            booleans: Some(("Y".into(), "N".into())),
            numbers_as_text: true,
            ids_as_text: false,
            choices: Some(";".into()),
            ..Forms::default()
        };
        for (forms, kind, value, json) in [
            (&plain, Kind::Boolean, Value::Boolean(true), "true"),
            (&plain, Kind::Integer, Value::Integer(-7), "-7"),
            (
                &plain,
                Kind::Decimal(9),
                Value::Decimal("12345678901234567.123456789".into()),
                "12345678901234567.123456789",
            ),
            (&plain, Kind::Timestamp, Value::Timestamp(micros), r#""2024-02-29T10:00:01.000000Z""#),
            (&plain, Kind::Date, Value::Date("2024-02-29".into()), r#""2024-02-29""#),
            (&plain, Kind::Reference("a".into()), Value::Reference("7".into()), r#""7""#),
            (&plain, Kind::Bytes, Value::Bytes(vec![1, 2]), r#""AQI=""#),
            (&odd, Kind::Boolean, Value::Boolean(false), r#""N""#),
            (&odd, Kind::Decimal(2), Value::Decimal("10.5".into()), r#""10.5""#),
            (&odd, Kind::Timestamp, Value::Timestamp(micros), "1709200801"),
            (&odd, Kind::Date, Value::Date("2024-02-29".into()), r#""29.02.2024""#),
            (&odd, Kind::Reference("a".into()), Value::Reference("7".into()), "7"),
            (&odd, Kind::Reference("a".into()), Value::Reference("007".into()), r#""007""#),
            (&odd, Kind::Choices, Value::Choices(vec!["a".into(), "b".into()]), r#""a;b""#),
        ] {
            let bound = forms.bound(&value);
            assert_eq!(bound.json(), json);
            assert_eq!(forms.text(&kind, &bound.plain()), value, "{json}");
        }
        assert_eq!(plain.bound(&Value::Null).json(), "null");
        assert_eq!(plain.bound(&Value::Choices(vec!["a\"".into()])).json(), r#"["a\""]"#);
        let empty = Forms { null: Some(String::new()), nulls: vec!["n/a".into()], ..Forms::default() };
        assert_eq!(empty.bound(&Value::Null).json(), r#""""#);
        assert_eq!(empty.text(&Kind::Integer, "n/a"), Value::Null);
    }

    #[test]
    fn numbers_are_times_where_that_is_described() {
        let forms = Forms { timestamps: Moments::Seconds, dates: Moments::Milliseconds, ..Forms::default() };
        assert_eq!(forms.integer(&Kind::Timestamp, 1), Some(Value::Timestamp(1_000_000)));
        assert_eq!(forms.integer(&Kind::Date, 86_400_000), Some(Value::Date("1970-01-02".into())));
        assert_eq!(forms.fraction(&Kind::Timestamp, 1.5), Some(Value::Timestamp(1_500_000)));
        assert_eq!(forms.integer(&Kind::Integer, 1), None);
    }

    #[test]
    fn what_fits_no_form_stays_text() {
        let forms = Forms::default();
        for (kind, text) in [
            (Kind::Boolean, "yes"),
            (Kind::Integer, "1.5"),
            (Kind::Date, "29.02.2024"),
            (Kind::Timestamp, "1709200801"),
        ] {
            assert_eq!(forms.text(&kind, text), Value::Text(text.into()));
        }
    }
}
