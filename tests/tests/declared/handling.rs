//! Declarations as a person handles them: dropped into the folder, pinned, listed, built, taken out.

use crate::{declaration, declared};
use std::process::{Command, Output};
use tests::{Json, Scene, host_binary, json, root, stock_plugin};

/// The digest of both files, by a tool that is not the host's.
fn digest(scene: &Scene, file: &str) -> String {
    let script = format!("cat plugins/declared.wasm plugins/{file} | sha256sum");
    let output = Command::new("sh").args(["-c", &script]).current_dir(scene.path("")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn with_task() -> Scene {
    let scene = declared(&["account", "task"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Task", &[("Name", "Send the offer"), ("Account Id", &acme)]).unwrap();
    scene
}

#[test]
fn a_declaration_in_the_folder_is_an_object_and_taking_it_out_keeps_what_it_had() {
    let scene = with_task();
    assert_eq!(scene.run().exits(0).object("task")["pull"]["insert"], 1);
    assert_eq!(
        scene.rows("SELECT name, account_id FROM task"),
        scene.rows("SELECT 'Send the offer', id FROM account")
    );
    scene.sql("UPDATE task SET name = 'Sent'");
    assert_eq!(scene.run().exits(0).object("task")["push"]["update"], 1);
    assert_eq!(scene.crm().list("Task")[0]["Name"], "Sent");

    std::fs::remove_file(scene.path("plugins/task.object.toml")).unwrap();
    let report = scene.run().exits(0).json();
    assert!(report["objects"].as_array().unwrap().iter().all(|it| it["object"] != "task"), "{report}");
    assert_eq!(scene.value("SELECT count(*) FROM task"), 1);

    scene.install(&declaration("task"));
    let back = scene.run().exits(0).object("task");
    assert_eq!(back["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
    assert_eq!(back["requests"]["details"], 0);
}

#[test]
fn a_declared_object_may_stand_beside_components_and_takes_their_place() {
    let scene = with_task();
    std::fs::remove_file(scene.path("plugins/account.object.toml")).unwrap();
    scene.install(&stock_plugin("account"));
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT count(*) FROM task WHERE account_id IS NOT NULL"), 1);

    std::fs::remove_file(scene.path("plugins/account.wasm")).unwrap();
    scene.install(&declaration("account"));
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
    assert_eq!(report["push"], json!({"insert": 0, "update": 0, "delete": 0}));
}

#[test]
fn a_component_and_a_declaration_of_one_object_are_refused_until_the_metadata_chooses() {
    let scene = with_task();
    scene.install(&stock_plugin("account"));
    let error = scene.run().exits(2).json()["error"].to_string();
    assert!(error.contains("account.wasm") && error.contains("account.object.toml"), "{error}");
    scene.configure("[objects.account]\nplugin = \"account.object.toml\"");
    scene.run().exits(0);
}

#[test]
fn what_carries_declarations_out_is_no_object() {
    let scene = with_task();
    let list = scene.list(&["plugin", "list"]);
    let objects: Vec<&str> = list.iter().map(|it| it["object"].as_str().unwrap()).collect();
    assert_eq!(objects, ["account", "task"]);
    assert!(list[1]["file"].as_str().unwrap().ends_with("task.object.toml"));
    assert_eq!(list[1]["sha256"], digest(&scene, "task.object.toml"));

    let alone = Scene::new(&["account"]);
    alone.install(&stock_plugin("declared"));
    let report = alone.run().exits(0).json();
    assert_eq!(report["objects"].as_array().unwrap().len(), 1);

    let nothing = declared(&[]);
    let error = nothing.run().exits(2).err;
    assert!(error.contains("there is no plugin"), "{error}");
    let inspected = nothing.host(&["plugin", "inspect", "plugins/declared.wasm"]).exits(2).err;
    assert!(inspected.contains("declared.wasm") && inspected.contains("NAME.object.toml"), "{inspected}");
}

#[test]
fn without_the_component_the_refusal_names_it_and_the_remedy() {
    let scene = with_task();
    std::fs::remove_file(scene.path("plugins/declared.wasm")).unwrap();
    let refused = scene.run().exits(2);
    assert!(scene.server.as_ref().unwrap().requests().is_empty());
    for text in
        ["task.object.toml", "declared.wasm", "host plugin build plugins/declared --out", "in a checkout"]
    {
        assert!(refused.err.contains(text), "no {text} in {}", refused.err);
    }
    // Any component that takes declarations will do, whatever its file is called.
    std::fs::copy(stock_plugin("declared"), scene.path("plugins/any-name.wasm")).unwrap();
    scene.run().exits(0);
}

#[test]
fn the_pin_covers_the_component_and_the_file() {
    let scene = with_task();
    let pin = digest(&scene, "task.object.toml");
    scene.configure(&format!("[objects.task]\nsha256 = \"{pin}\""));
    scene.run().exits(0);

    let file = scene.path("plugins/task.object.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}# a comment\n")).unwrap();
    let error = scene.run().exits(2).json()["error"].to_string();
    assert!(
        error.contains("task.object.toml") && error.contains(&digest(&scene, "task.object.toml")),
        "{error}"
    );

    std::fs::write(&file, text).unwrap();
    scene.run().exits(0);
    // A custom section changes nothing but the digest.
    let mut component = std::fs::read(scene.path("plugins/declared.wasm")).unwrap();
    component.extend([0, 2, 1, b'x']);
    std::fs::write(scene.path("plugins/declared.wasm"), component).unwrap();
    scene.run().exits(2);
}

#[test]
fn an_object_that_is_switched_off_may_be_broken() {
    let scene = with_task();
    std::fs::write(scene.path("plugins/task.object.toml"), "nonsense").unwrap();
    scene.run().exits(2);
    scene.configure("[objects.task]\nenabled = false");
    let report = scene.run().exits(0).json();
    assert_eq!(report["objects"].as_array().unwrap().len(), 1);
}

#[test]
fn limits_are_those_of_the_mapping_alone() {
    let scene = with_task();
    // Far less than it takes to tell the component what it is.
    scene.configure("[objects.task]\nlimits = { fuel-per-record = 10000 }");
    assert_eq!(scene.run().exits(0).object("task")["pull"]["insert"], 1);
}

#[test]
fn inspecting_a_declaration_shows_what_a_component_would() {
    let scene = declared(&["account"]);
    let inspect = |file: &std::path::Path| {
        scene.host(&["plugin", "inspect", file.to_str().unwrap(), "--format", "json"]).exits(0).json()
    };
    let found = inspect(&scene.path("plugins/account.object.toml"));
    assert_eq!(found["descriptor"], inspect(&stock_plugin("account"))["descriptor"]);
    assert_eq!((&found["interface_version"], &found["imports"]), (&json!("0.1.0"), &json!([])));
    assert_eq!(found["sha256"], digest(&scene, "account.object.toml"));
}

fn build(paths: &[&str], out: &std::path::Path) -> Output {
    let mut host = Command::new(host_binary());
    host.args(["plugin", "build", "--format", "json"]).args(paths).arg("--out").arg(out);
    host.current_dir(root()).output().unwrap()
}

#[test]
fn building_a_declaration_checks_and_copies_it() {
    let out = tempfile::tempdir().unwrap();
    let built = build(&["plugins/declared", "tests/declared/task.object.toml"], out.path());
    let document: Json = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!((&document[0]["object"], &document[1]["object"]), (&json!("declared"), &json!("task")));
    let file = out.path().join("task.object.toml");
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(declaration("task")).unwrap());
    assert_eq!(document[1]["sha256"].as_str().unwrap().len(), 64);

    // Without what carries it out there is no digest to pin.
    let alone = tempfile::tempdir().unwrap();
    let built = build(&["tests/declared/task.object.toml"], alone.path());
    let document: Json = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!(document[0]["sha256"], Json::Null);
    assert!(alone.path().join("task.object.toml").is_file());

    let wrong = out.path().join("wrong.object.toml");
    std::fs::write(&wrong, "mapping-version = 1\n").unwrap();
    let empty = tempfile::tempdir().unwrap();
    let refused = build(&[wrong.to_str().unwrap()], empty.path());
    assert!(!refused.status.success());
    assert!(String::from_utf8(refused.stderr).unwrap().contains("`resource` is missing"));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn the_example_of_the_readme_is_sound() {
    let readme = std::fs::read_to_string(root().join("plugins/README.md")).unwrap();
    let example = readme.split("```toml\n").find(|block| block.starts_with("mapping-version")).unwrap();
    let scene = declared(&[]);
    std::fs::write(scene.path("plugins/task.object.toml"), example.split("```").next().unwrap()).unwrap();
    let found =
        scene.host(&["plugin", "inspect", "plugins/task.object.toml", "--format", "json"]).exits(0).json();
    let names: Vec<&str> = found["descriptor"]["local"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["name", "urgent", "first_name", "last_name"]);
}
