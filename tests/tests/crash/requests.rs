//! A kill at every request: once before the server carries it out, and once after it did, and before its answer.

use crate::scene::{assert_equal_sides, assert_heals, scene};
use crm::{Action, Change, Fault};
use std::process::{Command, Stdio};
use std::time::Duration;
use tests::{Moment, Scene, host_binary};

/// Longer than any test: whoever waits for the answer is killed first.
const NEVER: Duration = Duration::from_secs(3600);

/// Runs, and kills the process in its request `number`; false where the run ends before.
fn killed_at(scene: &Scene, number: u32, moment: Moment) -> bool {
    let server = scene.server.as_ref().unwrap();
    let fault = |action| server.fault(Fault::new("", "/data/", action).skip(number - 1));
    match moment {
        // A record of a component that takes no part shows that the request was reached, or carried out.
        Moment::Before => {
            fault(Action::Before(Change::insert("Task", &[("Name", "reached")])));
            fault(Action::Delay(NEVER));
        }
        Moment::After => {
            fault(Action::After(Change::insert("Task", &[("Name", "reached")])));
            fault(Action::DelayAfter(NEVER));
        }
    }
    let mut host = Command::new(host_binary())
        .args(["run", "--config"])
        .arg(scene.config())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let reached = loop {
        if scene.crm().count("Task") > 0 {
            break true;
        }
        if host.try_wait().unwrap().is_some() {
            break false;
        }
        std::thread::yield_now();
    };
    host.kill().ok();
    host.wait().unwrap();
    server.clear_faults();
    reached
}

fn survives_every_kill(moment: Moment) {
    let mut points = 0;
    for number in 1.. {
        let scene = scene();
        if !killed_at(&scene, number, moment) {
            assert_equal_sides(&scene, "without a kill");
            break;
        }
        points += 1;
        let when = format!("after a kill in request {number}, {moment:?}");
        assert_heals(&scene, &when);
    }
    eprintln!("{points} kill points at requests, {moment:?}");
    assert!(points > 20, "a run with all operations has more requests than {points}");
}

#[test]
fn a_kill_before_any_request_is_carried_out_heals() {
    survives_every_kill(Moment::Before);
}

#[test]
fn a_kill_after_any_request_was_carried_out_heals() {
    survives_every_kill(Moment::After);
}
