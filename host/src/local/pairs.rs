//! The pairs of linked records: listed, and looked up from either side.

use crate::ports::Stretch;
use rusqlite::{CachedStatement, Connection, OptionalExtension};
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};

/// Rows that one call of a listing answers with.
const SLICE: usize = 4096;

/// A pair, from the columns in this order.
const PAIR: &str = "local_id, remote_id, updated, version, created, revision";

/// For pairs of local ids. Without it SQLite reads through all pairs of the object: the primary key begins with that, too.
pub(super) const BY_LOCAL: &str = "INDEXED BY _sync_baseline_local";

/// A pair, from the columns of [`PAIR`].
fn pair(row: &rusqlite::Row<'_>) -> rusqlite::Result<Pair> {
    let token = RemoteToken { updated: row.get(2)?, version: row.get(3)? };
    let remote = RemoteKey { id: RemoteId(row.get(1)?), token, created: row.get(4)?, fresh: false };
    Ok(Pair { local: LocalId(row.get(0)?), remote, revision: Revision(row.get(5)?) })
}

/// The pairs that follow one, ascending by remote id, then by local id.
pub(super) fn following(
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
    let sql = "SELECT remote_id FROM _sync_baseline \
               WHERE object = ?1 AND remote_id > ?2 AND remote_id <= IFNULL(?3, x'') ORDER BY remote_id";
    let (after, through) = (stretch.after.map_or("", |id| &id.0), stretch.through.map(|id| &id.0));
    let ids = |row: &rusqlite::Row<'_>| row.get(0).map(RemoteId);
    connection.prepare_cached(sql)?.query_map((object, after, through), ids)?.collect()
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
    let sql = "SELECT local_id FROM _sync_baseline WHERE object = ?1 AND remote_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
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
