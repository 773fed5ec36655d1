//! Images of what a run overwrites and deletes, and how they come back.

use super::*;
use crate::local::schema::MIGRATIONS;
use crate::ports::Baseline;
use std::time::Duration;
use sync_core::change_key::{Pair, Revision};

fn update(key: LocalKey, row: Row) -> Change {
    Change::Update { local: key.id, expected: key.revision, row, remote: remote("R1", "2") }
}

fn named(name: &str) -> Row {
    vec![Value::Text(name.into()), Value::Integer(7), Value::Decimal("10.5".into())]
}

/// Runs of which something can be brought back, each as `run object updates deletes`.
fn runs(store: &SqliteStore) -> Vec<String> {
    let of = |run: UndoableRun| -> Vec<String> {
        let line = |it: &UndoableObject| format!("{} {} {} {}", run.run, it.object, it.updates, it.deletes);
        run.objects.iter().map(line).collect()
    };
    store.undoable_runs().unwrap().into_iter().flat_map(of).collect()
}

/// A store with one record, inserted by a run before.
fn one() -> (Place, Object, SqliteStore, LocalKey) {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let key = done(&mut store, &object, insert("R1", acme()));
    (place, object, store, key)
}

#[test]
fn what_changes_no_value_takes_no_image() {
    let (place, object, mut store, key) = one();
    store.begin_run("a", KEEP).unwrap();
    place.sql("UPDATE account SET revenue = '10.50'");
    let key = key_of(&store, &object, key.id);
    let row = vec![Value::Text("Acme".into()), Value::Absent, Value::Decimal("10.5".into())];
    let key = done(&mut store, &object, update(key, row));
    let pair = Pair { local: key.id, remote: remote("R1", "3"), revision: key.revision };
    let baseline = Baseline { pair, row: acme(), beyond_filter: false };
    // What the server computed anew takes nothing away either.
    for fields in [Vec::new(), vec![(1, Value::Integer(8))]] {
        done(&mut store, &object, Change::Link { baseline: baseline.clone(), fields });
    }
    assert_eq!(runs(&store), [""; 0]);
}

#[test]
fn an_edit_that_is_put_back_is_kept() {
    let (place, object, mut store, key) = one();
    place.sql("UPDATE account SET employees = 99, revenue = '1'");
    store.begin_run("a", KEEP).unwrap();
    let pair = Pair { local: key.id, remote: remote("R1", "3"), revision: Revision(1) };
    let baseline = Baseline { pair, row: acme(), beyond_filter: false };
    done(&mut store, &object, Change::Link { baseline, fields: vec![(1, Value::Integer(7))] });
    assert_eq!(runs(&store), ["a account 1 0"]);
    assert!(store.undo("a", false).unwrap().unwrap().is_whole());
    assert_eq!(place.ask("SELECT employees || ' ' || revenue FROM account"), "99 1");
}

#[test]
fn only_what_the_run_changed_comes_back() {
    let (place, object, mut store, key) = one();
    place.sql("ALTER TABLE account ADD COLUMN note BLOB; UPDATE account SET note = x'00ff'");
    let key = key_of(&store, &object, key.id);
    store.begin_run("a", KEEP).unwrap();
    done(&mut store, &object, update(key, named("Bolt")));
    store.end_run("a", "synced", "{}").unwrap();
    // Left alone by the run, and edited since.
    place.sql("UPDATE account SET employees = 9, note = 'mine'");
    let refused = store.undo("a", false).unwrap().unwrap();
    assert_eq!((refused.restored.len(), refused.left[0].message.as_str()), (0, "was edited since that run"));
    let undone = store.undo("a", true).unwrap().unwrap();
    assert!(undone.is_whole() && undone.restored[0].former_id.is_none());
    let row = "SELECT name || ' ' || employees || ' ' || note FROM account";
    assert_eq!(place.ask(row), "Acme 9 mine");
    assert!(moved(&store, &object, key.id), "the next run finds an ordinary edit");
    assert_eq!(store.undo("a", true).unwrap(), None, "nothing comes back twice");
    assert_eq!(place.ask("SELECT count(*) FROM _sync_image"), "0");
}

#[test]
fn a_deleted_record_comes_back_whole_with_another_id() {
    let (place, object, mut store, key) = one();
    place.sql(
        "ALTER TABLE account ADD COLUMN note BLOB; ALTER TABLE account ADD COLUMN twice AS (employees * 2);
         UPDATE account SET note = x'00ff', revenue = 'not yet known', employees = 9223372036854775807",
    );
    store.begin_run("a", KEEP).unwrap();
    done(&mut store, &object, Change::Delete { local: key.id, expected: None });
    assert_eq!(runs(&store), ["a account 0 1"]);
    let undone = store.undo("a", false).unwrap().unwrap();
    assert!(undone.is_whole(), "{undone:?}");
    assert_eq!((undone.restored[0].local_id, undone.restored[0].former_id), (LocalId(2), Some(key.id)));
    let row = "SELECT id || name || hex(note) || revenue || employees FROM account";
    assert_eq!(place.ask(row), "2Acme00FFnot yet known9223372036854775807");
    assert!(store.pairs(&object.name, None).unwrap().is_empty(), "it is new");
}

#[test]
fn a_column_that_is_gone_is_named() {
    let (place, object, mut store, key) = one();
    place.sql("ALTER TABLE account ADD COLUMN note; UPDATE account SET note = 'mine'");
    store.begin_run("a", KEEP).unwrap();
    done(&mut store, &object, Change::Delete { local: key.id, expected: None });
    place.sql("ALTER TABLE account DROP COLUMN note");
    let undone = store.undo("a", false).unwrap().unwrap();
    assert_eq!(undone.restored[0].without, ["note"]);
    assert!(!undone.is_whole());
}

#[test]
fn the_image_of_a_run_is_how_the_record_was_before_it() {
    let (place, object, mut store, key) = one();
    store.begin_run("a", KEEP).unwrap();
    let key = done(&mut store, &object, update(key, named("Bolt")));
    let key = done(&mut store, &object, update(key, named("Core")));
    // A write that changes nothing goes along.
    done(&mut store, &object, update(key, named("Core")));
    assert!(store.undo("a", false).unwrap().unwrap().is_whole());
    assert_eq!(place.ask("SELECT name FROM account"), "Acme");

    let key = key_of(&store, &object, key.id);
    store.begin_run("b", KEEP).unwrap();
    done(&mut store, &object, update(key, named("Bolt")));
    // Edited during the run, between two of its writes: that edit is not the run's.
    place.sql("UPDATE account SET name = 'mine'");
    let key = key_of(&store, &object, key.id);
    done(&mut store, &object, update(key, named("Core")));
    let undone = store.undo("b", false).unwrap().unwrap();
    assert_eq!((undone.restored.len(), undone.left.len()), (0, 1));

    store.begin_run("c", KEEP).unwrap();
    let key = key_of(&store, &object, key.id);
    let key = done(&mut store, &object, update(key, named("Last")));
    done(&mut store, &object, Change::Delete { local: key.id, expected: Some(key.revision) });
    assert!(store.undo("c", false).unwrap().unwrap().is_whole());
    assert_eq!(place.ask("SELECT name FROM account"), "Core");
}

#[test]
fn what_the_run_inserted_has_no_image() {
    let (_place, object, mut store, _) = one();
    store.begin_run("a", KEEP).unwrap();
    let key = done(&mut store, &object, insert("R2", acme()));
    let key = done(&mut store, &object, update(key, named("Bolt")));
    done(&mut store, &object, Change::Delete { local: key.id, expected: None });
    assert_eq!(runs(&store), [""; 0]);
}

#[test]
fn a_record_deleted_since_comes_back_by_force_only() {
    let (place, object, mut store, key) = one();
    store.begin_run("a", KEEP).unwrap();
    done(&mut store, &object, update(key, named("Bolt")));
    place.sql("DELETE FROM account");
    let left = store.undo("a", false).unwrap().unwrap().left;
    assert_eq!(left[0].message, "was deleted since that run");
    assert!(store.undo("a", true).unwrap().unwrap().is_whole());
    assert_eq!(place.ask("SELECT id || name FROM account"), "2Acme");
}

#[test]
fn links_follow_to_the_new_ids() {
    let place = Place::new();
    let parent = account();
    let link = Kind::Reference("account".into());
    let child = object_with("contact", &[("name", Kind::Text(9)), ("account_id", link)]);
    let mut store = place.with(&parent);
    store.attach(&child).unwrap();
    let parents = ["R1", "R2", "R3"].map(|id| done(&mut store, &parent, insert(id, acme())).id);
    let row = |index: usize| vec![Value::Null, Value::Reference(parents[index].to_string())];
    let [kept, deleted, orphan] =
        [0, 0, 2].map(|index| done(&mut store, &child, insert(&format!("C{index}"), row(index))));
    store.begin_run("a", KEEP).unwrap();
    for parent_id in [parents[0], parents[2]] {
        done(&mut store, &parent, Change::Delete { local: parent_id, expected: None });
    }
    // The run cleared the one, and deleted the other two.
    let pair = Pair { local: kept.id, remote: remote("C0", "1"), revision: kept.revision };
    let baseline = Baseline { pair, row: vec![Value::Null, Value::Null], beyond_filter: false };
    done(&mut store, &child, Change::Link { baseline, fields: vec![(1, Value::Null)] });
    for key in [deleted, orphan] {
        done(&mut store, &child, Change::Delete { local: key.id, expected: None });
    }
    // The second parent cannot come back: its key is taken.
    place.sql("DELETE FROM _sync_image WHERE object = 'account' AND local_id = 3");
    let undone = store.undo("a", false).unwrap().unwrap();
    let without: Vec<_> = undone.restored.iter().map(|it| it.without.len()).collect();
    assert_eq!(without, [0, 0, 1, 0]);
    let links = "SELECT group_concat(id || '>' || ifnull(account_id, '')) FROM contact";
    assert_eq!(place.ask(links), "1>4,4>4,5>");
}

#[test]
fn what_the_table_refuses_is_left_alone() {
    let (place, object, mut store, key) = one();
    let other = done(&mut store, &object, insert("R2", named("Bolt")));
    store.begin_run("a", KEEP).unwrap();
    done(&mut store, &object, Change::Delete { local: key.id, expected: None });
    done(&mut store, &object, Change::Delete { local: other.id, expected: None });
    place.sql("CREATE UNIQUE INDEX one_name ON account(name); INSERT INTO account(name) VALUES ('Acme')");
    let undone = store.undo("a", false).unwrap().unwrap();
    assert_eq!((undone.restored.len(), undone.left.len()), (1, 1));
    assert!(undone.left[0].message.starts_with("UNIQUE constraint failed: account.name"), "{undone:?}");
    // Once there is room, it comes back, too.
    place.sql("DROP INDEX one_name");
    assert!(store.undo("a", false).unwrap().unwrap().is_whole());
    assert_eq!(place.ask("SELECT group_concat(name) FROM account"), "Acme,Bolt,Acme");
}

/// Runs that overwrite one record each, named by their letters.
fn overwrite(store: &mut SqliteStore, object: &Object, names: &str, keep: Keep) {
    for name in names.chars().map(String::from) {
        store.begin_run(&name, keep).unwrap();
        let key = key_of(store, object, LocalId(1));
        done(store, object, update(key, named(&name)));
        store.end_run(&name, "synced", "{}").unwrap();
    }
}

#[test]
fn the_oldest_runs_go_first() {
    let (place, object, mut store, _) = one();
    overwrite(&mut store, &object, "abcd", KEEP);
    assert_eq!(runs(&store), ["d", "c", "b", "a"].map(|run| format!("{run} account 1 0")));
    let bytes: u64 = place.ask("SELECT sum(bytes) FROM _sync_undo WHERE run IN ('c', 'd')").parse().unwrap();
    overwrite(&mut store, &object, "e", Keep { size: bytes, ..KEEP });
    assert_eq!(runs(&store), ["e", "d"].map(|run| format!("{run} account 1 0")));
    place.sql("UPDATE _sync_undo SET taken = '2020-01-01T00:00:00Z' WHERE run = 'd'");
    overwrite(&mut store, &object, "f", KEEP);
    assert_eq!(runs(&store), ["f", "e"].map(|run| format!("{run} account 1 0")));
    overwrite(&mut store, &object, "g", Keep { age: Duration::ZERO, ..KEEP });
    assert_eq!(runs(&store), [""; 0]);
    assert_eq!(place.ask("SELECT count(*) FROM _sync_image"), "0");
}

#[test]
fn a_run_that_is_too_much_by_itself_keeps_nothing() {
    let (_place, object, mut store, key) = one();
    let other = done(&mut store, &object, insert("R2", acme()));
    store.begin_run("a", Keep { size: 150, ..KEEP }).unwrap();
    done(&mut store, &object, update(key, named("Bolt")));
    assert_eq!(runs(&store), ["a account 1 0"]);
    let key = done(&mut store, &object, update(other, named("Bolt")));
    assert_eq!(runs(&store), [""; 0]);
    done(&mut store, &object, update(key, named("Core")));
    assert_eq!(runs(&store), [""; 0]);
}

#[test]
fn a_store_of_an_older_host_has_nothing_to_undo() {
    let place = Place::new();
    place.sql(MIGRATIONS[0]);
    place.sql("INSERT INTO _sync_meta(key, value) VALUES ('version', 1)");
    let store = SqliteStore::open(&place.path, Mode::ReadOnly).unwrap();
    assert_eq!(store.undoable_runs().unwrap(), []);
}
