//! A disturbed network before a real OData server, SAP CAP: two new records go in one `$batch`, and whatever happens to
//! it or to any other request, after the next run both sides are equal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use tests::{Cap, Records, Scene, heals_again_and_again, heals_in_turn};

/// More requests than the run has.
const ALL: usize = 100;
/// Runs that are disturbed again and again.
const SEEDS: u64 = 4;

/// The accounts of a server, which has none to begin with.
struct Accounts<'a>(&'a Cap);

impl<'a> Accounts<'a> {
    fn none(server: &'a Cap) -> Accounts<'a> {
        server.database().execute("DELETE FROM sales_Accounts", []).unwrap();
        Accounts(server)
    }
}

impl Records for Accounts<'_> {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn scene(&self, at: SocketAddr) -> Scene {
        self.0.scene_at(at, &["cap-account"], "timeout = \"2s\"\nretry-for = \"5s\"")
    }

    fn local(&self) -> (&'static str, &'static str, &'static str) {
        ("\"cap-account\"", "name", "phone")
    }

    fn insert(&self, name: &str, note: &str) -> String {
        let insert = "INSERT INTO sales_Accounts(ID, name, phone, createdAt, modifiedAt) \
                      SELECT lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6))), ?1, ?2, now, now \
                      FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now) RETURNING ID";
        self.0.database().query_row(insert, [name, note], |row| row.get(0)).unwrap()
    }

    fn update(&self, id: &str, note: &str) {
        let update = "UPDATE sales_Accounts SET phone = ?2, modifiedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') \
                      WHERE ID = ?1";
        assert_eq!(self.0.database().execute(update, [id, note]), Ok(1));
    }

    fn delete(&self, id: &str) {
        assert_eq!(self.0.database().execute("DELETE FROM sales_Accounts WHERE ID = ?1", [id]), Ok(1));
    }

    fn all(&self) -> Vec<(String, String)> {
        let database = self.0.database();
        let mut all = database.prepare("SELECT name, phone FROM sales_Accounts").unwrap();
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    /// New records, alone or in a batch; a batch that only reads may come twice.
    fn makes_twins(&self) -> fn(&str) -> bool {
        |request| {
            request.starts_with("POST ")
                && (!request.contains("/$batch ") || request.contains("\"method\":\"POST\""))
        }
    }
}

fn heals_in_turn_from(shift: usize) {
    let server = Cap::start();
    let struck = heals_in_turn(|| Accounts::none(&server), shift, ALL);
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
    let server = Cap::start();
    heals_again_and_again(|| Accounts::none(&server), SEEDS, ALL);
}
