//! What `wit/EVOLUTION.md` promises: within 0.1.* plugins and hosts of different versions go together, and beyond
//! it a refusal says which versions they are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use tests::{Scene, hostile_plugin, json, root, stock_plugin};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

/// The version that the host's own contract has.
fn version() -> String {
    let wit = std::fs::read_to_string(root().join("wit/object.wit")).unwrap();
    let package = wit.lines().find_map(|line| line.strip_prefix("package crm:sync-object@"));
    package.unwrap().trim_end_matches(';').to_owned()
}

/// 0.1.7 has an optional interface that this host does not know, and `merging`, which it does.
#[test]
fn a_plugin_of_a_later_patch_version_is_run_as_it_is() {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("later-patch"));
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);

    scene.sql("UPDATE account SET name = 'Here'; INSERT INTO account(name) VALUES ('New')");
    scene.crm().update("Account", &acme, &[("Name", "There")]).unwrap();
    let report = scene.run().exits(0).object("account");
    assert_eq!((&report["push"]["insert"], &report["conflicts"]), (&json!(1), &json!(0)));
    // Its `merging` keeps the remote side.
    assert_eq!(scene.value("SELECT name FROM account WHERE id = 1"), "There");

    let file = scene.path("plugins/account.wasm");
    let inspected =
        scene.host(&["plugin", "inspect", file.to_str().unwrap(), "--format", "json"]).exits(0).json();
    assert_eq!(inspected["interface_version"], "0.1.7");
}

#[test]
fn a_plugin_without_the_optional_interfaces_is_run_as_it_is() {
    let scene = Scene::new(&["account"]);
    let file = scene.path("plugins/account.wasm");
    let inspected =
        scene.host(&["plugin", "inspect", file.to_str().unwrap(), "--format", "json"]).exits(0).json();
    let exports = inspected["exports"].to_string();
    assert!(!exports.contains("merging"), "{exports}");
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.run().exits(0);
}

/// The exports that a component has under the names of a later version, as that version's host would look for them.
fn exports_for(file: &Path, later: &str) -> Vec<bool> {
    let mut config = Config::new();
    config.concurrency_support(false);
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_file(&engine, file).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
    ["descriptor", "mapping"]
        .map(|interface| {
            let name = format!("crm:sync-object/{interface}@{later}");
            instance.get_export_index(&mut store, None, &name).is_some()
        })
        .into()
}

/// A host of tomorrow that only adds to the contract finds what a plugin of today exports, and one of the next minor
/// does not mistake it for its own.
#[test]
fn a_host_of_a_later_patch_version_finds_the_exports_of_a_plugin_of_today() {
    assert!(version().starts_with("0.1."), "another minor: keep a built plugin of 0.1 in the tests");
    let account = stock_plugin("account");
    assert_eq!(exports_for(&account, &version()), [true, true]);
    assert_eq!(exports_for(&account, "0.1.99"), [true, true]);
    assert_eq!(exports_for(&account, "0.2.0"), [false, false]);
}
