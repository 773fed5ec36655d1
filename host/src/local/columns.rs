//! A value as a column holds it, and what a person typed into a column as a value.

use crate::ports::Unfit;
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use sync_core::calendar;
use sync_core::object::Field;
use sync_core::value::{Kind, Misfit, Row, Value, canonical_decimal};

/// The type that a column of this kind is declared with.
pub(super) fn declared_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean | Kind::Integer | Kind::Reference(_) => "INTEGER",
        Kind::Decimal(_) | Kind::Text(_) | Kind::Choices | Kind::Date | Kind::Timestamp => "TEXT",
        Kind::Bytes => "BLOB",
    }
}

/// The value as it is written: booleans as 0 and 1, timestamps to the microsecond, references as
/// numbers. Absent is null; an update leaves it out before it comes here.
pub(super) fn encode(value: &Value) -> ToSqlOutput<'_> {
    let text = |text: &'_ str| ToSqlOutput::Owned(Sql::Text(text.to_owned()));
    match value {
        Value::Absent | Value::Null => ToSqlOutput::Owned(Sql::Null),
        Value::Boolean(yes) => ToSqlOutput::Owned(Sql::Integer(i64::from(*yes))),
        Value::Integer(number) => ToSqlOutput::Owned(Sql::Integer(*number)),
        Value::Decimal(text) | Value::Text(text) | Value::Date(text) => {
            ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
        }
        Value::Choices(choices) => text(&serde_json::json!(choices).to_string()),
        Value::Timestamp(micros) => match calendar::format_timestamp(*micros) {
            Some(timestamp) => text(&timestamp),
            None => ToSqlOutput::Owned(Sql::Integer(*micros)),
        },
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Reference(id) => match id.parse() {
            Ok(number) => ToSqlOutput::Owned(Sql::Integer(number)),
            Err(_) => text(id),
        },
    }
}

/// Reads a column by the field's kind, tolerant of how people type, and checks that the value fits.
///
/// # Errors
/// [`Unfit`] for what cannot be such a value: an issue of that record when it is to be sent.
pub(super) fn decode(index: usize, field: &Field, column: ValueRef<'_>) -> Result<Value, Unfit> {
    let unfit = |code: &str, message: String| {
        let (code, found) = (code.to_owned(), vec![(index, as_text(column))]);
        Unfit { field: index, code, message, found, rest: Row::new() }
    };
    let mut value = match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => from_number(&field.kind, &number.to_string()),
        // Rust writes a double without exponent and as short as it reads back.
        ValueRef::Real(number) => from_number(&field.kind, &number.to_string()),
        ValueRef::Blob(bytes) if field.kind == Kind::Bytes => Value::Bytes(bytes.to_vec()),
        ValueRef::Blob(_) => Value::Absent,
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => from_text(&field.kind, text),
            Err(_) => return Err(unfit("not-utf8", "is not valid UTF-8 text".to_owned())),
        },
    };
    if value == Value::Absent {
        return Err(unfit("wrong-kind", format!("does not read as {}", field.kind.name())));
    }
    value.conform(&field.kind).map_err(|misfit: Misfit| unfit(misfit.code(), misfit.to_string()))?;
    Ok(value)
}

/// What is in a column, whatever it means, for people.
fn as_text(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null | ValueRef::Blob(_) => Value::Absent,
        ValueRef::Integer(number) => Value::text(number.to_string()),
        ValueRef::Real(number) => Value::text(number.to_string()),
        ValueRef::Text(bytes) => Value::text(String::from_utf8_lossy(bytes)),
    }
}

/// What a number in a column means; absent where it means nothing.
fn from_number(kind: &Kind, number: &str) -> Value {
    match kind {
        // A bare number is no day and no instant: which one would be a guess.
        Kind::Date | Kind::Timestamp | Kind::Choices | Kind::Bytes => Value::Absent,
        _ => from_text(kind, number),
    }
}

/// What a text in a column means; absent where it means nothing.
fn from_text(kind: &Kind, text: &str) -> Value {
    if let Kind::Text(_) = kind {
        return Value::text(text);
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Value::Null;
    }
    let read = match kind {
        Kind::Boolean => boolean(trimmed).map(Value::Boolean),
        Kind::Integer => integer(trimmed).map(Value::Integer),
        Kind::Decimal(_) => canonical_decimal(trimmed).map(Value::Decimal),
        Kind::Text(_) => None,
        Kind::Choices => choices(trimmed).map(Value::Choices),
        Kind::Date => calendar::canonical_date(trimmed).map(Value::Date),
        Kind::Timestamp => calendar::parse_timestamp(trimmed).map(Value::Timestamp),
        Kind::Bytes => Some(Value::Bytes(text.as_bytes().to_vec())),
        Kind::Reference(_) => integer(trimmed).map(|id| Value::Reference(id.to_string())),
    };
    read.unwrap_or(Value::Absent)
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "0" | "false" => Some(false),
        "1" | "true" => Some(true),
        _ => None,
    }
}

/// Also of `42.0`, which is what a column without a type makes of a division.
fn integer(text: &str) -> Option<i64> {
    canonical_decimal(text)?.parse().ok()
}

fn choices(text: &str) -> Option<Vec<String>> {
    let mut choices: Vec<String> = serde_json::from_str(text).ok()?;
    choices.sort();
    choices.dedup();
    Some(choices)
}
