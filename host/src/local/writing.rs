//! Writes the records of one object's table, inside a transaction that the caller opened.
//!
//! The triggers count these writes like anybody's, and the revision that they leave enters the baseline. They find that
//! all of it is done already: so where only the host has triggers, its writes pass them by.

use super::columns::encode;
use super::error::ignored;
use super::records::Statements;
use super::table::Attached;
use super::watch::{self, NOW, PassBy};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params_from_iter};
use sync_core::change_key::{LocalId, Revision};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// What the records of one transaction are written with.
struct Stamp {
    /// Their revision.
    revision: Revision,
    now: String,
}

impl Stamp {
    fn values(&self) -> [ToSqlOutput<'_>; 2] {
        let values = [ValueRef::Integer(self.revision.0), ValueRef::Text(self.now.as_bytes())];
        values.map(ToSqlOutput::Borrowed)
    }
}

/// The statements on some fields of a record.
struct Fields<'a> {
    these: Vec<usize>,
    update: CachedStatement<'a>,
    filled: CachedStatement<'a>,
}

impl<'a> Fields<'a> {
    /// Those of the last write, where it was of the same fields.
    fn of<'s>(
        last: &'s mut Option<Fields<'a>>,
        connection: &'a Connection,
        object: &Object,
        sql: &Statements,
        these: Vec<usize>,
    ) -> rusqlite::Result<&'s mut Fields<'a>> {
        if last.as_ref().is_none_or(|last| last.these != these) {
            let update = connection.prepare_cached(&sql.update(object, &these))?;
            let filled = connection.prepare_cached(&sql.filled(object, &these))?;
            *last = Some(Fields { these, update, filled });
        }
        last.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }
}

/// The fields that are written, and their values: those that are not absent.
fn written<'v>(fields: impl Iterator<Item = (usize, &'v Value)>) -> (Vec<usize>, Vec<&'v Value>) {
    fields.filter(|(_, value)| **value != Value::Absent).unzip()
}

/// Writes records.
pub(super) struct Writing<'a> {
    connection: &'a Connection,
    object: &'a Object,
    attached: &'a Attached,
    pass_by: &'a mut PassBy,
    // What is executed for every record, or almost: looking a statement up takes as long as many of them.
    insert: CachedStatement<'a>,
    revision: CachedStatement<'a>,
    /// The statements of the last write of fields.
    fields: Option<Fields<'a>>,
    /// `None` as long as no record is written.
    stamp: Option<Stamp>,
    /// Whether no trigger sees what is written.
    unseen: bool,
    /// Records that went without a trigger that counts them.
    pub(super) gone: i64,
}

impl<'a> Writing<'a> {
    /// For one transaction.
    pub(super) fn new(
        connection: &'a Connection,
        object: &'a Object,
        attached: &'a Attached,
        pass_by: &'a mut PassBy,
    ) -> rusqlite::Result<Writing<'a>> {
        Ok(Writing {
            connection,
            object,
            attached,
            pass_by,
            insert: connection.prepare_cached(&attached.sql.insert)?,
            revision: connection.prepare_cached(&attached.sql.revision)?,
            fields: None,
            stamp: None,
            unseen: false,
            gone: 0,
        })
    }

    /// Begins. Where `records` are written, makes the revision that they have from here on: all of a transaction have
    /// one, for which the table's triggers need not write them again.
    pub(super) fn begin(&mut self, records: bool) -> rusqlite::Result<()> {
        self.gone = 0;
        self.unseen = self.pass_by.look(self.connection)?;
        if records {
            let sql = format!(
                "UPDATE _sync_counter SET revision = revision + 1, writing = revision + 1 RETURNING revision, {NOW}"
            );
            let stamp =
                |row: &rusqlite::Row<'_>| Ok(Stamp { revision: Revision(row.get(0)?), now: row.get(1)? });
            self.stamp = Some(self.connection.prepare_cached(&sql)?.query_row([], stamp)?);
        }
        Ok(())
    }

    /// Ends: tells the triggers that the host writes no more. Nobody else sees that it began: it is the same
    /// transaction.
    pub(super) fn end(&mut self) -> rusqlite::Result<()> {
        if self.stamp.take().is_some() {
            self.connection.prepare_cached("UPDATE _sync_counter SET writing = 0")?.execute([])?;
        }
        match self.gone {
            0 => Ok(()),
            gone => watch::count_deletes(self.connection, self.attached.id, gone),
        }
    }

    /// The record's revision; `None` where it is gone.
    pub(super) fn revision(&mut self, local: LocalId) -> rusqlite::Result<Option<Revision>> {
        Statements::revision(&mut self.revision, local)
    }

    /// The same, and whether any of the fields is filled.
    pub(super) fn filled(
        &mut self,
        local: LocalId,
        fields: &[(usize, Value)],
    ) -> rusqlite::Result<Option<(Revision, bool)>> {
        let these = written(fields.iter().map(|(index, value)| (*index, value))).0;
        if these.is_empty() {
            return Ok(self.revision(local)?.map(|revision| (revision, false)));
        }
        let fields = Fields::of(&mut self.fields, self.connection, self.object, &self.attached.sql, these)?;
        fields.filled.query_row([local.0], |row| Ok((Revision(row.get(0)?), row.get(1)?))).optional()
    }

    /// Inserts a record. Its id, and the revision that it has then: another than [`Writing::stamped`], or none, is the
    /// work of a trigger that a person made.
    pub(super) fn insert(&mut self, row: &Row) -> rusqlite::Result<(LocalId, Option<Revision>)> {
        let stamp = self.stamp.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        if self.insert.execute(params_from_iter(row.iter().map(encode).chain(stamp.values())))? == 0 {
            return Err(ignored());
        }
        let local = LocalId(self.connection.last_insert_rowid());
        Ok((local, self.left(local)?))
    }

    /// The revision that records are written with.
    pub(super) fn stamped(&self) -> Revision {
        self.stamp.as_ref().map_or(Revision::UNSETTLED, |stamp| stamp.revision)
    }

    /// Writes fields of a record that is there, but for those that are absent. The revision that it has then.
    pub(super) fn overwrite<'v>(
        &mut self,
        local: LocalId,
        fields: impl Iterator<Item = (usize, &'v Value)>,
    ) -> rusqlite::Result<Option<Revision>> {
        let (these, values) = written(fields);
        if these.is_empty() {
            return self.revision(local);
        }
        let stamp = self.stamp.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        let fields = Fields::of(&mut self.fields, self.connection, self.object, &self.attached.sql, these)?;
        let id = ToSqlOutput::Borrowed(ValueRef::Integer(local.0));
        let values = values.into_iter().map(encode).chain(stamp.values()).chain([id]);
        if fields.update.execute(params_from_iter(values))? == 0 {
            return Err(ignored());
        }
        self.left(local)
    }

    /// Deletes a record that is there; answers whether it is there again, by a trigger that a person made.
    pub(super) fn delete(&mut self, local: LocalId) -> rusqlite::Result<bool> {
        self.attached.sql.delete(self.connection, local)?;
        if self.unseen {
            self.gone += 1;
            return Ok(false);
        }
        Ok(self.revision(local)?.is_some())
    }

    /// The revision in which a write of ours left the record.
    fn left(&mut self, local: LocalId) -> rusqlite::Result<Option<Revision>> {
        if self.unseen { Ok(Some(self.stamped())) } else { self.revision(local) }
    }
}
