//! Days and instants of the proleptic Gregorian calendar, years 1 to 9999, as numbers.

/// A moment as a calendar and a clock show it, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) micros: i64,
}

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

impl Moment {
    /// The first moment of 1 January in the year 1, in which fields are filled in.
    pub(crate) const FIRST: Moment =
        Moment { year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0, micros: 0 };

    /// Whether there is such a moment.
    pub(crate) fn exists(self) -> bool {
        (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
    }

    /// Microseconds since 1970.
    pub(crate) fn to_timestamp(self) -> i64 {
        let clock = self.hour * 3600 + self.minute * 60 + self.second;
        (days(self.year, self.month, self.day) * DAY + clock) * MICROS + self.micros
    }

    /// The moment of a timestamp, where it lies in those years.
    pub(crate) fn of_timestamp(timestamp: i64) -> Option<Moment> {
        let seconds = timestamp.div_euclid(MICROS);
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        let clock = seconds.rem_euclid(DAY);
        let moment = Moment {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            micros: timestamp.rem_euclid(MICROS),
        };
        moment.exists().then_some(moment)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days before a date, from 1970 on; years begin in March, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

/// The date of a day.
fn civil(day: i64) -> (i64, i64, i64) {
    let since = day + 719_468;
    // 400 years have 146,097 days; the first guess is at most one year off.
    let mut year = (since * 400).div_euclid(146_097);
    while days(year + 1, 3, 1) <= day {
        year += 1;
    }
    while days(year, 3, 1) > day {
        year -= 1;
    }
    let of_year = day - days(year, 3, 1);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    if shifted < 10 { (year, shifted + 3, date) } else { (year + 1, shifted - 9, date) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_comes_back() {
        assert_eq!((days(1970, 1, 1), days(2000, 3, 1)), (0, 11_017));
        for day in days(1, 1, 1)..=days(9999, 12, 31) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day, "{year}-{month}-{date}");
        }
    }

    #[test]
    fn moments_are_counted_from_1970() {
        let last =
            Moment { year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59, micros: 999_999 };
        assert_eq!(last.to_timestamp(), -1);
        assert_eq!(Moment::of_timestamp(-1), Some(last));
        assert_eq!(Moment::of_timestamp(i64::MIN), None);
        assert!(!Moment { month: 2, day: 29, ..last }.exists());
    }
}
