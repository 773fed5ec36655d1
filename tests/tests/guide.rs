//! The guide of plugins/README.md, from nothing to a synchronized object, carried out as it stands there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Seed, Server};
use std::path::Path;
use std::process::Command;
use tests::{Scene, host_binary, root, stock_plugin};

/// A fenced block: what stands beside the fence, and what is in it.
struct Block {
    language: String,
    file: Option<String>,
    text: String,
}

/// The blocks of a section, in order.
fn blocks(section: &str) -> Vec<Block> {
    let readme = std::fs::read_to_string(root().join("plugins/README.md")).unwrap();
    let (_, from) = readme.split_once(&format!("## {section}\n")).expect("the section is there");
    let (section, _) = from.split_once("\n## ").unwrap();
    let fenced = section.split("```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (info, text) = block.split_once('\n').unwrap();
            let (language, file) = match info.split_once(' ') {
                Some((language, file)) => (language, Some(file.to_owned())),
                None => (info, None),
            };
            Block { language: language.to_owned(), file, text: text.to_owned() }
        })
        .collect()
}

/// Whether what was printed is what is written; a line `…` stands for any number of lines.
fn is_as_written(printed: &[&str], written: &[&str]) -> bool {
    match written.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=printed.len()).any(|skipped| is_as_written(&printed[skipped..], rest))
        }
        Some((line, rest)) => {
            printed.first().is_some_and(|first| first.trim_end() == line.trim_end())
                && is_as_written(&printed[1..], rest)
        }
    }
}

/// Runs a command as the person would, with `host` on the path.
fn shell(folder: &Path, command: &str) -> String {
    let host = host_binary().parent().unwrap().display();
    let path = format!("{host}:{}", std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", path)
        .env("CRM_PASSWORD", "SADMIN")
        // A second run need not compile the SDK again.
        .env("CARGO_TARGET_DIR", root().join("target/guide"))
        .current_dir(folder)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 3)), "{command}\n{out}\n{err}");
    out
}

#[test]
fn the_guide_leads_to_a_synchronized_object() {
    let server = Server::start_blocking(crm::Config::default()).unwrap();
    let seed =
        Seed { accounts: 40, contacts: 60, opportunities: 30, activities: 50, tasks: 20, ..Seed::default() };
    server.store().seed(Seed { seed: 1, ..seed });
    let scene = Scene::with_remote("kind = \"siebel\"\nurl = \"http://127.0.0.1:1/\"\n");
    let tour = std::fs::read_to_string(root().join("README.md")).unwrap();
    let metadata = tour.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(scene.config(), metadata.replace("http://127.0.0.1:8080/siebel/v1.0", &server.url()))
        .unwrap();
    for object in ["account", "contact", "opportunity", "activity"] {
        scene.install(&stock_plugin(object));
    }
    let folder = scene.config().parent().unwrap().to_owned();
    let (mut commands, mut files) = (0, 0);
    for block in blocks("From nothing to a synchronized object") {
        if let Some(file) = &block.file {
            std::fs::write(folder.join(file), &block.text).unwrap();
            files += 1;
            continue;
        }
        assert_eq!(block.language, "console");
        for step in block.text.split("$ ").skip(1) {
            let (command, written) = step.split_once('\n').unwrap();
            let printed = match command.strip_prefix("sqlite3 crm.db ") {
                // SQLite's own shell need not be installed for the tests; its statements are what counts.
                Some(sql) => {
                    scene.sql(sql.trim_matches('"'));
                    String::new()
                }
                None => shell(&folder, command),
            };
            let (printed, written): (Vec<_>, Vec<_>) = (printed.lines().collect(), written.lines().collect());
            assert!(is_as_written(&printed, &written), "{command} printed\n{}", printed.join("\n"));
            commands += 1;
        }
    }
    assert_eq!((commands, files), (10, 2));
    // The new record is there, linked to the account that it belongs to.
    let sent = server.store().list("Task").into_iter().find(|task| task["Name"] == "Send the offer").unwrap();
    assert!(!sent["Account Id"].is_empty(), "{sent:?}");
}
