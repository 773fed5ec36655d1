//! A component that imports WASI: refused unless granted, and then given an empty and deterministic one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::OnceLock;
use tests::{Json, Scene, build_plugins, hostile_plugin, json};

fn uses_wasi() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| hostile_plugin("uses-wasi")).clone()
}

/// A scene with the component under this name, and the metadata's word on it.
fn scene(file: &str, metadata: &str) -> Scene {
    let scene = Scene::new(&[]);
    std::fs::copy(uses_wasi(), scene.path("plugins").join(file)).unwrap();
    scene.configure(metadata);
    scene
}

fn granted() -> Scene {
    scene("uses-wasi.wasm", "[objects.account]\nplugin = \"uses-wasi.wasm\"\ngrants = [\"wasi\"]")
}

/// The one issue of a run over a good record and one of this name.
fn issue_of(name: &str) -> Json {
    let scene = granted();
    scene.crm().insert("Account", &[("Name", "Good")]).unwrap();
    let bad = scene.crm().insert("Account", &[("Name", name)]).unwrap();
    assert_eq!(scene.run().exits(3).object("account")["pull"]["insert"], 1);
    let issues = scene.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!(issues[0]["remote_id"], json!(bad));
    issues[0].clone()
}

fn assert_refused(scene: &Scene, words: &[&str]) {
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let refused = scene.run().exits(2);
    assert!(scene.server.as_ref().unwrap().requests().is_empty(), "something was sent");
    for word in words {
        assert!(refused.err.contains(word), "no {word} in {}", refused.err);
    }
}

#[test]
fn without_the_grant_it_is_refused_with_both_remedies() {
    let words = [
        "uses-wasi.wasm",
        "wasi:cli/environment@0.2",
        "wasi:random/random@0.2",
        "grants = [\"wasi\"]",
        "stub",
    ];
    assert_refused(&scene("uses-wasi.wasm", ""), &words);
    assert_refused(&scene("account.wasm", "[objects.account]\ngrants = []"), &["account.wasm", "wasi:cli"]);
}

#[test]
fn the_grant_is_the_objects_and_not_the_files() {
    let other = scene("contact.wasm", "[objects.contact]\ngrants = [\"wasi\"]");
    assert_refused(&other, &["contact.wasm (object account): it imports wasi:"]);
}

#[test]
fn with_the_grant_it_gets_the_same_empty_system_every_time() {
    let answers = || {
        let scene = granted();
        for name in ["Acme", "Bolt", "Cable"] {
            scene.crm().insert("Account", &[("Name", name)]).unwrap();
        }
        assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 3);
        assert_eq!(scene.run().exits(0).object("account")["pull"]["update"], 0);
        scene.rows("SELECT name, location FROM account ORDER BY name")
    };
    let first = answers();
    assert_eq!(answers(), first);
    for row in &first {
        // No environment, no arguments; 1970; an hour's sleep over at once.
        assert!(row[1].as_str().is_some_and(|it| it.starts_with("0 0 0 ")), "{row}");
    }
}

/// The file's name is all there is to go by before the component says what it is.
#[test]
fn a_file_that_bears_its_objects_name_needs_no_more_than_the_grant() {
    let scene = scene("account.wasm", "[objects.account]\ngrants = [\"wasi\"]");
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
}

#[test]
fn files_and_sockets_fail_inside() {
    for (name, code) in [("file", "no-file"), ("write", "no-file"), ("socket", "no-socket")] {
        assert_eq!(issue_of(name)["code"], code, "{name}");
    }
}

#[test]
fn whatever_stops_it_costs_one_record() {
    for (name, code, word) in [
        ("exit", "plugin-trap", "exited"),
        ("panic", "plugin-trap", "panicked"),
        ("bomb", "plugin-trap", "4294967296 random bytes"),
        ("drain", "plugin-fuel", "fuel"),
        ("chatter", "plugin-fuel", "fuel"),
        ("sleepy", "plugin-fuel", "fuel"),
        ("other", "plugin-trap", "wasi:keyvalue/store#open"),
    ] {
        let issue = issue_of(name);
        assert_eq!(issue["code"], code, "{issue}");
        let message = issue["message"].as_str().unwrap();
        assert!(message.contains(word) && message.contains("uses-wasi.wasm"), "{message}");
    }
}

#[test]
fn inspecting_and_listing_show_imports_and_grants() {
    let scene = granted();
    let file = scene.path("plugins/uses-wasi.wasm");
    let inspect = ["plugin", "inspect", file.to_str().unwrap()];
    let found = Scene::new(&[]).host(&[&inspect[..], &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(found["descriptor"]["name"], "account");
    assert_eq!(found["grants"], json!(["wasi"]));
    assert!(found["imports"].to_string().contains("wasi:clocks/wall-clock@0.2"), "{found}");
    let text = scene.host(&inspect).exits(0).out;
    assert!(text.contains("grants = [\"wasi\"] under [objects.account]"), "{text}");

    let listed = scene.list(&["plugin", "list"]);
    assert_eq!(listed[0]["grants"], json!(["wasi"]));
    assert!(listed[0]["imports"].to_string().contains("wasi:clocks/wall-clock@0.2"));
    assert!(scene.host(&["plugin", "list"]).exits(0).out.contains("wasi"));
}

#[test]
fn a_build_says_what_the_component_needs() {
    let out = tempfile::tempdir().unwrap();
    let built = build_plugins(
        out.path(),
        &[uses_wasi().as_os_str(), "--format".as_ref(), "json".as_ref()],
        out.path(),
    );
    assert!(
        built.err.contains("grants = [\"wasi\"]") && built.err.contains("[objects.account]"),
        "{}",
        built.err
    );
    assert_eq!(built.exits(0).json()[0]["grants"], json!(["wasi"]));
}

#[test]
fn an_unknown_grant_is_refused_with_the_nearest() {
    let scene = scene("uses-wasi.wasm", "[objects.account]\ngrants = [\"wasy\"]");
    assert_refused(&scene, &["sync.toml:", "`wasi`"]);
}
