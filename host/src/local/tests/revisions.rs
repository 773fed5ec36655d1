//! `revision` and `modified_at`, whatever tool edits.

use super::*;
use std::collections::BTreeSet;

/// The rows that got a new revision from a statement, by name; all revisions ever seen are kept.
fn bumped(connection: &Connection, statement: &str) -> BTreeSet<String> {
    let read = || -> BTreeSet<(String, i64)> {
        let mut rows = connection.prepare("SELECT name, revision FROM account").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let before = read();
    connection.execute_batch(statement).unwrap();
    let counter: i64 =
        connection.query_row("SELECT revision FROM _sync_counter", [], |row| row.get(0)).unwrap();
    let highest = before.iter().map(|(_, revision)| *revision).max().unwrap_or(0);
    read()
        .difference(&before)
        .map(|(name, revision)| {
            assert!(*revision > highest && *revision <= counter, "{statement}: {revision} is not fresh");
            name.clone()
        })
        .collect()
}

#[test]
fn every_edit_has_a_fresh_revision() {
    for recursive in ["OFF", "ON"] {
        let place = Place::new();
        drop(place.with(&account()));
        let connection = Connection::open(&place.path).unwrap();
        connection.execute_batch(&format!("PRAGMA recursive_triggers = {recursive}")).unwrap();
        for (statement, names) in [
            ("INSERT INTO account(name) VALUES ('a'), ('b'), ('c')", "abc"),
            ("UPDATE account SET employees = 1 WHERE name < 'c'", "ab"),
            ("UPDATE account SET employees = 1 WHERE name = 'a'", "a"),
            ("UPDATE account SET name = name", "abc"),
            ("UPDATE account SET revision = 5 WHERE name = 'a'", "a"),
            ("UPDATE account SET revision = 99999 WHERE name = 'b'", "b"),
            ("UPDATE account SET revision = NULL WHERE name = 'c'", "c"),
            ("UPDATE account SET revision = revision, employees = 3 WHERE name = 'c'", "c"),
            ("UPDATE account SET modified_at = 'x' WHERE name = 'c'", "c"),
            // A tool that saves what it read, the last edited row above all.
            (
                "INSERT OR REPLACE INTO account SELECT id, revision, modified_at, name, 8, 8 FROM account \
                 WHERE name = 'c'",
                "c",
            ),
            ("INSERT INTO account(id, name) VALUES (1, 'a') ON CONFLICT DO UPDATE SET employees = 9", "a"),
            ("INSERT INTO account(name, revision) SELECT 'd', 1 + revision FROM _sync_counter", "d"),
            ("DELETE FROM account WHERE name = 'b'", ""),
            ("UPDATE account SET employees = 1 WHERE name = 'nobody'", ""),
        ] {
            let expected: BTreeSet<String> = names.chars().map(String::from).collect();
            assert_eq!(bumped(&connection, statement), expected, "{statement}, recursive {recursive}");
        }
        let stamps = "SELECT count(*) FROM account WHERE modified_at NOT GLOB \
                      '20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'";
        assert_eq!(place.ask(stamps), "0");
    }
}

#[test]
fn a_revision_that_is_counted_by_hand_is_an_edit_of_each_record() {
    for recursive in ["OFF", "ON"] {
        let (place, object) = (Place::new(), account());
        let mut store = place.with(&object);
        let three = ["R1", "R2", "R3"].map(|id| insert(id, acme()));
        store.commit(&object, three.to_vec()).unwrap();
        assert_eq!(place.ask("SELECT count(DISTINCT revision) FROM account"), "1");
        place.sql(&format!(
            "PRAGMA recursive_triggers = {recursive};
             UPDATE account SET employees = 8, revision = revision + 1, modified_at = strftime('%Y-%m-%dT%H:%M:%fZ')"
        ));
        assert_eq!(place.ask("SELECT count(DISTINCT revision) FROM account"), "3");
        assert_eq!(store.touched(&object).unwrap().unwrap().len(), 3, "recursive {recursive}");
    }
}

#[test]
fn an_edit_amid_our_writes_leaves_the_others_as_they_were_written() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let first = done(&mut store, &object, insert("R1", acme()));
    place.sql(
        "CREATE TRIGGER mine AFTER INSERT ON account BEGIN
           UPDATE account SET employees = employees + 1 WHERE id = 1; END",
    );
    store.commit(&object, vec![insert("R2", acme()), insert("R3", acme())]).unwrap();
    assert_eq!(place.ask("SELECT count(DISTINCT revision) FROM account WHERE id > 1"), "1");
    assert_eq!(store.touched(&object).unwrap(), Some(vec![first.id]));
    // And it is over with the transaction.
    place.sql(
        "UPDATE account SET employees = 8, revision = (SELECT revision FROM _sync_counter) WHERE id = 2",
    );
    assert_eq!(store.touched(&object).unwrap(), Some(vec![first.id, LocalId(2)]));
}

#[test]
fn one_counter_serves_all_tables() {
    let place = Place::new();
    let mut store = place.with(&account());
    let order = object_with("sales-order", &[("index", Kind::Integer)]);
    store.attach(&order).unwrap();
    place.sql("INSERT INTO account(name) VALUES ('a'); INSERT INTO \"sales-order\"(\"index\") VALUES (1);");
    let (first, second) =
        (store.local_keys(&account(), None).unwrap()[0], store.local_keys(&order, None).unwrap()[0]);
    assert!(second.revision.0 > first.revision.0);
}

#[test]
fn an_edit_without_triggers_is_found_all_the_same() {
    let place = Place::new();
    let mut store = place.with(&account());
    let key = done(&mut store, &account(), insert("R1", acme()));
    assert!(!moved(&store, &account(), key.id));
    drop(store);
    place.sql("DROP TRIGGER _sync_update_account; UPDATE account SET name = 'Other';");
    let store = place.with(&account());
    assert!(moved(&store, &account(), key.id));
}

#[test]
fn an_edit_is_found_though_the_triggers_are_back_as_they_were() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let key = done(&mut store, &object, insert("R1", acme()));
    drop(store);
    let trigger = place.ask("SELECT sql FROM sqlite_schema WHERE name = '_sync_update_account'");
    place.sql(&format!(
        "BEGIN; DROP TRIGGER _sync_update_account; UPDATE account SET name = 'Other'; {trigger}; COMMIT"
    ));
    let store = place.with(&object);
    assert!(moved(&store, &object, key.id));
    assert_eq!(store.touched(&object).unwrap(), Some(vec![key.id]));
    // It is looked at once.
    let seen = key_of(&store, &object, key.id);
    drop(store);
    assert_eq!(key_of(&place.with(&object), &object, key.id), seen);
}

#[test]
fn what_the_host_makes_itself_gives_no_record_a_revision() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let key = done(&mut store, &object, insert("R1", acme()));
    let mut grown = account();
    grown.local.extend(object_with("x", &[("parent_id", Kind::Reference("account".into()))]).local);
    for other in [object_with("sales-order", &[("index", Kind::Integer)]), grown, object_with("more", &[])] {
        store.attach(&other).unwrap();
        drop(store);
        store = place.with(&object);
        assert_eq!(key_of(&store, &object, key.id), key, "{}", other.name);
        assert_eq!(store.touched(&object).unwrap(), Some(vec![]));
    }
}

#[test]
fn an_id_never_comes_back_even_with_a_new_table() {
    let place = Place::new();
    let mut store = place.with(&account());
    let key = done(&mut store, &account(), insert("R1", acme()));
    drop(store);
    place.sql("DELETE FROM account; INSERT INTO account(name) VALUES ('second');");
    assert_eq!(place.ask("SELECT id FROM account"), "2");
    place.sql("DROP TABLE account");
    drop(place.with(&account()));
    place.sql("INSERT INTO account(name) VALUES ('third')");
    assert_ne!(place.ask("SELECT id FROM account"), key.id.to_string());
}

#[test]
fn an_id_that_comes_back_all_the_same_has_one_pair() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let first = done(&mut store, &object, insert("R1", acme()));
    place.sql("DELETE FROM account; DELETE FROM sqlite_sequence WHERE name = 'account'");
    let second = done(&mut store, &object, insert("R2", acme()));
    assert_eq!(second.id, first.id);
    let pairs = store.pairs(&object.name, None).unwrap();
    assert_eq!(pairs.iter().map(|pair| pair.remote.id.0.as_str()).collect::<Vec<_>>(), ["R2"]);
    assert_eq!(store.linked(&object.name).unwrap(), 1);
}
