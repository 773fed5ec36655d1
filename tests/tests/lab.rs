//! `host plugin test` and `bench`: a plugin alone, without a server or a database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tests::{Json, Output, host_binary, hostile_plugin, hostile_plugins, json, root, stock_plugin};

/// A folder in which there is nothing, not even metadata.
fn nowhere() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn host(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(host_binary()).args(arguments).current_dir(folder).output().expect("host runs");
    Output {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `host plugin test` of a component with the case files of a folder, as JSON.
fn tested(component: &Path, cases: &Path, more: &[&str]) -> Output {
    let fixed = ["plugin", "test", component.to_str().unwrap(), "--cases", cases.to_str().unwrap()];
    host(cases, &[&fixed[..], &["--format", "json"], more].concat())
}

/// The tests that failed, by name.
fn failed(report: &Json) -> Vec<String> {
    let tests = report["tests"].as_array().unwrap().iter().filter(|test| test["outcome"] == "failed");
    tests.map(|test| test["name"].as_str().unwrap().to_owned()).collect()
}

fn message(report: &Json, test: &str) -> String {
    let tests = report["tests"].as_array().unwrap();
    let found = tests.iter().find(|it| it["name"] == test).unwrap_or_else(|| panic!("no {test} in {report}"));
    found["message"].as_str().unwrap_or_default().to_owned()
}

fn case(folder: &Path, name: &str, content: &Json) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content.to_string()).unwrap();
    file
}

fn read(file: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn every_stock_plugin_passes_from_its_project() {
    for object in ["account", "contact", "opportunity", "activity", "tryton-party", "tryton-opportunity"] {
        let project = root().join("plugins").join(object);
        let output = host(nowhere().path(), &["plugin", "test", project.to_str().unwrap()]).exits(0);
        assert!(output.out.contains("test case filled.json ... ok"), "{}", output.out);
        assert!(output.out.contains("test law remote-round-trip ... ok"), "{}", output.out);
        assert!(output.out.contains("test result: ok."), "{}", output.out);
        assert!(output.out.contains(&format!("of {object} (")), "{}", output.out);
    }
}

/// The mistakes of `tests/plugins/mistake-*`, each with the law that names it.
const MISTAKES: [(&str, &str); 12] = [
    ("panics-on-null", "law total"),
    ("grows-texts", "law conforms"),
    ("forgets-the-required", "law required-is-kept"),
    ("clears-what-is-absent", "law absent-is-not-null"),
    ("tells-the-data", "law refusals-are-clear"),
    ("remembers", "law batches"),
    ("truncates", "law remote-round-trip"),
    ("collapses", "law local-round-trip"),
    ("drifts", "law stable"),
    ("keeps-its-own", "law merge-of-one-side"),
    ("never-sends", "law edits-are-sent"),
    ("keyless", "law user-keys-are-filled"),
];

#[test]
fn each_mistake_is_caught_by_its_law() {
    let projects = MISTAKES.map(|(mistake, _)| format!("mistake-{mistake}"));
    let folder = hostile_plugins(&projects.each_ref().map(String::as_str));
    for (mistake, law) in MISTAKES {
        let cases = nowhere();
        let component = folder.join(format!("{mistake}.wasm"));
        let report = tested(&component, cases.path(), &[]).exits(1).json();
        assert!(failed(&report).iter().any(|it| it == law), "{mistake}: {report}");
        // What shrinking left is small enough to read.
        let saved = cases.path().join(format!("{}.json", law.replace(' ', "-")));
        assert!(read(&saved).to_string().len() < 400, "{mistake}: {}", read(&saved));
    }
}

#[test]
fn a_row_that_breaks_a_law_is_shrunk_saved_and_tried_again() {
    let folder = hostile_plugins(&["mistake-truncates"]);
    let (component, cases) = (folder.join("truncates.wasm"), nowhere());
    let report = tested(&component, cases.path(), &[]).exits(1).json();
    let saved = cases.path().join("law-remote-round-trip.json");
    let test = report["tests"].as_array().unwrap().iter().find(|it| it["name"] == "law remote-round-trip");
    assert_eq!(test.unwrap()["saved"], saved.to_str().unwrap());
    // Eleven letters are the shortest text of which ten are left.
    assert_eq!(read(&saved)["remote"], json!({"Name": "aaaaaaaaaaa"}));

    // Hardly any row is made: the saved one is tried all the same, and passes once the mistake is mended.
    let again = tested(&component, cases.path(), &["--rows", "1"]).exits(1).json();
    assert!(failed(&again).contains(&"case law-remote-round-trip.json".to_owned()), "{again}");
    let mended = tested(&hostile_plugin("merging"), cases.path(), &[]).exits(0).json();
    assert_eq!(mended["failed"], 0);
}

#[test]
fn the_same_seed_makes_the_same_rows() {
    let (component, cases) = (stock_plugin("opportunity"), nowhere());
    let report = |seed: &str| tested(&component, cases.path(), &["--seed", seed]).exits(0).json();
    assert_eq!(report("7"), report("7"));
    assert_ne!(report("7"), report("8"));
}

#[test]
fn a_case_that_the_mapping_does_not_meet_fails_field_by_field_until_it_is_blessed() {
    let cases = nowhere();
    let remote = json!({"Name": "Acme", "Number of Employees": 5});
    let file = case(
        cases.path(),
        "wrong.json",
        &json!({"name": "wrong", "remote": remote, "local": {"name": "Bolt", "employees": 6}}),
    );
    let component = stock_plugin("account");
    let report = tested(&component, cases.path(), &[]).exits(1).json();
    let said = message(&report, "case wrong.json");
    assert!(said.contains("name: expected \"Bolt\", got \"Acme\""), "{said}");
    assert!(said.contains("employees: expected 6, got 5"), "{said}");

    let blessed = tested(&component, cases.path(), &["--bless"]).exits(0).json();
    assert_eq!(blessed["tests"][0]["outcome"], "blessed");
    assert_eq!(read(&file)["local"], json!({"name": "Acme", "employees": 5}));
    tested(&component, cases.path(), &[]).exits(0);
}

#[test]
fn blessing_fills_in_what_a_case_does_not_yet_expect() {
    let cases = nowhere();
    let there = case(cases.path(), "a.json", &json!({"name": "there", "remote": {"Name": "Big deal"}}));
    let refused = case(
        cases.path(),
        "b.json",
        &json!({"name": "refused", "local": {"name": "Big deal", "probability": 101}}),
    );
    let sent = case(cases.path(), "c.json", &json!({"name": "sent", "local": {"name": "Big deal"}}));
    let component = stock_plugin("opportunity");
    let report = tested(&component, cases.path(), &[]).exits(1).json();
    assert_eq!(failed(&report), ["case a.json", "case b.json", "case c.json"]);
    assert!(message(&report, "case a.json").contains("--bless"));

    tested(&component, cases.path(), &["--bless"]).exits(0);
    assert_eq!(read(&there)["local"], json!({"name": "Big deal"}));
    assert_eq!(read(&refused)["rejected"], json!({"code": "out-of-range", "field": "probability"}));
    assert_eq!(read(&sent)["back"], json!({"Name": "Big deal"}));
    tested(&component, cases.path(), &[]).exits(0);
}

#[test]
fn an_expected_refusal_must_come_and_be_that_one() {
    let cases = nowhere();
    let over = json!({"name": "Big deal", "probability": 101});
    let refusal = |code: &str| json!({"name": "refusal", "local": over, "rejected": {"code": code, "field": "probability"}});
    case(cases.path(), "right.json", &refusal("out-of-range"));
    case(cases.path(), "other.json", &refusal("too-high"));
    case(
        cases.path(),
        "none.json",
        &json!({"name": "none", "remote": {"Name": "Big deal"}, "rejected": {"code": "nameless"}}),
    );
    let report = tested(&stock_plugin("opportunity"), cases.path(), &[]).exits(1).json();
    assert_eq!(failed(&report), ["case none.json", "case other.json"]);
    assert!(message(&report, "case none.json").contains("the record is taken"));
    assert!(message(&report, "case other.json").contains("out-of-range"));
}

#[test]
fn merges_are_cases_too() {
    let cases = nowhere();
    let row = |name: &str, location: &str| json!({"name": name, "location": location});
    let merge =
        json!({"base": row("Acme", "Oslo"), "local": row("Bolt", "Oslo"), "remote": row("Acme", "Rome")});
    case(
        cases.path(),
        "merged.json",
        &json!({"name": "both", "merge": merge, "resolution": row("Bolt", "Rome")}),
    );
    case(cases.path(), "kept.json", &json!({"name": "kept", "merge": merge, "resolution": "keep-local"}));
    let asked = json!({"base": {}, "local": row("ask", "Oslo"), "remote": row("Acme", "Rome")});
    let open = case(cases.path(), "open.json", &json!({"name": "open", "merge": asked}));
    let component = hostile_plugin("merging");
    let report = tested(&component, cases.path(), &[]).exits(1).json();
    assert_eq!(failed(&report), ["case kept.json", "case open.json"]);
    tested(&component, cases.path(), &["--bless"]).exits(0);
    assert_eq!(read(&open)["resolution"], "ask");
}

/// What is left out is looked for where it usually is; what is named must be there.
#[test]
fn what_is_named_and_not_there_is_wrong_usage() {
    let (place, account) = (nowhere(), stock_plugin("account"));
    let account = account.to_str().unwrap();
    std::fs::create_dir(place.path().join("empty")).unwrap();
    for (arguments, named) in [
        (&["plugin", "test", account, "--cases", "nodir"][..], "nodir"),
        (&["plugin", "test", account, "--config", "typo.toml"], "typo.toml"),
        (&["plugin", "test", account, "--config", "sync.toml"], "sync.toml"),
        (&["plugin", "bench", account, "--cases", "nodir"], "nodir"),
        (&["plugin", "test", "empty"], "empty"),
        (&["plugin", "build", "nowhere"], "nowhere"),
        (&["plugin", "build"], "plugins"),
    ] {
        let output = host(place.path(), arguments).exits(2);
        assert!(output.err.contains(named), "{}", output.err);
    }
}

#[test]
fn a_case_may_begin_with_a_byte_order_mark() {
    let cases = nowhere();
    let text = json!({"name": "marked", "local": {"name": "Acme"}, "back": {"Name": "Acme"}}).to_string();
    std::fs::write(cases.path().join("marked.json"), format!("\u{feff}{text}")).unwrap();
    let report = tested(&stock_plugin("account"), cases.path(), &[]);
    assert!(report.out.contains("marked.json"), "{} {}", report.out, report.err);
}

#[test]
fn what_is_over_a_limit_fails_under_the_limits_of_the_metadata() {
    let place = nowhere();
    std::fs::write(
        place.path().join("sync.toml"),
        "version = 1\n[remote]\nkind = \"siebel\"\nurl = \"http://127.0.0.1:1/\"\n[local]\nkind = \"sqlite\"\n\
         path = \"crm.db\"\n[plugins]\ndir = \"plugins\"\n[objects.account]\nlimits = { memory = \"1MiB\" }\n",
    )
    .unwrap();
    let component = stock_plugin("account");
    let arguments = ["plugin", "test", component.to_str().unwrap(), "--format", "json"];
    let report = host(place.path(), &arguments).exits(1).json();
    assert!(failed(&report).contains(&"limit memory".to_owned()), "{report}");
    assert!(message(&report, "limit memory").contains("memory = "), "{report}");
    assert_eq!(report["usage"]["memory_limit"], 1 << 20);
    assert!(!place.path().join("crm.db").exists());

    let roomy = host(nowhere().path(), &arguments).exits(0).json();
    assert_eq!(failed(&roomy), Vec::<String>::new());
}

#[test]
fn a_record_that_loops_is_over_the_fuel_limit() {
    let cases = nowhere();
    case(
        cases.path(),
        "loop.json",
        &json!({"name": "loop", "local": {"name": "loop"}, "back": {"Name": "loop"}}),
    );
    let report = tested(&hostile_plugin("endless-loop"), cases.path(), &[]).exits(1).json();
    let found = failed(&report);
    for test in ["case loop.json", "law total", "limit fuel"] {
        assert!(found.contains(&test.to_owned()), "no {test} in {found:?}");
    }
}

/// Without an accepted row a law would hold for want of trying.
#[test]
fn laws_that_no_row_reaches_do_not_pass() {
    let cases = nowhere();
    let report = tested(&hostile_plugin("refuses-all"), cases.path(), &[]).exits(1).json();
    let found = failed(&report);
    assert!(found.contains(&"law remote-round-trip".to_owned()), "{found:?}");
    assert!(message(&report, "law remote-round-trip").contains("add a case file"), "{report}");
}

#[test]
fn a_file_that_is_no_case_is_named_with_the_place() {
    for (content, words) in [
        ("{\"name\": \"a\",\n \"remot\": {}}", &["remot", "line 2"][..]),
        ("{\"name\": \"a\", \"remote\": {\"Nmae\": \"x\"}}", &["Nmae", "remote field"]),
        (
            "{\"name\": \"a\", \"remote\": {\"Number of Employees\": \"five\"}}",
            &["Number of Employees", "integer"],
        ),
        ("{\"name\": \"a\", \"remote\": {\"Annual Revenue\": \"1.50\"}}", &["Annual Revenue", "10.5"]),
        ("{\"name\": \"a\"}", &["`remote` and `local`"]),
    ] {
        let cases = nowhere();
        std::fs::write(cases.path().join("broken.json"), content).unwrap();
        let output = tested(&stock_plugin("account"), cases.path(), &[]).exits(2);
        for word in words.iter().chain(&["broken.json"]) {
            assert!(output.err.contains(word), "no {word} in {}", output.err);
        }
    }
}

#[test]
fn a_component_that_no_run_would_take_is_not_tested() {
    let place = nowhere();
    let file = place.path().join("text.wasm");
    std::fs::write(&file, "text").unwrap();
    let output = host(place.path(), &["plugin", "test", file.to_str().unwrap()]).exits(2);
    assert!(output.err.contains("text.wasm") && output.err.contains("help:"), "{}", output.err);
    let output = host(place.path(), &["plugin", "test", "nothing-here"]).exits(2);
    assert!(output.err.contains("nothing-here"), "{}", output.err);
}

/// Every feature that a declaration can have obeys the laws.
#[test]
fn declarations_are_tested_as_components_are() {
    let place = nowhere();
    std::fs::copy(stock_plugin("declared"), place.path().join("declared.wasm")).unwrap();
    for object in ["ticket", "account", "contact", "opportunity", "activity"] {
        let file = format!("{object}.object.toml");
        std::fs::copy(root().join("tests/declared").join(&file), place.path().join(&file)).unwrap();
        let output = host(place.path(), &["plugin", "test", &file]).exits(0);
        assert!(output.out.contains(&format!("of {object} (")), "{}", output.out);
    }
}

/// A declaration of one text field, beside the component that carries it out.
fn declared_text(longest: u32) -> TempDir {
    let place = nowhere();
    std::fs::copy(stock_plugin("declared"), place.path().join("declared.wasm")).unwrap();
    let declaration = format!(
        "mapping-version = 1\nuser-keys = [[\"Name\"]]\n[resource]\npath = \"Task/Task\"\nid = \"Id\"\n\
         updated = \"Updated\"\n[[fields]]\nlocal = \"name\"\nremote = \"Name\"\nkind = \"text({longest})\"\n"
    );
    std::fs::write(place.path().join("task.object.toml"), declaration).unwrap();
    place
}

#[test]
fn a_field_of_four_thousand_million_characters_is_tested_all_the_same() {
    let place = declared_text(u32::MAX);
    host(place.path(), &["plugin", "test", "task.object.toml"]).exits(0);
}

#[test]
fn what_is_no_file_among_the_cases_is_not_waited_for() {
    let place = declared_text(100);
    let cases = place.path().join("task.cases");
    std::fs::create_dir(&cases).unwrap();
    let pipe = cases.join("endless.json");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = host(place.path(), &["plugin", "test", "task.object.toml"]).exits(2);
    assert!(output.err.contains("endless.json") && output.err.contains("no file"), "{}", output.err);
    std::fs::remove_file(&pipe).unwrap();
    std::fs::File::create(&pipe).unwrap().set_len(17 << 20).unwrap();
    let output = host(place.path(), &["plugin", "test", "task.object.toml"]).exits(2);
    assert!(output.err.contains("larger than 16 MiB"), "{}", output.err);
}

#[test]
fn a_component_without_cases_leaves_nothing_beside_it() {
    let folder = hostile_plugins(&["mistake-truncates"]);
    let place = nowhere();
    let component = place.path().join("truncates.wasm");
    std::fs::copy(folder.join("truncates.wasm"), &component).unwrap();
    host(place.path(), &["plugin", "test", component.to_str().unwrap()]).exits(1);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn a_bench_measures_every_function() {
    let component = stock_plugin("opportunity");
    let cases = root().join("plugins/opportunity/cases");
    let arguments = ["plugin", "bench", component.to_str().unwrap(), "--records", "500", "--cases"];
    let arguments = [&arguments[..], &[cases.to_str().unwrap(), "--format", "json"]].concat();
    let bench = host(nowhere().path(), &arguments).exits(0).json();
    assert_eq!((&bench["object"], &bench["records"]), (&json!("opportunity"), &json!(500)));
    let rates = bench["rates"].as_array().unwrap();
    let functions: Vec<&Json> = rates.iter().map(|it| &it["function"]).collect();
    assert_eq!(functions, ["to-local", "to-remote", "validate"]);
    for rate in rates {
        assert!(rate["records_per_second"].as_f64().unwrap() > 0.0, "{rate}");
        assert!(rate["fuel_per_record"].as_u64().unwrap() > 0, "{rate}");
        assert!(rate["memory_per_record"].as_u64().unwrap() > 0, "{rate}");
        assert_eq!(rate["refused"], 0);
    }
    assert!(bench["compile_ms"].as_f64().unwrap() > 0.0 && bench["load_ms"].as_f64().unwrap() > 0.0);
}
