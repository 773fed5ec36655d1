//! The logs of what is pending: issues, found when applying, and conflicts, found when comparing.

use super::clash;
use super::error::{unreadable, unwritable};
use crate::natural::natural_json;
use crate::ports::{ConflictEntry, ConflictField, IssueEntry};
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use sync_core::change_key::{LocalId, RemoteId};
use sync_core::conflict::{Choice, ConflictKind};

/// An issue of the log; serialized as `host issues list` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredIssue {
    /// Number in the log, which it keeps while it persists.
    pub id: i64,
    /// The object.
    pub object: String,
    /// What was to be done: `push-insert` and so on.
    pub operation: String,
    /// The local record, where there is one.
    pub local_id: Option<LocalId>,
    /// The remote record, where there is one.
    pub remote_id: Option<RemoteId>,
    /// Stable code.
    pub code: String,
    /// What failed, why, and what to do.
    pub message: String,
    /// Runs that met it (decision 20).
    pub attempts: u64,
    /// Remote records that are not pulled while it is open (decision 4).
    #[serde(skip)]
    pub twins: Vec<RemoteId>,
    /// The run that met it first.
    #[serde(skip)]
    pub first_run: String,
    /// The run that met it last.
    #[serde(skip)]
    pub last_run: String,
}

/// A conflict of the log; serialized as `host conflicts list` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredConflict {
    /// Number in the log, which it keeps while it persists.
    pub id: i64,
    /// The object.
    pub object: String,
    /// What the two sides did.
    pub kind: ConflictKind,
    /// The pair's local id.
    pub local_id: LocalId,
    /// The pair's remote id.
    pub remote_id: RemoteId,
    /// All local fields; those that take part in the conflict are serialized.
    #[serde(serialize_with = "those_that_differ")]
    pub fields: Vec<ConflictField>,
    /// When it was first found. For people only: no decision reads it (decision 2).
    pub since: String,
    /// What somebody chose, until the next run carries it out.
    #[serde(skip)]
    pub choice: Option<Choice>,
}

fn those_that_differ<S: Serializer>(fields: &[ConflictField], to: S) -> Result<S::Ok, S::Error> {
    differing_fields(fields).serialize(to)
}

/// A field of a conflict, as lists print it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideBySide {
    field: String,
    base: Json,
    local: Json,
    remote: Json,
}

/// The fields that differ, as `host conflicts list` prints them.
pub fn differing_fields(fields: &[ConflictField]) -> Vec<SideBySide> {
    let side_by_side = |field: &ConflictField| {
        let [base, local, remote] = [&field.base, &field.local, &field.remote].map(natural_json);
        SideBySide { field: field.field.clone(), base, local, remote }
    };
    fields.iter().filter(|field| field.differs).map(side_by_side).collect()
}

/// What makes two issues one: object, operation and the records.
const THE_ISSUE: &str = "object = ?1 AND operation = ?2 \
                         AND IFNULL(local_id, '') = IFNULL(?3, '') AND IFNULL(remote_id, '') = IFNULL(?4, '')";

/// Enters an issue. One that persists keeps its entry, counts once a run, and is back on the list if
/// it was dismissed (decision 20).
pub(super) fn record_issue(connection: &Connection, run: &str, issue: &IssueEntry) -> rusqlite::Result<()> {
    let again = format!(
        "UPDATE _sync_issue SET code = ?5, message = ?6, twins = ?7, \
           attempts = attempts + (last_run <> ?8), last_run = ?8, dismissed = FALSE \
         WHERE {THE_ISSUE}"
    );
    let new = "INSERT INTO _sync_issue(object, operation, local_id, remote_id, code, message, twins, \
                 first_run, last_run, attempts, dismissed) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1, FALSE)";
    let entry = (
        issue.object.as_str(),
        issue.operation.name(),
        issue.local.map(|id| id.0),
        issue.remote.as_ref().map(|id| &id.0),
        &issue.code,
        &issue.message,
        serde_json::to_string(&issue.twins).map_err(unwritable)?,
        run,
    );
    enter(connection, &again, new, entry)
}

/// Enters a conflict. One that persists keeps its id; a choice made on other content goes
/// (decision 17).
pub(super) fn record_conflict(
    connection: &Connection,
    run: &str,
    conflict: &ConflictEntry,
) -> rusqlite::Result<()> {
    let again = "UPDATE _sync_conflict SET choice = iif(kind = ?2 AND fields = ?5, choice, NULL), \
                   kind = ?2, fields = ?5, last_run = ?6 \
                 WHERE object = ?1 AND local_id = ?3 AND remote_id = ?4";
    let new = "INSERT INTO _sync_conflict(object, kind, local_id, remote_id, fields, last_run, since) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))";
    let entry = (
        conflict.object.as_str(),
        conflict.kind.name(),
        conflict.local.0,
        &conflict.remote.0,
        clash::encode(&conflict.fields)?,
        run,
    );
    enter(connection, again, new, entry)
}

/// Brings an entry up to date, or makes it. Two statements, since an upsert uses up a number even
/// where it makes nothing.
fn enter(
    connection: &Connection,
    again: &str,
    new: &str,
    entry: impl Params + Clone,
) -> rusqlite::Result<()> {
    if connection.prepare_cached(again)?.execute(entry.clone())? == 0 {
        connection.prepare_cached(new)?.execute(entry)?;
    }
    Ok(())
}

/// What was chosen for this conflict, if it is still the one that the choice was made on.
pub(super) fn choice(connection: &Connection, conflict: &ConflictEntry) -> rusqlite::Result<Option<Choice>> {
    let sql = "SELECT choice, fields FROM _sync_conflict \
               WHERE object = ?1 AND local_id = ?2 AND remote_id = ?3 AND kind = ?4 AND choice IS NOT NULL";
    let key = (conflict.object.as_str(), conflict.local.0, &conflict.remote.0, conflict.kind.name());
    let chosen = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let chosen: Option<(String, String)> =
        connection.prepare_cached(sql)?.query_row(key, chosen).optional()?;
    let Some((choice, fields)) = chosen else { return Ok(None) };
    let is_same = clash::decode(&fields).is_ok_and(|fields| fields == conflict.fields);
    Ok(Choice::from_name(&choice).filter(|_| is_same))
}

/// Remembers what somebody chose; false where there is no such conflict.
pub(super) fn set_choice(connection: &Connection, id: i64, choice: Choice) -> rusqlite::Result<bool> {
    let sql = "UPDATE _sync_conflict SET choice = ?2 WHERE id = ?1";
    Ok(connection.execute(sql, (id, choice.name()))? > 0)
}

/// Remembers what somebody chose for the conflict of a record, while it is under way.
pub(super) fn choose(
    connection: &Connection,
    conflict: &ConflictEntry,
    choice: Choice,
) -> rusqlite::Result<()> {
    let sql = "UPDATE _sync_conflict SET choice = ?4 WHERE object = ?1 AND local_id = ?2 AND remote_id = ?3";
    let key = (conflict.object.as_str(), conflict.local.0, &conflict.remote.0, choice.name());
    connection.execute(sql, key)?;
    Ok(())
}

/// Drops the conflict of a record: it is settled.
pub(super) fn settled(connection: &Connection, object: &str, local: LocalId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM _sync_conflict WHERE object = ?1 AND local_id = ?2";
    connection.prepare_cached(sql)?.execute((object, local.0))?;
    Ok(())
}

/// Takes an issue off the list until it is met again; false where there is no such issue.
pub(super) fn dismiss(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    let sql = "UPDATE _sync_issue SET dismissed = TRUE WHERE id = ?1 AND NOT dismissed";
    Ok(connection.execute(sql, [id])? > 0)
}

/// The remote twins of local records that could not be inserted, dismissed issues included: taking
/// an issue off the list is no wish to have the twin beside the record.
pub(super) fn twins(connection: &Connection, object: &str) -> rusqlite::Result<Vec<RemoteId>> {
    let sql = "SELECT DISTINCT twin.value FROM _sync_issue, json_each(twins) AS twin \
               WHERE object = ?1 ORDER BY 1";
    connection.prepare_cached(sql)?.query_map([object], |row| row.get(0).map(RemoteId))?.collect()
}

/// Drops what this run did not meet again.
pub(super) fn sweep(connection: &Connection, run: &str, object: &str) -> rusqlite::Result<()> {
    for log in ["_sync_issue", "_sync_conflict"] {
        connection
            .execute(&format!("DELETE FROM {log} WHERE object = ?1 AND last_run <> ?2"), (object, run))?;
    }
    Ok(())
}

/// Conflicts, then issues that are not dismissed.
pub(super) fn pending(connection: &Connection, object: &str) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT (SELECT count(*) FROM _sync_conflict WHERE object = ?1), \
               (SELECT count(*) FROM _sync_issue WHERE object = ?1 AND NOT dismissed)";
    let count = |row: &Row<'_>, index| row.get::<_, i64>(index).map(i64::unsigned_abs);
    connection.prepare_cached(sql)?.query_row([object], |row| Ok((count(row, 0)?, count(row, 1)?)))
}

/// Whether there is such an issue that is not dismissed.
pub(super) fn is_pending(connection: &Connection, issue: &IssueEntry) -> rusqlite::Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM _sync_issue WHERE {THE_ISSUE} AND NOT dismissed)");
    let (local, remote) = (issue.local.map(|id| id.0), issue.remote.as_ref().map(|id| &id.0));
    let key = (issue.object.as_str(), issue.operation.name(), local, remote);
    connection.prepare_cached(&sql)?.query_row(key, |row| row.get(0))
}

/// Issues by number, without the dismissed ones; all, or one.
pub(super) fn issues(connection: &Connection, id: Option<i64>) -> rusqlite::Result<Vec<StoredIssue>> {
    let sql = "SELECT id, object, operation, local_id, remote_id, code, message, attempts, twins, first_run, \
               last_run FROM _sync_issue WHERE NOT dismissed AND id = IFNULL(?1, id) ORDER BY id";
    let issue = |row: &Row<'_>| {
        let twins: String = row.get(8)?;
        Ok(StoredIssue {
            id: row.get(0)?,
            object: row.get(1)?,
            operation: row.get(2)?,
            local_id: row.get::<_, Option<i64>>(3)?.map(LocalId),
            remote_id: row.get::<_, Option<String>>(4)?.map(RemoteId),
            code: row.get(5)?,
            message: row.get(6)?,
            attempts: row.get::<_, i64>(7)?.unsigned_abs(),
            twins: serde_json::from_str(&twins).map_err(unreadable)?,
            first_run: row.get(9)?,
            last_run: row.get(10)?,
        })
    };
    connection.prepare_cached(sql)?.query_map([id], issue)?.collect()
}

/// Conflicts by number; all, or one.
pub(super) fn conflicts(connection: &Connection, id: Option<i64>) -> rusqlite::Result<Vec<StoredConflict>> {
    let sql = "SELECT id, object, kind, local_id, remote_id, fields, since, choice FROM _sync_conflict \
               WHERE id = IFNULL(?1, id) ORDER BY id";
    let conflict = |row: &Row<'_>| {
        let (kind, fields): (String, String) = (row.get(2)?, row.get(5)?);
        let choice: Option<String> = row.get(7)?;
        Ok(StoredConflict {
            id: row.get(0)?,
            object: row.get(1)?,
            kind: ConflictKind::from_name(&kind)
                .ok_or_else(|| unreadable(format!("unknown kind of conflict {kind}")))?,
            local_id: LocalId(row.get(3)?),
            remote_id: RemoteId(row.get(4)?),
            fields: clash::decode(&fields)?,
            since: row.get(6)?,
            choice: choice.as_deref().and_then(Choice::from_name),
        })
    };
    connection.prepare_cached(sql)?.query_map([id], conflict)?.collect()
}
