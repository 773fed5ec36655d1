//! The dialect as a client meets it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;

use client::Client;
use crm::{Clock, Config, Seed, Visibility};

fn with_accounts(accounts: usize) -> Client {
    let client = Client::new();
    client.server.store().seed(Seed { accounts, seed: 7, ..Seed::default() });
    client
}

#[test]
fn a_page_has_ten_records_and_at_most_a_hundred() {
    let client = with_accounts(250);
    assert_eq!(client.get("Account/Account").ids().len(), 10);
    assert_eq!(client.get("Account/Account?PageSize=5000").ids().len(), 100);
    let third = client.get("Account/Account?PageSize=100&StartRowNum=200&recordcountneeded=true");
    assert_eq!(third.ids().len(), 50);
    assert_eq!(third.header("Total-Record-Count"), Some("250"));
}

#[test]
fn keyset_pages_cover_everything_once() {
    let client = with_accounts(250);
    let mut seen = Vec::new();
    let mut last = String::from("0");
    loop {
        let page = client.get(&format!(
            "Account/Account?fields=Id&searchspec=[Id] > '{last}'&sortspec=Id:asc&PageSize=100"
        ));
        let Some(id) = page.ids().pop() else {
            assert_eq!(page.status, 404);
            break;
        };
        last = id;
        seen.extend(page.ids());
    }
    let all: Vec<_> =
        client.server.store().list("Account").iter().map(|record| record["Id"].clone()).collect();
    assert_eq!(seen, all);
}

#[test]
fn one_record_is_an_object_unless_the_answer_is_to_be_uniform() {
    let client = with_accounts(1);
    let query = "Account/Account?fields=Name,Location&childlinks=None";
    let one = client.get(query).json();
    assert!(one["items"].is_object());
    assert_eq!(one["items"].as_object().unwrap().len(), 3);
    assert_eq!(one["items"]["Link"].as_array().unwrap().len(), 1);
    assert!(client.get(&format!("{query}&uniformresponse=Y")).json()["items"].is_array());
    let all = client.get("Account/Account").json();
    assert_eq!(all["items"]["Link"].as_array().unwrap().len(), 4);
    assert_eq!(all["items"].as_object().unwrap().len(), 24);
}

#[test]
fn emptiness_is_a_404_that_only_its_text_tells_from_others() {
    let client = Client::new();
    let empty = client.get("Account/Account?recordcountneeded=true");
    assert_eq!((empty.status, empty.header("Total-Record-Count")), (404, None));
    assert_eq!(empty.body, r#"{"ERROR":"There is no data for the requested resource"}"#);
    for wrong in ["Account/Acount", "Contact/Account", "Account", "Account/Account/1/Contact"] {
        let reply = client.get(wrong);
        assert_eq!(reply.status, 404);
        assert_ne!(reply.body, empty.body, "{wrong}");
    }
}

#[test]
fn deep_rows_need_forward_only() {
    let client = with_accounts(10_000);
    let at = |start: usize, more: &str| {
        client.get(&format!("Account/Account?fields=Id&PageSize=100&StartRowNum={start}{more}"))
    };
    assert_eq!(at(9_800, "").ids().len(), 100);
    assert!(at(9_801, "").error().starts_with("SBL-DAT-00500"));
    assert_eq!(at(9_900, "").status, 500);
    assert_eq!(at(9_900, "&ExecutionMode=ForwardOnly").ids().len(), 100);
    assert_eq!(at(10_000, "&ExecutionMode=ForwardOnly").status, 404);
    assert_eq!(at(9_850, "&searchspec=[Name] IS NOT NULL").status, 500);
}

#[test]
fn views_see_different_records() {
    let client = with_accounts(3);
    let store = client.server.store();
    store.insert_visible("Account", Visibility::Organization, &[("Name", "Org")]).unwrap();
    let hidden = store.insert_visible("Account", Visibility::All, &[("Name", "All")]).unwrap();
    let total = |mode: &str| {
        let reply = client.get(&format!("Account/Account?recordcountneeded=true&{mode}"));
        reply.header("Total-Record-Count").unwrap().to_owned()
    };
    assert_eq!(total(""), "3");
    assert_eq!(total("ViewMode=Organization"), "4");
    assert_eq!(total("ViewMode=All"), "5");
    assert_eq!(client.get(&format!("Account/Account/{hidden}")).status, 404);
    assert_eq!(client.get(&format!("Account/Account/{hidden}?ViewMode=All")).status, 200);
}

#[test]
fn order_is_by_type_and_ties_by_id() {
    let client = Client::new();
    let store = client.server.store();
    let add =
        |name, staff| store.insert("Account", &[("Name", name), ("Number of Employees", staff)]).unwrap();
    let (a, b, c) = (add("A", "10"), add("B", "9"), add("B", "10"));
    let sorted = |spec: &str| client.get(&format!("Account/Account?sortspec={spec}")).ids();
    assert_eq!(sorted("Number of Employees:asc"), [&*b, &a, &c]);
    assert_eq!(sorted("Name:desc,Number of Employees:desc"), [&*c, &b, &a]);
    assert_eq!(sorted("Id:desc"), [&*c, &b, &a]);
    assert_eq!(sorted("Name:desc"), [&*b, &c, &a]);
    let searched = "Account/Account?sortspec=Id:desc&searchspec=[Name] = 'B' OR [Name] = 'A'";
    assert_eq!(client.get(searched).ids(), [&*c, &b, &a]);
}

#[test]
fn searches_by_key_use_the_same_rules_as_a_scan() {
    let client = with_accounts(500);
    let store = client.server.store();
    let all = store.list("Account");
    let (x, y) = (&all[17], &all[400]);
    let by_id = format!("[Id] = '{}' OR [Id] = '{}' OR [Id] = 'none'", y["Id"], x["Id"]);
    let found = client.get(&format!("Account/Account?searchspec={by_id}")).ids();
    assert_eq!(found, [&*x["Id"], &*y["Id"]]);
    store.update("Account", &x["Id"], &[("Name", "Renamed"), ("Location", "Here")]).unwrap();
    let find = |name: &str, location: &str| {
        let search = format!("[Name] = '{name}' AND [Location] = '{location}'");
        client.get(&format!("Account/Account?searchspec={search}")).ids()
    };
    assert_eq!(find("Renamed", "Here"), [&*x["Id"]]);
    assert!(find("Renamed", "There").is_empty());
    store.delete("Account", &x["Id"]).unwrap();
    assert!(find("Renamed", "Here").is_empty());
}

#[test]
fn an_insert_answers_the_id_and_the_record_has_what_the_server_adds() {
    let clock = Clock::at("05/06/2024 07:08:09").unwrap();
    let client = Client::with(Config { clock, ..Config::default() });
    let reply = client.write("POST", "Opportunity/Opportunity", r#"{"Name":"Deal  "}"#);
    assert_eq!(reply.status, 200);
    let items = &reply.json()["items"];
    let id = items["Id"].as_str().unwrap();
    assert!(items["Link"].is_object() && items.get("Name").is_none());
    let one = client.get(&format!("Opportunity/Opportunity/{id}")).json();
    assert_eq!(one["Name"], "Deal", "trailing space is trimmed");
    assert_eq!(one["Opportunity Number"], "OPP-000001");
    assert_eq!((&one["Mod Id"], &one["Account Id"]), (&"0".into(), &"".into()));
    assert_eq!((&one["Created"], &one["Updated"]), (&one["Updated"], &"05/06/2024 07:08:09".into()));
}

#[test]
fn a_put_changes_what_it_names_and_makes_what_it_does_not_find() {
    let clock = Clock::at("05/06/2024 07:08:09").unwrap();
    let client = Client::with(Config { clock, ..Config::default() });
    let store = client.server.store();
    let id = store.insert("Action", &[("Description", "Call"), ("Activity UID", "U1")]).unwrap();
    store.advance(1);
    let body = r#"{"Status":"Done","Activity UID":"U2"}"#;
    assert_eq!(client.write("PUT", &format!("Action/Action/{id}"), body).status, 200);
    let record = store.get("Action", &id).unwrap();
    assert_eq!((&*record["Status"], &*record["Description"]), ("Done", "Call"));
    assert_eq!(record["Activity UID"], "U1", "only an insert sets it");
    assert_eq!((&*record["Mod Id"], &*record["Updated"]), ("1", "05/06/2024 07:08:10"));

    let upsert = client.write("PUT", "Account/Account/88-GONE", r#"{"Name":"Ghost"}"#);
    assert_eq!(upsert.status, 200);
    assert_eq!(store.get("Account", "88-GONE").unwrap()["Mod Id"], "0");
    assert_eq!(client.write("PUT", "Account/Account/88-GONE2", r#"{"City":"X"}"#).status, 500);
}

#[test]
fn a_delete_is_answered_without_content_and_its_id_does_not_return() {
    let client = with_accounts(2);
    let id = client.get("Account/Account").ids().pop().unwrap();
    let target = format!("Account/Account/{id}");
    assert_eq!(client.write("DELETE", &target, "").status, 204);
    assert_eq!(client.write("DELETE", &target, "").status, 404);
    let new = client.server.store().insert("Account", &[("Name", "New")]).unwrap();
    assert!(new > id);
}

#[test]
fn what_does_not_fit_is_refused() {
    let client = Client::new();
    let long = format!(r#"{{"Name":"{}"}}"#, "x".repeat(101));
    let cases = [
        ("Account/Account", r#"{"Name":"  "}"#, "SBL-DAT-00498"),
        ("Account/Account", r#"{"City":"X"}"#, "SBL-DAT-00498"),
        ("Account/Account", &long, "SBL-DAT-00523"),
        ("Account/Account", r#"{"Name":"X","Number of Employees":"ten"}"#, "SBL-DAT-00359"),
        ("Account/Account", r#"{"Name":"X","Number of Employees":10}"#, "SBL-EAI-04316"),
        ("Account/Account", r#"{"Name":"X","Nmae":"Y"}"#, "SBL-DAT-00398"),
        ("Account/Account", r#"{"Name":"X","Mod Id":"7"}"#, "SBL-DAT-00279"),
        ("Account/Account", r#"{"Name":"X","Parent Account Id":"88-NO"}"#, "SBL-DAT-00225"),
        ("Contact/Contact", r#"{"Last Name":"X","Birth Date":"1999-12-31"}"#, "SBL-DAT-00359"),
    ];
    for (target, body, code) in cases {
        let reply = client.write("POST", target, body);
        assert_eq!(reply.status, 500, "{body}");
        assert!(reply.error().starts_with(code), "{body}: {}", reply.error());
    }
    assert_eq!(client.server.store().count("Account"), 0);
}

#[test]
fn the_statuses_of_http() {
    let mut client = with_accounts(1);
    assert_eq!(client.write("PATCH", "Account/Account", "{}").status, 405);
    assert_eq!(client.write("DELETE", "Account/Account", "").status, 405);
    assert_eq!(client.write("POST", "Account/Account", "{").status, 400);
    let long = format!("Account/Account?searchspec=[Name] = '{}'", "x".repeat(8192));
    assert_eq!(client.get(&long).status, 414);
    client.login = "Basic bm9ib2R5Om5vdGhpbmc=".to_owned();
    let refused = client.get("Account/Account");
    assert_eq!(refused.status, 401);
    assert!(refused.header("WWW-Authenticate").is_some());
    client.login = "Bearer abc".to_owned();
    assert_eq!(client.get("Account/Account").status, 401);
    let mut client = Client::with(Config { token: Some("abc".into()), ..Config::default() });
    client.login = "Bearer abc".to_owned();
    assert_eq!(client.get("Account/Account").status, 404);
}

#[test]
fn a_store_outlives_its_server() {
    let client = with_accounts(3);
    let (store, address) = (client.server.store(), client.server.address());
    client.server.stop_blocking();
    let config = Config { address, ..Config::default() };
    let server = crm::Server::start_blocking_on(config, store).unwrap();
    let client = Client { server, login: client.login };
    assert_eq!(client.get("Account/Account").ids().len(), 3);
}
