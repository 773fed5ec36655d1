//! The records of one object's table.

use super::columns::decode;
use super::error::{ignored, unwritable};
use super::pairs::{PairOf, local_key};
use super::pointers;
use super::refusal::quote;
use super::table::Attached;
use crate::ports::{LocalRecord, LocalStatus, Unfit};
use rusqlite::{Connection, OptionalExtension, Statement};
use sync_core::change_key::{LocalId, LocalKey, Revision};
use sync_core::object::{Field, Object};
use sync_core::value::{Row, Value};

/// A revision that no trigger wrote reads as one that nobody has.
const REVISION: &str = "IFNULL(CAST(\"revision\" AS INTEGER), 0)";

/// Change keys that one call of a listing answers with.
const SLICE: usize = 4096;

/// The statements on one table, built once.
pub(super) struct Statements {
    table: String,
    count: String,
    keys: String,
    record: String,
    pub(super) revision: String,
    pub(super) insert: String,
    delete: String,
    /// See [`Shape::or`](super::shape::Shape::or).
    or: &'static str,
}

impl Statements {
    /// The statements on the object's table; `or` is what its shape has.
    pub(super) fn new(object: &Object, or: &'static str) -> Statements {
        let table = quote(object.name.as_str());
        let columns: Vec<String> = object.local.iter().map(|field| quote(&field.name)).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let columns = columns.join(", ");
        Statements {
            count: format!("SELECT count(*) FROM {table}"),
            keys: format!(
                "SELECT \"id\", {REVISION} FROM {table} WHERE \"id\" > ?1 ORDER BY \"id\" LIMIT {SLICE}"
            ),
            record: format!("SELECT {REVISION}, {columns} FROM {table} WHERE \"id\" = ?1"),
            revision: format!("SELECT {REVISION} FROM {table} WHERE \"id\" = ?1"),
            insert: format!(
                "INSERT{or} INTO {table} ({columns}, \"revision\", \"modified_at\") \
                 VALUES ({marks}, ?, ?)"
            ),
            delete: format!("DELETE FROM {table} WHERE \"id\" = ?1"),
            table,
            or,
        }
    }

    /// Number of records, each one looked at.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let count: i64 = connection.prepare_cached(&self.count)?.query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Number of records, by what was touched since they were linked: those that are there and not linked come to the
    /// pairs, those that are linked and not there go.
    pub(super) fn derived_count(&self, connection: &Connection, object: i64) -> rusqlite::Result<u64> {
        let sql = format!(
            "SELECT linked + IFNULL((SELECT sum(EXISTS (SELECT 1 FROM {table} WHERE \"id\" = _sync_t.local_id) \
               - EXISTS (SELECT 1 FROM _sync_baseline AS b INDEXED BY _sync_baseline_local WHERE b.object = ?1 AND b.local_id = _sync_t.local_id)) \
               FROM _sync_touched AS _sync_t WHERE _sync_t.object = ?1), 0) \
             FROM _sync_object WHERE id = ?1",
            table = self.table
        );
        let count: Option<i64> =
            connection.prepare_cached(&sql)?.query_row([object], |row| row.get(0)).optional()?;
        Ok(count.unwrap_or(0).max(0).unsigned_abs())
    }

    /// The change keys that follow a record, ascending by id.
    pub(super) fn keys(
        &self,
        connection: &Connection,
        after: Option<LocalId>,
    ) -> rusqlite::Result<Vec<LocalKey>> {
        let after = after.map_or(i64::MIN, |id| id.0);
        connection.prepare_cached(&self.keys)?.query_map([after], local_key)?.collect()
    }

    /// The records of these ids; those that are gone are left out.
    pub(super) fn records(
        &self,
        connection: &Connection,
        object: &Object,
        ids: &[LocalId],
    ) -> rusqlite::Result<Vec<LocalRecord>> {
        let mut statement = connection.prepare_cached(&self.record)?;
        let mut records = Vec::with_capacity(ids.len());
        for &id in ids {
            let mut rows = statement.query([id.0])?;
            if let Some(row) = rows.next()? {
                let key = LocalKey { id, revision: Revision(row.get(0)?) };
                records.push(LocalRecord { key, row: read(row, &object.local)? });
            }
        }
        Ok(records)
    }

    /// One field of a record; `None` where the record is gone, or what is there does not fit the field.
    pub(super) fn value(
        &self,
        connection: &Connection,
        object: &Object,
        index: usize,
        id: LocalId,
    ) -> rusqlite::Result<Option<Value>> {
        let Some(field) = object.local.get(index) else { return Ok(None) };
        let sql = format!("SELECT {} FROM {} WHERE \"id\" = ?1", quote(&field.name), self.table);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(decode(index, field, row.get_ref(0)?).ok())
    }

    /// The records whose link in this field points at one of the targets, each with the target.
    pub(super) fn linking_to(
        &self,
        connection: &Connection,
        field: &Field,
        targets: &[LocalId],
    ) -> rusqlite::Result<Vec<(LocalId, LocalId)>> {
        let (table, link) = (&self.table, pointers::target(field));
        let sql =
            format!("SELECT \"id\", {link} FROM {table} WHERE {link} IN (SELECT value FROM json_each(?1))");
        let targets = serde_json::to_string(targets).map_err(unwritable)?;
        let link = |row: &rusqlite::Row<'_>| Ok((LocalId(row.get(0)?), LocalId(row.get(1)?)));
        connection.prepare_cached(&sql)?.query_map([targets], link)?.collect()
    }

    /// The records whose link in this field points at no record of the other table; some of them twice.
    pub(super) fn dangling(
        &self,
        connection: &Connection,
        field: &Field,
        target: &Attached,
    ) -> rusqlite::Result<Vec<LocalId>> {
        let (table, targets) = (&self.table, &target.sql.table);
        let link = format!("CAST(_sync_t.{} AS INTEGER)", quote(&field.name));
        let those = format!("SELECT \"id\" FROM {table} AS _sync_t WHERE {link}");
        let gone = format!("NOT IN (SELECT \"id\" FROM {targets})");
        let id = |row: &rusqlite::Row<'_>| row.get(0).map(LocalId);
        if !target.tells {
            let sql = format!("{those} IS NOT NULL AND {link} {gone}");
            return connection.prepare_cached(&sql)?.query_map([], id)?.collect();
        }
        // What has a pair is there, or else was touched: so nearly all is told without reading the other table.
        let sql = format!(
            "{those} IS NOT NULL AND CASE WHEN EXISTS \
               (SELECT 1 FROM _sync_baseline AS b INDEXED BY _sync_baseline_local WHERE b.object = ?1 AND b.local_id = {link}) \
               THEN 0 ELSE {link} {gone} END \
             UNION ALL {those} IN (SELECT local_id FROM _sync_touched WHERE object = ?1 AND local_id {gone})"
        );
        connection.prepare_cached(&sql)?.query_map([target.id], id)?.collect()
    }

    /// The record's revision, by the statement for it; `None` where it is gone.
    pub(super) fn revision(statement: &mut Statement<'_>, id: LocalId) -> rusqlite::Result<Option<Revision>> {
        statement.query_row([id.0], |row| row.get(0).map(Revision)).optional()
    }

    /// How these records stand, each with the pair that it has of this object.
    pub(super) fn local_statuses(
        &self,
        connection: &Connection,
        object: i64,
        ids: &[LocalId],
    ) -> rusqlite::Result<Vec<LocalStatus>> {
        let mut revision = connection.prepare_cached(&self.revision)?;
        let mut pair = PairOf::new(connection, object)?;
        let status = |&local: &LocalId| {
            let revision = Statements::revision(&mut revision, local)?;
            Ok(LocalStatus { local, revision, pair: pair.of(local)? })
        };
        ids.iter().map(status).collect()
    }

    /// The statement that writes these fields of a record, its revision and its time.
    pub(super) fn update(&self, object: &Object, fields: &[usize]) -> String {
        let columns: String = names(object, fields).map(|name| format!("{name} = ?, ")).collect();
        let Statements { table, or, .. } = self;
        format!("UPDATE{or} {table} SET {columns}\"revision\" = ?, \"modified_at\" = ? WHERE \"id\" = ?")
    }

    /// The query for a record's revision, and whether any of these fields, one at least, is filled.
    pub(super) fn filled(&self, object: &Object, fields: &[usize]) -> String {
        let any: Vec<String> = names(object, fields).map(|name| format!("{name} IS NOT NULL")).collect();
        format!("SELECT {REVISION}, {} FROM {} WHERE \"id\" = ?", any.join(" OR "), self.table)
    }

    /// Deletes a record, which is there.
    pub(super) fn delete(&self, connection: &Connection, id: LocalId) -> rusqlite::Result<()> {
        match connection.prepare_cached(&self.delete)?.execute([id.0])? {
            0 => Err(ignored()),
            _ => Ok(()),
        }
    }
}

/// The columns of these fields, quoted.
fn names<'a>(object: &'a Object, fields: &'a [usize]) -> impl Iterator<Item = String> + 'a {
    fields.iter().filter_map(|&index| object.local.get(index)).map(|field| quote(&field.name))
}

/// The fields stand after the revision, in the object's order.
fn read(row: &rusqlite::Row<'_>, fields: &[Field]) -> rusqlite::Result<Result<Row, Unfit>> {
    let (mut values, mut first) = (Vec::with_capacity(fields.len()), None::<Unfit>);
    for (index, field) in fields.iter().enumerate() {
        let value = decode(index, field, row.get_ref(index + 1)?).unwrap_or_else(|unfit| {
            match &mut first {
                Some(first) => first.found.extend(unfit.found),
                None => first = Some(unfit),
            }
            Value::Absent
        });
        values.push(value);
    }
    Ok(match first {
        Some(unfit) => Err(Unfit { rest: values, ..unfit }),
        None => Ok(values),
    })
}
