//! Inserts, updates and deletes: what is sent, under which condition, and whose version is kept.

use crate::server::{Answer, Asked, Server};
use crate::*;
use host::ports::{Scope, WriteError};
use serde_json::{Value as Json, json};

fn name(new: &str) -> Vec<(usize, Value)> {
    vec![(0, text(new))]
}

fn sent(asked: &Asked) -> Json {
    serde_json::from_str(&asked.body).unwrap()
}

fn path() -> String {
    format!("Things({})", id(1))
}

fn methods(server: &Server) -> Vec<String> {
    server.asked().into_iter().map(|asked| asked.method).collect()
}

#[tokio::test]
async fn an_insert_keeps_the_version_that_it_is_answered_with() {
    let server = Server::start(|asked| {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "Things"));
        assert_eq!(asked.header("prefer"), Some("return=representation"));
        assert_eq!(asked.header("content-type"), Some("application/json;IEEE754Compatible=true"));
        assert_eq!(sent(asked), json!({ "name": "Acme", "amount": "12345678901234567.89" }));
        Answer::json(record(1, "1", "Acme!"))
    })
    .await;
    let (odata, object) = (server.remote(), thing());
    let row = vec![text("Acme"), Value::Decimal("12345678901234567.89".into())];
    let written = odata.insert(&object, &row).await.unwrap();
    assert_eq!((written.id, written.token), (id(1), token("1")));
    assert_eq!(written.row, Some(vec![text("Acme!"), Value::Null]), "as the server made it");
    assert_eq!(methods(&server), ["POST"]);
    let requests = odata.requests(&object.name);
    assert_eq!((requests.write, requests.query), (1, 0));
}

#[tokio::test]
async fn an_insert_without_a_record_in_its_answer_is_read_back() {
    for (header, value) in [
        ("odata-entityid", format!("https://elsewhere.example/odata/Things({})", id(1))),
        ("location", format!("Things({})", id(1))),
        ("location", format!("/odata/Things(ID={})", id(1))),
    ] {
        for now in ["1", "2"] {
            let (header, value) = (header, value.clone());
            let server = Server::start(move |asked| match asked.method.as_str() {
                "POST" => Answer::status(204).header(header, value.clone()).header("etag", "W/\"1\""),
                _ => {
                    assert_eq!(asked.path, path());
                    Answer::json(record(1, now, "Acme"))
                }
            })
            .await;
            let written = server.remote().insert(&thing(), &vec![text("Acme"), Value::Null]).await.unwrap();
            assert_eq!(written.id, id(1));
            match now {
                "1" => assert_eq!((written.token, written.row.is_some()), (token("1"), true)),
                // Somebody wrote since: our own version is kept, theirs arrives in the next run.
                _ => {
                    let ours = RemoteToken::of_version(Some("W/\"1\"".into()));
                    assert_eq!((written.token, written.row), (ours, None));
                }
            }
        }
    }
}

#[tokio::test]
async fn the_fate_of_an_insert() {
    let (object, row) = (thing(), vec![text("Acme"), Value::Null]);
    let server = Server::start(|_| Answer::status(200)).await;
    let odata = server.remote();
    let cases = [
        (
            Answer::error(500, "ERR_SQLITE_ERROR", "UNIQUE constraint failed"),
            false,
            "UNIQUE constraint failed",
        ),
        (Answer::error(502, "", "proxy"), false, "502"),
        (Answer::error(503, "", "busy").header("retry-after", "0"), false, "503"),
        (Answer::error(504, "", "late"), true, "504"),
        (Answer::status(204), true, "without the id"),
        (Answer::json("{}"), true, "without the id"),
    ];
    for (answer, may_still, said) in cases {
        server.now(move |_| answer.clone());
        match odata.insert(&object, &row).await {
            Err(WriteError::FateUnknown { may_still_run, message }) => {
                assert_eq!((may_still_run, message.contains(said)), (may_still, true), "{message}");
            }
            other => panic!("{said}: {other:?}"),
        }
        assert_eq!(methods(&server), ["POST"], "an insert is never repeated");
    }
    let body = r#"{"error":{"code":"ASSERT_DATA_TYPE","message":"Value is not valid","target":"amount"}}"#;
    server.now(move |_| Answer::status(400).body(body));
    let code = "ASSERT_DATA_TYPE".to_owned();
    let refused = WriteError::Refused { code, message: "Value is not valid (amount)".into() };
    assert_eq!(odata.insert(&object, &row).await, Err(refused));
    server.now(|_| Answer::error(409, "409", "exists already"));
    let refused = WriteError::Refused { code: "refused".into(), message: "exists already".into() };
    assert_eq!(odata.insert(&object, &row).await, Err(refused));
    let mut first = true;
    server.now(move |_| match std::mem::take(&mut first) {
        true => Answer::error(429, "", "slow down").header("retry-after", "0"),
        false => Answer::json(record(1, "1", "Acme")),
    });
    assert!(odata.insert(&object, &row).await.is_ok(), "what was put off was not carried out");
}

#[tokio::test]
async fn an_update_sends_the_changes_alone_and_its_condition() {
    let server = Server::start(|asked| {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PATCH", path().as_str()));
        assert_eq!(asked.header("if-match"), Some("W/\"1\""));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(sent(asked), json!({ "name": null }));
        Answer::json(record(1, "2", ""))
    })
    .await;
    let changes = [(0, Value::Null)];
    let written = server.remote().update(&thing(), &id(1), &token("1"), &changes).await.unwrap();
    assert_eq!((written.token, written.row), (token("2"), Some(vec![Value::Null, Value::Null])));
    assert_eq!(methods(&server), ["PATCH"]);
    // Of our own last write the version alone may be known.
    let ours = RemoteToken::of_version(Some("W/\"1\"".into()));
    assert!(server.remote().update(&thing(), &id(1), &ours, &changes).await.is_ok());
    server.now(|_| panic!("there is nothing to send"));
    let nothing = server.remote().update(&thing(), &id(1), &token("1"), &[]).await.unwrap();
    assert_eq!((nothing.token, nothing.row), (token("1"), None));
}

#[tokio::test]
async fn a_condition_that_does_not_hold_writes_nothing() {
    let (object, changes) = (thing(), name("Ours"));
    let server = Server::start(|_| Answer::status(200)).await;
    let odata = server.remote();
    let met = |asked: &Asked, write: Answer, there: bool| match asked.method.as_str() {
        "GET" if there => Answer::json(record(1, "2", "Theirs")),
        "GET" => Answer::error(404, "404", "Not Found"),
        _ => write,
    };
    // A record that is gone meets no condition either: some servers say 412, some 404.
    for (status, there, update, delete) in [
        (412, true, WriteError::Moved, Err(WriteError::Moved)),
        (412, false, WriteError::Gone, Ok(())),
        (404, false, WriteError::Gone, Ok(())),
        (410, false, WriteError::Gone, Ok(())),
    ] {
        server.now(move |asked| met(asked, Answer::error(status, "", "no"), there));
        assert_eq!(odata.update(&object, &id(1), &token("1"), &changes).await, Err(update), "{status}");
        assert_eq!(odata.delete(&object, &id(1), &token("1")).await, delete, "{status}");
        let writes = server.asked().into_iter().filter(|asked| asked.method != "GET");
        assert!(writes.map(|asked| asked.header("if-match").map(str::to_owned)).all(|it| it.is_some()));
    }
    server.now(move |asked| met(asked, Answer::error(428, "", "Precondition Required"), true));
    match odata.update(&object, &id(1), &token("1"), &changes).await {
        Err(WriteError::Remote(error)) => {
            assert_eq!((error.scope, error.message.contains("428")), (Scope::Object, true));
        }
        other => panic!("{other:?}"),
    }
    // Nothing is known of the record's version.
    server.now(move |asked| met(asked, Answer::status(500), true));
    let unsettled = RemoteToken::unsettled();
    assert_eq!(odata.update(&object, &id(1), &unsettled, &changes).await, Err(WriteError::Moved));
    assert_eq!(odata.delete(&object, &id(1), &unsettled).await, Err(WriteError::Moved));
    assert_eq!(methods(&server), ["GET", "GET"]);
}

#[tokio::test]
async fn an_update_that_is_answered_without_a_record_is_read_back() {
    let (object, changes) = (thing(), name("Ours"));
    for (now, etag, expected) in [
        // The answer's ETag is the record's: it is as we made it.
        ("2", Some("2"), (token("2"), true)),
        // Somebody wrote since: of our own write the version alone is known.
        ("3", Some("2"), (RemoteToken::of_version(Some("W/\"2\"".into())), false)),
        // The answer tells nothing: what is there may be somebody else's.
        ("2", None, (RemoteToken::unsettled(), false)),
    ] {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "PATCH" => match etag {
                Some(etag) => Answer::status(204).header("etag", format!("W/\"{etag}\"")),
                None => Answer::status(204),
            },
            _ => Answer::json(record(1, now, "Ours")),
        })
        .await;
        let written = server.remote().update(&object, &id(1), &token("1"), &changes).await.unwrap();
        assert_eq!((written.token, written.row.is_some()), expected, "{now}");
        assert_eq!(methods(&server), ["PATCH", "GET"]);
    }
}

#[tokio::test]
async fn an_update_without_an_answer_is_looked_up() {
    let (object, changes) = (thing(), name("Ours"));
    let server = Server::start(|_| Answer::status(200)).await;
    let odata = server.remote();
    let update = async |status: u16, now: Option<(&'static str, &'static str)>| {
        server.now(move |asked| match (asked.method.as_str(), now) {
            ("GET", Some((version, name))) => Answer::json(record(1, version, name)),
            ("GET", None) => Answer::error(404, "", ""),
            _ => Answer::error(status, "SQL_ERROR", "no"),
        });
        let result = odata.update(&object, &id(1), &token("1"), &changes).await;
        assert_eq!(methods(&server), ["PATCH", "GET"], "an update is never repeated");
        result
    };
    // Carried out after all: no version is certainly ours.
    let written = update(500, Some(("2", "Ours"))).await.unwrap();
    assert_eq!((written.token, written.row), (RemoteToken::unsettled(), None));
    let refused = WriteError::Refused { code: "SQL_ERROR".into(), message: "no".into() };
    assert_eq!(update(500, Some(("1", "Old"))).await, Err(refused));
    for (status, now, may_still) in [
        (500, Some(("2", "Theirs")), false),
        (502, Some(("1", "Old")), false),
        (504, Some(("1", "Old")), true),
        (502, None, false),
    ] {
        let result = update(status, now).await;
        let unknown = |error: &WriteError| matches!(error, WriteError::FateUnknown { may_still_run, .. } if *may_still_run == may_still);
        assert!(result.as_ref().is_err_and(unknown), "{status} {now:?}: {result:?}");
    }
    assert_eq!(update(500, None).await, Err(WriteError::Gone));
}

#[tokio::test]
async fn without_etags_the_version_is_read_before_and_the_record_verified_after() {
    let object = versionless();
    let plain = |stamp: &str, name: &str, amount: &str| {
        format!(r#"{{"ID":"{}","modifiedAt":"{stamp}","name":"{name}","amount":"{amount}"}}"#, id(1))
    };
    let stamp = |second: u32| format!("2024-01-01T00:00:{second:02}Z");
    let known = RemoteToken { updated: stamp(1), version: None };
    for (amount_after, proven) in [("1", true), ("9", false)] {
        let mut reads = 0;
        let server = Server::start(move |asked| match asked.method.as_str() {
            "PATCH" => {
                // Never an upsert.
                assert_eq!(asked.header("if-match"), Some("*"));
                Answer::status(204)
            }
            _ => {
                reads += 1;
                match reads {
                    1 => Answer::json(plain(&stamp(1), "Old", "1")),
                    _ => Answer::json(plain(&stamp(5), "Ours", amount_after)),
                }
            }
        })
        .await;
        let odata = server.remote();
        let written = odata.update(&object, &id(1), &known, &name("Ours")).await.unwrap();
        assert_eq!(methods(&server), ["GET", "PATCH", "GET"]);
        // Where another field moved, somebody else wrote as well; and a fresh stamp hides what follows it.
        assert_eq!((written.token, written.row.is_some()), (RemoteToken::unsettled(), proven));
    }
    let server = Server::start(move |_| Answer::json(plain(&stamp(2), "Theirs", "1"))).await;
    let odata = server.remote();
    assert_eq!(odata.update(&object, &id(1), &known, &name("Ours")).await, Err(WriteError::Moved));
    assert_eq!(odata.delete(&object, &id(1), &known).await, Err(WriteError::Moved));
    assert_eq!(methods(&server), ["GET", "GET"], "nothing was written");
    server.now(|_| Answer::json(format!(r#"{{"ID":"{}","name":"x"}}"#, id(1))));
    assert_eq!(odata.update(&object, &id(1), &known, &name("Ours")).await, Err(WriteError::NoVersion));
    server
        .now(|_| Answer::json(format!(r#"{{"ID":"{}","modifiedAt":"{}"}}"#, id(2), "2024-01-01T00:00:01Z")));
    let other = odata.update(&object, &id(1), &known, &name("Ours")).await;
    assert_eq!(other, Err(WriteError::Gone), "another record than the one asked for");
}

#[tokio::test]
async fn a_version_that_is_a_property_is_compared_and_the_etag_guards() {
    let object = Object { resource: Resource { version: Some("revision".into()), ..resource() }, ..thing() };
    let known = |revision: &str| RemoteToken { version: Some(revision.into()), ..token("x") };
    let numbered = |revision: u32| {
        record(1, &format!("e{revision}"), "Ours")
            .replace("\"ID\"", &format!("\"revision\":\"{revision}\",\"ID\""))
    };
    let server = Server::start(move |asked| match asked.method.as_str() {
        "GET" => Answer::json(numbered(7)),
        "PATCH" => Answer::json(numbered(8)),
        _ => Answer::status(204),
    })
    .await;
    let odata = server.remote();
    let written = odata.update(&object, &id(1), &known("7"), &name("Ours")).await.unwrap();
    assert_eq!((written.token, written.row.is_some()), (known("8"), true));
    assert_eq!(odata.delete(&object, &id(1), &known("7")).await, Ok(()));
    assert_eq!(odata.delete(&object, &id(1), &known("6")).await, Err(WriteError::Moved));
    let asked = server.asked();
    assert_eq!(methods(&server), ["GET", "PATCH", "GET", "DELETE", "GET"]);
    assert!([1, 3].iter().all(|at: &usize| asked[*at].header("if-match") == Some("W/\"e7\"")));
}

#[tokio::test]
async fn a_delete_is_guarded_and_gone_is_success() {
    let object = thing();
    let server = Server::start(|asked| {
        assert_eq!((asked.method.as_str(), asked.header("if-match")), ("DELETE", Some("W/\"1\"")));
        assert_eq!(asked.body, "");
        Answer::status(204)
    })
    .await;
    let odata = server.remote();
    assert_eq!(odata.delete(&object, &id(1), &token("1")).await, Ok(()));
    for (there, ok) in [(true, false), (false, true)] {
        server.now(move |asked| match asked.method.as_str() {
            "GET" if there => Answer::json(record(1, "1", "A")),
            "GET" => Answer::status(404),
            _ => Answer::status(502),
        });
        assert_eq!(odata.delete(&object, &id(1), &token("1")).await.is_ok(), ok);
    }
}

#[tokio::test]
async fn values_are_written_by_the_types_of_their_properties() {
    let fields = [
        ("name", Kind::Text(100)),
        ("amount", Kind::Decimal(10)),
        ("big", Kind::Integer),
        ("small", Kind::Integer),
        ("share", Kind::Decimal(4)),
        ("day", Kind::Date),
        ("due", Kind::Timestamp),
        ("done", Kind::Boolean),
        ("stage", Kind::Text(20)),
        ("tags", Kind::Choices),
        ("picture", Kind::Bytes),
        ("parent_ID", Kind::Reference("thing".into())),
        ("_owner_value", Kind::Reference("thing".into())),
    ];
    let object = object(resource(), fields.map(|(name, kind)| field(name, kind)).into());
    let row = vec![
        text("O'Hara"),
        Value::Decimal("1234567890123456789.123456789".into()),
        Value::Integer(i64::MAX),
        Value::Integer(-7),
        Value::Decimal("0.3".into()),
        Value::Date("2024-02-29".into()),
        Value::Timestamp(1_709_200_800_123_456),
        Value::Boolean(true),
        text("Won"),
        Value::Choices(vec!["a".into(), "b".into()]),
        Value::Bytes(vec![0xfb, 0xff]),
        Value::Reference(id(2).0),
        Value::Reference(id(3).0),
    ];
    let expected = json!({
        "name": "O'Hara", "amount": "1234567890123456789.123456789", "big": "9223372036854775807", "small": -7,
        "share": 0.3, "day": "2024-02-29", "due": "2024-02-29T10:00:00.123Z", "done": true, "stage": "Won",
        "tags": ["a", "b"], "picture": "-_8=", "parent_ID": id(2).0,
        // A link that can only be read is written by naming the record.
        "owner@odata.bind": format!("/Things({})", id(3)),
    });
    let server = Server::start(move |asked| {
        assert_eq!(sent(asked), expected);
        Answer::error(400, "x", "enough")
    })
    .await;
    assert!(matches!(server.remote().insert(&object, &row).await, Err(WriteError::Refused { .. })));
    server.now(|asked| {
        assert_eq!(sent(asked), json!({ "owner@odata.bind": null, "small": null }));
        Answer::error(400, "x", "enough")
    });
    let changes = [(12, Value::Null), (3, Value::Null)];
    let update = server.remote().update(&object, &id(1), &token("1"), &changes).await;
    assert!(matches!(update, Err(WriteError::Refused { .. })), "{update:?}");
}

#[tokio::test]
async fn a_token_against_forged_requests_is_fetched_where_it_is_wanted() {
    let server = Server::start(|asked| {
        let proven = asked.header("x-csrf-token") == Some("t1") && asked.header("cookie") == Some("a=1; b=2");
        match proven {
            true => Answer::json(record(1, "2", "Ours")),
            false => {
                Answer::status(403).header("x-csrf-token", "Required").body("CSRF token validation failed")
            }
        }
    })
    .await;
    let (odata, object) = (server.remote(), thing());
    for expected in [vec!["PATCH", "PATCH"], vec!["PATCH", "PATCH", "PATCH"]] {
        let written = odata.update(&object, &id(1), &token("1"), &name("Ours")).await;
        assert!(written.is_ok(), "{written:?} {:?}", server.asked());
        assert_eq!(methods(&server), expected, "a known token is used again");
    }
    server.now(|_| Answer::status(403).header("x-csrf-token", "Required").body("no"));
    let refused = odata.update(&object, &id(1), &token("1"), &name("Ours")).await;
    assert!(matches!(refused, Err(WriteError::Refused { .. })), "{refused:?}");
    assert_eq!(methods(&server), ["PATCH", "PATCH"], "no more than once");
}
