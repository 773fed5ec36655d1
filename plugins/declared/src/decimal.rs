//! Decimals as text. A text is read only if it is exactly what would be written.

use crate::bindings::DecimalForm;
use std::cmp::Ordering;

/// The canonical decimal that a text shows.
pub(crate) fn decimal_of(text: &str, form: &DecimalForm) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|letter| Some(*letter) != form.group)
        .map(|letter| if letter == form.point { '.' } else { letter })
        .collect();
    let (sign, digits) = split_sign(&plain);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || !numeric(whole) || !numeric(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let canonical = format!("{sign}{whole}{point}{fraction}");
    (decimal_as_text(&canonical, form).as_deref() == Some(text)).then_some(canonical)
}

/// The text that shows a canonical decimal; none where it has more digits than are shown.
pub(crate) fn decimal_as_text(decimal: &str, form: &DecimalForm) -> Option<String> {
    let (sign, digits) = split_sign(decimal);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let shown = usize::from(form.digits);
    let is_zero = sign == "-" && whole == "0" && fraction.is_empty();
    if fraction.len() > shown || is_zero || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    let mut text = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if let Some(group) = form.group
            && at > 0
            && (whole.len() - at).is_multiple_of(3)
        {
            text.push(group);
        }
        text.push(digit);
    }
    if shown > 0 {
        text.push(form.point);
        text.push_str(&format!("{fraction:0<shown$}"));
    }
    Some(text)
}

/// The order of two canonical decimals.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let ((left_sign, left), (right_sign, right)) = (split_sign(left), split_sign(right));
    let size = || {
        let (left, right) = (parts(left), parts(right));
        left.0.len().cmp(&right.0.len()).then_with(|| left.cmp(&right))
    };
    match (left_sign, right_sign) {
        ("", "-") => Ordering::Greater,
        ("-", "") => Ordering::Less,
        ("-", _) => size().reverse(),
        _ => size(),
    }
}

fn parts(digits: &str) -> (&str, &str) {
    digits.split_once('.').unwrap_or((digits, ""))
}

fn split_sign(decimal: &str) -> (&str, &str) {
    match decimal.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", decimal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: DecimalForm = DecimalForm { group: Some('.'), point: ',', digits: 2 };
    const WHOLE: DecimalForm = DecimalForm { group: None, point: '.', digits: 0 };

    #[test]
    fn decimals_are_read_and_written() {
        for (decimal, text) in [
            ("1234.5", "1.234,50"),
            ("0", "0,00"),
            ("-1000000", "-1.000.000,00"),
            ("0.07", "0,07"),
            ("-999.99", "-999,99"),
        ] {
            assert_eq!(decimal_as_text(decimal, &GERMAN).as_deref(), Some(text));
            assert_eq!(decimal_of(text, &GERMAN).as_deref(), Some(decimal));
        }
        assert_eq!(decimal_of("1200", &WHOLE).as_deref(), Some("1200"));
        assert_eq!(decimal_as_text("0.125", &GERMAN), None);
    }

    #[test]
    fn what_would_be_written_otherwise_is_not_read() {
        for text in [
            "1234,50", "1.234,5", "1.234", "-0,00", "01,00", "1,234.50", ",50", "", "-", "1.23,00", "+1,00",
            "1,00 ", "1,000",
        ] {
            assert_eq!(decimal_of(text, &GERMAN), None, "{text}");
        }
    }

    #[test]
    fn decimals_have_an_order() {
        let ascending = ["-100", "-99.5", "-0.51", "-0.5", "0", "0.05", "0.5", "9", "10", "10.01", "100"];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), at.cmp(&other), "{left} {right}");
            }
        }
    }
}
