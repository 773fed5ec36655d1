//! The `_sync_` tables: made when missing, brought up to date when older, refused when newer.

use super::watch;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// What brings the tables from version *i* to *i* + 1. Never edited once released: a change is a
/// further entry.
pub(super) const MIGRATIONS: [&str; 5] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5];

/// The version that this host writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The tables are created in `main.`, by name, so that [`stand_in`] can put `temp.` in its place.
///
/// `_sync_baseline` repeats nothing: the object is a number, the names of the row's fields are kept
/// once in `_sync_fields`, and the row comes last so that listing the pairs does not read it where
/// it spills over. Its index is not unique: an id that comes back may be there twice for a while
/// (decision 14).
const VERSION_1: &str = r#"
CREATE TABLE main."_sync_meta"(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE main."_sync_counter"(one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
INSERT INTO main."_sync_counter" VALUES (1, 0);
CREATE TABLE main."_sync_object"(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  made TEXT, -- JSON: the columns that the host saw to; NULL for a table that was there before it
  mapping_version INTEGER, filter TEXT, last_run TEXT, last_outcome TEXT);
CREATE TABLE main."_sync_fields"(id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
CREATE TABLE main."_sync_baseline"(
  object INTEGER NOT NULL, local_id INTEGER NOT NULL,
  remote_id TEXT NOT NULL, revision INTEGER NOT NULL,
  updated TEXT NOT NULL, version TEXT, created TEXT,
  beyond_filter INTEGER NOT NULL, fields INTEGER NOT NULL, "row" TEXT NOT NULL,
  PRIMARY KEY (object, local_id)) WITHOUT ROWID;
CREATE INDEX main."_sync_baseline_remote" ON "_sync_baseline"(object, remote_id);
CREATE INDEX main."_sync_baseline_beyond" ON "_sync_baseline"(object, remote_id) WHERE beyond_filter;
CREATE TABLE main."_sync_journal"(
  object INTEGER NOT NULL, local_id INTEGER NOT NULL,
  operation TEXT NOT NULL, revision INTEGER NOT NULL, remote_id TEXT, updated TEXT, version TEXT,
  fields INTEGER NOT NULL, "row" TEXT NOT NULL,
  PRIMARY KEY (object, local_id)) WITHOUT ROWID;
CREATE TABLE main."_sync_issue"(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object TEXT NOT NULL, operation TEXT NOT NULL, local_id INTEGER, remote_id TEXT,
  code TEXT NOT NULL, message TEXT NOT NULL, attempts INTEGER NOT NULL, twins TEXT NOT NULL,
  first_run TEXT NOT NULL, last_run TEXT NOT NULL, dismissed INTEGER NOT NULL);
CREATE UNIQUE INDEX main."_sync_issue_record"
  ON "_sync_issue"(object, operation, IFNULL(local_id, ''), IFNULL(remote_id, ''));
CREATE TABLE main."_sync_conflict"(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object TEXT NOT NULL, kind TEXT NOT NULL, local_id INTEGER NOT NULL, remote_id TEXT NOT NULL,
  fields TEXT NOT NULL, since TEXT NOT NULL, last_run TEXT NOT NULL, choice TEXT,
  UNIQUE (object, local_id, remote_id));
CREATE TABLE main."_sync_run"(
  run TEXT PRIMARY KEY, started TEXT NOT NULL, ended TEXT, outcome TEXT, report TEXT);
"#;

/// Which server an object was last synchronized with and which objects its links pointed at then, and the images of
/// local records that runs overwrote or deleted: `_sync_undo` are the runs that have any, oldest first, so that
/// bounding them need not read the images.
const VERSION_2: &str = r#"
ALTER TABLE main."_sync_object" ADD COLUMN remote TEXT;
ALTER TABLE main."_sync_object" ADD COLUMN targets TEXT; -- JSON: objects, by name
CREATE TABLE main."_sync_undo"(
  id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, taken TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE main."_sync_image"(
  id INTEGER PRIMARY KEY,
  undo INTEGER NOT NULL, object TEXT NOT NULL, local_id INTEGER NOT NULL,
  revision INTEGER, -- as the run left the record; NULL where it deleted it
  changed TEXT NOT NULL, -- JSON: the columns that the run changed
  links TEXT NOT NULL, -- JSON: the columns that link, each with its object
  "row" TEXT NOT NULL, -- JSON: the whole row before the run, column by column
  UNIQUE (undo, object, local_id));
"#;

/// How far the remote's changes are known, and for how many runs the change feed was trusted.
const VERSION_3: &str = r#"
ALTER TABLE main."_sync_object" ADD COLUMN mark TEXT;
ALTER TABLE main."_sync_object" ADD COLUMN since_listed INTEGER NOT NULL DEFAULT 0;
"#;

/// The pairs apart from the rows that both sides agreed on, so that listing them reads little: by remote id, as remotes
/// list, and by local id with the revision. The index is not unique: an enter replaces, see `baseline`.
///
/// `_sync_touched` are the records that the next run looks at whatever the remote tells: triggers enter those that a
/// person touched, the host those whose pair is open. With it and the number of pairs a run need not list anything.
const VERSION_4: &str = r#"
ALTER TABLE main."_sync_counter" ADD COLUMN writing INTEGER NOT NULL DEFAULT 0; -- while the host writes
ALTER TABLE main."_sync_object" ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE main."_sync_object" ADD COLUMN deletes INTEGER NOT NULL DEFAULT 0; -- local records that ever went
ALTER TABLE main."_sync_object" ADD COLUMN deletes_seen INTEGER; -- of the objects linked to, see `ObjectState`
CREATE TABLE main."_sync_agreed"(
  object INTEGER NOT NULL, local_id INTEGER NOT NULL, fields INTEGER NOT NULL, "row" TEXT NOT NULL,
  PRIMARY KEY (object, local_id)) WITHOUT ROWID;
INSERT INTO "_sync_agreed" SELECT object, local_id, fields, "row" FROM "_sync_baseline";
CREATE TABLE main."_sync_beyond"(
  object INTEGER NOT NULL, local_id INTEGER NOT NULL, PRIMARY KEY (object, local_id)) WITHOUT ROWID;
INSERT INTO "_sync_beyond" SELECT object, local_id FROM "_sync_baseline" WHERE beyond_filter;
CREATE TABLE main."_sync_touched"(
  object INTEGER NOT NULL, local_id INTEGER NOT NULL, PRIMARY KEY (object, local_id)) WITHOUT ROWID;
DROP INDEX main."_sync_baseline_remote";
DROP INDEX main."_sync_baseline_beyond";
ALTER TABLE main."_sync_baseline" RENAME TO "_sync_baseline_3";
CREATE TABLE main."_sync_baseline"(
  object INTEGER NOT NULL, remote_id TEXT NOT NULL, local_id INTEGER NOT NULL, revision INTEGER NOT NULL,
  updated TEXT NOT NULL, version TEXT, created TEXT,
  PRIMARY KEY (object, remote_id, local_id)) WITHOUT ROWID;
CREATE INDEX main."_sync_baseline_local" ON "_sync_baseline"(object, local_id, revision);
INSERT INTO "_sync_baseline" SELECT object, remote_id, local_id, revision, updated, version, created
  FROM "_sync_baseline_3" ORDER BY object, remote_id, local_id;
DROP TABLE main."_sync_baseline_3";
UPDATE "_sync_object" SET linked = (SELECT count(*) FROM "_sync_baseline" WHERE object = id);
"#;

/// Links that could not be made, by what they point at: see `unmade`.
const VERSION_5: &str = r#"
CREATE TABLE main."_sync_unmade"(
  target INTEGER NOT NULL, missing TEXT NOT NULL, object INTEGER NOT NULL, remote_id TEXT NOT NULL,
  PRIMARY KEY (target, missing, object, remote_id)) WITHOUT ROWID;
"#;

/// Makes the tables, or brings them up to date, in one transaction. Tables of a newer host are left
/// alone; the answer is the version found in the end.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    // Looked at first without a lock: nearly always there is nothing to do.
    let found = version(connection)?;
    if found >= VERSION {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (found, definitions) = (version(&transaction)?, watch::definitions(&transaction)?);
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    let remember = "INSERT INTO _sync_meta(key, value) VALUES ('version', max(?1, ?2)) \
                    ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    transaction.execute(remember, [VERSION, found])?;
    watch::go_on(&transaction, definitions)?;
    transaction.commit()?;
    Ok(VERSION.max(found))
}

/// Gives a store that is only read the tables that it lacks, in memory, and answers the version found.
///
/// Where the file's tables are older, a copy of them is made and brought up to date by the same statements that
/// would bring the file up to date: unqualified names then mean the copy, and the file stays as it is. The
/// objects' own tables are no part of this and are read in place.
pub(super) fn stand_in(connection: &Connection) -> rusqlite::Result<i64> {
    // One transaction, so that a run which migrates the file meanwhile is seen wholly or not at all.
    let transaction = connection.unchecked_transaction()?;
    let found = version(&transaction)?;
    if found < VERSION {
        let (theirs, newer) = MIGRATIONS.split_at(usize::try_from(found).unwrap_or(0));
        let make = |migration: &&str| transaction.execute_batch(&migration.replace("main.", "temp."));
        theirs.iter().try_for_each(make)?;
        for table in tables_in_memory(&transaction)? {
            transaction.execute_batch(&format!(
                "DELETE FROM temp.{table}; INSERT INTO temp.{table} SELECT * FROM main.{table}"
            ))?;
        }
        newer.iter().try_for_each(make)?;
    }
    transaction.commit()?;
    Ok(found)
}

fn tables_in_memory(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let listed =
        "SELECT name FROM temp.sqlite_schema WHERE type = 'table' AND name LIKE '\\_sync\\_%' ESCAPE '\\'";
    connection.prepare(listed)?.query_map([], |row| row.get(0))?.collect()
}

/// The version of the tables in the file; 0 where there are none.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let there = "SELECT 1 FROM main.sqlite_schema WHERE name = '_sync_meta'";
    if connection.query_row(there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let version = "SELECT value FROM main._sync_meta WHERE key = 'version'";
    Ok(connection.query_row(version, [], |row| row.get(0)).optional()?.unwrap_or(0))
}
