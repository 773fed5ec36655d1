//! Kinds of fields, and values of a kind, as a declaration writes them.

use crate::toml_file::found::Found;
use crate::toml_file::nearest::suggestion;
use crate::toml_file::read::Item;
use sync_core::calendar::canonical_date;
use sync_core::object::ObjectName;
use sync_core::value::{Kind, Value, canonical_decimal};

/// All kinds, as they are written.
const KINDS: [&str; 9] = [
    "boolean",
    "integer",
    "decimal(2)",
    "text(100)",
    "choices",
    "date",
    "timestamp",
    "bytes",
    "reference(account)",
];

/// Most digits after the point.
const MOST_DIGITS: u8 = 30;

/// The kind that a text names.
pub(super) fn kind(item: &Item<'_>, found: &mut Found<'_>) -> Option<Kind> {
    let text = item.text(found)?;
    let (word, argument) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((word, argument)) => (word.trim_end(), Some(argument.trim())),
        None => (text, None),
    };
    let kind = match (word, argument) {
        ("boolean", None) => Some(Kind::Boolean),
        ("integer", None) => Some(Kind::Integer),
        ("choices", None) => Some(Kind::Choices),
        ("date", None) => Some(Kind::Date),
        ("timestamp", None) => Some(Kind::Timestamp),
        ("bytes", None) => Some(Kind::Bytes),
        ("decimal", Some(digits)) => {
            digits.parse().ok().filter(|digits| *digits <= MOST_DIGITS).map(Kind::Decimal)
        }
        ("text", Some(length)) => length.parse().ok().filter(|length| *length > 0).map(Kind::Text),
        ("reference", Some(object)) => {
            ObjectName::new(object).ok().map(|object| Kind::Reference(object.as_str().to_owned()))
        }
        _ => None,
    };
    if kind.is_none() {
        let help = match word {
            "text" => "the longest length in characters stands in brackets: `text(100)`".to_owned(),
            "decimal" => "the digits after the point stand in brackets: `decimal(2)`".to_owned(),
            "reference" => {
                "the name of the object that it points to stands in brackets: `reference(account)`".to_owned()
            }
            _ => suggestion(word, KINDS.map(|kind| kind.split('(').next().unwrap_or(kind))),
        };
        item.invalid(format!("is no kind of field: {text:?}"), Some(help), found);
    }
    kind
}

/// The kind as a declaration writes it.
pub(super) fn written(kind: &Kind) -> String {
    match kind {
        Kind::Boolean => "boolean".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Decimal(digits) => format!("decimal({digits})"),
        Kind::Text(length) => format!("text({length})"),
        Kind::Choices => "choices".to_owned(),
        Kind::Date => "date".to_owned(),
        Kind::Timestamp => "timestamp".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Reference(object) => format!("reference({object})"),
    }
}

/// Whether a declaration can write values of this kind.
pub(super) fn is_plain(kind: &Kind) -> bool {
    match kind {
        Kind::Boolean | Kind::Integer | Kind::Decimal(_) | Kind::Text(_) | Kind::Date => true,
        Kind::Choices | Kind::Timestamp | Kind::Bytes | Kind::Reference(_) => false,
    }
}

/// A value of a kind, as TOML writes it.
pub(super) fn value(item: &Item<'_>, kind: &Kind, found: &mut Found<'_>) -> Option<Value> {
    let value = match kind {
        Kind::Boolean => Value::Boolean(item.boolean(found)?),
        Kind::Integer => Value::Integer(item.signed(found)?),
        _ => match item.as_text() {
            Some("") => {
                item.invalid("must not be empty: what is empty is null, and stays null", None, found);
                return None;
            }
            Some(text) => return of_text(text, kind, item, found),
            None => {
                item.wrong_type(&format!("{} in quotes", described(kind)), found);
                return None;
            }
        },
    };
    Some(value)
}

/// A value of a kind, written as text.
pub(super) fn of_text(text: &str, kind: &Kind, item: &Item<'_>, found: &mut Found<'_>) -> Option<Value> {
    let value = match kind {
        Kind::Boolean => text.parse().ok().map(Value::Boolean),
        Kind::Integer => text.parse().ok().map(Value::Integer),
        Kind::Decimal(_) => canonical_decimal(text).map(Value::Decimal),
        Kind::Date => canonical_date(text).filter(|date| date == text).map(Value::Date),
        Kind::Text(_) => Some(Value::Text(text.to_owned())),
        Kind::Choices | Kind::Timestamp | Kind::Bytes | Kind::Reference(_) => None,
    };
    let Some(mut value) = value else {
        item.invalid(format!("has {text:?}, which is not {}", described(kind)), None, found);
        return None;
    };
    match value.conform(kind) {
        Ok(()) if value.is_filled() => Some(value),
        Ok(()) => {
            item.invalid("has an empty text: what is empty is null, and stays null", None, found);
            None
        }
        Err(misfit) => {
            item.invalid(format!("has {text:?}, which {misfit}"), None, found);
            None
        }
    }
}

fn described(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "`true` or `false`",
        Kind::Integer => "a whole number",
        Kind::Decimal(_) => "a decimal such as `10.5`",
        Kind::Date => "a date such as `2026-12-31`",
        Kind::Text(_) | Kind::Choices | Kind::Timestamp | Kind::Bytes | Kind::Reference(_) => "a text",
    }
}
