//! What leaves the filter, and what a link needs beyond it: decision 12.

use super::{accounts, nothing_to_do, runs_without_a_write};
use crm::{Action, Fault, Visibility};
use tests::{Scene, json};

/// Puts another text into the metadata.
fn replace(scene: &Scene, old: &str, new: &str) {
    let text = std::fs::read_to_string(scene.config()).unwrap();
    assert!(text.contains(old));
    std::fs::write(scene.config(), text.replace(old, new)).unwrap();
}

/// An account that matches the filter, which is for active ones.
fn one_active_account() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Account Status", "Active")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt"), ("Account Status", "Closed")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Acme"])]);
    (scene, acme)
}

#[test]
fn decision_12_leaving_the_filter_is_no_delete_and_re_entering_it_makes_no_duplicate() {
    let (scene, acme) = one_active_account();
    scene.crm().update("Account", &acme, &[("Account Status", "Closed")]).unwrap();
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 0);
    assert_eq!(scene.crm().count("Account"), 2);
    nothing_to_do(&scene);
    scene.crm().update("Account", &acme, &[("Account Status", "Active")]).unwrap();
    assert_eq!(runs_without_a_write(&scene, 0).object("account")["pull"]["insert"], 1);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 1);
}

#[test]
fn decision_12_leaving_the_filter_with_an_unsent_edit_is_an_issue() {
    let (scene, acme) = one_active_account();
    scene.crm().update("Account", &acme, &[("Account Status", "Closed")]).unwrap();
    scene.sql("UPDATE account SET fax = '1'");
    runs_without_a_write(&scene, 3);
    assert_eq!((scene.issues().len(), scene.conflicts().len()), (1, 0));
    assert_eq!(scene.value("SELECT fax FROM account"), "1");
}

#[test]
fn decision_12_deleted_locally_and_out_of_the_filter_leaves_the_remote_alone() {
    let (scene, acme) = one_active_account();
    scene.crm().update("Account", &acme, &[("Account Status", "Closed")]).unwrap();
    scene.sql("DELETE FROM account");
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_baseline"), 0);
    assert!(scene.crm().get("Account", &acme).is_some());
}

#[test]
fn decision_12_a_new_local_record_is_pushed_though_the_filter_leaves_it_out() {
    let (scene, _) = one_active_account();
    scene.sql("INSERT INTO account(name, status) VALUES('Core', 'Closed')");
    assert_eq!(scene.run().exits(0).object("account")["push"]["insert"], 1);
    assert_eq!(scene.crm().count("Account"), 3);
    // The next run treats it like any other: it is out of the filter, and goes away locally.
    runs_without_a_write(&scene, 0);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Acme"])]);
    assert_eq!(scene.crm().count("Account"), 3);
}

#[test]
fn decision_12_departures_are_not_held_and_a_changed_filter_shows() {
    let (scene, ids) = accounts(10);
    assert_eq!(scene.run().exits(0).object("account")["filter_changed"], false);
    scene.configure("[objects.account]\nfilter = \"[Name] = 'A0'\"");
    let report = runs_without_a_write(&scene, 0).object("account");
    assert_eq!((&report["filter_changed"], &report["held_deletes"]), (&json!(true), &json!(0)));
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["A0"])]);
    assert_eq!(scene.run().exits(0).object("account")["filter_changed"], false);
    replace(&scene, "'A0'", "'A1'");
    assert_eq!(runs_without_a_write(&scene, 0).object("account")["filter_changed"], true);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["A1"])]);
    assert_eq!(scene.crm().count("Account"), ids.len());
}

#[test]
fn decision_12_the_target_of_a_link_is_pulled_though_the_filter_leaves_it_out() {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let crm = scene.crm();
    crm.insert("Account", &[("Name", "Acme"), ("Account Status", "Active")]).unwrap();
    let bolt = crm.insert("Account", &[("Name", "Bolt")]).unwrap();
    crm.insert("Account", &[("Name", "Core")]).unwrap();
    crm.insert("Opportunity", &[("Name", "Deal"), ("Account Id", &bolt)]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name FROM account ORDER BY name"), [json!(["Acme"]), json!(["Bolt"])]);
    let linked = "SELECT a.name FROM opportunity o JOIN account a ON a.id = o.account_id";
    assert_eq!(scene.value(linked), "Bolt");
    // It stands outside the counts, and is neither a departure nor an incomplete listing.
    nothing_to_do(&scene);
    assert_eq!(scene.run().exits(0).object("account")["counted"]["remote"], 1);
    crm.update("Account", &bolt, &[("City", "Oslo")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT city FROM account WHERE name = 'Bolt'"), "Oslo");
}

#[test]
fn decision_12_a_link_to_a_record_that_does_not_exist_is_null_and_not_pushed_back() {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.crm().delete("Account", &acme).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name, account_id FROM opportunity"), [json!(["Deal", null])]);
    nothing_to_do(&scene);
    assert_eq!(scene.crm().get("Opportunity", &deal).unwrap()["Account Id"], acme);
}

#[test]
fn decision_12_a_record_that_a_link_needs_stays_when_it_leaves_the_filter() {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Account Status", "Active")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt"), ("Account Status", "Active")]).unwrap();
    scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Account Status", "Former")]).unwrap();
    scene.run().exits(0);
    let linked = "SELECT a.name FROM opportunity o JOIN account a ON a.id = o.account_id";
    assert_eq!(scene.value(linked), "Acme");
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT status FROM account WHERE name = 'Acme'"), "Former");
}

/// Also where the link comes only as the record leaves: what is here of it alone would be lost.
#[test]
fn decision_12_a_record_that_a_new_link_needs_stays_as_it_leaves_the_filter() {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Account Status", "Active")]).unwrap();
    scene.run().exits(0);
    scene.sql("ALTER TABLE account ADD COLUMN mine; UPDATE account SET mine = 'a note'");
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Account Status", "Former")]).unwrap();
    scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    let linked = "SELECT a.id, a.mine FROM opportunity o JOIN account a ON a.id = o.account_id";
    assert_eq!(scene.rows(linked), [json!([1, "a note"])]);
    scene.run().exits(0);
    assert_eq!(scene.rows(linked), [json!([1, "a note"])]);
    nothing_to_do(&scene);
}

#[test]
fn decision_12_a_link_to_a_deleted_record_becomes_null_and_the_child_can_still_be_edited() {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    scene.crm().delete("Account", &acme).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name, account_id FROM opportunity"), [json!(["Deal", null])]);
    nothing_to_do(&scene);
    scene.sql("UPDATE opportunity SET stage = 'Won'");
    scene.run().exits(0);
    let deal = scene.crm().get("Opportunity", &deal).unwrap();
    assert_eq!((&*deal["Sales Stage"], &*deal["Account Id"]), ("Won", &*acme));
}

#[test]
fn decision_12_a_filter_may_hold_quotes_and_any_unicode() {
    let scene = Scene::new(&["account"]);
    for name in ["O'Hara's", "株式会社 ß", "Other"] {
        scene.crm().insert("Account", &[("Name", name)]).unwrap();
    }
    scene.configure("[objects.account]\nfilter = \"[Name] = 'O''Hara''s' OR [Name] = '株式会社 ß'\"");
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 2);
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE name <> 'Other'"), 2);
    nothing_to_do(&scene);
}

#[test]
fn decision_12_a_record_that_the_listing_leaves_out_has_not_left_the_filter() {
    let (scene, _) = one_active_account();
    scene.crm().insert("Account", &[("Name", "Core"), ("Account Status", "Active")]).unwrap();
    scene.run().exits(0);
    let before = scene.rows("SELECT id, name FROM account ORDER BY id");
    // As if there were nothing: an emptied side is held (decision 23).
    scene.fault(Fault::new("GET", "recordcountneeded", Action::WrongTotal(-2)));
    scene.fault(Fault::new("GET", "sortspec", Action::Status(200, r#"{"items":[]}"#.into())));
    assert_eq!(runs_without_a_write(&scene, 3).object("account")["held_deletes"], 2);
    // Without one of them.
    scene.fault(Fault::new("GET", "recordcountneeded", Action::WrongTotal(-1)));
    let core = scene.crm().get("Account", &scene.crm().list("Account")[2]["Id"]).unwrap();
    let one = serde_json::json!({"items": [core]}).to_string();
    scene.fault(Fault::new("GET", "sortspec", Action::Status(200, one)));
    assert_eq!(scene.run().object("account")["pull"]["delete"], 0);
    assert_eq!(scene.rows("SELECT id, name FROM account ORDER BY id"), before);
    nothing_to_do(&scene);
}

#[test]
fn decision_12_a_record_that_came_back_into_the_filter_leaves_it_like_any_other() {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Account Status", "Active")]).unwrap();
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    for status in ["Former", "Active"] {
        scene.crm().update("Account", &acme, &[("Account Status", status)]).unwrap();
        // The first of them finds that it has to stay.
        scene.run().exits(0);
        scene.run().exits(0);
        assert_eq!(scene.value("SELECT status FROM account"), status);
    }
    scene.crm().delete("Opportunity", &deal).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Account Status", "Former")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 0);
    nothing_to_do(&scene);
}

/// Also where only this side has the record with the link: it could never be sent.
#[test]
fn decision_12_a_new_records_link_to_a_record_that_is_gone_is_null() {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.crm().delete("Account", &acme).unwrap();
    scene.sql("INSERT INTO opportunity(name, account_id) SELECT 'Deal', id FROM account");
    // The link cannot be sent as long as the account's delete has not come.
    scene.run();
    scene.run();
    assert_eq!(scene.rows("SELECT name, account_id FROM opportunity"), [json!(["Deal", null])]);
    assert_eq!((scene.crm().count("Opportunity"), scene.issues().len()), (1, 0));
    nothing_to_do(&scene);
}

/// A link is null as long as its record does not exist, whether that was never here or went.
#[test]
fn decision_12_a_link_is_made_once_its_record_is_there() {
    let scene = Scene::new(&["account", "opportunity"]);
    let crm = scene.crm();
    let acme = crm.insert("Account", &[("Name", "Acme")]).unwrap();
    let later = crm.insert_visible("Account", Visibility::All, &[("Name", "Later")]).unwrap();
    for (name, account) in [("Deal", &acme), ("Early", &later), ("Moved", &later)] {
        crm.insert("Opportunity", &[("Name", name), ("Account Id", account)]).unwrap();
    }
    scene.run().exits(0);
    let links =
        "SELECT o.name, a.name FROM opportunity o LEFT JOIN account a ON a.id = o.account_id ORDER BY o.name";
    assert_eq!(scene.rows(links), [json!(["Deal", "Acme"]), json!(["Early", null]), json!(["Moved", null])]);
    crm.set_visibility("Account", &acme, Visibility::All).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.rows(links)[0], json!(["Deal", null]));
    nothing_to_do(&scene);
    // Somebody links one to another record meanwhile.
    scene.sql("INSERT INTO account(name) VALUES('Bolt')");
    scene.sql("UPDATE opportunity SET account_id = (SELECT id FROM account WHERE name = 'Bolt') WHERE name = 'Moved'");
    scene.run().exits(0);
    crm.set_visibility("Account", &acme, Visibility::SalesRep).unwrap();
    crm.set_visibility("Account", &later, Visibility::SalesRep).unwrap();
    scene.run().exits(0);
    scene.run().exits(0);
    assert_eq!(
        scene.rows(links),
        [json!(["Deal", "Acme"]), json!(["Early", "Later"]), json!(["Moved", "Bolt"])]
    );
    nothing_to_do(&scene);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_unmade"), 0);
}
