//! The indexes of an object's table by which its links are found from the records that they point at.

use super::refusal::quote;
use rusqlite::Connection;
use sync_core::object::{Field, Object};
use sync_core::value::Kind;

/// Where a link points, as SQL: the id, however it was typed.
pub(super) fn target(field: &Field) -> String {
    format!("CAST({} AS INTEGER)", quote(&field.name))
}

/// Makes the indexes where they are missing. A query by [`target`] also says that the column is not null: with the
/// nulls, which most links may be, an index would be as large as the table has records.
pub(super) fn see_to(connection: &Connection, object: &Object, table: &str) -> rusqlite::Result<()> {
    for field in object.local.iter().filter(|field| matches!(field.kind, Kind::Reference(_))) {
        let name = quote(&format!("_sync_link_{table}_{}", field.name));
        let (column, target, table) = (quote(&field.name), target(field), quote(table));
        connection.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS main.{name} ON {table}({target}) WHERE {column} IS NOT NULL"
        ))?;
    }
    Ok(())
}
