//! Rows written by field name, for a plugin's own tests.

use crate::{Field, Row, Value};

/// A row of these fields with the named values; every other value is null.
///
/// # Panics
/// When no field has one of the names: the fixture is wrong.
pub fn row(fields: &[Field], named: &[(&str, Value)]) -> Row {
    let mut row = vec![Value::Null; fields.len()];
    for (name, value) in named {
        let at = fields.iter().position(|field| field.name == *name);
        assert!(at.is_some(), "no field is named {name}");
        if let Some(at) = at {
            row[at] = value.clone();
        }
    }
    row
}

/// A text value.
pub fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// A decimal value, in canonical form.
pub fn decimal(value: &str) -> Value {
    Value::Decimal(value.into())
}

/// A date value, as RFC 3339 writes it.
pub fn date(value: &str) -> Value {
    Value::Date(value.into())
}

/// The id of another object's record.
pub fn reference(id: &str) -> Value {
    Value::Reference(id.into())
}
