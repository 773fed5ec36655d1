//! Against a real REST service, Kinto, by its ready-made description and with declared objects: nothing here is code of
//! the server's. What it has is looked at with a client of the tests' own; see `tests/servers/kinto/README.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Kinto, Scene, json};

const ACCOUNT: &str = "account";
const OPPORTUNITY: &str = "opportunity";

/// One opportunity of one account, synchronized; their ids.
fn one_of_each(server: &Kinto) -> (Scene, String, String) {
    let (acme, deal) = records(server);
    let scene = server.scene();
    scene.run().exits(0);
    (scene, acme, deal)
}

fn records(server: &Kinto) -> (String, String) {
    let address = json!({ "city": "Berlin", "zip": "10115" });
    let acme =
        json!({ "name": "Acme", "address": address, "employees": 12, "revenue": 1000.5, "active": true });
    let acme = server.create(ACCOUNT, &acme);
    let deal = json!({
        "name": "Big \"deal\", 50% & more", "stage": "won", "amount": 10, "close_date": "2026-06-30",
        "seen": "2026-03-21T10:00:01Z", "tags": ["b", "a"], "account_id": acme,
    });
    let deal = server.create(OPPORTUNITY, &deal);
    (acme, deal)
}

fn changes(insert: u64, update: u64, delete: u64) -> Json {
    json!({ "insert": insert, "update": update, "delete": delete })
}

/// Asserts that a run finds everything equal, and asks for no more than it must to know that.
fn is_quiet(scene: &Scene) {
    let run = scene.run().exits(0);
    for name in ["kinto-account", "kinto-opportunity"] {
        let report = run.object(name);
        let requests = json!({ "count": 1, "keys": 2, "details": 0, "query": 0, "write": 0 });
        assert_eq!(report["requests"], requests, "{name}");
        assert_eq!((&report["pull"], &report["push"]), (&changes(0, 0, 0), &changes(0, 0, 0)), "{name}");
    }
}

#[test]
fn records_are_pulled_with_their_values_and_the_second_run_is_quiet() {
    let server = Kinto::start();
    let (scene, ..) = one_of_each(&server);
    assert_eq!(
        scene.rows("SELECT name, city, employees, revenue, active FROM \"kinto-account\""),
        [json!(["Acme", "Berlin", 12, "1000.5", 1])]
    );
    assert_eq!(
        scene.rows(
            "SELECT o.name, stage, amount, close_date, seen, tags, a.name FROM \"kinto-opportunity\" o
             JOIN \"kinto-account\" a ON a.id = o.account_id"
        ),
        [json!([
            "Big \"deal\", 50% & more",
            "won",
            "10",
            "2026-06-30",
            "2026-03-21T10:00:01.000000Z",
            "[\"a\",\"b\"]",
            "Acme"
        ])]
    );
    is_quiet(&scene);
}

#[test]
fn inserts_updates_and_deletes_go_both_ways() {
    let server = Kinto::start();
    let (scene, acme, deal) = one_of_each(&server);
    scene.sql(
        "INSERT INTO \"kinto-account\"(name, city, revenue) VALUES('Nova \"&\" Söhne', 'Köln', '12345678.25');
         INSERT INTO \"kinto-opportunity\"(name, close_date, seen, tags, account_id)
         SELECT 'First', '2028-02-29', '2028-02-29T01:02:03Z', '[\"x\",\"y\"]', id FROM \"kinto-account\" WHERE name LIKE 'Nova%';
         UPDATE \"kinto-account\" SET city = 'Bonn', employees = NULL, active = 0 WHERE name = 'Acme';
         DELETE FROM \"kinto-opportunity\" WHERE stage = 'won'",
    );
    let run = scene.run().exits(0);
    assert_eq!(run.object("kinto-account")["push"], changes(1, 1, 0));
    assert_eq!(run.object("kinto-opportunity")["push"], changes(1, 0, 1));
    for name in ["kinto-account", "kinto-opportunity"] {
        let report = run.object(name);
        assert_eq!(report["differences"], 0, "{name}");
        assert_eq!(report["requests"]["write"], 2, "{name}");
    }
    // A look for the twin of what is new or has another key; what was written comes with the answer.
    let queries =
        ["kinto-account", "kinto-opportunity"].map(|name| run.object(name)["requests"]["query"].clone());
    assert_eq!(queries, [2, 1]);
    let there = server.read(ACCOUNT, &acme);
    assert_eq!(there["address"], json!({ "city": "Bonn", "zip": "10115" }), "its neighbour is left alone");
    assert_eq!((&there["active"], there.get("employees")), (&json!(false), None));
    assert_eq!(server.read(OPPORTUNITY, &deal), Json::Null);
    let nova = &server.list(ACCOUNT, "like_name=Nova")[0];
    assert_eq!((&nova["address"], &nova["revenue"]), (&json!({ "city": "Köln" }), &json!(12345678.25)));
    let first = &server.list(OPPORTUNITY, "name=First")[0];
    assert_eq!((&first["account_id"], &first["tags"]), (&nova["id"], &json!(["x", "y"])));
    assert_eq!(
        (&first["close_date"], &first["seen"]),
        (&json!("2028-02-29"), &json!("2028-02-29T01:02:03.000000Z"))
    );
    is_quiet(&scene);

    server.update(ACCOUNT, &acme, &json!({ "name": "Acme AG", "revenue": null }));
    server.delete(OPPORTUNITY, first["id"].as_str().unwrap());
    let run = scene.run().exits(0);
    assert_eq!(run.object("kinto-account")["pull"], changes(0, 1, 0));
    assert_eq!(run.object("kinto-opportunity")["pull"], changes(0, 0, 1));
    assert_eq!(
        scene.rows("SELECT name, revenue FROM \"kinto-account\" WHERE city = 'Bonn'"),
        [json!(["Acme AG", null])]
    );
    is_quiet(&scene);
}

#[test]
fn an_edit_on_both_sides_is_a_conflict_until_somebody_chooses() {
    let server = Kinto::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("UPDATE \"kinto-opportunity\" SET amount = '1'");
    server.update(OPPORTUNITY, &deal, &json!({ "amount": 2 }));
    assert_eq!(scene.run().exits(3).object("kinto-opportunity")["conflicts"], 1);
    let conflict = &scene.conflicts()[0];
    assert_eq!(conflict["fields"], json!([{ "field": "amount", "base": "10", "local": "1", "remote": "2" }]));
    let id = conflict["id"].to_string().trim_matches('"').to_owned();
    scene.host(&["conflicts", "resolve", &id, "--keep", "local"]).exits(0);
    scene.run().exits(0);
    assert_eq!(server.read(OPPORTUNITY, &deal)["amount"], 1);
    is_quiet(&scene);
}

#[test]
fn an_edit_between_the_check_and_the_write_is_not_overwritten() {
    let server = Kinto::start();
    let (acme, _) = records(&server);
    let scene = server.scene_with_edit_before_patch(ACCOUNT, &acme, json!({ "name": "Theirs" }));
    scene.run().exits(0);
    scene.sql("UPDATE \"kinto-account\" SET name = 'Ours'");
    let report = scene.run().exits(3).object("kinto-account");
    assert_eq!((&report["push"], &report["issues"]), (&changes(0, 0, 0), &json!(1)));
    assert_eq!(report["requests"]["write"], 1, "the server itself refused");
    assert_eq!(scene.issues()[0]["code"], "moved");
    assert_eq!(server.read(ACCOUNT, &acme)["name"], "Theirs");
    assert_eq!(scene.run().exits(3).object("kinto-account")["conflicts"], 1);
}

#[test]
fn twins_are_told_by_their_user_key_and_equal_ones_are_paired() {
    let server = Kinto::start();
    let (scene, ..) = one_of_each(&server);
    let same = server.create(OPPORTUNITY, &json!({ "name": "Same", "stage": "lead" }));
    server.create(OPPORTUNITY, &json!({ "name": "Other", "stage": "lost" }));
    scene.sql(
        "INSERT INTO \"kinto-opportunity\"(name, stage) VALUES('Same', 'lead'), ('Other', 'won'), ('Twin', 'a'), ('Twin', 'b')",
    );
    let report = scene.run().exits(3).object("kinto-opportunity");
    assert_eq!((&report["adopted"], &report["issues"]), (&json!(1), &json!(2)));
    assert_eq!(report["push"], changes(1, 0, 0));
    assert_eq!(server.count(OPPORTUNITY, "name=Twin"), 1);
    assert_eq!(server.count(OPPORTUNITY, "name=Other"), 1);
    assert_eq!(server.read(OPPORTUNITY, &same)["stage"], "lead");
}

#[test]
fn a_filter_is_the_servers_own_query_and_leaving_it_is_no_delete() {
    let server = Kinto::start();
    let (acme, deal) = records(&server);
    let small = server.create(OPPORTUNITY, &json!({ "name": "Small", "stage": "won", "amount": 5 }));
    server.create(OPPORTUNITY, &json!({ "name": "Lost", "stage": "lost", "amount": 50 }));
    let scene = server.scene();
    scene.configure("[objects.kinto-opportunity]\nfilter = \"stage=won&min_amount=10\"");
    let report = scene.run().exits(0).object("kinto-opportunity");
    assert_eq!((&report["counted"]["remote"], &report["pull"]), (&json!(1), &changes(1, 0, 0)));
    server.update(OPPORTUNITY, &deal, &json!({ "stage": "lost" }));
    server.update(OPPORTUNITY, &small, &json!({ "amount": 11 }));
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name FROM \"kinto-opportunity\""), [json!(["Small"])]);
    assert_eq!(server.read(OPPORTUNITY, &deal)["account_id"], json!(acme));
    is_quiet(&scene);
}

#[test]
fn more_than_a_page_is_listed_whole_and_what_was_deleted_is_not() {
    let server = Kinto::start();
    server.seed(1203, &[ACCOUNT]);
    for record in server.list(ACCOUNT, "_limit=3&_sort=name").iter().take(3) {
        server.delete(ACCOUNT, record["id"].as_str().unwrap());
    }
    let scene = server.scene();
    let report = scene.run().exits(0).object("kinto-account");
    assert_eq!((&report["counted"]["remote"], &report["pull"]), (&json!(1200), &changes(1200, 0, 0)));
    assert_eq!(report["requests"]["keys"], 1, "the mark: a first load of so many reads the records at once");
    assert_eq!(report["requests"]["details"], 2);
    let again = scene.run().exits(0).object("kinto-account");
    assert_eq!(again["requests"], json!({ "count": 1, "keys": 2, "details": 0, "query": 0, "write": 0 }));
}

/// The server does as their names say, and has written them all but the last.
#[test]
fn a_write_without_an_answer_is_never_sent_twice() {
    let server = Kinto::start();
    let (scene, ..) = one_of_each(&server);
    for name in ["boom", "lost", "slow", "busy"] {
        scene.sql(&format!("INSERT INTO \"kinto-account\"(name) VALUES('{name}')"));
    }
    scene.run();
    scene.run();
    for name in ["boom", "lost", "slow"] {
        assert_eq!(server.count(ACCOUNT, &format!("name={name}")), 1, "{name}");
    }
    assert!(server.count(ACCOUNT, "name=busy") <= 1);
    // Whatever became of them, each is linked to one record.
    let linked = scene.value("SELECT count(*) FROM \"kinto-account\" WHERE name IN ('boom', 'lost', 'slow')");
    assert_eq!(linked, 3);
}

#[test]
fn a_login_that_may_not_read_fails_the_object() {
    let server = Kinto::start();
    let (scene, ..) = one_of_each(&server);
    std::fs::write(scene.path("password"), "another\n").unwrap();
    let run = scene.run().exits(1);
    let error = run.object("kinto-account")["error"].to_string();
    assert!(error.contains("account/records for `kinto-account` was answered with 403"), "{error}");
}

/// Nobody wrote down what the fields are: the records tell.
#[test]
fn a_mapping_is_begun_from_what_the_records_have() {
    let server = Kinto::start();
    records(&server);
    let scene = server.scene();
    scene.host(&["plugin", "new", "company", "--from-server", ACCOUNT]).exits(0);
    let mapping = std::fs::read_to_string(scene.path("company/src/mapping.rs")).unwrap();
    for line in ["\"last_modified\"", "\"/address/city\"", "Integer, \"employees\"", "Boolean, \"active\""] {
        assert!(mapping.contains(line), "no {line} in {mapping}");
    }
    let none = scene.host(&["plugin", "new", "task", "--from-server", "activity"]).exits(1);
    assert!(none.err.contains("activity has no records that this user sees"), "{}", none.err);
}
