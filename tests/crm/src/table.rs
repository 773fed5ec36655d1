//! The records of one component: sorted by id, with an index for each field that asks for one.

use crate::record::Record;
use crate::schema::{Component, position};
use std::collections::{BTreeSet, HashMap};

/// A vector sorted by id, and not a tree: new ids are the greatest so far and go to the end,
/// a page is found by bisection, and "how many from here on" is a subtraction.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) component: &'static Component,
    records: Vec<Record>,
    /// How the id of each of them begins: bisection then looks at the records only where several begin alike.
    beginnings: Vec<u128>,
    indexes: Vec<Index>,
    /// The ids in the order of the last update.
    updates: BTreeSet<(Box<str>, Box<str>)>,
    /// How many records each view sees only from this level on.
    levels: [usize; 3],
}

#[derive(Debug)]
struct Index {
    at: usize,
    ids: HashMap<Box<str>, Vec<Box<str>>>,
}

impl Table {
    pub(crate) fn new(component: &'static Component) -> Self {
        let indexed = component.all().enumerate().filter(|(_, field)| field.indexed);
        let indexes = indexed.map(|(at, _)| Index { at, ids: HashMap::new() }).collect();
        let (records, beginnings, updates) = (Vec::new(), Vec::new(), BTreeSet::new());
        Table { component, records, beginnings, indexes, updates, levels: [0; 3] }
    }

    /// All records in the order of their ids.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether every record is visible in this view, so that none has to be looked at.
    pub(crate) fn all_visible(&self, view: crate::record::Visibility) -> bool {
        self.levels.iter().skip(view as usize + 1).all(|count| *count == 0)
    }

    /// Where the record with this id is, or would be.
    fn place(&self, id: &str) -> Result<usize, usize> {
        match self.records.last() {
            Some(last) if last.id() < id => Err(self.records.len()),
            _ => {
                let beginning = beginning(id);
                let from = self.beginnings.partition_point(|other| *other < beginning);
                let alike = self.beginnings[from..].partition_point(|other| *other == beginning);
                let found = self.records[from..from + alike].binary_search_by(|record| record.id().cmp(id));
                found.map(|place| from + place).map_err(|place| from + place)
            }
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.place(id).ok().map(|place| &self.records[place])
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.place(id).is_ok()
    }

    /// The ids of the records whose field has this value. `None`: there is no index.
    pub(crate) fn ids_with(&self, at: usize, value: &str) -> Option<&[Box<str>]> {
        let index = self.indexes.iter().find(|index| index.at == at)?;
        Some(index.ids.get(value).map_or(&[], Vec::as_slice))
    }

    /// The ids of the records that were updated at this stamp or later, the last one first; those of one stamp in any
    /// order.
    pub(crate) fn updated_since(&self, stamp: &str) -> impl Iterator<Item = (&str, &str)> {
        let since = (in_order(stamp), Box::default());
        self.updates.range(since..).rev().map(|(stamp, id)| (&**stamp, &**id))
    }

    /// Puts a record in, or in the place of the one with the same id.
    pub(crate) fn put(&mut self, record: Record) {
        self.remove(record.id());
        for index in &mut self.indexes {
            let value = record.value(index.at);
            if !value.is_empty() {
                index.ids.entry(value.into()).or_default().push(record.id().into());
            }
        }
        self.updates.insert(update(&record));
        self.levels[record.visibility as usize] += 1;
        if let Err(place) = self.place(record.id()) {
            self.beginnings.insert(place, beginning(record.id()));
            self.records.insert(place, record);
        }
    }

    /// Replaces the values of a record. The id stays.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Record)) {
        let Ok(place) = self.place(id) else { return };
        let record = &mut self.records[place];
        let before: Vec<Box<str>> = self.indexes.iter().map(|index| record.value(index.at).into()).collect();
        self.levels[record.visibility as usize] -= 1;
        self.updates.remove(&update(record));
        change(record);
        self.updates.insert(update(record));
        self.levels[record.visibility as usize] += 1;
        for (index, old) in self.indexes.iter_mut().zip(before) {
            let new = record.value(index.at);
            if *old != *new {
                index.forget(&old, id);
                if !new.is_empty() {
                    index.ids.entry(new.into()).or_default().push(id.into());
                }
            }
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Record> {
        let place = self.place(id).ok()?;
        self.beginnings.remove(place);
        let record = self.records.remove(place);
        for index in &mut self.indexes {
            index.forget(record.value(index.at), id);
        }
        self.updates.remove(&update(&record));
        self.levels[record.visibility as usize] -= 1;
        debug_assert_eq!(record.value(position::ID), id);
        Some(record)
    }
}

/// The first bytes of an id, as a number that has the order of texts.
fn beginning(id: &str) -> u128 {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(id.bytes()).for_each(|(place, byte)| *place = byte);
    u128::from_be_bytes(bytes)
}

/// A stamp with the year before the month, so that its text has the order of time.
fn in_order(stamp: &str) -> Box<str> {
    match (stamp.get(..6), stamp.get(6..10), stamp.get(10..)) {
        (Some(day), Some(year), Some(time)) => [year, "/", day, time].concat().into(),
        _ => stamp.into(),
    }
}

fn update(record: &Record) -> (Box<str>, Box<str>) {
    (in_order(record.value(position::UPDATED)), record.id().into())
}

impl Index {
    fn forget(&mut self, value: &str, id: &str) {
        if let Some(ids) = self.ids.get_mut(value) {
            ids.retain(|other| **other != *id);
            if ids.is_empty() {
                self.ids.remove(value);
            }
        }
    }
}
