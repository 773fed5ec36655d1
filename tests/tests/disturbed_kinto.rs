//! Every way in which a network or a gateway can get hold of a request, at every request of a run with all six
//! operations on a real REST server, Kinto, that is asked for what changed: after the next run both sides are equal, nothing
//! is lost, and nothing is doubled.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use tests::{
    Disturbance, Json, Kinto, Records, Scene, heals_again_and_again, heals_everywhere, json, root,
    stock_plugin,
};

/// A server and its accounts; the note is the city.
struct Accounts(Kinto);

impl Accounts {
    /// The same server, without any account.
    fn emptied(&self) -> &Accounts {
        self.ask("DELETE", "", &Json::Null);
        self
    }

    /// `data` of the answer to a request below the accounts: the server's own client would take a process each.
    fn ask(&self, method: &str, below: &str, data: &Json) -> Json {
        let body = json!({ "data": data }).to_string();
        let mut server = TcpStream::connect(self.address()).unwrap();
        // The login is `sync`, with the password `sync`.
        let head = format!(
            "{method} /v1/buckets/crm/collections/account/records{below} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Authorization: Basic c3luYzpzeW5j\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address(),
            body.len()
        );
        server.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        server.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut body: Json = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert!(body["data"].is_array() || body["data"]["id"].is_string(), "{answer}");
        body["data"].take()
    }
}

impl Records for &Accounts {
    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.0.port()))
    }

    fn scene(&self, at: SocketAddr) -> Scene {
        let scene = Scene::with_remote(&format!(
            "kind = \"rest\"\ndescription = \"kinto\"\nurl = \"http://{at}/v1/buckets/crm\"\n\
             auth = {{ kind = \"basic\", username = \"sync\", password = {{ file = \"password\" }} }}\n\
             timeout = \"1s\"\nretry-for = \"5s\"\n"
        ));
        std::fs::write(scene.path("password"), "sync\n").unwrap();
        scene.install(&stock_plugin("declared"));
        scene.install(&root().join("tests/declared/kinto-account.object.toml"));
        scene
    }

    fn local(&self) -> (&'static str, &'static str, &'static str) {
        ("\"kinto-account\"", "name", "city")
    }

    fn insert(&self, name: &str, note: &str) -> String {
        let made = self.ask("POST", "", &json!({ "name": name, "address": { "city": note } }));
        made["id"].as_str().unwrap().to_owned()
    }

    fn update(&self, id: &str, note: &str) {
        self.ask("PATCH", &format!("/{id}"), &json!({ "address": { "city": note } }));
    }

    fn delete(&self, id: &str) {
        self.ask("DELETE", &format!("/{id}"), &Json::Null);
    }

    fn all(&self) -> Vec<(String, String)> {
        let records = self.ask("GET", "", &Json::Null);
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        records
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (text(&it["name"]), text(&it["address"]["city"])))
            .collect()
    }
}

/// More requests than the run has.
const ALL: usize = 100;

fn heals_after(disturbances: &[Disturbance]) {
    let accounts = Accounts(Kinto::start());
    let struck = heals_everywhere(|| accounts.emptied(), disturbances, ALL);
    eprintln!("{struck} disturbed requests: {disturbances:?}");
    assert!(struck >= 8 * disturbances.len(), "a run with all operations has more requests than {struck}");
}

#[test]
fn a_request_or_an_answer_that_is_lost_heals() {
    heals_after(&[Disturbance::LostBefore, Disturbance::LostAfter, Disturbance::Truncated]);
}

#[test]
fn what_comes_late_heals() {
    heals_after(&[Disturbance::AnswerHeld, Disturbance::RequestHeld]);
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
    let accounts = Accounts(Kinto::start());
    heals_again_and_again(|| accounts.emptied(), 4, ALL);
}
