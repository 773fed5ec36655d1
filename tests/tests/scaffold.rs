//! A new plugin as a person starts it: written by `host plugin new`, built, dropped into the folder, synchronized.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{Json, host_binary, root};

/// `host` in a folder, with the text of both streams and its exit code.
fn host(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let mut host = Command::new(host_binary());
    // What the projects need is compiled once for all of them.
    host.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", target());
    let output = host.output().expect("host runs");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap_or(-1))
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let (out, err, code) = host(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}\n{out}\n{err}");
    out
}

fn target() -> PathBuf {
    root().join("target/scaffold")
}

/// A tool of the project's own.
fn cargo(project: &Path, arguments: &[&str]) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(project).env("CARGO_TARGET_DIR", target());
    let output = cargo.env_remove("RUSTFLAGS").output().expect("cargo runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Builds a project into a folder, and answers what the component says of itself.
fn descriptor(folder: &Path, project: &str, object: &str) -> Json {
    succeeds(folder, &["plugin", "build", project, "--out", "built"]);
    let file = format!("built/{object}.wasm");
    let found = succeeds(folder, &["plugin", "inspect", &file, "--format", "json"]);
    serde_json::from_str::<Json>(&found).unwrap()["descriptor"].take()
}

/// What stands for a field's value in every case is there for each field.
fn assert_cases_fit(project: &Path, descriptor: &Json, files: &[&str]) {
    for file in files {
        let text = std::fs::read_to_string(project.join("cases").join(file)).unwrap();
        let case: Json = serde_json::from_str(&text).unwrap();
        assert!(case["name"].is_string());
        for side in ["local", "remote"] {
            let fields = descriptor[side].as_array().unwrap();
            assert_eq!(case[side].as_object().unwrap().len(), fields.len(), "{file}");
            for field in fields {
                assert!(case[side].get(field["name"].as_str().unwrap()).is_some(), "{file}: {field}");
            }
        }
    }
}

#[test]
fn a_new_plugin_builds_from_nothing_but_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let made = succeeds(folder.path(), &["plugin", "new", "sales-order"]);
    for named in
        ["sales-order/Cargo.toml", "src/lib.rs", "src/mapping.rs", "cases/filled.json", "cases/bare.json"]
    {
        assert!(made.contains(named), "no {named} in {made}");
    }
    assert!(made.contains("host plugin build sales-order"), "{made}");
    let project = folder.path().join("sales-order");
    let descriptor = descriptor(folder.path(), "sales-order", "sales-order");
    assert_eq!(descriptor["name"], "sales-order");
    assert_cases_fit(&project, &descriptor, &["filled.json", "bare.json"]);
    cargo(&project, &["test", "--quiet"]);
    cargo(&project, &["fmt", "--check"]);
    cargo(&project, &["clippy", "--all-targets", "--quiet", "--", "-D", "warnings"]);
}

/// In a checkout it is one more member, with the workspace's own SDK. The checkout is a copy of what a plugin needs
/// of one, so that no other test meets the new member.
#[test]
fn a_new_plugin_in_a_checkout_is_a_member_of_its_workspace() {
    let checkout = tempfile::tempdir().unwrap();
    let copy = |path: &str| {
        let to = checkout.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join(path), to).unwrap();
    };
    ["Cargo.lock", ".rustfmt.toml", "wit/object.wit", "plugins/sdk/Cargo.toml"]
        .iter()
        .for_each(|it| copy(it));
    for file in std::fs::read_dir(root().join("plugins/sdk/src")).unwrap() {
        copy(&format!("plugins/sdk/src/{}", file.unwrap().file_name().to_str().unwrap()));
    }
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = workspace.lines().find(|line| line.starts_with("members = ")).unwrap();
    assert!(members.contains("\"plugins/*\""), "{members}");
    let alone = workspace.replace(members, "members = [\"plugins/*\"]");
    std::fs::write(checkout.path().join("Cargo.toml"), alone).unwrap();

    let below = checkout.path().join("wit");
    let made = succeeds(&below, &["plugin", "new", "host", "--format", "json"]);
    let made: Json = serde_json::from_str(&made).unwrap();
    let project = checkout.path().join("plugins/host");
    assert_eq!(made["path"], project.canonicalize().unwrap().to_str().unwrap());
    assert!(!project.join("vendor").exists());
    // The object has the name of a package of the workspace, and its package therefore another.
    let descriptor = descriptor(checkout.path(), "plugins/host", "host");
    assert_eq!(descriptor["name"], "host");
    cargo(&project, &["fmt", "--check"]);
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("task")).unwrap();
    std::fs::write(folder.path().join("note"), "mine").unwrap();
    for arguments in [&["plugin", "new", "task"][..], &["plugin", "new", "task", "--path", "note"]] {
        let (_, err, code) = host(folder.path(), arguments);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("is there already") && err.contains("help:"), "{err}");
    }
    assert_eq!(std::fs::read_dir(folder.path().join("task")).unwrap().count(), 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("note")).unwrap(), "mine");
}

#[test]
fn a_name_that_no_object_may_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Sales Order", "sales_order", "../x", "sqlite", "a--b", ""] {
        let (_, err, code) = host(folder.path(), &["plugin", "new", name]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("not usable") && err.contains("sales-order"), "{err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
