//! The store as tests hold it: the CRM's own side, which bypasses HTTP.

use crate::Refusal;
use crate::clock::{self, Clock};
use crate::record::{Record, Visibility};
use crate::schema::Component;
use crate::seed::Seed;
use crate::store::{Data, Writer};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The fields of a record, by name.
pub type Fields = BTreeMap<String, String>;

/// A handle on the data of a server. Clones share the data, which outlives the server, so a
/// server may be stopped and another one started on it.
///
/// Writes through the handle are those of the CRM itself: checked like a client's, but they
/// also reach the fields that a client may not write.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Data>>);

impl Default for Store {
    fn default() -> Self {
        Store::new(Clock::default())
    }
}

impl Store {
    /// An empty store.
    pub fn new(clock: Clock) -> Self {
        Store(Arc::new(Mutex::new(Data::new(clock))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        // A panic elsewhere leaves at worst a half-done seed, which is no reason to panic here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds made-up records. The same seed into an empty store makes the same records.
    pub fn seed(&self, seed: Seed) {
        seed.sow(&mut self.lock());
    }

    /// Inserts a record and answers its id.
    pub fn insert(&self, component: &str, fields: &[(&str, &str)]) -> Result<String, Refusal> {
        self.lock().insert(Writer::Crm, component, None, fields)
    }

    /// Inserts a record, visible from a view on only.
    pub fn insert_visible(
        &self,
        component: &str,
        visibility: Visibility,
        fields: &[(&str, &str)],
    ) -> Result<String, Refusal> {
        let id = self.insert(component, fields)?;
        self.set_visibility(component, &id, visibility)?;
        Ok(id)
    }

    /// Inserts a record under an id that is free, for instance because its record was deleted.
    pub fn insert_as(&self, component: &str, id: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut data = self.lock();
        if data.table(component)?.contains(id) {
            return Err(Refusal::data(format!("SBL-DAT-00381: '{id}' exists already.")));
        }
        data.insert(Writer::Crm, component, Some(id), fields).map(|_| ())
    }

    /// Changes the given fields of a record: `Mod Id` grows, `Updated` is now.
    pub fn update(&self, component: &str, id: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        self.lock().update(Writer::Crm, component, id, fields)
    }

    /// Deletes a record. Links to it dangle from then on.
    pub fn delete(&self, component: &str, id: &str) -> Result<(), Refusal> {
        self.lock().delete(component, id)
    }

    /// Sets from which view on a record is visible. That is no edit of the record.
    pub fn set_visibility(&self, component: &str, id: &str, visibility: Visibility) -> Result<(), Refusal> {
        let mut data = self.lock();
        let table = data.table_mut(component)?;
        if !table.contains(id) {
            return Err(Refusal::no_data());
        }
        table.change(id, |record| record.visibility = visibility);
        Ok(())
    }

    /// All fields of a record, system fields included. `None`: no such record or component.
    pub fn get(&self, component: &str, id: &str) -> Option<Fields> {
        let data = self.lock();
        let table = data.table(component).ok()?;
        table.get(id).map(|record| named(table.component, record))
    }

    /// All records in the order of their ids, whoever may see them.
    pub fn list(&self, component: &str) -> Vec<Fields> {
        let data = self.lock();
        let Ok(table) = data.table(component) else { return Vec::new() };
        table.records().iter().map(|record| named(table.component, record)).collect()
    }

    /// How many records there are, whoever may see them.
    pub fn count(&self, component: &str) -> usize {
        self.lock().table(component).map_or(0, |table| table.records().len())
    }

    /// Sets the clock.
    pub fn set_clock(&self, clock: Clock) {
        self.lock().clock = clock;
    }

    /// Moves the clock by a number of seconds.
    pub fn advance(&self, seconds: i64) {
        self.lock().clock.advance(seconds);
    }

    /// The present time by the server's clock, as it would stamp a record.
    pub fn now(&self) -> String {
        clock::stamp(self.lock().clock.now())
    }
}

fn named(component: &'static Component, record: &Record) -> Fields {
    let fields = component.all().enumerate();
    fields.map(|(at, field)| (field.name.to_owned(), record.value(at).to_owned())).collect()
}
