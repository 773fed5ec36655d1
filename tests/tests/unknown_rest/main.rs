//! A server that no adapter was written for, connected by metadata alone: `ledger.toml` says what it is like, and
//! `entry.object.toml` what is synchronized.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ledger;

use ledger::Ledger;
use tests::{Json, Scene, json, root, stock_plugin};

fn folder() -> std::path::PathBuf {
    root().join("tests/tests/unknown_rest")
}

/// A scene with entries of this ledger.
fn scene(ledger: &Ledger) -> Scene {
    let scene = Scene::with_remote(&format!(
        "kind = \"rest\"\ndescription = \"ledger.toml\"\nurl = \"{}\"\n\
         auth = {{ kind = \"basic\", username = \"me\", password = {{ file = \"password\" }} }}\nretry-for = \"1s\"\n",
        ledger.url()
    ));
    std::fs::copy(folder().join("ledger.toml"), scene.path("ledger.toml")).unwrap();
    scene.install(&stock_plugin("declared"));
    scene.install(&folder().join("entry.object.toml"));
    scene
}

fn changes(insert: u64, update: u64, delete: u64) -> Json {
    json!({ "insert": insert, "update": update, "delete": delete })
}

/// Asserts that a run finds everything equal.
fn is_quiet(scene: &Scene) {
    let report = scene.run().exits(0).object("entry");
    assert_eq!((&report["pull"], &report["push"]), (&changes(0, 0, 0), &changes(0, 0, 0)));
    let requests = &report["requests"];
    assert_eq!((&requests["details"], &requests["write"]), (&json!(0), &json!(0)));
}

fn rent() -> Json {
    json!({
        "title": "Rent", "amount": "1000.50", "open": "yes", "due": "31.12.2026", "seen": 1_700_000_000,
        "contact": { "mail": "a@b.example", "phone": "1" },
    })
}

const ALL: &str = "SELECT title, amount, open, due, seen, mail, number FROM entry ORDER BY id";

#[test]
fn everything_is_pulled_over_pages_and_the_second_run_is_quiet() {
    let ledger = Ledger::start();
    ledger.add(rent());
    for number in 0..5 {
        ledger.add(json!({ "title": format!("Row {number}") }));
    }
    ledger.kill(3);
    let scene = scene(&ledger);
    let report = scene.run().exits(0).object("entry");
    assert_eq!((&report["counted"]["remote"], &report["pull"]), (&json!(5), &changes(5, 0, 0)));
    assert_eq!(report["requests"]["keys"], 3);
    let rent =
        json!(["Rent", "1000.5", 1, "2026-12-31", "2023-11-14T22:13:20.000000Z", "a@b.example", "L-0001"]);
    assert_eq!(scene.rows(ALL)[0], rent);
    is_quiet(&scene);
}

#[test]
fn inserts_updates_and_deletes_are_pushed_under_the_revision() {
    let ledger = Ledger::start();
    let rent = ledger.add(rent());
    let old = ledger.add(json!({ "title": "Old" }));
    let scene = scene(&ledger);
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO entry(title, amount, open, due, seen, mail)
         VALUES('New \"one\"', '-3.25', 0, '2028-02-29', '2028-02-29T01:02:03Z', 'x@y.example');
         UPDATE entry SET amount = '7', mail = NULL, due = NULL WHERE title = 'Rent';
         DELETE FROM entry WHERE title = 'Old'",
    );
    let report = scene.run().exits(0).object("entry");
    assert_eq!((&report["push"], &report["differences"]), (&changes(1, 1, 1), &json!(0)));
    assert_eq!(
        ledger.writes(),
        [
            r#"POST /api/new/entry {"row":{"body":{"amount":"-3.25","contact":{"mail":"x@y.example"},"due":"29.02.2028","open":"no","seen":1835398923,"title":"New \"one\""}}}"#,
            r#"POST /api/set/entry/1 {"rev":1,"set":{"body":{"amount":"7","contact":{"mail":null},"due":null}}}"#,
            r#"POST /api/drop/entry/2 {"rev":1}"#,
        ]
    );
    assert_eq!(ledger.body(rent)["contact"], json!({ "phone": "1" }));
    assert_eq!(ledger.body(old), Json::Null);
    // What the server made of it is known here.
    assert_eq!(scene.value("SELECT number FROM entry WHERE title LIKE 'New%'"), "L-0003");
    is_quiet(&scene);

    ledger.edit(rent, &json!({ "title": "Rent II" }));
    ledger.kill(3);
    assert_eq!(scene.run().exits(0).object("entry")["pull"], changes(0, 1, 1));
    is_quiet(&scene);
}

#[test]
fn an_edit_right_before_ours_is_not_overwritten() {
    let ledger = Ledger::start();
    let rent = ledger.add(rent());
    let scene = scene(&ledger);
    scene.run().exits(0);
    scene.sql("UPDATE entry SET amount = '7'");
    ledger.edit_before_the_next_write(rent, json!({ "amount": "8" }));
    let report = scene.run().exits(3).object("entry");
    assert_eq!((&report["push"], &report["issues"]), (&changes(0, 0, 0), &json!(1)));
    assert_eq!(scene.issues()[0]["code"], "moved");
    assert_eq!(ledger.body(rent)["amount"], "8");
    scene.run().exits(3);
    assert_eq!(
        scene.conflicts()[0]["fields"],
        json!([{ "field": "amount", "base": "1000.5", "local": "7", "remote": "8" }])
    );
    scene.host(&["run", "--on-conflict", "keep-local"]).exits(0);
    assert_eq!(ledger.body(rent)["amount"], "7");
    is_quiet(&scene);
}

#[test]
fn a_success_with_an_error_inside_is_one_records_issue_in_the_servers_words() {
    let ledger = Ledger::start();
    let scene = scene(&ledger);
    scene.run().exits(0);
    scene.sql("INSERT INTO entry(title) VALUES('no'), ('yes')");
    assert_eq!(scene.run().exits(3).object("entry")["push"], changes(1, 0, 0));
    let issue = &scene.issues()[0];
    assert_eq!((&issue["code"], &issue["message"]), (&json!("TITLE"), &json!("no is no title")));
    assert_eq!(ledger.bodies().len(), 1);
}

#[test]
fn twins_are_not_inserted() {
    let ledger = Ledger::start();
    let scene = scene(&ledger);
    scene.run().exits(0);
    ledger.add(json!({ "title": "Same" }));
    scene.sql("INSERT INTO entry(title) VALUES('Same'); INSERT INTO entry(title, amount) VALUES('Other', 1), ('Other', 2)");
    let report = scene.run().exits(3).object("entry");
    assert_eq!((&report["adopted"], &report["push"]), (&json!(1), &changes(1, 0, 0)));
    assert_eq!(ledger.bodies().len(), 2);
}

#[test]
fn a_mistake_in_the_description_is_told_before_anything_is_contacted() {
    let ledger = Ledger::start();
    let scene = scene(&ledger);
    let text = std::fs::read_to_string(scene.path("ledger.toml")).unwrap();
    std::fs::write(scene.path("ledger.toml"), text.replace("bookmark\" }", "bookmark\", size = 2 }"))
        .unwrap();
    let run = scene.host(&["run"]).exits(2);
    assert!(run.err.contains("ledger.toml:9:"), "{}", run.err);
    assert!(run.err.contains("unknown key `list.paging.size`"), "{}", run.err);
    std::fs::remove_file(scene.path("ledger.toml")).unwrap();
    let run = scene.host(&["run"]).exits(2);
    assert!(
        run.err.contains("sync.toml:5:15: the description") && run.err.contains("cannot be read"),
        "{}",
        run.err
    );
}

/// The same tables may stand in the metadata itself.
#[test]
fn a_description_may_stand_in_the_metadata() {
    let ledger = Ledger::start();
    ledger.add(rent());
    let scene = scene(&ledger);
    let inner = std::fs::read_to_string(scene.path("ledger.toml")).unwrap();
    let inner = inner.replace("[[errors", "[[remote.rest.errors").replace("\n[", "\n[remote.rest.");
    let inner = inner.replace("[remote.rest.[", "[[");
    let metadata =
        std::fs::read_to_string(scene.config()).unwrap().replace("description = \"ledger.toml\"\n", "");
    std::fs::write(scene.config(), format!("{metadata}\n{inner}")).unwrap();
    assert_eq!(scene.run().exits(0).object("entry")["pull"], changes(1, 0, 0));
    let broken = std::fs::read_to_string(scene.config()).unwrap().replace("\"/page/rows\"", "\"page.rows\"");
    std::fs::write(scene.config(), broken).unwrap();
    let run = scene.host(&["run"]).exits(2);
    assert!(run.err.contains("`remote.rest.list.items` is no JSON pointer"), "{}", run.err);
    assert!(run.err.contains("did you mean \"/page/rows\"?"), "{}", run.err);
}

/// An incomplete listing, decision 13: neither a run nor the memory goes on with it.
#[test]
fn a_listing_without_an_end_is_broken_off() {
    let ledger = Ledger::start();
    ledger.add(rent());
    let scene = scene(&ledger);
    scene.run().exits(0);
    for (rows, told) in [(0, "1000 pages in a row have no record"), (5_000, "it counts 1 records and lists")]
    {
        ledger.list_without_end(rows);
        let report = scene.run().exits(1).object("entry");
        assert!(report["error"].as_str().unwrap().contains(told), "{report}");
        assert_eq!(scene.rows("SELECT title FROM entry"), [json!(["Rent"])]);
    }
}
