//! Dates and timestamps as text: the proleptic Gregorian calendar, years 0001 to 9999.
//!
//! The core depends on no date library, so the little arithmetic that its canonical forms need
//! stands here; time zones are the adapters' business.

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;

/// `YYYY-MM-DD` of a day that exists, from the same with single-digit months and days allowed.
pub fn canonical_date(text: &str) -> Option<String> {
    let (year, month, day) = date_parts(text.trim())?;
    let mut date = String::with_capacity(10);
    push_date(&mut date, (year, month, day));
    Some(date)
}

/// Whether a text is such a date already.
pub fn is_canonical_date(text: &str) -> bool {
    // Four digits, two and two: the rest is what a lenient reading of them says.
    let form =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(form) && date_parts(text).is_some()
}

/// Whether an instant, in microseconds since 1970, lies in the years 0001 to 9999.
pub fn is_timestamp(micros: i64) -> bool {
    (FIRST_SECOND..=LAST_SECOND).contains(&micros.div_euclid(MICROS_PER_SECOND))
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.f{1,9}][Z|±HH:MM]`, with a blank for the `T`, shorter fractions, a
/// missing zone (UTC) and offsets understood, as microseconds since 1970 (UTC).
/// Digits beyond the microsecond are cut off.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = match text.split_once(['T', 't', ' ']) {
        Some(parts) => parts,
        None => (text, "00:00:00"),
    };
    let (year, month, day) = date_parts(date)?;
    let rest = rest.trim_start();
    let (clock, offset) = match rest.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => match rest.rfind(['+', '-']) {
            Some(at) => (&rest[..at], offset_seconds(&rest[at..])?),
            None => (rest, 0),
        },
    };
    let (clock, fraction) = clock.trim_end().split_once('.').unwrap_or((clock.trim_end(), ""));
    let mut parts = clock.split(':');
    let hour = two_digits(parts.next()?, 23)?;
    let minute = two_digits(parts.next()?, 59)?;
    let second = parts.next().map_or(Some(0), |part| two_digits(part, 59))?;
    if parts.next().is_some() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |digit| i64::from(digit - b'0'));
    let micros = (0..6).fold(0, |micros, at| micros * 10 + digit(at));
    let seconds =
        days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    let instant = seconds * MICROS_PER_SECOND + micros;
    is_timestamp(instant).then_some(instant)
}

/// Whether two texts are one instant, as far as the one with fewer digits tells it: cut off there, or rounded. Not where one
/// of them is no timestamp that [`parse_timestamp`] reads.
pub fn is_same_instant(one: &str, other: &str) -> bool {
    let (Some(a), Some(b)) = (parse_timestamp(one), parse_timestamp(other)) else { return false };
    let digits = |text: &str| {
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        fraction.bytes().take_while(u8::is_ascii_digit).count().min(6)
    };
    let (fewest, most) = (digits(one).min(digits(other)), digits(one).max(digits(other)));
    let unit = (fewest..6).fold(1, |unit, _| unit * 10);
    if fewest == most { a == b } else { a.abs_diff(b) < unit }
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`; `None` outside the years 0001 to 9999.
pub fn format_timestamp(micros: i64) -> Option<String> {
    if !is_timestamp(micros) {
        return None;
    }
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let fraction = micros.rem_euclid(MICROS_PER_SECOND);
    let clock = seconds.rem_euclid(SECONDS_PER_DAY);
    let mut text = String::with_capacity(27);
    push_date(&mut text, civil_from_days(seconds.div_euclid(SECONDS_PER_DAY)));
    for (mark, number) in [('T', clock / 3600), (':', clock / 60 % 60), (':', clock % 60)] {
        text.push(mark);
        push_digits(&mut text, number, 2);
    }
    text.push('.');
    push_digits(&mut text, fraction, 6);
    text.push('Z');
    Some(text)
}

fn push_date(text: &mut String, (year, month, day): (i64, i64, i64)) {
    push_digits(text, year, 4);
    text.push('-');
    push_digits(text, month, 2);
    text.push('-');
    push_digits(text, day, 2);
}

/// Without `format!`, which takes several times as long, and every record has such texts.
fn push_digits(text: &mut String, number: i64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        text.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
    }
}

fn date_parts(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let year = digits(year)?;
    let month = two_digits(month, 12)?;
    let day = two_digits(day, 31)?;
    let exists = year >= 1 && month >= 1 && day >= 1 && day <= days_in_month(year, month);
    exists.then_some((year, month, day))
}

fn offset_seconds(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text[1..].replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "00"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    Some(sign * (two_digits(hours, 23)? * 3600 + two_digits(minutes, 59)? * 60))
}

fn two_digits(text: &str, most: i64) -> Option<i64> {
    let number = (text.len() <= 2).then(|| digits(text))??;
    (number <= most).then_some(number)
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01, counting years from March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_as_people_write_them() {
        let expected = "2024-02-29T13:05:09.120000Z";
        for text in [
            "2024-02-29T13:05:09.12Z",
            "2024-02-29 13:05:09.120",
            "2024-02-29T14:05:09.120000+01:00",
            "2024-02-29T08:35:09.12-0430",
        ] {
            let micros = parse_timestamp(text).unwrap();
            assert_eq!(format_timestamp(micros).unwrap(), expected, "{text}");
        }
        for text in ["2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "yesterday", "2024-01-01T1"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn one_instant_is_written_in_several_ways() {
        for (one, other) in [
            ("2024-02-29T13:05:09.1234567Z", "2024-02-29T13:05:09Z"),
            ("2024-02-29T13:05:09.600Z", "2024-02-29 13:05:10"),
            ("2024-02-29T13:05:09+00:00", "2024-02-29T13:05:09Z"),
            ("2024-02-29T15:05:09.12+02:00", "2024-02-29T13:05:09.120Z"),
        ] {
            assert!(is_same_instant(one, other) && is_same_instant(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("2024-02-29T13:05:09Z", "2024-02-29T13:05:10Z"),
            ("2024-02-29T13:05:09.001Z", "2024-02-29T13:05:09.002Z"),
            ("2024-02-29T13:05:09.12Z", "2024-02-29T13:05:08Z"),
            ("02/29/2024 13:05:09", "02/29/2024 13:05:9"),
        ] {
            assert!(!is_same_instant(one, other), "{one} {other}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        let first = days_from_civil(1899, 12, 31);
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        for day in first..first + 146_097 {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
        }
    }

    #[test]
    fn the_years_end_where_four_digits_do() {
        let ends = ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"];
        let [first, last] = ends.map(|end| parse_timestamp(end).unwrap());
        assert_eq!([first, last].map(|end| format_timestamp(end).unwrap()), ends);
        assert!(is_timestamp(first) && is_timestamp(last));
        assert!(!is_timestamp(first - 1) && !is_timestamp(last + 1));
        assert_eq!([i64::MIN, first - 1, last + 1, i64::MAX].map(format_timestamp), [const { None }; 4]);
        assert_eq!(parse_timestamp("9999-12-31T23:59:59-00:01"), None);
    }

    #[test]
    fn only_the_canonical_form_of_a_day_that_exists_is_one() {
        for text in ["2024-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_canonical_date(text), "{text}");
            assert_eq!(canonical_date(text).as_deref(), Some(text));
        }
        for text in
            ["2023-02-29", "2024-2-29", " 2024-02-29", "2024-02-2 ", "2024/02/29", "2024-02-29x", "٢٠٢٤٠", ""]
        {
            assert!(!is_canonical_date(text), "{text}");
        }
    }

    #[test]
    fn instants_before_1970_count_backwards() {
        assert_eq!(parse_timestamp("1969-12-31T23:59:59.999999Z"), Some(-1));
        assert_eq!(format_timestamp(-1).unwrap(), "1969-12-31T23:59:59.999999Z");
    }
}
