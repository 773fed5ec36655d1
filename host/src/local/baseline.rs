//! The baseline: per pair of linked records, what both sides agreed on last.

use super::error::{unreadable, unwritable};
use super::json::{Layout, encode_row};
use crate::ports::Baseline;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::object::Object;
use sync_core::value::Row;

/// A pair, from the columns in this order.
const PAIR: &str = "local_id, remote_id, updated, version, created, revision";

fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<Pair> {
    let token = RemoteToken { updated: row.get(2)?, version: row.get(3)? };
    let remote = RemoteKey { id: RemoteId(row.get(1)?), token, created: row.get(4)?, fresh: false };
    Ok(Pair { local: LocalId(row.get(0)?), remote, revision: Revision(row.get(5)?) })
}

/// All pairs of an object, ascending by local id. By name: the object need not be attached.
pub(super) fn pairs(connection: &Connection, object: &str) -> rusqlite::Result<Vec<Pair>> {
    let sql = format!(
        "SELECT {PAIR} FROM _sync_baseline \
         WHERE object = (SELECT id FROM _sync_object WHERE name = ?1) ORDER BY local_id"
    );
    connection.prepare_cached(&sql)?.query_map([object], pair)?.collect()
}

/// The remote ids of the pairs that are there beyond the filter.
pub(super) fn beyond_filter(connection: &Connection, object: &str) -> rusqlite::Result<Vec<RemoteId>> {
    let sql = "SELECT remote_id FROM _sync_baseline \
               WHERE object = (SELECT id FROM _sync_object WHERE name = ?1) \
                 AND beyond_filter ORDER BY remote_id";
    connection.prepare_cached(sql)?.query_map([object], |row| row.get(0).map(RemoteId))?.collect()
}

/// The local record linked to a remote one: the youngest, where an id that came back is there twice, of those
/// that are not aside.
pub(super) fn linked_local(
    connection: &Connection,
    object: &str,
    remote: &RemoteId,
    aside: impl Fn(LocalId) -> bool,
) -> rusqlite::Result<Option<LocalId>> {
    let sql = "SELECT local_id FROM _sync_baseline \
               WHERE object = (SELECT id FROM _sync_object WHERE name = ?1) AND remote_id = ?2 \
               ORDER BY local_id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut linked = statement.query_map((object, &remote.0), |row| row.get(0).map(LocalId))?;
    linked.find(|local| !local.as_ref().is_ok_and(|local| aside(*local))).transpose()
}

/// The remote record linked to a local one.
pub(super) fn linked_remote(
    connection: &Connection,
    object: &str,
    local: LocalId,
) -> rusqlite::Result<Option<RemoteId>> {
    let sql = "SELECT remote_id FROM _sync_baseline \
               WHERE object = (SELECT id FROM _sync_object WHERE name = ?1) AND local_id = ?2";
    connection.prepare_cached(sql)?.query_row((object, local.0), |row| row.get(0).map(RemoteId)).optional()
}

/// Entries, in the order of the ids; those that are not there are left out.
pub(super) fn entries(
    connection: &Connection,
    object: &Object,
    number: i64,
    ids: &[LocalId],
) -> rusqlite::Result<Vec<Baseline>> {
    let sql = format!(
        "SELECT {PAIR}, beyond_filter, fields, \"row\" FROM _sync_baseline \
         WHERE object = ?1 AND local_id = ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut layouts = Layouts::new(connection, object);
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query((number, id.0))?;
        if let Some(found) = rows.next()? {
            let row = layouts.decode(found.get(7)?, found.get_ref(8)?.as_str()?)?;
            entries.push(Baseline { pair: pair(found)?, row, beyond_filter: found.get(6)? });
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

/// Enters an entry, or replaces it.
pub(super) fn enter(
    connection: &Connection,
    object: i64,
    fields: i64,
    entry: &Entry<'_>,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO _sync_baseline(object, local_id, remote_id, revision, updated, version, created, \
                 fields, \"row\", beyond_filter) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, IFNULL(?10, FALSE)) \
               ON CONFLICT(object, local_id) DO UPDATE SET \
                 remote_id = excluded.remote_id, revision = excluded.revision, updated = excluded.updated, \
                 version = excluded.version, created = excluded.created, fields = excluded.fields, \
                 \"row\" = excluded.\"row\", beyond_filter = IFNULL(?10, beyond_filter)";
    let row = encode_row(entry.row).map_err(unwritable)?;
    let (updated, version) = entry.remote.token_to_keep();
    connection.prepare_cached(sql)?.execute((
        object,
        entry.local.0,
        &entry.remote.id.0,
        entry.revision.0,
        updated,
        version,
        &entry.remote.created,
        fields,
        row,
        entry.beyond_filter,
    ))?;
    Ok(())
}

/// Drops an entry.
pub(super) fn forget(connection: &Connection, object: i64, local: LocalId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM _sync_baseline WHERE object = ?1 AND local_id = ?2";
    connection.prepare_cached(sql)?.execute((object, local.0))?;
    Ok(())
}
