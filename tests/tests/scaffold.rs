//! A new plugin as a person starts it: written by `host plugin new`, built, dropped into the folder, synchronized.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use tests::{Cap, Json, Scene, host_binary, json, root};

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

/// The projects are in another folder each time, so what is compiled of them is never met again: it is removed, and what
/// they need stays.
fn target() -> PathBuf {
    static PRUNED: Once = Once::new();
    let target = root().join("target/scaffold");
    PRUNED.call_once(|| remove_own(&target));
    target
}

/// Removes the outputs of these tests' own packages, whatever a build made of them.
fn remove_own(folder: &Path) {
    const OWN: [&str; 4] = ["sales_order", "host_object", "sync_object_sdk", "task"];
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().replace('-', "_");
        let is_own = OWN.iter().any(|own| name.trim_start_matches("lib").starts_with(own));
        match (is_own, path.is_dir()) {
            (true, true) => std::fs::remove_dir_all(path).unwrap(),
            (true, false) => std::fs::remove_file(path).unwrap(),
            (false, true) => remove_own(&path),
            (false, false) => {}
        }
    }
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
    succeeds(folder.path(), &["plugin", "test", "sales-order"]);
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
    let (_, err, code) = host(folder.path(), &["plugin", "new", "declared"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("not usable") && err.contains("declared.wasm") && err.contains("help:"), "{err}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A scene with an account and tasks of it, which no stock plugin covers.
fn scene_with_tasks() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let task = |values: &[(&str, &str)]| scene.crm().insert("Task", values).unwrap();
    let first = task(&[
        ("Name", "Send the \"offer\""),
        ("Description", "By mail"),
        ("Due", "03/21/2026 09:30:00"),
        ("Done Flag", "N"),
        ("Account Id", &acme),
    ]);
    task(&[("Name", "Call"), ("Done Flag", "Y")]);
    (scene, first)
}

fn case(scene: &Scene, project: &str, file: &str) -> Json {
    let file = scene.path(project).join("cases").join(file);
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn a_plugin_made_from_what_the_server_tells_synchronizes_at_once() {
    let (scene, first) = scene_with_tasks();
    scene.forget_requests();
    let made =
        scene.host(&["plugin", "new", "task", "--from-server", "Task/Task", "--link", "Account Id=account"]);
    assert!(made.exits(0).out.contains("--out"));
    assert!(scene.writes().is_empty(), "the server was written to");

    let folder = scene.path("");
    let descriptor = descriptor(&folder, "task", "task");
    let fields = |side: &str| -> Vec<Json> {
        let fields = descriptor[side].as_array().unwrap().iter();
        fields.map(|it| json!([it["name"], it["kind"]])).collect()
    };
    assert_eq!(
        fields("local"),
        [
            json!(["name", { "text": 100 }]),
            json!(["description", { "text": 100 }]),
            json!(["priority", { "text": 250 }]),
            json!(["due", "timestamp"]),
            json!(["done_flag", "boolean"]),
            json!(["account_id", { "reference": "account" }]),
        ]
    );
    let resource = json!({ "path": "Task/Task", "id": "Id", "updated": "Updated", "version": "Mod Id", "created": "Created" });
    assert_eq!(descriptor["resource"], resource);
    assert_eq!(descriptor["user_keys"], json!([["Name"]]));
    let project = scene.path("task");
    let mapping = std::fs::read_to_string(project.join("src/mapping.rs")).unwrap();
    assert!(mapping.contains("guessed from the 2 records") && mapping.contains("// Empty in the 2 records"));
    assert_cases_fit(&project, &descriptor, &["sample.json", "bare.json"]);
    succeeds(&folder, &["plugin", "test", "task"]);
    let sample = case(&scene, "task", "sample.json");
    let remote = json!({
        "Name": "Send the \"offer\"", "Description": "By mail", "Priority": null,
        "Due": "2026-03-21T09:30:00.000000Z", "Done Flag": false, "Account Id": "88-3DS000",
    });
    assert_eq!(sample["remote"], remote);
    assert_eq!(sample["local"]["due"], "2026-03-21T09:30:00.000000Z");
    cargo(&project, &["fmt", "--check"]);

    scene.install(&scene.path("built/task.wasm"));
    assert_eq!(scene.run().exits(0).object("task")["pull"]["insert"], 2);
    scene.sql("UPDATE task SET description = 'By courier', done_flag = 1 WHERE description = 'By mail'");
    assert_eq!(scene.run().exits(0).object("task")["push"]["update"], 1);
    let record = scene.crm().get("Task", &first).unwrap();
    assert_eq!((&*record["Description"], &*record["Done Flag"]), ("By courier", "Y"));
    scene.crm().update("Task", &first, &[("Due", "03/22/2026 10:00:00")]).unwrap();
    assert_eq!(scene.run().exits(0).object("task")["pull"]["update"], 1);
    assert_eq!(
        scene.value("SELECT due FROM task WHERE description = 'By courier'"),
        "2026-03-22T10:00:00.000000Z"
    );
    let quiet = scene.run().exits(0).object("task");
    assert_eq!(quiet["requests"]["details"], 0);
}

#[test]
fn what_a_server_does_not_tell_is_said_in_the_mapping() {
    let (scene, _) = scene_with_tasks();
    scene.host(&["plugin", "new", "task", "--from-server", "Task/Task"]).exits(0);
    let mapping = std::fs::read_to_string(scene.path("task/src/mapping.rs")).unwrap();
    assert!(mapping.contains("--link 'Account Id=OBJECT'"), "{mapping}");
    assert!(mapping.contains("field(\"account_id\", Text(100), \"Account Id\")"), "{mapping}");
}

#[test]
fn nothing_is_made_where_the_server_cannot_tell() {
    let (scene, _) = scene_with_tasks();
    let fails = |arguments: &[&str], code: i32, words: &[&str]| {
        let output =
            scene.host(&[&["plugin", "new", "note", "--from-server"], arguments].concat()).exits(code);
        for word in words {
            assert!(output.err.contains(word), "no {word} in {}", output.err);
        }
        assert!(!output.err.contains("SADMIN") && !output.out.contains("SADMIN"));
        assert!(!scene.path("note").exists());
    };
    fails(&["Nothing/Here"], 1, &["Nothing/Here", "404", "not available"]);
    fails(&["Opportunity/Opportunity"], 1, &["no records", "view-mode", "help:"]);
    fails(&["Task/Task", "--link", "Acount Id=account"], 2, &["Acount Id", "did you mean `Account Id`"]);
    fails(&["Task/Task", "--link", "Account Id"], 2, &["FIELD=OBJECT"]);
    std::fs::write(scene.path("password"), "wrong\n").unwrap();
    fails(&["Task/Task"], 1, &["failed to log in", "help:"]);
    std::fs::remove_file(scene.path("password")).unwrap();
    fails(&["Task/Task"], 2, &["password"]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let scene = Scene::with_remote(
        "kind = \"siebel\"\nurl = \"http://127.0.0.1:1/siebel/v1.0\"\nretry-for = \"0s\"\n",
    );
    let output = scene.host(&["plugin", "new", "task", "--from-server", "Task/Task"]).exits(1);
    assert!(output.err.contains("http://127.0.0.1:1") && output.err.contains("help:"), "{}", output.err);
}

/// An OData server tells all of it in `$metadata`, and a record shows that it has ETags.
#[test]
fn a_plugin_made_from_the_metadata_of_an_odata_server_synchronizes_at_once() {
    let server = Cap::start();
    let acme = server.create("Accounts", &json!({ "name": "Acme" }));
    let contact =
        json!({ "firstName": "Ann", "lastName": "O'Hara", "email": "ann@acme.example", "account_ID": acme });
    let ann = server.create("Contacts", &contact);
    let scene = server.scene(&["cap-account"]);
    let out = scene.host(&["plugin", "new", "person", "--from-server", "Contacts"]).exits(0).out;
    assert!(!out.contains("sync:"), "{out}");
    let folder = scene.path("");
    let descriptor = descriptor(&folder, "person", "person");
    let remote: Vec<Json> =
        descriptor["remote"].as_array().unwrap().iter().map(|it| json!([it["name"], it["kind"]])).collect();
    assert_eq!(
        remote,
        [
            json!(["createdBy", { "text": 255 }]),
            json!(["modifiedBy", { "text": 255 }]),
            json!(["firstName", { "text": 60 }]),
            json!(["lastName", { "text": 60 }]),
            json!(["email", { "text": 120 }]),
            json!(["phone", { "text": 40 }]),
            json!(["account_ID", { "reference": "cap-account" }]),
        ]
    );
    let resource = json!({
        "path": "Contacts", "id": "ID", "updated": "modifiedAt", "version": "@odata.etag", "created": "createdAt",
    });
    assert_eq!(descriptor["resource"], resource);
    succeeds(&folder, &["plugin", "test", "person"]);
    assert_eq!(case(&scene, "person", "sample.json")["remote"]["lastName"], "O'Hara");

    scene.install(&scene.path("built/person.wasm"));
    assert_eq!(scene.run().exits(0).object("person")["pull"]["insert"], 1);
    scene.sql("UPDATE person SET phone = '1'");
    assert_eq!(scene.run().exits(0).object("person")["push"]["update"], 1);
    let there = server.read("Contacts", &ann, &["phone", "account_ID"]);
    assert_eq!((&there["phone"], &there["account_ID"]), (&json!("1"), &json!(acme)));

    let output = scene.host(&["plugin", "new", "other", "--from-server", "Contakts"]).exits(1);
    assert!(output.err.contains("did you mean `Contacts`"), "{}", output.err);
    let output = scene.host(&["plugin", "new", "other", "--from-server", "Regions"]).exits(1);
    assert!(output.err.contains("cannot be recognized") && output.err.contains("help:"), "{}", output.err);
}
