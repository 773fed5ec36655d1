//! Records that are created anew, and the links to them: decision 19.

use super::{nothing_to_do, resolve};
use crm::{Action, Fault};
use std::time::Duration;
use tests::{Scene, json};

/// A synchronized account with an opportunity and another account under it.
fn family() -> (Scene, String) {
    let scene = Scene::new(&["account", "opportunity"]);
    let crm = scene.crm();
    let acme = crm.insert("Account", &[("Name", "Acme")]).unwrap();
    crm.insert("Account", &[("Name", "Below"), ("Parent Account Id", &acme)]).unwrap();
    crm.insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    (scene, acme)
}

const LINKS: &str = "SELECT (SELECT name FROM account WHERE id = below.parent_id), \
                     (SELECT name FROM account WHERE id = account_id) \
                     FROM account below, opportunity WHERE below.name = 'Below'";

fn account(scene: &Scene, name: &str) -> crm::Fields {
    let mut found = scene.crm().list("Account").into_iter().filter(|record| record["Name"] == name);
    let record = found.next().unwrap_or_else(|| panic!("the remote has no {name}"));
    assert!(found.next().is_none(), "the remote has {name} once");
    record
}

/// Asserts that the links of both sides lead to Acme, and a run finds nothing to do.
fn family_is_whole(scene: &Scene) {
    let acme = account(scene, "Acme")["Id"].clone();
    assert_eq!(account(scene, "Below")["Parent Account Id"], acme);
    assert_eq!(scene.crm().list("Opportunity")[0]["Account Id"], acme);
    assert_eq!(scene.rows(LINKS), [json!(["Acme", "Acme"])]);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 2);
    scene.forget_requests();
    scene.run().exits(0);
    assert_eq!(scene.writes(), [""; 0]);
    assert_eq!(scene.rows(LINKS), [json!(["Acme", "Acme"])]);
}

#[test]
fn decision_19_a_local_edit_is_kept_against_a_remote_delete() {
    let (scene, acme) = family();
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'");
    scene.crm().delete("Account", &acme).unwrap();
    scene.run().exits(3);
    assert_eq!(scene.conflicts()[0]["kind"], "update/delete");
    resolve(&scene, "local");
    let run = scene.run().exits(0);
    assert_eq!(run.object("account")["push"]["insert"], 1);
    let anew = account(&scene, "Acme");
    assert_ne!(anew["Id"], acme);
    assert_eq!(anew["Main Phone Number"], "1");
    assert_eq!(scene.value("SELECT id FROM account WHERE name = 'Acme'"), 1, "it stays where it is here");
    family_is_whole(&scene);
}

#[test]
fn decision_19_the_links_of_children_that_change_meanwhile_follow_too() {
    let (scene, acme) = family();
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'; UPDATE opportunity SET name = 'Big deal'");
    let below = account(&scene, "Below")["Id"].clone();
    scene.crm().update("Account", &below, &[("City", "Lyon")]).unwrap();
    scene.crm().delete("Account", &acme).unwrap();
    scene.host(&["run", "--on-conflict", "keep-local"]).exits(0);
    assert_eq!(scene.crm().list("Opportunity")[0]["Name"], "Big deal");
    assert_eq!(scene.value("SELECT city FROM account WHERE name = 'Below'"), "Lyon");
    family_is_whole(&scene);
}

/// As a server does that deletes records with what they link to.
#[test]
fn decision_19_children_that_were_deleted_there_too_go_and_do_not_follow() {
    let (scene, acme) = family();
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'");
    let deal = scene.crm().list("Opportunity")[0]["Id"].clone();
    scene.crm().delete("Opportunity", &deal).unwrap();
    scene.crm().delete("Account", &acme).unwrap();
    let run = scene.host(&["run", "--on-conflict", "keep-local", "--format", "json"]).exits(0);
    assert_eq!(run.object("opportunity")["pull"]["delete"], 1);
    assert_eq!((scene.value("SELECT count(*) FROM opportunity"), scene.issues().len()), (json!(0), 0));
    nothing_to_do(&scene);
}

#[test]
fn decision_19_a_link_that_somebody_sets_while_its_record_is_asked_for_stays() {
    let (scene, acme) = family();
    let other = scene.crm().insert("Account", &[("Name", "Other")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'");
    let below = account(&scene, "Below")["Id"].clone();
    scene.crm().update("Account", &below, &[("City", "Lyon")]).unwrap();
    scene.crm().delete("Account", &acme).unwrap();
    // Read, pulled, and asked for once more.
    scene.forget_requests();
    scene.fault(Fault::new("GET", &below, Action::Delay(Duration::from_secs(2))).skip(2));
    let asked = || scene.requests("GET").iter().filter(|it| it.decoded.contains(&below)).count();
    std::thread::scope(|threads| {
        let run = threads.spawn(|| scene.host(&["run", "--on-conflict", "keep-local"]));
        while asked() < 3 && !run.is_finished() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(scene.value("SELECT parent_id FROM account WHERE name = 'Below'"), json!(null));
        scene.sql("UPDATE account SET parent_id = (SELECT id FROM account WHERE name = 'Other') WHERE name = 'Below'");
        run.join().unwrap().exits(0);
    });
    scene.run().exits(0);
    assert_eq!(scene.rows(LINKS), [json!(["Other", "Acme"])]);
    assert_eq!(account(&scene, "Below")["Parent Account Id"], other);
    nothing_to_do(&scene);
}

#[test]
fn decision_19_the_links_of_an_object_that_is_not_asked_for_follow_in_its_next_run() {
    let (scene, acme) = family();
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'");
    scene.crm().delete("Account", &acme).unwrap();
    scene.host(&["run", "account", "--on-conflict", "keep-local"]).exits(0);
    assert_eq!(scene.run().exits(0).object("opportunity")["push"]["update"], 1);
    family_is_whole(&scene);
}

#[test]
fn decision_19_a_remote_edit_is_kept_against_a_local_delete() {
    let (scene, acme) = family();
    scene.sql("DELETE FROM account WHERE name = 'Acme'");
    scene.crm().update("Account", &acme, &[("Main Phone Number", "1")]).unwrap();
    scene.run().exits(3);
    assert_eq!(scene.conflicts()[0]["kind"], "delete/update");
    resolve(&scene, "remote");
    scene.forget_requests();
    let run = scene.run().exits(0);
    assert_eq!(run.object("account")["pull"]["insert"], 1);
    assert_eq!(scene.writes(), [""; 0]);
    let anew = scene.rows("SELECT id > 2, phone FROM account WHERE name = 'Acme'");
    assert_eq!(anew, [json!([1, "1"])], "an id never comes back");
    assert_eq!(account(&scene, "Acme")["Id"], acme);
    family_is_whole(&scene);
}

#[test]
fn decision_19_children_with_changes_of_their_own_follow_a_record_that_is_pulled_anew() {
    let (scene, acme) = family();
    scene.sql("DELETE FROM account WHERE name = 'Acme'; UPDATE opportunity SET name = 'Big deal'");
    let below = account(&scene, "Below")["Id"].clone();
    scene.crm().update("Account", &below, &[("City", "Lyon")]).unwrap();
    scene.crm().update("Account", &acme, &[("Main Phone Number", "1")]).unwrap();
    scene.host(&["run", "--on-conflict", "keep-remote"]).exits(0);
    assert_eq!(scene.crm().list("Opportunity")[0]["Name"], "Big deal");
    assert_eq!(scene.value("SELECT city FROM account WHERE name = 'Below'"), "Lyon");
    family_is_whole(&scene);
}

#[test]
fn decision_19_keeping_the_delete_deletes() {
    let (scene, acme) = family();
    scene.sql("DELETE FROM account WHERE name = 'Acme'");
    scene.crm().update("Account", &acme, &[("Main Phone Number", "1")]).unwrap();
    let run = scene.host(&["run", "--on-conflict", "keep-local", "--format", "json"]).exits(0);
    assert_eq!(run.object("account")["push"]["delete"], 1);
    assert!(scene.crm().get("Account", &acme).is_none());
    let (scene, acme) = family();
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'");
    scene.crm().delete("Account", &acme).unwrap();
    let run = scene.host(&["run", "--on-conflict", "keep-remote", "--format", "json"]).exits(0);
    assert_eq!(run.object("account")["pull"]["delete"], 1);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Below"])]);
}

#[test]
fn decision_19_a_record_whose_key_was_taken_meanwhile_is_an_issue() {
    let (scene, acme) = family();
    scene.sql("UPDATE account SET phone = '1' WHERE name = 'Acme'");
    scene.crm().delete("Account", &acme).unwrap();
    scene.crm().insert("Account", &[("Name", "Acme"), ("City", "Rome")]).unwrap();
    scene.host(&["run", "--on-conflict", "keep-local"]).exits(3);
    assert_eq!(scene.crm().count("Account"), 2, "no duplicate");
    assert!(scene.issues().iter().any(|issue| issue["code"] == "user-key-match"));
    assert_eq!(scene.value("SELECT phone FROM account WHERE name = 'Acme'"), "1", "and nothing is lost");
}
