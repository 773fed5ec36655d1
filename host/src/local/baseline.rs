//! The baseline: per pair of linked records, what both sides agreed on last.

use super::error::{unreadable, unwritable};
use super::json::{Layout, encode_row};
use super::pairs::{BY_LOCAL, pairs_of_local};
use crate::ports::Baseline;
use rusqlite::{CachedStatement, Connection, Params};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use sync_core::change_key::{LocalId, Pair, RemoteKey, Revision};
use sync_core::object::Object;
use sync_core::value::Row;

/// A pair is not there beyond the filter.
const NOT_BEYOND: &str = "DELETE FROM _sync_beyond WHERE object = ?1 AND local_id = ?2";

/// Entries, in the order of the ids; those that are not there are left out.
pub(super) fn entries(
    connection: &Connection,
    object: &Object,
    number: i64,
    ids: &[LocalId],
) -> rusqlite::Result<Vec<Baseline>> {
    agreed(connection, object, number, pairs_of_local(connection, number, ids)?)
}

/// Entries of pairs that are known, in their order; those that are not there are left out.
pub(super) fn agreed(
    connection: &Connection,
    object: &Object,
    number: i64,
    pairs: Vec<Pair>,
) -> rusqlite::Result<Vec<Baseline>> {
    let sql = "SELECT EXISTS (SELECT 1 FROM _sync_beyond WHERE object = ?1 AND local_id = ?2), fields, \"row\" \
               FROM _sync_agreed WHERE object = ?1 AND local_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut layouts = Layouts::new(connection, object);
    let mut entries = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let mut rows = statement.query((number, pair.local.0))?;
        if let Some(found) = rows.next()? {
            let row = layouts.decode(found.get(1)?, found.get_ref(2)?.as_str()?)?;
            entries.push(Baseline { pair, row, beyond_filter: found.get(0)? });
        }
    }
    Ok(entries)
}

/// Rows of the store are read by the field names that they were written with, each list once.
pub(super) struct Layouts<'a> {
    connection: &'a Connection,
    object: &'a Object,
    known: HashMap<i64, Layout>,
}

impl<'a> Layouts<'a> {
    /// For rows of this object.
    pub(super) fn new(connection: &'a Connection, object: &'a Object) -> Layouts<'a> {
        Layouts { connection, object, known: HashMap::new() }
    }

    /// Reads a row that was written with the field names of this number.
    pub(super) fn decode(&mut self, fields: i64, text: &str) -> rusqlite::Result<Row> {
        let layout = match self.known.entry(fields) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(new) => {
                let sql = "SELECT names FROM _sync_fields WHERE id = ?1";
                let names: String = self.connection.query_row(sql, [fields], |row| row.get(0))?;
                let names: Vec<String> = serde_json::from_str(&names).map_err(unreadable)?;
                new.insert(Layout::new(&names, &self.object.local))
            }
        };
        layout.decode(text, &self.object.local).map_err(unreadable)
    }
}

/// An entry about to be written.
pub(super) struct Entry<'a> {
    /// The local record.
    pub(super) local: LocalId,
    /// The remote record with its token.
    pub(super) remote: &'a RemoteKey,
    /// The local record's revision.
    pub(super) revision: Revision,
    /// What both sides agree on.
    pub(super) row: &'a Row,
    /// `None` leaves it as it is.
    pub(super) beyond_filter: Option<bool>,
}

/// The statements that enter an entry.
pub(super) struct Entering<'c> {
    insert: CachedStatement<'c>,
    refresh: CachedStatement<'c>,
    agree: CachedStatement<'c>,
    touch: CachedStatement<'c>,
    untouch: CachedStatement<'c>,
}

impl<'c> Entering<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Entering<'c>> {
        let insert = "INSERT INTO _sync_baseline(object, local_id, remote_id, revision, updated, version, created) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        // What is found by its whole key is written where it is.
        let refresh = "UPDATE _sync_baseline SET revision = ?4, updated = ?5, version = ?6, created = ?7 \
                       WHERE object = ?1 AND remote_id = ?3 AND local_id = ?2";
        let agree =
            "INSERT OR REPLACE INTO _sync_agreed(object, local_id, fields, \"row\") VALUES (?1, ?2, ?3, ?4)";
        let touch = "INSERT OR IGNORE INTO _sync_touched(object, local_id) VALUES (?1, ?2)";
        let untouch = "DELETE FROM _sync_touched WHERE object = ?1 AND local_id = ?2";
        Ok(Entering {
            insert: connection.prepare_cached(insert)?,
            refresh: connection.prepare_cached(refresh)?,
            agree: connection.prepare_cached(agree)?,
            touch: connection.prepare_cached(touch)?,
            untouch: connection.prepare_cached(untouch)?,
        })
    }

    /// Enters whether the next run has to look at a record whatever the remote tells.
    pub(super) fn touch(&mut self, object: i64, local: LocalId, touched: bool) -> rusqlite::Result<()> {
        let statement = if touched { &mut self.touch } else { &mut self.untouch };
        statement.execute((object, local.0)).map(|_| ())
    }

    /// Enters an entry, or replaces it; answers whether the pair is new. `is_new` where that is certain.
    pub(super) fn enter(
        &mut self,
        connection: &Connection,
        (object, fields): (i64, i64),
        entry: &Entry<'_>,
        is_new: bool,
    ) -> rusqlite::Result<bool> {
        let (updated, version) = entry.remote.token_to_keep();
        let (local, id) = (entry.local.0, &entry.remote.id.0);
        let pair = (object, local, id, entry.revision.0, updated, version, &entry.remote.created);
        let is_new = is_new || self.refresh.execute(pair)? == 0 && replace(connection, pair)? == 0;
        if is_new {
            self.insert.execute(pair)?;
        }
        let row = encode_row(entry.row).map_err(unwritable)?;
        self.agree.execute((object, local, fields, row))?;
        match entry.beyond_filter {
            Some(true) => {
                let sql = "INSERT OR IGNORE INTO _sync_beyond(object, local_id) VALUES (?1, ?2)";
                connection.prepare_cached(sql)?.execute((object, local))?;
            }
            Some(false) if !is_new => delete(connection, NOT_BEYOND, object, local)?,
            Some(false) | None => {}
        }
        Ok(is_new)
    }
}

/// Of a record whose pair had another remote id.
fn replace(connection: &Connection, pair: impl Params) -> rusqlite::Result<usize> {
    let sql = format!(
        "UPDATE _sync_baseline {BY_LOCAL} SET remote_id = ?3, revision = ?4, updated = ?5, version = ?6, \
         created = ?7 WHERE object = ?1 AND local_id = ?2"
    );
    connection.prepare_cached(&sql)?.execute(pair)
}

/// Drops an entry; answers whether there was one.
pub(super) fn forget(connection: &Connection, object: i64, local: LocalId) -> rusqlite::Result<bool> {
    let sql = format!("DELETE FROM _sync_baseline {BY_LOCAL} WHERE object = ?1 AND local_id = ?2");
    let found = connection.prepare_cached(&sql)?.execute((object, local.0))? > 0;
    let agreed = "DELETE FROM _sync_agreed WHERE object = ?1 AND local_id = ?2";
    delete(connection, agreed, object, local.0)?;
    delete(connection, NOT_BEYOND, object, local.0)?;
    Ok(found)
}

/// The newest local record that is linked.
pub(super) fn newest(connection: &Connection, object: i64) -> rusqlite::Result<Option<LocalId>> {
    let sql = format!("SELECT max(local_id) FROM _sync_baseline {BY_LOCAL} WHERE object = ?1");
    connection.prepare_cached(&sql)?.query_row([object], |row| Ok(row.get::<_, Option<i64>>(0)?.map(LocalId)))
}

/// Adds so many pairs to those that are counted.
pub(super) fn count_linked(connection: &Connection, object: i64, more: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE _sync_object SET linked = linked + ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute((object, more)).map(|_| ())
}

fn delete(connection: &Connection, sql: &str, object: i64, local: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute((object, local)).map(|_| ())
}

/// The records that the next run has to look at, ascending.
pub(super) fn touched(connection: &Connection, object: i64) -> rusqlite::Result<Vec<LocalId>> {
    let sql = "SELECT local_id FROM _sync_touched WHERE object = ?1 ORDER BY local_id";
    connection.prepare_cached(sql)?.query_map([object], |row| row.get(0).map(LocalId))?.collect()
}
