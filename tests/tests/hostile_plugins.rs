//! Components that misbehave: what one of them does to a record stays with that record, and what it does to the
//! contract is refused before anything is contacted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Mutex;
use tests::{Json, Output, Scene, composed, crowded, hostile_plugin, json, refused_plugin, stock_plugin};

/// Two tests of one project would write the same file at once.
static BUILDING: Mutex<()> = Mutex::new(());

fn built(build: impl Fn(&str) -> PathBuf, project: &str) -> PathBuf {
    let guard = BUILDING.lock();
    let file = build(project);
    drop(guard);
    file
}

/// A scene with this component, in a file that bears the project's name and not the object's: a message that
/// names the object does not yet say which file to replace.
fn scene_with(component: PathBuf, project: &str) -> Scene {
    let scene = Scene::new(&[]);
    std::fs::copy(component, scene.path("plugins").join(format!("{project}.wasm"))).unwrap();
    scene
}

fn twenty_good_records(project: &str) -> Scene {
    let scene = scene_with(built(hostile_plugin, project), project);
    for number in 1..=20 {
        scene.crm().insert("Account", &[("Name", &format!("Good {number}"))]).unwrap();
    }
    scene
}

fn issues(scene: &Scene) -> Vec<Json> {
    let list = scene.host(&["issues", "list", "--format", "json"]).exits(0).json();
    list.as_array().expect("a list").clone()
}

fn the_issue(scene: &Scene) -> Json {
    let all = issues(scene);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

/// Whether a message has one of these words, whatever their case.
fn says(message: &Json, words: &[&str]) -> bool {
    let message = message.as_str().unwrap_or_default().to_lowercase();
    words.iter().any(|word| message.contains(word))
}

fn assert_names(issue: &Json, project: &str, words: &[&str]) {
    let message = &issue["message"];
    assert!(says(message, &[&format!("{project}.wasm")]), "no file in {message}");
    assert!(says(message, words), "none of {words:?} in {message}");
}

/// The second run comes to the same verdict, on the same entry.
fn assert_repeats(scene: &Scene, first: &Json) {
    scene.run().exits(3);
    let mut again = the_issue(scene);
    assert_eq!(again["attempts"], 2);
    again["attempts"] = json!(1);
    assert_eq!(&again, first);
}

fn pulls_all_but(project: &str, name: &str, words: &[&str]) {
    let scene = twenty_good_records(project);
    let bad = scene.crm().insert("Account", &[("Name", name)]).unwrap();
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["outcome"], &report["issues"]), (&json!("pending"), &json!(1)));
    assert_eq!(report["pull"]["insert"], 20);
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE name LIKE 'Good %'"), 20);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 20);
    let issue = the_issue(&scene);
    assert_eq!(issue["operation"], "pull-insert");
    assert_eq!((&issue["remote_id"], &issue["attempts"]), (&json!(bad), &json!(1)));
    assert_names(&issue, project, words);
    assert_repeats(&scene, &issue);

    scene.crm().update("Account", &bad, &[("Name", "Renamed")]).unwrap();
    let mended = scene.run().exits(0).object("account");
    assert_eq!(mended["pull"]["insert"], 1);
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE name = 'Renamed'"), 1);
    assert_eq!(issues(&scene), Vec::<Json>::new());
}

fn pushes_all_but(project: &str, name: &str, words: &[&str]) {
    let scene = twenty_good_records(project);
    scene.run().exits(0);
    scene.sql(&format!("INSERT INTO account(name) VALUES ('Fine'), ('{name}'), ('Well')"));
    let report = scene.run().exits(3).object("account");
    assert_eq!(report["push"]["insert"], 2);
    assert_eq!(report["issues"], 1);
    assert_eq!(scene.crm().count("Account"), 22);
    let issue = the_issue(&scene);
    assert_eq!(issue["operation"], "push-insert");
    let local = scene.value(&format!("SELECT id FROM account WHERE name = '{name}'"));
    assert_eq!((&issue["local_id"], &issue["attempts"]), (&local, &json!(1)));
    assert_names(&issue, project, words);
    assert_repeats(&scene, &issue);
    assert_eq!(scene.crm().count("Account"), 22);

    scene.sql(&format!("UPDATE account SET name = 'Renamed' WHERE name = '{name}'"));
    let mended = scene.run().exits(0).object("account");
    assert_eq!(mended["push"]["insert"], 1);
    assert!(scene.crm().list("Account").iter().any(|record| record["Name"] == "Renamed"));
    assert_eq!(issues(&scene), Vec::<Json>::new());
}

const LOOP: (&str, &str, &[&str]) = ("endless-loop", "loop", &["fuel"]);
const BOMB: (&str, &str, &[&str]) = ("memory-bomb", "bomb", &["memory"]);
const PANIC: (&str, &str, &[&str]) = ("panics", "panic", &["panic", "trap", "unreachable"]);
const SHORT: (&str, &str, &[&str]) = ("wrong-length", "short", &["1 value", "values", "length"]);
const TYPE: (&str, &str, &[&str]) = ("wrong-type", "type", &["integer"]);
const DEEP: (&str, &str, &[&str]) = ("recursion", "deep", &["stack"]);

#[test]
fn an_endless_loop_costs_one_record() {
    pulls_all_but(LOOP.0, LOOP.1, LOOP.2);
    pushes_all_but(LOOP.0, LOOP.1, LOOP.2);
}

#[test]
fn a_memory_bomb_costs_one_record() {
    pulls_all_but(BOMB.0, BOMB.1, BOMB.2);
    pushes_all_but(BOMB.0, BOMB.1, BOMB.2);
}

#[test]
fn a_panic_costs_one_record() {
    pulls_all_but(PANIC.0, PANIC.1, PANIC.2);
    pushes_all_but(PANIC.0, PANIC.1, PANIC.2);
}

#[test]
fn a_row_of_the_wrong_length_costs_one_record() {
    pulls_all_but(SHORT.0, SHORT.1, SHORT.2);
    pushes_all_but(SHORT.0, SHORT.1, SHORT.2);
}

#[test]
fn a_value_of_the_wrong_type_costs_one_record() {
    pulls_all_but(TYPE.0, TYPE.1, TYPE.2);
    pushes_all_but(TYPE.0, TYPE.1, TYPE.2);
}

#[test]
fn endless_recursion_costs_one_record() {
    pulls_all_but(DEEP.0, DEEP.1, DEEP.2);
    pushes_all_but(DEEP.0, DEEP.1, DEEP.2);
}

/// No record is at fault, so none may become an issue, in however large a batch.
#[test]
fn a_plugin_that_grows_slowly_maps_every_record() {
    let scene = scene_with(built(hostile_plugin, "slow-growth"), "slow-growth");
    for number in 1..=200 {
        scene.crm().insert("Account", &[("Name", &format!("Good {number}"))]).unwrap();
    }
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 200);
    scene.sql("UPDATE account SET location = 'Oslo'");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 200);
}

#[test]
fn several_bad_records_in_a_batch_cost_themselves_only() {
    let scene = twenty_good_records("panics");
    for place in ["Here", "There", "Elsewhere"] {
        scene.crm().insert("Account", &[("Name", "panic"), ("Location", place)]).unwrap();
        scene.crm().insert("Account", &[("Name", "Good"), ("Location", place)]).unwrap();
    }
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["pull"]["insert"], &report["issues"]), (&json!(23), &json!(3)));
    assert_eq!(issues(&scene).len(), 3);
}

/// The baseline stays as it was: once the name is back, there is nothing to do.
#[test]
fn an_update_that_cannot_be_mapped_leaves_both_sides_as_they_were() {
    let scene = scene_with(built(hostile_plugin, "panics"), "panics");
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let bolt = scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Name", "panic")]).unwrap();
    scene.sql("UPDATE account SET name = 'panic' WHERE name = 'Bolt'");
    let report = scene.run().exits(3).object("account");
    assert_eq!(report["issues"], 2);
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE name = 'Acme'"), 1);
    assert_eq!(scene.crm().get("Account", &bolt).unwrap()["Name"], "Bolt");

    scene.crm().update("Account", &acme, &[("Name", "Acme")]).unwrap();
    scene.sql("UPDATE account SET name = 'Bolt' WHERE name = 'panic'");
    let report = scene.run().exits(0).object("account");
    assert_eq!((&report["pull"]["update"], &report["push"]["update"]), (&json!(0), &json!(0)));
}

/// Found by comparing, so a plan finds it, too; once it is in the log, it is counted once.
#[test]
fn a_plan_counts_a_record_that_cannot_be_compared() {
    let scene = scene_with(built(hostile_plugin, "panics"), "panics");
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Name", "panic")]).unwrap();
    scene.sql("UPDATE account SET location = 'Oslo'");
    let planned = || scene.host(&["plan", "--format", "json"]).exits(0).object("account")["issues"].clone();
    assert_eq!(planned(), 1);
    assert_eq!(scene.run().exits(3).object("account")["issues"], 1);
    assert_eq!(planned(), 1);
}

/// Exit 2, a document with the error, and nothing sent.
fn refuses(project: &str, words: &[&str]) {
    let scene = scene_with(built(refused_plugin, project), project);
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let Output { out, err, .. } = scene.run().exits(2);
    assert!(scene.server.as_ref().unwrap().requests().is_empty(), "something was sent");
    let error = serde_json::from_str::<Json>(&out).unwrap()["error"].to_string();
    for text in [&error, &err] {
        assert!(text.contains(&format!("{project}.wasm")), "no file in {text}");
        assert!(text.contains("help:"), "no remedy in {text}");
        for word in words {
            assert!(text.contains(word), "no {word} in {text}");
        }
    }
}

#[test]
fn an_import_is_refused_by_name() {
    refuses("imports", &["crm:elsewhere/clock"]);
}

#[test]
fn a_descriptor_that_changes_is_refused() {
    refuses("fickle-descriptor", &["describe"]);
}

#[test]
fn ten_thousand_fields_are_refused() {
    refuses("ten-thousand-fields", &["10000", "fields"]);
}

#[test]
fn a_component_of_another_world_is_refused() {
    refuses("other-world", &["crm:sync-object"]);
}

#[test]
fn a_newer_minor_version_is_refused_with_both_versions() {
    refuses("newer-minor", &["0.99.0", "0.1"]);
}

const CREEP: (&str, &str, &[&str]) = ("creeping-growth", "creep", &["memory"]);

#[test]
fn a_plugin_that_grows_little_by_little_within_one_record_costs_that_record() {
    pulls_all_but(CREEP.0, CREEP.1, CREEP.2);
    pushes_all_but(CREEP.0, CREEP.1, CREEP.2);
}

/// Too little for any record, and for the component's own start: that is what the issue of each record says. What the
/// object is was asked under limits of its own.
#[test]
fn a_limit_that_no_record_fits_makes_each_of_them_an_issue() {
    for (limit, code, words) in [
        ("memory = 1", "plugin-memory", "1kib of memory"),
        ("memory = \"64KiB\"", "plugin-memory", "64kib of memory"),
        ("fuel-per-record = 1", "plugin-fuel", "fuel"),
    ] {
        let scene = beside_contact("account.wasm", &std::fs::read(stock_plugin("account")).unwrap());
        let good = std::fs::read_to_string(scene.config()).unwrap();
        scene.configure(&format!("[objects.account]\nlimits = {{ {limit} }}"));
        scene.host(&["plan"]).exits(0);
        let report = scene.run().exits(3);
        assert_eq!(report.object("contact")["outcome"], "synced");
        let issue = the_issue(&scene);
        assert_eq!((&issue["operation"], &issue["code"]), (&json!("pull-insert"), &json!(code)), "{issue}");
        assert_names(&issue, "account", &[words]);
        assert!(says(&issue["message"], &["raise `[objects.account] limits"]), "no remedy in {issue}");
        scene.sql("INSERT INTO account(name) VALUES ('Ours')");
        assert_eq!(scene.run().exits(3).object("account")["issues"], 2);
        assert_eq!(scene.crm().count("Account"), 1);

        std::fs::write(scene.config(), good).unwrap();
        let report = scene.run().exits(0).object("account");
        assert_eq!((&report["pull"]["insert"], &report["push"]["insert"]), (&json!(1), &json!(1)));
    }
}

/// A component beside a healthy `contact`, with a record of each object on the server.
fn beside_contact(file: &str, component: &[u8]) -> Scene {
    let scene = Scene::new(&["contact"]);
    std::fs::write(scene.path("plugins").join(file), component).unwrap();
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Contact", &[("Last Name", "Doe"), ("First Name", "Jo")]).unwrap();
    scene
}

/// Not one row in either direction is what the description says: each is an issue, and the other object is
/// synchronized as if nothing was.
#[test]
fn a_description_that_lies_about_every_row_costs_its_own_records_only() {
    let component = std::fs::read(built(hostile_plugin, "liar")).unwrap();
    let scene = beside_contact("liar.wasm", &component);
    for number in 1..=20 {
        scene.crm().insert("Account", &[("Name", &format!("Account {number}"))]).unwrap();
    }
    let report = scene.run().exits(3);
    let account = report.object("account");
    assert_eq!((&account["outcome"], &account["pull"]["insert"]), (&json!("pending"), &json!(0)));
    let contact = report.object("contact");
    assert_eq!((&contact["outcome"], &contact["pull"]["insert"]), (&json!("synced"), &json!(1)));
    let all = issues(&scene);
    assert_eq!(all.len(), 21);
    for issue in &all {
        assert_eq!((&issue["object"], &issue["operation"]), (&json!("account"), &json!("pull-insert")));
        assert_names(issue, "liar", &["location is an integer"]);
        assert!(says(&issue["message"], &["mend it"]), "no remedy in {issue}");
    }

    scene.sql("INSERT INTO account(name) VALUES ('Ours'); UPDATE contact SET job_title = 'CEO'");
    let report = scene.run().exits(3);
    assert_eq!(report.object("contact")["push"]["update"], 1);
    assert_eq!(scene.crm().count("Account"), 21);
    let pushed = issues(&scene).into_iter().find(|it| it["operation"] == "push-insert").unwrap();
    assert_names(&pushed, "liar", &["3 values"]);
    assert!(says(&pushed["message"], &["mend it"]), "no remedy in {pushed}");
}

/// A component with so many bytes in a section of no meaning.
fn padded(component: &[u8], bytes: usize) -> Vec<u8> {
    let name = b"padding";
    let content = name.len() + 1 + bytes;
    let mut padded = component.to_vec();
    padded.push(0);
    let mut size = content;
    while size >= 0x80 {
        padded.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    padded.push(u8::try_from(size).unwrap());
    padded.push(u8::try_from(name.len()).unwrap());
    padded.extend(name);
    padded.resize(padded.len() + bytes, 0);
    padded
}

#[test]
fn a_component_of_many_parts_works_like_any_other() {
    let account = std::fs::read(stock_plugin("account")).unwrap();
    let scene = beside_contact("account.wasm", &crowded(&account, 150));
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
}

#[test]
fn a_component_of_fifty_megabytes_works_like_any_other() {
    let account = std::fs::read(stock_plugin("account")).unwrap();
    let scene = beside_contact("account.wasm", &padded(&account, 50_000_000));
    let report = scene.run().exits(0);
    for object in ["account", "contact"] {
        assert_eq!(report.object(object)["pull"]["insert"], 1, "{object}");
    }
    scene.sql("UPDATE account SET location = 'Oslo'");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
}

/// What is no usable component is refused before anything is contacted, by its file, with the reason and the remedy;
/// and taken out, it leaves a run that works.
#[test]
fn files_that_are_no_plugins_are_refused_by_name() {
    let account = std::fs::read(stock_plugin("account")).unwrap();
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("too-large.wasm", padded(&account, 70_000_000), "larger than 64MiB"),
        ("cut-off.wasm", account[..account.len() * 2 / 3].to_vec(), "cut off at byte"),
        ("empty.wasm", Vec::new(), "no WebAssembly"),
        ("text.wasm", b"This is a note, not a plugin.\n".to_vec(), "no WebAssembly"),
        ("core-module.wasm", b"\0asm\x01\0\0\0".to_vec(), "core module"),
        ("crowded.wasm", crowded(&account, 201), "more than 200 instances"),
        ("malformed.wasm", [&account[..8], &[0xff; 64]].concat(), "component is"),
    ];
    for (file, bytes, reason) in cases {
        let scene = beside_contact(file, &bytes);
        let Output { out, err, .. } = scene.run().exits(2);
        assert!(scene.server.as_ref().unwrap().requests().is_empty(), "{file}: something was sent");
        assert!(!scene.path("crm.db").exists(), "{file}: a store was made");
        let error = serde_json::from_str::<Json>(&out).unwrap()["error"].to_string();
        for text in [&error, &err] {
            for words in [file, reason, "help:"] {
                assert!(text.contains(words), "no {words} in {text}");
            }
            assert!(!text.contains("contact.wasm"), "{text}");
        }
        std::fs::remove_file(scene.path("plugins").join(file)).unwrap();
        assert_eq!(scene.run().exits(0).object("contact")["pull"]["insert"], 1);
    }
}

/// What the parts of a component hand to each other is copied by the host, which no fuel is asked for: time alone ends
/// it. The record that it is done for costs an issue, and everything else is synchronized.
#[test]
fn parts_that_talk_to_each_other_without_end_cost_one_record() {
    let plugin = std::fs::read(built(refused_plugin, "talkative")).unwrap();
    let scene = beside_contact("talkative.wasm", &composed(&plugin, "hand-over"));
    scene.configure("[objects.account]\nlimits = { fuel-per-record = 8000000 }");
    let bad = scene.crm().insert("Account", &[("Name", "talk")]).unwrap();
    for number in 1..=20 {
        scene.crm().insert("Account", &[("Name", &format!("Good {number}"))]).unwrap();
    }
    let report = scene.run().exits(3);
    assert_eq!(report.object("account")["pull"]["insert"], 21);
    assert_eq!(report.object("contact")["pull"]["insert"], 1);
    let issue = the_issue(&scene);
    assert_eq!((&issue["remote_id"], &issue["code"]), (&json!(bad), &json!("plugin-time")));
    assert_names(&issue, "talkative", &["seconds"]);
    assert!(says(&issue["message"], &["mend it"]), "no remedy in {issue}");

    scene.crm().update("Account", &bad, &[("Name", "Renamed")]).unwrap();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);

    // Time adds up, so one that does it again and again is not called any more.
    for place in ["Oslo", "Rome", "Bern", "Kiev", "Riga", "Cork", "Graz", "Nice"] {
        scene.crm().insert("Account", &[("Name", "talk"), ("Location", place)]).unwrap();
    }
    scene.crm().insert("Contact", &[("Last Name", "Roe"), ("First Name", "Al")]).unwrap();
    assert_eq!(scene.run().exits(3).object("contact")["pull"]["insert"], 1);
    let all = issues(&scene);
    assert_eq!(all.len(), 8);
    assert!(
        all.iter().all(|it| it["code"] == "plugin-time" && says(&it["message"], &["mend it"])),
        "{all:?}"
    );
    assert!(all.iter().any(|it| says(&it["message"], &["not called any more"])), "{all:?}");
}

#[test]
fn what_traps_on_the_answer_to_a_write_is_an_issue_of_the_next_run() {
    let scene = scene_with(built(hostile_plugin, "panics"), "panics");
    scene.run().exits(0);
    // The server trims it.
    scene.sql("INSERT INTO account(name) VALUES('panic ')");
    scene.run().exits(0);
    scene.run().exits(3);
    let issue = the_issue(&scene);
    assert_eq!(issue["operation"], "pull-update");
    assert_names(&issue, "panics", &["panic", "trap", "unreachable"]);
}
