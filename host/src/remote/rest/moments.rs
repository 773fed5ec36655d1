//! Points in time and days, as the described server writes them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use sync_core::calendar::{canonical_date, format_timestamp, parse_timestamp};

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
    pub(super) fn unit(&self) -> Option<i64> {
        match self {
            Moments::Seconds => Some(1_000_000),
            Moments::Milliseconds => Some(1_000),
            Moments::Microseconds => Some(1),
            Moments::Iso | Moments::Pattern(_) => None,
        }
    }

    /// A number's point in time.
    pub(super) fn of_number(&self, number: i64) -> Option<i64> {
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

    /// A point in time as it is sent.
    pub(super) fn instant_written(&self, micros: i64) -> Option<String> {
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
pub(super) fn midnight(micros: i64) -> Option<String> {
    let text = format_timestamp(micros)?;
    text.strip_suffix("T00:00:00.000000Z").map(str::to_owned)
}

/// Units with a fraction: seconds most of all. To the microsecond, which a number of 64 bits holds for centuries.
pub(super) fn fraction(number: f64, unit: i64) -> Option<i64> {
    let micros = (number * unit as f64).round();
    (micros.abs() < 1e17).then_some(micros as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Moments {
        Moments::Pattern(text.into())
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
    }
}
