//! Which record is which, and which version of it: decisions 3, 4, 5 and 14.

use super::{nothing_to_do, one_account, remote, runs_without_a_write};
use crm::{Action, Clock, Fault, Request};
use tests::{Scene, hostile_plugin, json};

#[test]
fn decision_03_a_second_edit_within_the_same_second_is_seen() {
    let scene = Scene::new(&["account"]);
    scene.stop_clock();
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT city FROM account"), "Lyon");
}

/// A synchronized account of an endpoint without version numbers, whose clock stands.
fn without_versions() -> (Scene, String) {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("versionless"));
    scene.stop_clock();
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    (scene, acme)
}

#[test]
fn decision_03_without_versions_a_second_edit_within_the_same_second_is_seen() {
    let (scene, acme) = without_versions();
    scene.crm().update("Account", &acme, &[("Location", "Lyon")]).unwrap();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["update"], 1);
    assert_eq!(scene.value("SELECT location FROM account"), "Lyon");
    nothing_to_do(&scene);
}

#[test]
fn decision_03_without_versions_an_edit_in_the_second_of_our_own_write_is_seen() {
    let (scene, acme) = without_versions();
    scene.sql("UPDATE account SET name = 'Acme & Co'");
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Location", "Lyon")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name, location FROM account"), [json!(["Acme & Co", "Lyon"])]);
    assert_eq!(remote(&scene, &acme, "Name"), "Acme & Co");
}

#[test]
fn decision_03_without_versions_only_the_newest_records_are_read_again() {
    let (scene, acme) = without_versions();
    scene.crm().set_clock(Clock::at("05/06/2024 07:08:11").unwrap());
    scene.crm().insert("Account", &[("Name", "Newer")]).unwrap();
    scene.run().exits(0);
    scene.forget_requests();
    assert_eq!(scene.run().exits(0).object("account")["requests"]["details"], 1);
    assert!(!scene.requests("GET").iter().any(|request| request.decoded.contains(&acme)));
}

#[test]
fn decision_04_more_than_one_match_is_an_issue() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    for _ in 0..2 {
        scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    }
    scene.sql("INSERT INTO account(name) VALUES('Acme')");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 1, "neither twin is pulled beside it");
    assert_eq!(scene.issues().len(), 1);
}

#[test]
fn decision_04_of_many_new_records_each_twin_is_an_issue_wherever_it_stands() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    // Twins next to each other, and far apart; the names of the last are all one.
    scene.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
         INSERT INTO account(name) SELECT CASE WHEN i > 380 THEN 'A' ELSE 'A' || ((i % 370) / 2) END FROM n",
    );
    let report = scene.run().exits(3).object("account");
    let mut names: Vec<String> = scene.crm().list("Account").iter().map(|it| it["Name"].clone()).collect();
    assert_eq!((&report["push"]["insert"], names.len()), (&json!(names.len()), names.len()));
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), &report["issues"]), (186, &json!(400 - 186)));
    let firsts = scene.value(
        "SELECT count(*) FROM account a WHERE id = (SELECT min(id) FROM account b WHERE b.name = a.name) \
         AND id IN (SELECT local_id FROM _sync_baseline)",
    );
    assert_eq!(firsts, 186, "of each the first was inserted");
}

#[test]
fn decision_04_names_that_a_server_may_take_for_equal_are_not_looked_up_together() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(name) VALUES('Acme'), ('ACME'), ('Bolt')");
    scene.run().exits(0);
    let second = |request: &&Request| request.decoded.contains("'ACME'");
    let asked = scene.requests("GET").iter().filter(second).map(|it| it.sequence).next().unwrap();
    let written = scene.requests("POST").iter().find(|it| it.body.contains("Acme")).unwrap().sequence;
    assert!(written < asked, "the second is looked up when the first is there");
}

#[test]
fn decision_04_an_equal_match_that_is_linked_already_is_an_issue() {
    let (scene, _) = one_account();
    scene.sql("INSERT INTO account(name, location) VALUES('Acme', 'Paris')");
    let report = runs_without_a_write(&scene, 3).object("account");
    assert_eq!((&report["adopted"], &report["issues"]), (&json!(0), &json!(1)));
}

/// A server may take two records for one by rules of its own, and answer with the one that it has.
#[test]
fn decision_04_an_insert_that_is_answered_with_a_linked_record_is_an_issue() {
    let (scene, acme) = one_account();
    scene.sql("INSERT INTO account(name, location) VALUES('Acme Inc.', 'Paris'), ('Bolt', 'Oslo')");
    let known = Action::Status(200, format!(r#"{{"items":{{"Id":"{acme}"}}}}"#));
    scene.fault(Fault::new("POST", "", known));
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["push"]["insert"], &report["issues"]), (&json!(1), &json!(1)));
    let issue = &scene.issues()[0];
    assert_eq!(issue["code"], "id-taken");
    assert!(issue["message"].as_str().unwrap().contains(&format!("{acme}, which is linked to account 1")));
    assert_eq!(scene.value("SELECT count(*) FROM _sync_baseline"), 2);
    // The record is sent as soon as the remote takes it.
    assert_eq!(scene.run().exits(0).object("account")["push"]["insert"], 1);
    assert_eq!((scene.crm().count("Account"), scene.issues().len()), (3, 0));
}

#[test]
fn decision_05_a_renamed_key_that_hits_another_record_is_an_issue() {
    let (scene, acme) = one_account();
    let bolt = scene.crm().insert("Account", &[("Name", "Bolt"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE account SET name = 'Acme' WHERE name = 'Bolt'");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.issues()[0]["operation"], "push-update");
    assert_eq!(scene.issues()[0]["remote_id"], json!(bolt));
    assert_eq!(
        (remote(&scene, &acme, "Name"), remote(&scene, &bolt, "Name")),
        ("Acme".into(), "Bolt".into())
    );
}

#[test]
fn decision_05_a_renamed_key_without_a_hit_is_an_update() {
    let (scene, acme) = one_account();
    scene.sql("UPDATE account SET name = 'Zeta', location = 'Oslo'");
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["push"], json!({"insert": 0, "update": 1, "delete": 0}));
    assert_eq!((scene.crm().count("Account"), remote(&scene, &acme, "Name")), (1, "Zeta".into()));
}

#[test]
fn decision_14_an_id_that_comes_back_is_another_record() {
    let scene = Scene::new(&["account"]);
    scene.stop_clock();
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.crm().delete("Account", &acme).unwrap();
    scene.crm().advance(60);
    scene.crm().insert_as("Account", &acme, &[("Name", "Bolt")]).unwrap();
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 1, "update": 0, "delete": 1}));
    assert_eq!(scene.rows("SELECT id, name FROM account"), [json!([2, "Bolt"])]);
    nothing_to_do(&scene);
}

/// Names that a careless query would trip over.
const ODD: [&str; 8] = [
    "O'Hara & Sons",
    "The \"Best\"",
    "100% [sic]*?",
    "back\\slash",
    "Ünïcödé ß",
    "株式会社サンプル",
    "عربى 🦀",
    "' OR [Id] > '",
];

#[test]
fn decision_04_user_keys_are_looked_up_whatever_is_in_them() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    let insert =
        |name: &str| scene.store().execute("INSERT INTO account(name, location) VALUES(?1, ?1)", [name]);
    ODD.iter().for_each(|name| assert_eq!(insert(name).unwrap(), 1));
    assert_eq!(scene.run().exits(0).object("account")["push"]["insert"], ODD.len());
    let names: Vec<String> =
        scene.crm().list("Account").iter().map(|record| record["Name"].clone()).collect();
    assert!(ODD.iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
    // A second one of each is a twin: its key is found.
    ODD.iter().for_each(|name| assert_eq!(insert(name).unwrap(), 1));
    runs_without_a_write(&scene, 3);
    assert!(scene.issues().iter().all(|issue| issue["code"] == "user-key-match"));
    assert_eq!((scene.issues().len(), scene.crm().count("Account")), (ODD.len(), ODD.len()));
}

#[test]
fn decision_04_equal_records_are_adopted_whatever_is_in_their_keys() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    for name in ODD {
        scene.crm().insert("Account", &[("Name", name), ("Location", name)]).unwrap();
        scene.store().execute("INSERT INTO account(name, location) VALUES(?1, ?1)", [name]).unwrap();
    }
    let report = runs_without_a_write(&scene, 0).object("account");
    assert_eq!((&report["adopted"], &report["pull"]["insert"]), (&json!(ODD.len()), &json!(0)));
    nothing_to_do(&scene);
}

#[test]
fn decision_04_a_key_with_an_empty_part_gives_way_to_the_next() {
    let (scene, _) = one_account();
    // Without a location, the name alone is the key, and Acme has that name.
    scene.sql("INSERT INTO account(name) VALUES('Acme')");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.issues()[0]["code"], "user-key-match");
    // With one, name and location are, and nobody has both.
    scene.sql("UPDATE account SET location = 'Rome' WHERE id = 2");
    assert_eq!(scene.run().exits(0).object("account")["push"]["insert"], 1);
    // Without a name there is no key at all, whatever the location.
    scene.sql("INSERT INTO account(location) VALUES('Paris')");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.crm().count("Account"), 2);
}

#[test]
fn decision_14_an_id_that_comes_back_in_a_link_points_at_the_record_that_is_there() {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.stop_clock();
    let crm = scene.crm();
    let acme = crm.insert("Account", &[("Name", "Acme")]).unwrap();
    crm.insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    crm.delete("Account", &acme).unwrap();
    crm.advance(60);
    crm.insert_as("Account", &acme, &[("Name", "Another")]).unwrap();
    scene.run().exits(0);
    let linked = "SELECT name FROM account WHERE id = (SELECT account_id FROM opportunity)";
    assert_eq!(scene.rows(linked), [json!(["Another"])]);
    nothing_to_do(&scene);
}

#[test]
fn decision_04_twins_with_blanks_around_their_names_are_twins() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    // The server keeps ` Acme`.
    scene.sql("INSERT INTO account(name) VALUES(' Acme '), (' Acme ')");
    assert_eq!(scene.run().exits(3).object("account")["push"]["insert"], 1);
    assert_eq!((scene.crm().count("Account"), scene.issues().len()), (1, 1));
}

#[test]
fn decision_04_twins_that_differ_in_less_than_the_server_keeps_are_twins() {
    let scene = Scene::new(&["activity"]);
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO activity(type, subject, planned_start) VALUES\
         ('Call', 'Ring', '2026-03-21T10:00:00.200Z'), ('Call', 'Ring', '2026-03-21T10:00:00.700Z')",
    );
    assert_eq!(scene.run().exits(3).object("activity")["push"]["insert"], 1);
    assert_eq!((scene.crm().count("Action"), scene.issues().len()), (1, 1));
}

#[test]
fn decision_04_the_twin_of_a_record_of_unknown_fate_is_not_sent() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(name, fax) VALUES('Acme', '1'), ('Acme', '2')");
    scene.fault(Fault::new("POST", "", Action::Status(200, "{}".into())));
    scene.run().exits(3);
    assert_eq!(scene.requests("POST").len(), 1, "the first one alone");
    let codes: Vec<_> = scene.issues().iter().map(|issue| issue["code"].clone()).collect();
    assert_eq!(codes, ["fate-unknown", "waits-for-twin"]);
    scene.run().exits(3);
    assert_eq!(scene.crm().list("Account")[0]["Main Fax Number"], "1");
    assert_eq!((scene.crm().count("Account"), scene.issues().len()), (1, 1));
    assert_eq!(scene.issues()[0]["code"], "user-key-match");
}

#[test]
fn decision_05_a_renamed_key_that_the_server_would_trim_is_looked_up_as_it_keeps_it() {
    let (scene, _) = one_account();
    let bolt = scene.crm().insert("Account", &[("Name", "Bolt"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE account SET name = 'Acme ' WHERE name = 'Bolt'");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.issues()[0]["code"], "user-key-taken");
    assert_eq!(remote(&scene, &bolt, "Name"), "Bolt");
}

#[test]
fn decision_05_a_key_that_loses_a_part_is_another_key() {
    let (scene, acme) = one_account();
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE account SET location = NULL WHERE location = 'Paris'");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.issues()[0]["code"], "user-key-taken");
    assert_eq!(remote(&scene, &acme, "Location"), "Paris");
}

#[test]
fn decision_14_an_id_that_comes_back_after_the_listing_does_not_overwrite_the_record() {
    let scene = Scene::new(&["account"]);
    scene.stop_clock();
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    let mut other = scene.crm().get("Account", &acme).unwrap();
    other.insert("Name".into(), "Bolt".into());
    other.insert("Created".into(), "05/06/2024 09:00:00".into());
    let details = json!({"items": [other]}).to_string();
    scene.fault(Fault::new("GET", "Main Phone Number", Action::Status(200, details)));
    assert_eq!(scene.run().object("account")["pull"]["update"], 0);
    assert_eq!(scene.rows("SELECT name, city FROM account"), [json!(["Acme", null])]);
    // It was none: the next run reads what is there.
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT id, name, city FROM account"), [json!([1, "Acme", "Lyon"])]);
}
