//! The ready-made descriptions of services that cannot be tried here: exchanges as their public documentation shows
//! them, in `tests/fixtures/rest`, are answered by a server that takes no other requests.

use crate::server::{Asked, Server, answer, object};
use futures_util::TryStreamExt;
use host::ports::{Remote, View, WriteError};
use host::remote::rest::Rest;
use host::remote::rest::description::{Description, NAMES};
use serde_json::Value as Json;
use std::path::Path;
use std::sync::Mutex;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, UserKey};
use sync_core::value::{Kind, Value};

/// A server that answers the exchanges of a fixture in their order.
async fn replay(service: &str, scenario: &str) -> (Server, Rest, usize) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rest").join(service);
    let text = std::fs::read_to_string(file.join(format!("{scenario}.json"))).unwrap();
    let exchanges: Vec<Json> = serde_json::from_str(&text).unwrap();
    let count = exchanges.len();
    let rest = Mutex::new(exchanges.into_iter());
    let server = Server::start(move |asked| {
        let Some(exchange) = rest.lock().unwrap().next() else {
            return answer(500, format!("one request too many: {}", asked.line()));
        };
        if let Some(other) = differs(asked, &exchange["request"]) {
            return answer(400, format!("{other}, instead of {}", exchange["request"]));
        }
        let body = match &exchange["response"]["body"] {
            Json::Null => String::new(),
            body => body.to_string(),
        };
        answer(u16::try_from(exchange["response"]["status"].as_u64().unwrap()).unwrap(), body)
    })
    .await;
    let described = Description::ready(service).map_err(|error| error.plain()).unwrap().unwrap();
    let adapter = server.described(described);
    (server, adapter, count)
}

/// What is other than in the fixture.
fn differs(asked: &Asked, expected: &Json) -> Option<String> {
    let line = format!("{} {}", asked.method, asked.target.trim_start_matches("/api"));
    let body: Json = serde_json::from_str(&asked.body).unwrap_or(Json::Null);
    let mut headers = expected["headers"].as_object().into_iter().flatten();
    let has_headers = headers.all(|(name, value)| asked.header(name) == value.as_str().unwrap());
    let same = line == expected["line"].as_str().unwrap() && body == expected["body"] && has_headers;
    (!same).then(|| format!("{line} {}", asked.body))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

async fn keys(rest: &Rest, object: &Object) -> Vec<RemoteKey> {
    rest.change_keys(View { object, filter: None }).try_concat().await.unwrap()
}

fn token(updated: &str) -> RemoteToken {
    RemoteToken { updated: updated.into(), version: None }
}

/// The service, its object, and what the fixtures have of it.
fn services() -> [(&'static str, Object, Value, &'static str, &'static str); 3] {
    let fields =
        |first: &'static str, second: &'static str| [(first, Kind::Text(99)), (second, Kind::Text(99))];
    [
        (
            "hubspot",
            object("contacts", "id", "updatedAt", None, &fields("email", "firstname")),
            text("mark.s@lumon.industries"),
            "33451",
            "2025-08-06T18:50:24.981Z",
        ),
        (
            "pipedrive",
            object("organizations", "id", "update_time", None, &fields("name", "/custom_fields/d4de")),
            text("Bolt"),
            "1",
            "2024-03-21T10:00:01Z",
        ),
        (
            "zoho",
            object("Accounts", "id", "Modified_Time", None, &fields("Account_Name", "Phone")),
            text("Zylker (Inc), Berlin"),
            "4150868000001144001",
            "2024-08-21T12:22:15+05:30",
        ),
    ]
}

#[test]
fn every_ready_description_but_the_tried_one_has_exchanges() {
    let replayed = services().map(|(name, ..)| name);
    assert!(NAMES.iter().all(|name| *name == "kinto" || replayed.contains(name)));
}

#[tokio::test]
async fn lists_go_over_two_pages_and_leave_out_what_is_deleted() {
    for (service, object, _, id, updated) in services() {
        let (server, rest, count) = replay(service, "list").await;
        let keys = keys(&rest, &object).await;
        assert_eq!(keys.len(), 3, "{service}");
        assert_eq!((keys[0].id.0.as_str(), keys[0].token.updated.as_str()), (id, updated), "{service}");
        assert_eq!(server.asked().len(), count, "{service}");
    }
}

#[tokio::test]
async fn details_and_user_keys_are_looked_up() {
    for (service, object, name, id, _) in services() {
        let (server, rest, count) = replay(service, "find").await;
        let found = rest.find(&object, &UserKey { parts: vec![(0, name.clone())] }).await;
        let found = found.unwrap_or_else(|error| panic!("{service}: {error}"));
        assert_eq!(found.len(), 1, "{service}");
        let records = rest.details(&object, &[RemoteId(id.into()), RemoteId("404".into())]).await.unwrap();
        assert_eq!((records.len(), &records[0].row[0]), (1, &name), "{service}");
        assert_eq!(server.asked().len(), count, "{service}");
    }
}

#[tokio::test]
async fn inserts_updates_and_deletes_are_sent_as_documented() {
    for (service, object, name, id, updated) in services() {
        let (server, rest, count) = replay(service, "write").await;
        let inserted = rest.insert(&object, &vec![name, text("New")]).await;
        let inserted = inserted.unwrap_or_else(|error| panic!("{service}: {error:?}"));
        assert_eq!(inserted.id.0, id, "{service}");
        assert!(inserted.row.is_some(), "{service}");
        let id = RemoteId(id.into());
        let changed = rest.update(&object, &id, &token(updated), &[(1, text("Newer"))]).await;
        let changed = changed.unwrap_or_else(|error| panic!("{service}: {error:?}"));
        assert_eq!(changed.row.unwrap()[1], text("Newer"), "{service}");
        // Somebody else writes: nothing is sent.
        let moved = rest.update(&object, &id, &token(updated), &[(1, text("Mine"))]).await;
        assert_eq!(moved, Err(WriteError::Moved), "{service}");
        let now = rest.details(&object, std::slice::from_ref(&id)).await.unwrap().remove(0).key.token;
        rest.delete(&object, &id, &now).await.unwrap_or_else(|error| panic!("{service}: {error:?}"));
        assert_eq!(server.asked().len(), count, "{service}");
    }
}

#[tokio::test]
async fn errors_are_told_in_the_services_own_words() {
    for ((service, object, name, ..), (code, message)) in services().into_iter().zip([
        ("CONFLICT", "Contact already exists. Existing ID: 33451"),
        ("ERR_SCHEMA_VALIDATION_FAILED", "Validation failed: name: Name must be given."),
        ("DUPLICATE_DATA", "duplicate data"),
    ]) {
        let (_, rest, _) = replay(service, "error").await;
        let refused = rest.insert(&object, &vec![name, Value::Null]).await;
        let expected = WriteError::Refused { code: code.into(), message: message.into() };
        assert_eq!(refused, Err(expected), "{service}");
    }
}
