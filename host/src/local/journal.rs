//! The journal: remote writes that were begun and whose fate is not known yet (decision 15).

use super::baseline::Layouts;
use super::error::{unreadable, unwritable};
use super::json::encode_row;
use crate::ports::Intent;
use rusqlite::{CachedStatement, Connection};
use std::sync::Arc;
use sync_core::change_key::{LocalId, RemoteId, RemoteToken, Revision};
use sync_core::object::Object;
use sync_core::operation::Operation;

/// The statements that enter writes and drop them.
pub(super) struct Journal<'c> {
    intend: CachedStatement<'c>,
    settled: CachedStatement<'c>,
}

impl<'c> Journal<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Journal<'c>> {
        let intend = "INSERT OR REPLACE INTO _sync_journal(object, local_id, operation, revision, remote_id, \
                      updated, version, fields, \"row\") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let settled = "DELETE FROM _sync_journal WHERE object = ?1 AND local_id = ?2";
        Ok(Journal {
            intend: connection.prepare_cached(intend)?,
            settled: connection.prepare_cached(settled)?,
        })
    }

    /// Enters a write before it is sent. A record has one at a time: its next write is begun only when the fate of the
    /// last is known.
    pub(super) fn intend(&mut self, (object, fields): (i64, i64), intent: &Intent) -> rusqlite::Result<()> {
        let expected = intent.expected.as_ref();
        self.intend.execute((
            object,
            intent.local.0,
            intent.operation.name(),
            intent.revision.0,
            intent.remote.as_ref().map(|id| &id.0),
            expected.map(|token| &token.updated),
            expected.and_then(|token| token.version.as_ref()),
            fields,
            encode_row(&intent.row).map_err(unwritable)?,
        ))?;
        Ok(())
    }

    /// Drops the entry of a write whose fate is known.
    pub(super) fn settled(&mut self, object: i64, local: LocalId) -> rusqlite::Result<()> {
        self.settled.execute((object, local.0)).map(|_| ())
    }
}

/// What is left of earlier runs, ascending by local id.
pub(super) fn intents(
    connection: &Connection,
    object: &Object,
    number: i64,
) -> rusqlite::Result<Vec<Intent>> {
    let sql = "SELECT local_id, operation, revision, remote_id, updated, version, fields, \"row\" \
               FROM _sync_journal WHERE object = ?1 ORDER BY local_id";
    let mut layouts = Layouts::new(connection, object);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([number])?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        let operation: String = row.get(1)?;
        let updated: Option<String> = row.get(4)?;
        let version = row.get(5)?;
        intents.push(Intent {
            operation: Operation::from_name(&operation)
                .ok_or_else(|| unreadable(format!("unknown operation {operation}")))?,
            local: LocalId(row.get(0)?),
            revision: Revision(row.get(2)?),
            remote: row.get::<_, Option<String>>(3)?.map(RemoteId),
            expected: updated.map(|updated| RemoteToken { updated, version }),
            row: Arc::new(layouts.decode(row.get(6)?, row.get_ref(7)?.as_str()?)?),
        });
    }
    Ok(intents)
}
