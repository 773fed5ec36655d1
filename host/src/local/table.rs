//! The table of one object: made, adopted or refused.

use super::error::unreadable;
use super::pointers;
use super::records::Statements;
use super::refusal::{Refusal, add_column, check, create, quote, wanted};
use super::shape::{Found, Shape, look};
use super::watch;
use crate::ports::{Mark, ObjectState};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::collections::BTreeSet;
use sync_core::object::{Object, ObjectName};

/// What the store remembers of an object whose table it has seen to.
pub(super) struct Attached {
    /// The object's number in `_sync_object`; 0, which is nobody's, where a store that is only read
    /// does not know it.
    pub(super) id: i64,
    /// The number of its field names in `_sync_fields`.
    pub(super) fields: i64,
    /// Whether `_sync_touched` tells of every record that a person touched.
    pub(super) tells: bool,
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
    let definitions = watch::definitions(&transaction)?;
    transaction.execute("INSERT INTO _sync_object(name) VALUES (?1) ON CONFLICT(name) DO NOTHING", [name])?;
    let (id, mut made) = known(&transaction, name)?.unwrap_or_default();
    let mut table = name.to_owned();
    let (mut refused, mut or) = (None, "");
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
            (table, or) = (shape.name, shape.or);
        }
        Found::Other(what) => return Err(not_a_table(name, what).into()),
    }
    if let Some(mut made) = made {
        made.extend(wanted(object).map(|(column, _)| column.to_owned()));
        let made = serde_json::json!(made).to_string();
        transaction
            .execute("UPDATE _sync_object SET made = ?2 WHERE id = ?1 AND made IS NOT ?2", (id, made))?;
    }
    watch::see_to(&transaction, id, &table, definitions)?;
    if refused.is_none() {
        pointers::see_to(&transaction, object, &table)?;
    }
    watch::go_on(&transaction, definitions)?;
    let tells = watch::tells(&transaction, &table)?;
    let names: Vec<&str> = object.local.iter().map(|field| field.name.as_str()).collect();
    let names = serde_json::json!(names).to_string();
    transaction
        .execute("INSERT INTO _sync_fields(names) VALUES (?1) ON CONFLICT(names) DO NOTHING", [&names])?;
    let fields = "SELECT id FROM _sync_fields WHERE names = ?1";
    let fields = transaction.query_row(fields, [&names], |row| row.get(0))?;
    transaction.commit()?;
    Ok(Attached { id, fields, tells, sql: Statements::new(object, or), refused })
}

/// Checks the table of a store that is only read. What [`attach`] would make stands in for it, in
/// memory: an empty table, or a view that has the columns which the object gained.
pub(super) fn inspect(connection: &Connection, object: &Object) -> Result<Attached, AttachError> {
    let name = object.name.as_str();
    let (id, made) = known(connection, name)?.unwrap_or_default();
    let (mut refused, mut tells) = (None, false);
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
            let definitions = watch::definitions(connection)?;
            tells = watch::is_watched(connection, id, &shape.name, definitions)?
                && watch::tells(connection, &shape.name)?;
        }
        Found::Other(what) => return Err(not_a_table(name, what).into()),
    }
    Ok(Attached { id, fields: 0, tells, sql: Statements::new(object, ""), refused })
}

/// What is known of the object from earlier runs.
pub(super) fn state(connection: &Connection, id: i64) -> rusqlite::Result<ObjectState> {
    let sql = "SELECT mapping_version, filter, last_run, last_outcome, remote, targets, mark, since_listed, \
               deletes_seen FROM _sync_object WHERE id = ?1";
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
            deletes_seen: row.get::<_, Option<i64>>(8)?.map(i64::unsigned_abs),
            refused: None,
        })
    };
    Ok(connection.query_row(sql, [id], state).optional()?.unwrap_or_default())
}

/// Local records of these objects that ever went.
pub(super) fn deletes(connection: &Connection, objects: &[&ObjectName]) -> rusqlite::Result<u64> {
    let mut sum: u64 = 0;
    let mut statement = connection.prepare_cached("SELECT deletes FROM _sync_object WHERE name = ?1")?;
    for name in objects {
        let deletes: Option<i64> = statement.query_row([name.as_str()], |row| row.get(0)).optional()?;
        sum = sum.saturating_add(deletes.unwrap_or(0).unsigned_abs());
    }
    Ok(sum)
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

/// The object's number; 0, which is nobody's, where the store does not know it.
pub(super) fn number(connection: &Connection, object: &ObjectName) -> rusqlite::Result<i64> {
    let sql = "SELECT id FROM _sync_object WHERE name = ?1";
    let number = connection.prepare_cached(sql)?.query_row([object.as_str()], |row| row.get(0)).optional()?;
    Ok(number.unwrap_or(0))
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
