//! Puts images back into the tables as they are today.

use super::attempt::attempt;
use super::cells::{Cell, cell, cells};
use super::error::ignored;
use super::images::Kept;
use super::refusal::quote;
use super::shape::{Found, Shape, look};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::rc::Rc;
use sync_core::change_key::LocalId;

/// The columns that the store keeps.
const OWN: [&str; 3] = ["id", "revision", "modified_at"];

/// Brings records back, one by one. An inner error is the table's refusal of that one.
pub(super) struct Restorer<'a> {
    connection: &'a Connection,
    tables: HashMap<String, Option<Rc<Table>>>,
    /// New ids of records that were inserted anew, by object and former id.
    ids: HashMap<(String, i64), i64>,
}

/// A table as it is today.
pub(super) struct Table {
    name: String,
    shape: Shape,
}

impl Table {
    /// The column of that name, if a person may write it: not one that the store keeps or that is computed.
    fn writable(&self, name: &str) -> Option<&str> {
        let column = self.shape.column(name).filter(|column| !column.generated)?;
        let own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
        (!own).then_some(&column.name)
    }
}

impl<'a> Restorer<'a> {
    pub(super) fn new(connection: &'a Connection) -> Restorer<'a> {
        Restorer { connection, tables: HashMap::new(), ids: HashMap::new() }
    }

    /// The object's table, if it is still there.
    pub(super) fn table(&mut self, object: &str) -> rusqlite::Result<Option<Rc<Table>>> {
        if let Some(known) = self.tables.get(object) {
            return Ok(known.clone());
        }
        let table = match look(self.connection, object)? {
            Found::Table(shape) if shape.column("id").and(shape.column("revision")).is_some() => {
                Some(Rc::new(Table { name: quote(&shape.name), shape }))
            }
            Found::Table(_) | Found::Nothing | Found::Other(_) => None,
        };
        self.tables.insert(object.to_owned(), table.clone());
        Ok(table)
    }

    /// The revision that the record has today; `None` where it is gone.
    pub(super) fn revision(&self, image: &Kept) -> rusqlite::Result<Option<i64>> {
        let table = quote(&image.object);
        let sql = format!("SELECT IFNULL(CAST(\"revision\" AS INTEGER), 0) FROM {table} WHERE \"id\" = ?1");
        self.connection.prepare_cached(&sql)?.query_row([image.local.0], |row| row.get(0)).optional()
    }

    /// Inserts a record anew, its links still as they were. Answers its id.
    pub(super) fn insert(
        &mut self,
        table: &Table,
        image: &Kept,
    ) -> rusqlite::Result<Result<LocalId, rusqlite::Error>> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (name, value) in &image.cells {
            if let Some(column) = table.writable(name) {
                columns.push(quote(column));
                values.push(Cell::of(value)?);
            }
        }
        let marks = vec!["?"; columns.len()].join(", ");
        let sql =
            format!("INSERT{} INTO {} ({}) VALUES ({marks})", table.shape.or, table.name, columns.join(", "));
        let inserted = self.attempt(|| self.write(&sql, &values))?;
        Ok(inserted.map(|()| {
            let id = self.connection.last_insert_rowid();
            self.ids.insert((image.object.clone(), image.local.0), id);
            LocalId(id)
        }))
    }

    /// Lets the links of a record that was inserted anew follow. Answers the columns that did not come back.
    pub(super) fn relink(
        &mut self,
        table: &Table,
        image: &Kept,
        id: LocalId,
    ) -> rusqlite::Result<Vec<String>> {
        let gone =
            image.cells.iter().filter(|(name, value)| !value.is_null() && table.shape.column(name).is_none());
        let mut without: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        for name in image.links.keys() {
            let (Some(column), Some(before)) = (table.writable(name), cell(&image.cells, name)) else {
                continue;
            };
            let now = self.follow(image, name, before)?;
            if now.as_ref() == Some(before) {
                continue;
            }
            let sql =
                format!("UPDATE{} {} SET {} = ? WHERE \"id\" = ?", table.shape.or, table.name, quote(column));
            let values = [Cell::of(now.as_ref().unwrap_or(&Json::Null))?, Cell::of(&id.0.into())?];
            let written = self.attempt(|| self.write(&sql, &values))?;
            if now.is_none() || written.is_err() {
                without.push(column.to_owned());
            }
        }
        Ok(without)
    }

    /// Gives a record back what the run changed. Answers the columns that did not come back.
    pub(super) fn overwrite(
        &mut self,
        table: &Table,
        image: &Kept,
    ) -> rusqlite::Result<Result<Vec<String>, rusqlite::Error>> {
        let sql = format!("SELECT * FROM {} WHERE \"id\" = ?1", table.name);
        let present = self.connection.prepare_cached(&sql)?.query_row([image.local.0], cells)?;
        let (mut sets, mut values, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for name in &image.changed {
            let value = match cell(&image.cells, name) {
                Some(value) => self.follow(image, name, value)?,
                None => None,
            };
            match (table.writable(name), value) {
                (Some(_), Some(value)) if cell(&present, name) == Some(&value) => {}
                (Some(column), Some(value)) => {
                    sets.push(format!("{} = ?", quote(column)));
                    values.push(Cell::of(&value)?);
                }
                (None, _) | (_, None) => without.push(name.clone()),
            }
        }
        if sets.is_empty() {
            return Ok(Ok(without));
        }
        values.push(Cell::of(&image.local.0.into())?);
        let sql = format!("UPDATE{} {} SET {} WHERE \"id\" = ?", table.shape.or, table.name, sets.join(", "));
        Ok(self.attempt(|| self.write(&sql, &values))?.map(|()| without))
    }

    /// A value as it is today: a link follows to the new id of a record that came back; `None` where the record
    /// that it points at is gone. Other values are as they were.
    fn follow(&mut self, image: &Kept, column: &str, value: &Json) -> rusqlite::Result<Option<Json>> {
        let target = image.links.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
        let id = match value {
            Json::Number(number) => number.as_i64(),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let (Some((_, target)), Some(id)) = (target, id) else { return Ok(Some(value.clone())) };
        if let Some(&new) = self.ids.get(&(target.clone(), id)) {
            return Ok(Some(new.into()));
        }
        let Some(table) = self.table(target)? else { return Ok(None) };
        let sql = format!("SELECT 1 FROM {} WHERE \"id\" = ?1", table.name);
        let there = self.connection.prepare_cached(&sql)?.query_row([id], |_| Ok(())).optional()?;
        Ok(there.map(|()| value.clone()))
    }

    fn write(&self, sql: &str, values: &[Cell]) -> rusqlite::Result<()> {
        match self.connection.prepare_cached(sql)?.execute(params_from_iter(values))? {
            0 => Err(ignored()),
            _ => Ok(()),
        }
    }

    /// A table that answers with the end of the whole transaction ends the undo: nothing came back.
    fn attempt(
        &self,
        what: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Result<(), rusqlite::Error>> {
        match attempt(self.connection, what)? {
            Err(error) if self.connection.is_autocommit() => Err(error),
            answer => Ok(answer),
        }
    }
}
