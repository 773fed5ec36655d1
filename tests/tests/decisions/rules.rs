//! What settles a conflict without a question: decision 24.

use super::{both, clash, one_account, resolve, settled};
use crm::{Action, Fault};
use tests::{Json, Scene, hostile_plugin, json};

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

/// A merge would take the remote's value for one that does not fit here, and nobody would have said so.
#[test]
fn decision_24_a_record_with_a_value_that_does_not_fit_is_not_merged() {
    for rules in ["on-conflict = \"merge\"", "fields = { phone = { on-conflict = \"keep-local\" } }"] {
        let (scene, acme) = one_account();
        scene.configure(&format!("[objects.account]\n{rules}"));
        let long = "9".repeat(41);
        scene.sql(&format!("UPDATE account SET phone = '{long}', fax = 'ours', revenue = 12.5"));
        scene.run().exits(3);
        scene.crm().update("Account", &acme, &[("City", "Paris")]).unwrap();
        scene.run().exits(3);
        let ours = json!([long, "ours", "12.5"]);
        assert_eq!(
            scene.rows("SELECT phone, fax, revenue FROM account"),
            std::slice::from_ref(&ours),
            "{rules}"
        );
        let conflict = &scene.conflicts()[0];
        let differing = conflict["fields"].as_array().unwrap().iter();
        let differing: Vec<_> = differing.map(|it| (it["field"].clone(), it["local"].clone())).collect();
        assert!(differing.contains(&(json!("phone"), ours[0].clone())), "{differing:?}");
        assert!(differing.contains(&(json!("fax"), json!("ours"))), "{differing:?}");
        // What was chosen is asked again once the record is another.
        resolve(&scene, "remote");
        scene.sql("UPDATE account SET fax = 'ours, too'");
        scene.run().exits(3);
        assert_eq!(scene.value("SELECT fax FROM account"), "ours, too");
        // Corrected, it is like any other; chosen, the remote's record is taken as a whole.
        resolve(&scene, "remote");
        scene.run().exits(0);
        assert_eq!(scene.rows("SELECT phone, fax, city FROM account"), [json!([null, null, "Paris"])]);
    }
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

#[test]
fn decision_24_a_plugin_may_pass_a_conflict_on_and_one_that_fails_on_it_costs_it_an_issue() {
    for (name, codes) in [("ask", &[][..]), ("panic", &["plugin-trap"]), ("short", &["plugin-row"])] {
        let (scene, acme) = merging("");
        scene.sql(&format!("UPDATE account SET name = '{name}'"));
        scene.run().exits(3);
        let issues: Vec<Json> = scene.issues().iter().map(|issue| issue["code"].clone()).collect();
        assert_eq!(issues, codes, "{name}");
        assert_eq!(scene.conflicts().len(), 1, "{name}: a person decides");
        assert_eq!(scene.crm().get("Account", &acme).unwrap()["Name"], "ACME");
        resolve(&scene, "remote");
        scene.run().exits(0);
        assert_eq!(scene.rows("SELECT name, location FROM account"), [json!(["ACME", "Rome"])]);
    }
}
