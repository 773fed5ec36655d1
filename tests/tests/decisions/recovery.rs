//! Writes whose fate is unknown: decision 15.

use super::{nothing_to_do, runs_without_a_write};
use crm::{Action, Fault};
use tests::{Scene, json};

#[test]
fn decision_15_an_insert_whose_answer_is_lost_is_not_repeated() {
    for action in [Action::DropAfter, Action::TruncateBody, Action::StatusAfter(502, "{}".into())] {
        let scene = Scene::new(&["account"]);
        scene.run().exits(0);
        scene.sql("INSERT INTO account(name) VALUES('Acme')");
        scene.fault(Fault::new("POST", "", action.clone()));
        scene.run().exits(0);
        assert_eq!(scene.crm().count("Account"), 1, "{action:?}");
        assert_eq!(scene.value("SELECT count(*) FROM _sync_baseline"), 1);
        nothing_to_do(&scene);
    }
}

#[test]
fn decision_15_an_insert_that_did_not_happen_is_repeated() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(name) VALUES('Acme')");
    scene.fault(Fault::new("POST", "", Action::DropBefore));
    scene.run().exits(0);
    assert_eq!(scene.crm().count("Account"), 1);
    nothing_to_do(&scene);
}

#[test]
fn decision_15_an_insert_that_is_done_and_not_yet_to_be_seen_is_not_repeated() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(name) VALUES('Acme')");
    scene.fault(Fault::new("POST", "", Action::StatusAfter(202, "{}".into())));
    let nothing = r#"{"ERROR":"There is no data for the requested resource"}"#;
    scene.fault(Fault::new("GET", "'Acme'", Action::Status(404, nothing.into())).skip(1).always());
    scene.run().exits(3);
    scene.server.as_ref().unwrap().clear_faults();
    assert_eq!(scene.crm().count("Account"), 1);
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_baseline"), 1);
    nothing_to_do(&scene);
}

/// A new account whose insert happened without any answer, then or to the question what came of it.
fn an_insert_of_unknown_fate() -> Scene {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(name) VALUES('Acme')");
    scene.fault(Fault::new("POST", "", Action::DropAfter));
    // Count, keys and the user-key query before the insert are answered; a request for the count may be spared.
    scene.fault(Fault::new("GET", "'Acme'", Action::DropBefore).skip(1).always());
    let code = scene.run().code;
    assert!(code == 1 || code == 3, "it says so: {code}");
    scene.server.as_ref().unwrap().clear_faults();
    assert_eq!(scene.crm().count("Account"), 1);
    scene
}

#[test]
fn decision_15_an_insert_of_unknown_fate_is_linked_by_the_next_run() {
    let scene = an_insert_of_unknown_fate();
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.rows("SELECT id, name FROM account"), [json!([1, "Acme"])]);
    assert!(scene.issues().is_empty());
    nothing_to_do(&scene);
}

#[test]
fn decision_15_an_edit_since_is_pushed_to_the_record_that_was_inserted() {
    let scene = an_insert_of_unknown_fate();
    scene.sql("UPDATE account SET name = 'Bolt'");
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["push"], json!({"insert": 0, "update": 1, "delete": 0}));
    assert_eq!(scene.crm().list("Account")[0]["Name"], "Bolt");
    assert_eq!(scene.crm().count("Account"), 1);
}

#[test]
fn decision_15_a_delete_since_is_pushed_to_the_record_that_was_inserted() {
    let scene = an_insert_of_unknown_fate();
    scene.sql("DELETE FROM account");
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["push"], json!({"insert": 0, "update": 0, "delete": 1}));
    assert_eq!(scene.crm().count("Account"), 0);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 0);
}

#[test]
fn decision_15_a_record_of_that_key_with_another_content_is_an_issue() {
    let scene = an_insert_of_unknown_fate();
    let id = scene.crm().list("Account")[0]["Id"].clone();
    scene.crm().update("Account", &id, &[("City", "Oslo")]).unwrap();
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.issues().len(), 1);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 1);
}

#[test]
fn decision_15_a_record_that_was_deleted_since_is_not_pulled_back_as_long_as_it_may_be_its_own() {
    let scene = an_insert_of_unknown_fate();
    let id = scene.crm().list("Account")[0]["Id"].clone();
    scene.crm().update("Account", &id, &[("City", "Oslo")]).unwrap();
    scene.sql("DELETE FROM account");
    for _ in 0..2 {
        runs_without_a_write(&scene, 3);
        assert_eq!(scene.issues()[0]["code"], "user-key-match");
        assert_eq!(scene.value("SELECT count(*) FROM account"), 0);
    }
    // It is another one: it has another name.
    scene.crm().update("Account", &id, &[("Name", "Bolt")]).unwrap();
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Bolt"])]);
    assert!(scene.issues().is_empty());
    nothing_to_do(&scene);
}

#[test]
fn decision_15_a_push_that_is_stopped_midway_leaves_nothing_open() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
         INSERT INTO account(name) SELECT 'A' || i FROM n",
    );
    let refusal = Action::Status(401, "{}".into());
    scene.fault(Fault::new("POST", "", refusal).skip(70).always());
    scene.run().exits(1);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_journal"), 0, "what was not sent is known to be so");
    assert_eq!(scene.crm().list("Account").len(), 70);
    scene.clear_faults();
    assert_eq!(scene.run().exits(0).object("account")["push"]["insert"], 330);
    assert_eq!(scene.crm().list("Account").len(), 400);
    nothing_to_do(&scene);
}

#[test]
fn decision_15_a_record_that_was_renamed_since_is_not_inserted_beside_the_one_that_may_be_its_own() {
    let scene = an_insert_of_unknown_fate();
    let id = scene.crm().list("Account")[0]["Id"].clone();
    scene.crm().update("Account", &id, &[("City", "Oslo")]).unwrap();
    scene.sql("UPDATE account SET name = 'Bolt'");
    for _ in 0..2 {
        runs_without_a_write(&scene, 3);
        assert_eq!(scene.issues().len(), 1);
        assert_eq!(scene.issues()[0]["code"], "user-key-match");
        assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Bolt"])], "nor is that one pulled");
    }
    scene.sql("UPDATE account SET name = 'Acme', city = 'Oslo'");
    runs_without_a_write(&scene, 0);
    assert!(scene.issues().is_empty());
    nothing_to_do(&scene);
}

#[test]
fn decision_15_what_cannot_be_looked_up_is_neither_sent_again_nor_pulled() {
    let edits =
        ["UPDATE account SET name = 'Bolt'", "UPDATE account SET city = 'Oslo'", "DELETE FROM account"];
    for edit in edits {
        let scene = an_insert_of_unknown_fate();
        scene.sql(edit);
        let before = scene.rows("SELECT name, city FROM account");
        scene.fault(Fault::new("GET", "'Acme'", Action::Status(406, "{}".into())).always());
        runs_without_a_write(&scene, 3);
        assert_eq!(scene.issues()[0]["code"], "fate-unknown");
        assert_eq!(scene.rows("SELECT name, city FROM account"), before);
        scene.clear_faults();
        let report = scene.run().exits(0).object("account");
        assert_eq!(report["push"]["insert"], 0);
        assert_eq!(report["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
        assert_eq!(scene.crm().count("Account"), before.len());
        assert!(scene.issues().is_empty());
        nothing_to_do(&scene);
    }
}
