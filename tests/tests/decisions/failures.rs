//! What fails, how far it reaches, and who else may run: decisions 20, 21, 22 and 25.

use super::{accounts, nothing_to_do, one_account, remote, runs_without_a_write};
use crm::{Action, Fault};
use tests::{Json, Scene, hostile_plugin, json};

#[test]
fn decision_20_an_issue_that_persists_is_one_entry_and_one_that_succeeds_disappears() {
    let (scene, acme) = one_account();
    scene.sql(&format!("UPDATE account SET location = '{}'", "x".repeat(51)));
    for attempts in 1..=3 {
        scene.run().exits(3);
        let issues = scene.issues();
        assert_eq!((issues.len(), &issues[0]["attempts"]), (1, &json!(attempts)));
    }
    scene.sql("UPDATE account SET location = 'Oslo'");
    scene.run().exits(0);
    assert!(scene.issues().is_empty());
    assert_eq!(remote(&scene, &acme, "Location"), "Oslo");
}

#[test]
fn decision_21_a_plugin_that_traps_on_one_record_is_an_issue_for_it() {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("panics"));
    for name in ["A", "panic", "B"] {
        scene.crm().insert("Account", &[("Name", name)]).unwrap();
    }
    let report = runs_without_a_write(&scene, 3).object("account");
    assert_eq!((&report["pull"]["insert"], &report["issues"]), (&json!(2), &json!(1)));
    assert_eq!(scene.rows("SELECT name FROM account ORDER BY name"), [json!(["A"]), json!(["B"])]);
    assert_eq!(scene.issues()[0]["operation"], "pull-insert");
}

#[test]
fn decision_22_the_failure_of_one_record_does_not_stop_the_others() {
    let (scene, ids) = accounts(3);
    scene.sql("UPDATE account SET fax = '1'");
    let refusal = Action::Status(406, "{\"ERROR\": \"SBL-EXL-00151: no\"}".into());
    scene.fault(Fault::new("PUT", &ids[1], refusal));
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["push"]["update"], &report["issues"]), (&json!(2), &json!(1)));
    assert_eq!(scene.issues()[0]["remote_id"], json!(ids[1]));
    scene.run().exits(0);
    assert_eq!(remote(&scene, &ids[1], "Main Fax Number"), "1");
}

/// The issues as `operation code`.
fn issue_codes(scene: &Scene) -> Vec<String> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    scene.issues().iter().map(|it| format!("{} {}", text(&it["operation"]), text(&it["code"]))).collect()
}

#[test]
fn decision_22_a_pulled_record_that_the_table_refuses_does_not_stop_the_others() {
    let (scene, ids) = accounts(3);
    scene.sql(
        "CREATE UNIQUE INDEX one_phone ON account(phone); UPDATE account SET phone = '1' WHERE name = 'A0'",
    );
    scene.run().exits(0);
    scene.crm().insert("Account", &[("Name", "New"), ("Main Phone Number", "1")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Newer"), ("Main Phone Number", "4")]).unwrap();
    scene.crm().update("Account", &ids[1], &[("Main Phone Number", "1")]).unwrap();
    scene.crm().update("Account", &ids[2], &[("Main Phone Number", "3")]).unwrap();
    for attempt in 1..=2 {
        let report = runs_without_a_write(&scene, 3).object("account");
        let pulled = if attempt == 1 { 1 } else { 0 };
        assert_eq!(report["pull"], json!({"insert": pulled, "update": pulled, "delete": 0}));
        assert_eq!(issue_codes(&scene), ["pull-insert local-refused", "pull-update local-refused"]);
        assert_eq!(scene.issues()[0]["attempts"], attempt);
    }
    let message = scene.issues()[0]["message"].clone();
    assert!(message.as_str().unwrap().starts_with("UNIQUE constraint failed: account.phone"), "{message}");
    scene.sql("DROP INDEX one_phone");
    scene.run().exits(0);
    assert_eq!(
        scene.rows("SELECT phone FROM account ORDER BY name"),
        ["1", "1", "3", "1", "4"].map(|it| json!([it]))
    );
    nothing_to_do(&scene);
}

#[test]
fn decision_22_a_delete_that_the_table_refuses_does_not_stop_the_others() {
    let (scene, ids) = accounts(4);
    scene.sql(
        "CREATE TRIGGER mine BEFORE DELETE ON account WHEN OLD.name = 'A0' \
         BEGIN SELECT RAISE(ROLLBACK, 'A0 stays'); END",
    );
    for id in &ids[..2] {
        scene.crm().delete("Account", id).unwrap();
    }
    let report = runs_without_a_write(&scene, 3).object("account");
    assert_eq!(report["pull"]["delete"], 1);
    assert_eq!(issue_codes(&scene), ["pull-delete local-refused"]);
    assert!(scene.issues()[0]["message"].as_str().unwrap().starts_with("A0 stays"));
    scene.sql("DROP TRIGGER mine");
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 2);
}

#[test]
fn decision_22_a_pushed_record_whose_answer_the_table_refuses_is_linked_all_the_same() {
    let scene = Scene::new(&["opportunity"]);
    scene.run().exits(0);
    let refuse = "CREATE TRIGGER mine BEFORE UPDATE OF number ON opportunity \
                  WHEN NEW.number IS NOT NULL BEGIN SELECT RAISE(ABORT, 'no numbers'); END";
    scene.sql(&format!("{refuse}; INSERT INTO opportunity(name) VALUES('Deal'), ('Other')"));
    assert_eq!(scene.run().exits(3).object("opportunity")["push"]["insert"], 2);
    assert_eq!(issue_codes(&scene), ["push-insert local-refused", "push-insert local-refused"]);
    assert_eq!(scene.crm().count("Opportunity"), 2);
    // It is tried again, without another write; an edit goes its way meanwhile.
    runs_without_a_write(&scene, 3);
    assert_eq!(issue_codes(&scene), ["push-update local-refused", "push-update local-refused"]);
    scene.sql("UPDATE opportunity SET stage = 'Won' WHERE name = 'Deal'");
    scene.run().exits(3);
    let deal = scene.crm().list("Opportunity").into_iter().find(|record| record["Name"] == "Deal").unwrap();
    assert_eq!(deal["Sales Stage"], "Won");
    scene.sql("DROP TRIGGER mine");
    runs_without_a_write(&scene, 0);
    let numbers = "SELECT count(*) FROM opportunity WHERE number IS NOT NULL";
    assert_eq!((scene.value(numbers), scene.crm().count("Opportunity")), (json!(2), 2));
    nothing_to_do(&scene);
}

#[test]
fn decision_22_a_link_that_the_table_does_not_let_go_is_an_issue_of_its_record() {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    scene.sql(
        "CREATE TRIGGER mine BEFORE UPDATE OF account_id ON opportunity \
         WHEN NEW.account_id IS NULL BEGIN SELECT RAISE(ABORT, 'whose is it'); END",
    );
    scene.crm().delete("Account", &acme).unwrap();
    runs_without_a_write(&scene, 3);
    assert_eq!(issue_codes(&scene), ["pull-update local-refused"]);
    // From then on it is a link to a record that does not exist, as if a person had made it.
    runs_without_a_write(&scene, 3);
    assert_eq!(issue_codes(&scene), ["push-update dangling-link"]);
    scene.sql("DROP TRIGGER mine; UPDATE opportunity SET account_id = NULL");
    scene.run().exits(0);
}

#[test]
fn decision_22_a_login_that_fails_stops_the_run_with_one_sentence() {
    let (scene, _) = one_account();
    std::fs::write(scene.path("password"), "wrong\n").unwrap();
    let run = scene.run().exits(1);
    let report = run.json();
    assert_eq!(report["outcome"], "failed");
    let error = report["error"].as_str().expect("the document says so at the top");
    assert!(error.contains("401") && error.lines().count() == 1, "{error}");
    assert!(!run.err.contains("wrong") && !run.out.contains("wrong"), "the password is nobody's business");
}

#[test]
fn decision_22_a_server_that_is_not_there_stops_the_object_or_the_run() {
    let (scene, _) = one_account();
    scene.fault(Fault::new("", "", Action::DropBefore).always());
    let report = scene.run().exits(1).json();
    assert_eq!(report["outcome"], "failed");
    // It may stop the object or the run; either says so, in one sentence.
    let errors = [&report["error"], &report["objects"][0]["error"]];
    let error = errors.iter().find_map(|error| error.as_str()).expect("it says why");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert_eq!(scene.value("SELECT count(*) FROM account"), 1);
}

#[test]
fn decision_25_one_run_at_a_time_on_a_store() {
    let (scene, _) = one_account();
    let lock = std::fs::File::create(scene.path("crm.db.lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(scene.path("crm.db.lock"), "4711\n").unwrap();
    let run = scene.run().exits(1);
    assert!(run.err.contains("4711"), "it says which process holds the lock: {}", run.err);
    scene.host(&["plan"]).exits(0);
    drop(lock);
    scene.run().exits(0);
}
