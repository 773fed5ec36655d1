//! Values, rows, and the canonical form that makes equality meaningful.
//!
//! There is no floating point: equality drives the diff (`behaviour.md`, decision 26).

use crate::calendar;
use serde::{Deserialize, Serialize};

/// One field's value, in the vocabulary that host and plugins share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Not sent by that side. Never compared, never written.
    Absent,
    /// No value. An empty text is this.
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Canonical decimal text, see [`canonical_decimal`].
    Decimal(String),
    /// Text, never empty.
    Text(String),
    /// A multiple choice: sorted, without repeats.
    Choices(Vec<String>),
    /// RFC 3339 full-date, `YYYY-MM-DD`.
    Date(String),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Id of another object's record: a remote id in remote rows, a local id in local rows.
    Reference(String),
}

/// Value *i* belongs to field *i* of that side's list in the descriptor.
pub type Row = Vec<Value>;

/// What a field may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Yes or no.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// Digits after the point.
    Decimal(u8),
    /// Longest length, in characters.
    Text(u32),
    /// A multiple choice.
    Choices,
    /// A day.
    Date,
    /// An instant, to the microsecond.
    Timestamp,
    /// Raw bytes.
    Bytes,
    /// Name of the object it points to.
    Reference(String),
}

impl Kind {
    /// The kind's name as messages show it.
    pub fn name(&self) -> String {
        match self {
            Kind::Boolean => "boolean".into(),
            Kind::Integer => "integer".into(),
            Kind::Decimal(scale) => format!("decimal with {scale} digits after the point"),
            Kind::Text(length) => format!("text of at most {length} characters"),
            Kind::Choices => "choices".into(),
            Kind::Date => "date".into(),
            Kind::Timestamp => "timestamp".into(),
            Kind::Bytes => "bytes".into(),
            Kind::Reference(object) => format!("reference to {object}"),
        }
    }
}

/// Why a value does not fit its field. Carries no record data, so it can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another kind than the field's.
    #[error("is {found}, but the field holds {expected}")]
    Kind {
        /// What came.
        found: &'static str,
        /// What the field holds.
        expected: String,
    },
    /// Longer than the field, counted in characters.
    #[error("has {length} characters, the field holds {limit}")]
    TooLong {
        /// Characters that came.
        length: usize,
        /// Characters that fit.
        limit: u32,
    },
    /// More digits after the point than the field keeps.
    #[error("has {digits} digits after the point, the field holds {limit}")]
    TooPrecise {
        /// Digits that came.
        digits: usize,
        /// Digits that fit.
        limit: u8,
    },
    /// Right kind, but not in the one form that equality relies on.
    #[error("is not in canonical form ({0})")]
    NotCanonical(&'static str),
}

impl Misfit {
    /// Stable code for the issue log.
    pub fn code(&self) -> &'static str {
        match self {
            Misfit::Kind { .. } => "wrong-kind",
            Misfit::TooLong { .. } => "too-long",
            Misfit::TooPrecise { .. } => "too-precise",
            Misfit::NotCanonical(_) => "not-canonical",
        }
    }
}

impl Value {
    /// Text, or null where it is empty (decision 26).
    pub fn text(text: impl Into<String>) -> Value {
        let text = text.into();
        if text.is_empty() { Value::Null } else { Value::Text(text) }
    }

    /// Whether a person would say that the field is filled: neither absent nor null.
    pub fn is_filled(&self) -> bool {
        !matches!(self, Value::Absent | Value::Null)
    }

    /// The name of the value's own kind, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Absent => "absent",
            Value::Null => "null",
            Value::Boolean(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Decimal(_) => "a decimal",
            Value::Text(_) => "text",
            Value::Choices(_) => "choices",
            Value::Date(_) => "a date",
            Value::Timestamp(_) => "a timestamp",
            Value::Bytes(_) => "bytes",
            Value::Reference(_) => "a reference",
        }
    }

    /// Puts an empty text to null, and checks that the value fits the field and is canonical.
    ///
    /// # Errors
    /// [`Misfit`] says what is wrong; the value is then not to be compared or written.
    pub fn conform(&mut self, kind: &Kind) -> Result<(), Misfit> {
        if matches!(self, Value::Text(text) if text.is_empty()) {
            *self = Value::Null;
        }
        match (&*self, kind) {
            (Value::Absent | Value::Null, _)
            | (Value::Boolean(_), Kind::Boolean)
            | (Value::Integer(_), Kind::Integer)
            | (Value::Bytes(_), Kind::Bytes) => Ok(()),
            (Value::Timestamp(micros), Kind::Timestamp) => {
                if calendar::is_timestamp(*micros) {
                    Ok(())
                } else {
                    Err(Misfit::NotCanonical("a timestamp lies in the years 0001 to 9999"))
                }
            }
            (Value::Text(text), Kind::Text(limit)) => fits(text, *limit),
            (Value::Decimal(text), Kind::Decimal(scale)) => decimal_fits(text, *scale),
            (Value::Date(text), Kind::Date) => {
                if calendar::is_canonical_date(text) {
                    Ok(())
                } else {
                    Err(Misfit::NotCanonical("a date is YYYY-MM-DD"))
                }
            }
            (Value::Choices(choices), Kind::Choices) => {
                if choices.is_sorted_by(|a, b| a < b) {
                    Ok(())
                } else {
                    Err(Misfit::NotCanonical("choices are sorted, without repeats"))
                }
            }
            (Value::Reference(id), Kind::Reference(_)) => {
                if id.is_empty() {
                    Err(Misfit::NotCanonical("a reference is not empty"))
                } else {
                    Ok(())
                }
            }
            (found, expected) => Err(Misfit::Kind { found: found.kind_name(), expected: expected.name() }),
        }
    }
}

fn fits(text: &str, limit: u32) -> Result<(), Misfit> {
    // A text of `limit` bytes has at most `limit` characters: counting is only for longer ones.
    if text.len() <= limit as usize {
        return Ok(());
    }
    let length = text.chars().count();
    if length <= limit as usize { Ok(()) } else { Err(Misfit::TooLong { length, limit }) }
}

fn decimal_fits(text: &str, scale: u8) -> Result<(), Misfit> {
    if !is_canonical_decimal(text) {
        return Err(Misfit::NotCanonical("a decimal is like 10.5, -3 or 0"));
    }
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if digits <= usize::from(scale) { Ok(()) } else { Err(Misfit::TooPrecise { digits, limit: scale }) }
}

fn is_canonical_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|part| all_digits(part) && !part.ends_with('0'))
        && text != "-0"
}

/// Brings a decimal as people and servers write it (`+10.50`, `.5`, `1e3`) to the one form that
/// equality relies on: no exponent, no plus sign, no leading or trailing zeros, `-0` is `0`.
/// `None` where it is no number, or has more than 400 digits.
pub fn canonical_decimal(text: &str) -> Option<String> {
    const DIGITS: i64 = 400;
    let text = text.trim();
    if is_canonical_decimal(text) {
        return Some(text.to_owned());
    }
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some("0".into());
    }
    if exponent.unsigned_abs() > DIGITS.unsigned_abs() || digits.len() as i64 > DIGITS {
        return None;
    }
    // Where the point stands, counted from the first significant digit.
    let leading = digits.len() - significant.len();
    let point = whole.len() as i64 - leading as i64 + exponent;
    let mut out = String::from(if negative { "-" } else { "" });
    if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', usize::try_from(-point).ok()?));
        out.push_str(significant);
    } else {
        let point = usize::try_from(point).ok()?;
        if point >= significant.len() {
            out.push_str(significant);
            out.extend(std::iter::repeat_n('0', point - significant.len()));
            return Some(out);
        }
        out.push_str(&significant[..point]);
        out.push('.');
        out.push_str(&significant[point..]);
    }
    let trimmed = out.trim_end_matches('0').trim_end_matches('.').len();
    out.truncate(trimmed);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_form() {
        for (given, canonical) in [
            ("10.50", "10.5"),
            ("+3", "3"),
            ("-0.00", "0"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.25E-3", "0.00125"),
            ("100", "100"),
            ("-12.340e1", "-123.4"),
            ("0", "0"),
        ] {
            assert_eq!(canonical_decimal(given).as_deref(), Some(canonical), "{given}");
        }
        for nonsense in ["", "-", "abc", "1.2.3", "1,5", "1e999999999", "NaN", "0x10"] {
            assert_eq!(canonical_decimal(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_text_is_counted_in_characters() {
        assert_eq!(Value::Text("äöü".into()).conform(&Kind::Text(3)), Ok(()));
        assert_eq!(
            Value::Text("äöüß".into()).conform(&Kind::Text(3)),
            Err(Misfit::TooLong { length: 4, limit: 3 })
        );
    }

    #[test]
    fn an_empty_text_is_null() {
        let mut value = Value::Text(String::new());
        assert_eq!(value.conform(&Kind::Text(3)), Ok(()));
        assert_eq!(value, Value::Null);
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for (mut value, kind) in [
            (Value::Decimal("1.0".into()), Kind::Decimal(2)),
            (Value::Date("2024-2-1".into()), Kind::Date),
            (Value::Date("2023-02-29".into()), Kind::Date),
            (Value::Choices(vec!["b".into(), "a".into()]), Kind::Choices),
            (Value::Timestamp(i64::MAX), Kind::Timestamp),
            (Value::Integer(1), Kind::Text(10)),
        ] {
            assert!(value.conform(&kind).is_err(), "{value:?}");
        }
    }
}
