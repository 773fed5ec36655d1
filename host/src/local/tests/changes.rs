//! The pipeline's changes.

use super::*;
use crate::ports::{Baseline, Intent, Stretch};
use sync_core::change_key::{Pair, Revision};
use sync_core::operation::Operation;

/// An object with a name and a link to another record of it.
fn linked() -> Object {
    let parent = ("parent_id", Kind::Reference("account".into()));
    object_with("account", &[("name", Kind::Text(100)), parent])
}

#[test]
fn our_own_writes_do_not_come_back() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let key = done(&mut store, &object, insert("R1", acme()));
    assert_eq!(key, key_of(&store, &object, key.id));
    assert!(!moved(&store, &object, key.id));

    let row = vec![Value::Text("Acme Inc".into()), Value::Absent, Value::Null];
    let change = Change::Update { local: key.id, expected: key.revision, row, remote: remote("R1", "2") };
    let key = done(&mut store, &object, change);
    assert!(!moved(&store, &object, key.id));
    let agreed = vec![Value::Text("Acme Inc".into()), Value::Integer(7), Value::Null];
    let entry = &store.baselines(&object, &[key.id]).unwrap()[0];
    assert_eq!(entry.row, agreed);
    assert_eq!(entry.pair.remote, remote("R1", "2"));
    assert_eq!(store.local_records(&object, &[key.id]).unwrap()[0].row, Ok(agreed));

    place.sql("UPDATE account SET employees = 8");
    assert!(moved(&store, &object, key.id));
}

#[test]
fn what_moved_is_left_alone_and_the_rest_is_done() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let keys: Vec<LocalKey> =
        ["R1", "R2", "R3"].map(|id| done(&mut store, &object, insert(id, acme()))).to_vec();
    place.sql("UPDATE account SET name = 'mine' WHERE id = 1; DELETE FROM account WHERE id = 3;");
    let update = |key: &LocalKey| Change::Update {
        local: key.id,
        expected: key.revision,
        row: vec![Value::Text("theirs".into()), Value::Null, Value::Null],
        remote: remote("R1", "2"),
    };
    let delete = |index: usize, expected| Change::Delete { local: keys[index].id, expected };
    let mut changes: Vec<Change> = keys.iter().map(update).collect();
    changes.push(delete(0, Some(keys[0].revision)));
    changes.push(delete(2, Some(keys[2].revision)));
    changes.push(delete(1, None));
    let answers = store.commit(&object, changes).unwrap();
    let outcome: Vec<bool> = answers.iter().map(|answer| matches!(answer, Changed::Done(_))).collect();
    assert_eq!(outcome, [false, true, false, false, true, true]);
    assert_eq!(answers[4], Changed::Done(keys[2]));
    assert_eq!(place.ask("SELECT group_concat(name) FROM account"), "mine");
    let pairs = store.pairs(&object.name, None).unwrap();
    assert_eq!(pairs.iter().map(|pair| pair.local).collect::<Vec<_>>(), [keys[0].id]);
}

/// A batch of three inserts of which the table refuses the second.
fn refused_in_the_middle(constraint: &str) -> (Place, String) {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    place.sql(constraint);
    let other = || vec![Value::Text("Bolt".into()), Value::Null, Value::Null];
    let changes = vec![insert("R1", acme()), insert("R2", acme()), insert("R3", other())];
    let answers = store.commit(&object, changes).unwrap();
    let [Changed::Done(_), Changed::Refused { message }, Changed::Done(last)] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(store.linked_local(&object.name, &RemoteId("R3".into())).unwrap(), Some(last.id));
    assert_eq!(store.linked_local(&object.name, &RemoteId("R2".into())).unwrap(), None);
    assert_eq!(place.ask("SELECT group_concat(name) FROM account"), "Acme,Bolt");
    (place, message.clone())
}

#[test]
fn what_the_table_refuses_does_not_keep_the_others_back() {
    let (_, message) = refused_in_the_middle("CREATE UNIQUE INDEX one_name ON account(name)");
    assert!(message.starts_with("UNIQUE constraint failed: account.name: a constraint"), "{message}");
    for answer in ["ABORT", "FAIL", "ROLLBACK"] {
        let trigger = format!(
            "CREATE TRIGGER mine BEFORE INSERT ON account \
               WHEN EXISTS (SELECT 1 FROM account WHERE name = NEW.name) \
               BEGIN SELECT RAISE({answer}, 'one of each'); END"
        );
        let (_, message) = refused_in_the_middle(&trigger);
        assert!(message.starts_with("one of each: "), "{message}");
    }
}

#[test]
fn a_write_that_the_table_ignores_does_not_pass_for_done() {
    let ignore = |event: &str| {
        format!(
            "CREATE TRIGGER \"mine {event}\" BEFORE {event} ON account \
               WHEN EXISTS (SELECT 1 FROM account WHERE name = 'Acme') BEGIN SELECT RAISE(IGNORE); END;"
        )
    };
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let key = done(&mut store, &object, insert("R1", acme()));
    place.sql(&["INSERT", "UPDATE OF name", "DELETE"].map(ignore).concat());
    let row = vec![Value::Text("Bolt".into()), Value::Null, Value::Null];
    let update = Change::Update { local: key.id, expected: key.revision, row, remote: remote("R1", "2") };
    let delete = Change::Delete { local: key.id, expected: Some(key.revision) };
    let answers = store.commit(&object, vec![insert("R2", acme()), update, delete]).unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Changed::Refused { .. })), "{answers:?}");
    let pairs = store.pairs(&object.name, None).unwrap();
    assert_eq!((pairs.len(), &pairs[0].remote), (1, &remote("R1", "1")));
}

#[test]
fn a_link_whose_fields_are_refused_is_entered_and_open() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    place.sql("INSERT INTO account(name) VALUES ('a')");
    place.sql(
        "CREATE TRIGGER mine BEFORE UPDATE OF employees ON account BEGIN SELECT RAISE(ABORT, 'mine'); END",
    );
    let key = store.local_keys(&object, None).unwrap()[0];
    let pair = Pair { local: key.id, remote: remote("R1", "1"), revision: key.revision };
    let baseline = Baseline { pair, row: acme(), beyond_filter: false };
    let link = Change::Link { baseline, fields: vec![(1, Value::Integer(7))] };
    let answers = store.commit(&object, vec![Change::Settled { local: key.id }, link]).unwrap();
    assert!(matches!(answers[1], Changed::Refused { .. }), "{answers:?}");
    let entry = &store.baselines(&object, &[key.id]).unwrap()[0];
    assert_eq!((entry.pair.revision, &entry.row), (Revision::UNSETTLED, &acme()));
}

#[test]
fn another_failure_leaves_nothing_of_a_batch() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    place.sql("DROP TABLE _sync_journal");
    let settled = Change::Settled { local: LocalId(1) };
    let error = store.commit(&object, vec![insert("R1", acme()), settled]).unwrap_err();
    assert!(error.message.contains("no such table: _sync_journal"), "{error}");
    assert_eq!(store.count(&object).unwrap(), 0);
    assert!(store.pairs(&object.name, None).unwrap().is_empty());
}

#[test]
fn a_link_writes_fields_without_hiding_an_edit() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    place.sql("INSERT INTO account(name) VALUES ('a'), ('b'), ('c'), ('d')");
    let keys = store.local_keys(&object, None).unwrap();
    // The second is edited and the third deleted while the remote write is under way.
    place.sql("UPDATE account SET name = 'edited' WHERE name = 'b'; DELETE FROM account WHERE name = 'c';");
    let link = |key: &LocalKey, fields| {
        let pair =
            Pair { local: key.id, remote: remote(&format!("R{}", key.id), "1"), revision: key.revision };
        Change::Link { baseline: Baseline { pair, row: acme(), beyond_filter: true }, fields }
    };
    let computed = vec![(1, Value::Integer(3))];
    let changes = keys[..3].iter().map(|key| link(key, computed.clone())).chain([link(&keys[3], Vec::new())]);
    let answers = store.commit(&object, changes.collect()).unwrap();
    assert_eq!(answers[2], Changed::Done(keys[2]));
    assert_eq!(answers[3], Changed::Done(keys[3]));

    assert!(!moved(&store, &object, keys[0].id));
    assert!(moved(&store, &object, keys[1].id));
    assert!(!moved(&store, &object, keys[3].id));
    assert_eq!(place.ask("SELECT group_concat(name || ifnull(employees, '')) FROM account"), "a3,edited3,d");
    let pairs = store.pairs(&object.name, None).unwrap();
    assert_eq!(pairs.len(), 4);
    assert_eq!(pairs[2].revision, keys[2].revision);
    assert_eq!(store.beyond_filter(&object.name).unwrap().len(), 4);
}

#[test]
fn what_a_trigger_of_a_persons_does_to_our_write_is_looked_at_again() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let kept = done(&mut store, &object, insert("R1", acme()));
    assert_eq!(store.touched(&object).unwrap(), Some(vec![]));
    place.sql(
        "CREATE TRIGGER unwanted AFTER INSERT ON account BEGIN DELETE FROM account WHERE id = NEW.id; END;
         CREATE TRIGGER undeleted AFTER DELETE ON account WHEN OLD.id = 1 BEGIN
           INSERT INTO account(id, name) VALUES (OLD.id, OLD.name); END;",
    );
    let unwanted = done(&mut store, &object, insert("R2", acme()));
    assert_eq!(store.touched(&object).unwrap(), Some(vec![unwanted.id]));
    place.sql("DROP TRIGGER unwanted");
    done(&mut store, &object, Change::Delete { local: kept.id, expected: Some(kept.revision) });
    assert_eq!(place.ask("SELECT name FROM account"), "Acme");
    assert_eq!(store.touched(&object).unwrap(), Some(vec![kept.id, unwanted.id]));
}

#[test]
fn what_a_trigger_of_a_persons_makes_of_our_write_is_no_agreed_content() {
    for made in ["name = replace(name, ' ', '')", "seen = 1"] {
        let (place, object) = (Place::new(), account());
        let mut store = place.with(&object);
        place.sql("ALTER TABLE account ADD COLUMN seen");
        for event in ["INSERT", "UPDATE OF name"] {
            place.sql(&format!(
                "CREATE TRIGGER \"mine {event}\" AFTER {event} ON account
                 BEGIN UPDATE account SET {made} WHERE id = NEW.id; END"
            ));
        }
        let spaced = vec![Value::Text("A c m e".into()), Value::Null, Value::Null];
        let key = done(&mut store, &object, insert("R1", spaced.clone()));
        assert!(moved(&store, &object, key.id), "{made}");
        let pair = Pair { local: key.id, remote: remote("R1", "1"), revision: key.revision };
        let looked =
            Change::Link { baseline: Baseline { pair, row: acme(), beyond_filter: false }, fields: vec![] };
        done(&mut store, &object, looked);
        assert_eq!(store.touched(&object).unwrap(), Some(vec![]));
        let update =
            Change::Update { local: key.id, expected: key.revision, row: spaced, remote: remote("R1", "2") };
        let key = done(&mut store, &object, update);
        assert_eq!(key, key_of(&store, &object, key.id));
        assert!(moved(&store, &object, key.id), "{made}");
        assert_eq!(store.touched(&object).unwrap(), Some(vec![key.id]));
    }
}

/// What the server computed would otherwise be put back by every run, where a trigger does not leave it so.
#[test]
fn what_a_trigger_of_a_persons_makes_of_what_the_server_computed_is_left_so() {
    for (made, is_looked_at) in [("employees = 0", false), ("seen = 1", false), ("name = 'other'", true)] {
        let (place, mut object) = (Place::new(), account());
        object.local[1].traits.computed = true;
        let mut store = place.with(&object);
        let key = done(&mut store, &object, insert("R1", acme()));
        place.sql(&format!(
            "ALTER TABLE account ADD COLUMN seen;
             CREATE TRIGGER mine AFTER UPDATE OF employees ON account WHEN NEW.employees
             BEGIN UPDATE account SET {made} WHERE id = NEW.id; END"
        ));
        let mut row = acme();
        row[1] = Value::Integer(8);
        let pair = Pair { local: key.id, remote: remote("R1", "2"), revision: key.revision };
        let baseline = Baseline { pair, row, beyond_filter: false };
        let link = Change::Link { baseline, fields: vec![(1, Value::Integer(8))] };
        let key = done(&mut store, &object, link);
        assert_eq!(key, key_of(&store, &object, key.id));
        assert_eq!(moved(&store, &object, key.id), is_looked_at, "{made}");
        assert_eq!(store.touched(&object).unwrap().unwrap().is_empty(), !is_looked_at, "{made}");
    }
}

#[test]
fn a_link_that_somebody_set_meanwhile_stays_and_is_found() {
    let (place, object) = (Place::new(), linked());
    let mut store = place.with(&object);
    let row = || vec![Value::Text("a".into()), Value::Reference("7".into())];
    let keys = ["R1", "R2", "R3"].map(|id| done(&mut store, &object, insert(id, row())));
    place.sql("UPDATE account SET parent_id = 9 WHERE id = 1; UPDATE account SET name = 'mine' WHERE id = 2");
    let cleared = |key: &LocalKey| {
        let pair =
            Pair { local: key.id, remote: remote(&format!("R{}", key.id), "2"), revision: key.revision };
        let baseline =
            Baseline { pair, row: vec![Value::Text("a".into()), Value::Null], beyond_filter: false };
        Change::Relink { baseline, links: vec![(1, Value::Reference("7".into()), Value::Null)] }
    };
    let answers = store.commit(&object, keys.iter().map(cleared).collect()).unwrap();
    assert_eq!(answers[0], Changed::Moved);
    assert!(matches!(answers[1..], [Changed::Done(_), Changed::Done(_)]), "{answers:?}");
    assert_eq!(place.ask("SELECT group_concat(name || ifnull(parent_id, '')) FROM account"), "a9,mine,a");
    assert_eq!(keys.map(|key| moved(&store, &object, key.id)), [true, true, false]);
    assert_eq!(store.touched(&object).unwrap(), Some(vec![keys[0].id, keys[1].id]));
    assert!(
        store
            .pairs(&object.name, None)
            .unwrap()
            .iter()
            .all(|pair| pair.remote == remote(&pair.remote.id.0, "2"))
    );
}

/// The host's writes pass the triggers by as long as nobody else has any, and come to the same.
#[test]
fn a_delete_of_ours_is_counted_whether_triggers_see_it_or_not() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let changes = ["R1", "R2", "R3"].map(|id| insert(id, acme()));
    let answers = store.commit(&object, changes.into()).unwrap();
    let deletes: Vec<Change> = answers
        .iter()
        .map(|answer| match answer {
            Changed::Done(key) => Change::Delete { local: key.id, expected: Some(key.revision) },
            other => panic!("{other:?}"),
        })
        .collect();
    let count = |store: &SqliteStore| store.deletes(&[&object.name]).unwrap();
    let before = count(&store);
    store.commit(&object, deletes[..1].to_vec()).unwrap();
    assert_eq!(count(&store), before + 1);
    place.sql("CREATE TABLE went(id); CREATE TRIGGER mine AFTER DELETE ON account BEGIN INSERT INTO went VALUES (OLD.id); END");
    store.commit(&object, deletes[1..2].to_vec()).unwrap();
    assert_eq!((count(&store), place.ask("SELECT group_concat(id) FROM went").as_str()), (before + 2, "2"));
    place.sql("DROP TRIGGER mine");
    store.commit(&object, deletes[2..].to_vec()).unwrap();
    assert_eq!(count(&store), before + 3);
    assert_eq!(store.touched(&object).unwrap(), Some(vec![]));
    place.sql("INSERT INTO account(name) VALUES ('theirs')");
    assert_eq!(store.touched(&object).unwrap(), Some(vec![LocalId(4)]));
}

/// Whether a table's triggers see every delete makes no difference to what is found, but to how.
#[test]
fn links_to_what_is_gone_are_found_with_and_without_pairs() {
    for unique in ["", "CREATE UNIQUE INDEX one_name ON account(name)"] {
        let object = object_with(
            "account",
            &[("name", Kind::Text(10)), ("parent_id", Kind::Reference("account".into()))],
        );
        let place = Place::new();
        let mut store = place.with(&object);
        place.sql(unique);
        store.attach(&object).unwrap();
        let row = |name: &str, parent: Value| vec![Value::Text(name.to_owned()), parent];
        let keys =
            ["a", "b", "c", "d"].map(|name| done(&mut store, &object, insert(name, row(name, Value::Null))));
        // Links to: one that stays; one that a person deletes; one that is deleted here and forgotten; one without a
        // pair that stays, and one that goes; nothing.
        place.sql(
            "INSERT INTO account(name, parent_id) VALUES
               ('to a', 1), ('to b', 2), ('to c', 3), ('to 5', 5), ('to 10', 10), ('to none', 99), ('free', NULL);
             INSERT INTO account(id, name) VALUES (20, 'goes'); UPDATE account SET parent_id = 20 WHERE name = 'to 10';
             DELETE FROM account WHERE id = 20; DELETE FROM account WHERE name = 'b'",
        );
        done(&mut store, &object, Change::Delete { local: keys[2].id, expected: Some(keys[2].revision) });
        let mut found = store.dangling(&object, 1, &object).unwrap();
        found.sort();
        found.dedup();
        assert_eq!(found, [6, 7, 9, 10].map(LocalId), "{unique}");
    }
}

#[test]
fn a_record_that_is_linked_twice_in_one_transaction_has_one_pair() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    place.sql("INSERT INTO account(name) VALUES ('a'), ('b'), ('c')");
    let link = |id: i64, to: &str| {
        let revision = key_of(&store, &object, LocalId(id)).revision;
        let pair = Pair { local: LocalId(id), remote: remote(to, "1"), revision };
        let baseline = Baseline { pair, row: acme(), beyond_filter: false };
        Change::Link { baseline, fields: vec![(0, Value::Text(format!("{to} there")))] }
    };
    let changes = vec![link(2, "R2"), link(3, "R3"), link(2, "R4"), link(1, "R1"), link(3, "R5")];
    store.commit(&object, changes).unwrap();
    let pairs = store.pairs(&object.name, None).unwrap();
    let pairs: Vec<(i64, &str)> =
        pairs.iter().map(|pair| (pair.local.0, pair.remote.id.0.as_str())).collect();
    assert_eq!(pairs, [(1, "R1"), (2, "R4"), (3, "R5")]);
    assert_eq!(store.linked(&object.name).unwrap(), 3);
    assert_eq!(place.ask("SELECT group_concat(name) FROM account"), "R1 there,R4 there,R5 there");
}

#[test]
fn links_are_found_both_ways() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let old = done(&mut store, &object, insert("R1", acme())).id;
    let new = done(&mut store, &object, insert("R1", acme())).id;
    let other = object_with("never-attached", &[("x", Kind::Integer)]).name;
    assert_eq!(store.linked_local(&object.name, &RemoteId("R1".into())).unwrap(), Some(new));
    assert_eq!(store.linked_local(&object.name, &RemoteId("R2".into())).unwrap(), None);
    assert_eq!(store.linked_local(&other, &RemoteId("R1".into())).unwrap(), None);
    assert_eq!(store.linked_remote(&object.name, old).unwrap(), Some(RemoteId("R1".into())));
    assert_eq!(store.linked_remote(&object.name, LocalId(9)).unwrap(), None);
    done(&mut store, &object, Change::Forget { local: new });
    assert_eq!(store.linked_local(&object.name, &RemoteId("R1".into())).unwrap(), Some(old));
    assert_eq!(store.count(&object).unwrap(), 2);
}

#[test]
fn pairs_follow_one_even_where_an_id_is_there_twice() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let ids: Vec<LocalId> =
        ["R2", "R1", "R1", "R3"].map(|id| done(&mut store, &object, insert(id, acme())).id).into();
    let after = |after| -> Vec<LocalId> {
        store.pairs(&object.name, after).unwrap().iter().map(|pair| pair.local).collect()
    };
    let (r1, r2) = (RemoteId("R1".into()), RemoteId("R2".into()));
    assert_eq!(after(None), [ids[1], ids[2], ids[0], ids[3]]);
    assert_eq!(after(Some((&r1, ids[1]))), [ids[2], ids[0], ids[3]]);
    assert_eq!(after(Some((&r1, ids[2]))), [ids[0], ids[3]]);
    assert_eq!(after(Some((&r2, ids[0]))), [ids[3]]);
}

#[test]
fn it_is_told_how_local_records_stand_and_what_was_agreed() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let linked = done(&mut store, &object, insert("R1", acme()));
    let gone = done(&mut store, &object, insert("R2", acme()));
    place.sql(&format!(
        "DELETE FROM account WHERE id = {}; INSERT INTO account(name) VALUES ('New')",
        gone.id
    ));
    let [new] = store.local_keys(&object, Some(gone.id)).unwrap()[..] else { panic!("one is new") };
    let all = store.local_statuses(&object, &[linked.id, gone.id, new.id, LocalId(99)]).unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|it| (it.local, it.revision, it.pair.as_ref().map(|pair| pair.remote.id.0.as_str())))
        .collect();
    assert_eq!(
        told,
        [
            (linked.id, Some(linked.revision), Some("R1")),
            (gone.id, None, Some("R2")),
            (new.id, Some(new.revision), None),
            (LocalId(99), None, None),
        ]
    );
    let pairs: Vec<Pair> = all.into_iter().filter_map(|it| it.pair).collect();
    let ids: Vec<LocalId> = pairs.iter().map(|pair| pair.local).collect();
    let agreed = store.agreed(&object, pairs).unwrap();
    assert_eq!(agreed, store.baselines(&object, &ids).unwrap());
    assert_eq!(agreed.iter().map(|it| &it.row).collect::<Vec<_>>(), [&acme(), &acme()]);
    done(&mut store, &object, Change::Forget { local: gone.id });
    let pairs = agreed.into_iter().map(|it| it.pair).collect();
    assert_eq!(store.agreed(&object, pairs).unwrap().len(), 1, "the other is no longer agreed on");
}

#[test]
fn linked_ids_are_found_by_stretches() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    for id in ["1-A", "1-B", "1-C", "1-D", "1-E"] {
        done(&mut store, &object, insert(id, acme()));
    }
    let ids = |ids: &[&str]| ids.iter().map(|id| RemoteId((*id).to_owned())).collect::<Vec<_>>();
    assert_eq!(store.landmarks(&object.name, 2).unwrap(), ids(&["1-B", "1-D"]));
    assert_eq!(store.landmarks(&object.name, 6).unwrap(), ids(&[]));
    let (b, d) = (RemoteId("1-B".into()), RemoteId("1-D".into()));
    let linked = |after, through| store.linked_in(&object.name, Stretch { after, through }).unwrap();
    assert_eq!(linked(None, Some(&b)), ids(&["1-A", "1-B"]));
    assert_eq!(linked(Some(&b), Some(&d)), ids(&["1-C", "1-D"]));
    assert_eq!(linked(Some(&d), None), ids(&["1-E"]));
    assert_eq!(linked(None, None).len(), 5);
}

#[test]
fn a_link_is_found_from_its_record_however_it_was_typed() {
    let (place, object) = (Place::new(), linked());
    // A table that was there before, with columns of no type.
    place.sql("CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name, parent_id, revision INTEGER, modified_at TEXT)");
    let store = place.with(&object);
    place.sql(
        "INSERT INTO account(name, parent_id) VALUES ('a', NULL), ('b', 1), ('c', '1'), ('d', 9), ('e', '')",
    );
    let links = |targets: &[i64]| {
        let targets: Vec<LocalId> = targets.iter().copied().map(LocalId).collect();
        let found = store.linking_to(&object, 1, &targets).unwrap().into_iter();
        found.map(|(record, target)| (record.0, target.0)).collect::<Vec<_>>()
    };
    assert_eq!(links(&[1]), [(2, 1), (3, 1)]);
    assert_eq!(links(&[9, 1]), [(2, 1), (3, 1), (4, 9)]);
    assert_eq!(links(&[2]), []);
    assert_eq!(store.dangling(&object, 1, &object).unwrap(), [LocalId(5), LocalId(4)]);
    assert_eq!(
        place.ask("SELECT count(*) FROM sqlite_schema WHERE name = '_sync_target_account_parent_id'"),
        "1"
    );
}

#[test]
fn the_journal_is_there_after_a_crash() {
    let (place, object) = (Place::new(), account());
    let intents = [
        Intent {
            operation: Operation::PushInsert,
            local: LocalId(1),
            revision: Revision(4),
            remote: None,
            expected: None,
            row: vec![Value::Text("Acme".into()), Value::Absent, Value::Null].into(),
        },
        Intent {
            operation: Operation::PushUpdate,
            local: LocalId(2),
            revision: Revision(5),
            remote: Some(RemoteId("R2".into())),
            expected: Some(RemoteToken::unsettled()),
            row: acme().into(),
        },
    ];
    let mut store = place.with(&object);
    let changes = intents.iter().cloned().map(Change::Intend).collect();
    store.commit(&object, changes).unwrap();
    drop(store);
    let mut store = place.with(&object);
    assert_eq!(store.intents(&object).unwrap(), intents);
    done(&mut store, &object, Change::Settled { local: LocalId(1) });
    assert_eq!(store.intents(&object).unwrap(), intents[1..]);
}

#[test]
fn the_baseline_outlives_a_descriptor() {
    let place = Place::new();
    let kinds = [
        ("name", Kind::Text(100)),
        ("yes", Kind::Boolean),
        ("count", Kind::Integer),
        ("amount", Kind::Decimal(2)),
        ("tags", Kind::Choices),
        ("day", Kind::Date),
        ("at", Kind::Timestamp),
        ("raw", Kind::Bytes),
        ("parent_id", Kind::Reference("account".into())),
    ];
    let row = vec![
        Value::Text("quote \" and ü".into()),
        Value::Boolean(true),
        Value::Integer(i64::MIN),
        Value::Decimal("-12345678901234567890.25".into()),
        Value::Choices(vec!["a".into(), "b".into()]),
        Value::Date("2024-02-29".into()),
        Value::Timestamp(-1),
        Value::Bytes(vec![0, 255]),
        Value::Reference("5".into()),
    ];
    let old = object_with("account", &kinds);
    let mut store = place.with(&old);
    let id = done(&mut store, &old, insert("R1", row.clone())).id;
    assert_eq!(store.baselines(&old, &[LocalId(7), id]).unwrap()[0].row, row);
    assert_eq!(store.local_records(&old, &[LocalId(7), id]).unwrap()[0].row, Ok(row.clone()));

    // Another order, one field less, one more, and one that changed its kind.
    let new = object_with(
        "account",
        &[
            ("day", Kind::Date),
            ("fax", Kind::Text(10)),
            ("name", Kind::Text(5)),
            ("amount", Kind::Text(30)),
            ("yes", Kind::Integer),
        ],
    );
    store.attach(&new).unwrap();
    let agreed = &store.baselines(&new, &[id]).unwrap()[0].row;
    let amount = Value::Text("-12345678901234567890.25".into());
    assert_eq!(*agreed, vec![row[5].clone(), Value::Absent, Value::Absent, amount, Value::Absent]);
}
