//! What counts as a change, and what becomes of the values: decisions 1, 2, 9, 10, 18 and 26.

use super::{nothing_to_do, one_account, remote, runs_without_a_write};

use tests::{Json, Scene, json};

#[test]
fn decision_01_a_pull_update_is_no_patch() {
    let (scene, acme) = one_account();
    scene.crm().update("Account", &acme, &[("Location", ""), ("City", "Lyon")]).unwrap();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["update"], 1);
    assert_eq!(scene.rows("SELECT name, location, city FROM account"), [json!(["Acme", null, "Lyon"])]);
}

#[test]
fn decision_02_a_changed_token_with_equal_content_is_no_change() {
    let (scene, acme) = one_account();
    // Moved on both sides: were either token taken for a change, this would be an update or a conflict.
    scene.crm().update("Account", &acme, &[("Name", "Acme")]).unwrap();
    scene.sql("UPDATE account SET name = 'Other'; UPDATE account SET name = 'Acme'");
    nothing_to_do(&scene);
    let again = scene.run().exits(0).object("account");
    assert_eq!(again["requests"]["details"], 0, "the tokens were refreshed");
}

#[test]
fn decision_02_an_older_stamp_is_a_change_too() {
    let scene = Scene::new(&["account"]);
    scene.stop_clock();
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.crm().advance(-3600);
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT city FROM account"), "Lyon");
}

#[test]
fn decision_09_a_local_edit_of_a_read_only_field_is_put_back_and_counted() {
    let scene = Scene::new(&["opportunity"]);
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE opportunity SET number = 'mine'");
    let report = scene.run().exits(0).object("opportunity");
    assert_eq!((&report["differences"], &report["issues"]), (&json!(1), &json!(0)));
    let number = scene.crm().get("Opportunity", &deal).unwrap()["Opportunity Number"].clone();
    assert_eq!(scene.value("SELECT number FROM opportunity"), json!(number));
    nothing_to_do(&scene);
}

#[test]
fn decision_09_a_local_edit_of_a_create_only_field_is_put_back_and_counted() {
    let scene = Scene::new(&["activity"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO activity(subject, uid) VALUES('Call', 'U-1')");
    scene.run().exits(0);
    assert_eq!(scene.crm().list("Action")[0]["Activity UID"], "U-1");
    scene.sql("UPDATE activity SET uid = 'U-2', notes = 'soon'");
    let report = scene.run().exits(0).object("activity");
    assert_eq!((&report["push"]["update"], &report["differences"]), (&json!(1), &json!(1)));
    assert_eq!(scene.rows("SELECT uid, notes FROM activity"), [json!(["U-1", "soon"])]);
    assert_eq!(scene.crm().list("Action")[0]["Comment"], "soon");
    nothing_to_do(&scene);
}

#[test]
fn decision_10_what_was_pulled_is_no_local_change() {
    let (scene, acme) = one_account();
    nothing_to_do(&scene);
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    scene.run().exits(0);
    nothing_to_do(&scene);
}

#[test]
fn decision_10_what_a_trigger_makes_of_a_pulled_record_is_sent_once() {
    let (scene, acme) = one_account();
    scene.sql(
        "CREATE TRIGGER mine AFTER UPDATE OF phone ON account
         BEGIN UPDATE account SET phone = replace(NEW.phone, ' ', '') WHERE id = NEW.id; END",
    );
    for number in ["1 2", "1 3"] {
        scene.crm().update("Account", &acme, &[("Main Phone Number", number)]).unwrap();
        assert_eq!(scene.run().exits(0).object("account")["pull"]["update"], 1);
        assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
        assert_eq!(remote(&scene, &acme, "Main Phone Number"), number.replace(' ', ""));
        nothing_to_do(&scene);
    }
}

#[test]
fn decision_10_what_a_trigger_writes_beside_a_pulled_record_is_no_local_change() {
    let (scene, acme) = one_account();
    scene.sql(
        "ALTER TABLE account ADD COLUMN seen;
         CREATE TRIGGER mine AFTER UPDATE OF city ON account
         BEGIN UPDATE account SET seen = 1 WHERE id = NEW.id; END",
    );
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    scene.run().exits(0);
    nothing_to_do(&scene);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_touched"), 0);
}

#[test]
fn decision_18_the_same_edit_on_both_sides_is_no_conflict() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET revenue = '10.50'");
    scene.crm().update("Account", &acme, &[("Annual Revenue", "10.5")]).unwrap();
    nothing_to_do(&scene);
    // The baseline knows the new value: an edit of one side is an update.
    scene.sql("UPDATE account SET revenue = '11'");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
}

#[test]
fn decision_26_an_empty_text_is_null() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET fax = ''");
    nothing_to_do(&scene);
    scene.sql("UPDATE account SET location = ''");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
    assert_eq!(remote(&scene, &acme, "Location"), "");
    nothing_to_do(&scene);
}

#[test]
fn decision_26_decimals_are_canonical() {
    let (scene, acme) = one_account();
    for (typed, sent) in [("10.50", "10.5"), ("-3.00", "-3"), ("0.00", "0"), ("007", "7")] {
        scene.sql(&format!("UPDATE account SET revenue = '{typed}'"));
        scene.run().exits(0);
        assert_eq!(remote(&scene, &acme, "Annual Revenue"), sent);
        nothing_to_do(&scene);
    }
}

#[test]
fn decision_26_the_length_of_a_text_is_counted_in_characters() {
    let (scene, acme) = one_account();
    let fits = "é".repeat(50);
    scene.sql(&format!("UPDATE account SET location = '{fits}'"));
    scene.run().exits(0);
    assert_eq!(remote(&scene, &acme, "Location"), fits);
    scene.sql(&format!("UPDATE account SET location = '{fits}é'"));
    runs_without_a_write(&scene, 3);
    let message = scene.issues()[0]["message"].clone();
    assert_eq!(message, "location has 51 characters, the field holds 50; correct it in the local store");
    scene.sql("UPDATE account SET location = 'Oslo', revenue = 'a lot'");
    runs_without_a_write(&scene, 3);
    let message = scene.issues()[0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("revenue does not read as decimal"), "{message}");
}

#[test]
fn decision_26_a_required_field_that_is_empty_is_an_issue_before_anything_is_sent() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET name = ''; INSERT INTO account(location) VALUES('Oslo')");
    runs_without_a_write(&scene, 3);
    let issues = scene.issues();
    let mut operations: Vec<&Json> = issues.iter().map(|issue| &issue["operation"]).collect();
    operations.sort_by_key(|operation| operation.to_string());
    assert_eq!(operations, [&json!("push-insert"), &json!("push-update")]);
    assert_eq!(remote(&scene, &acme, "Name"), "Acme");
}

/// What the server took off a text is no edit of anybody there.
#[test]
fn decision_09_a_text_that_the_server_trimmed_stands_against_no_local_change() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET phone = '1 '");
    assert_eq!(scene.run().exits(0).object("account")["differences"], 1);
    // Saved there once more, as it was.
    scene.crm().update("Account", &acme, &[]).unwrap();
    scene.sql("UPDATE account SET fax = '2'");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
    assert_eq!(scene.crm().get("Account", &acme).unwrap()["Main Fax Number"], "2");
    scene.crm().update("Account", &acme, &[]).unwrap();
    scene.sql("DELETE FROM account");
    assert_eq!(scene.run().exits(0).object("account")["push"]["delete"], 1);
}
