//! What happens between the compare and the write, and right after it: decisions 6, 7 and 8.

use super::{accounts, nothing_to_do, one_account, remote, runs_without_a_write};
use crm::{Action, Change, Fault};
use tests::{Scene, json};

#[test]
fn decision_06_a_version_that_cannot_be_determined_fails_closed() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET fax = '1'");
    scene.fault(Fault::new("GET", &acme, Action::Garbage).always());
    scene.forget_requests();
    let code = scene.run().code;
    assert!(code == 1 || code == 3, "it says so: {code}");
    assert_eq!(scene.writes(), [""; 0]);
    scene.server.as_ref().unwrap().clear_faults();
    scene.run().exits(0);
    assert_eq!(remote(&scene, &acme, "Main Fax Number"), "1");
}

#[test]
fn decision_06_a_record_that_went_after_the_compare_is_not_created_anew() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET fax = '1'");
    // A PUT to an id that is gone would create a record.
    scene.fault(Fault::new("GET", &acme, Action::Before(Change::delete("Account", &acme))));
    runs_without_a_write(&scene, 3);
    assert_eq!((scene.crm().count("Account"), scene.issues().len()), (0, 1));
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.conflicts()[0]["kind"], "update/delete");
}

#[test]
fn decision_06_a_record_that_is_back_before_its_delete_is_sent_is_an_issue() {
    let (scene, ids) = accounts(3);
    // Somebody brings one back as soon as the run sends the update.
    scene.sql(
        "UPDATE account SET fax = '1' WHERE name = 'A0';
         DELETE FROM account WHERE name <> 'A0';
         CREATE TRIGGER meanwhile AFTER INSERT ON _sync_journal WHEN NEW.operation = 'push-update'
         BEGIN INSERT INTO account(id, name) VALUES(2, 'A1'); END",
    );
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["push"]["delete"], &report["issues"]), (&json!(1), &json!(1)));
    let issue = &scene.issues()[0];
    assert_eq!((&issue["operation"], &issue["code"]), (&json!("push-delete"), &json!("moved")));
    assert_eq!(issue["remote_id"], ids[1]);
    assert_eq!(remote(&scene, &ids[1], "Name"), "A1");
    nothing_to_do(&scene);
    assert_eq!(scene.crm().count("Account"), 2);
}

#[test]
fn decision_07_the_version_is_read_right_before_the_write() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET fax = '1'");
    scene.forget_requests();
    scene.run().exits(0);
    let requests = scene.server.as_ref().unwrap().requests();
    let put = requests.iter().position(|it| it.method == "PUT").unwrap();
    assert!(requests[put - 1].method == "GET" && requests[put - 1].decoded.contains(&acme));
    assert!(requests[put + 1].method == "GET" && requests[put + 1].decoded.contains(&acme));
}

#[test]
fn decision_08_an_edit_right_after_our_update_is_pulled_and_no_conflict() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET phone = '1'");
    let change = Change::update("Account", "", &[("Main Fax Number", "9")]);
    scene.fault(Fault::new("PUT", "", Action::After(change)));
    scene.run().exits(0);
    let report = runs_without_a_write(&scene, 0).object("account");
    assert_eq!((&report["pull"]["update"], &report["conflicts"]), (&json!(1), &json!(0)));
    assert_eq!(scene.rows("SELECT phone, fax FROM account"), [json!(["1", "9"])]);
    assert_eq!(remote(&scene, &acme, "Main Phone Number"), "1");
}

#[test]
fn decision_08_an_edit_of_the_same_field_right_after_our_update_is_pulled_too() {
    let (scene, _) = one_account();
    scene.sql("UPDATE account SET phone = '1'");
    let change = Change::update("Account", "", &[("Main Phone Number", "9")]);
    scene.fault(Fault::new("PUT", "", Action::After(change)));
    scene.run();
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.value("SELECT phone FROM account"), "9");
}

#[test]
fn decision_08_an_edit_right_after_our_insert_is_pulled_and_no_conflict() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(name) VALUES('Acme')");
    let change = Change::update("Account", "", &[("Main Fax Number", "9")]);
    scene.fault(Fault::new("POST", "", Action::After(change)));
    scene.run().exits(0);
    let report = runs_without_a_write(&scene, 0).object("account");
    assert_eq!((&report["pull"]["insert"], &report["conflicts"]), (&json!(0), &json!(0)));
    assert_eq!(scene.rows("SELECT name, fax FROM account"), [json!(["Acme", "9"])]);
}

#[test]
fn decision_07_a_write_that_the_server_puts_off_is_checked_again() {
    for method in ["PUT", "DELETE"] {
        let (scene, acme) = one_account();
        let edit = if method == "PUT" { "UPDATE account SET fax = '1'" } else { "DELETE FROM account" };
        scene.sql(edit);
        let busy = Action::Status(429, "{}".into());
        scene.fault(Fault::new(method, "", Action::Header("Retry-After".into(), "0".into())));
        let theirs = Change::update("Account", &acme, &[("Main Fax Number", "9")]);
        scene.fault(Fault::new(method, "", Action::Before(theirs)));
        scene.fault(Fault::new(method, "", busy));
        scene.forget_requests();
        scene.run().exits(3);
        assert_eq!(scene.writes(), [method], "once");
        assert_eq!(scene.issues()[0]["code"], "moved");
        assert_eq!(remote(&scene, &acme, "Main Fax Number"), "9");
    }
}
