//! A row as it stands in the file, column by column, and its form as JSON, which reads back to exactly that row.

use super::error::{unreadable, unwritable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::Row;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

/// A row by column name.
pub(super) type Cells = Map<String, Json>;

/// Reads all columns of a row.
pub(super) fn cells(row: &Row<'_>) -> rusqlite::Result<Cells> {
    serde_json::from_str(&written(row, 0)?).map_err(unreadable)
}

/// All columns of a row from one on, as JSON.
pub(super) fn written(row: &Row<'_>, first: usize) -> rusqlite::Result<String> {
    let statement = row.as_ref();
    let cell = |index| Ok((statement.column_name(index)?, Form(row.get_ref(index)?)));
    let cells: Vec<(&str, Form<'_>)> =
        (first..statement.column_count()).map(cell).collect::<rusqlite::Result<_>>()?;
    let mut json = Vec::new();
    serde_json::Serializer::new(&mut json).collect_map(cells).map_err(unwritable)?;
    String::from_utf8(json).map_err(unwritable)
}

/// A name's value in a row; SQLite's names ignore case.
pub(super) fn cell<'a>(cells: &'a Cells, column: &str) -> Option<&'a Json> {
    cells.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, value)| value)
}

/// What JSON has no exact form of is an object of one entry that names its type.
struct Form<'a>(ValueRef<'a>);

impl Serialize for Form<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, text) = match self.0 {
            ValueRef::Null => return serializer.serialize_unit(),
            ValueRef::Integer(number) => return serializer.serialize_i64(number),
            // As text, since JSON knows no infinity, and Rust writes what reads back to the same number.
            ValueRef::Real(number) => ("real", number.to_string()),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => return serializer.serialize_str(text),
                Err(_) => ("text", BASE64.encode(bytes)),
            },
            ValueRef::Blob(bytes) => ("blob", BASE64.encode(bytes)),
        };
        serializer.collect_map([(kind, text)])
    }
}

/// A value to be written as it was.
pub(super) enum Cell {
    /// As SQLite keeps it.
    Plain(Sql),
    /// Text that is not UTF-8.
    Text(Vec<u8>),
}

impl Cell {
    /// Reads a value that [`cells`] wrote.
    pub(super) fn of(json: &Json) -> rusqlite::Result<Cell> {
        let plain = match json {
            Json::Null => Some(Sql::Null),
            Json::Number(number) => number.as_i64().map(Sql::Integer),
            Json::String(text) => Some(Sql::Text(text.clone())),
            Json::Object(coded) => match coded.iter().next().map(|(name, value)| (name.as_str(), value)) {
                Some(("real", Json::String(text))) => text.parse().ok().map(Sql::Real),
                Some(("blob", Json::String(text))) => BASE64.decode(text).ok().map(Sql::Blob),
                Some(("text", Json::String(text))) => match BASE64.decode(text) {
                    Ok(bytes) => return Ok(Cell::Text(bytes)),
                    Err(_) => None,
                },
                _ => None,
            },
            Json::Bool(_) | Json::Array(_) => None,
        };
        plain.map(Cell::Plain).ok_or_else(|| unreadable("an image holds a value that no column has"))
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Plain(value) => value.into(),
            Cell::Text(bytes) => ValueRef::Text(bytes),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, cells};
    use rusqlite::{Connection, params_from_iter};

    #[test]
    fn every_value_comes_back_as_it_was() {
        let connection = Connection::open_in_memory().unwrap();
        let columns = "9223372036854775807, -9007199254740993, 0.1, 1e300, 9e999, -0.0, 5.0, NULL, 'ü \"', '5', \
                       x'00ff', CAST(x'41ff' AS TEXT), 'a' || char(0) || 'b', ''";
        connection.execute_batch(&format!("CREATE TABLE before AS SELECT {columns}")).unwrap();
        let image = connection.query_row("SELECT * FROM before", [], cells).unwrap();

        let names: Vec<String> =
            image.keys().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
        let names = names.join(", ");
        let values: Vec<Cell> = image.values().map(|value| Cell::of(value).unwrap()).collect();
        let marks = vec!["?"; values.len()].join(", ");
        connection.execute_batch("CREATE TABLE after AS SELECT * FROM before WHERE FALSE").unwrap();
        let insert = format!("INSERT INTO after({names}) VALUES ({marks})");
        connection.execute(&insert, params_from_iter(&values)).unwrap();
        // Types and bytes, which a comparison by value would blur.
        let all = |table: &str| -> Vec<String> {
            let row = connection.query_row(&format!("SELECT * FROM {table}"), [], |row| {
                (0..14).map(|index| row.get_ref(index).map(|value| format!("{value:?}"))).collect()
            });
            row.unwrap()
        };
        assert_eq!(all("after"), all("before"));
    }
}
