//! What changed on a real REST server, Kinto, comes by its own list of changes as the ready-made description has it: a run
//! costs what changed, and everything is listed where that is not enough to know.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Kinto, Scene, json};

const ACCOUNT: &str = "account";
const OPPORTUNITY: &str = "opportunity";

/// A scene in which everything is synchronized, by a run that listed it.
fn synchronized(server: &Kinto) -> Scene {
    let scene = server.scene();
    let requests = scene.run().exits(0).object("kinto-account")["requests"]["keys"].clone();
    assert!(requests.as_u64().unwrap() > 1, "listed");
    scene
}

fn changes(insert: u64, update: u64, delete: u64) -> Json {
    json!({ "insert": insert, "update": update, "delete": delete })
}

/// The mark, the changes and nothing else: not the listing.
fn by_feed(report: &Json) -> bool {
    report["requests"]["keys"] == 2
}

/// Both objects in a run with nothing to do.
fn is_quiet(scene: &Scene) {
    let run = scene.run().exits(0);
    for name in ["kinto-account", "kinto-opportunity"] {
        let report = run.object(name);
        assert_eq!((&report["pull"], &report["push"]), (&changes(0, 0, 0), &changes(0, 0, 0)), "{name}");
        assert_eq!(
            report["requests"],
            json!({ "count": 1, "keys": 2, "details": 0, "query": 0, "write": 0 }),
            "{name}: three requests"
        );
    }
}

fn names(scene: &Scene) -> Vec<String> {
    let rows = scene.rows("SELECT name FROM \"kinto-account\" ORDER BY name");
    rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

/// Several requests at once: the server gets them in the same millisecond.
fn at_once(server: &Kinto, requests: &[Json]) {
    let body = json!({ "requests": requests });
    let answer = server.request("POST", "batch", Some(&body), &[]);
    for response in answer["body"]["responses"].as_array().unwrap() {
        assert!(response["status"].as_u64().unwrap() < 300, "{response}");
    }
}

fn path(id: &str) -> String {
    format!("/buckets/crm/collections/account/records/{id}")
}

#[test]
fn a_run_with_nothing_to_do_takes_three_requests() {
    let server = Kinto::start();
    let scene = server.scene();
    // Nothing at all is a case of its own.
    scene.run().exits(0);
    is_quiet(&scene);
    server.seed(1_000, &[ACCOUNT]);
    server.create(OPPORTUNITY, &json!({ "name": "Deal", "stage": "won" }));
    assert_eq!(scene.run().exits(0).object("kinto-account")["pull"], changes(1_000, 0, 0));
    is_quiet(&scene);
}

/// `cargo test --workspace --release --test kinto_feed -- --ignored --nocapture`; needs PostgreSQL.
#[test]
#[ignore = "needs PostgreSQL, and minutes"]
fn a_run_with_nothing_to_do_takes_three_requests_at_100_000_records() {
    let server = Kinto::start_with_postgresql();
    server.seed(100_000, &[ACCOUNT, OPPORTUNITY]);
    let scene = server.scene();
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text.replace("timeout = \"2s\"", "timeout = \"30s\"")).unwrap();
    assert_eq!(scene.run().exits(0).object("kinto-account")["pull"], changes(100_000, 0, 0));
    is_quiet(&scene);
    let started = std::time::Instant::now();
    is_quiet(&scene);
    eprintln!("two objects of 100,000 records, nothing to do: {:?}", started.elapsed());
}

#[test]
fn changes_of_both_sides_come_by_the_feed_and_deletes_by_their_tombstones() {
    let server = Kinto::start();
    let [first, second, third] =
        ["One", "Two", "Three"].map(|name| server.create(ACCOUNT, &json!({ "name": name })));
    let scene = synchronized(&server);
    server.update(ACCOUNT, &first, &json!({ "name": "One there" }));
    server.delete(ACCOUNT, &second);
    server.create(ACCOUNT, &json!({ "name": "New there" }));
    // Made and deleted between two runs.
    let passing = server.create(ACCOUNT, &json!({ "name": "Passing" }));
    server.delete(ACCOUNT, &passing);
    scene.sql(
        "UPDATE \"kinto-account\" SET city = 'Oslo' WHERE name = 'Three';
         INSERT INTO \"kinto-account\"(name) VALUES('New here')",
    );
    let report = scene.run().exits(0).object("kinto-account");
    assert!(by_feed(&report), "{report}");
    assert_eq!((&report["pull"], &report["push"]), (&changes(1, 1, 1), &changes(1, 1, 0)));
    assert_eq!(names(&scene), ["New here", "New there", "One there", "Three"]);
    assert_eq!(server.read(ACCOUNT, &third)["address"], json!({ "city": "Oslo" }));
    is_quiet(&scene);
}

/// One record is written before the mark is taken and others in the same millisecond after it, as far as a test can tell.
#[test]
fn changes_in_the_same_millisecond_are_kept() {
    let server = Kinto::start();
    let scene = synchronized(&server);
    for round in 0..5 {
        let made: Vec<Json> = (0..20)
            .map(|number| json!({ "method": "PUT", "path": path(&format!("r{round}-{number}")), "body": { "data": { "name": format!("{round}.{number}") } } }))
            .collect();
        at_once(&server, &made);
        let report = scene.run().exits(0).object("kinto-account");
        assert_eq!((by_feed(&report), &report["pull"]), (true, &changes(20, 0, 0)));
        let touched: Vec<Json> = (0..20)
            .map(|number| match number % 10 {
                0 => json!({ "method": "DELETE", "path": path(&format!("r{round}-{number}")) }),
                _ => json!({ "method": "PATCH", "path": path(&format!("r{round}-{number}")), "body": { "data": { "name": format!("{round}.{number}!") } } }),
            })
            .collect();
        at_once(&server, &touched);
        let report = scene.run().exits(0).object("kinto-account");
        assert_eq!((by_feed(&report), &report["pull"]), (true, &changes(0, 18, 2)));
    }
    assert_eq!(names(&scene).len(), 90);
    is_quiet(&scene);
}

/// More changes than a page has, some of which are made twice while the pages are read.
#[test]
fn changes_come_over_pages() {
    let server = Kinto::start();
    server.create(ACCOUNT, &json!({ "name": "First" }));
    let scene = synchronized(&server);
    server.seed(1_203, &[ACCOUNT]);
    let report = scene.run().exits(0).object("kinto-account");
    assert_eq!((&report["pull"], &report["requests"]["keys"]), (&changes(1_203, 0, 0), &json!(3)));
    is_quiet(&scene);
}

/// A mark that the server does not take, and one that lies ahead of all that it knows.
#[test]
fn a_mark_of_another_history_lists_everything_and_says_so() {
    let server = Kinto::start();
    let one = server.create(ACCOUNT, &json!({ "name": "One" }));
    let scene = synchronized(&server);
    let version = server.read(ACCOUNT, &one)["last_modified"].as_u64().unwrap();
    for ahead in [3_600_000, 3 * 86_400_000] {
        server.update(ACCOUNT, &one, &json!({ "name": format!("Ahead {ahead}") }));
        scene.sql(&format!(
            "UPDATE _sync_object SET mark = '\"{}\"' WHERE name = 'kinto-account'",
            version + ahead
        ));
        let run = scene.run().exits(0);
        let report = run.object("kinto-account");
        assert_eq!((by_feed(&report), &report["pull"]), (false, &changes(0, 1, 0)), "{ahead}");
        let told = "the remote no longer tells what changed in kinto-account since the last run: everything is listed";
        assert!(run.err.contains(told), "{}", run.err);
        is_quiet(&scene);
    }
}

/// The collection was deleted and made anew: its tombstones went with it, and the count shows what they would have told.
#[test]
fn a_delete_without_a_tombstone_shows_in_the_count() {
    let server = Kinto::start();
    for name in ["One", "Two", "Three"] {
        server.create(ACCOUNT, &json!({ "name": name }));
    }
    let scene = synchronized(&server);
    let kept = server.list(ACCOUNT, "name=One").remove(0);
    for method in ["DELETE", "PUT"] {
        server.request(method, "buckets/crm/collections/account", None, &[]);
    }
    server.request(
        "PUT",
        path(kept["id"].as_str().unwrap()).trim_start_matches('/'),
        Some(&json!({ "data": kept })),
        &[],
    );
    server.create(ACCOUNT, &json!({ "name": "Four" }));
    let report = scene.run().exits(0).object("kinto-account");
    assert_eq!((by_feed(&report), &report["pull"]), (false, &changes(1, 0, 2)), "{report}");
    assert_eq!(names(&scene), ["Four", "One"]);
    is_quiet(&scene);
}

/// With a filter the server tells no deletes, nor what no longer matches: the count shows both.
#[test]
fn what_leaves_a_filter_shows_in_the_count_and_what_enters_it_comes_by_the_feed() {
    let server = Kinto::start();
    let deals = ["a", "b", "c", "d"].map(|name| {
        server
            .create(OPPORTUNITY, &json!({ "name": name, "stage": if name == "d" { "lost" } else { "won" } }))
    });
    let scene = server.scene();
    scene.configure("[objects.kinto-opportunity]\nfilter = \"stage=won\"");
    scene.run().exits(0);
    is_quiet(&scene);
    let run = || scene.run().exits(0).object("kinto-opportunity");
    let names = || {
        let rows = scene.rows("SELECT name FROM \"kinto-opportunity\" ORDER BY name");
        rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect::<String>()
    };
    server.update(OPPORTUNITY, &deals[3], &json!({ "stage": "won" }));
    let report = run();
    assert_eq!((by_feed(&report), names().as_str()), (true, "abcd"));
    // One leaves, and another one enters: there are as many as before.
    server.update(OPPORTUNITY, &deals[0], &json!({ "stage": "lost" }));
    server.create(OPPORTUNITY, &json!({ "name": "e", "stage": "won" }));
    let report = run();
    assert_eq!((by_feed(&report), names().as_str()), (false, "bcde"));
    server.delete(OPPORTUNITY, &deals[1]);
    server.update(OPPORTUNITY, &deals[0], &json!({ "stage": "won" }));
    let report = run();
    assert_eq!((by_feed(&report), names().as_str()), (false, "acde"));
    assert_eq!(server.count(OPPORTUNITY, ""), 4);
    is_quiet(&scene);
}

#[test]
fn the_feed_can_be_switched_off_and_what_has_none_cannot_be_switched_on() {
    let server = Kinto::start();
    server.create(ACCOUNT, &json!({ "name": "One" }));
    let scene = server.scene();
    let text = std::fs::read_to_string(scene.config()).unwrap();
    let with = |key: &str| text.replace("[remote]\n", &format!("[remote]\n{key}\n"));
    std::fs::write(scene.config(), with("change-feed = false")).unwrap();
    for _ in 0..2 {
        assert_eq!(scene.run().exits(0).object("kinto-account")["requests"]["keys"], 1, "listed");
    }
    let other = with("change-feed = true").replace("\"kinto\"", "\"zoho\"");
    std::fs::write(scene.config(), other).unwrap();
    let run = scene.run().exits(2);
    assert!(
        run.err.contains("the description of this server does not say how to ask for what changed"),
        "{}",
        run.err
    );
    assert!(run.err.contains("add `[changes]`"), "{}", run.err);
}
