//! Several requests in one: what goes into a batch, what comes back of each, and servers that have none.

use crate::server::{Answer, Asked, Server, batch, inside, requests};
use crate::*;
use host::ports::{RemoteDelete, RemoteUpdate, WriteError};
use host::remote::odata::Odata;
use std::sync::{Arc, Mutex};
use sync_core::object::UserKey;
use sync_core::value::Row;

fn key(number: u32) -> UserKey {
    UserKey { parts: vec![(0, text(&format!("n{number}")))] }
}

fn row(number: u32) -> Row {
    vec![text(&format!("n{number}")), Value::Null]
}

/// The number in a name such as `n7`.
fn number(asked: &Asked) -> u32 {
    let text = if asked.body.is_empty() { &asked.query } else { &asked.body };
    text.split(['\'', '"']).find_map(|part| part.strip_prefix('n')?.parse().ok()).unwrap_or_default()
}

/// The number in a key, `Things(…)`.
fn keyed(asked: &Asked) -> u32 {
    asked.path.trim_end_matches(')').rsplit('-').next().unwrap().parse().unwrap()
}

/// Looks so many keys up, of which the server has none.
async fn look_up(odata: &Odata, count: u32) {
    let keys: Vec<UserKey> = (0..count).map(key).collect();
    let found = odata.find_all(&thing(), &keys.iter().collect::<Vec<_>>()).await;
    assert_eq!(found.len(), count as usize);
    assert!(found.iter().all(|it| it.as_ref().is_ok_and(Vec::is_empty)), "{found:?}");
}

async fn insert(odata: &Odata, count: u32) -> Vec<Result<host::ports::Written, WriteError>> {
    let rows: Vec<Row> = (0..count).map(row).collect();
    odata.insert_all(&thing(), &rows.iter().collect::<Vec<_>>()).await
}

/// Updates of the records with these numbers, each of which has the version of its number.
async fn update(
    odata: &Odata,
    object: &Object,
    numbers: &[u32],
) -> Vec<Result<host::ports::Written, WriteError>> {
    let ids: Vec<RemoteId> = numbers.iter().map(|it| id(*it)).collect();
    let tokens: Vec<RemoteToken> = numbers.iter().map(|it| token(&it.to_string())).collect();
    let changes = [(0, text("Ours"))];
    let updates: Vec<RemoteUpdate<'_>> = ids
        .iter()
        .zip(&tokens)
        .map(|(id, expected)| RemoteUpdate { id, expected, changes: &changes })
        .collect();
    odata.update_all(object, &updates).await
}

/// A server that takes batches and answers each request in them, and those that come alone, by `inner`.
async fn batching(mut inner: impl FnMut(&Asked) -> Option<Answer> + Send + 'static) -> Server {
    Server::start(move |asked| match asked.path.as_str() {
        "$batch" => batch(asked, &mut inner),
        _ => inner(asked).unwrap(),
    })
    .await
}

/// Nothing is found, whatever is looked up.
fn nothing(asked: &Asked) -> Option<Answer> {
    (asked.method == "GET").then(|| Answer::json(page(&[], "")))
}

fn paths(server: &Server) -> Vec<String> {
    server.asked().into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
}

#[tokio::test]
async fn many_new_records_take_two_requests() {
    let server = batching(|asked| {
        assert!(asked.header("authorization").is_none(), "the login goes with the batch alone");
        if let Some(answer) = nothing(asked) {
            assert!(asked.query.starts_with("$select=ID,modifiedAt,name,amount&$filter=name eq 'n"));
            return Some(answer);
        }
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "Things"));
        assert_eq!(asked.header("prefer"), Some("return=representation"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("if-match"), None);
        let number = number(asked);
        Some(Answer::json(record(number, &number.to_string(), &format!("n{number}"))))
    })
    .await;
    let odata = server.remote();
    assert_eq!(odata.capabilities().write_batch, 8, "nobody knows yet whether there are batches");
    look_up(&odata, 8).await;
    assert_eq!(odata.capabilities().write_batch, 32);
    let written = insert(&odata, 32).await;
    for (number, written) in (0..).zip(written) {
        let written = written.unwrap();
        assert_eq!((written.id, written.token), (id(number), token(&number.to_string())), "each its own");
        assert_eq!(written.row, Some(row(number)));
    }
    assert_eq!(paths(&server), ["POST $batch", "POST $batch"]);
    let count = odata.requests(&thing().name);
    assert_eq!((count.query, count.write), (1, 1));
    for asked in server.asked() {
        assert_eq!(asked.header("prefer"), Some("odata.continue-on-error"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        for request in requests(&asked) {
            assert!(request.get("atomicityGroup").is_none(), "each is on its own");
            let names = request["headers"].as_object().unwrap().keys();
            assert!(names.into_iter().all(|name| *name == name.to_lowercase()));
        }
    }
}

#[tokio::test]
async fn a_server_without_batches_is_asked_once() {
    let multipart = Answer::status(200).body("--b\r\n\r\n--b--").header("content-type", "multipart/mixed");
    let refusals =
        [400, 403, 404, 405, 406, 415, 500, 501].map(|status| Answer::error(status, "", "no batches"));
    for refusal in refusals.into_iter().chain([multipart, Answer::json("{}")]) {
        let told = refusal.clone();
        let server = Server::start(move |asked| match (asked.path.as_str(), asked.method.as_str()) {
            ("$batch", _) => told.clone(),
            (_, "GET") => nothing(asked).unwrap(),
            _ => Answer::json(record(number(asked), "1", "x")),
        })
        .await;
        let odata = server.remote();
        look_up(&odata, 8).await;
        look_up(&odata, 8).await;
        assert!(insert(&odata, 8).await.iter().all(Result::is_ok), "{refusal:?}");
        assert_eq!(odata.capabilities().write_batch, 8);
        let asked = server.asked();
        let batches = asked.iter().filter(|asked| asked.path == "$batch");
        // A 500 may pass, and is read again.
        assert!(batches.count() <= 3 && asked.len() <= 24 + 3, "{refusal:?}");
    }
}

#[tokio::test]
async fn every_update_and_delete_of_a_batch_has_its_own_condition() {
    let server = batching(|asked| match asked.method.as_str() {
        "GET" => nothing(asked),
        method => {
            let number = keyed(asked);
            assert_eq!(asked.header("if-match"), Some(format!("W/\"{number}\"").as_str()));
            Some(match method {
                "PATCH" => Answer::json(record(number, &format!("{number}+"), "Ours")),
                "DELETE" => Answer::status(204),
                other => panic!("{other}"),
            })
        }
    })
    .await;
    let (odata, object) = (server.remote(), thing());
    // Two are not worth a question.
    assert!(update(&odata, &object, &[1, 2]).await.iter().all(Result::is_ok));
    assert!(paths(&server).iter().all(|path| path.starts_with("PATCH Things(")));
    server.asked();
    for (number, written) in (1..).zip(update(&odata, &object, &[1, 2, 3, 4]).await) {
        assert_eq!(written.unwrap().token, token(&format!("{number}+")));
    }
    // Whether there are batches is found out with a read.
    let asked = server.asked().split_off(2);
    assert_eq!(asked.len(), 2);
    let read = inside(&requests(&asked[0])[0]);
    assert_eq!((read.method.as_str(), read.query.as_str()), ("GET", "$select=ID&$top=1"));
    let ids: Vec<RemoteId> = (1..=3).map(id).collect();
    let tokens: Vec<RemoteToken> = (1..=3).map(|it| token(&it.to_string())).collect();
    let deletes: Vec<RemoteDelete<'_>> =
        ids.iter().zip(&tokens).map(|(id, expected)| RemoteDelete { id, expected }).collect();
    assert_eq!(odata.delete_all(&object, &deletes).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn each_answer_is_judged_as_if_it_had_come_alone() {
    let mut put_off = true;
    let server = batching(move |asked| match (asked.method.as_str(), asked.path.contains('(')) {
        ("GET", true) => Some(match keyed(asked) {
            2 => Answer::json(record(2, "9", "Theirs")),
            5 => Answer::json(record(5, "5", "Old")),
            6 => Answer::json(record(6, "6", "Old")),
            _ => Answer::error(404, "", "Not Found"),
        }),
        ("GET", false) => nothing(asked),
        _ => Some(match keyed(asked) {
            1 => Answer::json(record(1, "10", "Ours")),
            2 | 3 => Answer::error(412, "412", "Precondition Failed"),
            4 => Answer::error(400, "TOO_LONG", "Too long"),
            5 => Answer::error(500, "SQL", "locked"),
            6 => Answer::error(503, "", "busy"),
            7 if std::mem::take(&mut put_off) => Answer::error(429, "", "later").header("retry-after", "0"),
            7 => Answer::json(record(7, "10", "Ours")),
            other => panic!("{other}"),
        }),
    })
    .await;
    let odata = server.remote();
    look_up(&odata, 2).await;
    let results = update(&odata, &thing(), &[1, 2, 3, 4, 5, 6, 7]).await;
    let refused =
        |code: &str, message: &str| Err(WriteError::Refused { code: code.into(), message: message.into() });
    assert_eq!(results[0].as_ref().unwrap().token, token("10"));
    assert_eq!(results[1], Err(WriteError::Moved));
    assert_eq!(results[2], Err(WriteError::Gone));
    assert_eq!(results[3], refused("TOO_LONG", "Too long"));
    assert_eq!(results[4], refused("SQL", "locked"), "the record is as it was");
    let unknown = matches!(results[5], Err(WriteError::FateUnknown { may_still_run: false, .. }));
    assert!(unknown, "{:?}", results[5]);
    assert!(results[6].is_ok(), "what was put off is sent again, alone: {:?}", results[6]);
    let writes: Vec<String> = paths(&server).into_iter().filter(|path| !path.starts_with("GET")).collect();
    assert_eq!(writes, ["POST $batch".to_owned(), "POST $batch".into(), format!("PATCH Things({})", id(7))]);
}

#[tokio::test]
async fn what_a_batch_says_nothing_of_is_in_doubt() {
    let done = Arc::new(Mutex::new(false));
    let is_done = done.clone();
    let server = batching(move |asked| match (asked.method.as_str(), asked.path.contains('(')) {
        ("GET", false) => nothing(asked),
        ("POST", _) => Some(number(asked))
            .filter(|number| *number != 1)
            .map(|number| Answer::json(record(number, "1", &format!("n{number}")))),
        ("GET", true) if *is_done.lock().unwrap() => Some(Answer::json(record(2, "3", "Ours"))),
        ("GET", true) => Some(Answer::json(record(2, "2", "Old"))),
        _ => match keyed(asked) {
            2 if asked.header("host").is_none() => None,
            number => Some(Answer::json(record(number, "9", "Ours"))),
        },
    })
    .await;
    let odata = server.remote();
    look_up(&odata, 2).await;
    let written = insert(&odata, 3).await;
    assert!(written[0].is_ok() && written[2].is_ok());
    match &written[1] {
        Err(WriteError::FateUnknown { message, may_still_run: false }) => {
            assert!(message.contains("POST /odata/Things for `thing`"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // An update is looked up: it is sent alone where it was not carried out, and counts where it was.
    for (was_done, alone) in [(false, 1), (true, 0)] {
        *done.lock().unwrap() = was_done;
        let before = server.asked().len();
        let results = update(&odata, &thing(), &[1, 2, 3]).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let asked = server.asked().split_off(before);
        let sent_alone: Vec<&Asked> = asked.iter().filter(|asked| asked.method == "PATCH").collect();
        assert_eq!(sent_alone.len(), alone);
        assert!(sent_alone.iter().all(|asked| asked.header("if-match") == Some("W/\"2\"")));
    }
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_in_doubt_as_a_whole_and_is_not_repeated() {
    for (status, may_still_run) in [(502, false), (504, true), (400, false), (500, false), (200, true)] {
        let server = Server::start(move |asked| match asked.path.as_str() {
            "$batch" if asked.body.contains("\"POST\"") => {
                Answer::status(status).body("{\"responses\":[{\"id\"")
            }
            "$batch" => batch(asked, nothing),
            _ => panic!("{asked:?}"),
        })
        .await;
        let odata = server.remote();
        look_up(&odata, 3).await;
        for written in insert(&odata, 3).await {
            match written {
                Err(WriteError::FateUnknown { may_still_run: may, .. }) => assert_eq!(may, may_still_run),
                other => panic!("{status}: {other:?}"),
            }
        }
        assert_eq!(paths(&server), ["POST $batch", "POST $batch"], "{status}");
        assert_eq!(odata.capabilities().write_batch, 8, "from now on each record is at its own risk");
    }
    // Turned away before anything was carried out.
    let server = Server::start(move |asked| match asked.path.as_str() {
        "$batch" if asked.body.contains("\"POST\"") => Answer::status(413),
        "$batch" => batch(asked, nothing),
        _ => Answer::json(record(number(asked), "1", "x")),
    })
    .await;
    let odata = server.remote();
    look_up(&odata, 3).await;
    assert!(insert(&odata, 3).await.iter().all(Result::is_ok));
    assert_eq!(paths(&server)[1..], ["POST $batch", "POST Things", "POST Things", "POST Things"]);
}

#[tokio::test]
async fn a_read_that_a_batch_does_not_answer_is_asked_alone() {
    let server = batching(|asked| match (number(asked), asked.header("host").is_some()) {
        (_, true) => nothing(asked),
        (1, _) => None,
        (2, _) => Some(Answer::error(503, "", "busy")),
        (3, _) => Some(Answer::error(400, "", "no such property")),
        _ => Some(Answer::json(page(&[record(4, "1", "n4"), record(5, "1", "n4")], ""))),
    })
    .await;
    let odata = server.remote();
    let keys: Vec<UserKey> = (1..=4).map(key).collect();
    let found = odata.find_all(&thing(), &keys.iter().collect::<Vec<_>>()).await;
    assert_eq!((found[0].as_ref().unwrap().len(), found[1].as_ref().unwrap().len()), (0, 0));
    assert!(found[2].as_ref().unwrap_err().message.contains("no such property"));
    assert_eq!(found[3].as_ref().unwrap().len(), 2);
    assert_eq!(paths(&server), ["POST $batch", "GET Things", "GET Things"]);
}

#[tokio::test]
async fn records_without_etags_are_written_one_by_one_right_after_they_are_read() {
    let plain = |number: u32, stamp: &str| {
        format!(r#"{{"ID":"{}","modifiedAt":"{stamp}","name":"Ours","amount":null}}"#, id(number))
    };
    let server = Server::start(move |asked| match asked.method.as_str() {
        "GET" => Answer::json(plain(keyed(asked), "2024-01-01T00:00:00Z")),
        "PATCH" => Answer::status(204),
        other => panic!("{other} {}", asked.path),
    })
    .await;
    let results = update(&server.remote(), &versionless(), &[1, 2, 3]).await;
    assert_eq!(results.len(), 3);
    assert_eq!(paths(&server).iter().filter(|path| path.starts_with("PATCH")).count(), 0, "another token");
    assert!(results.iter().all(|it| *it == Err(WriteError::Moved)), "{results:?}");
}

#[tokio::test]
async fn a_batch_brings_the_token_against_forged_requests_and_stays_small() {
    let server = Server::start(|asked| {
        if asked.header("x-csrf-token") != Some("t1") {
            return Answer::status(403)
                .header("x-csrf-token", "Required")
                .body("CSRF token validation failed");
        }
        assert!(asked.body.len() < 100_000, "{}", asked.body.len());
        batch(asked, |inner| {
            assert!(inner.header("x-csrf-token").is_none());
            nothing(inner).or_else(|| Some(Answer::json(record(1, "1", "x"))))
        })
    })
    .await;
    let odata = server.remote();
    look_up(&odata, 3).await;
    assert_eq!(paths(&server), ["POST $batch", "POST $batch"]);
    let long = vec![text(&"x".repeat(20_000)), Value::Null];
    let written = odata.insert_all(&thing(), &[&long; 8]).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(server.asked().len(), 2 + 3, "three of that size go together");
}
