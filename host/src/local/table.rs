//! The table of one object: made, adopted or refused, and kept under watch by triggers.

use super::error::unreadable;
use super::records::Statements;
use super::refusal::{Refusal, add_column, check, create, quote, wanted};
use super::shape::{Found, Shape, look};
use crate::ports::{Mark, ObjectState};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::collections::BTreeSet;
use sync_core::object::Object;

/// What the store remembers of an object whose table it has seen to.
pub(super) struct Attached {
    /// The object's number in `_sync_object`; 0, which is nobody's, where a store that is only read
    /// does not know it.
    pub(super) id: i64,
    /// The number of its field names in `_sync_fields`.
    pub(super) fields: i64,
    /// The statements on its table.
    pub(super) sql: Statements,
    /// Why its records cannot be synchronized, where they can be read.
    pub(super) refused: Option<Refusal>,
}

/// Why an object's table could not be attached.
pub(super) enum AttachError {
    /// The table cannot be used.
    Refused(Refusal),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl From<Refusal> for AttachError {
    fn from(refusal: Refusal) -> AttachError {
        AttachError::Refused(refusal)
    }
}

impl From<rusqlite::Error> for AttachError {
    fn from(error: rusqlite::Error) -> AttachError {
        AttachError::Sqlite(error)
    }
}

/// Makes the table where it is missing, adds the columns that the object gained since, and sees to
/// the triggers; all of it or nothing.
pub(super) fn attach(connection: &mut Connection, object: &Object) -> Result<Attached, AttachError> {
    let name = object.name.as_str();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO _sync_object(name) VALUES (?1) ON CONFLICT(name) DO NOTHING", [name])?;
    let (id, mut made) = known(&transaction, name)?.unwrap_or_default();
    let mut table = name.to_owned();
    let mut refused = None;
    match look(&transaction, name)? {
        Found::Nothing => {
            transaction.execute_batch(&create(&quote(name), object, &[]))?;
            made = Some(made.unwrap_or_default());
        }
        Found::Table(shape) => {
            let gained = readable(check(&shape, object, made.as_ref()), &mut refused)?;
            for (column, declared) in gained {
                transaction.execute_batch(&add_column(&shape.name, column, declared))?;
            }
            table = shape.name;
        }
        Found::Other(what) => return Err(not_a_table(name, what).into()),
    }
    if let Some(mut made) = made {
        made.extend(wanted(object).map(|(column, _)| column.to_owned()));
        let made = serde_json::json!(made).to_string();
        transaction
            .execute("UPDATE _sync_object SET made = ?2 WHERE id = ?1 AND made IS NOT ?2", (id, made))?;
    }
    watch(&transaction, id, &table)?;
    let names: Vec<&str> = object.local.iter().map(|field| field.name.as_str()).collect();
    let names = serde_json::json!(names).to_string();
    transaction
        .execute("INSERT INTO _sync_fields(names) VALUES (?1) ON CONFLICT(names) DO NOTHING", [&names])?;
    let fields = "SELECT id FROM _sync_fields WHERE names = ?1";
    let fields = transaction.query_row(fields, [&names], |row| row.get(0))?;
    transaction.commit()?;
    Ok(Attached { id, fields, sql: Statements::new(object), refused })
}

/// Checks the table of a store that is only read. What [`attach`] would make stands in for it, in
/// memory: an empty table, or a view that has the columns which the object gained.
pub(super) fn inspect(connection: &Connection, object: &Object) -> Result<Attached, AttachError> {
    let name = object.name.as_str();
    let (id, made) = known(connection, name)?.unwrap_or_default();
    let mut refused = None;
    match look(connection, name)? {
        Found::Nothing => {
            let stand_in = format!("IF NOT EXISTS temp.{}", quote(name));
            connection.execute_batch(&create(&stand_in, object, &[]))?;
        }
        Found::Table(shape) => {
            let gained = readable(check(&shape, object, made.as_ref()), &mut refused)?;
            if !gained.is_empty() {
                connection.execute_batch(&view_with(&shape, &gained))?;
            }
        }
        Found::Other(what) => return Err(not_a_table(name, what).into()),
    }
    Ok(Attached { id, fields: 0, sql: Statements::new(object), refused })
}

/// What is known of the object from earlier runs.
pub(super) fn state(connection: &Connection, id: i64) -> rusqlite::Result<ObjectState> {
    let sql = "SELECT mapping_version, filter, last_run, last_outcome, remote, targets, mark, since_listed \
               FROM _sync_object WHERE id = ?1";
    let state = |row: &rusqlite::Row<'_>| {
        let targets: Option<String> = row.get(5)?;
        Ok(ObjectState {
            mapping_version: row.get(0)?,
            filter: row.get(1)?,
            last_run: row.get(2)?,
            last_outcome: row.get(3)?,
            remote: row.get(4)?,
            targets: targets.map(|names| serde_json::from_str(&names)).transpose().map_err(unreadable)?,
            mark: row.get::<_, Option<String>>(6)?.map(Mark),
            since_listed: row.get(7)?,
            refused: None,
        })
    };
    Ok(connection.query_row(sql, [id], state).optional()?.unwrap_or_default())
}

/// The object's number, and the columns that the host saw to if it made the table.
fn known(connection: &Connection, name: &str) -> rusqlite::Result<Option<(i64, Option<BTreeSet<String>>)>> {
    let sql = "SELECT id, made FROM _sync_object WHERE name = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        let made: Option<String> = row.get(1)?;
        Ok((row.get(0)?, made.and_then(|made| serde_json::from_str(&made).ok())))
    };
    connection.query_row(sql, [name], read).optional()
}

/// The columns to add; none, with the reason noted, to a table that can be read and not synchronized. That one is attached
/// all the same: other objects' links are told from it.
fn readable<'a>(
    checked: Result<Vec<(&'a str, &'static str)>, Refusal>,
    refused: &mut Option<Refusal>,
) -> Result<Vec<(&'a str, &'static str)>, Refusal> {
    match checked {
        Err(refusal) if refusal.readable => {
            *refused = Some(refusal);
            Ok(Vec::new())
        }
        other => other,
    }
}

fn not_a_table(name: &str, what: &str) -> Refusal {
    let drop = if what == "view" { "VIEW" } else { "TABLE" };
    Refusal {
        why: format!("is a {what}"),
        statements: format!("DROP {drop} {};", quote(name)),
        readable: false,
    }
}

fn view_with(shape: &Shape, gained: &[(&str, &str)]) -> String {
    let gained: String = gained.iter().map(|(name, _)| format!(", NULL AS {}", quote(name))).collect();
    let name = quote(&shape.name);
    format!("CREATE TEMP VIEW IF NOT EXISTS {name} AS SELECT *{gained} FROM main.{name}")
}

/// Sees to the triggers that keep `revision` and `modified_at`, whatever tool edits the table.
///
/// Where one is missing, edits may have gone unseen: every row gets a new revision, so that its
/// content decides (decision 2). And the table may be another one than before, so ids continue after
/// the last that was ever paired: they never come back.
fn watch(connection: &Connection, object: i64, table: &str) -> rusqlite::Result<()> {
    let triggers = triggers(table);
    let there = "SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?1 AND sql = ?2";
    let mut missing = 0;
    for (name, sql) in &triggers {
        if connection.query_row(there, [name, sql], |_| Ok(())).optional()?.is_none() {
            missing += 1;
        }
    }
    if missing == 0 {
        return Ok(());
    }
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS main.{}", quote(name)))?;
    }
    let quoted = quote(table);
    connection.execute_batch(&format!(
        "UPDATE _sync_counter SET revision = 1 + max(revision, \
           (SELECT IFNULL(max(CAST(\"revision\" AS INTEGER)), 0) FROM {quoted}));
         UPDATE {quoted} SET \"revision\" = (SELECT revision FROM _sync_counter), \
           \"modified_at\" = IFNULL(\"modified_at\", {NOW});"
    ))?;
    let sequence = "INSERT INTO sqlite_sequence(name, seq) SELECT ?1, 0 \
                    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)";
    connection.execute(sequence, [table])?;
    let paired = "UPDATE sqlite_sequence SET seq = max(seq, \
                  IFNULL((SELECT max(local_id) FROM _sync_baseline WHERE object = ?2), 0), \
                  IFNULL((SELECT max(local_id) FROM _sync_journal WHERE object = ?2), 0)) WHERE name = ?1";
    connection.execute(paired, (table, object))?;
    triggers.iter().try_for_each(|(_, sql)| connection.execute_batch(sql))
}

pub(super) const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// Both triggers with their names.
///
/// The write inside a trigger is itself an update. It gives the row the counter's value, which is
/// another than the row had, and by that the second trigger knows it: so they end with
/// `recursive_triggers` on or off. A revision that somebody sets by hand is neither, and replaced. The host's own
/// writes set the counter's value themselves ([`Statements`]), which saves the second write of the row.
fn triggers(table: &str) -> [(String, String); 2] {
    let trigger = |event: &str, guard: &str| {
        let name = format!("_sync_{event}_{table}");
        let sql = format!(
            "CREATE TRIGGER {} AFTER {event} ON {table}{guard} BEGIN
  UPDATE _sync_counter SET revision = revision + 1;
  UPDATE {table} SET \"revision\" = (SELECT revision FROM _sync_counter), \"modified_at\" = {NOW}
    WHERE \"id\" = NEW.\"id\";
END",
            quote(&name),
            event = event.to_ascii_uppercase(),
            table = quote(table),
        );
        (name, sql)
    };
    let guard = " WHEN NEW.\"revision\" IS OLD.\"revision\" \
                 OR NEW.\"revision\" IS NOT (SELECT revision FROM _sync_counter)";
    // That alone would also let a copy of the row pass that was written last.
    let new = " WHEN NEW.\"revision\" IS NOT (SELECT revision FROM _sync_counter) \
               OR NOT EXISTS (SELECT 1 FROM _sync_meta WHERE key = 'writing')";
    [trigger("insert", new), trigger("update", guard)]
}
