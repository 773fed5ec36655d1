//! The plugins of `plugins/examples`, built with their own languages' tools.

use crate::binary::{build_plugins, root};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The component of an example, built by `host plugin build` where its sources or the contract changed since. `tool` is
/// the program that its build cannot do without.
pub fn example_plugin(language: &str, tool: &str) -> PathBuf {
    let project = root().join("plugins/examples").join(language);
    let out = root().join("target/examples").join(language);
    let (component, stamp) = (out.join("task.wasm"), out.join("sources"));
    let mut sources = String::new();
    collect(&root().join("wit"), &mut sources);
    collect(&project, &mut sources);
    if component.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return component;
    }
    let found = Command::new(tool).arg("--version").output();
    assert!(
        found.is_ok_and(|it| it.status.success()),
        "building {} needs `{tool}`: its README.md says which version",
        project.display()
    );
    build_plugins(root(), &[&project], &out).exits(0);
    std::fs::write(stamp, sources).expect("the folder was made");
    component
}

/// Appends every file of a folder that a build reads, by name: not what tools leave there, and not what people read.
fn collect(folder: &Path, into: &mut String) {
    const OTHERS: [&str; 6] = ["README.md", "cases", "dist", "node_modules", ".venv", "__pycache__"];
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if OTHERS.iter().any(|name| path.ends_with(name)) {
            continue;
        } else if path.is_dir() {
            collect(&path, into);
        } else {
            let text = std::fs::read_to_string(&path).expect("sources are text");
            let _ = writeln!(into, "{}\n{text}", path.display());
        }
    }
}
