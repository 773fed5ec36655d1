//! The logs, the states of objects, and runs.

use super::*;
use crate::ports::{ConflictEntry, ConflictField, IssueEntry, Mark, ObjectState};
use sync_core::conflict::Choice;
use sync_core::conflict::ConflictKind;
use sync_core::operation::Operation;

fn issue(local: Option<i64>, code: &str) -> IssueEntry {
    IssueEntry {
        object: account().name,
        operation: Operation::PushInsert,
        local: local.map(LocalId),
        remote: None,
        code: code.into(),
        message: "it says no".into(),
        twins: vec![RemoteId("T1".into())],
    }
}

fn conflict(local: i64, name: &str) -> ConflictEntry {
    let field = |field: &str, value: Value, differs| ConflictField {
        field: field.into(),
        base: Value::Text("Acme".into()),
        local: value,
        remote: Value::Absent,
        differs,
    };
    ConflictEntry {
        object: account().name,
        kind: ConflictKind::UpdateDelete,
        local: LocalId(local),
        remote: RemoteId(format!("R{local}")),
        fields: vec![
            field("name", Value::Text(name.into()), true),
            field("employees", Value::Integer(5), false),
        ],
    }
}

#[test]
fn an_issue_persists_as_one_and_vanishes_when_it_is_not_met() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let state = ObjectState::default();
    let meet = |store: &mut SqliteStore, run: &str, issues: &[IssueEntry]| {
        store.record_issues(run, issues).unwrap();
        store.finish(run, &object, &state).unwrap();
        let attempts = store.issues().unwrap().into_iter().map(|issue| (issue.id, issue.attempts));
        attempts.collect::<Vec<_>>()
    };
    let twice_in_a_run = [issue(Some(1), "refused"), issue(Some(1), "refused"), issue(None, "refused")];
    assert_eq!(meet(&mut store, "a", &twice_in_a_run), [(1, 1), (2, 1)]);
    assert_eq!(meet(&mut store, "b", &[issue(Some(1), "moved")]), [(1, 2)]);
    let stored = store.issue(1).unwrap().unwrap();
    assert_eq!((stored.first_run.as_str(), stored.last_run.as_str()), ("a", "b"));
    assert_eq!(stored.twins, [RemoteId("T1".into())]);
    assert_eq!(
        serde_json::to_string(&stored).unwrap(),
        "{\"id\":1,\"object\":\"account\",\"operation\":\"push-insert\",\"local_id\":1,\"remote_id\":null,\
         \"code\":\"moved\",\"message\":\"it says no\",\"attempts\":2}"
    );

    assert!(store.dismiss_issue(1).unwrap());
    assert!(!store.dismiss_issue(1).unwrap() && !store.dismiss_issue(9).unwrap());
    assert_eq!(store.pending(&object.name).unwrap(), (0, 0));
    assert!(store.issues().unwrap().is_empty());
    assert_eq!(store.open_twins(&object.name).unwrap(), [RemoteId("T1".into())]);
    assert_eq!(meet(&mut store, "c", &[issue(Some(1), "moved")]), [(1, 3)]);
    assert_eq!(store.pending(&object.name).unwrap(), (0, 1));
    assert_eq!(meet(&mut store, "d", &[]), []);
    // A number is not used twice.
    assert!(meet(&mut store, "e", &[issue(Some(1), "moved")])[0].0 > 2);
}

#[test]
fn a_conflict_keeps_its_id_and_its_choice_while_its_content_stays() {
    let (place, object) = (Place::new(), account());
    let mut store = place.with(&object);
    let both = [conflict(1, "mine"), conflict(2, "mine")];
    store.record_conflicts("a", &both).unwrap();
    let first = store.conflict(1).unwrap().unwrap();
    assert_eq!(first.fields, both[0].fields);
    assert_eq!(
        serde_json::to_string(&first).unwrap(),
        format!(
            "{{\"id\":1,\"object\":\"account\",\"kind\":\"update/delete\",\
             \"local_id\":1,\"remote_id\":\"R1\",\
             \"fields\":[{{\"field\":\"name\",\"base\":\"Acme\",\"local\":\"mine\",\"remote\":null}}],\
             \"since\":\"{}\"}}",
            first.since
        )
    );
    assert!(store.set_choice(1, Choice::KeepLocal).unwrap());
    assert!(!store.set_choice(9, Choice::KeepLocal).unwrap());
    store.record_conflicts("b", &both).unwrap();
    assert_eq!(store.choice(&both[0]).unwrap(), Some(Choice::KeepLocal));
    assert_eq!(store.choice(&both[1]).unwrap(), None);
    // The content changed: the choice is not for it, before it is entered and after.
    let other = conflict(1, "mine again");
    assert_eq!(store.choice(&other).unwrap(), None);
    store.record_conflicts("c", std::slice::from_ref(&other)).unwrap();
    let changed = store.conflict(1).unwrap().unwrap();
    assert_eq!((changed.choice, changed.since), (None, first.since));
    assert_eq!(store.choice(&both[0]).unwrap(), None);
    store.finish("c", &object, &ObjectState::default()).unwrap();
    assert_eq!(store.conflicts().unwrap().len(), 1);
    assert_eq!(store.pending(&object.name).unwrap(), (1, 0));
}

#[test]
fn states_and_runs_are_remembered() {
    let (place, object) = (Place::new(), account());
    let mut store = place.open();
    assert_eq!(store.attach(&object).unwrap(), ObjectState::default());
    assert_eq!(store.last_run().unwrap(), None);
    done(&mut store, &object, insert("R1", acme()));
    store.begin_run("a", KEEP).unwrap();
    let state = ObjectState {
        mapping_version: Some(3),
        filter: Some("[Name] = 'x'".into()),
        last_run: Some("a".into()),
        last_outcome: Some("pending".into()),
        remote: Some("siebel http://127.0.0.1/ as SADMIN".into()),
        targets: Some(["contact".to_owned()].into()),
        mark: Some(Mark("05/06/2024 07:08:09".into())),
        since_listed: 3,
        deletes_seen: Some(7),
        refused: None,
    };
    store.finish("a", &object, &state).unwrap();
    assert_eq!(store.attach(&object).unwrap(), state);
    // What failed has to be listed again.
    store.record_issues("a", &[issue(None, "refused")]).unwrap();
    store.finish("a", &object, &state).unwrap();
    let state = ObjectState { mark: None, ..state };
    store.end_run("a", "pending", "{}").unwrap();
    drop(store);
    let mut store = SqliteStore::open(&place.path, Mode::ReadOnly).unwrap();
    assert_eq!(store.attach(&object).unwrap(), state);
    let known = &store.object_states().unwrap()[0];
    assert_eq!((known.pairs, known.conflicts, known.issues), (1, 0, 1));
    assert_eq!(known.last_outcome.as_deref(), Some("pending"));
    let run = store.last_run().unwrap().unwrap();
    assert_eq!((run.run.as_str(), run.report.as_deref()), ("a", Some("{}")));
    assert!(run.ended.is_some());
}

#[test]
fn old_runs_are_forgotten() {
    let mut store = Place::new().open();
    for run in 0..120 {
        store.begin_run(&run.to_string(), KEEP).unwrap();
    }
    let count: i64 =
        store.connection.query_row("SELECT count(*) FROM _sync_run", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 100);
    assert_eq!(store.last_run().unwrap().unwrap().run, "119");
}

#[test]
fn the_run_that_an_object_was_last_in_is_remembered_for_what_it_held() {
    let (mut store, object) = (Place::new().open(), account());
    store.attach(&object).unwrap();
    let held = |store: &SqliteStore| store.held_deletes(&object.name).unwrap();
    let report = |outcome: &str, held: u64| {
        format!(r#"{{"objects": [{{"object": "account", "outcome": "{outcome}", "held_deletes": {held}}}]}}"#)
    };
    store.begin_run("first", KEEP).unwrap();
    let state = ObjectState { last_run: Some("first".into()), ..ObjectState::default() };
    store.finish("first", &object, &state).unwrap();
    store.end_run("first", "pending", &report("pending", 3)).unwrap();
    assert_eq!((held(&store), store.object_states().unwrap()[0].held_deletes), (3, 3));
    for run in 0..120 {
        store.begin_run(&run.to_string(), KEEP).unwrap();
        store.end_run(&run.to_string(), "failed", &report(["failed", "skipped"][run % 2], 0)).unwrap();
    }
    store.begin_run("killed", KEEP).unwrap();
    assert_eq!(held(&store), 3);
    store.end_run("killed", "synced", &report("synced", 0)).unwrap();
    assert_eq!(held(&store), 0);
}
