//! Tables that were there before the store, and tables that outlived a descriptor.

use super::*;
use crate::ports::StoreError;

fn refused(place: &Place, object: &Object) -> StoreError {
    // Of a table that can be read, the rest of the run is not kept.
    let error = |mut store: SqliteStore| match store.attach(object) {
        Ok(state) => {
            store.local_keys(object, None).unwrap();
            state.refused.unwrap()
        }
        Err(error) => error,
    };
    // What is only read is refused alike.
    let only_read = error(SqliteStore::open(&place.path, Mode::ReadOnly).unwrap());
    let error = error(place.open());
    assert_eq!(error, only_read);
    error
}

/// The statements of a refusal, without the sentence before them.
fn statements(error: &StoreError) -> String {
    let help = error.help.as_deref().unwrap();
    help.split_once('\n').unwrap().1.to_owned()
}

/// A record of which only the name is known.
fn named(name: &str) -> Row {
    vec![Value::Text(name.into()), Value::Null, Value::Null]
}

const OWN: &str = "id INTEGER PRIMARY KEY AUTOINCREMENT, revision INTEGER, modified_at TEXT";

#[test]
fn a_missing_table_is_made() {
    let place = Place::new();
    drop(place.with(&account()));
    assert_eq!(
        place.ask("SELECT sql FROM sqlite_schema WHERE name = 'account'"),
        "CREATE TABLE \"account\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, \"revision\" INTEGER, \
         \"modified_at\" TEXT, \"name\" TEXT, \"employees\" INTEGER, \"revenue\" TEXT)"
    );
    // Attached again, nothing is written.
    let before = std::fs::read(&place.path).unwrap();
    drop(place.with(&account()));
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_table_that_fits_is_adopted_with_its_rows() {
    let place = Place::new();
    place.sql(&format!(
        "CREATE TABLE Account({OWN}, NAME VARCHAR(20) NOT NULL, employees INT, revenue TEXT,
           color TEXT DEFAULT 'red');
         INSERT INTO Account(name, revision) VALUES ('a', NULL), ('b', 77);"
    ));
    let mut store = place.with(&account());
    let keys = store.local_keys(&account(), None).unwrap();
    assert!(keys.iter().all(|key| key.revision.0 > 77), "{keys:?}");
    place.sql("UPDATE account SET color = 'blue' WHERE id = 1");
    assert_ne!(store.local_keys(&account(), None).unwrap()[0], keys[0]);
    done(&mut store, &account(), insert("R1", acme()));
    assert_eq!(place.ask("SELECT group_concat(color) FROM account"), "blue,red,red");
}

#[test]
fn missing_columns_are_named_and_the_statements_help() {
    let place = Place::new();
    place.sql("CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)");
    place.sql("INSERT INTO account(name) VALUES ('a')");
    let error = refused(&place, &account());
    assert!(error.message.contains("has no column \"revision\""), "{error}");
    assert_eq!(
        statements(&error),
        "ALTER TABLE \"account\" ADD COLUMN \"revision\" INTEGER;\n\
         ALTER TABLE \"account\" ADD COLUMN \"modified_at\" TEXT;\n\
         ALTER TABLE \"account\" ADD COLUMN \"employees\" INTEGER;\n\
         ALTER TABLE \"account\" ADD COLUMN \"revenue\" TEXT;"
    );
    place.sql(&statements(&error));
    let store = place.with(&account());
    let records = store.local_records(&account(), &[LocalId(1)]).unwrap();
    assert!(records[0].key.revision.0 > 0);
    assert_eq!(records[0].row, Ok(vec![Value::Text("a".into()), Value::Null, Value::Null]));
}

#[test]
fn what_no_column_mends_is_rebuilt_with_everything_on_it() {
    for (table, kept) in [
        // Ids could come back.
        ("id INTEGER PRIMARY KEY, name TEXT, employees INTEGER, revenue TEXT, color DEFAULT 'red'", "7"),
        ("id INT PRIMARY KEY, name TEXT, color", "7"),
        ("id INTEGER PRIMARY KEY, name TEXT, color) WITHOUT ROWID", "7"),
        // No ids that the store could use.
        ("id TEXT PRIMARY KEY, name TEXT, color TEXT", "1"),
        ("name TEXT, color TEXT", "1"),
        // A number column loses a text's zeros, a real column a decimal's digits.
        ("id INTEGER PRIMARY KEY AUTOINCREMENT, name NUMERIC, color TEXT", "7"),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, color TEXT, revenue REAL", "7"),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, color TEXT, revenue DECIMAL(9, 2)", "7"),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, color TEXT NOT NULL", "7"),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, color TEXT, revenue TEXT AS ('5.0')", "7"),
    ] {
        let place = Place::new();
        let close = if table.ends_with("ROWID") { "" } else { ")" };
        place.sql(&format!("CREATE TABLE account({table}{close}"));
        let id = if table.contains("id I") || table.contains("id T") { "id, " } else { "" };
        let value = if id.is_empty() { "" } else { "7, " };
        place.sql(&format!(
            "INSERT INTO account({id}name, color) VALUES ({value}'Acme', 'blue');
             CREATE INDEX by_color ON account(color);
             CREATE TABLE log(text);
             CREATE TRIGGER mine AFTER UPDATE OF color ON account
             BEGIN INSERT INTO log VALUES (NEW.color); END;
             CREATE VIEW seen AS SELECT name FROM account;"
        ));
        let error = refused(&place, &account());
        let sql = statements(&error);
        assert!(sql.contains("ALTER TABLE \"account_rebuilt\" RENAME TO \"account\";"), "{sql}");
        place.sql(&sql);
        let mut store = place.open();
        assert_eq!(store.attach(&account()).unwrap().refused, None);
        let id = LocalId(kept.parse().unwrap());
        let records = store.local_records(&account(), &[id]).unwrap();
        let row = records[0].row.as_ref().unwrap();
        assert_eq!(row[0], Value::Text("Acme".into()), "{table}");
        place.sql("UPDATE account SET color = 'green'");
        assert_eq!(place.ask("SELECT text FROM log"), "green", "{table}");
        assert_eq!(place.ask("SELECT count(*) FROM sqlite_schema WHERE name = 'by_color'"), "1");
        assert_eq!(place.ask("SELECT name FROM seen"), "Acme");
    }
}

#[test]
fn a_view_is_refused() {
    let place = Place::new();
    place.sql("CREATE VIEW account AS SELECT 1 AS id");
    let error = refused(&place, &account());
    assert!(error.message.ends_with("crm.db cannot be used: it is a view"), "{error}");
    place.sql(&statements(&error));
    drop(place.with(&account()));
}

#[test]
fn a_gained_field_gets_its_column_in_a_table_of_ours() {
    let place = Place::new();
    let mut store = place.with(&account());
    done(&mut store, &account(), insert("R1", acme()));
    drop(store);
    let mut grown = account();
    grown.local.extend(object_with("x", &[("fax", Kind::Text(10))]).local);

    // A plan sees it as empty, and adds nothing.
    let mut plan = SqliteStore::open(&place.path, Mode::ReadOnly).unwrap();
    plan.attach(&grown).unwrap();
    let mut row = acme();
    row.push(Value::Null);
    assert_eq!(plan.local_records(&grown, &[LocalId(1)]).unwrap()[0].row, Ok(row.clone()));
    assert_eq!(plan.baselines(&grown, &[LocalId(1)]).unwrap()[0].row[3], Value::Absent);
    drop(plan);
    assert_eq!(place.ask("SELECT count(*) FROM pragma_table_info('account') WHERE name = 'fax'"), "0");

    let store = place.with(&grown);
    assert_eq!(store.local_records(&grown, &[LocalId(1)]).unwrap()[0].row, Ok(row));
    drop(store);

    // But a column that a person dropped does not come back on its own, as if emptied.
    place.sql("ALTER TABLE account DROP COLUMN fax");
    let error = refused(&place, &grown);
    assert_eq!(statements(&error), "ALTER TABLE \"account\" ADD COLUMN \"fax\" TEXT;");
    place.sql(&statements(&error));
    drop(place.with(&grown));
}

#[test]
fn an_adopted_table_gets_no_columns_from_us() {
    let place = Place::new();
    place.sql(&format!("CREATE TABLE account({OWN}, name TEXT, employees INTEGER, revenue TEXT)"));
    drop(place.with(&account()));
    let mut grown = account();
    grown.local.extend(object_with("x", &[("fax", Kind::Text(10))]).local);
    assert_eq!(statements(&refused(&place, &grown)), "ALTER TABLE \"account\" ADD COLUMN \"fax\" TEXT;");
}

#[test]
fn a_table_that_replaces_loses_no_record_to_a_write_of_ours() {
    for columns in [
        "name TEXT UNIQUE ON CONFLICT REPLACE, employees INTEGER, revenue TEXT",
        "name TEXT, employees INTEGER, revenue TEXT, UNIQUE(name)on conflict replace",
    ] {
        let (place, object) = (Place::new(), account());
        place.sql(&format!(
            "CREATE TABLE account({OWN}, {columns}); INSERT INTO account(name) VALUES ('Acme')"
        ));
        let mut store = place.with(&object);
        let other = done(&mut store, &object, insert("R1", named("Bolt")));
        let change = Change::Update {
            local: other.id,
            expected: other.revision,
            row: named("Acme"),
            remote: remote("R1", "2"),
        };
        let answers = store.commit(&object, vec![insert("R2", named("Acme")), change]).unwrap();
        assert!(answers.iter().all(|answer| matches!(answer, Changed::Refused { .. })), "{answers:?}");
        assert_eq!(place.ask("SELECT group_concat(name) FROM account"), "Acme,Bolt", "{columns}");
        // Nor to an undo.
        store.begin_run("a", KEEP).unwrap();
        done(&mut store, &object, Change::Delete { local: other.id, expected: None });
        place.sql("UPDATE account SET name = 'Bolt'");
        let undone = store.undo("a", false).unwrap().unwrap();
        assert_eq!((undone.restored.len(), undone.left.len()), (0, 1), "{undone:?}");
        assert_eq!(place.ask("SELECT id FROM account"), "1");
    }
}

#[test]
fn a_null_that_the_table_replaces_by_its_default_is_written() {
    let (place, object) = (Place::new(), account());
    place.sql(&format!(
        "CREATE TABLE account({OWN}, name TEXT NOT NULL ON CONFLICT REPLACE DEFAULT '', employees INTEGER, revenue TEXT)"
    ));
    let mut store = place.with(&object);
    let key = done(&mut store, &object, insert("R1", vec![Value::Null; 3]));
    assert_eq!(store.local_records(&object, &[key.id]).unwrap()[0].row, Ok(vec![Value::Null; 3]));
}
