//! Every kind of remote passes the kit against its real server, with none, one and several pages of records.

use crm::Seed;
use tests::{Cap, Json, Kinto, Scene, Tryton, hostile_plugin, json};

/// What the command finds. Nothing may be broken, and nothing left behind.
fn passes(scene: &Scene, arguments: &[&str]) -> Json {
    let (document, broken) = checked(scene, arguments);
    assert!(broken.is_empty(), "{arguments:?}: {broken:#?}");
    // What is left behind breaks the last check.
    document
}

/// What the command finds, and what of it is broken.
fn checked(scene: &Scene, arguments: &[&str]) -> (Json, Vec<Json>) {
    let output = scene.host(&[&["remote", "check", "--format", "json"], arguments].concat());
    let document = output.json();
    let broken: Vec<Json> = findings(&document).filter(|it| it["verdict"] == "broken").cloned().collect();
    for it in findings(&document).filter(|it| it["verdict"] == "note") {
        eprintln!("{}: {}", it["check"], it["found"]);
    }
    output.exits(i32::from(!broken.is_empty()));
    (document, broken)
}

fn findings(document: &Json) -> impl Iterator<Item = &Json> {
    document["objects"].as_array().unwrap().iter().flat_map(|it| it["findings"].as_array().unwrap())
}

/// What one check found.
fn finding<'d>(document: &'d Json, check: &str) -> &'d Json {
    findings(document).find(|it| it["check"] == check).unwrap_or_else(|| panic!("no {check} in {document:#}"))
}

/// Asserts that so many records are listed, completely.
fn lists(document: &Json, records: usize) {
    let it = finding(document, "listing-complete");
    let told = it["found"].as_str().unwrap();
    assert!(
        it["verdict"] == "holds" && told.starts_with(&format!("{records} counted, {records} listed")),
        "{it}"
    );
}

/// Record counts around the pages of a server.
fn around(page: usize) -> [usize; 6] {
    [0, 1, page - 1, page, page + 1, 2 * page + 1]
}

fn fill_crm(scene: &Scene, records: usize) {
    for number in scene.crm().count("Account")..records {
        let fields = [("Name", format!("Account {number}")), ("Location", "Paris".into())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        scene.crm().insert("Account", &fields).unwrap();
    }
}

#[test]
fn siebel_with_any_number_of_pages() {
    let scene = Scene::new(&["account"]);
    for records in around(100) {
        fill_crm(&scene, records);
        lists(&passes(&scene, &[]), records);
    }
    let document = passes(&scene, &["--write", "Account/Account"]);
    // Siebel has no conditional write: whether both updates see the old version is up to their timing.
    let race = &finding(&document, "update-race")["verdict"];
    assert!(race == "note" || race == "holds", "{race}");
}

#[test]
fn siebel_whose_pages_move_while_they_are_listed() {
    let scene = Scene::new(&["account"]);
    let document = passes(&scene, &["--write", "account", "--records", "120"]);
    for check in ["edits-while-listing", "deletes-while-listing"] {
        assert_eq!(finding(&document, check)["verdict"], "holds", "{check}");
    }
    assert_eq!(scene.crm().count("Account"), 0, "the server is as it was");
}

#[test]
fn siebel_with_all_its_objects() {
    let scene = Scene::new(&["account", "contact", "opportunity", "activity"]);
    scene.crm().seed(Seed {
        accounts: 20,
        contacts: 20,
        opportunities: 20,
        activities: 20,
        seed: 1,
        ..Seed::default()
    });
    for resource in ["Account/Account", "Contact/Contact", "Opportunity/Opportunity", "Action/Action"] {
        let document = passes(&scene, &["--write", resource]);
        assert_eq!(document["objects"].as_array().unwrap().len(), 4);
    }
    for component in ["Account", "Contact", "Opportunity", "Action"] {
        assert_eq!(scene.crm().count(component), 20, "{component}");
    }
}

#[test]
fn siebel_with_a_change_feed() {
    let scene = Scene::new(&["account"]);
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text.replace("[remote]\n", "[remote]\nchange-feed = true\n")).unwrap();
    // Everything that is written shares one stamp.
    scene.stop_clock();
    fill_crm(&scene, 103);
    let document = passes(&scene, &["--write", "account"]);
    for check in ["change-feed", "nonsense-marks", "feed-since"] {
        assert_eq!(finding(&document, check)["verdict"], "holds", "{check}");
    }
}

#[test]
fn siebel_without_versions() {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("versionless"));
    scene.stop_clock();
    fill_crm(&scene, 5);
    let document = passes(&scene, &["--write", "Account/Account"]);
    assert!(finding(&document, "ties")["means"].as_str().unwrap().contains("one tick"));
}

fn fill_tryton(server: &Tryton, records: usize) {
    let there = server.call("model.party.party.search_count", &json!([[]])).as_u64().unwrap();
    let parties: Vec<Json> = (usize::try_from(there).unwrap()..records)
        .map(|it| json!({ "name": format!("Party {it}") }))
        .collect();
    if !parties.is_empty() {
        server.call("model.party.party.create", &json!([parties]));
    }
}

/// Beside SQLite, which is for trying it out, Tryton checks a record's stamp before its transaction begins: of updates
/// at once several may be written. None of them may be said to stand that does not.
fn passes_beside_sqlite(scene: &Scene, arguments: &[&str]) {
    let (_, broken) = checked(scene, arguments);
    let raced =
        |it: &Json| it["check"] == "update-race" && it["found"].as_str().unwrap().ends_with(" are written");
    assert!(broken.iter().all(raced), "{arguments:?}: {broken:#?}");
}

#[test]
fn tryton_with_any_number_of_pages() {
    let server = Tryton::start();
    let scene = server.scene();
    // The company and its employee are parties, too.
    for records in [2, 999, 1_000, 1_001, 2_001] {
        fill_tryton(&server, records);
        lists(&passes(&scene, &["tryton-party"]), records);
    }
    passes_beside_sqlite(&scene, &["tryton-party", "--write", "party.party"]);
    lists(&passes(&scene, &["tryton-party"]), 2_001);
}

#[test]
fn tryton_with_its_objects() {
    let server = Tryton::start();
    let scene = server.scene();
    passes_beside_sqlite(&scene, &["--write", "tryton-party"]);
    let party = server.create("party.party", &json!({ "name": "Acme" }));
    server.create("sale.opportunity", &json!({ "description": "Deal", "party": party }));
    // An opportunity has to be cancelled before it may be deleted: one is made, and named.
    let (document, broken) = checked(&scene, &["tryton-opportunity", "--write", "sale.opportunity"]);
    let checks: Vec<&Json> = broken.iter().map(|it| &it["check"]).collect();
    assert_eq!(checks, ["delete", "leaves-nothing"]);
    assert!(broken[0]["found"].as_str().unwrap().contains("you must cancel it"), "{}", broken[0]);
    assert_eq!(document["objects"][0]["left_behind"].as_array().unwrap().len(), 1);
}

#[test]
fn odata_with_any_number_of_pages() {
    let server = Cap::start();
    let scene = server.scene(&["cap-account"]);
    let mut there = 0;
    for records in around(1_000) {
        server.seed(u32::try_from(records - there).unwrap(), &["Accounts"]);
        there = records;
        lists(&passes(&scene, &[]), records);
    }
    passes(&scene, &["--write", "Accounts"]);
    lists(&passes(&scene, &[]), there);
}

#[test]
fn odata_with_its_objects() {
    let server = Cap::start();
    let scene = server.scene(&["cap-account", "cap-opportunity"]);
    passes(&scene, &["--write", "Accounts"]);
    let account = server.create("Accounts", &json!({ "name": "Acme" }));
    server.create(
        "Opportunities",
        &json!({ "name": "Deal", "stage": "Lead", "amount": "10.5", "account_ID": account }),
    );
    for resource in ["Accounts", "Opportunities"] {
        let document = passes(&scene, &["--write", resource]);
        let race = findings(&document).find(|it| it["check"] == "update-race").unwrap();
        assert_eq!(race["verdict"], "holds", "{race}");
    }
    assert_eq!((server.count("Accounts", ""), server.count("Opportunities", "")), (1, 1));
}

#[test]
fn rest_with_any_number_of_pages() {
    let server = Kinto::start();
    let scene = server.scene();
    let mut there = 0;
    for records in around(1_000) {
        server.seed(u32::try_from(records - there).unwrap(), &["account"]);
        there = records;
        lists(&passes(&scene, &["kinto-account"]), records);
    }
    passes(&scene, &["kinto-account", "--write", "account"]);
    lists(&passes(&scene, &["kinto-account"]), there);
}

#[test]
fn rest_with_its_objects() {
    let server = Kinto::start();
    let scene = server.scene();
    passes(&scene, &["--write", "account"]);
    let account = server.create(
        "account",
        &json!({ "name": "Acme", "active": true, "address": { "city": "Bonn", "zip": "1" } }),
    );
    let deal = json!({ "name": "Deal", "stage": "won", "amount": 1.5, "tags": ["a"], "account_id": account });
    server.create("opportunity", &deal);
    for resource in ["account", "opportunity"] {
        let document = passes(&scene, &["--write", resource]);
        let race = findings(&document).find(|it| it["check"] == "update-race").unwrap();
        assert_eq!(race["verdict"], "holds", "{race}");
    }
    assert_eq!((server.count("account", ""), server.count("opportunity", "")), (1, 1));
}
