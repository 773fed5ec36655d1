//! A kill at every request: once before the server carries it out, and once after it did, and before its answer.

use crate::scene::survives;
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
    survives("requests", |scene, number| killed_at(scene, number, moment), &format!("{moment:?}"));
}

#[test]
fn a_kill_before_any_request_is_carried_out_heals() {
    survives_every_kill(Moment::Before);
}

#[test]
fn a_kill_after_any_request_was_carried_out_heals() {
    survives_every_kill(Moment::After);
}
