//! What is remembered of runs, and of each object from its last one.

use super::error::unwritable;
use crate::ports::ObjectState;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

/// Runs that are remembered; the older ones go, or a report every five minutes would fill the file. The last one of each
/// object stays: its report tells what was held of it.
const REMEMBERED: u32 = 100;

/// What is known of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredObject {
    /// The object.
    pub object: String,
    /// Mapping version of its last run.
    pub mapping_version: Option<u32>,
    /// Filter of its last run.
    pub filter: Option<String>,
    /// The last run that synchronized it.
    pub last_run: Option<String>,
    /// How that ended: the report's word.
    pub last_outcome: Option<String>,
    /// Linked pairs.
    pub pairs: u64,
    /// Pending conflicts.
    pub conflicts: u64,
    /// Pending issues that are not dismissed.
    pub issues: u64,
    /// Deletes that wait for confirmation.
    pub held_deletes: u64,
}

/// One run. The times are for people only: no decision reads them (decision 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredRun {
    /// Its id.
    pub run: String,
    /// When it began, UTC.
    pub started: String,
    /// When it ended; `None` while it runs, or when it was killed.
    pub ended: Option<String>,
    /// How it ended: the report's word.
    pub outcome: Option<String>,
    /// Its report, a JSON document.
    pub report: Option<String>,
}

/// Enters a run that begins.
pub(super) fn begin(connection: &Connection, run: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO _sync_run(run, started) VALUES (?1, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        [run],
    )?;
    let sql = "DELETE FROM _sync_run WHERE rowid <= (SELECT max(rowid) FROM _sync_run) - ?1 \
                 AND run NOT IN (SELECT last_run FROM _sync_object WHERE last_run IS NOT NULL)";
    connection.execute(sql, [REMEMBERED])?;
    Ok(())
}

/// Enters how a run ended.
pub(super) fn end(connection: &Connection, run: &str, outcome: &str, report: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE _sync_run SET ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), outcome = ?2, report = ?3 \
               WHERE run = ?1";
    connection.execute(sql, (run, outcome, report))?;
    Ok(())
}

/// The run that began last.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<Option<StoredRun>> {
    let sql = "SELECT run, started, ended, outcome, report FROM _sync_run ORDER BY rowid DESC LIMIT 1";
    let run = |row: &Row<'_>| {
        Ok(StoredRun {
            run: row.get(0)?,
            started: row.get(1)?,
            ended: row.get(2)?,
            outcome: row.get(3)?,
            report: row.get(4)?,
        })
    };
    connection.query_row(sql, [], run).optional()
}

/// Remembers the state in which a run leaves an object.
pub(super) fn remember(connection: &Connection, object: &str, state: &ObjectState) -> rusqlite::Result<()> {
    // What is logged, dismissed or not, is tried again in every run, and so has to be listed.
    let sql = "UPDATE _sync_object SET mapping_version = ?2, filter = ?3, last_run = ?4, last_outcome = ?5, \
               remote = ?6, targets = ?7, since_listed = ?9, deletes_seen = ?10, \
               mark = CASE WHEN EXISTS (SELECT 1 FROM _sync_issue WHERE object = ?1) \
                 OR EXISTS (SELECT 1 FROM _sync_conflict WHERE object = ?1) THEN NULL ELSE ?8 END \
               WHERE name = ?1";
    let ObjectState {
        mapping_version,
        filter,
        last_run,
        last_outcome,
        remote,
        targets,
        mark,
        since_listed,
        deletes_seen,
        refused: _,
    } = state;
    let targets = targets.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?;
    let mark = mark.as_ref().map(|mark| &mark.0);
    let deletes_seen = deletes_seen.map(i64::try_from).and_then(Result::ok);
    connection.execute(
        sql,
        (
            object,
            mapping_version,
            filter,
            last_run,
            last_outcome,
            remote,
            targets,
            mark,
            since_listed,
            deletes_seen,
        ),
    )?;
    Ok(())
}

/// Remembers which server an object is synchronized with.
pub(super) fn note_remote(connection: &Connection, object: &str, remote: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE _sync_object SET remote = ?2 WHERE name = ?1", (object, remote))?;
    Ok(())
}

/// Deletes of an object that its last complete run held. They are found by comparing and are in no log: the report of
/// the newest run that the object came to its end in has them.
pub(super) fn held_deletes(connection: &Connection, object: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT it.value ->> 'held_deletes' \
               FROM _sync_run AS run, json_each(iif(json_valid(report), report, '{}'), '$.objects') AS it \
               WHERE it.value ->> 'object' = ?1 AND it.value ->> 'outcome' IN ('synced', 'pending') \
               ORDER BY run.rowid DESC LIMIT 1";
    let held = connection.prepare_cached(sql)?.query_row([object], |row| row.get::<_, i64>(0)).optional()?;
    Ok(held.map_or(0, i64::unsigned_abs))
}

/// All objects that the store knows, by name.
pub(super) fn objects(connection: &Connection) -> rusqlite::Result<Vec<StoredObject>> {
    let sql = "SELECT name, mapping_version, filter, last_run, last_outcome, \
                 linked, \
                 (SELECT count(*) FROM _sync_conflict WHERE object = o.name), \
                 (SELECT count(*) FROM _sync_issue WHERE object = o.name AND NOT dismissed) \
               FROM _sync_object AS o ORDER BY name";
    let count = |row: &Row<'_>, index| row.get::<_, i64>(index).map(i64::unsigned_abs);
    let object = |row: &Row<'_>| {
        let name: String = row.get(0)?;
        Ok(StoredObject {
            held_deletes: held_deletes(connection, &name)?,
            object: name,
            mapping_version: row.get(1)?,
            filter: row.get(2)?,
            last_run: row.get(3)?,
            last_outcome: row.get(4)?,
            pairs: count(row, 5)?,
            conflicts: count(row, 6)?,
            issues: count(row, 7)?,
        })
    };
    connection.prepare(sql)?.query_map([], object)?.collect()
}
