//! The questions of a run, on a real (pseudo-)terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rexpect::session::{PtySession, spawn_command};
use std::process::Command;
use tests::{Json, Scene, host_binary, json};

/// Longer than any answer takes; a test that waits for it fails.
const PATIENCE: u64 = 60_000;

/// Accounts `A`, `B` and `C`, each with another phone on either side.
fn three_conflicts() -> Scene {
    let scene = Scene::new(&["account"]);
    let insert =
        |name| scene.crm().insert("Account", &[("Name", name), ("Main Phone Number", "old")]).unwrap();
    let ids = ["A", "B", "C"].map(insert);
    scene.run().exits(0);
    scene.sql("UPDATE account SET phone = 'here'");
    for id in ids {
        scene.crm().update("Account", &id, &[("Main Phone Number", "there")]).unwrap();
    }
    scene
}

/// `host run` on a terminal.
fn run(scene: &Scene, options: &[&str]) -> PtySession {
    let mut host = Command::new(host_binary());
    host.arg("run").args(options).arg("--config").arg(scene.config()).env("TERM", "xterm");
    spawn_command(host, Some(PATIENCE)).expect("a pseudo-terminal")
}

/// Waits for a question and answers it; what was shown before the prompt.
fn answer(terminal: &mut PtySession, line: &str) -> String {
    let shown = terminal.exp_string("[s]kip").unwrap();
    terminal.exp_string(": ").unwrap();
    terminal.send_line(line).unwrap();
    shown
}

/// The end of the run: its exit code.
fn code(mut terminal: PtySession) -> i32 {
    terminal.exp_eof().unwrap();
    match terminal.process().wait().unwrap() {
        rexpect::process::WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

/// The phones of both sides, by name.
fn phones(scene: &Scene) -> (Vec<Json>, Vec<String>) {
    let mut records = scene.crm().list("Account");
    records.sort_by(|a, b| a["Name"].cmp(&b["Name"]));
    let remote = records.iter().map(|record| record["Main Phone Number"].clone()).collect();
    (scene.rows("SELECT phone FROM account ORDER BY name"), remote)
}

#[test]
fn each_conflict_is_shown_side_by_side_and_the_answer_is_carried_out() {
    let scene = three_conflicts();
    let mut terminal = run(&scene, &[]);
    let question = answer(&mut terminal, "l");
    for part in ["account", "local 1", "edited here and on the remote", "BASE", "LOCAL", "REMOTE", "2 more"] {
        assert!(question.contains(part), "{part} in {question}");
    }
    let marked = question.lines().find(|line| line.contains("phone")).unwrap();
    assert!(marked.contains('*'), "{marked}");
    let order = ["old", "here", "there"].map(|value| marked.find(value).unwrap());
    assert!(order.is_sorted(), "{marked}");
    assert!(!question.lines().find(|line| line.contains("name")).unwrap().contains('*'), "{question}");
    answer(&mut terminal, "r");
    answer(&mut terminal, "s");
    assert_eq!(code(terminal), 3);
    let local = vec![json!(["here"]), json!(["there"]), json!(["here"])];
    assert_eq!(phones(&scene), (local, ["here", "there", "there"].map(str::to_owned).into()));
    assert_eq!(scene.conflicts().len(), 1, "the one that was skipped");
}

#[test]
fn an_answer_in_capitals_is_for_the_rest_of_the_object() {
    let scene = three_conflicts();
    let mut terminal = run(&scene, &[]);
    answer(&mut terminal, "s");
    answer(&mut terminal, "R");
    assert_eq!(code(terminal), 3);
    assert_eq!(phones(&scene).0, [json!(["here"]), json!(["there"]), json!(["there"])]);
}

#[test]
fn what_is_no_answer_is_asked_again() {
    let scene = three_conflicts();
    let mut terminal = run(&scene, &[]);
    answer(&mut terminal, "what?");
    answer(&mut terminal, "");
    answer(&mut terminal, "L");
    assert_eq!(code(terminal), 0);
    assert_eq!(phones(&scene).1, ["here"; 3]);
}

#[test]
fn the_end_of_the_input_leaves_the_rest_pending() {
    let scene = three_conflicts();
    let mut terminal = run(&scene, &[]);
    answer(&mut terminal, "l");
    terminal.exp_string("[s]kip").unwrap();
    terminal.exp_string(": ").unwrap();
    terminal.send_control('d').unwrap();
    assert_eq!(code(terminal), 3);
    assert_eq!(phones(&scene).1, ["here", "there", "there"]);
}

#[test]
fn a_process_that_dies_at_a_question_keeps_the_answers_before_it() {
    let scene = three_conflicts();
    let mut terminal = run(&scene, &[]);
    answer(&mut terminal, "l");
    terminal.exp_string("[s]kip").unwrap();
    terminal.process_mut().kill(rexpect::process::Signal::SIGKILL).unwrap();
    scene.run().exits(3);
    assert_eq!(phones(&scene).1, ["here", "there", "there"]);
    assert_eq!(scene.conflicts().len(), 2);
}

#[test]
fn a_record_that_changes_while_the_question_stands_is_asked_again() {
    let scene = three_conflicts();
    let mut terminal = run(&scene, &[]);
    terminal.exp_string("[s]kip").unwrap();
    scene.sql("UPDATE account SET phone = 'here, again' WHERE name = 'A'");
    terminal.exp_string(": ").unwrap();
    terminal.send_line("R").unwrap();
    assert_eq!(code(terminal), 3);
    assert_eq!(phones(&scene).0, [json!(["here, again"]), json!(["there"]), json!(["there"])]);
    scene.run().exits(3);
    assert_eq!(scene.conflicts().len(), 1);
}

#[test]
fn nobody_is_asked_who_does_not_want_to_be() {
    for (options, exits) in [(["--on-conflict", "skip"], 3), (["--on-conflict", "keep-local"], 0)] {
        let scene = three_conflicts();
        assert_eq!(code(run(&scene, &options)), exits);
    }
    let scene = three_conflicts();
    scene.configure("[objects.account]\non-conflict = \"keep-remote\"");
    assert_eq!(code(run(&scene, &[])), 0, "a rule comes before a question");
    let scene = three_conflicts();
    scene.configure("[objects.account]\non-conflict = \"keep-remote\"");
    let mut terminal = run(&scene, &["--on-conflict", "ask"]);
    answer(&mut terminal, "L");
    assert_eq!(code(terminal), 0, "and the command line before the rule");
    assert_eq!(phones(&scene).1, ["here"; 3]);
}
