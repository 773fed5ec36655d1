//! The triggers that watch an object's table, whatever tool edits it: they keep `revision` and `modified_at`, and enter
//! what was touched.

use super::refusal::quote;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

/// The time, as `modified_at` has it.
pub(super) const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// SQLite's number of the file's definitions, which grows with each that anybody makes, changes or drops.
pub(super) fn definitions(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA main.schema_version")?.query_row([], |row| row.get(0))
}

/// Enters that all that was made since the definitions had this number is our own: the tables that were watched then
/// still are.
pub(super) fn go_on(connection: &Connection, since: i64) -> rusqlite::Result<()> {
    let all = "UPDATE _sync_meta SET value = ?2 WHERE key LIKE 'watched:%' AND value = ?1 AND ?1 <> ?2";
    connection.execute(all, [since, definitions(connection)?]).map(|_| ())
}

/// Sees to the triggers of a table in whose transaction the definitions had this number at first.
///
/// Where one is missing, or may have been for a while, edits may have gone unseen: every row gets a new revision, so that
/// its content decides (decision 2), and every record counts as touched. And the table may be another one than before, so
/// ids continue after the last that was ever paired: they never come back.
pub(super) fn see_to(
    connection: &Connection,
    object: i64,
    table: &str,
    definitions: i64,
) -> rusqlite::Result<()> {
    if is_watched(connection, object, table, definitions)? {
        return Ok(());
    }
    // What is made within the transaction is our own: see `go_on`.
    let watched = "INSERT INTO _sync_meta(key, value) VALUES ('watched:' || ?1, ?2) \
                   ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    connection.execute(watched, [object, definitions])?;
    let triggers = triggers(object, table);
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS main.{}", quote(name)))?;
    }
    let quoted = quote(table);
    connection.execute_batch(&format!(
        "UPDATE _sync_counter SET revision = 1 + max(revision, \
           (SELECT IFNULL(max(CAST(\"revision\" AS INTEGER)), 0) FROM {quoted}));
         UPDATE {quoted} SET \"revision\" = (SELECT revision FROM _sync_counter), \
           \"modified_at\" = IFNULL(\"modified_at\", {NOW});
         INSERT OR IGNORE INTO _sync_touched(object, local_id) SELECT {object}, \"id\" FROM {quoted};
         INSERT OR IGNORE INTO _sync_touched(object, local_id) \
           SELECT object, local_id FROM _sync_baseline WHERE object = {object};
         UPDATE _sync_object SET deletes = deletes + 1 WHERE id = {object};"
    ))?;
    let sequence = "INSERT INTO sqlite_sequence(name, seq) SELECT ?1, 0 \
                    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)";
    connection.execute(sequence, [table])?;
    let paired = "UPDATE sqlite_sequence SET seq = max(seq, \
                  IFNULL((SELECT max(local_id) FROM _sync_baseline WHERE object = ?2), 0), \
                  IFNULL((SELECT max(local_id) FROM _sync_journal WHERE object = ?2), 0)) WHERE name = ?1";
    connection.execute(paired, (table, object))?;
    triggers.iter().try_for_each(|(_, sql)| connection.execute_batch(sql))
}

/// Whether all triggers are there, and as this host makes them; and were, ever since it saw to them. Nobody can have
/// taken them away and put them back where the definitions have the number that they had then.
pub(super) fn is_watched(
    connection: &Connection,
    object: i64,
    table: &str,
    definitions: i64,
) -> rusqlite::Result<bool> {
    let since = "SELECT 1 FROM _sync_meta WHERE key = 'watched:' || ?1 AND value = ?2";
    if connection.prepare_cached(since)?.query_row([object, definitions], |_| Ok(())).optional()?.is_none() {
        return Ok(false);
    }
    let there = "SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?1 AND sql = ?2";
    for (name, sql) in triggers(object, table) {
        if connection.prepare_cached(there)?.query_row([name, sql], |_| Ok(())).optional()?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the triggers see every record go. `INSERT OR REPLACE` deletes those that it replaces behind their back; where
/// ids alone are unique, that is the record which it inserts.
pub(super) fn tells(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let unique = "SELECT NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE \"unique\")";
    connection.prepare_cached(unique)?.query_row([table], |row| row.get(0))
}

/// Whether the host's writes pass the triggers by, as far as the tables' definitions are known.
///
/// Its own triggers would find that all they see to is done: running them takes longer than the write. Those of a person
/// must run, so as soon as there is one, all do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PassBy {
    /// The number of the definitions that were looked at.
    definitions: Option<i64>,
    passes: bool,
}

impl PassBy {
    /// Looks, within a transaction, and sets the connection accordingly.
    pub(super) fn look(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let definitions = definitions(connection)?;
        if self.definitions != Some(definitions) {
            let theirs = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema \
                          WHERE type = 'trigger' AND name NOT LIKE '\\_sync\\_%' ESCAPE '\\')";
            let theirs: bool = connection.query_row(theirs, [], |row| row.get(0))?;
            set_triggers(connection, theirs)?;
            *self = PassBy { definitions: Some(definitions), passes: !theirs };
        }
        Ok(self.passes)
    }

    /// From here on the triggers see everything.
    pub(super) fn end(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        *self = PassBy::default();
        set_triggers(connection, true)
    }
}

/// Statements that were prepared are prepared anew for it, so it is not done for a single write.
fn set_triggers(connection: &Connection, run: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, run).map(|_| ())
}

/// Enters that so many records went.
pub(super) fn count_deletes(connection: &Connection, object: i64, more: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE _sync_object SET deletes = deletes + ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute((object, more)).map(|_| ())
}

/// The triggers with their names.
///
/// The write inside a trigger is itself an update. It gives the row the counter's value, which is another than the row
/// had, while the counter's `writing` is -1: by that the second trigger knows it, so they end with `recursive_triggers`
/// on or off. A revision that somebody sets by hand, whatever it is, is replaced. The host's own writes set a revision
/// themselves, which is `writing` as long as they go on ([`super::writing`]): that saves the second write of the row. It
/// enters what it touches itself, too, so that these triggers may as well not run ([`PassBy`]).
///
/// What conflict clause the editing statement has is that of the statements in here, so these meet no conflict.
fn triggers(object: i64, table: &str) -> [(String, String); 3] {
    let trigger = |event: &str, guard: &str, body: &str| {
        let name = format!("_sync_{event}_{table}");
        let sql = format!(
            "CREATE TRIGGER {} AFTER {event} ON {table}{guard} BEGIN\n{body}\nEND",
            quote(&name),
            event = event.to_ascii_uppercase(),
            table = quote(table),
        );
        (name, sql)
    };
    let revise = format!(
        "  UPDATE _sync_counter SET revision = revision + 1, writing = writing - (writing = 0);
  UPDATE {table} SET \"revision\" = (SELECT revision FROM _sync_counter), \"modified_at\" = {NOW}
    WHERE \"id\" = NEW.\"id\";
  UPDATE _sync_counter SET writing = 0 WHERE writing < 0;",
        table = quote(table),
    );
    let touch = |row: &str| {
        format!(
            "  INSERT INTO _sync_touched(object, local_id) SELECT {object}, {row}.\"id\" WHERE NOT EXISTS
    (SELECT 1 FROM _sync_touched WHERE object = {object} AND local_id = {row}.\"id\");"
        )
    };
    let ours =
        "EXISTS (SELECT 1 FROM _sync_counter WHERE writing AND NEW.\"revision\" IN (writing, revision))";
    let new = format!(" WHEN NOT {ours}");
    let edited = format!(" WHEN NEW.\"revision\" IS OLD.\"revision\" OR NOT {ours}");
    let gone = format!("  UPDATE _sync_object SET deletes = deletes + 1 WHERE id = {object};");
    [
        trigger("insert", &new, &[revise.as_str(), &touch("NEW")].join("\n")),
        trigger("update", &edited, &[revise.as_str(), &touch("OLD"), &touch("NEW")].join("\n")),
        trigger("delete", "", &[touch("OLD"), gone].join("\n")),
    ]
}
