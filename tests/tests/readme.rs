//! The README's commands, carried out as they stand there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Seed, Server};
use std::process::Command;
use tests::{Scene, host_binary, root, stock_plugin};

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Run ids tell the time.
fn without_ids(text: &str) -> String {
    let mask = |line: &str| match line.strip_prefix("run ").and_then(|rest| rest.split_once(": ")) {
        Some((_, outcome)) => format!("run ID: {outcome}\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(mask).collect()
}

#[test]
fn the_tour_prints_what_the_readme_says() {
    let server = Server::start_blocking(crm::Config::default()).unwrap();
    server.store().seed(Seed {
        accounts: 40,
        contacts: 60,
        opportunities: 30,
        activities: 50,
        seed: 1,
        ..Seed::default()
    });
    let scene = Scene::with_remote("kind = \"siebel\"\nurl = \"http://127.0.0.1:1/\"\n");
    let metadata = blocks("toml").remove(0).replace("http://127.0.0.1:8080/siebel/v1.0", &server.url());
    std::fs::write(scene.config(), metadata).unwrap();
    for object in ["account", "contact", "opportunity", "activity"] {
        scene.install(&stock_plugin(object));
    }
    let mut commands = 0;
    for block in blocks("console") {
        for step in block.split("$ ").skip(1) {
            let (command, expected) = step.split_once('\n').unwrap();
            let printed = match command.strip_prefix("sqlite3 crm.db ") {
                // SQLite's own shell need not be installed for the tests; its statements are what counts.
                Some(sql) => sqlite(&scene, sql.trim_matches('"')),
                None => shell(&scene, command),
            };
            assert_eq!(without_ids(&printed), without_ids(expected.trim_start_matches('\n')), "{command}");
            commands += 1;
        }
    }
    assert_eq!(commands, 7);
}

fn sqlite(scene: &Scene, sql: &str) -> String {
    if !sql.starts_with("SELECT") {
        scene.sql(sql);
        return String::new();
    }
    let cell = |value: &tests::Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |row: &tests::Json| row.as_array().unwrap().iter().map(cell).collect::<Vec<_>>().join("|");
    scene.rows(sql).iter().map(|row| line(row) + "\n").collect()
}

fn shell(scene: &Scene, command: &str) -> String {
    let arguments = command.strip_prefix("host ").expect("the tour runs `host`");
    let output = Command::new(host_binary())
        .args(arguments.split(' '))
        .env("CRM_PASSWORD", "SADMIN")
        .current_dir(scene.config().parent().unwrap())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_first_command_does_the_main_job() {
    let commands = blocks("sh");
    assert_eq!(commands[0].trim(), "cargo run --bin host -- demo");
    assert_eq!(commands[1].trim(), "cargo test --workspace", "the command that runs this test");
    let output = Command::new(host_binary()).arg("demo").current_dir(root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let folder = text.lines().next().unwrap().strip_prefix("demo in ").unwrap().split(" (").next().unwrap();
    let store = rusqlite::Connection::open(std::path::Path::new(folder).join("crm.db")).unwrap();
    let count = |table: &str| {
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // 500 each, one account and one opportunity new here, one account new there, two activities deleted.
    assert_eq!(
        (count("account"), count("contact"), count("opportunity"), count("activity")),
        (502, 500, 501, 498)
    );
    std::fs::remove_dir_all(folder).unwrap();
}
