//! A disturbed network before a real Tryton: whatever happens to any request, after the next run both sides are equal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use tests::{Records, Scene, Tryton, heals_again_and_again, heals_in_turn};

/// The time as the server's database has it.
const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f', 'now')";
/// The company and its employee, which are there from the beginning.
const OTHERS: i64 = 2;
/// More requests than the run has.
const ALL: usize = 100;
/// Runs that are disturbed again and again.
const SEEDS: u64 = 3;

/// The parties of a server, which has none to begin with but those that have to be there.
struct Parties<'a>(&'a Tryton);

impl<'a> Parties<'a> {
    fn none(server: &'a Tryton) -> Parties<'a> {
        let empty = format!(
            "DELETE FROM party_contact_mechanism WHERE party > {OTHERS};
             DELETE FROM party_address WHERE party > {OTHERS};
             DELETE FROM party_party WHERE id > {OTHERS};"
        );
        server.database().execute_batch(&empty).unwrap();
        Parties(server)
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
        let (database, now) = (self.0.database(), NOW);
        let party = format!(
            "INSERT INTO party_party(name, code, active, create_date, create_uid)
             VALUES(?1, hex(randomblob(6)), 1, {now}, 1) RETURNING id"
        );
        let id: i64 = database.query_row(&party, [name], |row| row.get(0)).unwrap();
        let phone = format!(
            "INSERT INTO party_contact_mechanism(party, type, value, value_compact, active, create_date, create_uid)
             VALUES(?1, 'phone', ?2, ?2, 1, {now}, 1)"
        );
        assert_eq!(database.execute(&phone, (id, note)), Ok(1));
        id.to_string()
    }

    fn update(&self, id: &str, note: &str) {
        let phone = "UPDATE party_contact_mechanism SET value = ?2, value_compact = ?2 WHERE party = ?1";
        assert_eq!(self.0.database().execute(phone, [id, note]), Ok(1));
        // As the server does it where the phone is edited in the party.
        let party = format!("UPDATE party_party SET write_date = {NOW}, write_uid = 1 WHERE id = ?1");
        assert_eq!(self.0.database().execute(&party, [id]), Ok(1));
    }

    fn delete(&self, id: &str) {
        self.0.database().execute("DELETE FROM party_contact_mechanism WHERE party = ?1", [id]).unwrap();
        assert_eq!(self.0.database().execute("DELETE FROM party_party WHERE id = ?1", [id]), Ok(1));
    }

    fn all(&self) -> Vec<(String, String)> {
        let database = self.0.database();
        let all = "SELECT p.name, coalesce(m.value, '') FROM party_party p
                   LEFT JOIN party_contact_mechanism m ON m.party = p.id AND m.type = 'phone' WHERE p.id > ?1";
        let mut all = database.prepare(all).unwrap();
        all.query_map([OTHERS], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    /// New parties are active. Left to the server's default, one whose answer is lost would not be found to be the
    /// same, which a person has to settle (decision 15).
    fn set_up(&self, scene: &Scene) {
        scene.sql(
            "CREATE TRIGGER active AFTER INSERT ON \"tryton-party\" WHEN NEW.active IS NULL
             BEGIN UPDATE \"tryton-party\" SET active = 1 WHERE id = NEW.id; END",
        );
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
fn a_run_that_is_disturbed_again_and_again_heals() {
    let server = Tryton::start();
    heals_again_and_again(|| Parties::none(&server), SEEDS, ALL);
}
