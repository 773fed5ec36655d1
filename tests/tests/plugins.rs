//! Components as a person handles them: built, listed, looked into, dropped into the folder and taken out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use tests::{Json, Output, Scene, host_binary, hostile_plugin, json, refused_plugin, root, stock_plugin};

/// The digest by a tool that is not the host's.
fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum runs");
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap().len()
}

fn one_account(objects: &[&str]) -> (Scene, String) {
    let scene = Scene::new(objects);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    (scene, acme)
}

#[test]
fn a_build_reports_size_and_digest_and_names_the_file_after_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let build = |format: &str| {
        let mut host = Command::new(host_binary());
        host.args(["plugin", "build", "plugins/account", "--format", format, "--out"]).arg(folder.path());
        let output = host.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = build("text");
    let file = folder.path().join("account.wasm");
    assert!(text.contains(&sha256(&file)), "{text}");
    let document: Json = serde_json::from_str(&build("json")).unwrap();
    assert_eq!(document[0]["size"], size(&file));
    assert_eq!(document[0]["sha256"], sha256(&file));
}

#[test]
fn a_list_names_every_object_with_its_file() {
    let scene = Scene::new(&["account", "contact"]);
    let list = scene.host(&["plugin", "list", "--format", "json"]).exits(0).json();
    let objects: Vec<&str> =
        list.as_array().unwrap().iter().map(|it| it["object"].as_str().unwrap()).collect();
    assert_eq!(objects, ["account", "contact"]);
    assert!(list[0]["file"].as_str().unwrap().ends_with("account.wasm"));
    let text = scene.host(&["plugin", "list"]).exits(0).out;
    assert!(text.contains("account") && text.contains("contact"), "{text}");
}

#[test]
fn inspecting_a_component_shows_its_descriptor_version_imports_size_and_digest() {
    let scene = Scene::new(&["account"]);
    let file = scene.path("plugins/account.wasm");
    let found =
        scene.host(&["plugin", "inspect", file.to_str().unwrap(), "--format", "json"]).exits(0).json();
    assert_eq!(found["descriptor"]["name"], "account");
    assert_eq!(found["interface_version"], "0.1.0");
    assert_eq!(found["imports"], json!([]));
    assert_eq!(found["size"], size(&file));
    assert_eq!(found["sha256"], sha256(&file));
}

#[test]
fn inspecting_a_component_with_imports_names_them() {
    let file = refused_plugin("imports");
    let output = Scene::new(&[]).host(&["plugin", "inspect", file.to_str().unwrap()]).exits(2);
    assert!(output.err.contains("imports.wasm"), "{}", output.err);
    assert!(output.err.contains("crm:elsewhere/clock"), "{}", output.err);
}

#[test]
fn a_component_in_the_folder_is_an_object_and_taking_it_out_keeps_what_it_had() {
    let (scene, acme) = one_account(&["account"]);
    scene.crm().insert("Task", &[("Name", "Send the offer"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT count(*) FROM sqlite_schema WHERE name = 'task'"), 0);

    scene.install(&hostile_plugin("task"));
    assert_eq!(scene.run().exits(0).object("task")["pull"]["insert"], 1);
    assert_eq!(
        scene.rows("SELECT name, account_id FROM task"),
        scene.rows("SELECT 'Send the offer', id FROM account")
    );

    std::fs::remove_file(scene.path("plugins/task.wasm")).unwrap();
    let report = scene.run().exits(0).json();
    assert!(report["objects"].as_array().unwrap().iter().all(|it| it["object"] != "task"), "{report}");
    assert_eq!(scene.value("SELECT count(*) FROM task"), 1);
    let status = scene.host(&["status", "--format", "json"]).exits(0).json();
    let task = status.as_array().unwrap().iter().find(|it| it["object"] == "task").cloned();
    assert!(task.is_some_and(|it| it.to_string().contains("plugin")), "{status}");
    let text = scene.host(&["status"]).exits(0).out;
    assert!(text.lines().any(|line| line.contains("task") && line.contains("plugin")), "{text}");

    // Back again, it goes on where it was: the baseline knows the record.
    scene.install(&hostile_plugin("task"));
    let back = scene.run().exits(0).object("task");
    assert_eq!(back["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
    assert_eq!(back["requests"]["details"], 0);
}

#[test]
fn the_pinned_component_is_accepted() {
    let (scene, _) = one_account(&["account"]);
    let digest = sha256(&scene.path("plugins/account.wasm"));
    scene.configure(&format!("[objects.account]\nsha256 = \"{digest}\""));
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
}

#[test]
fn any_other_component_than_the_pinned_one_is_refused() {
    let (scene, _) = one_account(&["account"]);
    let digest = sha256(&scene.path("plugins/account.wasm"));
    let other = sha256(&scene.config());
    scene.configure(&format!("[objects.account]\nsha256 = \"{other}\""));
    let refused = scene.run().exits(2);
    assert!(scene.server.as_ref().unwrap().requests().is_empty());
    let error = refused.json()["error"].to_string();
    assert!(error.contains("account.wasm") && error.contains(&digest), "{error}");
}

#[test]
fn two_components_of_one_object_are_refused_by_name_until_the_metadata_chooses() {
    let (scene, _) = one_account(&["account"]);
    std::fs::copy(stock_plugin("account"), scene.path("plugins/copy.wasm")).unwrap();
    let error = scene.run().exits(2).json()["error"].to_string();
    assert!(error.contains("account.wasm") && error.contains("copy.wasm"), "{error}");
    assert!(scene.server.as_ref().unwrap().requests().is_empty());

    scene.configure("[objects.account]\nplugin = \"copy.wasm\"");
    assert_eq!(scene.run().exits(0).object("account")["pull"]["insert"], 1);
}

/// As every path of the metadata is. A name alone is one of the folder of plugins.
#[test]
fn a_plugin_is_named_in_its_folder_or_relative_to_the_metadata() {
    let (scene, _) = one_account(&["account", "contact"]);
    let good = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::create_dir(scene.path("others")).unwrap();
    let account = scene.path("plugins/account.wasm");
    let other = scene.path("others/account.wasm");
    std::fs::copy(&account, &other).unwrap();
    let absolute = other.to_str().unwrap();
    let folder = scene.path("").file_name().unwrap().to_str().unwrap().to_owned();
    let around = format!("../{folder}/plugins/account.wasm");
    for (named, file) in [
        ("account.wasm", &account),
        ("plugins/account.wasm", &account),
        ("../plugins/./account.wasm", &account),
        (&around, &account),
        ("others/account.wasm", &other),
        ("../others/account.wasm", &other),
        (absolute, &other),
    ] {
        std::fs::write(scene.config(), format!("{good}\n[objects.account]\nplugin = \"{named}\"\n")).unwrap();
        scene.run().exits(0);
        let list = scene.list(&["plugin", "list"]);
        let taken: Vec<&Json> = list.iter().filter(|it| it["object"] == "account").collect();
        let enabled = taken.iter().find(|it| it["state"] == "enabled").unwrap();
        let enabled = Path::new(enabled["file"].as_str().unwrap()).canonicalize().unwrap();
        assert_eq!(enabled, file.canonicalize().unwrap(), "{named}");
        assert_eq!(taken.len(), if *file == account { 1 } else { 2 }, "{named}: {list:?}");
    }
    std::fs::write(scene.config(), format!("{good}\n[objects.account]\nplugin = \"no/such.wasm\"\n"))
        .unwrap();
    let refused = scene.run().exits(2).json()["error"].to_string();
    for place in ["plugins/no/such.wasm", &format!("{folder}/no/such.wasm")] {
        assert!(refused.contains(place), "no {place} in {refused}");
    }
}

#[test]
fn an_object_that_is_switched_off_is_absent_from_the_run() {
    let (scene, _) = one_account(&["account", "contact"]);
    scene.crm().insert("Contact", &[("Last Name", "Doe"), ("First Name", "Jo")]).unwrap();
    scene.configure("[objects.contact]\nenabled = false");
    let report = scene.run().exits(0).json();
    let objects: Vec<&Json> = report["objects"].as_array().unwrap().iter().map(|it| &it["object"]).collect();
    assert_eq!(objects, ["account"]);
    let requests = scene.server.as_ref().unwrap().requests();
    assert!(requests.iter().all(|request| !request.target.contains("Contact/")));
}

/// What is listed of an object.
fn listed(scene: &Scene, object: &str) -> Json {
    let list = scene.list(&["plugin", "list"]);
    list.iter().find(|it| it["object"] == object).unwrap_or_else(|| panic!("no {object} in {list:?}")).clone()
}

#[test]
fn a_list_shows_every_component_and_what_no_run_would_take() {
    let (scene, _) = one_account(&["account", "contact", "opportunity"]);
    let at_first = listed(&scene, "account");
    assert_eq!((&at_first["state"], &at_first["last_run"]), (&json!("enabled"), &json!(null)));
    assert!(!scene.path("crm.db").exists(), "a list makes no store");
    scene.install(&hostile_plugin("task"));
    scene.run().exits(0);

    std::fs::remove_file(scene.path("plugins/task.wasm")).unwrap();
    let component = std::fs::read(scene.path("plugins/contact.wasm")).unwrap();
    std::fs::write(scene.path("plugins/contact.wasm"), &component[..component.len() / 2]).unwrap();
    std::fs::copy(refused_plugin("imports"), scene.path("plugins/clock.wasm")).unwrap();
    std::fs::copy(stock_plugin("account"), scene.path("plugins/copy.wasm")).unwrap();
    let digest = sha256(&scene.path("plugins/account.wasm"));
    scene.configure(&format!(
        "[objects.account]\nsha256 = \"{digest}\"\nplugin = \"account.wasm\"\n\n[objects.opportunity]\nenabled = false"
    ));
    let refused = scene.run().exits(2);
    assert!(refused.err.contains("contact.wasm") && refused.err.contains("clock.wasm"), "{}", refused.err);

    let list = scene.list(&["plugin", "list"]);
    let states: Vec<Json> = list.iter().map(|it| json!([it["object"], it["state"]])).collect();
    assert_eq!(
        states,
        [
            json!([null, "refused"]),
            json!(["account", "enabled"]),
            json!(["account", "disabled"]),
            json!(["contact", "refused"]),
            json!(["opportunity", "disabled"]),
            json!(["task", "no plugin"]),
        ]
    );
    let (clock, contact, account, copy, task) = (&list[0], &list[3], &list[1], &list[2], &list[5]);
    assert!(clock["file"].as_str().unwrap().ends_with("clock.wasm"));
    assert!(clock["imports"].to_string().contains("crm:elsewhere/clock"), "{clock}");
    assert!(contact["reason"].as_str().unwrap().contains("cut off"), "{contact}");
    assert!(contact["help"].is_string());
    assert_eq!((&account["pinned"], &account["sha256"]), (&json!(true), &json!(digest)));
    assert_eq!((&account["last_outcome"], &account["mapping_version"]), (&json!("synced"), &json!(1)));
    assert!(copy["reason"].as_str().unwrap().contains("account.wasm"), "{copy}");
    assert_eq!((&task["last_outcome"], &task["file"]), (&json!("synced"), &json!(null)));

    let text = scene.host(&["plugin", "list"]).exits(0).out;
    for word in ["refused", "cut off", "help:", "crm:elsewhere/clock", "no plugin", &digest[..12], "PINNED"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    assert!(!text.contains(&digest), "{text}");
}

#[test]
fn a_component_that_is_not_the_pinned_one_is_listed_as_refused() {
    let (scene, _) = one_account(&["account", "contact"]);
    let other = sha256(&scene.config());
    scene.configure(&format!("[objects.account]\nsha256 = \"{other}\""));
    let account = listed(&scene, "account");
    assert_eq!((&account["state"], &account["pinned"]), (&json!("refused"), &json!(false)));
    assert!(account["reason"].as_str().unwrap().contains(&other), "{account}");
    assert_eq!(listed(&scene, "contact")["state"], "enabled");
}

/// Whoever puts a file in the folder names it, and a terminal takes some names for commands.
#[test]
fn names_of_files_never_reach_the_terminal_as_they_are() {
    let (scene, _) = one_account(&["account"]);
    let name = "\u{1b}[31mred\u{7}\nroot: all is well\u{202e}";
    let shown = "\\u{1b}[31mred\\u{7}\\u{a}root: all is well\\u{202e}";
    // A component that imports something of such a name, a declaration, and one that says what is wrong in it.
    let name_of_import = [&[0, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
    let mut component = b"\0asm\x0d\0\x01\0\x07\x03\x01\x42\0\x0a".to_vec();
    component.push(u8::try_from(name_of_import.len() + 3).unwrap());
    component.extend([&[1], &name_of_import[..], &[5, 0]].concat());
    let files = [format!("{name}.wasm"), format!("{name}.object.toml"), format!("{name}2.object.toml")];
    for (file, content) in files.iter().zip([&component[..], b"", b"object = ["]) {
        std::fs::write(scene.path("plugins").join(file), content).unwrap();
    }
    scene.install(&stock_plugin("declared"));
    let mut outputs = vec![scene.host(&["run"]).exits(2), scene.host(&["plugin", "list"]).exits(0)];
    for file in &files {
        let file = scene.path("plugins").join(file);
        let file = file.to_str().unwrap();
        outputs.push(scene.host(&["plugin", "inspect", file]).exits(2));
        outputs.push(scene.host(&["plugin", "test", file]));
        outputs.push(scene.host(&["plugin", "build", file, "--out", "built"]).exits(1));
    }
    let config = scene.path("").join(format!("{name}.toml"));
    let mut host = Command::new(host_binary());
    outputs.push(Output::of(host.args(["run", "--config"]).arg(&config)).exits(2));
    for Output { out, err, .. } in outputs {
        let text = format!("{out}{err}");
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(raw), "{text:?}");
        assert!(!text.contains("\nroot: all"), "{text:?}");
        assert!(text.contains(shown), "{text:?}");
    }
}
