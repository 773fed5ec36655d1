//! `host plugin build` beyond Rust: projects with a command of their own, and core modules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use tempfile::TempDir;
use tests::{Output, build_plugins, core_module, json};

/// A project outside this checkout: its files by name.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// `host plugin build PATH --out FOLDER/out`, in this folder.
fn build(folder: &Path, path: &Path) -> Output {
    build_plugins(folder, &[path, "--format".as_ref(), "json".as_ref()], &folder.join("out"))
}

const MANIFEST: (&str, &str) =
    ("plugin.toml", "build = \"sh build.sh 'from dist'\"\ncomponent = \"dist/plugin.wasm\"\n");

#[test]
fn a_command_of_its_own_builds_a_project_and_gets_the_contract() {
    let module = core_module("task");
    let script = format!(
        "set -e\ngrep -q 'package crm:sync-object@0.1' \"$SYNC_OBJECT_WIT/object.wit\"\n\
         echo \"copying $1\"\nmkdir -p dist\ncp '{}' dist/plugin.wasm\n",
        module.display()
    );
    let folder = project(&[MANIFEST, ("build.sh", &script)]);
    let built = build(folder.path(), folder.path()).exits(0);
    assert_eq!(built.json()[0]["object"], "task");
    assert!(built.err.contains("running `sh build.sh 'from dist'`"), "{}", built.err);
    assert!(built.err.contains("copying from dist"), "{}", built.err);
    assert!(folder.path().join("out/task.wasm").is_file());
}

#[test]
fn every_project_of_a_folder_is_found_and_its_examples_are_not() {
    let module = core_module("task");
    let script = format!("mkdir -p dist; cp '{}' dist/plugin.wasm", module.display());
    let folder = project(&[
        ("plugins/task/plugin.toml", MANIFEST.1),
        ("plugins/task/build.sh", &script),
        ("plugins/examples/broken/plugin.toml", "build = \"exit 1\"\ncomponent = \"a.wasm\"\n"),
        ("plugins/README.md", "Not a project."),
    ]);
    let built = build_plugins(folder.path(), &["--format", "json"], &folder.path().join("out")).exits(0);
    assert_eq!(built.json().as_array().map(Vec::len), Some(1));
    assert_eq!(built.json()[0]["object"], "task");
}

#[test]
fn a_core_module_with_its_types_becomes_a_component_and_a_run_takes_it_only_then() {
    let module = core_module("task");
    let folder = tempfile::tempdir().unwrap();
    let scene = tests::Scene::new(&[]);
    scene.install(&module);
    let refused = scene.run().exits(2);
    assert!(
        refused.err.contains("core module") && refused.err.contains("host plugin build"),
        "{}",
        refused.err
    );

    build(folder.path(), &module).exits(0);
    scene.install(&folder.path().join("out/task.wasm"));
    scene.crm().insert("Task", &[("Name", "Send the offer")]).unwrap();
    scene.install(&tests::stock_plugin("account"));
    assert_eq!(scene.run().exits(0).object("task")["pull"]["insert"], json!(1));
}

#[test]
fn a_core_module_without_types_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("bare.wasm");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let refused = build(folder.path(), &module).exits(1);
    for word in ["bare.wasm", "core module", "help:", "wit-bindgen"] {
        assert!(refused.err.contains(word), "no {word} in {}", refused.err);
    }
}

#[test]
fn a_command_that_gives_no_component_is_told_with_what_it_did() {
    for (script, words) in [
        ("echo 'no compiler here' >&2; exit 7", &["no compiler here", "failed", "exit status: 7"][..]),
        ("true", &["dist/plugin.wasm", "there is no", "help:"]),
        ("mkdir dist; echo text > dist/plugin.wasm", &["dist/plugin.wasm", "no WebAssembly", "help:"]),
    ] {
        let folder = project(&[MANIFEST, ("build.sh", script)]);
        let failed = build(folder.path(), folder.path()).exits(1);
        for word in words {
            assert!(failed.err.contains(word), "no {word} in {}", failed.err);
        }
        assert!(!folder.path().join("out").exists());
    }
    let left = project(&[MANIFEST, ("build.sh", "true"), ("dist/plugin.wasm", "of an earlier build")]);
    let failed = build(left.path(), left.path()).exits(1);
    assert!(failed.err.contains("did not write"), "{}", failed.err);
    assert_eq!(std::fs::read_to_string(left.path().join("dist/plugin.wasm")).unwrap(), "of an earlier build");
}

#[test]
fn a_mistake_in_plugin_toml_is_told_with_its_place() {
    let folder = project(&[("plugin.toml", "build = \"true\"\ncomponents = \"dist/plugin.wasm\"\n")]);
    let failed = build(folder.path(), folder.path()).exits(1);
    for word in ["plugin.toml:2:1", "`components`", "`component`", "help:"] {
        assert!(failed.err.contains(word), "no {word} in {}", failed.err);
    }
}

#[test]
fn an_object_never_takes_the_place_of_the_component_behind_declared_objects() {
    let folder = tempfile::tempdir().unwrap();
    let generic = tests::stock_plugin("declared");
    build(folder.path(), &generic).exits(0);
    let refused = build(folder.path(), &tests::refused_plugin("named-declared")).exits(1);
    for word in ["named_declared.wasm", "declared.wasm is the component", "help:", "another name"] {
        assert!(refused.err.contains(word), "no {word} in {}", refused.err);
    }
    let kept = std::fs::read(folder.path().join("out/declared.wasm")).unwrap();
    assert_eq!(kept, std::fs::read(generic).unwrap());
}
