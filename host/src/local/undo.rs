//! `host undo`: brings back what a run overwrote or deleted, as ordinary local edits that the next run pushes.

use super::error::refusal;
use super::images::{Kept, drop_run, kept};
use super::restore::Restorer;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
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

    fn restore(
        &mut self,
        connection: &Connection,
        image: &Kept,
        id: LocalId,
        without: Vec<String>,
    ) -> rusqlite::Result<()> {
        connection.prepare_cached("DELETE FROM _sync_image WHERE id = ?1")?.execute([image.number])?;
        let former_id = Some(image.local).filter(|former| *former != id);
        self.restored.push(Restored { object: image.object.clone(), local_id: id, former_id, without });
        Ok(())
    }

    fn leave(&mut self, image: &Kept, message: &str) {
        let message = message.to_owned();
        self.left.push(Left { object: image.object.clone(), local_id: image.local, message });
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
    /// Columns that did not come back with it: they are no longer there, link to a record that is gone, or the table
    /// refuses the new link.
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
    let mut restorer = Restorer::new(connection);
    let mut undone = Undone { run: run.to_owned(), restored: Vec::new(), left: Vec::new() };
    // All inserts come first: then links can follow to the new ids.
    let (mut inserted, mut edited) = (Vec::new(), Vec::new());
    for image in kept(connection, number)? {
        let Some(table) = restorer.table(&image.object)? else {
            undone.leave(&image, "its table is no longer there");
            continue;
        };
        match (restorer.revision(&image)?, image.left) {
            (None, left) if left.is_none() || force => match restorer.insert(&table, &image)? {
                Ok(id) => inserted.push((table, image, id)),
                Err(error) => undone.leave(&image, &refusal(&error)),
            },
            (None, _) => undone.leave(&image, "was deleted since that run"),
            (Some(present), Some(left)) if present == left || force => edited.push((table, image)),
            (Some(_), Some(_)) => undone.leave(&image, "was edited since that run"),
            (Some(_), None) => undone.leave(&image, "is there again: somebody inserted it by its former id"),
        }
    }
    for (table, image, id) in inserted {
        let without = restorer.relink(&table, &image, id)?;
        undone.restore(connection, &image, id, without)?;
    }
    for (table, image) in edited {
        match restorer.overwrite(&table, &image)? {
            Ok(without) => undone.restore(connection, &image, image.local, without)?,
            Err(error) => undone.leave(&image, &refusal(&error)),
        }
    }
    let rest = "SELECT count(*) FROM _sync_image WHERE undo = ?1";
    if connection.query_row(rest, [number], |row| row.get::<_, i64>(0))? == 0 {
        drop_run(connection, number)?;
    }
    Ok(Some(undone))
}
