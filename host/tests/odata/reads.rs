//! Counting, listing, reading and looking up.

use crate::server::{Answer, Server};
use crate::*;
use host::ports::Scope;
use host::remote::Settings;
use std::time::Duration;
use sync_core::object::UserKey;

#[tokio::test]
async fn counts_with_the_filter() {
    let server = Server::start(|asked| {
        assert_eq!(asked.header("accept"), Some("text/plain"));
        Answer::status(200).body("\u{feff}12\n").header("content-type", "text/plain")
    })
    .await;
    let (odata, object) = (server.remote(), thing());
    let filtered = View { object: &object, filter: Some("name ne 'O''Hara' or amount gt 1") };
    assert_eq!(odata.count(filtered).await.unwrap(), Some(12));
    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "Things/$count");
    assert_eq!(asked.query, "$filter=name ne 'O''Hara' or amount gt 1");
    assert!(!asked.raw_query.contains('+'), "{}", asked.raw_query);
    assert!(asked.header("authorization").is_some_and(|it| it.starts_with("Basic ")));
    assert_eq!(odata.requests(&object.name).count, 1);
    for status in [404, 405, 501] {
        server.now(move |_| Answer::error(status, "x", "no counting"));
        assert_eq!(odata.count(view(&object)).await.unwrap(), None, "{status}");
    }
    server.now(|_| Answer::error(400, "400", "Property bogus does not exist"));
    let error = odata.count(filtered).await.unwrap_err();
    assert_eq!(error.scope, Scope::Object);
    assert!(error.message.ends_with("answered with 400: Property bogus does not exist"), "{error}");
    server.now(|_| Answer::json("[1]"));
    assert!(odata.count(view(&object)).await.unwrap_err().message.contains("no number"));
}

#[tokio::test]
async fn a_count_that_stopped_at_a_limit_is_unknown() {
    for (limited, expected) in [("true", None), ("false", Some(5_000))] {
        let server = Server::start(move |asked| match asked.path.as_str() {
            "Things/$count" => Answer::status(200).body("5000"),
            _ => {
                assert_eq!(asked.query, "$select=ID&$filter=amount gt 1&$top=1&$count=true");
                assert_eq!(asked.header("prefer"), Some("odata.include-annotations=\"*\""));
                let limit = format!(r#""@Some.Vocabulary.totalrecordcountlimitexceeded":{limited}"#);
                Answer::json(format!(r#"{{"@odata.count":5000,{limit},"value":[]}}"#))
            }
        })
        .await;
        let object = thing();
        let view = View { object: &object, filter: Some("amount gt 1") };
        assert_eq!(server.remote().count(view).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn next_links_are_followed_as_they_are() {
    for form in ["relative", "absolute", "rooted"] {
        let origin = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let known = origin.clone();
        let server = Server::start(move |asked| {
            let origin = known.lock().unwrap().clone();
            let token = "Things?%24select=ID%2CmodifiedAt&%24skiptoken=a%2Bb%20%25c";
            let link = match form {
                "relative" => token.to_owned(),
                "absolute" => format!("{origin}/odata/{token}"),
                _ => format!("/odata/{token}"),
            };
            match asked.raw_query.as_str() {
                "$select=ID,modifiedAt" => {
                    assert_eq!(asked.header("prefer"), Some("odata.maxpagesize=5000"));
                    // The link before the records, and a page with none, are allowed.
                    let next = format!(r#"{{"@odata.nextLink":"{link}","value":[{}]}}"#, record(1, "1", "A"));
                    Answer::json(next)
                }
                "%24select=ID%2CmodifiedAt&%24skiptoken=a%2Bb%20%25c" => {
                    Answer::json(page(&[], r#","@odata.nextLink":"Things?$skiptoken=last""#))
                }
                "$skiptoken=last" => Answer::json(page(&[record(2, "7", "B")], "")),
                other => panic!("{other}"),
            }
        })
        .await;
        origin.lock().unwrap().clone_from(&server.origin);
        let (odata, object) = (server.remote(), thing());
        let listed = keys(&odata, view(&object)).await.unwrap();
        let ids: Vec<&RemoteId> = listed.iter().map(|key| &key.id).collect();
        assert_eq!(ids, [&id(1), &id(2)], "{form}");
        assert_eq!(listed[1].token, token("7"), "the version is the record's annotation");
        assert!(!listed[1].fresh, "a version needs no clock");
        assert_eq!(odata.requests(&object.name).keys, 3);
    }
}

#[tokio::test]
async fn another_server_is_not_asked_for_the_next_page() {
    let other = Server::start(|_| panic!("it gets our login")).await;
    let link = format!(r#","@odata.nextLink":"{}/odata/Things?$skiptoken=2""#, other.origin);
    let server = Server::start(move |_| Answer::json(page(&[record(1, "1", "A")], &link))).await;
    let error = keys(&server.remote(), view(&thing())).await.unwrap_err();
    assert_eq!(error.scope, Scope::Object);
    assert!(error.message.contains("another server") && error.message.contains(&other.origin), "{error}");
    assert!(other.asked().is_empty());
    // Nor does a context lead there.
    let context = format!(r#"{{"@odata.context":"{}/odata/$metadata","value":[]}}"#, other.origin);
    server.now(move |_| Answer::json(context.clone()));
    assert_eq!(keys(&server.remote(), view(&thing())).await.unwrap(), []);
}

#[tokio::test]
async fn a_listing_of_nothing_but_empty_pages_ends() {
    let mut number = 0;
    let server = Server::start(move |_| {
        number += 1;
        let next = format!(r#","@odata.nextLink":"Things?$skiptoken={number}""#);
        Answer::json(page(&[], &next))
    })
    .await;
    let error = keys(&server.remote(), view(&thing())).await.unwrap_err();
    assert!(error.message.contains("1000 pages in a row have no record"), "{error}");
    assert!(server.asked().len() < 1010, "{}", server.asked().len());
}

#[tokio::test]
async fn a_listing_that_goes_in_a_circle_ends() {
    // The same link again and again.
    let server =
        Server::start(|_| Answer::json(page(&[], r#","@odata.nextLink":"Things?$skiptoken=1""#))).await;
    let error = keys(&server.remote(), view(&thing())).await.unwrap_err();
    assert!(error.message.contains("does not advance"), "{error}");
    assert!(server.asked().len() < 5);
    // Three pages in turn, each with a link never seen before.
    let mut number = 0;
    server.now(move |_| {
        number += 1;
        let next = format!(r#","@odata.nextLink":"Things?$skiptoken={number}""#);
        Answer::json(page(&[record(number % 3, "1", "A")], &next))
    });
    let error = keys(&server.remote(), view(&thing())).await.unwrap_err();
    assert!(error.message.contains("does not advance"), "{error}");
    assert!(server.asked().len() < 12, "{}", server.asked().len());
}

#[tokio::test]
async fn details_are_asked_by_a_list_of_ids_in_addresses_of_bounded_length() {
    let server = Server::start(|asked| {
        let ids = asked.query.split("ID in (").nth(1).unwrap().trim_end_matches(')');
        let all: Vec<String> = ids
            .split(',')
            .map(|id| id.rsplit('-').next().unwrap().parse().unwrap())
            .filter(|number| *number != 7)
            .map(|number| record(number, "1", "A"))
            .collect();
        Answer::json(page(&all, ""))
    })
    .await;
    let odata = server.remote();
    let ids: Vec<RemoteId> = (0..200).map(id).collect();
    assert_eq!(odata.details(&thing(), &ids).await.unwrap().len(), 199, "one is gone");
    let asked = server.asked();
    assert!(asked[0].query.starts_with("$select=ID,modifiedAt,name,amount&$filter=ID in (0000"));
    assert!(asked.iter().all(|asked| asked.raw_query.len() < 8_000));
    assert_eq!(odata.details(&thing(), &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_server_without_lists_gets_comparisons_and_one_with_limits_gets_fewer() {
    let server = Server::start(|asked| {
        let filter = asked.query.split("$filter=").nth(1).unwrap();
        if filter.contains(" in (") {
            return Answer::error(501, "", "the operator in is not supported");
        }
        let ids: Vec<&str> = filter.split(" or ").collect();
        if ids.len() > 30 {
            return Answer::error(400, "", "The node count limit of '100' has been exceeded");
        }
        let number = |text: &&str| text.rsplit('-').next().unwrap().parse().unwrap();
        let all: Vec<String> = ids.iter().map(|id| record(number(id), "1", "A")).collect();
        Answer::json(page(&all, ""))
    })
    .await;
    let odata = server.remote();
    let ids: Vec<RemoteId> = (0..100).map(id).collect();
    assert_eq!(odata.details(&thing(), &ids).await.unwrap().len(), 100);
    let first = server.asked().len();
    assert_eq!(odata.details(&thing(), &ids).await.unwrap().len(), 100);
    assert_eq!((first, server.asked().len() - first), (7, 4), "what is learned is remembered");
    // What is wrong for one id alone is wrong.
    server.now(|_| Answer::error(400, "", "no such property"));
    let error = odata.details(&thing(), &ids).await.unwrap_err();
    assert!(error.message.contains("no such property"), "{error}");
}

#[tokio::test]
async fn a_page_of_details_may_be_smaller_than_asked() {
    let server = Server::start(|asked| match asked.query.as_str() {
        "$skiptoken=1" => Answer::json(page(&[record(2, "1", "B")], "")),
        _ => Answer::json(page(&[record(1, "1", "A")], r#","@odata.nextLink":"Things?$skiptoken=1""#)),
    })
    .await;
    assert_eq!(server.remote().details(&thing(), &[id(1), id(2)]).await.unwrap().len(), 2);
    server.now(|_| Answer::json(page(&[record(1, "1", "A")], r#","@odata.nextLink":"Things?a""#)));
    let error = server.remote().details(&thing(), &[id(1), id(2)]).await.unwrap_err();
    assert!(error.message.contains("does not advance"), "{error}");
}

/// An object with a field of every kind.
fn everything() -> Object {
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
    ];
    object(resource(), fields.map(|(name, kind)| field(name, kind)).into())
}

#[tokio::test]
async fn values_have_their_kinds_and_no_digit_is_lost() {
    let server = Server::start(|asked| {
        let accept = "application/json;odata.metadata=minimal;IEEE754Compatible=true";
        assert_eq!(asked.header("accept"), Some(accept));
        let full = format!(
            r#"{{"@odata.etag":"W/\"1\"","ID":"{}","modifiedAt":"2024-01-01T00:00:00Z","name":"O'Hara","other":[{{}}],
            "items":[{{"a":1}}],"amount":1234567890123456789.1234567890,"big":9223372036854775807,"small":-7,
            "share":0.30000000000000004,"day":"2024-02-29","due":"2024-02-29T12:00:00.1234567+02:00","done":true,
            "stage":"Won","tags":["b","a","b"],"picture":"-_8","parent_ID":"{}"}}"#,
            id(1),
            id(2)
        );
        let empty = format!(
            r#"{{"ID":"{}","modifiedAt":null,"amount":"12.50","big":"12","share":1e-3,"name":"","tags":[],"day":5}}"#,
            id(3)
        );
        Answer::json(page(&[full, empty], ""))
    })
    .await;
    let records = server.remote().details(&everything(), &[id(1), id(3)]).await.unwrap();
    let expected = vec![
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
    ];
    assert_eq!(records[0].row, expected);
    assert_eq!(records[1].key.token, RemoteToken::unsettled(), "a record without an ETag");
    let row = &records[1].row;
    assert_eq!(row[..3], [Value::Null, Value::Decimal("12.5".into()), Value::Integer(12)]);
    assert_eq!((&row[3], &row[4], &row[9]), (&Value::Absent, &Value::Decimal("0.001".into()), &Value::Null));
    assert_eq!(row[5], Value::Integer(5), "what does not fit is its field's affair");
}

#[tokio::test]
async fn a_user_key_is_looked_up_by_the_types_of_its_parts() {
    let server = Server::start(|_| Answer::json(page(&[record(1, "1", "A"), record(2, "1", "A")], ""))).await;
    let (odata, object) = (server.remote(), everything());
    let parts = vec![
        (0, text("O'Hara & Søn + 1")),
        (1, Value::Decimal("12.5".into())),
        (5, Value::Date("2024-02-29".into())),
        (6, Value::Timestamp(1_709_200_800_123_456)),
        (7, Value::Boolean(true)),
        (8, text("Won")),
        (11, Value::Reference(id(2).0)),
        (2, Value::Null),
    ];
    assert_eq!(odata.find(&object, &UserKey { parts }).await.unwrap().len(), 2);
    let asked = server.asked().remove(0);
    let filter = format!(
        "$filter=(name eq 'O''Hara & Søn + 1') and (amount eq 12.5) and (day eq 2024-02-29) \
         and (due eq 2024-02-29T10:00:00.123Z) and (done eq true) and (stage eq Test.Model.Stage'Won') \
         and (parent_ID eq {}) and (big eq null)&$top=2",
        id(2)
    );
    assert!(asked.query.ends_with(&filter), "{}", asked.query);
    assert_eq!(odata.requests(&object.name).query, 1);
}

#[tokio::test]
async fn keys_that_are_text_are_quoted() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "Labels" => Answer::json(r#"{"value":[{"code":"O'H/a","name":"x"}]}"#),
        "Labels('O''H/a')" => Answer::status(404),
        other => panic!("{other}"),
    })
    .await;
    let resource = Resource {
        path: "Labels".into(),
        id: "code".into(),
        updated: "name".into(),
        version: None,
        created: None,
    };
    let traits = Traits { read_only: true, ..Traits::default() };
    let label = object(resource, vec![Field { traits, ..field("name", Kind::Text(9)) }]);
    let odata = server.remote();
    let (one, two) = (RemoteId("O'H/a".into()), RemoteId("b".into()));
    assert_eq!(odata.details(&label, &[one.clone(), two]).await.unwrap().len(), 1);
    assert!(server.asked()[0].query.ends_with("code in ('O''H/a','b')"));
    let expected = RemoteToken { updated: "x".into(), version: None };
    assert_eq!(odata.delete(&label, &one, &expected).await, Ok(()), "already gone");
}

#[tokio::test]
async fn reads_are_repeated_when_the_server_asks_for_it() {
    let mut refusals = 2;
    let server = Server::start(move |_| match refusals {
        0 => Answer::status(200).body("3"),
        _ => {
            refusals -= 1;
            Answer::error(429, "TooManyRequests", "slow down").header("retry-after", "0")
        }
    })
    .await;
    let odata = server.remote();
    assert_eq!(odata.count(view(&thing())).await.unwrap(), Some(3));
    assert_eq!(server.asked().len(), 3);
    server.now(|_| Answer::error(429, "", "slow down").header("retry-after", "3600"));
    let error = odata.count(view(&thing())).await.unwrap_err();
    assert!(error.message.contains("429: slow down"), "{error}");
    assert_eq!(server.asked().len(), 1, "longer than the patience");
}

#[tokio::test]
async fn answers_that_are_none_are_told_in_a_sentence() {
    let server = Server::start(|_| Answer::status(200)).await;
    let (odata, object) = (server.remote(), thing());
    let html = || Answer::status(200).body("<!doctype html><p>Log in").header("content-type", "text/html");
    let cases: [(Answer, &str); 6] = [
        (html(), "web page"),
        (Answer::json(r#"{"value":[{"ID":"x","modi"#), "not whole JSON"),
        (Answer::json(r#"{"@odata.context":"x"}"#), "unknown form"),
        (Answer::json(r#"{"value":[{"modifiedAt":"x"}]}"#), "unknown form"),
        (Answer::json(r#"{"value":[],"error":{"code":"x","message":"out of memory"}}"#), "out of memory"),
        (
            Answer::json(
                r#"{"error":{"code":"x","message":"bad","details":[{"message":"worse","target":"name"}]}}"#,
            ),
            "bad; worse (name)",
        ),
    ];
    for (answer, said) in cases {
        server.now(move |_| answer.clone());
        let error = keys(&odata, view(&object)).await.unwrap_err();
        assert_eq!(error.scope, Scope::Object);
        assert!(error.message.contains(said) && error.message.contains("Things"), "{said}: {error}");
        assert!(!error.message.contains('\n'));
    }
}

#[tokio::test]
async fn a_record_without_a_version_may_change_again_within_a_second() {
    let server = Server::start(|_| {
        let stamped = |number, at: &str| format!(r#"{{"ID":"{}","modifiedAt":"{at}"}}"#, id(number));
        let stamps = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:08.5Z", "2024-01-01T00:00:09.1234567Z"];
        let all: Vec<String> = (1..).zip(stamps).map(|(number, at)| stamped(number, at)).collect();
        Answer::json(page(&all, ""))
    })
    .await;
    let listed = keys(&server.remote(), view(&versionless())).await.unwrap();
    assert_eq!(listed.iter().map(|key| key.fresh).collect::<Vec<_>>(), [false, true, true]);
}

#[tokio::test]
async fn a_failed_login_names_the_request_and_no_secret() {
    let server = Server::start(|_| Answer::status(401).body("s3cret-pass is wrong")).await;
    let error = server.remote().count(view(&thing())).await.unwrap_err();
    assert_eq!(error.scope, Scope::Run);
    assert!(error.message.starts_with("failed to log in"), "{error}");
    assert!(!error.message.contains("s3cret-pass"), "{error}");
    let settings = Settings::new("http://127.0.0.1:9/odata".parse().unwrap());
    let nobody = Odata::new(settings.patience(Duration::from_secs(1), Duration::ZERO)).unwrap();
    assert_eq!(nobody.connect().await.unwrap_err().scope, Scope::Run);
}
