//! The file itself: only read, newer, damaged, locked.

use super::*;
use crate::ports::StoreError;

fn open_error(place: &Place, mode: Mode) -> StoreError {
    match SqliteStore::open(&place.path, mode) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn what_is_only_read_stays_as_it_is() {
    let (place, object) = (Place::new(), account());
    drop(place.with(&object));
    place.sql("INSERT INTO account(name) VALUES ('a')");
    let before = std::fs::read(&place.path).unwrap();
    let other = object_with("other", &[("name", Kind::Text(5))]);
    let mut store = SqliteStore::open(&place.path, Mode::ReadOnly).unwrap();
    for object in [&object, &other, &object, &other] {
        store.attach(object).unwrap();
    }
    assert_eq!(store.count(&object).unwrap(), 1);
    assert_eq!(store.count(&other).unwrap(), 0);
    assert_eq!(store.local_keys(&other, None).unwrap(), []);
    let error = store.commit(&object, vec![insert("R1", acme())]).unwrap_err();
    assert!(error.message.ends_with("it was opened for reading only"), "{error}");
    drop(store);
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_plan_reads_what_never_was_synchronized() {
    let (place, object) = (Place::new(), account());
    let columns = "revision INTEGER, modified_at TEXT, name TEXT, employees INTEGER, revenue TEXT";
    place.sql(&format!(
        "CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, {columns});
         INSERT INTO account(name) VALUES ('a')"
    ));
    let before = std::fs::read(&place.path).unwrap();
    let mut store = SqliteStore::open(&place.path, Mode::ReadOnly).unwrap();
    store.attach(&object).unwrap();
    assert_eq!(store.local_keys(&object, None).unwrap().len(), 1);
    assert!(store.pairs(&object.name, None).unwrap().is_empty());
    assert!(store.intents(&object).unwrap().is_empty() && store.conflicts().unwrap().is_empty());
    drop(store);
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_plan_makes_no_file() {
    let (place, object) = (Place::new(), account());
    let mut store = SqliteStore::open(&place.path, Mode::ReadOnly).unwrap();
    store.attach(&object).unwrap();
    assert_eq!(store.count(&object).unwrap(), 0);
    assert_eq!(store.pending(&object.name).unwrap(), (0, 0));
    assert!(store.object_states().unwrap().is_empty());
    drop(store);
    assert!(!place.path.exists());
}

#[test]
fn tables_of_a_newer_host_are_refused() {
    let place = Place::new();
    drop(place.with(&account()));
    place.sql("UPDATE _sync_meta SET value = 99 WHERE key = 'version'");
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let error = open_error(&place, mode);
        assert!(error.message.contains("version 99"), "{error}");
    }
}

#[test]
fn a_missing_folder_is_named() {
    let mut place = Place::new();
    place.path = place.path.with_file_name("nowhere").join("crm.db");
    let error = open_error(&place, Mode::ReadWrite);
    assert!(error.message.contains("folder"), "{error}");
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let place = Place::new();
    std::fs::write(&place.path, "name,employees\n".repeat(1000)).unwrap();
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let error = open_error(&place, mode);
        assert!(error.message.contains("crm.db: file is not a database"), "{error}");
        assert!(error.help.unwrap().contains("not a SQLite file"));
    }
}

#[test]
fn a_damaged_file_says_how_to_look_at_it() {
    let (place, object) = (Place::new(), account());
    drop(place.with(&object));
    place.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 20000) \
               INSERT INTO account(name) SELECT 'name ' || i FROM n",
    );
    place.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut bytes = std::fs::read(&place.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xAB);
    std::fs::write(&place.path, bytes).unwrap();
    let error = SqliteStore::open(&place.path, Mode::ReadWrite)
        .and_then(|mut store| store.attach(&object).and_then(|_| store.local_keys(&object, None)))
        .unwrap_err();
    assert!(error.message.contains("malformed"), "{error}");
    assert!(error.help.unwrap().contains("PRAGMA integrity_check"));
}

#[test]
fn what_the_log_holds_comes_into_the_file_while_the_store_is_open() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let length = || std::fs::metadata(&place.path).unwrap().len();
    let before = length();
    for batch in 0..10 {
        let name = |at| Value::Text(format!("{batch} {at} {}", "x".repeat(80)));
        let row = |at| vec![name(at), Value::Null, Value::Null];
        let changes = (0..2_500).map(|at| insert(&format!("{batch}-{at}"), row(at))).collect();
        store.commit(&object, changes).unwrap();
    }
    // Waits for the one who does it.
    store.log = None;
    assert!(length() > before + (2 << 20), "{} is not more than {before}", length());
    drop(store);
    assert_eq!(place.ask("SELECT count(*) FROM account"), "25000");
    assert!(!place.path.with_extension("db-wal").exists());
}

#[test]
fn a_file_that_may_not_be_written_is_said_to_be_so() {
    let (place, object) = (Place::new(), account());
    drop(place.with(&object));
    let mut permissions = std::fs::metadata(&place.path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&place.path, permissions).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&place.path).is_ok() {
        return; // This user may write to everything.
    }
    let error = open_error(&place, Mode::ReadWrite);
    assert!(error.help.unwrap().contains("writable"));
}

#[test]
fn every_usual_failure_has_its_help() {
    use rusqlite::ffi;
    for (code, help) in [
        (ffi::SQLITE_FULL, "the disk is full"),
        (ffi::SQLITE_READONLY, "must be writable"),
        (ffi::SQLITE_CANTOPEN, "exists"),
        (ffi::SQLITE_CORRUPT, "integrity_check"),
        (ffi::SQLITE_BUSY, "another program"),
        (ffi::SQLITE_NOTADB, "not a SQLite file"),
    ] {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("it broke".into()));
        let error = super::super::error::failed(std::path::Path::new("crm.db"), "read a record", error);
        assert_eq!(error.message, "failed to read a record in crm.db: it broke");
        assert!(error.help.as_deref().unwrap().contains(help), "{error:?}");
    }
}

#[test]
fn one_run_at_a_time() {
    let place = Place::new();
    let lock = RunLock::acquire(&place.path).unwrap();
    let error = RunLock::acquire(&place.path).unwrap_err();
    assert!(error.message.ends_with(&format!("by process {}", std::process::id())), "{error}");
    drop(lock);
    drop(RunLock::acquire(&place.path).unwrap());
    assert!(!place.path.exists());
}
