//! Images of local records: what a run keeps of each before it overwrites or deletes it, for `host undo`.
//!
//! An image is the whole row, with the columns that the object does not map. A run has one of a record at most:
//! how it was before the run. What the run itself inserted has none.

use super::cells::{Cells, written};
use super::columns::decode;
use super::error::{unreadable, unwritable};
use super::refusal::quote;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value as Json;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use sync_core::change_key::{LocalId, Revision};
use sync_core::object::{Field, Object, ObjectName};
use sync_core::value::{Kind, Value};

/// How long images are kept, and how much of them. Zero of either: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The age at which a run's images go.
    pub age: Duration,
    /// The bytes of all images above which the oldest runs' go.
    pub size: u64,
}

/// The images of the run under way.
pub(super) struct Images {
    run: String,
    keep: Keep,
    /// Whether images are taken: not where nothing is kept, or where this run alone has too many.
    taken: bool,
    /// The first record of each object that the run inserted. Ids never come back, so the others follow it.
    inserted: HashMap<ObjectName, LocalId>,
    /// The objects of which the run has images.
    entered: HashSet<ObjectName>,
}

impl Images {
    pub(super) fn new(run: &str, keep: Keep) -> Images {
        let taken = !keep.age.is_zero() && keep.size > 0;
        Images { run: run.to_owned(), keep, taken, inserted: HashMap::new(), entered: HashSet::new() }
    }

    /// Who takes the images of an object's records; nobody where none are taken.
    pub(super) fn taker(&self, object: &Object) -> Option<Taker> {
        let inserted = self.inserted.get(&object.name).copied();
        let entered = self.entered.contains(&object.name);
        self.taken.then(|| Taker::new(&self.run, self.keep.size, object, inserted, entered))
    }

    /// The run inserted a record.
    pub(super) fn inserted(&mut self, object: &ObjectName, id: LocalId) {
        if self.taken && !self.inserted.contains_key(object) {
            self.inserted.insert(object.clone(), id);
        }
    }

    /// After a commit with this taker.
    pub(super) fn committed(&mut self, object: &ObjectName, taker: &Taker) {
        if taker.entered.get() && !self.entered.contains(object) {
            self.entered.insert(object.clone());
        }
    }

    /// This run's images are too many: they are gone, and no more are taken.
    pub(super) fn stop(&mut self) {
        self.taken = false;
        tracing::warn!("this run overwrites more than [undo] keeps: it cannot be undone");
    }

    pub(super) fn keep(&self) -> Keep {
        self.keep
    }
}

/// Takes the images of one object's records, within a transaction.
pub(super) struct Taker {
    run: String,
    most: u64,
    inserted: Option<LocalId>,
    /// Whether the run has any image of the object.
    entered: Cell<bool>,
    /// What the transaction's images take up.
    bytes: Cell<usize>,
    /// The query for a record.
    record: String,
    /// JSON: the columns that link, each with its object.
    links: String,
}

/// A record as it stands before a write.
pub(super) struct Image {
    /// JSON: the whole row, see [`super::cells`].
    cells: String,
    /// The columns that the write changes.
    changed: Vec<String>,
}

impl Taker {
    fn new(run: &str, most: u64, object: &Object, inserted: Option<LocalId>, entered: bool) -> Taker {
        let links: serde_json::Map<_, _> = object.local.iter().filter_map(link).collect();
        Taker {
            run: run.to_owned(),
            most,
            inserted,
            entered: Cell::new(entered),
            bytes: Cell::new(0),
            record: record(object),
            links: Json::from(links).to_string(),
        }
    }

    /// A transaction begins.
    pub(super) fn begin(&self) {
        self.bytes.set(0);
    }

    /// The record as it stands, if one of the writes, by index of the field, takes a value away that `matters`:
    /// it is asked with the field, the old value and the new one. What does not read as a value always does.
    pub(super) fn look<'a>(
        &self,
        connection: &Connection,
        object: &Object,
        local: LocalId,
        writes: impl Iterator<Item = (usize, &'a Value)>,
        matters: impl Fn(usize, &Value, &Value) -> bool,
    ) -> rusqlite::Result<Option<Image>> {
        if self.inserted.is_some_and(|first| local >= first) {
            return Ok(None);
        }
        let mut statement = connection.prepare_cached(&self.record)?;
        let mut rows = statement.query([local.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let mut changed = Vec::new();
        for (index, new) in writes.filter(|(_, value)| **value != Value::Absent) {
            let Some(field) = object.local.get(index) else { continue };
            let old = decode(index, field, row.get_ref(index)?);
            if old.map_or(true, |old| old != *new && matters(index, &old, new)) {
                changed.push(field.name.clone());
            }
        }
        if changed.is_empty() {
            return Ok(None);
        }
        Ok(Some(Image { cells: written(row, object.local.len())?, changed }))
    }

    /// The record as it stands before it is deleted.
    pub(super) fn look_whole(
        &self,
        connection: &Connection,
        object: &Object,
        local: LocalId,
    ) -> rusqlite::Result<Option<Image>> {
        if self.inserted.is_some_and(|first| local >= first) {
            return Ok(None);
        }
        let mut statement = connection.prepare_cached(&self.record)?;
        let mut rows = statement.query([local.0])?;
        let cells = rows.next()?.map(|row| written(row, object.local.len())).transpose()?;
        Ok(cells.map(|cells| Image { cells, changed: Vec::new() }))
    }

    /// Keeps what a write took away. `left` is the revision in which it left the record, `None` where it deleted
    /// it; `found` the one before. An image that this run has already stays as it is: it is the older one. Where
    /// somebody edited the record between the two writes, so does its revision: the edit is not the run's.
    pub(super) fn enter(
        &self,
        connection: &Connection,
        object: &Object,
        local: LocalId,
        image: &Image,
        (found, left): (Revision, Option<Revision>),
    ) -> rusqlite::Result<()> {
        let (links, row) = (&self.links, &image.cells);
        let changed = serde_json::to_string(&image.changed).map_err(unwritable)?;
        self.bytes.set(self.bytes.get() + links.len() + changed.len() + row.len());
        let run = self.number(connection)?;
        let image = "INSERT INTO _sync_image(undo, object, local_id, revision, changed, links, \"row\") \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                     ON CONFLICT(undo, object, local_id) DO UPDATE SET \
                       revision = iif(revision = ?8 OR excluded.revision IS NULL, excluded.revision, revision), \
                       changed = (SELECT json_group_array(value) FROM (SELECT value FROM json_each(changed) \
                                  UNION SELECT value FROM json_each(excluded.changed)))";
        let left = left.map(|revision| revision.0);
        let entry = (run, object.name.as_str(), local.0, left, changed, links, row, found.0);
        connection.prepare_cached(image)?.execute(entry)?;
        self.entered.set(true);
        Ok(())
    }

    /// The run's number among those that have any images.
    fn number(&self, connection: &Connection) -> rusqlite::Result<i64> {
        let number = "SELECT id FROM _sync_undo WHERE run = ?1";
        let number = connection.prepare_cached(number)?.query_row([&self.run], |row| row.get(0));
        if let Some(number) = number.optional()? {
            return Ok(number);
        }
        let first =
            "INSERT INTO _sync_undo(run, taken, bytes) VALUES (?1, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0)";
        connection.prepare_cached(first)?.execute([&self.run])?;
        Ok(connection.last_insert_rowid())
    }

    /// A write that took nothing away left the record in another revision: an image that the run has of it goes
    /// along, unless somebody edited the record in between.
    pub(super) fn follow(
        &self,
        connection: &Connection,
        object: &Object,
        local: LocalId,
        (found, left): (Revision, Revision),
    ) -> rusqlite::Result<()> {
        if !self.entered.get() {
            return Ok(());
        }
        let sql = "UPDATE _sync_image SET revision = ?5 WHERE object = ?2 AND local_id = ?3 AND revision = ?4 \
                   AND undo = (SELECT id FROM _sync_undo WHERE run = ?1)";
        let entry = (&self.run, object.name.as_str(), local.0, found.0, left.0);
        connection.prepare_cached(sql)?.execute(entry)?;
        Ok(())
    }

    /// Ends the transaction's images. Drops the run's where they alone are more than is kept, and answers whether they
    /// were: half of a run could not be brought back in one piece.
    pub(super) fn end(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let bytes = match self.bytes.get() {
            0 => return Ok(false),
            bytes => i64::try_from(bytes).unwrap_or(i64::MAX),
        };
        let add = "UPDATE _sync_undo SET bytes = bytes + ?2 WHERE run = ?1";
        connection.prepare_cached(add)?.execute((&self.run, bytes))?;
        let sql = "SELECT id FROM _sync_undo WHERE run = ?1 AND bytes > ?2";
        let most = i64::try_from(self.most).unwrap_or(i64::MAX);
        let too_many: Option<i64> =
            connection.prepare_cached(sql)?.query_row((&self.run, most), |row| row.get(0)).optional()?;
        let Some(run) = too_many else { return Ok(false) };
        drop_run(connection, run)?;
        Ok(true)
    }
}

/// An image as it was kept.
pub(super) struct Kept {
    pub(super) number: i64,
    pub(super) object: String,
    pub(super) local: LocalId,
    /// The revision in which the run left the record; `None` where it deleted it.
    pub(super) left: Option<i64>,
    /// The columns that the run changed.
    pub(super) changed: Vec<String>,
    /// The columns that link, each with its object.
    pub(super) links: BTreeMap<String, String>,
    pub(super) cells: Cells,
}

/// The images of a run, in the order in which they were taken.
pub(super) fn kept(connection: &Connection, undo: i64) -> rusqlite::Result<Vec<Kept>> {
    let sql = "SELECT id, object, local_id, revision, changed, links, \"row\" FROM _sync_image \
               WHERE undo = ?1 ORDER BY id";
    let image = |row: &Row<'_>| {
        Ok(Kept {
            number: row.get(0)?,
            object: row.get(1)?,
            local: LocalId(row.get(2)?),
            left: row.get(3)?,
            changed: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(unreadable)?,
            links: serde_json::from_str(row.get_ref(5)?.as_str()?).map_err(unreadable)?,
            cells: serde_json::from_str(row.get_ref(6)?.as_str()?).map_err(unreadable)?,
        })
    };
    connection.prepare(sql)?.query_map([undo], image)?.collect()
}

/// Drops the images that are too old, then those of the oldest runs until the rest is not too much; whole runs
/// only.
pub(super) fn prune(connection: &Connection, keep: Keep) -> rusqlite::Result<()> {
    let sql = "SELECT id FROM (SELECT id, taken, sum(bytes) OVER (ORDER BY id DESC) AS total FROM _sync_undo) \
               WHERE total > ?2 OR taken <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?1)";
    let age = format!("-{} seconds", keep.age.as_secs());
    let most = i64::try_from(keep.size).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let runs: Vec<i64> = statement.query_map((age, most), |row| row.get(0))?.collect::<Result<_, _>>()?;
    runs.into_iter().try_for_each(|run| drop_run(connection, run))
}

/// Drops the images of a run.
pub(super) fn drop_run(connection: &Connection, undo: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM _sync_image WHERE undo = ?1")?.execute([undo])?;
    connection.prepare_cached("DELETE FROM _sync_undo WHERE id = ?1")?.execute([undo])?;
    Ok(())
}

/// The fields in the object's order, and after them the whole row.
fn record(object: &Object) -> String {
    let fields: String = object.local.iter().map(|field| quote(&field.name) + ", ").collect();
    format!("SELECT {fields}* FROM {} WHERE \"id\" = ?1", quote(object.name.as_str()))
}

/// A field that links, with the object that it links to: their ids may be others when the image is brought back.
fn link(field: &Field) -> Option<(String, Json)> {
    match &field.kind {
        Kind::Reference(target) => Some((field.name.clone(), target.as_str().into())),
        _ => None,
    }
}
