//! The text of a value: whether it fits its field, and how two of them compare.

use crate::clock;
use crate::schema::{Field, Kind};
use jiff::civil::Date;
use std::cmp::Ordering;

/// Why a text is no value of `field`, as a Siebel message. Links are looked up by the store.
pub(crate) fn check(field: &Field, text: &str) -> Result<(), String> {
    let name = field.name;
    let fits = match field.kind {
        Kind::Text(length) => {
            if text.chars().count() > length {
                return Err(format!(
                    "SBL-DAT-00523: The value entered in field '{name}' is longer than {length} characters."
                ));
            }
            true
        }
        _ if text.is_empty() => true,
        Kind::Integer => text.parse::<i64>().is_ok() && !text.starts_with('+'),
        Kind::Decimal => is_decimal(text),
        Kind::Date => is_date(text),
        Kind::DateTime => clock::parse(text).is_some(),
        Kind::Boolean => matches!(text, "Y" | "N"),
        Kind::Link(_) | Kind::Id => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("SBL-DAT-00359: The value '{text}' is not in the format that field '{name}' requires."))
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn is_date(text: &str) -> bool {
    text.len() == "MM/DD/YYYY".len() && Date::strptime("%m/%d/%Y", text).is_ok()
}

/// A literal of a search as the field's type has it, or a message.
pub(crate) fn literal(field: &Field, text: String) -> Result<Box<str>, String> {
    match field.kind {
        // A search may name a day where the field holds a second: that day's first one.
        Kind::DateTime if is_date(&text) => Ok((text + " 00:00:00").into()),
        Kind::Text(_) => Ok(text.into()),
        _ => check(field, &text).map(|()| text.into()),
    }
}

/// The order of two values of a kind. Dates are stored month first, so the year has to be
/// taken from behind it.
pub(crate) fn compare(kind: Kind, left: &str, right: &str) -> Ordering {
    match kind {
        Kind::Integer | Kind::Decimal => number(left).total_cmp(&number(right)),
        Kind::Date | Kind::DateTime => year_first(left).cmp(&year_first(right)),
        _ => left.cmp(right),
    }
}

/// Good to fifteen digits, which is more than any field here is used for. An empty text sorts first.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NEG_INFINITY)
}

fn year_first(text: &str) -> (&str, &str, &str) {
    let part = |range| text.get(range).unwrap_or("");
    (part(6..10), part(0..5), text.get(10..).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::COMPONENTS;

    fn fits(component: usize, field: &str, text: &str) -> bool {
        let component = &COMPONENTS[component];
        let field = component.field(component.position(field).unwrap());
        check(field, text).is_ok()
    }

    #[test]
    fn values_are_checked_by_type() {
        assert!(fits(0, "Name", &"ü".repeat(100)));
        assert!(!fits(0, "Name", &"x".repeat(101)));
        assert!(fits(0, "Number of Employees", "-12"));
        assert!(!fits(0, "Number of Employees", "1.5"));
        assert!(!fits(0, "Number of Employees", "+1"));
        assert!(fits(0, "Annual Revenue", "10.50"));
        for wrong in ["1e5", "1,000", ".5", "5.", "-", "NaN"] {
            assert!(!fits(0, "Annual Revenue", wrong), "{wrong}");
        }
        assert!(fits(1, "Birth Date", "12/31/1999"));
        assert!(!fits(1, "Birth Date", "1999-12-31"));
        assert!(!fits(1, "Birth Date", "02/30/1999"));
        assert!(fits(1, "Suppress All Emails", "Y"));
        assert!(!fits(1, "Suppress All Emails", "true"));
        assert!(fits(3, "Due", "12/31/1999 23:59:59"));
        assert!(!fits(3, "Due", "12/31/1999"));
    }

    #[test]
    fn the_order_is_the_types_and_not_the_texts() {
        assert_eq!(compare(Kind::Integer, "9", "10"), Ordering::Less);
        assert_eq!(compare(Kind::Decimal, "10.50", "10.5"), Ordering::Equal);
        assert_eq!(compare(Kind::Text(9), "9", "10"), Ordering::Greater);
        assert_eq!(compare(Kind::Date, "12/31/1999", "01/01/2000"), Ordering::Less);
        let (a, b) = ("01/01/2000 00:00:01", "01/01/2000 00:00:02");
        assert_eq!(compare(Kind::DateTime, a, b), Ordering::Less);
    }
}
