//! Every way in which a network or a gateway can get hold of a request, at every request of a run with all six
//! operations: after the next run both sides are equal, nothing is lost, and nothing is doubled.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Config, Server};
use std::net::SocketAddr;
use tests::{Disturbance, Records, Scene, heals_again_and_again, heals_everywhere, stock_plugin};

/// The reference CRM and its accounts.
struct Crm(Server);

impl Crm {
    fn start() -> Crm {
        Crm(Server::start_blocking(Config::default()).unwrap())
    }
}

impl Records for Crm {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn scene(&self, at: SocketAddr) -> Scene {
        let scene = Scene::with_remote(&format!(
            "kind = \"siebel\"\nurl = \"http://{at}/siebel/v1.0\"\n\
             auth = {{ kind = \"basic\", username = \"SADMIN\", password = {{ file = \"password\" }} }}\n\
             timeout = \"500ms\"\nretry-for = \"5s\"\n"
        ));
        scene.install(&stock_plugin("account"));
        scene
    }

    fn local(&self) -> (&'static str, &'static str, &'static str) {
        ("account", "name", "phone")
    }

    fn insert(&self, name: &str, note: &str) -> String {
        self.0.store().insert("Account", &[("Name", name), ("Main Phone Number", note)]).unwrap()
    }

    fn update(&self, id: &str, note: &str) {
        self.0.store().update("Account", id, &[("Main Phone Number", note)]).unwrap();
    }

    fn delete(&self, id: &str) {
        self.0.store().delete("Account", id).unwrap();
    }

    fn all(&self) -> Vec<(String, String)> {
        let records = self.0.store().list("Account").into_iter();
        records.map(|it| (it["Name"].clone(), it["Main Phone Number"].clone())).collect()
    }
}

/// Runs that are disturbed again and again.
const SEEDS: u64 = 12;

/// More requests than the run has.
const ALL: usize = 100;

fn heals_after(disturbances: &[Disturbance]) {
    let struck = heals_everywhere(Crm::start, disturbances, ALL);
    eprintln!("{struck} disturbed requests: {disturbances:?}");
    assert!(struck >= 10 * disturbances.len(), "a run with all operations has more requests than {struck}");
}

#[test]
fn a_request_that_is_lost_heals() {
    heals_after(&[Disturbance::LostBefore]);
}

#[test]
fn an_answer_that_is_lost_heals() {
    heals_after(&[Disturbance::LostAfter, Disturbance::Truncated]);
}

#[test]
fn an_answer_that_comes_late_heals() {
    heals_after(&[Disturbance::AnswerHeld]);
}

#[test]
fn a_request_that_comes_late_heals() {
    heals_after(&[Disturbance::RequestHeld]);
}

#[test]
fn an_answer_of_somebody_else_heals() {
    heals_after(&[429, 502, 503].map(Disturbance::Answered));
}

#[test]
fn a_request_that_arrives_twice_heals() {
    heals_after(&[Disturbance::DoubledFirst, Disturbance::DoubledSecond]);
}

#[test]
fn a_run_that_is_disturbed_again_and_again_heals() {
    heals_again_and_again(Crm::start, SEEDS, ALL);
}
