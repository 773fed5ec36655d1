//! Against a real Tryton, through the binary. What the server has is asked with a client of the tests' own; see
//! `tests/servers/tryton/README.md` for what the first start needs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Scene, Tryton, json, scene_without_tryton};

const PARTY: &str = "party.party";
const OPPORTUNITY: &str = "sale.opportunity";
const MECHANISM: &str = "party.contact_mechanism";

/// The fields of an opportunity that are synchronized.
const FIELDS: [&str; 7] =
    ["description", "party", "amount", "state", "start_date", "end_date", "conversion_probability"];

fn decimal(text: &str) -> Json {
    json!({ "__class__": "Decimal", "decimal": text })
}

fn date(year: u32, month: u32, day: u32) -> Json {
    json!({ "__class__": "date", "year": year, "month": month, "day": day })
}

/// A party with a phone and an e-mail address.
fn party(server: &Tryton, name: &str) -> i64 {
    let mechanisms = json!([
        { "type": "phone", "value": "+49 30 1234" },
        { "type": "email", "value": "info@acme.example" },
    ]);
    server.create(PARTY, &json!({ "name": name, "contact_mechanisms": [["create", mechanisms]] }))
}

fn opportunity(server: &Tryton, description: &str, party: i64) -> i64 {
    let values = json!({
        "description": description, "party": party, "amount": decimal("1000.50"),
        "start_date": date(2026, 3, 21), "end_date": date(2026, 6, 30), "conversion_probability": 0.25,
    });
    server.create(OPPORTUNITY, &values)
}

/// One opportunity of one party, synchronized; their ids.
fn one_of_each(server: &Tryton) -> (Scene, i64, i64) {
    let acme = party(server, "Acme");
    let deal = opportunity(server, "Big deal", acme);
    let scene = server.scene();
    scene.run().exits(0);
    (scene, acme, deal)
}

/// The mechanisms of a party that are in use.
fn mechanisms(server: &Tryton, party: i64) -> Vec<Json> {
    let found = server.search(MECHANISM, &json!([["party", "=", party]]), &["type", "value"]);
    found.into_iter().map(|it| json!([it["type"], it["value"]])).collect()
}

fn changes(insert: u64, update: u64, delete: u64) -> Json {
    json!({ "insert": insert, "update": update, "delete": delete })
}

/// Asserts that a run finds everything equal, and asks for no more than it must to know that.
fn is_quiet(scene: &Scene) {
    let run = scene.run().exits(0);
    for name in ["tryton-party", "tryton-opportunity"] {
        let report = run.object(name);
        let requests = json!({ "count": 1, "keys": 1, "details": 0, "query": 0, "write": 0 });
        assert_eq!(report["requests"], requests, "{name}");
        assert_eq!((&report["pull"], &report["push"]), (&changes(0, 0, 0), &changes(0, 0, 0)), "{name}");
    }
}

fn list(scene: &Scene, log: &str) -> Vec<Json> {
    let list = scene.host(&[log, "list", "--format", "json"]).exits(0).json();
    list.as_array().cloned().unwrap_or_default()
}

#[test]
fn parties_and_opportunities_are_pulled_and_the_second_run_reads_no_details_and_writes_nothing() {
    let server = Tryton::start();
    // A number that is used up: from here on, remote and local ids differ.
    let gone = party(&server, "Gone");
    server.delete(PARTY, gone);
    let acme = party(&server, "Acme GmbH");
    let website = json!({ "party": acme, "type": "website", "value": "https://acme.example" });
    server.create(MECHANISM, &website);
    opportunity(&server, "Big deal", acme);

    let scene = server.scene();
    let run = scene.run().exits(0);
    // The company and its employee are parties too.
    assert_eq!(run.object("tryton-party")["pull"], changes(3, 0, 0));
    assert_eq!(run.object("tryton-opportunity")["pull"], changes(1, 0, 0));
    let code = &server.read(PARTY, acme, &["code"])["code"];
    assert!(code.is_string());
    assert_eq!(
        scene.rows("SELECT name, code, active, phone, email, website FROM \"tryton-party\" WHERE phone > ''"),
        [json!(["Acme GmbH", code, 1, "+49 30 1234", "info@acme.example", "https://acme.example"])]
    );
    assert_eq!(
        scene.rows(
            "SELECT description, amount, state, start_date, end_date, conversion_probability
             FROM \"tryton-opportunity\""
        ),
        [json!(["Big deal", "1000.5", "lead", "2026-03-21", "2026-06-30", "0.25"])]
    );
    let link = scene.value("SELECT party_id FROM \"tryton-opportunity\"");
    assert_eq!(link, scene.value("SELECT id FROM \"tryton-party\" WHERE name = 'Acme GmbH'"));
    assert_ne!(link, json!(acme), "the link is the local id");
    is_quiet(&scene);
}

#[test]
fn a_new_party_and_its_new_opportunity_arrive_parent_first() {
    let server = Tryton::start();
    let (scene, ..) = one_of_each(&server);
    scene.sql(
        "INSERT INTO \"tryton-party\"(name, active, phone, website)
         VALUES('Nova', 1, '+33 1 22', 'https://nova.example');
         INSERT INTO \"tryton-opportunity\"
             (description, party_id, amount, start_date, end_date, conversion_probability)
         SELECT 'First deal', id, '250.00', '2026-02-28', '2028-02-29', '0.125'
         FROM \"tryton-party\" WHERE name = 'Nova'",
    );
    let run = scene.run().exits(0);
    for name in ["tryton-party", "tryton-opportunity"] {
        assert_eq!(run.object(name)["push"], changes(1, 0, 0), "{name}");
        assert_eq!(run.object(name)["differences"], 0, "{name}");
    }
    let found = server.search(PARTY, &json!([["name", "=", "Nova"]]), &["code", "active"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["active"], 1);
    let nova = found[0]["id"].as_i64().unwrap_or_default();
    let expected = [json!(["phone", "+33 1 22"]), json!(["website", "https://nova.example"])];
    assert_eq!(mechanisms(&server, nova), expected);
    let deals = server.search(OPPORTUNITY, &json!([["party", "=", nova]]), &FIELDS);
    assert_eq!(deals.len(), 1);
    assert_eq!(
        deals[0],
        json!({
            "id": deals[0]["id"], "description": "First deal", "party": nova, "amount": decimal("250"),
            "state": "lead", "start_date": date(2026, 2, 28), "end_date": date(2028, 2, 29),
            "conversion_probability": 0.125,
        })
    );
    // What the server assigned is known locally.
    let code = scene.value("SELECT code FROM \"tryton-party\" WHERE name = 'Nova'");
    assert_eq!(code, found[0]["code"]);
    assert_eq!(
        scene.value("SELECT state FROM \"tryton-opportunity\" WHERE description = 'First deal'"),
        "lead"
    );
    is_quiet(&scene);
}

#[test]
fn defaults_of_the_server_are_differences_and_no_issues() {
    let server = Tryton::start();
    let (scene, ..) = one_of_each(&server);
    scene.sql(
        "INSERT INTO \"tryton-opportunity\"(description, party_id)
         SELECT 'Bare', id FROM \"tryton-party\" WHERE name = 'Acme'",
    );
    let report = scene.run().exits(0).object("tryton-opportunity");
    assert_eq!(report["push"], changes(1, 0, 0));
    // The start date and the probability; the state is the server's own.
    assert_eq!(report["differences"], 2);
    is_quiet(&scene);
}

#[test]
fn local_edits_and_deletes_arrive() {
    let server = Tryton::start();
    let acme = party(&server, "Acme");
    let unused = party(&server, "Unused");
    let deal = opportunity(&server, "Big deal", acme);
    let lost = opportunity(&server, "Lost deal", acme);
    server.call("model.sale.opportunity.cancel", &json!([[lost]]));
    let scene = server.scene();
    scene.run().exits(0);
    // A mechanism that is changed, one that goes, one that comes.
    scene.sql(
        "UPDATE \"tryton-party\" SET name = 'Acme AG', phone = '+49 30 99', email = NULL,
             website = 'https://acme.example' WHERE name = 'Acme';
         DELETE FROM \"tryton-party\" WHERE name = 'Unused';
         UPDATE \"tryton-opportunity\" SET description = 'Bigger deal', amount = '-2000.75', end_date = NULL
         WHERE description = 'Big deal';
         DELETE FROM \"tryton-opportunity\" WHERE description = 'Lost deal'",
    );
    let run = scene.run().exits(0);
    assert_eq!(run.object("tryton-party")["push"], changes(0, 1, 1));
    assert_eq!(run.object("tryton-opportunity")["push"], changes(0, 1, 1));
    assert_eq!(server.read(PARTY, acme, &["name"])["name"], "Acme AG");
    let expected = [json!(["phone", "+49 30 99"]), json!(["website", "https://acme.example"])];
    assert_eq!(mechanisms(&server, acme), expected);
    assert_eq!(
        server.read(OPPORTUNITY, deal, &FIELDS),
        json!({
            "id": deal, "description": "Bigger deal", "party": acme, "amount": decimal("-2000.75"),
            "state": "lead", "start_date": date(2026, 3, 21), "end_date": null, "conversion_probability": 0.25,
        })
    );
    assert_eq!(server.read(PARTY, unused, &[]), Json::Null);
    assert_eq!(server.read(OPPORTUNITY, lost, &[]), Json::Null);
    is_quiet(&scene);
}

#[test]
fn remote_edits_and_deletes_arrive() {
    let server = Tryton::start();
    let acme = party(&server, "Acme");
    let archived = party(&server, "Archived");
    let unused = party(&server, "Unused");
    let deal = opportunity(&server, "Big deal", acme);
    let scene = server.scene();
    scene.run().exits(0);

    // A mechanism that is edited by itself leaves its party's own stamp as it was.
    let phone = server.search(MECHANISM, &json!([["party", "=", acme], ["type", "=", "phone"]]), &[]);
    server.write(MECHANISM, phone[0]["id"].as_i64().unwrap_or_default(), &json!({ "value": "+49 30 99" }));
    server.write(PARTY, archived, &json!({ "active": false }));
    server.delete(PARTY, unused);
    let edit = json!({ "description": "Bigger deal", "amount": null, "party": archived });
    server.write(OPPORTUNITY, deal, &edit);
    server.call("model.sale.opportunity.cancel", &json!([[deal]]));

    let run = scene.run().exits(0);
    assert_eq!(run.object("tryton-party")["pull"], changes(0, 2, 1));
    assert_eq!(run.object("tryton-opportunity")["pull"], changes(0, 1, 0));
    assert_eq!(
        scene.rows(
            "SELECT name, active, phone, email FROM \"tryton-party\" WHERE phone IS NOT NULL ORDER BY name"
        ),
        [
            json!(["Acme", 1, "+49 30 99", "info@acme.example"]),
            json!(["Archived", 0, "+49 30 1234", "info@acme.example"])
        ]
    );
    assert_eq!(
        scene.rows(
            "SELECT o.description, p.name, o.amount, o.state
             FROM \"tryton-opportunity\" o JOIN \"tryton-party\" p ON p.id = o.party_id"
        ),
        [json!(["Bigger deal", "Archived", null, "cancelled"])]
    );
    is_quiet(&scene);
}

#[test]
fn a_local_edit_of_the_state_is_put_back_and_counted() {
    let server = Tryton::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("UPDATE \"tryton-opportunity\" SET state = 'converted', amount = '7'");
    let report = scene.run().exits(0).object("tryton-opportunity");
    assert_eq!((&report["differences"], &report["issues"]), (&json!(1), &json!(0)));
    assert_eq!(report["push"], changes(0, 1, 0));
    let now = server.read(OPPORTUNITY, deal, &["state", "amount"]);
    assert_eq!((&now["state"], &now["amount"]), (&json!("lead"), &decimal("7")));
    assert_eq!(scene.rows("SELECT state, amount FROM \"tryton-opportunity\""), [json!(["lead", "7"])]);

    // The state alone: nothing is left to send.
    scene.sql("UPDATE \"tryton-opportunity\" SET state = 'lost'");
    let report = scene.run().exits(0).object("tryton-opportunity");
    assert_eq!((&report["differences"], &report["requests"]["write"]), (&json!(1), &json!(0)));
    assert_eq!(scene.value("SELECT state FROM \"tryton-opportunity\""), "lead");
    is_quiet(&scene);
}

#[test]
fn an_edit_on_both_sides_is_a_conflict_until_somebody_chooses() {
    let server = Tryton::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("UPDATE \"tryton-opportunity\" SET amount = '1'");
    server.write(OPPORTUNITY, deal, &json!({ "amount": decimal("2") }));
    let report = scene.run().exits(3).object("tryton-opportunity");
    assert_eq!((&report["conflicts"], &report["issues"]), (&json!(1), &json!(0)));
    let conflicts = list(&scene, "conflicts");
    assert_eq!(conflicts.len(), 1);
    let conflict = &conflicts[0];
    assert_eq!(
        (&conflict["object"], &conflict["kind"]),
        (&json!("tryton-opportunity"), &json!("update/update"))
    );
    assert_eq!(conflict["remote_id"], deal.to_string());
    assert_eq!(
        conflict["fields"],
        json!([{ "field": "amount", "base": "1000.5", "local": "1", "remote": "2" }])
    );
    assert_eq!(scene.value("SELECT amount FROM \"tryton-opportunity\""), "1");
    assert_eq!(server.read(OPPORTUNITY, deal, &["amount"])["amount"], decimal("2"));

    let id = conflict["id"].to_string().trim_matches('"').to_owned();
    scene.host(&["conflicts", "resolve", &id, "--keep", "local"]).exits(0);
    scene.run().exits(0);
    assert_eq!(server.read(OPPORTUNITY, deal, &["amount"])["amount"], decimal("1"));
    is_quiet(&scene);
}

#[test]
fn a_party_that_was_deleted_there_and_edited_here_is_created_anew() {
    let server = Tryton::start();
    let scene = server.scene();
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO \"tryton-party\"(name) VALUES('Acme');
         INSERT INTO \"tryton-opportunity\"(description, party_id)
         SELECT 'Deal', id FROM \"tryton-party\" WHERE name = 'Acme'",
    );
    scene.run().exits(0);
    let acme = server.search(PARTY, &json!([["name", "=", "Acme"]]), &[])[0]["id"].clone();
    let deal = server.search(OPPORTUNITY, &json!([]), &[])[0]["id"].as_i64().unwrap_or_default();
    // Tryton deletes no party that something points at.
    server.write(OPPORTUNITY, deal, &json!({ "party": Json::Null }));
    server.call("model.party.party.delete", &json!([[acme]]));
    scene.sql("UPDATE \"tryton-party\" SET name = 'Acme & Co' WHERE name = 'Acme'");
    scene.host(&["run", "tryton-party"]).exits(3);
    assert_eq!(list(&scene, "conflicts")[0]["kind"], "update/delete");

    scene.host(&["run", "--on-conflict", "keep-local"]).exits(0);
    let anew = server.search(PARTY, &json!([["name", "=", "Acme & Co"]]), &[])[0]["id"].clone();
    assert_ne!(anew, acme);
    // Somebody took the link off there, and it stays off; here it can be set again.
    assert_eq!(server.read(OPPORTUNITY, deal, &["party"])["party"], Json::Null);
    assert_eq!(scene.value("SELECT party_id FROM \"tryton-opportunity\""), Json::Null);
    scene.sql("UPDATE \"tryton-opportunity\" SET party_id = (SELECT id FROM \"tryton-party\" WHERE name = 'Acme & Co')");
    scene.run().exits(0);
    assert_eq!(server.read(OPPORTUNITY, deal, &["party"])["party"], anew);
    is_quiet(&scene);
}

#[test]
fn an_opportunity_that_was_deleted_here_and_edited_there_is_pulled_anew() {
    let server = Tryton::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("DELETE FROM \"tryton-opportunity\"");
    server.write(OPPORTUNITY, deal, &json!({ "amount": decimal("2") }));
    scene.host(&["run", "--on-conflict", "keep-remote"]).exits(0);
    assert_eq!(scene.rows("SELECT id > 1, amount FROM \"tryton-opportunity\""), [json!([1, "2"])]);
    is_quiet(&scene);
}

#[test]
fn edits_of_different_fields_are_merged() {
    let server = Tryton::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.configure("[objects.tryton-opportunity]\non-conflict = \"merge\"");
    scene.sql("UPDATE \"tryton-opportunity\" SET amount = '1'");
    server.write(OPPORTUNITY, deal, &json!({ "description": "Bigger deal" }));
    scene.run().exits(0);
    let there = server.read(OPPORTUNITY, deal, &["description", "amount"]);
    assert_eq!((&there["description"], &there["amount"]), (&json!("Bigger deal"), &decimal("1")));
    assert_eq!(
        scene.rows("SELECT description, amount FROM \"tryton-opportunity\""),
        [json!(["Bigger deal", "1"])]
    );
    is_quiet(&scene);
}

#[test]
fn an_edit_between_the_check_and_the_write_is_not_overwritten() {
    let server = Tryton::start();
    let acme = party(&server, "Acme");
    let theirs = json!({ "name": "Theirs" });
    let scene = server.scene_with_edit_before("model.party.party.write", PARTY, acme, theirs);
    scene.run().exits(0);
    scene.sql("UPDATE \"tryton-party\" SET name = 'Ours' WHERE name = 'Acme'");

    let report = scene.run().exits(3).object("tryton-party");
    assert_eq!((&report["push"], &report["issues"]), (&changes(0, 0, 0), &json!(1)));
    assert_eq!(report["requests"]["write"], 1, "the server itself refused");
    assert_eq!(list(&scene, "issues")[0]["code"], "moved");
    assert_eq!(server.read(PARTY, acme, &["name"])["name"], "Theirs");

    let report = scene.run().exits(3).object("tryton-party");
    assert_eq!((&report["conflicts"], &report["issues"]), (&json!(1), &json!(0)));
    assert_eq!(list(&scene, "conflicts")[0]["kind"], "update/update");
}

#[test]
fn what_tryton_refuses_is_one_issue_in_its_own_words_until_it_is_allowed() {
    let server = Tryton::start();
    let (scene, _, deal) = one_of_each(&server);
    scene.sql("DELETE FROM \"tryton-opportunity\"");
    for attempts in 1..=2 {
        let report = scene.run().exits(3).object("tryton-opportunity");
        assert_eq!((&report["issues"], &report["push"]), (&json!(1), &changes(0, 0, 0)));
        let issues = list(&scene, "issues");
        assert_eq!(issues.len(), 1);
        let issue = &issues[0];
        assert_eq!(
            (&issue["object"], &issue["operation"]),
            (&json!("tryton-opportunity"), &json!("push-delete"))
        );
        assert_eq!((&issue["remote_id"], &issue["attempts"]), (&json!(deal.to_string()), &json!(attempts)));
        assert_eq!(issue["message"], format!("To delete opportunity \"{deal}\", you must cancel it."));
        assert_eq!(server.read(OPPORTUNITY, deal, &["state"])["state"], "lead");
        assert_eq!(scene.value("SELECT count(*) FROM \"tryton-opportunity\""), 0, "it is not pulled again");
    }

    // Cancelling it is an edit, which meets the delete; then the delete goes through.
    server.call("model.sale.opportunity.cancel", &json!([[deal]]));
    scene.run().exits(3);
    assert_eq!(list(&scene, "conflicts")[0]["kind"], "delete/update");
    let run = scene.host(&["run", "--on-conflict", "keep-local", "--format", "json"]).exits(0);
    assert_eq!(run.object("tryton-opportunity")["push"], changes(0, 0, 1));
    assert_eq!(server.read(OPPORTUNITY, deal, &[]), Json::Null);
    assert_eq!(list(&scene, "issues"), [] as [Json; 0]);
    is_quiet(&scene);
}

#[test]
fn records_with_one_timestamp_are_told_apart() {
    let server = Tryton::start();
    let parties: Vec<Json> = (0..200).map(|number| json!({ "name": format!("Party {number}") })).collect();
    let ids = server.call("model.party.party.create", &json!([parties]));
    let stamps = server.search(PARTY, &json!([["id", "in", ids]]), &["_timestamp"]);
    assert_eq!(stamps.len(), 200);
    assert!(stamps.iter().all(|it| it["_timestamp"] == stamps[0]["_timestamp"]), "one call, one timestamp");

    let scene = server.scene();
    assert_eq!(scene.run().exits(0).object("tryton-party")["pull"], changes(202, 0, 0));
    is_quiet(&scene);
    server.write(PARTY, ids[117].as_i64().unwrap_or_default(), &json!({ "name": "Renamed" }));
    let report = scene.run().exits(0).object("tryton-party");
    assert_eq!((&report["pull"], &report["push"]), (&changes(0, 1, 0), &changes(0, 0, 0)));
    assert_eq!(
        scene.rows("SELECT name FROM \"tryton-party\" WHERE name NOT LIKE 'Party %' ORDER BY id"),
        [json!(["My Company"]), json!(["Sales Rep"]), json!(["Renamed"])]
    );
    is_quiet(&scene);
}

/// Asserts that a run fails with one sentence, in the report and for a person, and tells no secret.
fn fails_in_one_sentence(scene: &Scene) -> String {
    let run = scene.run().exits(1);
    let report = run.json();
    assert_eq!(report["outcome"], "failed");
    let message = report["error"].as_str().unwrap_or_default().to_owned();
    assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
    let told = scene.host(&["run"]).exits(1);
    let told = told.out + &told.err;
    assert_eq!(told.matches(&message).count(), 1, "{message:?} in {told}");
    for text in [&run.out, &run.err, &told] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    message
}

#[test]
fn a_wrong_password_fails_the_run_in_one_sentence_without_the_secret() {
    let server = Tryton::start();
    let scene = server.scene();
    assert!(std::fs::write(scene.path("password"), "hunter2\n").is_ok());
    let message = fails_in_one_sentence(&scene);
    assert!(message.contains("log in") || message.contains("login"), "{message}");
}

#[test]
fn a_server_that_is_down_fails_the_run_in_one_sentence() {
    let scene = scene_without_tryton();
    let message = fails_in_one_sentence(&scene);
    assert!(message.contains("127.0.0.1"), "{message}");
}

#[test]
fn a_mapping_is_made_of_what_the_server_tells_of_a_model() {
    let server = Tryton::start();
    let acme = party(&server, "Acme");
    opportunity(&server, "Big deal", acme);
    let scene = server.scene();
    let out = scene.path("plugins");
    let made = |object: &str, model: &str| {
        scene.host(&["plugin", "new", object, "--from-server", model]).exits(0);
        std::fs::read_to_string(scene.path(object).join("src/mapping.rs")).unwrap()
    };
    let deal = made("deal", OPPORTUNITY);
    for line in [
        "field(\"party_id\", Reference(\"tryton-party\"), \"party\")",
        "field(\"start_date\", Date, \"start_date\")",
        "updated: \"_timestamp\"",
        "created: Some(\"create_date\")",
    ] {
        assert!(deal.contains(line), "no {line} in {deal}");
    }
    std::fs::remove_file(scene.path("plugins/tryton-opportunity.wasm")).unwrap();

    // Made, built, dropped in; then edits in both directions.
    made("category", "party.category");
    let category = server.create("party.category", &json!({ "name": "Old" }));
    for project in ["deal", "category"] {
        let mut host = std::process::Command::new(tests::host_binary());
        host.args(["plugin", "build", project, "--out"]).arg(&out).current_dir(scene.path(""));
        let built = host.env("CARGO_TARGET_DIR", tests::root().join("target/scaffold")).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    let report = scene.run().exits(0);
    assert_eq!(report.object("deal")["pull"], changes(1, 0, 0));
    assert_eq!(report.object("category")["pull"], changes(1, 0, 0));
    scene.sql("UPDATE category SET name = 'New'; INSERT INTO category(name, parent_id) SELECT 'Below', id FROM category");
    let linked = "INSERT INTO deal(description, party_id) SELECT 'Small deal', id FROM \"tryton-party\" WHERE name = 'Acme'";
    scene.sql(linked);
    let report = scene.run().exits(0);
    assert_eq!(report.object("category")["push"], changes(1, 1, 0));
    assert_eq!(report.object("deal")["push"], changes(1, 0, 0));
    assert_eq!(server.read("party.category", category, &["name"])["name"], "New");
    server.write("party.category", category, &json!({ "name": "Newer" }));
    assert_eq!(scene.run().exits(0).object("category")["pull"], changes(0, 1, 0));
    assert_eq!(scene.value("SELECT count(*) FROM category WHERE name = 'Newer'"), 1);
    scene.run().exits(0);

    let refused = scene.host(&["plugin", "new", "nothing", "--from-server", "no.model"]).exits(1);
    assert!(refused.err.contains("no model `no.model`"), "{}", refused.err);
}
