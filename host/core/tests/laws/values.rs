//! Canonical forms: decimals, dates, instants, and what a field takes.

use crate::cases;
use proptest::prelude::*;
use sync_core::calendar::{canonical_date, format_timestamp, parse_timestamp};
use sync_core::value::{Kind, Misfit, Value, canonical_decimal};

/// A number as digits and how many of them stand after the point.
#[derive(Debug, Clone, Copy)]
struct Number {
    digits: i64,
    scale: u8,
}

const MOST_DIGITS: u8 = 9;

impl Number {
    /// As a whole number of the smallest unit that any of these numbers has: exact, and one for each.
    fn exact(self) -> i128 {
        i128::from(self.digits) * 10_i128.pow(u32::from(MOST_DIGITS - self.scale))
    }

    /// The number as somebody may write it: more zeros and signs than needed, an exponent, no zero
    /// before the point, blanks around it.
    fn spelled(self, style: Style) -> String {
        let sign = match (self.digits.signum(), style.sign) {
            (-1, _) | (0, true) => "-",
            (_, true) => "+",
            (_, false) => "",
        };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let whole = if style.bare_point && whole == "0" && scale > 0 { "" } else { whole };
        let leading = "0".repeat(style.leading);
        let trailing = "0".repeat(style.trailing);
        let point = if scale + style.trailing > 0 || style.bare_point { "." } else { "" };
        let plain = format!("{leading}{whole}{point}{fraction}{trailing}");
        match style.exponent {
            None => format!("{sign}{plain}"),
            Some((letter, 0)) => format!(" {sign}{plain}{letter}+0 "),
            // The whole number before the exponent, and as many places back as there are after the point.
            Some((letter, shift)) => {
                let zeros = "0".repeat(usize::from(shift));
                format!("{sign}{leading}{digits}{zeros}{letter}-{}", scale + usize::from(shift))
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Style {
    /// A sign where none is needed: `+1`, `-0`.
    sign: bool,
    bare_point: bool,
    leading: usize,
    trailing: usize,
    exponent: Option<(char, u8)>,
}

fn number() -> impl Strategy<Value = Number> {
    let digits = prop_oneof![-20..20_i64, any::<i32>().prop_map(i64::from), any::<i64>()];
    (digits, 0..=MOST_DIGITS).prop_map(|(digits, scale)| Number { digits, scale })
}

fn style() -> impl Strategy<Value = Style> {
    let exponent = prop::option::of((prop::sample::select(vec!['e', 'E']), 0..4_u8));
    (any::<bool>(), any::<bool>(), 0..3_usize, 0..3_usize, exponent).prop_map(
        |(sign, bare_point, leading, trailing, exponent)| Style {
            sign,
            bare_point,
            leading,
            trailing,
            exponent,
        },
    )
}

/// Reads a canonical decimal with the arithmetic of whole numbers.
fn exact(canonical: &str) -> i128 {
    let (whole, fraction) = canonical.split_once('.').unwrap_or((canonical, ""));
    format!("{whole}{fraction:0<width$}", width = usize::from(MOST_DIGITS)).parse().unwrap()
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_decimal_keeps_its_number_however_it_is_spelled(number in number(), style in style()) {
        let text = number.spelled(style);
        let canonical = canonical_decimal(&text);
        prop_assert!(canonical.is_some(), "{:?} is a number", text);
        prop_assert_eq!(exact(&canonical.unwrap()), number.exact(), "{:?}", text);
    }

    #[test]
    fn equal_numbers_have_one_form(number in number(), a in style(), b in style()) {
        let (a, b) = (number.spelled(a), number.spelled(b));
        prop_assert_eq!(canonical_decimal(&a), canonical_decimal(&b), "{:?} and {:?}", a, b);
    }

    #[test]
    fn the_form_of_decimals_is_the_one_that_fields_take(
        text in prop_oneof![
            "[-+]?[0-9]{0,4}([.][0-9]{0,4})?([eE][-+]?[0-9]{1,2})?",
            "-?0{1,2}([.]0{0,2})?",
            "[-+0-9.eE ]{0,8}",
        ]
    ) {
        let canonical = canonical_decimal(&text);
        if let Some(canonical) = &canonical {
            prop_assert_eq!(canonical_decimal(canonical), Some(canonical.clone()), "idempotent");
            prop_assert_ne!(canonical, "-0", "zero has no sign");
            prop_assert_eq!(Value::Decimal(canonical.clone()).conform(&Kind::Decimal(u8::MAX)), Ok(()));
        }
        let taken = Value::Decimal(text.clone()).conform(&Kind::Decimal(u8::MAX)).is_ok();
        prop_assert_eq!(taken, canonical.as_ref() == Some(&text), "{:?}", text);
    }

    #[test]
    fn no_exponent_is_too_large_to_be_refused(
        mantissa in -9..10_i64, exponent in prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
    ) {
        let canonical = canonical_decimal(&format!("{mantissa}e{exponent}"));
        if mantissa == 0 {
            prop_assert_eq!(canonical.as_deref(), Some("0"));
        } else if exponent.unsigned_abs() > 400 {
            prop_assert_eq!(canonical, None);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        for canonical in [canonical_decimal, canonical_date] {
            if let Some(canonical_text) = canonical(&text) {
                prop_assert_eq!(canonical(&canonical_text), Some(canonical_text));
            }
        }
        parse_timestamp(&text);
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && year % 100 != 0 || year % 400 == 0
}

fn month_lengths(year: i64) -> [i64; 12] {
    [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Days since 0001-01-01, counted one year and one month after the other.
fn counted_days(year: i64, month: usize, day: i64) -> i64 {
    let years: i64 = (1..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    years + month_lengths(year)[..month - 1].iter().sum::<i64>() + day - 1
}

/// A day that exists; the ends of months and of the calendar are frequent.
fn day() -> impl Strategy<Value = (i64, usize, i64)> {
    let year = prop_oneof![4 => 1..=9999_i64, 1 => prop::sample::select(vec![1, 1900, 2000, 2024, 9999])];
    let anywhere = (year, 1..=12_usize, prop_oneof![1..=31_i64, Just(31)]);
    // The days around a leap day, in the years in which it may be left out.
    let leap_day = prop::sample::select(vec![(2, 28), (2, 29), (3, 1)]);
    let turn = (1..=99_i64, leap_day).prop_map(|(century, (month, day))| (century * 100, month, day));
    prop_oneof![2 => anywhere, 1 => turn]
        .prop_map(|(year, month, day)| (year, month, day.min(month_lengths(year)[month - 1])))
}

const MICROS_PER_DAY: i64 = 86_400 * 1_000_000;

/// Microseconds of 0001-01-01, and of the day after 9999-12-31.
fn bounds() -> (i64, i64) {
    let epoch = counted_days(1970, 1, 1);
    (-epoch * MICROS_PER_DAY, (counted_days(9999, 12, 31) + 1 - epoch) * MICROS_PER_DAY)
}

fn instant() -> impl Strategy<Value = i64> {
    let (first, end) = bounds();
    prop_oneof![4 => first..end, 1 => -3_000_000..3_000_000_i64, 1 => Just(first), 1 => Just(end - 1)]
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn instants_come_back(micros in instant()) {
        let text = format_timestamp(micros).unwrap();
        prop_assert_eq!(parse_timestamp(&text), Some(micros), "{}", text);
    }

    #[test]
    fn instants_are_written_in_the_order_of_time(a in instant(), b in instant()) {
        prop_assert_eq!(format_timestamp(a).cmp(&format_timestamp(b)), a.cmp(&b));
    }

    #[test]
    fn outside_the_calendar_there_is_no_instant(beyond in prop_oneof![Just(0), 0..i64::MAX / 2]) {
        let (first, end) = bounds();
        for micros in [first - 1 - beyond, end + beyond, i64::MIN, i64::MAX] {
            prop_assert_eq!(format_timestamp(micros), None);
            prop_assert!(Value::Timestamp(micros).conform(&Kind::Timestamp).is_err());
        }
    }

    #[test]
    fn days_are_counted_right((year, month, day) in day(), micro in 0..MICROS_PER_DAY) {
        let days = counted_days(year, month, day) - counted_days(1970, 1, 1);
        let date = format!("{year:04}-{month:02}-{day:02}");
        prop_assert_eq!(parse_timestamp(&date), Some(days * MICROS_PER_DAY));
        let text = format_timestamp(days * MICROS_PER_DAY + micro).unwrap();
        prop_assert_eq!(&text[..10], &date);
    }

    #[test]
    fn an_instant_is_the_same_in_every_spelling(
        (year, month, day) in day(), seconds in 0..86_400_i64, micros in 0..1_000_000_i64,
        minutes_east in -1439..1440_i64, blank: bool, colon: bool, beyond in "[0-9]{0,3}"
    ) {
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let clock = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        let at = parse_timestamp(&format!("{clock}Z")).unwrap();
        // No zone is UTC; what comes after the microsecond is cut off.
        let fraction = format!("{micros:06}");
        let short = fraction.trim_end_matches('0');
        let without_zone = if blank { clock.replace('T', " ") } else { clock.clone() };
        prop_assert_eq!(parse_timestamp(&format!("{without_zone}.{short}")), Some(at + micros));
        prop_assert_eq!(parse_timestamp(&format!("{without_zone}.{fraction}{beyond}Z")), Some(at + micros));
        // A clock that is ahead shows the same digits earlier.
        let sign = if minutes_east < 0 { '-' } else { '+' };
        let east = minutes_east.abs();
        let colon = if colon { ":" } else { "" };
        let zoned = format!("{clock}{sign}{:02}{colon}{:02}", east / 60, east % 60);
        let expected = at - minutes_east * 60 * 1_000_000;
        let expected = format_timestamp(expected).map(|_| expected);
        prop_assert_eq!(parse_timestamp(&zoned), expected, "{}", zoned);
    }

    #[test]
    fn dates_are_those_that_exist(year in 0..=10_000_i64, month in 0..=13_usize, day in 0..=32_i64) {
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=month_lengths(year)[month - 1]).contains(&day);
        let canonical = format!("{year:04}-{month:02}-{day:02}");
        for text in [canonical.clone(), format!("{year:04}-{month}-{day}")] {
            let expected = exists.then(|| canonical.clone());
            prop_assert_eq!(canonical_date(&text), expected, "{}", text);
        }
        let taken = Value::Date(canonical).conform(&Kind::Date).is_ok();
        prop_assert_eq!(taken, exists);
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Absent),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        "-?[0-9]{1,2}([.][0-9]{0,3})?".prop_map(Value::Decimal),
        "[aä€]{0,5}".prop_map(Value::Text),
        prop::collection::vec("[a-c]", 0..4).prop_map(Value::Choices),
        "(19|20)[0-9]{2}-[01]?[0-9]-[0-3]?[0-9]".prop_map(Value::Date),
        prop_oneof![instant(), any::<i64>()].prop_map(Value::Timestamp),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::Bytes),
        "[a-z]{0,2}".prop_map(Value::Reference),
    ]
}

/// The value's own kind, with that room; any kind will do for what is empty.
fn own_kind(value: &Value, room: u8) -> Kind {
    match value {
        Value::Absent | Value::Null | Value::Text(_) => Kind::Text(room.into()),
        Value::Boolean(_) => Kind::Boolean,
        Value::Integer(_) => Kind::Integer,
        Value::Decimal(_) => Kind::Decimal(room),
        Value::Choices(_) => Kind::Choices,
        Value::Date(_) => Kind::Date,
        Value::Timestamp(_) => Kind::Timestamp,
        Value::Bytes(_) => Kind::Bytes,
        Value::Reference(_) => Kind::Reference("account".into()),
    }
}

/// What a field with that room makes of a value of its own kind.
fn expected(value: &Value, room: u8) -> Result<(), &'static str> {
    let room = usize::from(room);
    let check = |fits: bool, code| if fits { Ok(()) } else { Err(code) };
    match value {
        Value::Text(text) => check(text.chars().count() <= room, "too-long"),
        Value::Decimal(text) => {
            let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            check(canonical_decimal(text).as_ref() == Some(text), "not-canonical")
                .and(check(digits <= room, "too-precise"))
        }
        Value::Choices(choices) => {
            let mut sorted = choices.clone();
            sorted.sort();
            sorted.dedup();
            check(sorted == *choices, "not-canonical")
        }
        Value::Date(text) => check(canonical_date(text).as_ref() == Some(text), "not-canonical"),
        Value::Timestamp(micros) => check(format_timestamp(*micros).is_some(), "not-canonical"),
        Value::Reference(id) => check(!id.is_empty(), "not-canonical"),
        Value::Absent | Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Bytes(_) => Ok(()),
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn conforming_is_idempotent(value in value(), other in value(), room in 0..4_u8) {
        for kind in [own_kind(&value, room), own_kind(&other, room)] {
            let mut once = value.clone();
            let verdict = once.conform(&kind);
            let mut twice = once.clone();
            prop_assert_eq!(twice.conform(&kind), verdict);
            prop_assert_eq!(&twice, &once);
            let empty = value == Value::Text(String::new());
            let expected = if empty { Value::Null } else { value.clone() };
            prop_assert_eq!(once, expected, "no other value is touched");
        }
    }

    #[test]
    fn a_field_takes_what_fits_it(value in value(), room in 0..4_u8) {
        let verdict = value.clone().conform(&own_kind(&value, room));
        prop_assert_eq!(verdict.map_err(|misfit| misfit.code()), expected(&value, room));
    }

    #[test]
    fn a_field_takes_no_other_kind(value in value(), other in value()) {
        let kind = own_kind(&other, 200);
        let empty = !value.is_filled() || value == Value::Text(String::new());
        prop_assume!(!empty && own_kind(&value, 200) != kind);
        let verdict = value.clone().conform(&kind);
        let is_kind_misfit = matches!(verdict, Err(Misfit::Kind { .. }));
        prop_assert!(is_kind_misfit, "{:?} in {:?}", value, kind);
    }
}
