//! The floor's SQLite: one table of twenty columns, and the remote's id and stamp.

use super::Error;
use super::wire::Account;
use rusqlite::{CachedStatement, Connection, params};
use std::path::Path;

/// Rows a transaction.
pub(super) const BATCH: usize = 1_000;

/// As durable as the product's.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// A fresh store.
pub(crate) fn create(path: &Path) -> Result<Connection, Error> {
    let connection = open(path)?;
    connection.execute_batch(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, remote_id TEXT, updated TEXT, name TEXT, location TEXT, \
         type TEXT, status TEXT, phone TEXT, fax TEXT, website TEXT, street TEXT, city TEXT, state TEXT, \
         postal_code TEXT, country TEXT, employees INTEGER, revenue TEXT, currency TEXT, description TEXT, \
         parent_id TEXT, created TEXT, created_by TEXT, updated_by TEXT);\
         CREATE UNIQUE INDEX account_remote ON account(remote_id);\
         CREATE TABLE conflict (remote_id TEXT PRIMARY KEY, local TEXT, remote TEXT);",
    )?;
    Ok(connection)
}

/// Inserts an account, or overwrites the one of this id.
pub(super) const PUT: &str = "INSERT INTO account (remote_id, updated, name, location, type, status, phone, fax, \
     website, street, city, state, postal_code, country, employees, revenue, currency, description, parent_id, created, \
     created_by, updated_by) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (remote_id) DO UPDATE SET \
     updated = excluded.updated, name = excluded.name, location = excluded.location, type = excluded.type, \
     status = excluded.status, phone = excluded.phone, fax = excluded.fax, website = excluded.website, \
     street = excluded.street, city = excluded.city, state = excluded.state, postal_code = excluded.postal_code, \
     country = excluded.country, employees = excluded.employees, revenue = excluded.revenue, \
     currency = excluded.currency, description = excluded.description, parent_id = excluded.parent_id, \
     created = excluded.created, created_by = excluded.created_by, updated_by = excluded.updated_by";

/// Writes an account with [`PUT`].
pub(super) fn put(statement: &mut CachedStatement<'_>, it: &Account<'_>) -> Result<(), Error> {
    let employees: Option<i64> = if it.employees.is_empty() { None } else { Some(it.employees.parse()?) };
    statement.execute(params![
        it.id,
        it.updated,
        it.name,
        it.location,
        it.kind,
        it.status,
        it.phone,
        it.fax,
        it.website,
        it.street,
        it.city,
        it.state,
        it.postal_code,
        it.country,
        employees,
        it.revenue,
        it.currency,
        it.description,
        it.parent,
        it.created,
        it.created_by,
        it.updated_by
    ])?;
    Ok(())
}
