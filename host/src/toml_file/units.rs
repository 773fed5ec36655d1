//! Durations and sizes as they are written in metadata: a whole number and its unit, without a space.

use std::time::Duration;

/// A duration such as `500ms`, `10s`, `2m`, `12h` or `30d`. None: it is not one, or too long to count.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_secs)
}

/// A size such as `500KiB`, `64MiB` or `1GiB`, in bytes. None: it is not one, or too large to count.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// The number and what follows it.
fn split(text: &str) -> Option<(u64, &str)> {
    let (digits, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    Some((digits.parse().ok()?, unit))
}
