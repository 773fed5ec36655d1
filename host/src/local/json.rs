//! A row of the baseline as a JSON array of natural values.

use crate::natural::{Fitting, Natural};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt::{self, Formatter};
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

/// Which of the object's fields each value of a stored row belongs to, by the names that it was written with: the row may
/// be older than the descriptor.
pub(super) struct Layout(Vec<Option<usize>>);

impl Layout {
    /// Compares the stored names with the fields of today.
    pub(super) fn new(stored: &[String], fields: &[Field]) -> Layout {
        let field = |name: &String| fields.iter().position(|field| field.name == *name);
        Layout(stored.iter().map(field).collect())
    }

    /// Reads a stored row. A field that it does not know, or whose value is no longer of the
    /// field's kind, is absent: nothing is known of what the sides agreed on.
    pub(super) fn decode(&self, text: &str, fields: &[Field]) -> serde_json::Result<Row> {
        let mut row = vec![Value::Absent; fields.len()];
        let stored = Stored { layout: self, fields, row: &mut row };
        let mut from = serde_json::Deserializer::from_str(text);
        from.deserialize_seq(stored)?;
        from.end()?;
        Ok(row)
    }
}

/// A stored row, read into today's.
struct Stored<'a> {
    layout: &'a Layout,
    fields: &'a [Field],
    row: &'a mut Row,
}

impl<'de> Visitor<'de> for Stored<'_> {
    type Value = ();

    fn expecting(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        for index in &self.layout.0 {
            let known = index.and_then(|index| Some((self.fields.get(index)?, self.row.get_mut(index)?)));
            let Some((field, place)) = known else {
                from.next_element::<IgnoredAny>()?;
                continue;
            };
            let Some(value) = from.next_element_seed(Fitting(&field.kind))? else { return Ok(()) };
            if let Some(mut value) = value
                && value.conform(&field.kind).is_ok()
            {
                *place = value;
            }
        }
        while from.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
