//! Faults, the log, and control over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;

use client::Client;
use crm::{Action, Change, Fault};
use std::time::{Duration, Instant};

const ALL: &str = "/siebel/v1.0/data/Account/Account";

fn client() -> Client {
    let client = Client::new();
    for name in ["A", "B", "C"] {
        client.server.store().insert("Account", &[("Name", name)]).unwrap();
    }
    client
}

#[test]
fn a_fault_spares_some_strikes_some_and_is_over() {
    let client = client();
    let action = Action::Status(503, "busy".into());
    client.server.fault(Fault::new("GET", "[Name] = 'A'", action).skip(1).times(2));
    let search = "Account/Account?searchspec=[Name] = 'A'";
    let statuses: Vec<u16> = (0..4).map(|_| client.get(search).status).collect();
    assert_eq!(statuses, [200, 503, 503, 200]);
    assert_eq!(client.get("Account/Account").status, 200);
    client.server.fault(Fault::new("", "", Action::Html).always());
    assert!(client.get(search).body.contains("<html>"));
    client.server.clear_faults();
    assert_eq!(client.get(search).status, 200);
}

#[test]
fn connections_break_before_and_after_the_work() {
    let client = client();
    let store = client.server.store();
    let body = r#"{"Name":"New"}"#;
    client.server.fault(Fault::new("POST", "", Action::DropBefore));
    assert!(client.send("POST", ALL, body).is_none());
    assert_eq!(store.count("Account"), 3);
    client.server.fault(Fault::new("POST", "", Action::DropAfter));
    assert!(client.send("POST", ALL, body).is_none());
    assert_eq!(store.count("Account"), 4);
    client.server.fault(Fault::new("POST", "", Action::StatusAfter(502, "{}".into())));
    assert_eq!(client.send("POST", ALL, body).unwrap().status, 502);
    assert_eq!(store.count("Account"), 5);
    let log: Vec<_> = client.server.requests().iter().map(|request| request.status).collect();
    assert_eq!(log, [None, None, Some(502)]);
}

#[test]
fn answers_break_off_and_lie() {
    let client = client();
    client.server.fault(Fault::new("GET", "", Action::TruncateBody));
    let cut = client.get("Account/Account");
    let promised: usize = cut.header("content-length").unwrap().parse().unwrap();
    assert_eq!((cut.status, cut.body.len()), (200, promised / 2));
    client.server.fault(Fault::new("GET", "", Action::Garbage));
    assert!(client.get("Account/Account").json().is_null());
    client.server.fault(Fault::new("GET", "", Action::WrongTotal(-1)));
    client.server.fault(Fault::new("GET", "", Action::Header("Retry-After".into(), "1".into())));
    let reply = client.get("Account/Account?recordcountneeded=true");
    assert_eq!(reply.header("Total-Record-Count"), Some("2"));
    assert_eq!(reply.header("Retry-After"), Some("1"));
    client.server.fault(Fault::new("GET", "", Action::SmallPage(1)).times(2));
    client.server.fault(Fault::new("GET", "", Action::NoTotal).skip(1));
    for total in [Some("3"), None] {
        let reply = client.get("Account/Account?recordcountneeded=true&uniformresponse=Y&PageSize=100");
        assert_eq!(reply.header("Total-Record-Count"), total);
        assert_eq!(reply.json()["items"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn a_delay_delays_and_shows_what_is_in_flight() {
    let client = client();
    let delay = Action::Delay(Duration::from_millis(200));
    client.server.fault(Fault::new("GET", "", delay).times(2));
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| client.get("Account/Account"));
        scope.spawn(|| client.get("Account/Account"));
    });
    assert!(start.elapsed() >= Duration::from_millis(200));
    let most = client.server.requests().iter().map(|request| request.concurrent).max();
    assert_eq!(most, Some(2));
}

#[test]
fn somebody_else_edits_in_between() {
    let client = client();
    let store = client.server.store();
    let id = store.list("Account")[0]["Id"].clone();
    let edit = Change::update("Account", "", &[("City", "Wien")]);
    client.server.fault(Fault::new("PUT", "Account", Action::Before(edit.clone())));
    client.server.fault(Fault::new("POST", "Account", Action::After(edit)));
    client.write("PUT", &format!("Account/Account/{id}"), r#"{"Name":"Z"}"#);
    let record = store.get("Account", &id).unwrap();
    assert_eq!((&*record["City"], &*record["Mod Id"]), ("Wien", "2"));
    let new = client.write("POST", "Account/Account", r#"{"Name":"New"}"#).ids().pop().unwrap();
    assert_eq!(store.get("Account", &new).unwrap()["Mod Id"], "1");
    let gone = Change::delete("Account", "88-NONE");
    client.server.fault(Fault::new("GET", "", Action::Before(gone)));
    assert_eq!(client.get("Account/Account").status, 599);
}

#[test]
fn the_log_has_what_was_sent() {
    let client = client();
    client.get("Account/Account?searchspec=[Name] = 'A'");
    client.write("POST", "Account/Account", r#"{"Name":"New"}"#);
    let log = client.server.requests();
    assert_eq!(log[0].decoded, "/siebel/v1.0/data/Account/Account?searchspec=[Name] = 'A'");
    assert!(log[0].target.contains("[Name]%20="));
    assert_eq!((&*log[1].method, &*log[1].body, log[1].sequence), ("POST", r#"{"Name":"New"}"#, 2));
    client.server.clear_requests();
    client.get("Account/Account");
    assert_eq!(client.server.requests()[0].sequence, 3);
}

#[test]
fn everything_is_there_over_http_too() {
    let client = Client::new();
    assert_eq!(client.admin("POST", "seed", r#"{"accounts":5,"tasks":2}"#).status, 204);
    let fixed = client.admin("POST", "clock", r#"{"fixed":"01/02/2024 03:04:05"}"#);
    assert_eq!(fixed.json()["now"], "01/02/2024 03:04:05");
    let moved = client.admin("POST", "clock", r#"{"advance":2}"#);
    assert_eq!(moved.json()["now"], "01/02/2024 03:04:07");

    let records = "records/Account/Account";
    assert_eq!(client.admin("GET", records, "").json().as_array().unwrap().len(), 5);
    let new = client.admin("POST", &format!("{records}?visibility=All"), r#"{"Name":"X"}"#);
    let one = format!("{records}/{}", new.json()["Id"].as_str().unwrap());
    assert_eq!(client.get("Account/Account?PageSize=100").ids().len(), 5);
    assert_eq!(client.admin("PUT", &one, r#"{"City":"Y"}"#).status, 204);
    let record = client.admin("GET", &one, "").json();
    assert_eq!((&record["City"], &record["Mod Id"]), (&"Y".into(), &"1".into()));
    assert_eq!(client.admin("PUT", &format!("{one}?visibility=Sales Rep"), "{}").status, 204);
    assert_eq!(client.get("Account/Account?PageSize=100").ids().len(), 6);
    assert_eq!(client.admin("DELETE", &one, "").status, 204);
    assert_eq!(client.admin("GET", &one, "").status, 404);
    assert_eq!(client.admin("GET", "records/Account/Acount", "").status, 404);

    for action in [
        r#"{"status":[500,"{}"]}"#,
        r#""drop-before""#,
        r#"{"delay":1}"#,
        r#"{"before":{"update":{"component":"Account","id":"x","fields":{"Name":"y"}}}}"#,
    ] {
        let fault = format!(r#"{{"method":"DELETE","url":"Account","action":{action}}}"#);
        let reply = client.admin("POST", "faults", &fault);
        assert_eq!(reply.status, 204, "{}", reply.body);
    }
    assert_eq!(client.admin("DELETE", "faults", "").status, 204);
    assert_eq!(client.admin("GET", "requests", "").json().as_array().unwrap().len(), 2);
    assert_eq!(client.admin("DELETE", "requests", "").status, 204);
    assert_eq!(client.admin("GET", "requests", "").body, "[]");
}
