//! Writes: what is sent, how it is guarded, and whose the token afterwards is.

use crate::server::{Answer, Server, answer, ok, thing};
use host::ports::{Remote, WriteError};
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Kind, Value};

fn object(version: Option<&str>) -> Object {
    thing(version, &[("name", Kind::Text(99)), ("size", Kind::Integer), ("number", Kind::Text(9))])
}

fn description(update: &str, lock: &str) -> String {
    format!(
        "[list]\npath = \"/{{resource}}\"\nitems = \"/data\"\n[get]\npath = \"/{{resource}}/{{id}}\"\n\
         [insert]\npath = \"/{{resource}}\"\nid = \"/id\"\n\
         [update]\npath = \"/{{resource}}/{{id}}\"\n{update}\n[delete]\npath = \"/{{resource}}/{{id}}\"\n\
         query = {{ v = \"{{version}}\" }}\n\
         [record]\ntick = \"0s\"\n[lock]\n{lock}\n"
    )
}

fn token(updated: &str, version: Option<&str>) -> RemoteToken {
    RemoteToken { updated: updated.into(), version: version.map(str::to_owned) }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn record(name: &str, version: u32) -> Answer {
    ok(format!(
        r#"{{"id":"1","updated":"s{version}","rev":{version},"name":"{name}","size":1,"number":"N{version}"}}"#
    ))
}

const WHOLE: &str = "record = \"\"";
const IF_MATCH: &str = "kind = \"if-match\"\nvalue = '\"{version}\"'";

fn id() -> RemoteId {
    RemoteId("1".into())
}

/// A server whose record is at version 1 until the first write, and then this.
async fn written_over(after: Answer) -> Server {
    let is_written = std::sync::atomic::AtomicBool::new(false);
    Server::start(move |asked| {
        let order = std::sync::atomic::Ordering::SeqCst;
        match asked.method.as_str() {
            "GET" if is_written.load(order) => after.clone(),
            "GET" => record("old", 1),
            _ => {
                is_written.store(true, order);
                answer(204, "")
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_header_holds_the_version_and_the_answer_is_our_own() {
    let server = Server::start(|_| record("new", 2)).await;
    let rest = server.rest(&description(WHOLE, IF_MATCH));
    let changes = [(0, text("new \"x\"")), (1, Value::Null), (2, text("mine"))];
    let written = rest.update(&object(Some("rev")), &id(), &token("s1", Some("1")), &changes).await.unwrap();
    assert_eq!(written.token, token("s2", Some("2")));
    assert_eq!(written.row.unwrap()[2], text("N2"));
    let asked = server.asked();
    assert_eq!(asked[0].line(), r#"PATCH /api/things/1 {"name":"new \"x\"","size":null}"#);
    assert_eq!((asked[0].header("if-match"), asked.len()), ("\"1\"", 1));
    // What is computed is never sent, and then nothing is.
    let written =
        rest.update(&object(Some("rev")), &id(), &token("s2", Some("2")), &[(2, text("x"))]).await.unwrap();
    assert_eq!(written.token, token("s2", Some("2")));
    assert_eq!(server.lines()[1..], ["GET /api/things/1"]);
}

#[tokio::test]
async fn the_version_is_a_field_or_stands_where_the_template_has_it() {
    let server = Server::start(|_| record("new", 2)).await;
    let rest = server.rest(&description(WHOLE, "kind = \"field\""));
    rest.update(&object(Some("rev")), &id(), &token("s1", Some("1")), &[(0, text("new"))]).await.unwrap();
    // Without a version it is the stamp.
    rest.update(&object(None), &id(), &token("s1", None), &[(0, text("new"))]).await.unwrap();
    rest.delete(&object(Some("rev")), &id(), &token("s1", Some("1"))).await.unwrap();
    let placed = "record = \"\"\nmethod = \"PUT\"\nbody = '{\"ver\": {version}, \"set\": {record}}'";
    let rest = server.rest(&description(placed, "kind = \"field\""));
    rest.update(&object(Some("rev")), &id(), &token("", Some("x1")), &[(0, text("new"))]).await.unwrap();
    assert_eq!(
        server.lines(),
        [
            r#"PATCH /api/things/1 {"name":"new","rev":1}"#,
            r#"PATCH /api/things/1 {"name":"new","updated":"s1"}"#,
            "DELETE /api/things/1?v=1",
            r#"PUT /api/things/1 {"ver": "x1", "set": {"name":"new"}}"#,
        ]
    );
}

#[tokio::test]
async fn without_a_lock_the_record_is_read_before_and_after() {
    let server = written_over(record("new", 2)).await;
    let rest = server.rest(&description("", "kind = \"read-compare\""));
    let object = object(Some("rev"));
    let written = rest.update(&object, &id(), &token("s1", Some("1")), &[(0, text("new"))]).await.unwrap();
    assert_eq!(written.token, token("s2", Some("2")));
    assert_eq!(server.lines().len(), 3);
    assert_eq!(rest.requests(&object.name).query, 2);

    let server = Server::start(|_| record("theirs", 2)).await;
    let rest = server.rest(&description("", "kind = \"read-compare\""));
    for expected in [token("s1", Some("1")), RemoteToken::unsettled()] {
        let moved = rest.update(&object, &id(), &expected, &[(0, text("new"))]).await;
        assert_eq!(moved, Err(WriteError::Moved));
        assert_eq!(rest.delete(&object, &id(), &expected).await, Err(WriteError::Moved));
    }
    assert!(server.lines().iter().all(|line| line.starts_with("GET")), "nothing was written");
}

/// Decision 8: what somebody else wrote before we looked is not ours.
#[tokio::test]
async fn a_token_that_somebody_else_made_is_not_taken() {
    let object = object(Some("rev"));
    let expected = token("s1", Some("1"));
    let change = [(0, text("new"))];
    let theirs = ok(r#"{"id":"1","updated":"s3","rev":3,"name":"new","size":7,"number":"N3"}"#);
    let server = written_over(theirs).await;
    let written =
        server.rest(&description("", "kind = \"field\"")).update(&object, &id(), &expected, &change).await;
    let written = written.unwrap();
    assert_eq!((written.token, written.row), (RemoteToken::unsettled(), None));

    // The same content is the same record, whoever wrote it last.
    let server = written_over(record("new", 3)).await;
    let rest = server.rest(&description("", "kind = \"field\""));
    let written = rest.update(&object, &id(), &expected, &change).await.unwrap();
    assert_eq!(written.token, token("s3", Some("3")));

    // Part of the answer is ours for certain: later edits arrive as such.
    let server = Server::start(|asked| match asked.method.as_str() {
        "PATCH" => ok(r#"{"id":"1","updated":"s2","rev":2}"#),
        _ => record("theirs", if asked.target.contains("before") { 1 } else { 3 }),
    })
    .await;
    let rest = server.rest(&description("record = \"\"\ncomplete = false", "kind = \"field\""));
    let now = token("s3", Some("3"));
    let written = rest.update(&object, &id(), &now, &change).await.unwrap();
    assert_eq!((written.token, written.row), (token("s2", Some("2")), None));
}

/// A write that got no answer, and another's that came instead.
#[tokio::test]
async fn the_next_version_alone_is_no_proof_of_a_write_without_an_answer() {
    for (name, carried_out) in [("theirs", false), ("new", true)] {
        let is_written = std::sync::atomic::AtomicBool::new(false);
        let server = Server::start(move |asked| {
            let order = std::sync::atomic::Ordering::SeqCst;
            match asked.method.as_str() {
                "PATCH" => {
                    is_written.store(true, order);
                    answer(503, "")
                }
                _ if is_written.load(order) => record(name, 2),
                _ => record("old", 1),
            }
        })
        .await;
        let rest = server.rest(&description("", "kind = \"field\""));
        let change = [(0, text("new"))];
        let result = rest.update(&object(Some("rev")), &id(), &token("s1", Some("1")), &change).await;
        assert_eq!(result.is_ok(), carried_out, "{result:?}");
        assert!(carried_out || matches!(result, Err(WriteError::FateUnknown { .. })));
        assert_eq!(server.lines().iter().filter(|line| line.starts_with("PATCH")).count(), 1);
    }
}

#[tokio::test]
async fn an_etag_is_read_right_before() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "GET" => record("old", 1).with("etag", "W/\"abc\""),
        _ => answer(412, ""),
    })
    .await;
    let rest = server.rest(&description(WHOLE, "kind = \"if-match\"\nvalue = \"{etag}\""));
    let moved = rest.update(&object(Some("rev")), &id(), &token("s1", Some("1")), &[(0, text("new"))]).await;
    assert_eq!(moved, Err(WriteError::Moved));
    assert_eq!(server.asked()[1].header("if-match"), "W/\"abc\"");
}

#[tokio::test]
async fn a_version_that_cannot_be_determined_fails_closed() {
    let server = Server::start(|_| ok(r#"{"id":"1","name":"x"}"#)).await;
    let expected = token("", Some("1"));
    let change = [(0, text("new"))];
    for (lock, version, expected) in [
        ("kind = \"read-compare\"", Some("rev"), &expected),
        ("kind = \"read-compare\"", None, &token("s1", None)),
        ("kind = \"if-match\"\nvalue = \"{updated}\"", Some("rev"), &expected),
        ("kind = \"field\"", Some("rev"), &token("s1", None)),
    ] {
        let rest = server.rest(&description(WHOLE, lock));
        let failed = rest.update(&object(version), &id(), expected, &change).await;
        assert_eq!(failed, Err(WriteError::NoVersion), "{lock}");
        if lock != "kind = \"if-match\"\nvalue = \"{updated}\"" {
            assert_eq!(
                rest.delete(&object(version), &id(), expected).await,
                Err(WriteError::NoVersion),
                "{lock}"
            );
        }
    }
    assert!(server.lines().iter().all(|line| line.starts_with("GET")), "nothing was written");
}

#[tokio::test]
async fn an_insert_is_read_back_by_the_id_that_the_answer_has() {
    let row = vec![text("new"), Value::Null, text("mine")];
    for (answers, place) in [
        (ok(r#"{"id":1}"#), "id = \"/id\""),
        (answer(201, "").with("location", "http://x/api/things/1?v=2"), "location = true"),
        (ok(r#"{"data":{"id":1}}"#), "record = \"/data\"\ncomplete = false"),
    ] {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "POST" => answers.clone(),
            _ => record("new", 1),
        })
        .await;
        let described = description("", "kind = \"read-compare\"").replace("id = \"/id\"", place);
        let written = server.rest(&described).insert(&object(Some("rev")), &row).await.unwrap();
        assert_eq!((written.id, written.token), (id(), token("s1", Some("1"))), "{place}");
        assert_eq!(written.row.unwrap()[2], text("N1"));
        assert_eq!(server.lines(), [r#"POST /api/things {"name":"new"}"#, "GET /api/things/1"]);
    }
    // Edited at once by somebody else: the next run sees it.
    let server = Server::start(|asked| match asked.method.as_str() {
        "POST" => ok(r#"{"id":1}"#),
        _ => record("theirs", 2),
    })
    .await;
    let rest = server.rest(&description("", "kind = \"read-compare\""));
    let written = rest.insert(&object(Some("rev")), &row).await.unwrap();
    assert_eq!((written.token, written.row), (RemoteToken::unsettled(), None));
}

#[tokio::test]
async fn what_is_not_described_is_not_done() {
    let server = Server::start(|_| record("x", 1)).await;
    let reading = "[list]\npath = \"/{resource}\"\nitems = \"\"\n[get]\npath = \"/{resource}/{id}\"";
    let rest = server.rest(reading);
    let error = rest.insert(&object(None), &vec![text("a"), Value::Null, Value::Null]).await.unwrap_err();
    assert!(
        matches!(&error, WriteError::Refused { code, message } if code == "read-only" && message.contains("[insert]"))
    );
    assert!(rest.delete(&object(None), &id(), &token("s", None)).await.is_err());
    assert_eq!(server.asked().len(), 0);
}
