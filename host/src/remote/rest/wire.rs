//! Values as the described server writes them.

use super::template::Bound;
use crate::remote::decode::{Wire, decimal_of};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use sync_core::calendar::{canonical_date, format_timestamp, parse_timestamp};
use sync_core::value::{Kind, Value, canonical_decimal};

use super::template::quoted;

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

/// How points in time are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moments {
    /// `2024-02-29T10:00:00Z`, or the date of it.
    Iso,
    /// Since 1970, in UTC.
    Seconds,
    /// The same, finer.
    Milliseconds,
    /// The same, finest.
    Microseconds,
    /// By `strftime`'s letters, in UTC unless the offset is one of them.
    Pattern(String),
}

impl Moments {
    /// Microseconds of one unit, for numbers.
    fn unit(&self) -> Option<i64> {
        match self {
            Moments::Seconds => Some(1_000_000),
            Moments::Milliseconds => Some(1_000),
            Moments::Microseconds => Some(1),
            Moments::Iso | Moments::Pattern(_) => None,
        }
    }

    fn of_number(&self, number: i64) -> Option<i64> {
        number.checked_mul(self.unit()?)
    }

    /// Microseconds since 1970.
    pub(super) fn instant(&self, text: &str) -> Option<i64> {
        match self {
            Moments::Iso => parse_timestamp(text),
            Moments::Pattern(pattern) => {
                let parsed = strtime::parse(pattern, text).ok()?;
                let instant = match parsed.offset() {
                    Some(_) => parsed.to_timestamp().ok()?,
                    None => {
                        let midnight = |date: Date| date.at(0, 0, 0, 0);
                        let local = parsed.to_datetime().or_else(|_| parsed.to_date().map(midnight)).ok()?;
                        TimeZone::UTC.to_timestamp(local).ok()?
                    }
                };
                Some(instant.as_microsecond())
            }
            _ => match text.parse() {
                Ok(number) => self.of_number(number),
                Err(_) => fraction(text.parse().ok()?, self.unit()?),
            },
        }
    }

    /// `YYYY-MM-DD`, of a day or of its midnight.
    pub(super) fn date(&self, text: &str) -> Option<String> {
        match self {
            Moments::Iso => {
                let (day, clock) = text.split_once(['T', ' ']).unwrap_or((text, ""));
                let midnight = clock.bytes().all(|b| matches!(b, b'0' | b':' | b'.' | b'Z'));
                midnight.then(|| canonical_date(day))?
            }
            _ => midnight(self.instant(text)?),
        }
    }

    fn instant_written(&self, micros: i64) -> Option<String> {
        match self {
            Moments::Iso => format_timestamp(micros),
            Moments::Pattern(pattern) => {
                strtime::format(pattern, Timestamp::from_microsecond(micros).ok()?).ok()
            }
            _ => Some(micros.div_euclid(self.unit()?).to_string()),
        }
    }

    /// A day as it is sent.
    pub(super) fn date_written(&self, date: &str) -> Option<String> {
        match self {
            Moments::Iso => Some(date.to_owned()),
            _ => self.instant_written(parse_timestamp(date)?),
        }
    }
}

/// The day whose midnight this is.
fn midnight(micros: i64) -> Option<String> {
    let text = format_timestamp(micros)?;
    text.strip_suffix("T00:00:00.000000Z").map(str::to_owned)
}

/// Units with a fraction: seconds most of all. To the microsecond, which a number of 64 bits holds for centuries.
fn fraction(number: f64, unit: i64) -> Option<i64> {
    let micros = (number * unit as f64).round();
    (micros.abs() < 1e17).then_some(micros as i64)
}

impl Wire for Forms {
    const ITEMS: Option<&'static str> = None;

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

/// A JSON object that is put together from fields and where they stand in it.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<String, Node>);

#[derive(Debug)]
enum Node {
    Leaf(String),
    Branch(Tree),
}

impl Tree {
    /// Puts finished JSON at the end of a way of names.
    pub(super) fn put(&mut self, way: &[String], json: String) {
        match way {
            [] => {}
            [name] => {
                self.0.insert(name.clone(), Node::Leaf(json));
            }
            [name, rest @ ..] => {
                let node = self.0.entry(name.clone()).or_insert_with(|| Node::Branch(Tree::default()));
                match node {
                    Node::Branch(tree) => tree.put(rest, json),
                    Node::Leaf(_) => {}
                }
            }
        }
    }

    /// The whole as JSON.
    pub(super) fn json(&self) -> String {
        let entries: Vec<String> = self
            .0
            .iter()
            .map(|(name, node)| match node {
                Node::Leaf(json) => format!("{}:{json}", quoted(name)),
                Node::Branch(tree) => format!("{}:{}", quoted(name), tree.json()),
            })
            .collect();
        format!("{{{}}}", entries.join(","))
    }
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
    fn times_are_read_in_the_form_that_is_described() {
        let instant = |form: Moments, text: &str| form.instant(text);
        assert_eq!(instant(Moments::Milliseconds, "1709200801002"), Some(1_709_200_801_002_000));
        assert_eq!(instant(Moments::Seconds, "1709200801.25"), Some(1_709_200_801_250_000));
        assert_eq!(instant(pattern("%Y-%m-%d %H:%M:%S"), "2024-02-29 10:00:01"), Some(1_709_200_801_000_000));
        assert_eq!(
            instant(pattern("%Y-%m-%dT%H:%M:%S%z"), "2024-02-29T12:00:01+0200"),
            Some(1_709_200_801_000_000)
        );
        assert_eq!(instant(Moments::Seconds, "yesterday"), None);
        assert_eq!(Moments::Iso.date("2024-02-29T00:00:00Z").as_deref(), Some("2024-02-29"));
        assert_eq!(Moments::Iso.date("2024-02-29T10:00:00Z"), None);
        assert_eq!(Moments::Milliseconds.date("1709164800000").as_deref(), Some("2024-02-29"));
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

    #[test]
    fn fields_are_put_where_they_stand() {
        let mut tree = Tree::default();
        let way = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        tree.put(&way("address.city"), "\"X\"".into());
        tree.put(&way("address.zip"), "1".into());
        tree.put(&way("na\"me"), "null".into());
        assert_eq!(tree.json(), r#"{"address":{"city":"X","zip":1},"na\"me":null}"#);
    }
}
