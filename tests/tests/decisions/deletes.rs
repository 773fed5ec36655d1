//! Deletes, incomplete listings, and the guard: decisions 11, 13 and 23.

use super::{accounts, nothing_to_do, one_account, runs_without_a_write};
use crm::{Action, Change, Fault, Visibility};
use tests::{Scene, json};

#[test]
fn decision_11_a_local_delete_of_a_changed_record_is_a_conflict() {
    let (scene, acme) = one_account();
    scene.sql("DELETE FROM account");
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    runs_without_a_write(&scene, 3);
    let conflict = &scene.conflicts()[0];
    assert_eq!((&conflict["kind"], &conflict["remote_id"]), (&json!("delete/update"), &json!(acme)));
    assert_eq!(scene.value("SELECT count(*) FROM account"), 0, "it stays pending");
}

#[test]
fn decision_11_a_local_edit_of_a_deleted_record_is_a_conflict() {
    let (scene, acme) = one_account();
    scene.crm().delete("Account", &acme).unwrap();
    scene.sql("UPDATE account SET city = 'Lyon'");
    runs_without_a_write(&scene, 3);
    assert_eq!(scene.conflicts()[0]["kind"], "update/delete");
    assert_eq!(scene.value("SELECT city FROM account"), "Lyon", "it stays pending");
}

#[test]
fn decision_11_a_remote_record_that_goes_right_before_our_delete_is_a_success() {
    let (scene, acme) = one_account();
    scene.sql("DELETE FROM account");
    scene.fault(Fault::new("GET", &acme, Action::Before(Change::delete("Account", &acme))));
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_baseline"), 0);
    nothing_to_do(&scene);
}

#[test]
fn decision_13_an_incomplete_listing_fails_its_object_and_deletes_nothing() {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    scene.run().exits(0);
    scene.crm().insert("Opportunity", &[("Name", "Deal")]).unwrap();
    scene.crm().delete("Account", &acme).unwrap();
    scene.sql("DELETE FROM account WHERE name = 'Bolt'");
    scene.fault(Fault::new("GET", "Account/Account", Action::WrongTotal(1)).always());
    let run = runs_without_a_write(&scene, 1);
    let account = run.object("account");
    assert_eq!(account["outcome"], "failed");
    assert!(account["error"].is_string());
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Acme"])]);
}

#[test]
fn decision_13_the_other_objects_proceed() {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Opportunity", &[("Name", "Deal")]).unwrap();
    scene.fault(Fault::new("GET", "Opportunity/Opportunity", Action::WrongTotal(1)).always());
    let run = scene.run().exits(1);
    assert_eq!(run.object("opportunity")["outcome"], "failed");
    assert_eq!(run.object("account")["outcome"], "synced");
    assert_eq!(scene.value("SELECT count(*) FROM account"), 1);
    assert_eq!(scene.value("SELECT count(*) FROM opportunity"), 0);
}

#[test]
fn decision_13_a_count_that_moved_is_listed_again() {
    let (scene, _) = one_account();
    scene.fault(Fault::new("GET", "recordcountneeded", Action::WrongTotal(1)));
    let report = runs_without_a_write(&scene, 0).object("account");
    assert_eq!(report["outcome"], "synced");
    assert_eq!(report["counted"]["remote"], 1, "the count that the listing agrees with");
}

#[test]
fn decision_13_a_server_that_gives_small_pages_is_listed_whole() {
    for hide in [None, Some(Action::NoTotal)] {
        let scene = Scene::new(&["account"]);
        scene.fault(Fault::new("GET", "", Action::SmallPage(20)).always());
        hide.into_iter().for_each(|hide| scene.fault(Fault::new("GET", "", hide).always()));
        for index in 0..50 {
            scene.crm().insert("Account", &[("Name", &format!("A{index}"))]).unwrap();
        }
        scene.run().exits(0);
        assert_eq!(scene.value("SELECT count(*) FROM account"), 50);
        nothing_to_do(&scene);
        // Lost here, and entered again: each is there already.
        scene.sql("DELETE FROM _sync_baseline");
        assert_eq!(scene.run().exits(0).object("account")["adopted"], 50);
        assert_eq!(scene.crm().count("Account"), 50);
        nothing_to_do(&scene);
    }
}

#[test]
fn decision_13_an_error_on_a_page_fails_the_object() {
    let (scene, acme) = one_account();
    scene.crm().delete("Account", &acme).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    scene.fault(Fault::new("GET", "Account/Account", Action::Status(406, "{}".into())).skip(1).always());
    let report = scene.run().exits(1).object("account");
    assert_eq!(report["outcome"], "failed");
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Acme"])]);
}

#[test]
fn decision_23_mass_deletes_of_the_remote_are_held_until_confirmed() {
    let (scene, ids) = accounts(10);
    for id in &ids[..5] {
        scene.crm().delete("Account", id).unwrap();
    }
    // What is no delete is carried out.
    scene.crm().update("Account", &ids[9], &[("City", "Lyon")]).unwrap();
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["held_deletes"], &report["pull"]["update"]), (&json!(5), &json!(1)));
    assert_eq!(scene.value("SELECT count(*) FROM account"), 10);
    let confirmed = scene.host(&["run", "--confirm-deletes", "--format", "json"]).exits(0).object("account");
    assert_eq!((&confirmed["held_deletes"], &confirmed["pull"]["delete"]), (&json!(0), &json!(5)));
    assert_eq!(scene.value("SELECT count(*) FROM account"), 5);
}

#[test]
fn decision_23_mass_deletes_of_the_local_side_are_held_until_confirmed() {
    let (scene, _) = accounts(10);
    scene.sql("DELETE FROM account WHERE id <= 5");
    assert_eq!(runs_without_a_write(&scene, 3).object("account")["held_deletes"], 5);
    assert_eq!(scene.crm().count("Account"), 10);
    let confirmed = scene.host(&["run", "--confirm-deletes", "--format", "json"]).exits(0).object("account");
    assert_eq!((&confirmed["held_deletes"], &confirmed["push"]["delete"]), (&json!(0), &json!(5)));
    assert_eq!(scene.crm().count("Account"), 5);
}

#[test]
fn decision_23_below_either_threshold_nothing_is_held() {
    let (scene, ids) = accounts(10);
    for id in &ids[..4] {
        scene.crm().delete("Account", id).unwrap();
    }
    assert_eq!(scene.run().exits(0).object("account")["pull"]["delete"], 4);

    let (scene, ids) = accounts(51);
    for id in &ids[..5] {
        scene.crm().delete("Account", id).unwrap();
    }
    assert_eq!(scene.run().exits(0).object("account")["pull"]["delete"], 5);
}

#[test]
fn decision_23_the_thresholds_are_those_of_the_metadata() {
    let (scene, ids) = accounts(4);
    scene.configure("[deletes]\ncount = 2\npercent = 50");
    scene.crm().delete("Account", &ids[0]).unwrap();
    scene.run().exits(0);
    scene.crm().delete("Account", &ids[1]).unwrap();
    scene.crm().delete("Account", &ids[2]).unwrap();
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 2);
}

#[test]
fn decision_23_held_deletes_clear_themselves_when_the_records_reappear() {
    let (scene, ids) = accounts(10);
    // Nobody else's edit of a record's visibility is an edit of the record.
    for id in &ids[..5] {
        scene.crm().set_visibility("Account", id, Visibility::All).unwrap();
    }
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 5);
    for id in &ids[..5] {
        scene.crm().set_visibility("Account", id, Visibility::SalesRep).unwrap();
    }
    nothing_to_do(&scene);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 10);
}

#[test]
fn decision_23_an_emptied_side_is_held_at_any_threshold() {
    let (scene, ids) = accounts(2);
    scene.sql("DELETE FROM account");
    assert_eq!(runs_without_a_write(&scene, 3).object("account")["held_deletes"], 2);

    let (scene_of_remote, ids_of_remote) = accounts(2);
    for id in &ids_of_remote {
        scene_of_remote.crm().delete("Account", id).unwrap();
    }
    assert_eq!(scene_of_remote.run().exits(3).object("account")["held_deletes"], 2);
    assert_eq!(scene_of_remote.value("SELECT count(*) FROM account"), 2);
    assert_eq!(scene.crm().count("Account"), ids.len());
}

#[test]
fn decision_11_that_a_look_at_several_misses_a_record_is_no_proof_that_it_is_gone() {
    let (scene, _) = accounts(10);
    scene.sql("DELETE FROM account WHERE id <= 2");
    scene.fault(Fault::new("GET", "OR [Id] =", Action::Status(200, r#"{"items":[]}"#.into())));
    assert_eq!(scene.run().exits(0).object("account")["push"]["delete"], 2);
    assert_eq!(scene.crm().count("Account"), 8);
    nothing_to_do(&scene);
}

/// Nothing is known of a record that a listing leaves out, but that somebody deleted or edited it here.
#[test]
fn decision_13_a_touched_record_that_the_listing_leaves_out_waits_until_it_is_listed() {
    for touch in ["DELETE FROM account WHERE id = 2", "UPDATE account SET name = 'Bolt' WHERE id = 2"] {
        for filter in ["", "[objects.account]\nfilter = \"[Name] IS NOT NULL\"\n"] {
            let (scene, ids) = accounts(3);
            scene.configure(filter);
            scene.run().exits(0);
            scene.sql(touch);
            let listed = |id: &String| scene.crm().get("Account", id).unwrap();
            let others = serde_json::json!({"items": [listed(&ids[0]), listed(&ids[2])]}).to_string();
            scene.fault(Fault::new("GET", "recordcountneeded", Action::WrongTotal(-1)));
            scene.fault(Fault::new("GET", "sortspec", Action::Status(200, others)));
            scene.forget_requests();
            scene.host(&["run", "--on-conflict", "keep-local"]).exits(0);
            assert_eq!((scene.writes().len(), scene.crm().count("Account")), (0, 3), "{touch} {filter}");
            scene.run().exits(0);
            assert_eq!(scene.writes().len(), 1, "the delete, or the edit, as ever");
            assert_eq!(
                scene.crm().get("Account", &ids[1]).map(|it| it["Name"].clone()),
                touch.starts_with("UPDATE").then(|| "Bolt".to_owned())
            );
            nothing_to_do(&scene);
        }
    }
}
