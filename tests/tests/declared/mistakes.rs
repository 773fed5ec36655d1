//! Every kind of mistake in a declaration, as it is told: the place, what is wrong, and what to do.
//!
//! `tests/declared/mistakes.txt` has each with what is told of it. A field there is the second of a sound file, and
//! begins in line 14. `UPDATE_SNAPSHOTS=1` writes the file anew, to be looked at before it is committed.

use crate::declared;
use host::plugin::{Loader, Terms};
use tests::root;

/// A sound file, to which a field is added.
const SOUND: &str = r#"mapping-version = 1
user-keys = [["Name"]]

[resource]
path = "Task/Task"
id = "Id"
updated = "Updated"

[[fields]]
local = "name"
remote = "Name"
kind = "text(100)"
[[fields]]
"#;

/// What begins a mistake in the file of mistakes, and what is told of it there.
const BEGIN: &str = "== ";
const TOLD: &str = "=> ";

/// What is told of a file, line by line, without the folder.
fn told(loader: &Loader, file: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, text).unwrap();
    let Err(refusal) = loader.load(&path, Terms::default()) else { return vec!["nothing".to_owned()] };
    assert!(refusal.reason.help().contains("No code at all"), "{refusal}");
    let prefix = format!("{}:", path.display());
    refusal.to_string().lines().map(|line| line.strip_prefix(&prefix).unwrap_or(line).to_owned()).collect()
}

#[test]
fn each_is_told_with_its_place_and_what_to_do() {
    let file = root().join("tests/declared/mistakes.txt");
    let expected = std::fs::read_to_string(&file).unwrap();
    let loader = Loader::new().unwrap();
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut found = Vec::new();
    for mistake in expected.split(BEGIN).skip(1) {
        let (name, rest) = mistake.split_once('\n').unwrap();
        let lines =
            rest.trim_end().lines().filter(|line| !line.starts_with(TOLD)).collect::<Vec<_>>().join("\n");
        let told = match name {
            "a field" => told(&loader, "task.object.toml", &format!("{SOUND}{lines}\n")),
            file => told(&loader, file, &lines),
        };
        let told: String = told.iter().map(|line| format!("{TOLD}{line}\n")).collect();
        let now = format!("{name}\n{lines}\n{told}");
        assert!(update || now.trim_end() == mistake.trim_end(), "{now}\nis not\n{mistake}");
        found.push(format!("{BEGIN}{now}"));
    }
    assert!(found.len() > 50);
    if update {
        std::fs::write(&file, found.join("\n")).unwrap();
    }
}

#[test]
fn a_run_tells_them_all_before_anything_is_contacted() {
    let scene = declared(&["task", "account"]);
    std::fs::write(scene.path("plugins/task.object.toml"), "version = 1\n").unwrap();
    let refused = scene.run().exits(2);
    assert!(scene.server.as_ref().unwrap().requests().is_empty());
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    for text in [
        "task.object.toml:1:1: unknown key `version`",
        "task.object.toml:1:1: `resource` is missing",
        "help:",
    ] {
        assert!(error.contains(text), "no {text} in {error}");
    }
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let scene = declared(&["account"]);
    std::fs::write(scene.path("plugins/task.object.toml"), [0xff, 0xfe]).unwrap();
    let error = scene.run().exits(2).err;
    assert!(error.contains("task.object.toml") && error.contains("UTF-8"), "{error}");
}
