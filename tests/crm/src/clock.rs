//! The server's clock, which tests may stop and move.

use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::Offset};

/// Where the server takes the time from. Siebel's stamps have a resolution of one second,
/// so a fixed clock makes two edits "within the same second" reproducible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Real,
    /// The machine's clock, this many seconds ahead.
    Ahead(i64),
    /// A clock that stands still at this second since 1970.
    Fixed(i64),
}

impl Clock {
    /// A clock that stands still at `stamp`, a UTC time such as `05/06/2024 07:08:09`.
    pub fn at(stamp: &str) -> Option<Self> {
        parse(stamp).map(Clock::Fixed)
    }

    /// The present second since 1970.
    pub fn now(&self) -> i64 {
        match *self {
            Clock::Real => Timestamp::now().as_second(),
            Clock::Ahead(seconds) => Timestamp::now().as_second().saturating_add(seconds),
            Clock::Fixed(second) => second,
        }
    }

    /// Moves the clock by a number of seconds, which may be negative.
    pub fn advance(&mut self, seconds: i64) {
        *self = match *self {
            Clock::Real => Clock::Ahead(seconds),
            Clock::Ahead(ahead) => Clock::Ahead(ahead.saturating_add(seconds)),
            Clock::Fixed(second) => Clock::Fixed(second.saturating_add(seconds)),
        };
    }
}

/// A second since 1970 in Siebel's form, `MM/DD/YYYY HH:MM:SS`, in UTC.
pub fn stamp(second: i64) -> String {
    let time = Timestamp::from_second(second).unwrap_or_default();
    let time = Offset::UTC.to_datetime(time);
    format!(
        "{:02}/{:02}/{:04} {:02}:{:02}:{:02}",
        time.month(),
        time.day(),
        time.year(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The inverse of [`stamp`].
pub(crate) fn parse(stamp: &str) -> Option<i64> {
    if stamp.len() != "MM/DD/YYYY HH:MM:SS".len() {
        return None;
    }
    let time: DateTime =
        strtime::parse("%m/%d/%Y %H:%M:%S", stamp).and_then(|parts| parts.to_datetime()).ok()?;
    let time = Offset::UTC.to_timestamp(time).ok()?;
    Some(time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_go_there_and_back() {
        let text = "02/29/2024 23:59:58";
        let second = parse(text).unwrap();
        assert_eq!(stamp(second), text);
        assert_eq!(stamp(second + 2), "03/01/2024 00:00:00");
        assert_eq!(parse("02/30/2024 00:00:00"), None);
        assert_eq!(parse("2/3/2024 00:00:00"), None);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let mut clock = Clock::at("05/06/2024 07:08:09").unwrap();
        assert_eq!(clock.now(), clock.now());
        clock.advance(1);
        assert_eq!(stamp(clock.now()), "05/06/2024 07:08:10");
    }
}
