//! What a resource holds, as far as its records tell: a description says what a server is like, and nothing of its fields.

use super::Rest;
use super::paging::Page;
use super::pointer::Pointer;
use super::template::Bindings;
use super::template::Var;
use crate::ports::{FieldDescription, Holds, RemoteError, ResourceDescription, Scope, View};
use crate::remote::decode::{Wire as _, plain};
use crate::remote::sample::{Record, counted, kind_of, length, names};
use crate::remote::tally::Purpose;
use serde_json::Value as Json;
use std::marker::PhantomData;
use sync_core::object::{Object, ObjectName, Resource, Traits};
use sync_core::value::{Kind, Value};

/// What servers call what makes the change key, the most usual first.
const ID: &[&str] = &["id", "Id", "ID", "_id", "uuid", "guid", "key"];
const UPDATED: &[&str] = &[
    "updated_at",
    "updatedAt",
    "updated",
    "last_modified",
    "lastModified",
    "modified_at",
    "modifiedAt",
    "modified",
    "update_time",
    "Modified_Time",
    "write_date",
    "changed_at",
    "changed",
];
const VERSION: &[&str] = &["version", "revision", "rev", "_rev", "etag", "lock_version"];
const CREATED: &[&str] = &["created_at", "createdAt", "created", "add_time", "Created_Time", "create_date"];
/// Objects within objects beyond this are left out.
const DEEPEST: usize = 3;

impl Rest {
    /// Reads the first page of the list with all fields, and guesses.
    pub(super) async fn described(
        &self,
        name: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        let fail = |message: String, help: &str| {
            Err(RemoteError { scope: Scope::Object, message, help: Some(help.to_owned()) })
        };
        let records = self.sampled(name, path).await?;
        if records.is_empty() {
            return fail(
                format!("{path} has no records that this user sees, and only records tell its fields"),
                "enter one on the server with every field filled",
            );
        }
        let usual = |all: &[&str]| {
            let there = |name: &&&str| records.iter().any(|record| !record.text(name).is_empty());
            all.iter().find(there).map(|name| (*name).to_owned())
        };
        let seen = names(&records).join(", ");
        let Some(id) = usual(ID) else {
            return fail(
                format!("no field of {path} looks like an id: {seen}"),
                "leave `--from-server` out, and name the field in the mapping",
            );
        };
        let Some(updated) = usual(UPDATED).or_else(|| usual(VERSION)) else {
            return fail(
                format!(
                    "no field of {path} looks like the time of the last change, nor like a version: {seen}"
                ),
                "leave `--from-server` out, and name the field in the mapping; without any, changes cannot be recognized",
            );
        };
        let version = usual(VERSION).filter(|version| *version != updated);
        let resource = Resource { path: path.to_owned(), id, updated, version, created: usual(CREATED) };
        Ok(self.guessed(resource, &records))
    }

    /// The records of the first page, with all that the server sends unasked.
    async fn sampled(&self, name: &ObjectName, path: &str) -> Result<Vec<Record>, RemoteError> {
        let (id, updated) = ("id".to_owned(), "updated".to_owned());
        let resource = Resource { path: path.to_owned(), id, updated, version: None, created: None };
        let object = Object {
            name: name.clone(),
            mapping_version: 0,
            local: Vec::new(),
            remote: Vec::new(),
            resource,
            user_keys: Vec::new(),
        };
        let list = &self.description.list;
        let view = View { object: &object, filter: None };
        let bindings = Bindings::default().text(Var::Resource, path);
        let call = self.page_call(view, list, bindings, &Page::first(&list.paging), Purpose::Details)?;
        let reply = self.must_read(&call).await?;
        let at = &list.items;
        let records = match at.record.parts() {
            [] => at.items.read(&reply.body, PhantomData::<Vec<Record>>),
            _ => at.items.read(&reply.body, PhantomData::<Vec<Json>>).map(|items| {
                let inner = |mut item: Json| match at.record.take(&mut item) {
                    Some(Json::Object(map)) => Some(Record(map.into_iter().collect())),
                    _ => None,
                };
                items.map(|items| items.into_iter().filter_map(inner).collect())
            }),
        };
        let mut records =
            records.map_err(|error| self.http.unreadable(&call, &reply, &error))?.unwrap_or_default();
        if let Some(deleted) = &self.description.record.deleted {
            let live = |record: &Record| {
                record.0.iter().all(|(name, value)| name != deleted || value == &Json::Bool(false))
            };
            records.retain(live);
        }
        Ok(records)
    }

    fn guessed(&self, resource: Resource, records: &[Record]) -> ResourceDescription {
        let key = [
            Some(&resource.id),
            Some(&resource.updated),
            resource.version.as_ref(),
            resource.created.as_ref(),
        ];
        let own = |name: &str| {
            key.iter().flatten().any(|it| *it == name)
                || self.description.record.deleted.as_deref() == Some(name)
        };
        let flat = |record: &Record| {
            let mut fields = Vec::new();
            for (name, value) in record.0.iter().filter(|(name, _)| !own(name)) {
                self.flatten(Pointer::default().below(name), value, &mut fields);
            }
            Record(fields)
        };
        let records: Vec<Record> = records.iter().map(flat).collect();
        let fullest = records.iter().max_by_key(|record| record.filled());
        let (mut fields, mut left_out, mut sample) = (Vec::new(), Vec::new(), Vec::new());
        for name in names(&records) {
            let of =
                |record: &Record| record.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
            let values: Vec<Json> = records.iter().filter_map(of).filter(|value| !is_empty(value)).collect();
            let Some((kind, note)) = self.kind_of_values(name, &values, records.len()) else {
                left_out.push((name.to_owned(), "it holds lists, or values of several kinds".to_owned()));
                continue;
            };
            let value =
                fullest.and_then(of).and_then(|value| plain(&self.description.values, &kind, value).ok());
            sample.push(value.unwrap_or(Value::Null));
            let (name, holds) = (name.to_owned(), Holds::Value(kind));
            fields.push(FieldDescription { name, holds, traits: Traits::default(), note });
        }
        let known_from = format!(
            "The kinds are guessed from the {} that the server lists first: nothing says what a field holds, whether it \
             must be filled, or whether it can be written. Check each line.",
            counted(records.len())
        );
        ResourceDescription { resource, known_from, fields, left_out, sample: Some(sample) }
    }

    /// The fields of a value, objects being taken apart; each by the name that a mapping has for it.
    fn flatten(&self, at: Pointer, value: &Json, into: &mut Vec<(String, Json)>) {
        let below = self.description.record.fields.parts();
        let depth = at.parts().len();
        match value {
            Json::Object(map) if depth <= below.len() + DEEPEST => {
                map.iter().for_each(|(name, value)| self.flatten(at.clone().below(name), value, into));
            }
            _ => into.push(match at.parts().strip_prefix(below) {
                Some([name]) if !name.starts_with('/') => (name.clone(), value.clone()),
                _ => (at.to_string(), value.clone()),
            }),
        }
    }

    /// What values like these are, and what is uncertain about that; `None` where no field can hold them.
    fn kind_of_values(&self, name: &str, values: &[Json], records: usize) -> Option<(Kind, Option<String>)> {
        let wire = &self.description.values;
        if values.is_empty() {
            let note = format!("Empty in the {} that were read: its kind is not known.", counted(records));
            return Some((Kind::Text(250), Some(note)));
        }
        let texts: Vec<String> = values.iter().filter_map(scalar).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let strings = values.iter().all(Json::is_string);
        if values.iter().all(|value| value.as_array().is_some_and(|all| all.iter().all(Json::is_string))) {
            return Some((Kind::Choices, None));
        }
        if texts.len() < values.len() {
            return None;
        }
        let boolean = |text: &&str| matches!(wire.text(&Kind::Boolean, text), Value::Boolean(_));
        if values.iter().all(Json::is_boolean) || (wire.booleans.is_some() && texts.iter().all(boolean)) {
            return Some((Kind::Boolean, None));
        }
        if strings && (name.ends_with("_id") || name.ends_with("Id") || name.ends_with("/id")) {
            let note = format!(
                "Looks like the id of another record: with `--link '{name}=OBJECT'`, or Reference(\"OBJECT\") here, it \
                 becomes a link."
            );
            return Some((Kind::Text(length(&texts)), Some(note)));
        }
        let (kind, note) = kind_of(wire, name, &texts);
        let number = matches!(kind, Kind::Integer | Kind::Decimal(_));
        match number && strings && !wire.numbers_as_text {
            // A text of digits stays one.
            true => Some((Kind::Text(length(&texts)), None)),
            false => Some((kind, note)),
        }
    }
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}

/// A text, number or boolean, as text.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(yes) => Some(yes.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
