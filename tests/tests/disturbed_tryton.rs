//! A disturbed network before a real Tryton: whatever happens to any request, after the next run both sides are equal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use tests::{Disturbance, Plan, Records, Scene, Tryton, heals, heals_in_turn, json};

const PARTY: &str = "party.party";
/// The company and its employee, which are there from the beginning.
const OTHERS: i64 = 2;
/// More requests than the run has.
const ALL: usize = 100;
/// Runs that are disturbed again and again.
const SEEDS: u64 = 4;

/// The parties of a server, which has none to begin with but those that have to be there.
struct Parties<'a>(&'a Tryton);

impl<'a> Parties<'a> {
    fn none(server: &'a Tryton) -> Parties<'a> {
        let parties = Parties(server);
        let ids: Vec<_> = parties.found().into_iter().map(|it| it["id"].clone()).collect();
        if !ids.is_empty() {
            server.call("model.party.party.delete", &json!([ids]));
        }
        parties
    }

    fn found(&self) -> Vec<tests::Json> {
        self.0.search(PARTY, &json!([["id", ">", OTHERS]]), &["name", "contact_mechanisms"])
    }
}

impl Records for Parties<'_> {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn scene(&self, at: SocketAddr) -> Scene {
        let scene = self.0.scene_at(at, "timeout = \"2s\"\nretry-for = \"5s\"");
        scene.configure(&format!("[objects.tryton-party]\nfilter = '[[\"id\", \">\", {OTHERS}]]'"));
        scene
    }

    fn local(&self) -> (&'static str, &'static str, &'static str) {
        ("\"tryton-party\"", "name", "phone")
    }

    fn insert(&self, name: &str, note: &str) -> String {
        let phone = json!([["create", [{ "type": "phone", "value": note }]]]);
        self.0.create(PARTY, &json!({ "name": name, "contact_mechanisms": phone })).to_string()
    }

    fn update(&self, id: &str, note: &str) {
        let id = id.parse().unwrap();
        let mechanisms = &self.0.read(PARTY, id, &["contact_mechanisms"])["contact_mechanisms"];
        let write = json!([["write", mechanisms, { "value": note }]]);
        self.0.write(PARTY, id, &json!({ "contact_mechanisms": write }));
    }

    fn delete(&self, id: &str) {
        self.0.delete(PARTY, id.parse().unwrap());
    }

    fn all(&self) -> Vec<(String, String)> {
        let phones =
            self.0.search("party.contact_mechanism", &json!([["type", "=", "phone"]]), &["party", "value"]);
        let text = |value: &tests::Json| value.as_str().unwrap_or_default().to_owned();
        let phone =
            |id: &tests::Json| phones.iter().find(|it| it["party"] == *id).map(|it| text(&it["value"]));
        let parties = self.found().into_iter();
        parties.map(|it| (text(&it["name"]), phone(&it["id"]).unwrap_or_default())).collect()
    }

    /// Everything is a POST; what makes a record says so.
    fn makes_twins(&self) -> fn(&str) -> bool {
        |request| request.contains("\"model.party.party.create\"")
    }
}

fn heals_in_turn_from(shift: usize) {
    let server = Tryton::start();
    let struck = heals_in_turn(|| Parties::none(&server), shift, ALL);
    assert!(struck >= 8, "a run with all operations has more requests than {struck}");
}

#[test]
fn whatever_happens_to_a_request_heals() {
    heals_in_turn_from(0);
}

#[test]
fn whatever_else_happens_to_a_request_heals() {
    heals_in_turn_from(3);
}

#[test]
fn a_third_thing_that_happens_to_a_request_heals() {
    heals_in_turn_from(6);
}

#[test]
fn a_run_that_is_disturbed_again_and_again_heals() {
    let server = Tryton::start();
    for seed in 0..SEEDS {
        let plan = Plan::seeded(seed, ALL, 4, &Disturbance::ALL);
        heals(&Parties::none(&server), plan, &format!("seed {seed}"));
    }
}
