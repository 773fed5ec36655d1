//! A remote that tells what changed is not listed: a run costs what changed, and everything is listed where that is
//! not enough to know.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Action, Fault};
use tests::{Json, Scene, json};

/// So many accounts, synchronized: the run has listed them, and the next one may trust the feed.
fn synchronized(records: usize) -> Scene {
    let scene = Scene::new(&["account"]);
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text.replace("[remote]\n", "[remote]\nchange-feed = true\n")).unwrap();
    scene.stop_clock();
    for number in 0..records {
        scene.crm().insert("Account", &[("Name", &format!("Account {number}"))]).unwrap();
    }
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], records);
    scene
}

/// An hour goes by on the server, and a record is written. What was stamped in the last minutes before the newest is
/// told again, as its transaction may have been under way: that is only this record now.
fn an_hour_later(scene: &Scene) {
    scene.crm().advance(3_600);
    scene.crm().insert("Account", &[("Name", "Late")]).unwrap();
    scene.run();
}

fn requests(report: &Json) -> u64 {
    report["requests"].as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum()
}

/// Whether the run listed all records.
fn listed(report: &Json, records: usize) -> bool {
    report["requests"]["keys"].as_u64().unwrap() > 1 + records.div_ceil(100) as u64
}

#[test]
fn a_run_with_nothing_to_do_takes_three_requests_however_many_records_there_are() {
    for records in [10, 1_000] {
        let scene = synchronized(records);
        an_hour_later(&scene);
        let report = scene.run().exits(0).object("account");
        assert_eq!(report["counted"], json!({"local": records + 1, "remote": records + 1}));
        assert!(requests(&report) <= 3, "{records} records: {report}");
    }
}

#[test]
fn changes_of_both_sides_and_new_records_come_by_the_feed() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    let first = scene.crm().list("Account").into_iter().next().unwrap();
    scene.crm().update("Account", &first["Id"], &[("Location", "Oslo")]).unwrap();
    scene.crm().insert("Account", &[("Name", "New there")]).unwrap();
    scene.sql("UPDATE account SET location = 'Rome' WHERE name = 'Account 7'");
    scene.sql("INSERT INTO account(name) VALUES ('New here')");
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 1, "update": 1, "delete": 0}));
    assert_eq!(report["push"], json!({"insert": 1, "update": 1, "delete": 0}));
    assert!(!listed(&report, 300), "{report}");
    assert_eq!(scene.value("SELECT location FROM account WHERE name = 'Account 0'"), "Oslo");
    let again = scene.run().exits(0).object("account");
    assert_eq!(again["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
}

#[test]
fn local_edits_of_every_kind_are_seen_without_a_listing() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    scene.sql(
        "UPDATE account SET location = 'Rome' WHERE name = 'Account 7';
         DELETE FROM account WHERE name = 'Account 8';
         INSERT OR REPLACE INTO account(id, name) SELECT id, 'Renamed' FROM account WHERE name = 'Account 9';
         INSERT OR IGNORE INTO account(name) VALUES ('New here');
         UPDATE account SET id = 9000 WHERE name = 'Account 10'",
    );
    let plan = scene.host(&["plan", "--format", "json"]).exits(0).object("account");
    assert_eq!(plan["counted"], json!({"local": 301, "remote": 301}));
    assert_eq!(plan["push"], json!({"insert": 2, "update": 2, "delete": 2}));
    let report = scene.run().object("account");
    assert_eq!(report["counted"], json!({"local": 301, "remote": 301}));
    assert_eq!((&report["push"]["update"], &report["push"]["delete"]), (&json!(2), &json!(2)));
    assert!(!listed(&report, 300), "{report}");
    assert_eq!(
        scene.value("SELECT linked FROM _sync_object WHERE name = 'account'"),
        scene.value("SELECT count(*) FROM _sync_baseline")
    );
}

/// SQLite tells triggers of no record that `INSERT OR REPLACE` deletes because of another than its id.
#[test]
fn a_record_that_is_replaced_behind_the_triggers_back_is_found_gone() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    scene.sql("CREATE UNIQUE INDEX one_name ON account(name)");
    scene.sql("INSERT OR REPLACE INTO account(name) VALUES ('Account 9')");
    let plan = scene.host(&["plan", "--format", "json"]).exits(0).object("account");
    assert_eq!(plan["counted"]["local"], 301);
    assert_eq!((&plan["push"]["insert"], &plan["push"]["delete"]), (&json!(1), &json!(1)));
}

/// The feed tells of no delete: the counts do not add up, and everything is listed.
#[test]
fn a_delete_shows_in_the_counts() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    let all = scene.crm().list("Account");
    scene.crm().delete("Account", &all[5]["Id"]).unwrap();
    // One gone and one new: the count is as before.
    scene.crm().insert("Account", &[("Name", "New there")]).unwrap();
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 1, "update": 0, "delete": 1}));
    assert!(listed(&report, 300), "{report}");
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE name = 'Account 5'"), 0);
}

/// Where there are many records and few of them went, these are found by counting instead of listing.
#[test]
fn a_few_deletes_among_many_records_are_found_without_listing_all() {
    let scene = synchronized(3_000);
    an_hour_later(&scene);
    let all = scene.crm().list("Account");
    for number in [0, 5, 1_234, 2_998, 2_999] {
        scene.crm().delete("Account", &all[number]["Id"]).unwrap();
    }
    scene.crm().insert("Account", &[("Name", "New there")]).unwrap();
    scene.crm().update("Account", &all[7]["Id"], &[("Location", "Oslo")]).unwrap();
    scene.sql("UPDATE account SET location = 'Rome' WHERE name = 'Account 6'");
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 1, "update": 1, "delete": 5}));
    assert_eq!(report["push"], json!({"insert": 0, "update": 1, "delete": 0}));
    assert!(!listed(&report, 3_000), "{report}");
    let gone = "SELECT count(*) FROM account WHERE name IN ('Account 0', 'Account 5', 'Account 1234', 'Account 2999')";
    assert_eq!(scene.value(gone), 0);
    let again = scene.run().exits(0).object("account");
    assert_eq!(again["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
}

/// A record that came into sight without having been updated hides a delete from the counts of all; of their parts, one
/// does not add up, and everything is listed.
#[test]
fn what_does_not_add_up_where_it_is_searched_for_is_listed() {
    let scene = synchronized(3_000);
    let hidden = scene.crm().insert_visible("Account", crm::Visibility::All, &[("Name", "Hidden")]).unwrap();
    an_hour_later(&scene);
    let all = scene.crm().list("Account");
    for number in [3, 4, 1_000] {
        scene.crm().delete("Account", &all[number]["Id"]).unwrap();
    }
    scene.crm().set_visibility("Account", &hidden, crm::Visibility::default()).unwrap();
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 1, "update": 0, "delete": 3}));
    assert!(listed(&report, 3_000), "{report}");
}

#[test]
fn what_failed_is_listed_again_until_it_succeeds() {
    let scene = synchronized(3);
    an_hour_later(&scene);
    scene.sql(
        "CREATE TRIGGER no_oslo BEFORE INSERT ON account WHEN NEW.location = 'Oslo' \
         BEGIN SELECT RAISE(ABORT, 'not here'); END",
    );
    let bad = scene.crm().insert("Account", &[("Name", "Bolt"), ("Location", "Oslo")]).unwrap();
    assert_eq!(scene.run().exits(3).object("account")["issues"], 1);
    let issue = scene.issues()[0]["id"].to_string();
    scene.host(&["issues", "dismiss", &issue]).exits(0);
    // The record has not changed since, and yet it is tried again.
    an_hour_later(&scene);
    assert_eq!(scene.run().exits(3).object("account")["issues"], 1);
    scene.sql("DROP TRIGGER no_oslo");
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
    assert_eq!(scene.value(&format!("SELECT count(*) FROM _sync_baseline WHERE remote_id = '{bad}'")), 1);
}

#[test]
fn another_filter_and_another_mapping_list_everything() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    scene.configure("[objects.account]\nfilter = \"[Name] <> 'Account 3'\"");
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"]["delete"], 1);
    assert_eq!(report["filter_changed"], true);
    // A record that leaves the filter by an edit is missed in the count.
    let all = scene.crm().list("Account");
    let four = all.iter().find(|it| it["Name"] == "Account 4").unwrap();
    an_hour_later(&scene);
    scene.crm().update("Account", &four["Id"], &[("Name", "Account 3")]).unwrap();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["delete"], 1);
}

#[test]
fn everything_is_listed_every_so_many_runs() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text.replace("[remote]\n", "[remote]\nlist-every = 3\n")).unwrap();
    let whole: Vec<bool> = (0..6).map(|_| listed(&scene.run().exits(0).object("account"), 300)).collect();
    assert_eq!(
        whole,
        [false, true, false, false, true, false],
        "one that listed all and one that did not went before"
    );
}

/// A plan asks the feed, too, and leaves the mark as it was.
#[test]
fn a_plan_moves_no_mark() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    let mark = scene.value("SELECT mark FROM _sync_object");
    scene.crm().insert("Account", &[("Name", "New there")]).unwrap();
    let plan = scene.host(&["plan", "--format", "json"]).exits(0).object("account");
    assert_eq!(plan["pull"]["insert"], 1);
    assert_eq!(scene.value("SELECT mark FROM _sync_object"), mark);
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
}

#[test]
fn a_feed_that_fails_stops_the_object_and_loses_nothing() {
    let scene = synchronized(300);
    an_hour_later(&scene);
    scene.crm().insert("Account", &[("Name", "New there")]).unwrap();
    scene.fault(Fault::new("GET", "Account/Account", Action::Status(500, "{}".into())).always());
    scene.run().exits(1);
    scene.server.as_ref().unwrap().clear_faults();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
}
