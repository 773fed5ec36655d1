//! Values as Siebel writes them: all of them text, dates month first, times in a configured zone, empty for null.

use crate::remote::decode::Wire;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::borrow::Cow;
use sync_core::calendar;
use sync_core::value::{Kind, Value, canonical_decimal};

/// Separates the parts of a multiple choice.
const COMMA: char = ',';

/// Reads and writes values.
#[derive(Debug)]
pub(super) struct Siebel {
    /// The zone that the server's times are in.
    pub(super) zone: TimeZone,
}

impl Wire for Siebel {
    /// What is not in Siebel's form stays the text that it is: the check of the row finds it.
    fn text(&self, kind: &Kind, text: &str) -> Value {
        if text.is_empty() {
            return Value::Null;
        }
        let value = match kind {
            Kind::Text(_) => None,
            Kind::Boolean => match text {
                "Y" => Some(Value::Boolean(true)),
                "N" => Some(Value::Boolean(false)),
                _ => None,
            },
            Kind::Integer => canonical_decimal(text).and_then(|text| text.parse().ok()).map(Value::Integer),
            Kind::Decimal(_) => canonical_decimal(text).map(Value::Decimal),
            Kind::Date => date(text).map(Value::Date),
            Kind::Timestamp => self.instant(text).map(Value::Timestamp),
            Kind::Reference(_) => Some(Value::Reference(text.to_owned())),
            Kind::Bytes => BASE64_STANDARD.decode(text).ok().map(Value::Bytes),
            Kind::Choices => {
                let mut choices: Vec<String> = text
                    .split(COMMA)
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect();
                choices.sort_unstable();
                choices.dedup();
                Some(Value::Choices(choices))
            }
        };
        value.unwrap_or_else(|| Value::Text(text.to_owned()))
    }
}

impl Siebel {
    /// The value as Siebel wants it: null is the empty text.
    pub(super) fn written<'v>(&self, value: &'v Value) -> Cow<'v, str> {
        match value {
            Value::Absent | Value::Null => "".into(),
            Value::Boolean(yes) => if *yes { "Y" } else { "N" }.into(),
            Value::Integer(number) => number.to_string().into(),
            Value::Decimal(text) | Value::Text(text) | Value::Reference(text) => text.into(),
            Value::Choices(choices) => choices.join(", ").into(),
            Value::Date(date) => month_first(date).into(),
            Value::Timestamp(micros) => self.local_time(*micros).into(),
            Value::Bytes(bytes) => BASE64_STANDARD.encode(bytes).into(),
        }
    }

    /// `MM/DD/YYYY HH:MM:SS` in the server's zone. Of a time that the clock shows twice the earlier is meant, of
    /// one that it skips the one that a clock would show that was not yet put forward.
    pub(super) fn instant(&self, text: &str) -> Option<i64> {
        let (day, clock) = text.split_once(' ').unwrap_or((text, "00:00:00"));
        let local = calendar::parse_timestamp(&(year_first(day)? + "T" + clock + "Z"))?;
        if self.zone == TimeZone::UTC {
            return Some(local);
        }
        let local = civil(local)?;
        let instant = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(instant.as_microsecond())
    }

    /// The second that an instant lies in: Siebel has no finer ones.
    fn local_time(&self, micros: i64) -> String {
        let second = Timestamp::from_second(micros.div_euclid(1_000_000)).unwrap_or_default();
        let local = self.zone.to_datetime(second);
        format!(
            "{:02}/{:02}/{:04} {:02}:{:02}:{:02}",
            local.month(),
            local.day(),
            local.year(),
            local.hour(),
            local.minute(),
            local.second()
        )
    }
}

/// The date and time that a clock in UTC shows.
fn civil(micros: i64) -> Option<DateTime> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_microsecond(micros).ok()?))
}

/// `YYYY-MM-DD` of `MM/DD/YYYY`, with or without a time, which must then be midnight.
fn date(text: &str) -> Option<String> {
    calendar::canonical_date(&year_first(text.strip_suffix(" 00:00:00").unwrap_or(text))?)
}

/// `YYYY-MM-DD` of `MM/DD/YYYY`, whatever stands in these places.
fn year_first(date: &str) -> Option<String> {
    let mut parts = date.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // Room for a time, too.
    let mut text = String::with_capacity(date.len() + 16);
    for part in [year, "-", month, "-", day] {
        text.push_str(part);
    }
    Some(text)
}

/// `MM/DD/YYYY` of `YYYY-MM-DD`.
fn month_first(date: &str) -> String {
    match date.split_once('-') {
        Some((year, rest)) => format!("{}/{year}", rest.replace('-', "/")),
        None => date.to_owned(),
    }
}

/// What Siebel says besides records: the id of a new record, or an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    #[serde(rename = "ERROR")]
    error: Option<String>,
    items: Option<Items>,
    #[serde(rename = "Id")]
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Items {
    One(NewRecord),
    Many(Vec<NewRecord>),
}

#[derive(Debug, Deserialize)]
struct NewRecord {
    #[serde(rename = "Id")]
    id: String,
}

impl Said {
    /// What a body says; nothing, where it is not Siebel's.
    pub(super) fn of(body: &[u8]) -> Said {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Siebel's own message.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether there is nothing to be found, as opposed to nowhere to look.
    pub(super) fn is_emptiness(&self) -> bool {
        let text = self.error.as_deref().unwrap_or("").trim_start();
        text.get(..NO_DATA.len()).is_some_and(|start| start.eq_ignore_ascii_case(NO_DATA))
    }

    /// The id of the record that was written.
    pub(super) fn id(self) -> Option<String> {
        let id = match self.items {
            Some(Items::One(record)) => Some(record.id),
            Some(Items::Many(records)) => records.into_iter().next().map(|record| record.id),
            None => self.id,
        };
        id.filter(|id| !id.is_empty())
    }
}

const NO_DATA: &str = "There is no data for the requested resource";

/// The first `SBL-DAT-00393` in a text.
pub(super) fn code(text: &str) -> Option<&str> {
    let rest = &text[text.find("SBL-")?..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With rules instead of a name, which needs no time zone database.
    fn wire(zone: &str) -> Siebel {
        Siebel { zone: TimeZone::posix(zone).unwrap() }
    }

    #[test]
    fn values_go_there_and_back() {
        let wire = wire("UTC0");
        for (kind, text, value) in [
            (Kind::Boolean, "Y", Value::Boolean(true)),
            (Kind::Integer, "-12", Value::Integer(-12)),
            (Kind::Decimal(2), "10.5", Value::Decimal("10.5".into())),
            (Kind::Text(9), "O'Hara", Value::Text("O'Hara".into())),
            (Kind::Date, "02/29/2024", Value::Date("2024-02-29".into())),
            (Kind::Timestamp, "01/02/1970 00:00:01", Value::Timestamp(86_401_000_000)),
            (Kind::Reference("account".into()), "1-AB", Value::Reference("1-AB".into())),
            (Kind::Text(9), "", Value::Null),
        ] {
            assert_eq!(wire.text(&kind, text), value, "{text}");
            assert_eq!(wire.written(&value), text, "{text}");
        }
        assert_eq!(wire.text(&Kind::Decimal(2), "010.50"), Value::Decimal("10.5".into()));
        assert_eq!(wire.written(&Value::Timestamp(-1)), "12/31/1969 23:59:59");
    }

    #[test]
    fn what_cannot_be_read_stays_text() {
        let wire = wire("UTC0");
        for (kind, text) in [
            (Kind::Boolean, "yes"),
            (Kind::Integer, "1.5"),
            (Kind::Decimal(2), "1,000"),
            (Kind::Date, "2024-02-29"),
            (Kind::Date, "02/30/2024"),
            (Kind::Timestamp, "02/29/2024 25:00:00"),
        ] {
            assert_eq!(wire.text(&kind, text), Value::Text(text.into()));
        }
    }

    #[test]
    fn times_are_in_the_servers_zone() {
        let berlin = wire("CET-1CEST,M3.5.0,M10.5.0/3");
        for (text, utc) in [
            ("07/01/2024 12:00:00", "2024-07-01T10:00:00Z"),
            // Shown twice: the earlier. Never shown: an hour later.
            ("10/27/2024 02:30:00", "2024-10-27T00:30:00Z"),
            ("03/31/2024 02:30:00", "2024-03-31T01:30:00Z"),
        ] {
            let expected = calendar::parse_timestamp(utc).unwrap();
            assert_eq!(berlin.text(&Kind::Timestamp, text), Value::Timestamp(expected), "{text}");
        }
        let value = Value::Timestamp(calendar::parse_timestamp("2024-07-01T10:00:00.9Z").unwrap());
        assert_eq!(berlin.written(&value), "07/01/2024 12:00:00");
    }

    #[test]
    fn ids_and_errors_are_found_in_all_their_forms() {
        for body in [
            r#"{"items":{"Id":"88-1","Link":{"rel":"self"}}}"#,
            r#"{"items":[{"Id":"88-1"}]}"#,
            r#"{"Id":"88-1"}"#,
        ] {
            assert_eq!(Said::of(body.as_bytes()).id().as_deref(), Some("88-1"), "{body}");
        }
        assert_eq!(Said::of(b"{}").id(), None);
        assert!(Said::of(br#"{"ERROR":"There is no data for the requested resource"}"#).is_emptiness());
        assert!(!Said::of(br#"{"ERROR":"SBL-DAT-00222: no such thing"}"#).is_emptiness());
        assert!(!Said::of(b"<html>").is_emptiness());
        assert_eq!(code("Error: SBL-DAT-00393: An end of file"), Some("SBL-DAT-00393"));
        assert_eq!(code("no"), None);
    }
}
