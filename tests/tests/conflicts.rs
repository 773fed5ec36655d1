//! What settles a conflict, and what comes of it: decisions 17, 19 and 24.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Action, Change, Fault};
use tests::{Json, Scene, hostile_plugin, json};

/// A synchronized account, changed on both sides: `city` here, `phone` there, and `fax` on both, differently.
fn clash() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("City", "Paris")]).unwrap();
    scene.run().exits(0);
    edit_both(&scene, &acme);
    (scene, acme)
}

fn edit_both(scene: &Scene, acme: &str) {
    scene.sql("UPDATE account SET city = 'Lyon', fax = 'ours'");
    let theirs = [("Main Phone Number", "1"), ("Main Fax Number", "theirs")];
    scene.crm().update("Account", acme, &theirs).unwrap();
}

/// City, phone and fax, local and remote.
fn both(scene: &Scene, id: &str) -> (Json, Json) {
    let local = scene.rows("SELECT city, phone, fax FROM account").remove(0);
    let record = scene.crm().get("Account", id).unwrap();
    let field = |name: &str| Some(record[name].clone()).filter(|value| !value.is_empty());
    (local, json!([field("City"), field("Main Phone Number"), field("Main Fax Number")]))
}

fn resolve(scene: &Scene, keep: &str) {
    let id = scene.conflicts()[0]["id"].to_string();
    scene.host(&["conflicts", "resolve", &id, "--keep", keep]).exits(0);
}

/// Asserts that both sides have this, nothing is pending, and a run finds nothing to do.
fn settled(scene: &Scene, id: &str, record: Json) {
    assert_eq!(both(scene, id), (record.clone(), record));
    assert_eq!(scene.conflicts(), [] as [Json; 0]);
    scene.forget_requests();
    scene.run().exits(0);
    assert_eq!(scene.writes(), [""; 0]);
}

#[test]
fn decision_17_keeping_the_local_side_adopts_the_remotes_version() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
    settled(&scene, &acme, json!(["Lyon", null, "ours"]));
}

#[test]
fn decision_17_keeping_the_remote_side_drops_the_local_edit() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "remote");
    scene.forget_requests();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["update"], 1);
    assert_eq!(scene.writes(), [""; 0]);
    settled(&scene, &acme, json!(["Paris", "1", "theirs"]));
}

#[test]
fn decision_17_a_choice_is_not_carried_out_on_content_that_changed_since() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.crm().update("Account", &acme, &[("Main Fax Number", "theirs, again")]).unwrap();
    scene.forget_requests();
    scene.run().exits(3);
    assert_eq!(scene.writes(), [""; 0]);
    let conflict = &scene.conflicts()[0];
    assert!(conflict["fields"].as_array().unwrap().iter().any(|field| field["remote"] == "theirs, again"));
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.sql("UPDATE account SET fax = 'ours, again'");
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.run().exits(0);
    settled(&scene, &acme, json!(["Lyon", null, "ours, again"]));
}

#[test]
fn decision_17_a_choice_whose_write_is_refused_is_an_issue_and_not_asked_again() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.fault(Fault::new("PUT", "", Action::Status(400, "no".into())));
    scene.run().exits(3);
    assert_eq!((scene.conflicts().len(), scene.issues().len()), (0, 1));
    scene.run().exits(0);
    settled(&scene, &acme, json!(["Lyon", null, "ours"]));
}

#[test]
fn decision_17_an_edit_between_compare_and_write_is_an_issue_and_then_a_conflict() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    let edit = Change::update("Account", &acme, &[("Main Fax Number", "in between")]);
    scene.fault(Fault::new("GET", "searchspec=", Action::After(edit)));
    let report = scene.run().exits(3).object("account");
    assert_eq!(report["push"]["update"], 0);
    scene.run().exits(3);
    assert_eq!(scene.conflicts().len(), 1);
    assert_eq!(both(&scene, &acme).1, json!(["Paris", "1", "in between"]), "it is not overwritten");
}

#[test]
fn decision_17_resolve_says_when_the_content_has_changed_since() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    let id = scene.conflicts()[0]["id"].to_string();
    let resolve = || scene.host(&["conflicts", "resolve", &id, "--keep", "local"]);
    scene.sql("UPDATE account SET fax = 'ours, again'");
    let refused = resolve().exits(1);
    assert!(refused.err.contains("changed since"), "{}", refused.err);
    scene.sql("UPDATE account SET fax = 'ours'");
    resolve().exits(0);
    scene.crm().update("Account", &acme, &[("Main Fax Number", "theirs, again")]).unwrap();
    resolve().exits(1);
    scene.run().exits(3);
    resolve().exits(0);
}

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

/// Runs under these rules, and asserts what comes of [`clash`]; `null` where it stays pending.
fn rules_lead_to(rules: &str, options: &[&str], expected: Json) {
    let (scene, acme) = clash();
    scene.configure(&format!("[objects.account]\n{rules}"));
    let before = both(&scene, &acme);
    let run = [&["run"], options].concat();
    let output = scene.host(&run);
    if expected.is_null() {
        output.exits(3);
        assert_eq!(both(&scene, &acme), before, "{rules}");
    } else {
        output.exits(0);
        settled(&scene, &acme, expected);
    }
}

#[test]
fn decision_24_a_rule_of_the_object_settles_its_conflicts() {
    rules_lead_to("on-conflict = \"keep-local\"", &[], json!(["Lyon", null, "ours"]));
    rules_lead_to("on-conflict = \"keep-remote\"", &[], json!(["Paris", "1", "theirs"]));
    rules_lead_to("on-conflict = \"ask\"", &[], json!(null));
}

#[test]
fn decision_24_the_command_line_comes_before_every_rule() {
    let rules = "on-conflict = \"keep-local\"\nfields = { fax = { on-conflict = \"keep-local\" } }";
    rules_lead_to(rules, &["--on-conflict", "keep-remote"], json!(["Paris", "1", "theirs"]));
    rules_lead_to(rules, &["--on-conflict", "skip"], json!(null));
}

#[test]
fn decision_24_a_recorded_choice_comes_before_the_command_line() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "remote");
    scene.host(&["run", "--on-conflict", "keep-local"]).exits(0);
    settled(&scene, &acme, json!(["Paris", "1", "theirs"]));
}

#[test]
fn decision_24_rules_of_fields_settle_a_record_that_they_cover() {
    let keep = |side: &str| format!("{{ on-conflict = \"keep-{side}\" }}");
    let (local, remote) = (keep("local"), keep("remote"));
    let all = format!("fields = {{ city = {local}, phone = {remote}, fax = {remote} }}");
    rules_lead_to(&all, &[], json!(["Lyon", "1", "theirs"]));
    let one = format!("fields = {{ fax = {remote} }}");
    rules_lead_to(&one, &[], json!(null));
    rules_lead_to(&format!("on-conflict = \"keep-local\"\n{one}"), &[], json!(["Lyon", null, "ours"]));
    let asks = "on-conflict = \"keep-local\"\nfields = { fax = { on-conflict = \"ask\" } }";
    rules_lead_to(asks, &[], json!(null));
}

#[test]
fn decision_24_fields_that_one_side_changed_are_merged() {
    rules_lead_to("on-conflict = \"merge\"", &[], json!(null));
    let rule = "on-conflict = \"merge\"\nfields = { fax = { on-conflict = \"keep-remote\" } }";
    rules_lead_to(rule, &[], json!(["Lyon", "1", "theirs"]));
    let (scene, acme) = clash();
    scene.configure("[objects.account]\non-conflict = \"merge\"");
    scene.sql("UPDATE account SET fax = NULL");
    let report = scene.run().exits(0).object("account");
    assert_eq!((&report["pull"]["update"], &report["push"]["update"]), (&json!(1), &json!(1)));
    settled(&scene, &acme, json!(["Lyon", "1", "theirs"]));
}

#[test]
fn decision_24_a_merge_that_is_refused_is_tried_again_and_loses_nothing() {
    let (scene, acme) = clash();
    scene.configure("[objects.account]\non-conflict = \"merge\"");
    scene.sql("UPDATE account SET fax = NULL");
    scene.fault(Fault::new("PUT", "", Action::Status(400, "no".into())));
    scene.run().exits(3);
    assert_eq!(both(&scene, &acme), (json!(["Lyon", "1", "theirs"]), json!(["Paris", "1", "theirs"])));
    scene.run().exits(0);
    settled(&scene, &acme, json!(["Lyon", "1", "theirs"]));
}

/// An account of the plugin that merges: the local side keeps the name, the remote side the location.
fn merging(rules: &str) -> (Scene, String) {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("merging"));
    scene.configure(rules);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE account SET name = 'Acme & Co', location = 'Lyon'");
    scene.crm().update("Account", &acme, &[("Name", "ACME"), ("Location", "Rome")]).unwrap();
    (scene, acme)
}

#[test]
fn decision_24_a_plugin_settles_the_conflicts_of_its_object() {
    for rules in ["", "[objects.account]\non-conflict = \"merge\""] {
        let (scene, acme) = merging(rules);
        scene.run().exits(0);
        assert_eq!(scene.rows("SELECT name, location FROM account"), [json!(["Acme & Co", "Rome"])]);
        let record = scene.crm().get("Account", &acme).unwrap();
        assert_eq!((record["Name"].as_str(), record["Location"].as_str()), ("Acme & Co", "Rome"));
        scene.forget_requests();
        scene.run().exits(0);
        assert_eq!(scene.writes(), [""; 0]);
    }
    let (scene, _) = merging("[objects.account]\non-conflict = \"ask\"");
    scene.run().exits(3);
    assert_eq!(scene.conflicts().len(), 1, "metadata that asks come before the plugin");
}

#[test]
fn a_plan_shows_what_a_choice_leads_to() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    let plan = scene.host(&["plan", "--format", "json"]).exits(0).json();
    assert_eq!(plan["operations"][0]["operation"], "push-update");
    assert_eq!(plan["objects"][0]["conflicts"], 0);
    scene.run().exits(0);
    settled(&scene, &acme, json!(["Lyon", null, "ours"]));
}

/// What `host explain` says of a record.
fn explained(scene: &Scene, arguments: &[&str]) -> Json {
    let arguments = [&["explain", "account"], arguments, &["--format", "json"]].concat();
    scene.host(&arguments).exits(0).json()
}

#[test]
fn explain_tells_the_baseline_the_keys_the_rule_and_the_outcome() {
    let (scene, acme) = clash();
    let before = scene.rows("SELECT * FROM _sync_baseline");
    let found = explained(&scene, &[&acme]);
    assert_eq!((&found["local_id"], &found["remote_id"]), (&json!(1), &json!(acme)));
    assert_eq!((&found["local_side"], &found["remote_side"]), (&json!("changed"), &json!("changed")));
    assert_eq!(found["outcome"], json!(["conflict"]));
    assert!(found["rule"].as_str().unwrap().contains("decision"), "{found}");
    assert_ne!(found["baseline"]["remote"]["version"], found["remote"]["version"]);
    assert_ne!(found["baseline"]["revision"], found["local"]["revision"]);
    let fax = json!({"field": "fax", "base": null, "local": "ours", "remote": "theirs"});
    assert!(found["fields"].as_array().unwrap().contains(&fax), "{found}");
    assert_eq!(explained(&scene, &["1"])["remote_id"], json!(acme), "by the local id, too");
    assert_eq!(scene.rows("SELECT * FROM _sync_baseline"), before);
    assert_eq!(scene.conflicts(), [] as [Json; 0], "nothing is entered");
    let text = scene.host(&["explain", "account", "1"]).exits(0).out;
    for part in ["baseline", "rule", "outcome", "conflict", "ours", "theirs"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(scene.host(&["explain", "account", "77"]).code, 1);
    assert_eq!(scene.host(&["explain", "acount", "1"]).exits(2).out, "");
}

#[test]
fn explain_follows_every_kind_of_record() {
    let scene = Scene::new(&["account"]);
    let crm = scene.crm();
    let id = |name: &str| crm.insert("Account", &[("Name", name)]).unwrap();
    let (same, there, gone) = (id("Same"), id("There"), id("Gone"));
    id("Here");
    scene.run().exits(0);
    crm.update("Account", &there, &[("City", "Lyon")]).unwrap();
    crm.delete("Account", &gone).unwrap();
    let new = id("New there");
    scene.sql(
        "UPDATE account SET city = 'Rome' WHERE name = 'Here';
         INSERT INTO account(id, name) VALUES(50, 'New here');
         UPDATE account SET name = name WHERE name = 'Same';",
    );
    let outcome = |id: &str| explained(&scene, &[id])["outcome"].clone();
    assert_eq!(outcome(&same), json!(["refresh"]));
    assert_eq!(outcome(&there), json!(["pull-update"]));
    assert_eq!(outcome(&gone), json!(["pull-delete"]));
    assert_eq!(outcome(&new), json!(["pull-insert"]));
    assert_eq!(outcome("4"), json!(["push-update"]));
    assert_eq!(outcome("50"), json!(["push-insert"]));
}

#[test]
fn explain_asks_which_side_where_an_id_is_of_two_records() {
    let scene = Scene::new(&["account"]);
    let crm = scene.crm();
    crm.insert_as("Account", "2", &[("Name", "Two there")]).unwrap();
    crm.insert_as("Account", "9", &[("Name", "Two here")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT name FROM account WHERE id = 2"), "Two here");
    let refused = scene.host(&["explain", "account", "2"]).exits(2);
    assert!(refused.err.contains("--side"), "{}", refused.err);
    assert_eq!(explained(&scene, &["2", "--side", "local"])["remote_id"], "9");
    assert_eq!(explained(&scene, &["2", "--side", "remote"])["remote_id"], "2");
    assert_eq!(explained(&scene, &["9"])["local_id"], 2);
}
