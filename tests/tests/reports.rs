//! What a person and a script read: exit codes, the report's document, status and the lists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Scene, json};

/// A synchronized account.
fn one_account() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    (scene, acme)
}

/// An account with a conflict, and one with an issue.
fn pending() -> (Scene, String) {
    let (scene, acme) = one_account();
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    scene.sql("UPDATE account SET city = 'Oslo'; INSERT INTO account(fax) VALUES('1')");
    scene.run().exits(3);
    (scene, acme)
}

/// Asserts that these keys stand in the text in this order. A parsed document does not keep it.
fn in_order(text: &str, keys: &[&str]) {
    let mut rest = text;
    for key in keys {
        let quoted = format!("\"{key}\"");
        let Some((_, after)) = rest.split_once(&quoted) else {
            panic!("{key} is missing, or comes too early, in {text}")
        };
        rest = after;
    }
}

/// The keys of an object, sorted.
fn keys(document: &Json) -> Vec<String> {
    let mut keys: Vec<String> = document.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

fn sorted(keys: &[&str]) -> Vec<String> {
    let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    keys.sort();
    keys
}

const RUN: [&str; 4] = ["run", "dry_run", "outcome", "objects"];
const OBJECT: [&str; 13] = [
    "object",
    "outcome",
    "error",
    "counted",
    "pull",
    "push",
    "adopted",
    "conflicts",
    "issues",
    "held_deletes",
    "differences",
    "filter_changed",
    "requests",
];

#[test]
fn the_document_of_a_run_has_exactly_these_keys_in_this_order() {
    let (scene, _) = one_account();
    let run = scene.run().exits(0);
    let document = run.json();
    assert_eq!(keys(&document), sorted(&RUN));
    let object = &document["objects"][0];
    assert_eq!(keys(object), sorted(&OBJECT));
    assert_eq!(keys(&object["counted"]), sorted(&["local", "remote"]));
    assert_eq!(keys(&object["pull"]), sorted(&["insert", "update", "delete"]));
    assert_eq!(keys(&object["push"]), sorted(&["insert", "update", "delete"]));
    assert_eq!(keys(&object["requests"]), sorted(&["count", "keys", "details", "query", "write"]));
    in_order(&run.out, &[&RUN[..], &OBJECT].concat());
    in_order(&run.out, &["counted", "local", "remote", "pull", "insert", "update", "delete", "push"]);
    in_order(&run.out, &["requests", "count", "keys", "details", "query", "write"]);
    assert!(document["run"].is_string());
    assert_eq!((&document["dry_run"], &document["outcome"]), (&json!(false), &json!("synced")));
    assert_eq!((&object["outcome"], &object["error"]), (&json!("synced"), &json!(null)));
}

#[test]
fn the_operations_of_a_plan_have_exactly_these_keys_in_this_order() {
    let (scene, acme) = one_account();
    scene.crm().update("Account", &acme, &[("City", "Lyon")]).unwrap();
    let plan = scene.host(&["plan", "--format", "json"]).exits(0);
    let document = plan.json();
    assert_eq!(keys(&document), sorted(&["run", "dry_run", "outcome", "objects", "operations"]));
    assert_eq!(document["dry_run"], true);
    assert_eq!(
        document["operations"],
        json!([{"object": "account", "operation": "pull-update", "local_id": 1, "remote_id": acme, "fields": ["city"]}])
    );
    in_order(&plan.out, &["operations", "object", "operation", "local_id", "remote_id", "fields"]);
}

#[test]
fn what_is_pending_makes_the_run_exit_with_3() {
    let (scene, _) = pending();
    let run = scene.run().exits(3);
    let report = run.object("account");
    assert_eq!(run.json()["outcome"], "pending");
    assert_eq!(report["outcome"], "pending");
    assert_eq!((&report["conflicts"], &report["issues"]), (&json!(1), &json!(1)));
    scene.host(&["run"]).exits(3);
}

#[test]
fn a_plan_and_the_lists_exit_with_0_whatever_is_pending() {
    let (scene, _) = pending();
    for arguments in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["run", "--dry-run"],
        &["status"],
        &["status", "--format", "json"],
        &["conflicts"],
        &["conflicts", "list"],
        &["issues"],
        &["issues", "list"],
    ] {
        let output = scene.host(arguments).exits(0);
        assert!(!output.out.is_empty(), "{arguments:?} prints");
    }
}

/// The document is a run's, and says what would be pending after it, as far as that shows without writing.
#[test]
fn a_plan_counts_what_is_pending() {
    let (scene, acme) = pending();
    let counts = |report: &Json| [report["conflicts"].clone(), report["issues"].clone()];
    for arguments in [&["plan", "--format", "json"][..], &["run", "--dry-run", "--format", "json"]] {
        let plan = scene.host(arguments).exits(0);
        assert_eq!(counts(&plan.object("account")), [json!(1), json!(1)]);
        assert_eq!(plan.object("account")["outcome"], "pending");
        assert_eq!(plan.json()["outcome"], "pending");
    }
    let refusal = crm::Action::Status(404, "{\"ERROR\": \"SBL-DAT-00222: no such component\"}".into());
    scene.fault(crm::Fault::new("GET", "Account/Account", refusal).always());
    let failed = scene.host(&["plan", "--format", "json"]).exits(1).object("account");
    assert_eq!((&failed["outcome"], counts(&failed)), (&json!("failed"), [json!(1), json!(1)]));
    scene.clear_faults();

    // A conflict that is settled is none any more; what is dismissed is off the list, there and here.
    let id = |entry: &Json| entry["id"].to_string();
    scene.host(&["conflicts", "resolve", &id(&scene.conflicts()[0]), "--keep", "local"]).exits(0);
    scene.host(&["issues", "dismiss", &id(&scene.issues()[0])]).exits(0);
    let plan = scene.host(&["plan", "--format", "json"]).exits(0).object("account");
    assert_eq!((counts(&plan), &plan["push"]["update"]), ([json!(0), json!(0)], &json!(1)));
    let explained = scene.host(&["explain", "account", &acme, "--format", "json"]).exits(0).json();
    assert_eq!(explained["outcome"], json!(["push-update"]), "another record's issue is not this one's");
}

#[test]
fn a_plan_leaves_the_logs_as_they_were() {
    let (scene, _) = pending();
    let logs = || (scene.conflicts(), scene.issues());
    let before = logs();
    scene.host(&["plan"]).exits(0);
    assert_eq!(logs(), before);
}

#[test]
fn the_list_of_conflicts_has_exactly_these_keys_in_this_order() {
    let (scene, acme) = pending();
    let list = scene.host(&["conflicts", "list", "--format", "json"]).exits(0);
    let conflicts = list.json();
    let names = ["id", "object", "kind", "local_id", "remote_id", "fields", "since"];
    assert_eq!(conflicts.as_array().unwrap().len(), 1);
    assert_eq!(keys(&conflicts[0]), sorted(&names));
    assert_eq!(
        conflicts[0]["fields"],
        json!([{"field": "city", "base": null, "local": "Oslo", "remote": "Lyon"}])
    );
    assert_eq!(
        (&conflicts[0]["object"], &conflicts[0]["kind"]),
        (&json!("account"), &json!("update/update"))
    );
    assert_eq!((&conflicts[0]["local_id"], &conflicts[0]["remote_id"]), (&json!(1), &json!(acme)));
    in_order(&list.out, &["id", "object", "kind", "local_id", "remote_id", "fields"]);
    in_order(&list.out, &["fields", "field", "base", "local", "remote", "since"]);
}

#[test]
fn the_list_of_issues_has_exactly_these_keys_in_this_order() {
    let (scene, _) = pending();
    let list = scene.host(&["issues", "list", "--format", "json"]).exits(0);
    let issues = list.json();
    let names = ["id", "object", "operation", "local_id", "remote_id", "code", "message", "attempts"];
    assert_eq!(issues.as_array().unwrap().len(), 1);
    assert_eq!(keys(&issues[0]), sorted(&names));
    in_order(&list.out, &names);
    let issue = &issues[0];
    assert_eq!((&issue["object"], &issue["operation"]), (&json!("account"), &json!("push-insert")));
    assert_eq!((&issue["local_id"], &issue["remote_id"]), (&json!(2), &json!(null)));
    assert!(issue["code"].is_string() && issue["message"].is_string());
    assert_eq!(issue["attempts"], 1);
}

#[test]
fn empty_lists_are_empty_lists() {
    let (scene, _) = one_account();
    assert!(scene.conflicts().is_empty());
    assert!(scene.issues().is_empty());
}

#[test]
fn a_dismissed_issue_is_off_the_list_until_it_fails_again() {
    let (scene, _) = pending();
    let id = match &scene.issues()[0]["id"] {
        Json::String(id) => id.clone(),
        id => id.to_string(),
    };
    scene.host(&["issues", "show", &id]).exits(0);
    scene.host(&["issues", "dismiss", &id]).exits(0);
    assert!(scene.issues().is_empty());
    scene.run().exits(3);
    assert_eq!(scene.issues().len(), 1);
}

#[test]
fn what_is_said_of_an_entry_is_a_document_where_one_is_asked_for() {
    let (scene, _) = pending();
    let (conflict, issue) = (scene.conflicts().remove(0), scene.issues().remove(0));
    let resolve =
        ["conflicts", "resolve", &conflict["id"].to_string(), "--keep", "local", "--format", "json"];
    let resolved = scene.host(&resolve).exits(0).json();
    assert_eq!(resolved, json!({"id": conflict["id"], "keep": "local"}));
    let dismissed =
        scene.host(&["issues", "dismiss", &issue["id"].to_string(), "--format", "json"]).exits(0).json();
    assert_eq!(dismissed, issue);
}

#[test]
fn the_demo_prints_one_document_where_one_is_asked_for() {
    let plugins: Vec<_> =
        ["account", "contact", "opportunity", "activity"].iter().map(|it| tests::stock_plugin(it)).collect();
    let plugins = plugins[0].parent().unwrap().to_str().unwrap();
    let demo = ["demo", "--plugins", plugins, "--records", "10", "--format", "json"];
    let demo = Scene::new(&[]).host(&demo).exits(0);
    let document = demo.json();
    assert_eq!(keys(&document), sorted(&["folder", "url", "config", "store", "runs"]));
    let outcomes: Vec<&Json> =
        document["runs"].as_array().unwrap().iter().map(|run| &run["outcome"]).collect();
    assert_eq!(outcomes, ["synced"; 3]);
    assert!(demo.err.contains("first run"), "people still read what happens: {}", demo.err);
    std::fs::remove_dir_all(document["folder"].as_str().unwrap()).unwrap();
}

/// Scripts that read a plan's operations find them, however it ended.
#[test]
fn a_plan_that_fails_has_no_operations_in_its_document() {
    let (scene, _) = one_account();
    let unknown = scene.host(&["plan", "acount", "--format", "json"]).exits(2).json();
    assert_eq!((&unknown["outcome"], &unknown["operations"]), (&json!("failed"), &json!([])));
    scene.configure("[objects.account]\nfilte = \"[Name] = 'A'\"");
    let invalid = scene.host(&["plan", "--format", "json"]).exits(2).json();
    assert_eq!((&invalid["error"].is_string(), &invalid["operations"]), (&true, &json!([])));
    for run in [&["run", "--format", "json"][..], &["run", "--dry-run", "--format", "json"]] {
        assert!(scene.host(run).exits(2).json().get("operations").is_none(), "they are a plan's");
    }
}

#[test]
fn a_run_of_one_object_leaves_the_others_alone() {
    let scene = Scene::new(&["account", "contact"]);
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Contact", &[("First Name", "Ada"), ("Last Name", "Byron")]).unwrap();
    let report = scene.host(&["run", "account", "--format", "json"]).exits(0).json();
    let objects: Vec<&Json> =
        report["objects"].as_array().unwrap().iter().map(|object| &object["object"]).collect();
    assert_eq!(objects, [&json!("account")], "an object not asked for is absent");
    assert_eq!(scene.value("SELECT count(*) FROM account"), 1);
    assert!(scene.requests("GET").iter().all(|request| !request.decoded.contains("Contact/Contact")));
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT count(*) FROM contact"), 1);
}

#[test]
fn an_object_that_is_switched_off_is_absent() {
    let scene = Scene::new(&["account", "contact"]);
    scene.configure("[objects.contact]\nenabled = false");
    let report = scene.run().exits(0).json();
    assert_eq!(report["objects"].as_array().unwrap().len(), 1);
    assert_eq!(report["objects"][0]["object"], "account");
}

#[test]
fn wrong_usage_exits_with_2_before_anything_is_contacted() {
    let (scene, _) = one_account();
    scene.forget_requests();
    let unknown = scene.host(&["run", "acount"]).exits(2);
    assert!(unknown.err.contains("acount"), "{}", unknown.err);
    scene.host(&["run", "--no-such-option"]).exits(2);
    scene.host(&["no-such-command"]).exits(2);
    scene.host(&["run", "--on-conflict", "newest"]).exits(2);
    scene.configure("[objects.account]\nfilte = \"[Name] = 'A'\"");
    let invalid = scene.host(&["run"]).exits(2);
    assert!(invalid.err.contains("filter"), "it names the nearest known key: {}", invalid.err);
    assert!(scene.requests("GET").is_empty());
}

#[test]
fn a_broken_component_exits_with_2_and_still_prints_the_document() {
    let (scene, _) = one_account();
    std::fs::write(scene.path("plugins/account.wasm"), "no component").unwrap();
    scene.forget_requests();
    let report = scene.run().exits(2).json();
    assert_eq!((&report["outcome"], report["error"].is_string()), (&json!("failed"), true));
    assert!(scene.requests("GET").is_empty());
}

#[test]
fn a_parent_that_fails_makes_its_children_skipped_or_failed_and_the_exit_1() {
    let scene = Scene::new(&["account", "contact"]);
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let refusal = crm::Action::Status(404, "{\"ERROR\": \"SBL-DAT-00222: no such component\"}".into());
    scene.fault(crm::Fault::new("GET", "Account/Account", refusal).always());
    let run = scene.run().exits(1);
    assert_eq!(run.json()["outcome"], "failed");
    assert_eq!(run.object("account")["outcome"], "failed");
    assert_eq!(run.object("contact")["outcome"], "skipped", "its parent failed before it");
    assert!(run.object("account")["error"].is_string());
}

#[test]
fn the_report_names_the_fields_that_the_server_keeps_otherwise() {
    let (scene, _) = one_account();
    scene.sql("UPDATE account SET city = 'Lyon '");
    let run = scene.host(&["run"]).exits(0);
    assert!(run.out.contains("city"), "{}", run.out);
}

#[test]
fn the_status_tells_counts_and_what_is_pending() {
    let (scene, _) = pending();
    let status = scene.host(&["status", "--format", "json"]).exits(0);
    assert!(status.out.contains("\"account\""), "{}", status.out);
    in_order(&status.out, &["account", "conflicts"]);
    let text = scene.host(&["status"]).exits(0).out;
    assert!(text.contains("account"), "{text}");
}

#[test]
fn held_deletes_are_pending_until_their_object_is_through_without_them() {
    let scene = Scene::new(&["account", "contact"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    scene.configure("[deletes]\ncount = 1\npercent = 1");
    scene.run().exits(0);
    scene.crm().delete("Account", &acme).unwrap();
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 1);
    let held = || {
        let status = scene.host(&["status", "--format", "json"]).exits(0).json();
        status.as_array().unwrap().iter().find(|it| it["object"] == "account").unwrap()["held_deletes"]
            .clone()
    };
    assert_eq!(held(), 1);
    scene.host(&["run", "contact"]).exits(0);
    assert_eq!(held(), 1, "another object's run says nothing of it");

    let refusal = crm::Action::Status(404, "{\"ERROR\": \"SBL-DAT-00222: no such component\"}".into());
    scene.fault(crm::Fault::new("GET", "Account/Account", refusal).always());
    let failed = scene.run().exits(1).object("account");
    assert_eq!((&failed["outcome"], &failed["held_deletes"]), (&json!("failed"), &json!(1)));
    assert_eq!(held(), 1, "it was not found out");

    scene.clear_faults();
    scene.host(&["run", "--confirm-deletes"]).exits(0);
    assert_eq!(held(), 0);
}

/// `host` with these arguments, its standard output going there.
fn saying_into(scene: &Scene, arguments: &[&str], out: std::process::Stdio) -> (Option<i32>, String) {
    let mut host = std::process::Command::new(tests::host_binary());
    host.args(arguments).arg("--config").arg(scene.config()).stdout(out);
    let output = host.stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_cannot_be_printed_is_a_failure() {
    let (scene, _) = one_account();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [&["status", "--format", "json"][..], &["issues"], &["run"], &["plugin", "list"]] {
        let (code, err) = saying_into(&scene, arguments, full().into());
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(err.contains("error: failed to write to standard output: No space left"), "{err}");
    }
    let (code, _) = saying_into(&scene, &["run", "acount"], full().into());
    assert_eq!(code, Some(2), "nothing was to be printed");
}

/// `host status | head -1`.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (scene, _) = one_account();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(saying_into(&scene, &["status"], writer.into()), (Some(0), String::new()));
}

#[test]
fn warnings_are_plain_text_where_nobody_sees_colours() {
    let (scene, _) = one_account();
    std::fs::write(scene.path("crm.db"), "no database, but long enough to be looked at".repeat(100)).unwrap();
    let list = scene.host(&["plugin", "list"]).exits(0);
    assert!(list.err.contains("WARN") && !list.err.contains('\u{1b}'), "{:?}", list.err);
}

#[test]
fn the_progress_goes_to_the_error_stream() {
    let (scene, _) = one_account();
    let run = scene.run().exits(0);
    assert_eq!(run.out.trim_end().lines().next().unwrap().chars().next(), Some('{'), "{}", run.out);
    run.json();
}
