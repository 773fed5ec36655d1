//! Against a real SAP CAP, over OData, through the binary. What the server has is asked with a client of the tests' own;
//! see `tests/servers/cap/README.md` for what the first start needs.

use tests::{Cap, Json, Scene, json};

const ACCOUNT: &str = "cap-account";
const OPPORTUNITY: &str = "cap-opportunity";
const NOTE: &str = "cap-note";

fn changes(insert: u64, update: u64, delete: u64) -> Json {
    json!({ "insert": insert, "update": update, "delete": delete })
}

/// Asserts that a run finds everything equal, and asks for no more than it must to know that.
fn is_quiet(scene: &Scene, objects: &[&str]) {
    let run = scene.run().exits(0);
    for name in objects {
        let report = run.object(name);
        let requests = &report["requests"];
        assert_eq!((&requests["count"], &requests["details"]), (&json!(1), &json!(0)), "{name}");
        assert_eq!((&requests["query"], &requests["write"]), (&json!(0), &json!(0)), "{name}");
        assert_eq!((&report["pull"], &report["push"]), (&changes(0, 0, 0), &changes(0, 0, 0)), "{name}");
    }
}

/// An account with a value in every field.
fn filled() -> Json {
    json!({
        "name": "Acme & Søn", "location": "O'Hara", "phone": "+49 30 1", "revenue": "1234567890123.45",
        "active": true, "employees": 120, "followers": "9007199254740993", "rating": 0.1, "founded": "1999-02-28",
        "lastCall": "2024-02-29T10:00:00Z", "verifiedAt": "2024-02-29T10:00:00.123Z", "source": "fair",
    })
}

const FIELDS: &str = "name, location, phone, revenue, active, employees, followers, rating, founded, last_call, \
                      verified_at, source";

fn filled_locally() -> Json {
    json!([
        "Acme & Søn",
        "O'Hara",
        "+49 30 1",
        "1234567890123.45",
        1,
        120,
        9_007_199_254_740_993_u64,
        "0.1",
        "1999-02-28",
        "2024-02-29T10:00:00.000000Z",
        "2024-02-29T10:00:00.123000Z",
        "fair"
    ])
}

/// One opportunity of one account, synchronized; their ids.
fn one_of_each(server: &Cap) -> (Scene, String, String) {
    let acme = server.create("Accounts", &json!({ "name": "Acme" }));
    let deal =
        json!({ "name": "Big deal", "amount": "1000.50", "closeDate": "2026-06-30", "account_ID": acme });
    let deal = server.create("Opportunities", &deal);
    let scene = server.scene(&[ACCOUNT, OPPORTUNITY]);
    scene.run().exits(0);
    (scene, acme, deal)
}

#[test]
fn values_of_all_kinds_go_there_and_back() {
    let server = Cap::start();
    let acme = server.create("Accounts", &filled());
    let child = server.create("Accounts", &json!({ "name": "Child", "parent_ID": acme }));
    let deal =
        json!({ "name": "Big deal", "amount": "-0.10", "closeDate": "2026-06-30", "account_ID": acme });
    server.create("Opportunities", &deal);
    let scene = server.scene(&[ACCOUNT, OPPORTUNITY]);
    let run = scene.run().exits(0);
    assert_eq!(run.object(ACCOUNT)["pull"], changes(2, 0, 0));
    assert_eq!(run.object(OPPORTUNITY)["pull"], changes(1, 0, 0));
    let local = format!("SELECT {FIELDS} FROM \"cap-account\" WHERE phone > ''");
    assert_eq!(scene.rows(&local), [filled_locally()]);
    assert_eq!(
        scene.rows(
            "SELECT c.name, p.name, c.number FROM \"cap-account\" c JOIN \"cap-account\" p ON p.id = c.parent_id"
        ),
        [json!(["Child", "Acme & Søn", 2])]
    );
    assert_eq!(
        scene.rows(
            "SELECT o.name, o.amount, o.close_date, a.name
             FROM \"cap-opportunity\" o JOIN \"cap-account\" a ON a.id = o.account_id"
        ),
        [json!(["Big deal", "-0.1", "2026-06-30", "Acme & Søn"])]
    );
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);

    // Back, into a server that has nothing of it.
    scene.sql(&format!(
        "INSERT INTO \"cap-account\"({FIELDS}) SELECT 'Copy', {} FROM \"cap-account\" WHERE phone > ''",
        FIELDS.split_once(", ").map_or("", |(_, rest)| rest)
    ));
    let report = scene.run().exits(0).object(ACCOUNT);
    assert_eq!((&report["push"], &report["differences"]), (&changes(1, 0, 0), &json!(0)));
    assert_eq!((&report["requests"]["query"], &report["requests"]["write"]), (&json!(1), &json!(1)));
    let copy = &server.list("Accounts", "name eq 'Copy'", &[])[0];
    for (name, value) in filled().as_object().into_iter().flatten().filter(|(name, _)| *name != "name") {
        assert_eq!(&copy[name], value, "{name}");
    }
    assert_eq!(copy["number"], 3);
    assert_eq!(scene.value("SELECT number FROM \"cap-account\" WHERE name = 'Copy'"), 3);
    assert_eq!(server.read("Accounts", &child, &["parent_ID"])["parent_ID"], acme.as_str());
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);
}

#[test]
fn local_edits_inserts_and_deletes_arrive_parent_first() {
    let server = Cap::start();
    let (scene, acme, deal) = one_of_each(&server);
    let lost = server.create("Opportunities", &json!({ "name": "Lost", "account_ID": acme }));
    scene.run().exits(0);
    scene.sql(
        "UPDATE \"cap-opportunity\" SET amount = '-2000.75', close_date = NULL, stage = 'Won' WHERE name = 'Big deal';
         DELETE FROM \"cap-opportunity\" WHERE name = 'Lost';
         INSERT INTO \"cap-account\"(name) VALUES('Nova');
         INSERT INTO \"cap-opportunity\"(name, account_id) SELECT 'First', id FROM \"cap-account\" WHERE name = 'Nova'",
    );
    let run = scene.run().exits(0);
    assert_eq!(run.object(ACCOUNT)["push"], changes(1, 0, 0));
    assert_eq!(run.object(OPPORTUNITY)["push"], changes(1, 1, 1));
    let there = server.read("Opportunities", &deal, &["name", "amount", "closeDate", "stage", "account_ID"]);
    assert_eq!((&there["amount"], &there["closeDate"]), (&json!("-2000.75"), &Json::Null));
    assert_eq!((&there["stage"], &there["account_ID"]), (&json!("Won"), &json!(acme)));
    assert_eq!(server.read("Opportunities", &lost, &[]), Json::Null);
    let nova = server.list("Accounts", "name eq 'Nova'", &["ID"])[0]["ID"].clone();
    assert_eq!(server.list("Opportunities", "name eq 'First'", &["account_ID"])[0]["account_ID"], nova);
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);
}

#[test]
fn remote_edits_and_deletes_arrive() {
    let server = Cap::start();
    let (scene, _, deal) = one_of_each(&server);
    let other = server.create("Accounts", &json!({ "name": "Other" }));
    scene.run().exits(0);
    server.update("Opportunities", &deal, &json!({ "name": "Bigger", "amount": null, "account_ID": other }));
    let run = scene.run().exits(0);
    assert_eq!(run.object(OPPORTUNITY)["pull"], changes(0, 1, 0));
    assert_eq!(
        scene.rows(
            "SELECT o.name, o.amount, a.name FROM \"cap-opportunity\" o JOIN \"cap-account\" a ON a.id = o.account_id"
        ),
        [json!(["Bigger", null, "Other"])]
    );
    // A write that changes nothing is no change here.
    server.update("Opportunities", &deal, &json!({ "name": "Bigger" }));
    assert_eq!(scene.run().exits(0).object(OPPORTUNITY)["pull"], changes(0, 0, 0));
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);
    server.delete("Opportunities", &deal);
    server.create("Opportunities", &json!({ "name": "Next" }));
    assert_eq!(scene.run().exits(0).object(OPPORTUNITY)["pull"], changes(1, 0, 1));
    assert_eq!(scene.rows("SELECT name FROM \"cap-opportunity\""), [json!(["Next"])]);
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);
}

#[test]
fn an_edit_on_both_sides_is_a_conflict_until_somebody_chooses() {
    let server = Cap::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("UPDATE \"cap-opportunity\" SET amount = '1'");
    server.update("Opportunities", &deal, &json!({ "amount": "2" }));
    let report = scene.run().exits(3).object(OPPORTUNITY);
    assert_eq!((&report["conflicts"], &report["issues"]), (&json!(1), &json!(0)));
    let conflict = &scene.conflicts()[0];
    let fields = json!([{ "field": "amount", "base": "1000.5", "local": "1", "remote": "2" }]);
    assert_eq!((&conflict["remote_id"], &conflict["fields"]), (&json!(deal), &fields));
    let id = conflict["id"].to_string().trim_matches('"').to_owned();
    scene.host(&["conflicts", "resolve", &id, "--keep", "local"]).exits(0);
    scene.run().exits(0);
    assert_eq!(server.read("Opportunities", &deal, &["amount"])["amount"], "1.00");
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);
}

#[test]
fn an_edit_between_the_compare_and_the_write_is_not_overwritten() {
    let server = Cap::start();
    let acme = server.create("Accounts", &json!({ "name": "Acme", "phone": "1" }));
    for (method, edit, changed) in [
        ("PATCH", "UPDATE \"cap-account\" SET name = 'Ours'", "update/update"),
        ("DELETE", "DELETE FROM \"cap-account\"", "delete/update"),
    ] {
        let theirs = json!({ "name": format!("Theirs before {method}") });
        let scene = server.scene_with_edit_before(method, &[ACCOUNT], ("Accounts", &acme), theirs.clone());
        scene.run().exits(0);
        scene.sql(edit);
        let report = scene.run().exits(3).object(ACCOUNT);
        assert_eq!((&report["push"], &report["issues"]), (&changes(0, 0, 0), &json!(1)), "{method}");
        assert_eq!(report["requests"]["write"], 1, "the server itself refused");
        assert_eq!(scene.issues()[0]["code"], "moved");
        assert_eq!(server.read("Accounts", &acme, &["name"])["name"], theirs["name"]);
        let report = scene.run().exits(3).object(ACCOUNT);
        assert_eq!((&report["conflicts"], &report["issues"]), (&json!(1), &json!(0)));
        assert_eq!(scene.conflicts()[0]["kind"], changed);
    }
}

#[test]
fn a_record_that_is_gone_is_not_brought_back_and_its_delete_is_done() {
    let server = Cap::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("UPDATE \"cap-opportunity\" SET amount = '1'");
    server.delete("Opportunities", &deal);
    scene.run().exits(3);
    assert_eq!(scene.conflicts()[0]["kind"], "update/delete");
    assert_eq!(server.count("Opportunities", ""), 0);
    scene.sql("DELETE FROM \"cap-opportunity\"");
    scene.run().exits(0);
    is_quiet(&scene, &[ACCOUNT, OPPORTUNITY]);
}

#[test]
fn a_twin_is_adopted_where_it_is_equal_and_an_issue_where_it_is_not() {
    let server = Cap::start();
    let scene = server.scene(&[ACCOUNT]);
    scene.run().exits(0);
    server.create("Accounts", &json!({ "name": "Equal's", "location": "A/B", "source": "x" }));
    server.create("Accounts", &json!({ "name": "Other", "location": "Here", "phone": "1" }));
    scene.sql(
        "INSERT INTO \"cap-account\"(name, location, source) VALUES('Equal''s', 'A/B', 'x');
         INSERT INTO \"cap-account\"(name, location, phone) VALUES('Other', 'Here', '2')",
    );
    let report = scene.run().exits(3).object(ACCOUNT);
    assert_eq!((&report["adopted"], &report["push"]), (&json!(1), &changes(0, 0, 0)));
    assert_eq!(scene.issues()[0]["code"], "user-key-match");
    assert_eq!(server.count("Accounts", ""), 2);
    scene.sql("UPDATE \"cap-account\" SET phone = '1' WHERE name = 'Other'");
    assert_eq!(scene.run().exits(0).object(ACCOUNT)["adopted"], 1);
    is_quiet(&scene, &[ACCOUNT]);
}

#[test]
fn a_unique_key_that_is_taken_is_an_issue_and_the_others_go_on() {
    let server = Cap::start();
    let (scene, acme, _) = one_of_each(&server);
    // The look-up by name and account finds the first; the rename collides with it.
    server.create("Opportunities", &json!({ "name": "Second", "account_ID": acme }));
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO \"cap-opportunity\"(name, amount, account_id)
             SELECT 'Big deal', '7', account_id FROM \"cap-opportunity\" WHERE name = 'Big deal';
         UPDATE \"cap-opportunity\" SET name = 'Big deal' WHERE name = 'Second';
         INSERT INTO \"cap-opportunity\"(name, stage) VALUES('Third', 'Lead')",
    );
    let report = scene.run().exits(3).object(OPPORTUNITY);
    assert_eq!((&report["push"], &report["issues"]), (&changes(1, 0, 0), &json!(2)));
    let codes: Vec<Json> = scene.issues().iter().map(|it| it["code"].clone()).collect();
    assert!(
        codes.contains(&json!("user-key-match")) && codes.contains(&json!("user-key-taken")),
        "{codes:?}"
    );
    assert_eq!(server.count("Opportunities", "name eq 'Big deal'"), 1);
    assert_eq!(server.count("Opportunities", "name eq 'Second'"), 1);
}

#[test]
fn an_insert_whose_answer_goes_wrong_is_found_and_not_repeated() {
    for name in ["boom", "lost"] {
        let server = Cap::start();
        let scene = server.scene(&[ACCOUNT]);
        scene.run().exits(0);
        scene.sql(&format!("INSERT INTO \"cap-account\"(name, phone) VALUES('{name}', '1')"));
        let report = scene.run().exits(0).object(ACCOUNT);
        assert_eq!(report["push"], changes(1, 0, 0), "{name}");
        assert_eq!(server.count("Accounts", ""), 1, "{name}");
        assert_eq!(scene.run().exits(0).object(ACCOUNT)["push"], changes(0, 0, 0));
        is_quiet(&scene, &[ACCOUNT]);
    }
    // Not written: one issue, until it is.
    let server = Cap::start();
    let scene = server.scene(&[ACCOUNT]);
    scene.run().exits(0);
    scene.sql("INSERT INTO \"cap-account\"(name) VALUES('busy')");
    assert_eq!(scene.run().exits(3).object(ACCOUNT)["issues"], 1);
    assert_eq!(scene.issues()[0]["code"], "fate-unknown");
    assert_eq!(server.count("Accounts", ""), 0);
    scene.sql("UPDATE \"cap-account\" SET name = 'idle'");
    assert_eq!(scene.run().exits(0).object(ACCOUNT)["push"], changes(1, 0, 0));
    assert_eq!(scene.issues(), [] as [Json; 0]);
    is_quiet(&scene, &[ACCOUNT]);
}

#[test]
fn what_the_server_refuses_is_an_issue_in_its_own_words() {
    let server = Cap::start();
    let scene = server.scene(&[ACCOUNT]);
    scene.run().exits(0);
    scene.sql("INSERT INTO \"cap-account\"(name, revenue) VALUES('Rich', '12345678901234567.89')");
    let report = scene.run().exits(3).object(ACCOUNT);
    assert_eq!((&report["push"], &report["issues"]), (&changes(0, 0, 0), &json!(1)));
    let issue = &scene.issues()[0];
    assert_eq!((&issue["object"], &issue["operation"]), (&json!(ACCOUNT), &json!("push-insert")));
    assert!(issue["message"].as_str().is_some_and(|it| it.contains("revenue")), "{issue}");
    assert_eq!(server.count("Accounts", ""), 0);
}

#[test]
fn what_the_server_computes_and_fixes_is_put_back() {
    let server = Cap::start();
    let acme = server.create("Accounts", &json!({ "name": "Acme", "source": "fair" }));
    let scene = server.scene(&[ACCOUNT]);
    scene.run().exits(0);
    scene.sql("UPDATE \"cap-account\" SET number = 99, source = 'mine', phone = '1'");
    let report = scene.run().exits(0).object(ACCOUNT);
    assert_eq!((&report["push"], &report["differences"]), (&changes(0, 1, 0), &json!(2)));
    assert_eq!(scene.rows("SELECT number, source, phone FROM \"cap-account\""), [json!([1, "fair", "1"])]);
    let there = server.read("Accounts", &acme, &["source", "phone"]);
    assert_eq!((&there["source"], &there["phone"]), (&json!("fair"), &json!("1")));
    is_quiet(&scene, &[ACCOUNT]);
}

#[test]
fn a_filter_is_the_servers_own() {
    let server = Cap::start();
    let acme = server.create("Accounts", &json!({ "name": "Acme", "location": "Here & there" }));
    server.create("Accounts", &json!({ "name": "Other", "location": "O'Hara" }));
    server.create("Accounts", &json!({ "name": "Third", "location": "Here" }));
    let scene = server.scene(&[ACCOUNT]);
    scene
        .configure("[objects.cap-account]\nfilter = \"location eq 'Here & there' or location eq 'O''Hara'\"");
    let report = scene.run().exits(0).object(ACCOUNT);
    assert_eq!((&report["pull"], &report["counted"]["remote"]), (&changes(2, 0, 0), &json!(2)));
    server.update("Accounts", &acme, &json!({ "location": "Gone" }));
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name FROM \"cap-account\""), [json!(["Other"])]);
    assert_eq!(server.count("Accounts", ""), 3);

    let wrong = server.scene(&[ACCOUNT]);
    wrong.configure("[objects.cap-account]\nfilter = \"bogus eq 1\"");
    let message = wrong.run().exits(1).object(ACCOUNT)["error"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("bogus") && message.contains("Accounts"), "{message}");
}

#[test]
fn more_than_a_page_is_listed_and_only_what_changed_is_read() {
    let server = Cap::start();
    server.seed(1_001, &["Accounts"]);
    let scene = server.scene(&[ACCOUNT]);
    let report = scene.run().exits(0).object(ACCOUNT);
    assert_eq!(report["pull"], changes(1_001, 0, 0));
    // A first load of so many needs no listing beside the records.
    assert_eq!((&report["requests"]["keys"], &report["requests"]["details"]), (&json!(0), &json!(2)));
    is_quiet(&scene, &[ACCOUNT]);
    let id = server.list("Accounts", "", &["ID"])[700]["ID"].as_str().unwrap_or_default().to_owned();
    server.update("Accounts", &id, &json!({ "phone": "new" }));
    let report = scene.run().exits(0).object(ACCOUNT);
    assert_eq!((&report["pull"], &report["requests"]["details"]), (&changes(0, 1, 0), &json!(1)));
}

#[test]
fn records_without_etags_are_read_before_a_write_and_verified_after() {
    let server = Cap::start();
    let note = server.create("Notes", &json!({ "text": "Call" }));
    let scene = server.scene(&[NOTE, ACCOUNT]);
    scene.run().exits(0);
    scene.sql("UPDATE \"cap-note\" SET text = 'Call again'; INSERT INTO \"cap-note\"(text) VALUES('New')");
    let report = scene.run().exits(0).object(NOTE);
    assert_eq!(report["push"], changes(1, 1, 0));
    assert_eq!(server.read("Notes", &note, &["text"])["text"], "Call again");
    assert_eq!(server.count("Notes", ""), 2);
    scene.sql("UPDATE \"cap-note\" SET text = 'Ours' WHERE text = 'Call again'");
    server.delete("Notes", &note);
    scene.run().exits(3);
    assert_eq!(scene.conflicts()[0]["kind"], "update/delete");
    assert_eq!(server.count("Notes", ""), 1, "nothing is brought back");
    scene.host(&["run", "--on-conflict", "keep-remote"]).exits(0);
    scene.sql("DELETE FROM \"cap-note\"");
    scene.host(&["run", "--confirm-deletes"]).exits(0);
    assert_eq!(server.count("Notes", ""), 0);
}

#[test]
fn many_new_records_edits_and_deletes_go_in_few_requests() {
    let server = Cap::start();
    let scene = server.scene(&[ACCOUNT]);
    scene.run().exits(0);
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)";
    scene.sql(&format!(
        "INSERT INTO \"cap-account\"(name, location, revenue) {numbers} SELECT 'Acme & Søn ' || i, 'O''Hara', i || '.5' FROM n"
    ));
    let report = scene.run().exits(0).object(ACCOUNT);
    let requests = &report["requests"];
    assert_eq!((&report["push"], &report["differences"]), (&changes(100, 0, 0), &json!(0)));
    assert!(requests["query"].as_u64() <= Some(6) && requests["write"].as_u64() <= Some(6), "{requests}");
    is_quiet(&scene, &[ACCOUNT]);
    assert_eq!(server.count("Accounts", "revenue eq 77.5 and name eq 'Acme & Søn 77'"), 1);

    // One of them is refused, and one has moved: the others go on.
    let moved = &server.list("Accounts", "name eq 'Acme & Søn 5'", &["ID"])[0]["ID"];
    let moved = moved.as_str().unwrap_or_default().to_owned();
    let theirs = ("Accounts", moved.as_str());
    let edited = server.scene_with_edit_before("POST", &[ACCOUNT], theirs, json!({ "phone": "theirs" }));
    edited.run().exits(0);
    edited.sql(
        "UPDATE \"cap-account\" SET phone = 'ours' WHERE number BETWEEN 3 AND 42;
         UPDATE \"cap-account\" SET revenue = '12345678901234567.89' WHERE number = 12",
    );
    let report = edited.run().exits(3).object(ACCOUNT);
    assert_eq!((&report["push"], &report["issues"]), (&changes(0, 38, 0), &json!(2)));
    assert!(report["requests"]["write"].as_u64() <= Some(3), "{report}");
    assert_eq!(server.read("Accounts", &moved, &["phone"])["phone"], "theirs");
    let codes: Vec<Json> = edited.issues().iter().map(|it| it["code"].clone()).collect();
    assert!(codes.contains(&json!("moved")), "{codes:?}");
    assert_eq!(server.count("Accounts", "phone eq 'ours'"), 38);

    scene.run().exits(0);
    scene.sql("DELETE FROM \"cap-account\" WHERE phone = 'ours'");
    let report = scene.host(&["run", "--confirm-deletes", "--format", "json"]).exits(0).object(ACCOUNT);
    assert_eq!(report["push"], changes(0, 0, 38));
    assert!(report["requests"]["write"].as_u64() <= Some(3), "{report}");
    assert_eq!(server.count("Accounts", ""), 62);
}

#[test]
fn a_change_feed_changes_nothing_where_there_is_none() {
    let server = Cap::start();
    server.create("Accounts", &json!({ "name": "Acme" }));
    let scene = server.scene_at(server.address(), &[ACCOUNT], "change-feed = true");
    scene.run().exits(0);
    let report = scene.run().exits(0).object(ACCOUNT);
    assert_eq!(
        report["requests"],
        json!({ "count": 1, "keys": 1, "details": 0, "query": 0, "write": 0 }),
        "no request more"
    );
}

#[test]
fn failures_of_the_connection_are_one_sentence_without_the_secret() {
    let server = Cap::start();
    let scene = server.scene(&[ACCOUNT]);
    assert!(std::fs::write(scene.path("password"), "hunter2\n").is_ok());
    let run = scene.run().exits(1);
    let message = run.json()["error"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("log in") && !message.contains('\n'), "{message}");
    assert!(!(run.out + &run.err).contains("hunter2"));
}
