//! `host undo`: brings back what a run overwrote or deleted, as ordinary local edits that the next run pushes.

use super::attempt::attempt;
use super::cells::{Cell, Cells, cell, cells};
use super::error::{refusal, unreadable};
use super::images::drop_run;
use super::refusal::quote;
use super::shape::{Found, look};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use sync_core::change_key::LocalId;

/// A run of which something can be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndoableRun {
    /// Its id.
    pub run: String,
    /// What it overwrote and deleted.
    pub objects: Vec<UndoableObject>,
}

/// What a run overwrote and deleted of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndoableObject {
    /// The object.
    pub object: String,
    /// Records that it overwrote.
    pub updates: u64,
    /// Records that it deleted.
    pub deletes: u64,
}

/// What became of an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The run.
    pub run: String,
    /// What is back.
    pub restored: Vec<Restored>,
    /// What was left as it is.
    pub left: Vec<Left>,
}

impl Undone {
    /// Whether everything is back.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty() && self.restored.iter().all(|it| it.without.is_empty())
    }
}

/// A record that is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The object.
    pub object: String,
    /// Its id.
    pub local_id: LocalId,
    /// The id that it had, where it was deleted: ids never come back.
    pub former_id: Option<LocalId>,
    /// Columns that did not come back with it: they are no longer there, or link to a record that is gone.
    pub without: Vec<String>,
}

/// A record that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The object.
    pub object: String,
    /// Its id.
    pub local_id: LocalId,
    /// Why.
    pub message: String,
}

/// The runs of which something can be brought back, the last one first.
pub(super) fn runs(connection: &Connection) -> rusqlite::Result<Vec<UndoableRun>> {
    // A store of an older host, only read, has none.
    if connection.prepare("SELECT 1 FROM _sync_undo").is_err() {
        return Ok(Vec::new());
    }
    let sql = "SELECT run, object, count(revision), count(*) - count(revision) \
               FROM _sync_undo AS u JOIN _sync_image AS i ON i.undo = u.id \
               GROUP BY u.id, object ORDER BY u.id DESC, object";
    let count = |row: &Row<'_>, index| row.get::<_, i64>(index).map(i64::unsigned_abs);
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut runs: Vec<UndoableRun> = Vec::new();
    while let Some(row) = rows.next()? {
        let run: String = row.get(0)?;
        if runs.last().is_none_or(|last| last.run != run) {
            runs.push(UndoableRun { run, objects: Vec::new() });
        }
        let object = UndoableObject { object: row.get(1)?, updates: count(row, 2)?, deletes: count(row, 3)? };
        if let Some(last) = runs.last_mut() {
            last.objects.push(object);
        }
    }
    Ok(runs)
}

/// Brings back what a run overwrote or deleted; `None` where there is no such run.
///
/// A record that is no longer as the run left it is left alone, unless `force`. What is back is forgotten, so that
/// it cannot come back twice; what was left alone can still be asked for.
pub(super) fn undo(connection: &Connection, run: &str, force: bool) -> rusqlite::Result<Option<Undone>> {
    let number = "SELECT id FROM _sync_undo WHERE run = ?1";
    let number: Option<i64> = connection.query_row(number, [run], |row| row.get(0)).optional()?;
    let Some(number) = number else { return Ok(None) };
    let mut undo = Undo {
        connection,
        tables: HashMap::new(),
        ids: HashMap::new(),
        undone: Undone { run: run.to_owned(), restored: Vec::new(), left: Vec::new() },
    };
    // All inserts come first: then links can follow to the new ids.
    let (mut inserted, mut edited) = (Vec::new(), Vec::new());
    for image in images(connection, number)? {
        let Some(table) = undo.table(&image.object)? else {
            undo.leave(&image, "its table is no longer there");
            continue;
        };
        let present = undo.revision(&image)?;
        match (present, image.revision) {
            (None, None) => inserted.extend(undo.insert(&table, image)?),
            (None, Some(_)) if force => inserted.extend(undo.insert(&table, image)?),
            (None, Some(_)) => undo.leave(&image, "was deleted since that run"),
            (Some(present), Some(left)) if present == left || force => edited.push((table, image)),
            (Some(_), Some(_)) => undo.leave(&image, "was edited since that run"),
            (Some(_), None) => undo.leave(&image, "is there again: somebody inserted it by its former id"),
        }
    }
    for (table, image, id) in inserted {
        let without = undo.relink(&table, &image, id)?;
        undo.restored(&image, id, without)?;
    }
    for (table, image) in edited {
        match attempt(connection, || undo.overwrite(&table, &image))? {
            Ok(without) => undo.restored(&image, image.local_id, without)?,
            Err(error) => undo.refused(&image, error)?,
        }
    }
    let rest = "SELECT count(*) FROM _sync_image WHERE undo = ?1";
    if connection.query_row(rest, [number], |row| row.get::<_, i64>(0))? == 0 {
        drop_run(connection, number)?;
    }
    Ok(Some(undo.undone))
}

/// A row of `_sync_image`.
struct Image {
    number: i64,
    object: String,
    local_id: LocalId,
    revision: Option<i64>,
    changed: Vec<String>,
    links: BTreeMap<String, String>,
    cells: Cells,
}

fn images(connection: &Connection, undo: i64) -> rusqlite::Result<Vec<Image>> {
    let sql = "SELECT id, object, local_id, revision, changed, links, \"row\" FROM _sync_image \
               WHERE undo = ?1 ORDER BY id";
    let image = |row: &Row<'_>| {
        let text = |index| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
        Ok(Image {
            number: row.get(0)?,
            object: row.get(1)?,
            local_id: LocalId(row.get(2)?),
            revision: row.get(3)?,
            changed: serde_json::from_str(text(4)?).map_err(unreadable)?,
            links: serde_json::from_str(text(5)?).map_err(unreadable)?,
            cells: serde_json::from_str(text(6)?).map_err(unreadable)?,
        })
    };
    connection.prepare(sql)?.query_map([undo], image)?.collect()
}

/// A table as it is today.
struct Table {
    name: String,
    /// The columns that a person may write: not those that the store keeps, and none that is computed.
    columns: Vec<String>,
}

impl Table {
    fn column(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.eq_ignore_ascii_case(name)).map(String::as_str)
    }
}

struct Undo<'a> {
    connection: &'a Connection,
    tables: HashMap<String, Option<Rc<Table>>>,
    /// New ids of deleted records, by object and former id.
    ids: HashMap<(String, i64), i64>,
    undone: Undone,
}

impl Undo<'_> {
    fn table(&mut self, object: &str) -> rusqlite::Result<Option<Rc<Table>>> {
        if let Some(known) = self.tables.get(object) {
            return Ok(known.clone());
        }
        let table = match look(self.connection, object)? {
            Found::Table(shape) if shape.column("id").and(shape.column("revision")).is_some() => {
                let own = |name: &str| {
                    ["id", "revision", "modified_at"].iter().any(|own| own.eq_ignore_ascii_case(name))
                };
                let columns =
                    shape.columns.into_iter().filter(|column| !column.generated && !own(&column.name));
                let columns = columns.map(|column| column.name).collect();
                Some(Rc::new(Table { name: quote(&shape.name), columns }))
            }
            Found::Table(_) | Found::Nothing | Found::Other(_) => None,
        };
        self.tables.insert(object.to_owned(), table.clone());
        Ok(table)
    }

    fn revision(&self, image: &Image) -> rusqlite::Result<Option<i64>> {
        let sql = format!(
            "SELECT IFNULL(CAST(\"revision\" AS INTEGER), 0) FROM {} WHERE \"id\" = ?1",
            quote(&image.object)
        );
        self.connection.prepare_cached(&sql)?.query_row([image.local_id.0], |row| row.get(0)).optional()
    }

    /// Inserts a record anew, its links still as they were.
    fn insert(
        &mut self,
        table: &Rc<Table>,
        image: Image,
    ) -> rusqlite::Result<Option<(Rc<Table>, Image, LocalId)>> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for column in &table.columns {
            if let Some((_, value)) = cell(&image.cells, column) {
                columns.push(quote(column));
                values.push(Cell::of(value)?);
            }
        }
        let (name, marks) = (&table.name, vec!["?"; columns.len()].join(", "));
        let sql = format!("INSERT INTO {name} ({}) VALUES ({marks})", columns.join(", "));
        let connection = self.connection;
        let inserted = attempt(connection, || {
            let count = connection.prepare_cached(&sql)?.execute(params_from_iter(&values))?;
            if count == 0 { Err(super::error::ignored()) } else { Ok(connection.last_insert_rowid()) }
        })?;
        match inserted {
            Ok(id) => {
                self.ids.insert((image.object.clone(), image.local_id.0), id);
                Ok(Some((Rc::clone(table), image, LocalId(id))))
            }
            Err(error) => {
                self.refused(&image, error)?;
                Ok(None)
            }
        }
    }

    /// Lets the links of a record that was inserted anew follow. Answers the columns that did not come back.
    fn relink(&mut self, table: &Table, image: &Image, id: LocalId) -> rusqlite::Result<Vec<String>> {
        let gone = |(name, value): &(&String, &Json)| {
            let own = ["id", "revision", "modified_at"].iter().any(|own| own.eq_ignore_ascii_case(name));
            !own && !value.is_null() && table.column(name).is_none()
        };
        let mut without: Vec<String> =
            image.cells.iter().filter(gone).map(|(name, _)| name.clone()).collect();
        for column in image.links.keys() {
            let (Some(column), Some((_, before))) = (table.column(column), cell(&image.cells, column)) else {
                continue;
            };
            let now = self.follow(image, column, before)?;
            if now.as_ref() != Some(before) {
                let sql = format!("UPDATE {} SET {} = ?1 WHERE \"id\" = ?2", table.name, quote(column));
                let value = Cell::of(now.as_ref().unwrap_or(&Json::Null))?;
                let connection = self.connection;
                let written =
                    attempt(connection, || connection.prepare_cached(&sql)?.execute((value, id.0)))?;
                if let Err(error) = &written {
                    self.in_transaction(error)?;
                }
                if now.is_none() || written.is_err() {
                    without.push(column.to_owned());
                }
            }
        }
        Ok(without)
    }

    /// Gives a record back what the run changed. Answers the columns that did not come back.
    fn overwrite(&mut self, table: &Table, image: &Image) -> rusqlite::Result<Vec<String>> {
        let id = image.local_id.0;
        let sql = format!("SELECT * FROM {} WHERE \"id\" = ?1", table.name);
        let present = self.connection.prepare_cached(&sql)?.query_row([id], cells)?;
        let (mut sets, mut values, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for name in &image.changed {
            let value = match cell(&image.cells, name) {
                Some((_, value)) => self.follow(image, name, value)?,
                None => None,
            };
            match (table.column(name), value) {
                (Some(column), Some(value)) => {
                    if cell(&present, column).map(|(_, present)| present) != Some(&value) {
                        sets.push(format!("{} = ?", quote(column)));
                        values.push(Cell::of(&value)?);
                    }
                }
                (None, _) | (_, None) => without.push(name.clone()),
            }
        }
        if !sets.is_empty() {
            values.push(Cell::of(&id.into())?);
            let sql = format!("UPDATE {} SET {} WHERE \"id\" = ?", table.name, sets.join(", "));
            if self.connection.prepare_cached(&sql)?.execute(params_from_iter(&values))? == 0 {
                return Err(super::error::ignored());
            }
        }
        Ok(without)
    }

    /// A value as it is today: a link follows to the new id of a record that came back; `None` where the record
    /// that it points at is gone. Other values are as they were.
    fn follow(&mut self, image: &Image, column: &str, value: &Json) -> rusqlite::Result<Option<Json>> {
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

    fn restored(&mut self, image: &Image, id: LocalId, without: Vec<String>) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM _sync_image WHERE id = ?1")?.execute([image.number])?;
        let former_id = Some(image.local_id).filter(|former| *former != id);
        let object = image.object.clone();
        self.undone.restored.push(Restored { object, local_id: id, former_id, without });
        Ok(())
    }

    fn refused(&mut self, image: &Image, error: rusqlite::Error) -> rusqlite::Result<()> {
        self.in_transaction(&error)?;
        self.leave(image, &refusal(&error));
        Ok(())
    }

    /// A table that answers with the end of the whole transaction ends the undo: nothing came back.
    fn in_transaction(&self, error: &rusqlite::Error) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            let constraint = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT);
            return Err(rusqlite::Error::SqliteFailure(constraint, Some(error.to_string())));
        }
        Ok(())
    }

    fn leave(&mut self, image: &Image, message: &str) {
        let left =
            Left { object: image.object.clone(), local_id: image.local_id, message: message.to_owned() };
        self.undone.left.push(left);
    }
}
