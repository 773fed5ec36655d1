//! The indexes of an object's table by which its links are found from the records that they point at.

use super::refusal::quote;
use rusqlite::Connection;
use sync_core::object::{Field, Object};
use sync_core::value::Kind;

/// Where a link points, as SQL: the id, however it was typed.
pub(super) fn target(field: &Field) -> String {
    format!("CAST({} AS INTEGER)", quote(&field.name))
}

/// Makes the indexes where they are missing. With the links that are null, which most may be, an index would be as large
/// as the table has records. Its condition is by [`target`] alone: so a query for targets need not read the table.
pub(super) fn see_to(connection: &Connection, object: &Object, table: &str) -> rusqlite::Result<()> {
    for field in object.local.iter().filter(|field| matches!(field.kind, Kind::Reference(_))) {
        let name = |kind: &str| quote(&format!("_sync_{kind}_{table}_{}", field.name));
        let (target, table) = (target(field), quote(table));
        // The first is what it was called when its condition was another.
        connection.execute_batch(&format!(
            "DROP INDEX IF EXISTS main.{}; CREATE INDEX IF NOT EXISTS main.{} ON {table}({target}) WHERE {target} IS NOT NULL",
            name("link"),
            name("target"),
        ))?;
    }
    Ok(())
}
