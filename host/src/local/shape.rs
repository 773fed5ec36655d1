//! What stands in the file under an object's name.

use super::columns::declared_type;
use rusqlite::{Connection, OptionalExtension};
use sync_core::value::Kind;

/// What an object's name stands for in the file.
pub(super) enum Found {
    /// Nothing yet.
    Nothing,
    /// A table.
    Table(Shape),
    /// A view or a virtual table: the word for it.
    Other(&'static str),
}

/// A table as it is.
pub(super) struct Shape {
    /// The name as it was created, which may differ in case.
    pub(super) name: String,
    /// Its columns, in order.
    pub(super) columns: Vec<Column>,
    /// Whether `id` is `INTEGER PRIMARY KEY AUTOINCREMENT`.
    pub(super) keeps_ids: bool,
    /// The statements of the indexes and triggers that are not the store's.
    pub(super) dependents: Vec<String>,
    /// How the host's statements say that they replace no other record.
    pub(super) or: &'static str,
}

/// A column as it is.
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its declared type.
    pub(super) declared: String,
    /// Its default, as an expression.
    pub(super) default: Option<String>,
    /// Whether it refuses null.
    pub(super) not_null: bool,
    /// Whether it is computed from others, and so cannot be written.
    pub(super) generated: bool,
}

/// What a declared type does to the values of its column, by SQLite's own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    /// Keeps everything as it comes.
    None,
    Real,
    Numeric,
}

impl Column {
    /// The affinity of the declared type.
    pub(super) fn affinity(&self) -> Affinity {
        let declared = self.declared.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        if has(&["INT"]) {
            Affinity::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Affinity::Text
        } else if declared.is_empty() || has(&["BLOB"]) {
            Affinity::None
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }

    /// Whether values of the kind come out of the column as they went in: a number-like text loses
    /// its zeros in a numeric column, and a decimal its last digits.
    pub(super) fn holds(&self, kind: &Kind) -> bool {
        use Affinity::{Integer, None, Numeric, Text};
        let fits: &[Affinity] = match kind {
            Kind::Bytes => return !self.generated,
            Kind::Boolean | Kind::Integer | Kind::Reference(_) => &[Integer, Numeric, None],
            Kind::Text(_) | Kind::Decimal(_) => &[Text, None],
            // Never like a number, so that `DATE` and `JSON`, which are numeric to SQLite, will do.
            Kind::Date | Kind::Timestamp | Kind::Choices => &[Text, Numeric, None],
        };
        !self.generated && fits.contains(&self.affinity())
    }
}

/// Whether a column that was made for one kind holds values of another as they are; if not, a run refuses the table.
pub fn column_keeps(made_for: &Kind, kind: &Kind) -> bool {
    let (name, declared) = (String::new(), declared_type(made_for).to_owned());
    Column { name, declared, default: None, not_null: false, generated: false }.holds(kind)
}

impl Shape {
    /// The column of that name; SQLite's names ignore case.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// Looks at what the file has under the name.
pub(super) fn look(connection: &Connection, name: &str) -> rusqlite::Result<Found> {
    let listed =
        "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE";
    let named = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let Some((name, kind)) = connection.query_row(listed, [name], named).optional()? else {
        return Ok(Found::Nothing);
    };
    match kind.as_str() {
        "view" => return Ok(Found::Other("view")),
        "table" => {}
        _ => return Ok(Found::Other("virtual table")),
    }
    let columns = columns(connection, &name)?;
    let has_id = columns.iter().any(|column| column.name.eq_ignore_ascii_case("id"));
    let keeps_ids = has_id && connection.column_metadata(Some("main"), name.as_str(), "id")?.4;
    let dependents = "SELECT sql FROM main.sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE \
                      AND type IN ('index', 'trigger') AND sql IS NOT NULL \
                      AND name NOT LIKE '\\_sync\\_%' ESCAPE '\\'";
    let dependents =
        connection.prepare(dependents)?.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let or = if replaces(connection, &name)? { " OR ABORT" } else { "" };
    Ok(Found::Table(Shape { name, columns, keeps_ids, dependents, or }))
}

/// Whether a UNIQUE of the table may delete other records for the one that is written (`ON CONFLICT REPLACE`). A clause of
/// the statement goes before it, but also before those of the statements in a person's triggers: so only then it is said.
fn replaces(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin <> 'c') \
               AND EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 \
               AND sql LIKE '%CONFLICT%REPLACE%')";
    connection.query_row(sql, [table], |row| row.get(0))
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    let info = "SELECT name, type, dflt_value, \"notnull\", hidden FROM pragma_table_xinfo(?1, 'main')";
    let column = |row: &rusqlite::Row<'_>| {
        Ok(Column {
            name: row.get(0)?,
            declared: row.get(1)?,
            default: row.get(2)?,
            not_null: row.get(3)?,
            generated: row.get::<_, i64>(4)? != 0,
        })
    };
    connection.prepare(info)?.query_map([table], column)?.collect()
}
