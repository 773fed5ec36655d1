//! JSON straight into rows, by the fields that the object declares and never through a tree of JSON values: that
//! costs half as much (`architecture.md`, speed). Unknown fields are skipped, missing ones are absent.
//!
//! What cannot be the value of its field is no reason to fail a page: it becomes a value of another kind, which
//! the check of the row makes one record's issue.

mod again;
mod layout;
mod value;

use crate::ports::RemoteRecord;
use layout::{Column, Mark};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::value::{Kind, Row, Value};
use value::{OfField, Stamp};

pub(in crate::remote) use again::read_again;
pub(in crate::remote) use layout::{Layout, unfolded};
pub(in crate::remote) use value::{binary, decimal_of, plain};

/// How a protocol writes values that JSON has no form for.
pub(in crate::remote) trait Wire {
    /// The value of a whole number, where it is another than the number itself: seconds, for one.
    fn integer(&self, _kind: &Kind, _number: i64) -> Option<Value> {
        None
    }

    /// The value of a number with a fraction, where it is another than the decimal.
    fn fraction(&self, _kind: &Kind, _number: f64) -> Option<Value> {
        None
    }

    /// The value of a text.
    fn text(&self, kind: &Kind, text: &str) -> Value;

    /// The value of a field, by its index, where its JSON needs more than [`Wire::text`] and [`Wire::map`].
    ///
    /// # Errors
    /// Only where the JSON itself is broken.
    fn value<'de, D: Deserializer<'de>>(&self, _field: usize, kind: &Kind, from: D) -> Result<Value, D::Error>
    where
        Self: Sized,
    {
        plain(self, kind, from)
    }

    /// The value of a JSON object.
    ///
    /// # Errors
    /// Only where the JSON itself is broken.
    fn map<'de, A: MapAccess<'de>>(&self, _kind: &Kind, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(unfit())
    }

    /// The name that records may be wrapped in; none: what looks like that is a field of a record.
    fn wrapper(&self) -> Option<&'static str> {
        Some("items")
    }

    /// Reads a JSON name that holds several fields at once into the row, which is empty where keys are listed. The
    /// result is added to the last-updated token.
    ///
    /// # Errors
    /// Where the JSON is not of the form that the protocol gives it.
    fn unfold<'de, D: Deserializer<'de>>(&self, from: D, _row: &mut Row) -> Result<String, D::Error> {
        from.deserialize_ignored_any(IgnoredAny).map(|_| String::new())
    }
}

/// A value that fits no field it may be put into (no remote of ours carries raw bytes).
pub(in crate::remote) fn unfit() -> Value {
    Value::Bytes(Vec::new())
}

/// Reads one record, an array of them, or either wrapped as [`Wire::wrapper`] says.
pub(in crate::remote) struct Records<'a, W> {
    /// Which names to read.
    pub(in crate::remote) layout: &'a Layout<'a>,
    /// How values are written.
    pub(in crate::remote) wire: &'a W,
}

impl<W> Clone for Records<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Records<'_, W> {}

impl<W: Wire> Records<'_, W> {
    /// Reads a whole document.
    ///
    /// # Errors
    /// No JSON, or none of the known forms.
    pub(in crate::remote) fn read(self, json: &[u8]) -> Result<Vec<RemoteRecord>, serde_json::Error> {
        // As text, no string of it has to be looked at by itself. What is none is read as far as it goes.
        read_again(json, |json| match std::str::from_utf8(json) {
            Ok(text) => self.whole(serde_json::Deserializer::from_str(text)),
            Err(_) => self.whole(serde_json::Deserializer::from_slice(json)),
        })
    }

    fn whole<'de, R: serde_json::de::Read<'de>>(
        self,
        mut from: serde_json::Deserializer<R>,
    ) -> Result<Vec<RemoteRecord>, serde_json::Error> {
        let records = self.deserialize(&mut from)?;
        from.end()?;
        Ok(records)
    }
}

impl<'de, W: Wire> DeserializeSeed<'de> for Records<'_, W> {
    type Value = Vec<RemoteRecord>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, W: Wire> Visitor<'de> for Records<'_, W> {
    type Value = Vec<RemoteRecord>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record or a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::with_capacity(seq.size_hint().unwrap_or(100));
        while let Some(mut records) = seq.next_element_seed(self)? {
            all.append(&mut records);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row = vec![Value::Absent; self.layout.width];
        let (mut id, mut created, mut is_deleted) = (None, None, false);
        let mut token = RemoteToken::unsettled();
        let mut folded = String::new();
        while let Some(found) = map.next_key_seed(Name(self.layout, self.wire.wrapper()))? {
            let column = match found {
                Found::Column(column) => column,
                Found::Items => return self.wrapped(map),
                Found::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if column.folded {
                folded = map.next_value_seed(Folded { wire: self.wire, row: &mut row })?;
            } else if column.marks.is_empty() {
                if let Some((index, kind)) = column.field {
                    row[index] = map.next_value_seed(OfField { wire: self.wire, index, kind })?;
                }
            } else {
                let stamp = map.next_value_seed(Stamp(self.wire))?;
                if let Some((index, kind)) = column.field {
                    row[index] = stamp.as_deref().map_or(Value::Null, |text| self.wire.text(kind, text));
                }
                let (last, others) = column.marks.split_last().unzip();
                let mut put = |mark: &Mark, stamp: Option<String>| match mark {
                    Mark::Id => id = stamp,
                    Mark::Updated => token.updated = stamp.unwrap_or_default(),
                    Mark::Version => token.version = stamp,
                    Mark::Created => created = stamp,
                    Mark::Deleted => {
                        is_deleted = stamp.is_some_and(|it| !matches!(it.as_str(), "false" | "0"));
                    }
                };
                others.unwrap_or_default().iter().for_each(|mark| put(mark, stamp.clone()));
                if let Some(last) = last {
                    put(last, stamp);
                }
            }
        }
        if !token.updated.is_empty() {
            token.updated.push_str(&folded);
        }
        if is_deleted {
            return Ok(Vec::new());
        }
        let id = RemoteId(id.ok_or_else(|| A::Error::missing_field("id"))?);
        Ok(vec![RemoteRecord { key: RemoteKey { id, token, created, fresh: false }, row }])
    }
}

impl<W: Wire> Records<'_, W> {
    fn wrapped<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<RemoteRecord>, A::Error> {
        let records = map.next_value_seed(self)?;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(records)
    }
}

enum Found<'a> {
    Column(&'a Column<'a>),
    Items,
    Unknown,
}

/// Finds a name's column without making a string of it.
struct Name<'a>(&'a Layout<'a>, Option<&'static str>);

impl<'a, 'de> DeserializeSeed<'de> for Name<'a> {
    type Value = Found<'a>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Found<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.0.find(name) {
            Some(column) => Found::Column(column),
            None if self.1 == Some(name) => Found::Items,
            None => Found::Unknown,
        })
    }
}

struct Folded<'a, W> {
    wire: &'a W,
    row: &'a mut Row,
}

impl<'de, W: Wire> DeserializeSeed<'de> for Folded<'_, W> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        self.wire.unfold(from, self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_core::object::{Descriptor, Field, Object, Resource, Traits};

    struct Plainly;

    impl Wire for Plainly {
        fn text(&self, _: &Kind, text: &str) -> Value {
            Value::text(text)
        }
    }

    fn object() -> Object {
        let field = |(name, kind): (&str, Kind)| Field { name: name.into(), kind, traits: Traits::default() };
        let kinds = [("name", Kind::Text(9)), ("amount", Kind::Decimal(2)), ("stamp", Kind::Text(9))];
        let fields: Vec<Field> = kinds.map(field).into();
        let resource = Resource {
            path: "thing".into(),
            id: "key".into(),
            updated: "stamp".into(),
            version: Some("version".into()),
            created: None,
        };
        let descriptor = Descriptor {
            name: "thing".into(),
            mapping_version: 1,
            local: fields.clone(),
            remote: fields,
            resource,
            user_keys: Vec::new(),
        };
        descriptor.try_into().unwrap()
    }

    fn read(json: &str) -> Result<Vec<RemoteRecord>, serde_json::Error> {
        let object = object();
        let layout = Layout::records(&object, unfolded);
        Records { layout: &layout, wire: &Plainly }.read(json.as_bytes())
    }

    #[test]
    fn records_come_alone_listed_or_wrapped() {
        let one = r#"{"key":7,"name":"A","Link":[{"rel":"self"}],"stamp":"s","version":3,"amount":0.1}"#;
        let expected = RemoteRecord {
            key: RemoteKey {
                id: RemoteId("7".into()),
                token: RemoteToken { updated: "s".into(), version: Some("3".into()) },
                created: None,
                fresh: false,
            },
            row: vec![Value::Text("A".into()), Value::Decimal("0.1".into()), Value::Text("s".into())],
        };
        for json in [one.to_owned(), format!(r#"{{"items":{one},"Link":{{}}}}"#)] {
            assert_eq!(read(&json).unwrap(), std::slice::from_ref(&expected), "{json}");
        }
        for json in [format!("[{one},{one}]"), format!(r#"{{"items":[{one},{one}]}}"#)] {
            assert_eq!(read(&json).unwrap(), [expected.clone(), expected.clone()], "{json}");
        }
    }

    #[test]
    fn what_is_missing_is_absent_and_what_does_not_fit_is_one_fields_affair() {
        let record = &read(r#"{"amount":{"a":[1]},"key":"7","version":null}"#).unwrap()[0];
        assert_eq!(record.row, [Value::Absent, unfit(), Value::Absent]);
        assert_eq!(record.key.token, RemoteToken::unsettled());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_one_fields_affair() {
        let fine = r#"{"key":"8","name":"B","amount":0.30000000000000004}"#;
        for (record, row) in [
            (
                r#"{"key":"7","name":"Bad \ud83d","amount":1}"#,
                [unfit(), Value::Decimal("1".into()), Value::Absent],
            ),
            (r#"{"key":"7","name":"A","amount":1e999}"#, [Value::text("A"), unfit(), Value::Absent]),
        ] {
            let records = read(&format!("[{record},{fine}]")).unwrap();
            assert_eq!((records[0].key.id.0.as_str(), &records[0].row[..]), ("7", &row[..]));
            assert_eq!(records[1].row[..2], [Value::text("B"), Value::Decimal("0.3".into())]);
        }
        let latin = b"[{\"key\":\"7\",\"name\":\"caf\xe9\"}]";
        let object = object();
        let layout = Layout::records(&object, unfolded);
        assert_eq!(Records { layout: &layout, wire: &Plainly }.read(latin).unwrap()[0].row[0], unfit());
    }

    #[test]
    fn a_record_without_an_id_and_half_a_document_are_errors() {
        for json in [r#"{"name":"A"}"#, r#"[{"key":"7"}"#, "", "<html>", "[] []"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn fractions_are_the_decimals_that_were_meant() {
        for (number, text) in [(0.1 + 0.2, "0.3"), (1e3, "1000"), (-2.50, "-2.5"), (1.25e-7, "0.000000125")] {
            assert_eq!(value::decimal_of(number).as_deref(), Some(text));
        }
        assert_eq!(value::decimal_of(f64::NAN), None);
    }
}
