//! Any server, as a test of the transport needs it: records with a name and a note, some of which change on either
//! side; and what must have come of all six operations.

use crate::disturbed::{Disturbance, Disturbed, Plan};
use crate::scene::Scene;
use std::net::SocketAddr;

/// A server with records of one kind. Nobody else changes them while a test has it.
pub trait Records {
    /// Where the server listens.
    fn address(&self) -> SocketAddr;

    /// A scene whose host finds the server at this address, with one object. Its requests time out soon,
    /// and are repeated for some time.
    fn scene(&self, at: SocketAddr) -> Scene;

    /// The local table, and its columns for name and note, as SQL has them.
    fn local(&self) -> (&'static str, &'static str, &'static str);

    /// Makes a record; its id.
    fn insert(&self, name: &str, note: &str) -> String;

    /// Changes the note of a record.
    fn update(&self, id: &str, note: &str);

    /// Deletes a record.
    fn delete(&self, id: &str);

    /// Name and note of every record.
    fn all(&self) -> Vec<(String, String)>;

    /// Told when a first run has made the local table: what a person would set up there.
    fn set_up(&self, _scene: &Scene) {}

    /// Tells the requests that make a second record when a gateway sends them twice: no client can help it where the
    /// server has no key that refuses twins, so these are not doubled.
    fn makes_twins(&self) -> fn(&str) -> bool {
        |request| request.starts_with("POST ")
    }
}

/// The local side, sorted.
fn local(server: &dyn Records, scene: &Scene) -> Vec<(String, String)> {
    let (table, name, note) = server.local();
    let rows = scene.rows(&format!("SELECT {name}, ifnull({note}, '') FROM {table}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<_> = rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect();
    rows.sort();
    rows
}

/// Records on both sides; then, on each side, a new one, a changed one and a deleted one.
fn prepare(server: &dyn Records, scene: &Scene) {
    let ids = ["Stays", "Changes there", "Goes there", "Changes here", "Goes here"]
        .map(|name| server.insert(name, "1"));
    scene.run().exits(0);
    server.set_up(scene);
    let (table, name, note) = server.local();
    server.insert("New there", "2");
    server.update(&ids[1], "2");
    server.delete(&ids[2]);
    scene.sql(&format!(
        "INSERT INTO {table}({name}, {note}) VALUES ('New here', '3'), ('Also new here', '3');
         UPDATE {table} SET {note} = '3' WHERE {name} = 'Changes here';
         DELETE FROM {table} WHERE {name} = 'Goes here';"
    ));
}

/// What both sides must have in the end: nothing is lost, and nothing doubled.
fn expected() -> Vec<(String, String)> {
    let all = [
        ("Also new here", "3"),
        ("Changes here", "3"),
        ("Changes there", "2"),
        ("New here", "3"),
        ("New there", "2"),
        ("Stays", "1"),
    ];
    all.map(|(name, note)| (name.to_owned(), note.to_owned())).into()
}

/// A run with all six operations on a fresh server, disturbed as planned; then one in peace, after which both sides
/// are as they must be, and a last one, which writes nothing. How many requests the first run sent.
///
/// # Panics
/// When anything is lost, doubled or left to do.
pub fn heals(server: &dyn Records, plan: Plan, when: &str) -> usize {
    let proxy = Disturbed::before(server.address(), server.makes_twins());
    let scene = server.scene(proxy.address());
    prepare(server, &scene);
    proxy.disturb(plan);
    let disturbed = scene.run();
    let requests = proxy.calm();
    let after = scene.run();
    let told =
        || format!("{when}\ndisturbed: {}{}\nthen: {}{}", disturbed.out, disturbed.err, after.out, after.err);
    let mut remote = server.all();
    remote.sort();
    assert_eq!(remote, expected(), "on the server, {}", told());
    assert_eq!(local(server, &scene), expected(), "on this side, {}", told());
    assert_eq!(after.code, 0, "{}", told());
    let quiet = scene.run().exits(0).json();
    let objects = quiet["objects"].as_array().cloned().unwrap_or_default();
    assert!(objects.iter().all(|object| object["requests"]["write"] == 0), "{when}: {quiet}");
    requests
}

/// [`heals`], with each of these disturbances at each of the first `most` requests of a run, a fresh server each time.
/// How many requests were disturbed.
///
/// # Panics
/// As [`heals`] does.
pub fn heals_everywhere<R: Records>(
    server: impl Fn() -> R,
    disturbances: &[Disturbance],
    most: usize,
) -> usize {
    let mut struck = 0;
    for disturbance in disturbances {
        for number in 0..most {
            let when = format!("{disturbance:?} at request {number}");
            if heals(&server(), Plan::one(number, *disturbance), &when) <= number {
                break;
            }
            struck += 1;
        }
    }
    struck
}

/// [`heals`], with another disturbance at each of the first `most` requests of a run: all of them in turn, from one on
/// that depends on `shift`. Several of these make a sample of [`heals_everywhere`] where servers are slow. How many
/// requests were disturbed.
///
/// # Panics
/// As [`heals`] does.
pub fn heals_in_turn<R: Records>(server: impl Fn() -> R, shift: usize, most: usize) -> usize {
    for number in 0..most {
        let disturbance = Disturbance::ALL[(number + shift) % Disturbance::ALL.len()];
        let when = format!("{disturbance:?} at request {number}");
        if heals(&server(), Plan::one(number, disturbance), &when) <= number {
            return number;
        }
    }
    most
}

/// [`heals`], with about every fourth of the first `most` requests of a run disturbed somehow, as each of so many seeds
/// has it.
///
/// # Panics
/// As [`heals`] does.
pub fn heals_again_and_again<R: Records>(server: impl Fn() -> R, seeds: u64, most: usize) {
    for seed in 0..seeds {
        let plan = Plan::seeded(seed, most, 4, &Disturbance::ALL);
        heals(&server(), plan, &format!("seed {seed}"));
    }
}
