//! Every feature of the format, end to end.

use crate::declared;
use tests::{Scene, json};

/// Tickets: tasks of the reference CRM, told otherwise (`tests/declared/ticket.object.toml`).
fn tickets() -> Scene {
    let scene = declared(&["account", "ticket"]);
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene
}

const ALL: &str = "SELECT first_name, last_name, shown_name, urgent, due_day, source FROM ticket ORDER BY id";

#[test]
fn what_is_pulled_is_mapped() {
    let scene = tickets();
    let task = [
        ("Name", "Anna Maria Smith"),
        ("Priority", "1-ASAP"),
        ("Description", "31.12.2026"),
        ("Done Flag", "Y"),
    ];
    scene.crm().insert("Task", &task).unwrap();
    scene.crm().insert("Task", &[("Name", "Bo")]).unwrap();
    scene.run().exits(0);
    assert_eq!(
        scene.rows(ALL),
        [
            json!(["Anna", "Maria Smith", "Anna Maria Smith", 1, "2026-12-31", "crm"]),
            json!(["Bo", null, "Bo", null, null, "crm"]),
        ]
    );
    let again = scene.run().exits(0).object("ticket");
    assert_eq!(again["push"], json!({"insert": 0, "update": 0, "delete": 0}));
    assert_eq!(again["pull"], json!({"insert": 0, "update": 0, "delete": 0}));
}

#[test]
fn what_is_pushed_is_mapped_back() {
    let scene = tickets();
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO ticket(first_name, last_name, urgent, due_day, account_id)
         SELECT ' Anna', 'Smith', 0, '2026-01-02', id FROM account",
    );
    assert_eq!(scene.run().exits(0).object("ticket")["push"]["insert"], 1);
    let task = &scene.crm().list("Task")[0];
    let sent = ["Name", "Priority", "Description", "Done Flag"].map(|field| task[field].as_str());
    assert_eq!(sent, ["Anna Smith", "4-Low", "02.01.2026", "N"]);
    // What is only shown, and what is always set, come back with the answer.
    assert_eq!(scene.rows("SELECT shown_name, source FROM ticket"), [json!(["Anna Smith", "crm"])]);

    scene.sql("UPDATE ticket SET urgent = 1, source = 'mine', shown_name = 'Nobody'");
    let report = scene.run().exits(0).object("ticket");
    // The two fields that are put back, and the blank before the name that is not sent.
    assert_eq!((&report["push"]["update"], &report["differences"]), (&json!(1), &json!(3)));
    assert_eq!(scene.crm().list("Task")[0]["Priority"], "1-ASAP");
    assert_eq!(scene.rows("SELECT shown_name, source FROM ticket"), [json!(["Anna Smith", "crm"])]);
    let settled = scene.run().exits(0).object("ticket");
    assert_eq!(settled["push"], json!({"insert": 0, "update": 0, "delete": 0}));
}

/// A constant that is sent with an insert is not what others set it to later.
#[test]
fn a_create_only_constant_is_left_alone_afterwards() {
    let scene = tickets();
    scene.run().exits(0);
    scene.sql("INSERT INTO ticket(first_name) VALUES ('Bo')");
    scene.run().exits(0);
    let id = scene.crm().list("Task")[0]["Id"].clone();
    scene.crm().update("Task", &id, &[("Done Flag", "Y")]).unwrap();
    scene.run().exits(0);
    scene.sql("UPDATE ticket SET urgent = 0");
    scene.run().exits(0);
    let task = scene.crm().get("Task", &id).unwrap();
    assert_eq!((task["Done Flag"].as_str(), task["Priority"].as_str()), ("Y", "4-Low"));
}

#[test]
fn what_would_not_come_back_is_one_records_issue() {
    let scene = tickets();
    scene.crm().insert("Task", &[("Name", "Good"), ("Priority", "4-Low")]).unwrap();
    let wrong = [
        ("Name", "No lookup", "Priority", "2-High", "not-in-lookup", "the lookup has no such value"),
        ("Name", "No date", "Description", "tomorrow", "not-a-date", "declared format"),
        ("Name", "No day", "Description", "31.2.2026", "not-a-date", "declared format"),
    ];
    for (name, text, field, value, ..) in wrong {
        scene.crm().insert("Task", &[(name, text), (field, value)]).unwrap();
    }
    assert_eq!(scene.run().exits(3).object("ticket")["pull"]["insert"], 1);
    let mut issues = scene.issues();
    issues.sort_by_key(|issue| issue["remote_id"].to_string());
    for (issue, (.., code, message)) in issues.iter().zip(wrong) {
        assert_eq!(issue["code"], code);
        assert!(issue["message"].as_str().unwrap().contains(message), "{issue}");
    }
    assert_eq!(issues.len(), 3);

    for (_, text, ..) in wrong {
        let id = scene.crm().list("Task").iter().find(|task| task["Name"] == text).unwrap()["Id"].clone();
        scene.crm().update("Task", &id, &[("Priority", ""), ("Description", "")]).unwrap();
    }
    scene.run().exits(0);
    scene.sql(
        "UPDATE ticket SET first_name = 'Anna Maria' WHERE shown_name = 'No date';
         UPDATE ticket SET first_name = NULL WHERE shown_name = 'No day';
         UPDATE ticket SET due_day = '1999-12-31' WHERE shown_name = 'No lookup'",
    );
    scene.run().exits(3);
    let mut codes: Vec<String> =
        scene.issues().iter().map(|issue| issue["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    assert_eq!(codes, ["out-of-range", "required", "separator-in-part"]);
    let names: Vec<String> = scene.crm().list("Task").iter().map(|task| task["Name"].clone()).collect();
    assert_eq!(names, ["Good", "No lookup", "No date", "No day"]);
}

/// The rest of the features: a join, texts in their normal form, decimals, times, a lookup that keeps, and a constant
/// that every record has.
#[test]
fn texts_numbers_and_times_are_put_into_form() {
    let scene = declared(&["account"]);
    std::fs::write(scene.path("plugins/account.object.toml"), ACCOUNT).unwrap();
    let account = [
        ("Name", " acme "),
        ("Street Address", "Main Street"),
        ("Postal Code", "7"),
        ("Description", "1.234,50"),
        ("Home Page", "21.03.2026 12:00"),
        ("Account Status", "A"),
        ("Type", "Customer"),
    ];
    let acme = scene.crm().insert("Account", &account).unwrap();
    let other = scene.crm().insert("Account", &[("Name", "Bolt"), ("Type", "Partner")]).unwrap();
    scene.run().exits(3);
    let columns = "name, address, revenue, seen, status";
    let acme_here = json!(["ACME", "Main Street, 7", "1234.5", "2026-03-21T12:00:00.000000Z", "Active"]);
    assert_eq!(scene.rows(&format!("SELECT {columns} FROM account")), std::slice::from_ref(&acme_here));
    let issue = &scene.issues()[0];
    assert_eq!((&issue["code"], &issue["remote_id"]), (&json!("not-constant"), &json!(other)));

    scene.sql(
        "UPDATE account SET address = 'High Street', revenue = '-0.5', seen = '2026-03-21T12:01:00Z', status = 'Odd';
         INSERT INTO account(name) VALUES ('core')",
    );
    scene.run().exits(3);
    let there = scene.crm().get("Account", &acme).unwrap();
    let fields = ["Street Address", "Postal Code", "Description", "Home Page", "Account Status"];
    assert_eq!(
        fields.map(|field| there[field].as_str()),
        ["High Street", "", "-0,50", "21.03.2026 12:01", "Odd"]
    );
    let core = scene.crm().list("Account").into_iter().find(|it| it["Name"] == "CORE").unwrap();
    assert_eq!(core["Type"], "Customer");

    scene.sql("UPDATE account SET status = 'A', seen = '2026-03-21T12:01:30Z' WHERE name = 'ACME'");
    scene.run().exits(3);
    let codes: Vec<String> =
        scene.issues().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect();
    assert!(
        codes.contains(&"too-precise".to_owned()) || codes.contains(&"not-in-lookup".to_owned()),
        "{codes:?}"
    );
    assert_eq!(scene.crm().get("Account", &acme).unwrap()["Account Status"], "Odd");
}

const ACCOUNT: &str = r#"
mapping-version = 1
user-keys = [["Name"]]

[resource]
path = "Account/Account"
id = "Id"
updated = "Updated"
version = "Mod Id"
created = "Created"

[[fields]]
local = "name"
remote = "Name"
kind = "text(100)"
trim = true
case = "upper"

[[fields]]
local = "address"
remote = ["Street Address", "Postal Code"]
separator = ", "
local-kind = "text(100)"
remote-kind = "text(30)"

[[fields]]
local = "revenue"
remote = "Description"
decimal-format = "1.234,50"

[[fields]]
local = "seen"
remote = "Home Page"
timestamp-format = "DD.MM.YYYY hh:mm"

[[fields]]
local = "status"
remote = "Account Status"
kind = "text(30)"
lookup = { A = "Active", I = "Inactive" }
otherwise = "keep"

[[fields]]
remote = "Type"
kind = "text(30)"
constant = "Customer"
"#;
