//! The data of the server: what may be written, and what the server makes of it.

use crate::Refusal;
use crate::clock::{self, Clock};
use crate::record::{Record, Visibility};
use crate::schema::{COMPONENTS, Component, Kind, Write, position};
use crate::table::Table;
use crate::value;
use std::collections::HashSet;

/// Who writes. A client keeps to what the interface allows; the people and triggers of the
/// CRM itself also write what it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    Client,
    Crm,
}

impl Writer {
    /// The user's id, as `Created By` and `Updated By` show it.
    fn user(self) -> &'static str {
        match self {
            Writer::Client => "0-1",
            Writer::Crm => "88-1HQL",
        }
    }
}

/// Everything the server keeps.
#[derive(Debug)]
pub(crate) struct Data {
    tables: Vec<Table>,
    pub(crate) clock: Clock,
    /// Counts the ids given out; none is given out twice.
    ids: u64,
    /// Ids that a client chose by a PUT, which the count must not hit.
    chosen: HashSet<String>,
    /// Counts the numbers of opportunities.
    numbers: u64,
}

/// The first id is `88-3DS000`. Ids have the same length and sort in the order of their making.
const FIRST_ID: u64 = ((3 * 36 + 13) * 36 + 28) * 36 * 36 * 36;

impl Data {
    pub(crate) fn new(clock: Clock) -> Self {
        let tables = COMPONENTS.iter().map(Table::new).collect();
        Data { tables, clock, ids: FIRST_ID, chosen: HashSet::new(), numbers: 0 }
    }

    /// The table of a component.
    pub(crate) fn table(&self, component: &str) -> Result<&Table, Refusal> {
        let found = self.tables.iter().find(|table| table.component.name == component);
        found.ok_or_else(|| Refusal::no_resource(component))
    }

    pub(crate) fn table_mut(&mut self, component: &str) -> Result<&mut Table, Refusal> {
        let found = self.tables.iter_mut().find(|table| table.component.name == component);
        found.ok_or_else(|| Refusal::no_resource(component))
    }

    /// An id that was never used.
    pub(crate) fn new_id(&mut self) -> String {
        loop {
            let id = base36(self.ids);
            self.ids += 1;
            if !self.chosen.contains(&id) {
                return id;
            }
        }
    }

    /// The next number of an opportunity.
    pub(crate) fn new_number(&mut self) -> String {
        self.numbers += 1;
        format!("OPP-{:06}", self.numbers)
    }

    /// Inserts a record and answers its id, a new one unless one is given.
    pub(crate) fn insert(
        &mut self,
        writer: Writer,
        component: &str,
        id: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Result<String, Refusal> {
        let definition = self.table(component)?.component;
        let id = match id {
            Some(id) => chosen_id(id)?.to_owned(),
            None => String::new(),
        };
        let mut record = Record::new(definition.width(), &id, Visibility::default());
        self.fill(writer, definition, &mut record, fields, true)?;
        for (at, field) in definition.all().enumerate() {
            if field.required && record.value(at).is_empty() {
                return Err(required(field.name));
            }
            if field.write == Write::Computed && record.value(at).is_empty() {
                record.set(at, self.new_number());
            }
        }
        let id = if id.is_empty() {
            self.new_id()
        } else {
            self.chosen.insert(id.clone());
            id
        };
        let now = clock::stamp(self.clock.now());
        record.set(position::ID, id.as_str());
        record.set(position::CREATED, now.as_str());
        record.set(position::CREATED_BY, writer.user());
        record.set(position::UPDATED, now);
        record.set(position::UPDATED_BY, writer.user());
        record.set(position::MOD_ID, "0");
        self.table_mut(component)?.put(record);
        Ok(id)
    }

    /// Changes the given fields of a record.
    pub(crate) fn update(
        &mut self,
        writer: Writer,
        component: &str,
        id: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        let table = self.table(component)?;
        let mut record = table.get(id).ok_or_else(Refusal::no_data)?.clone();
        self.fill(writer, table.component, &mut record, fields, false)?;
        record.set(position::UPDATED, clock::stamp(self.clock.now()));
        record.set(position::UPDATED_BY, writer.user());
        record.set(position::MOD_ID, (record.version() + 1).to_string());
        self.table_mut(component)?.change(id, |old| *old = record);
        Ok(())
    }

    /// What a PUT does: an update, or an insert under the id that was not found.
    pub(crate) fn upsert(
        &mut self,
        writer: Writer,
        component: &str,
        id: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        if self.table(component)?.contains(id) {
            self.update(writer, component, id, fields)
        } else {
            self.insert(writer, component, Some(id), fields).map(|_| ())
        }
    }

    /// Deletes a record. Links to it are left as they are.
    pub(crate) fn delete(&mut self, component: &str, id: &str) -> Result<(), Refusal> {
        let gone = self.table_mut(component)?.remove(id);
        gone.map(|_| ()).ok_or_else(Refusal::no_data)
    }

    /// Writes fields into a record that is not in the store yet, so that a refusal changes nothing.
    fn fill(
        &self,
        writer: Writer,
        component: &'static Component,
        record: &mut Record,
        fields: &[(&str, &str)],
        new: bool,
    ) -> Result<(), Refusal> {
        for (name, text) in fields {
            let missing = || Refusal::no_field(name, component.name);
            let at = component.position(name).ok_or_else(missing)?;
            let field = component.field(at);
            match field.write {
                // An id in the body is no error while it says what is known already.
                Write::System if at == position::ID && (new || record.id() == *text) => continue,
                Write::System => return Err(read_only(name)),
                Write::Computed if writer == Writer::Client => continue,
                Write::OnInsert if writer == Writer::Client && !new => continue,
                _ => {}
            }
            // Siebel trims what follows the text, which a client sees as a difference.
            let text = if matches!(field.kind, Kind::Text(_)) { text.trim_end() } else { text };
            value::check(field, text).map_err(Refusal::data)?;
            if field.required && text.is_empty() {
                return Err(required(name));
            }
            if let Kind::Link(target) = field.kind
                && !text.is_empty()
                && !self.table(target)?.contains(text)
            {
                return Err(no_such_link(name, component.name, target));
            }
            record.set(at, text);
        }
        Ok(())
    }
}

/// An id that a client gives to a PUT.
fn chosen_id(id: &str) -> Result<&str, Refusal> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain && (1..=15).contains(&id.len()) {
        Ok(id)
    } else {
        Err(Refusal::data(format!("SBL-DAT-00393: '{id}' cannot be a row id.")))
    }
}

fn required(name: &str) -> Refusal {
    Refusal::data(format!("SBL-DAT-00498: '{name}' is a required field. Please enter a value for the field."))
}

fn read_only(name: &str) -> Refusal {
    Refusal::data(format!("SBL-DAT-00279: Field '{name}' is read-only."))
}

fn no_such_link(name: &str, component: &str, target: &str) -> Refusal {
    Refusal::data(format!(
        "SBL-DAT-00225: The value entered in field '{name}' of buscomp '{component}' does not match any record of '{target}'."
    ))
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut text = *b"88-000000";
    for place in text[3..].iter_mut().rev() {
        *place = DIGITS[(number % 36) as usize];
        number /= 36;
    }
    String::from_utf8_lossy(&text).into_owned()
}
