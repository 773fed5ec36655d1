//! The records of an answer: straight into rows where a record is flat, by way of a tree where fields are nested.

use super::Rest;
use super::description::Items;
use super::pointer::{NotNull, Pointer};
use crate::ports::{RemoteError, RemoteRecord, Scope};
use crate::remote::decode::{Layout, Records, read_again};
use crate::remote::http::{Call, Reply};
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::{Map, Value as Json};
use std::marker::PhantomData;
use sync_core::object::Object;
use sync_core::value::Value;

impl Rest {
    /// The records of an answer.
    ///
    /// # Errors
    /// JSON of another form than described. That there is no list is one, too: it is no empty list.
    pub(super) fn records(
        &self,
        object: &Object,
        layout: &Layout<'_>,
        at: &Items,
        call: &Call<'_>,
        reply: &Reply,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        if reply.status == 204 {
            return Ok(Vec::new());
        }
        let help = || {
            let id = &object.resource.id;
            Some(format!(
                "check `items` and `record` in the description, and that every record there has `{id}`"
            ))
        };
        match read_again(&reply.body, |body| self.parse(object, layout, at, body)) {
            Ok(Some(mut records)) => {
                let keys = records.iter_mut().map(|record| &mut record.key);
                self.newest.mark(object, keys, self.description.record.tick, |stamp| self.instant(stamp));
                Ok(records)
            }
            Ok(None) => Err(RemoteError {
                scope: Scope::Object,
                message: format!("{} was answered with nothing at {}", self.http.name(call), at.items),
                help: help(),
            }),
            Err(error) => {
                let error = self.http.unreadable(call, reply, &error);
                Err(RemoteError { help: error.help.or_else(help), ..error })
            }
        }
    }

    /// The time that a stamp says, in microseconds; `None` where it is a counter or no number.
    pub(super) fn instant(&self, stamp: &str) -> Option<i64> {
        time_of(stamp).or_else(|| self.description.values.timestamps.instant(stamp))
    }

    fn parse(
        &self,
        object: &Object,
        layout: &Layout<'_>,
        at: &Items,
        body: &[u8],
    ) -> Result<Option<Vec<RemoteRecord>>, serde_json::Error> {
        let records = Records { layout, wire: &self.description.values };
        let places: Vec<(&str, Pointer)> =
            layout.names().map(|name| (name, at.record_place(&self.place(object, name)))).collect();
        let flat = places.iter().all(|(name, place)| matches!(place.parts(), [only] if only == name));
        let found = if flat {
            // Null is a list of nothing.
            at.items.read(body, NotNull(records))?.map(Option::unwrap_or_default)
        } else {
            let tree = at.items.read(body, PhantomData::<Json>)?;
            tree.map(|tree| {
                let items = match tree {
                    Json::Array(items) => items,
                    Json::Null => Vec::new(),
                    one => vec![one],
                };
                let mut all = Vec::with_capacity(items.len());
                for mut item in items {
                    let mut flat = Map::new();
                    for (name, place) in &places {
                        flat.extend(place.take(&mut item).map(|value| ((*name).to_owned(), value)));
                    }
                    all.append(&mut records.deserialize(Json::Object(flat))?);
                }
                Ok::<_, serde_json::Error>(all)
            })
            .transpose()?
        };
        Ok(found.map(|mut all| {
            if self.description.record.absent_is_null {
                let values = all.iter_mut().flat_map(|record| &mut record.row);
                values.filter(|value| **value == Value::Absent).for_each(|value| *value = Value::Null);
            }
            all
        }))
    }
}

impl Items {
    /// Where a name of the record stands in an item.
    fn record_place(&self, place: &Pointer) -> Pointer {
        place.parts().iter().fold(self.record.clone(), |way, part| way.below(part))
    }
}

/// A stamp as a time, whatever form values are sent in: numbers tell by their size what they count since 1970.
fn time_of(stamp: &str) -> Option<i64> {
    match stamp.parse::<i64>() {
        Ok(number @ 100_000_000..100_000_000_000) => Some(number * 1_000_000),
        Ok(number @ 100_000_000_000..100_000_000_000_000) => Some(number * 1_000),
        Ok(number @ 100_000_000_000_000..) => Some(number),
        // A counter.
        Ok(_) => None,
        Err(_) => sync_core::calendar::parse_timestamp(stamp),
    }
}

/// The number of items of an answer, records or not.
pub(super) fn items_in(at: &Items, reply: &Reply) -> u64 {
    let items = at.items.read(&reply.body, NotNull(PhantomData::<Vec<IgnoredAny>>));
    items.ok().flatten().flatten().map_or(0, |all| all.len() as u64)
}
