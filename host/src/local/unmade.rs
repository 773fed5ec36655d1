//! Links that could not be made, because the record that they point at did not exist: null here, and still there on the
//! remote (decision 12). Where that record comes (back), those that link to it are looked at again.

use crate::ports::Unmade;
use rusqlite::Connection;
use sync_core::change_key::RemoteId;

/// Remembers that a record of the object links to one of the target that is not there.
pub(super) fn note(
    connection: &Connection,
    object: i64,
    target: i64,
    Unmade { record, missing, .. }: &Unmade,
) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR IGNORE INTO _sync_unmade(target, missing, object, remote_id) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute((target, &missing.0, object, &record.0)).map(|_| ())
}

/// Whether there are any to records of this object.
pub(super) fn has_any(connection: &Connection, target: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM _sync_unmade WHERE target = ?1)";
    connection.prepare_cached(sql)?.query_row([target], |row| row.get(0))
}

/// The record is there now: the next run looks at those that link to it. What was noted of records that have gone, or
/// link elsewhere by now, does no harm: their content tells.
pub(super) fn look_again(connection: &Connection, target: i64, missing: &RemoteId) -> rusqlite::Result<()> {
    let linking = "(SELECT object, remote_id FROM _sync_unmade WHERE target = ?1 AND missing = ?2)";
    let statements = [
        format!(
            "INSERT OR IGNORE INTO _sync_touched(object, local_id) \
             SELECT object, local_id FROM _sync_baseline WHERE (object, remote_id) IN {linking}"
        ),
        format!(
            "UPDATE _sync_baseline SET updated = '', version = NULL WHERE (object, remote_id) IN {linking}"
        ),
        "DELETE FROM _sync_unmade WHERE target = ?1 AND missing = ?2".to_owned(),
    ];
    for sql in statements {
        connection.prepare_cached(&sql)?.execute((target, &missing.0))?;
    }
    Ok(())
}
