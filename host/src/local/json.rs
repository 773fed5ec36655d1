//! A row of the baseline as a JSON array of natural values.

use crate::natural::{Natural, from_natural};
use serde::Serializer;
use serde_json::Value as Json;
use sync_core::object::Field;
use sync_core::value::{Row, Value};

/// Bytes that most rows fit into.
const ROOM: usize = 512;

/// A row as it is stored.
pub(super) fn encode_row(row: &Row) -> serde_json::Result<String> {
    let mut text = Vec::with_capacity(ROOM);
    serde_json::Serializer::new(&mut text).collect_seq(row.iter().map(Natural))?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// Where each of the object's fields stands in a stored row, by the names that it was written with:
/// the row may be older than the descriptor.
pub(super) struct Layout(Vec<Option<usize>>);

impl Layout {
    /// Compares the stored names with the fields of today.
    pub(super) fn new(stored: &[String], fields: &[Field]) -> Layout {
        let position = |field: &Field| stored.iter().position(|name| *name == field.name);
        Layout(fields.iter().map(position).collect())
    }

    /// Reads a stored row. A field that it does not know, or whose value is no longer of the
    /// field's kind, is absent: nothing is known of what the sides agreed on.
    pub(super) fn decode(&self, text: &str, fields: &[Field]) -> serde_json::Result<Row> {
        let mut values: Vec<Json> = serde_json::from_str(text)?;
        let read = |(position, field): (&Option<usize>, &Field)| {
            let stored = position.and_then(|position| values.get_mut(position)).map(std::mem::take);
            let read = stored.and_then(|json| from_natural(json, &field.kind));
            let fitting = read.and_then(|mut value| value.conform(&field.kind).is_ok().then_some(value));
            fitting.unwrap_or(Value::Absent)
        };
        Ok(self.0.iter().zip(fields).map(read).collect())
    }
}
