//! Answers that tell what changed: records in their present state, and those that are gone, in the forms of OData 4.01
//! (`@removed`) and of 4.0 (a context of its own).

use super::answer::Fault;
use super::query;
use super::shape::Shape;
use crate::remote::decode::Records;
use serde::Deserialize;
use serde::de::{Error, IgnoredAny};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::HashMap;
use sync_core::change_feed::Changes;
use sync_core::change_key::{RemoteId, RemoteKey};

/// A page of changes.
#[derive(Debug)]
pub(super) struct Page {
    /// What is told, in the order in which it happened.
    pub(super) records: Vec<Record>,
    /// Where the next page is.
    pub(super) next: Option<String>,
    /// Where, later, the changes since are: on the last page.
    pub(super) delta: Option<String>,
    /// What relative addresses are relative to.
    pub(super) context: Option<String>,
    /// What went wrong after the answer had begun.
    pub(super) error: Option<Fault>,
}

/// What is told of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// It was made or changed.
    Changed(RemoteKey),
    /// It is gone. Without a filter, whatever the reason: no listing has it any more.
    Gone(RemoteId),
}

impl Record {
    /// The key of a record that is there.
    pub(super) fn key(&mut self) -> Option<&mut RemoteKey> {
        match self {
            Record::Changed(key) => Some(key),
            Record::Gone(_) => None,
        }
    }
}

/// What several pages tell. Of a record that is told of twice, the later word counts.
#[derive(Debug, Default)]
pub(super) struct Told(HashMap<RemoteId, Record>);

impl Told {
    /// Adds a page.
    pub(super) fn add(&mut self, records: Vec<Record>) {
        self.0.extend(records.into_iter().map(|record| match &record {
            Record::Changed(key) => (key.id.clone(), record),
            Record::Gone(id) => (id.clone(), record),
        }));
    }

    /// All of it.
    pub(super) fn changes(self) -> Changes {
        let mut changes = Changes::default();
        for record in self.0.into_values() {
            match record {
                Record::Changed(key) => changes.changed.push(key),
                Record::Gone(id) => changes.gone.push(id),
            }
        }
        changes
    }
}

/// Reads a page of changes.
///
/// # Errors
/// No JSON, or none of that form.
pub(super) fn page(json: &[u8], records: Records<'_, Shape>) -> Result<Page, serde_json::Error> {
    #[derive(Deserialize)]
    struct Whole<'a> {
        #[serde(borrow, default)]
        value: Option<Vec<&'a RawValue>>,
        #[serde(rename = "@odata.nextLink", alias = "@nextLink", default)]
        next: Option<String>,
        #[serde(rename = "@odata.deltaLink", alias = "@deltaLink", default)]
        delta: Option<String>,
        #[serde(rename = "@odata.context", alias = "@context", default)]
        context: Option<String>,
        #[serde(default)]
        error: Option<Fault>,
    }
    let Whole { value, next, delta, context, error } = serde_json::from_slice(json)?;
    if value.is_none() && error.is_none() {
        return Err(serde_json::Error::missing_field("value"));
    }
    let mut all = Vec::new();
    for item in value.into_iter().flatten() {
        all.extend(record(item.get(), records)?);
    }
    Ok(Page { records: all, next, delta, context, error })
}

/// What an entry tells; none where it is about a relation, which is nothing that a record holds.
fn record(json: &str, records: Records<'_, Shape>) -> Result<Option<Record>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "@odata.context", alias = "@context", default)]
        context: Option<String>,
        #[serde(rename = "@removed", alias = "@odata.removed", default)]
        removed: Option<IgnoredAny>,
        #[serde(rename = "@odata.id", alias = "@id", default)]
        address: Option<String>,
        #[serde(default)]
        id: Option<Json>,
    }
    let Entry { context, removed, address, id } = serde_json::from_str(json)?;
    let context = context.as_deref().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    let named = |address: &str| RemoteId(query::key_of(address).unwrap_or_else(|| address.to_owned()));
    match (context, removed, address, id) {
        ("$link" | "$deletedLink", ..) => Ok(None),
        // An address, or no more than the key.
        ("$deletedEntity", _, _, Some(Json::String(id))) => Ok(Some(Record::Gone(named(&id)))),
        ("$deletedEntity", _, _, Some(Json::Number(id))) => Ok(Some(Record::Gone(RemoteId(id.to_string())))),
        (_, Some(_), Some(address), _) => Ok(Some(Record::Gone(named(&address)))),
        (context, removed, ..) => {
            let is_gone = removed.is_some() || context == "$deletedEntity";
            let key = records.read(json.as_bytes())?.pop().map(|record| record.key);
            Ok(key.map(|key| if is_gone { Record::Gone(key.id) } else { Record::Changed(key) }))
        }
    }
}
