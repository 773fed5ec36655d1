//! The baseline: per pair of linked records, what both sides agreed on last.

use super::error::{unreadable, unwritable};
use super::json::{Layout, encode_row};
use crate::ports::{Baseline, Stretch};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::object::Object;
use sync_core::value::Row;

/// Rows that one call of a listing answers with.
const SLICE: usize = 4096;

/// A pair, from the columns in this order.
const PAIR: &str = "local_id, remote_id, updated, version, created, revision";

/// For pairs of local ids. Without it SQLite reads through all pairs of the object: the primary key begins with that, too.
const BY_LOCAL: &str = "INDEXED BY _sync_baseline_local";

/// A pair is not there beyond the filter.
const NOT_BEYOND: &str = "DELETE FROM _sync_beyond WHERE object = ?1 AND local_id = ?2";

fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<Pair> {
    let token = RemoteToken { updated: row.get(2)?, version: row.get(3)? };
    let remote = RemoteKey { id: RemoteId(row.get(1)?), token, created: row.get(4)?, fresh: false };
    Ok(Pair { local: LocalId(row.get(0)?), remote, revision: Revision(row.get(5)?) })
}

/// The pairs that follow one, ascending by remote id, then by local id.
pub(super) fn pairs(
    connection: &Connection,
    object: i64,
    after: Option<(&RemoteId, LocalId)>,
) -> rusqlite::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    // Two queries: one that compared both columns would do so with every row that it finds.
    if let Some((remote, local)) = after {
        let sql = format!(
            "SELECT {PAIR} FROM _sync_baseline WHERE object = ?1 AND remote_id = ?2 AND local_id > ?3 ORDER BY local_id"
        );
        for found in connection.prepare_cached(&sql)?.query_map((object, &remote.0, local.0), pair)? {
            pairs.push(found?);
        }
    }
    let sql = format!(
        "SELECT {PAIR} FROM _sync_baseline WHERE object = ?1 AND remote_id > ?2 ORDER BY remote_id, local_id LIMIT {SLICE}"
    );
    let remote = after.map_or("", |(remote, _)| remote.0.as_str());
    for found in connection.prepare_cached(&sql)?.query_map((object, remote), pair)? {
        pairs.push(found?);
    }
    Ok(pairs)
}

/// The local halves of the pairs that follow a record, ascending by its id.
pub(super) fn local_halves(
    connection: &Connection,
    object: i64,
    after: Option<LocalId>,
) -> rusqlite::Result<Vec<LocalKey>> {
    let sql = format!(
        "SELECT local_id, revision FROM _sync_baseline {BY_LOCAL} WHERE object = ?1 AND local_id > ?2 ORDER BY local_id LIMIT {SLICE}"
    );
    let after = after.map_or(i64::MIN, |id| id.0);
    connection.prepare_cached(&sql)?.query_map((object, after), local_key)?.collect()
}

/// A local change key, from an id and a revision.
pub(super) fn local_key(row: &rusqlite::Row<'_>) -> rusqlite::Result<LocalKey> {
    Ok(LocalKey { id: LocalId(row.get(0)?), revision: Revision(row.get(1)?) })
}

/// Looks up pairs by their local records.
pub(super) struct PairOf<'c> {
    statement: CachedStatement<'c>,
    object: i64,
}

impl<'c> PairOf<'c> {
    /// Those of this object.
    pub(super) fn new(connection: &'c Connection, object: i64) -> rusqlite::Result<PairOf<'c>> {
        let sql = format!("SELECT {PAIR} FROM _sync_baseline {BY_LOCAL} WHERE object = ?1 AND local_id = ?2");
        Ok(PairOf { statement: connection.prepare_cached(&sql)?, object })
    }

    /// The pair of a record, if it is linked.
    pub(super) fn of(&mut self, local: LocalId) -> rusqlite::Result<Option<Pair>> {
        self.statement.query_row((self.object, local.0), pair).optional()
    }
}

/// The pairs of these local records, in their order.
pub(super) fn pairs_of_local(
    connection: &Connection,
    object: i64,
    ids: &[LocalId],
) -> rusqlite::Result<Vec<Pair>> {
    let mut pair = PairOf::new(connection, object)?;
    ids.iter().filter_map(|id| pair.of(*id).transpose()).collect()
}

/// The pairs of these remote records, in their order; an id that came back may have two (decision 14).
pub(super) fn pairs_of_remote(
    connection: &Connection,
    object: i64,
    ids: &[RemoteId],
) -> rusqlite::Result<Vec<Pair>> {
    let sql = format!("SELECT {PAIR} FROM _sync_baseline WHERE object = ?1 AND remote_id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut pairs = Vec::with_capacity(ids.len());
    for id in ids {
        for found in statement.query_map((object, &id.0), pair)? {
            pairs.push(found?);
        }
    }
    Ok(pairs)
}

/// The last of each so many of the remote ids that are linked, ascending.
pub(super) fn landmarks(
    connection: &Connection,
    object: i64,
    every: usize,
) -> rusqlite::Result<Vec<RemoteId>> {
    // SQLite passes over those between two landmarks by itself, which takes a quarter of what handing them out does.
    let sql = "SELECT remote_id FROM _sync_baseline WHERE object = ?1 AND remote_id > ?2 \
               ORDER BY remote_id LIMIT 1 OFFSET ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let between = i64::try_from(every.saturating_sub(1)).unwrap_or(i64::MAX);
    let mut landmarks: Vec<RemoteId> = Vec::new();
    loop {
        let last = landmarks.last().map_or("", |id| id.0.as_str());
        let next = statement.query_row((object, last, between), |row| row.get(0).map(RemoteId));
        match next.optional()? {
            Some(next) => landmarks.push(next),
            None => return Ok(landmarks),
        }
    }
}

/// The remote ids that are linked in a stretch, ascending.
pub(super) fn linked_in(
    connection: &Connection,
    object: i64,
    stretch: Stretch<'_>,
) -> rusqlite::Result<Vec<RemoteId>> {
    // No text comes after a blob.
    let sql = format!(
        "SELECT remote_id FROM _sync_baseline \
         WHERE object = ?1 AND remote_id > ?2 AND remote_id <= IFNULL(?3, x'') ORDER BY remote_id"
    );
    let (after, through) = (stretch.after.map_or("", |id| &id.0), stretch.through.map(|id| &id.0));
    let ids = |row: &rusqlite::Row<'_>| row.get(0).map(RemoteId);
    connection.prepare_cached(&sql)?.query_map((object, after, through), ids)?.collect()
}

/// Number of pairs.
pub(super) fn linked(connection: &Connection, object: i64) -> rusqlite::Result<u64> {
    let sql = "SELECT linked FROM _sync_object WHERE id = ?1";
    let linked: Option<i64> =
        connection.prepare_cached(sql)?.query_row([object], |row| row.get(0)).optional()?;
    Ok(linked.unwrap_or(0).unsigned_abs())
}

/// The remote ids of the pairs that are there beyond the filter.
pub(super) fn beyond_filter(connection: &Connection, object: i64) -> rusqlite::Result<Vec<RemoteId>> {
    let sql = format!(
        "SELECT remote_id FROM _sync_beyond CROSS JOIN _sync_baseline {BY_LOCAL} USING (object, local_id) \
         WHERE object = ?1 ORDER BY remote_id"
    );
    connection.prepare_cached(&sql)?.query_map([object], |row| row.get(0).map(RemoteId))?.collect()
}

/// The local record linked to a remote one: the youngest, where an id that came back is there twice, of those
/// that are not aside.
pub(super) fn linked_local(
    connection: &Connection,
    object: i64,
    remote: &RemoteId,
    aside: impl Fn(LocalId) -> bool,
) -> rusqlite::Result<Option<LocalId>> {
    // Without an order: SQLite prepares a statement anew for every value that is bound where it might decide about that.
    let sql = format!("SELECT local_id FROM _sync_baseline WHERE object = ?1 AND remote_id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut linked = None;
    for local in statement.query_map((object, &remote.0), |row| row.get(0).map(LocalId))? {
        linked = linked.max(Some(local?).filter(|local| !aside(*local)));
    }
    Ok(linked)
}

/// The remote record linked to a local one.
pub(super) fn linked_remote(
    connection: &Connection,
    object: i64,
    local: LocalId,
) -> rusqlite::Result<Option<RemoteId>> {
    let sql = format!("SELECT remote_id FROM _sync_baseline {BY_LOCAL} WHERE object = ?1 AND local_id = ?2");
    connection.prepare_cached(&sql)?.query_row((object, local.0), |row| row.get(0).map(RemoteId)).optional()
}

/// Entries, in the order of the ids; those that are not there are left out.
pub(super) fn entries(
    connection: &Connection,
    object: &Object,
    number: i64,
    ids: &[LocalId],
) -> rusqlite::Result<Vec<Baseline>> {
    let sql = format!(
        "SELECT {PAIR}, EXISTS (SELECT 1 FROM _sync_beyond WHERE object = ?1 AND local_id = ?2), fields, \"row\" \
         FROM _sync_baseline {BY_LOCAL} JOIN _sync_agreed USING (object, local_id) \
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
        Ok(Entering {
            insert: connection.prepare_cached(insert)?,
            refresh: connection.prepare_cached(refresh)?,
            agree: connection.prepare_cached(agree)?,
        })
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

/// Enters whether the next run has to look at a record whatever the remote tells.
pub(super) fn touch(
    connection: &Connection,
    object: i64,
    local: LocalId,
    touched: bool,
) -> rusqlite::Result<()> {
    if !touched {
        let sql = "DELETE FROM _sync_touched WHERE object = ?1 AND local_id = ?2";
        return delete(connection, sql, object, local.0);
    }
    let sql = "INSERT OR IGNORE INTO _sync_touched(object, local_id) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute((object, local.0)).map(|_| ())
}

/// The records that the next run has to look at, ascending.
pub(super) fn touched(connection: &Connection, object: i64) -> rusqlite::Result<Vec<LocalId>> {
    let sql = "SELECT local_id FROM _sync_touched WHERE object = ?1 ORDER BY local_id";
    connection.prepare_cached(sql)?.query_map([object], |row| row.get(0).map(LocalId))?.collect()
}
