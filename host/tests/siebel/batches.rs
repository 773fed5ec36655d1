//! Several records at once: fewer requests, and each record's answer as it would be by itself.

use super::{DONE, SUBJECT, Server, activity, start, text, token, view};
use crm::{Action, Fault};
use host::ports::{Remote, RemoteDelete, RemoteUpdate, WriteError};
use host::remote::siebel::Siebel;
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::{Object, UserKey};
use sync_core::value::{Row, Value};

/// A server with so many activities, and what is known of them.
async fn activities(count: usize) -> (Server, Siebel, Object, Vec<(RemoteId, RemoteToken)>) {
    let (server, siebel) = start().await;
    let object = activity();
    let mut known = Vec::new();
    for number in 0..count {
        let id = server.store().insert("Action", &[("Description", &format!("Call {number}"))]).unwrap();
        let id = RemoteId(id);
        known.push((id.clone(), token(&siebel, &object, &id).await));
    }
    (server, siebel, object, known)
}

fn key(subject: &str) -> UserKey {
    UserKey { parts: vec![(SUBJECT, text(subject))] }
}

fn new(subject: &str) -> Row {
    vec![text(subject), Value::Null, Value::Boolean(false), Value::Null]
}

#[tokio::test]
async fn keys_are_looked_up_in_one_query_and_each_gets_its_own_records() {
    let (server, siebel, object, known) = activities(3).await;
    let twin = server.store().insert("Action", &[("Description", "Call 1")]).unwrap();
    let before = siebel.requests(&object.name).query;
    let keys = [key("Call 2"), key("O'Hara * ?"), key("Call 1")];
    let found = siebel.find_all(&object, &keys.iter().collect::<Vec<_>>()).await;
    let mut ids: Vec<Vec<String>> = found
        .into_iter()
        .map(|found| found.unwrap().into_iter().map(|record| record.key.id.0).collect())
        .collect();
    ids.iter_mut().for_each(|ids| ids.sort());
    let mut twins = vec![known[1].0.0.clone(), twin];
    twins.sort();
    assert_eq!(ids, [vec![known[2].0.0.clone()], vec![], twins]);
    assert_eq!(siebel.requests(&object.name).query - before, 1);
}

#[tokio::test]
async fn keys_that_are_too_long_for_one_address_are_looked_up_in_several() {
    let (server, siebel, object, _) = activities(0).await;
    let subjects: Vec<String> = (0..64).map(|number| format!("{number} {}", "Call ".repeat(40))).collect();
    let subjects: Vec<&str> = subjects.iter().map(|subject| subject.trim()).collect();
    for subject in &subjects {
        server.store().insert("Action", &[("Description", subject)]).unwrap();
    }
    let keys: Vec<UserKey> = subjects.iter().map(|subject| key(subject)).collect();
    let found = siebel.find_all(&object, &keys.iter().collect::<Vec<_>>()).await;
    for (found, subject) in found.into_iter().zip(subjects) {
        let rows: Vec<Value> = found.unwrap().into_iter().map(|record| record.row[SUBJECT].clone()).collect();
        assert_eq!(rows, [text(subject)]);
    }
    assert_eq!(siebel.requests(&object.name).query, 4);
}

#[tokio::test]
async fn keys_that_a_server_may_take_for_one_another_are_looked_up_one_by_one() {
    let (_server, siebel, object, known) = activities(1).await;
    let keys = [key("CALL 0"), key("Call 0")];
    let found = siebel.find_all(&object, &keys.iter().collect::<Vec<_>>()).await;
    let found: Vec<usize> = found.into_iter().map(|found| found.unwrap().len()).collect();
    assert_eq!(found, [0, 1]);
    assert_eq!(siebel.requests(&object.name).query, 2, "{known:?}");
}

#[tokio::test]
async fn a_query_for_several_keys_that_fails_is_made_for_each() {
    let (server, siebel, object, known) = activities(2).await;
    server.fault(Fault::new("GET", "", Action::Status(500, r#"{"ERROR":"SBL-DAT-1: too long"}"#.into())));
    let keys = [key("Call 0"), key("Call 1")];
    let found = siebel.find_all(&object, &keys.iter().collect::<Vec<_>>()).await;
    for (found, (id, _)) in found.into_iter().zip(&known) {
        assert_eq!(found.unwrap()[0].key.id, *id);
    }
}

#[tokio::test]
async fn one_refused_insert_is_no_other_records_affair() {
    let (server, siebel, object, _) = activities(0).await;
    server.fault(Fault::new("POST", "", Action::Status(406, r#"{"ERROR":"SBL-DAT-2: no"}"#.into())).skip(1));
    let subjects = ["One", "Two", "Three"];
    let rows = subjects.map(new);
    let written = siebel.insert_all(&object, &rows.iter().collect::<Vec<_>>()).await;
    let mut refused = 0;
    for (written, subject) in written.iter().zip(subjects) {
        match written {
            Ok(written) => {
                assert_eq!(written.row.as_ref().unwrap()[SUBJECT], text(subject));
                assert_eq!(server.store().get("Action", &written.id.0).unwrap()["Description"], subject);
            }
            Err(WriteError::Refused { code, .. }) if code == "SBL-DAT-2" => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(refused, 1);
    let requests = siebel.requests(&object.name);
    assert_eq!((requests.write, requests.query), (3, 1));
}

#[tokio::test]
async fn of_several_updates_each_is_guarded_by_itself() {
    let (server, siebel, object, known) = activities(4).await;
    server.store().update("Action", &known[1].0.0, &[("Description", "Moved")]).unwrap();
    server.store().delete("Action", &known[2].0.0).unwrap();
    let before = siebel.requests(&object.name);
    let changes = [(SUBJECT, text("Ours"))];
    let updates: Vec<RemoteUpdate<'_>> =
        known.iter().map(|(id, expected)| RemoteUpdate { id, expected, changes: &changes }).collect();
    let written = siebel.update_all(&object, &updates).await;
    assert!(written[0].is_ok() && written[3].is_ok(), "{written:?}");
    assert_eq!(written[1], Err(WriteError::Moved));
    assert_eq!(written[2], Err(WriteError::Gone));
    let subject = |index: usize| {
        let record = server.store().get("Action", &known[index].0.0)?;
        Some(record["Description"].clone())
    };
    assert_eq!(
        [0, 1, 2, 3].map(subject),
        [Some("Ours"), Some("Moved"), None, Some("Ours")].map(|it| it.map(str::to_owned))
    );
    let requests = siebel.requests(&object.name);
    // Before the write and after it; and before it once more of the one that is gone.
    assert_eq!((requests.write - before.write, requests.query - before.query), (2, 3));
}

#[tokio::test]
async fn of_several_deletes_each_is_guarded_by_itself() {
    let (server, siebel, object, known) = activities(3).await;
    server.store().update("Action", &known[0].0.0, &[("Description", "Moved")]).unwrap();
    server.store().delete("Action", &known[1].0.0).unwrap();
    let deletes: Vec<RemoteDelete<'_>> =
        known.iter().map(|(id, expected)| RemoteDelete { id, expected }).collect();
    let deleted = siebel.delete_all(&object, &deletes).await;
    assert_eq!(deleted, [Err(WriteError::Moved), Ok(()), Ok(())]);
    assert!(server.store().get("Action", &known[0].0.0).is_some());
    assert!(server.store().get("Action", &known[2].0.0).is_none());
    let requests = siebel.requests(&object.name);
    // Of the one that is gone once more.
    assert_eq!((requests.write, requests.query), (1, 2));
}

/// The server gives no more than 20 records a page, whatever it is asked for; it tells how many there are, or does not.
fn give_small_pages(server: &Server, with_total: bool) {
    server.clear_faults();
    server.fault(Fault::new("GET", "PageSize", Action::SmallPage(20)).always());
    if !with_total {
        server.fault(Fault::new("GET", "PageSize", Action::NoTotal).always());
    }
}

#[tokio::test]
async fn a_key_that_a_short_page_leaves_out_is_not_free() {
    let (server, siebel, object, _) = activities(25).await;
    server.store().insert("Action", &[("Description", "Call 3")]).unwrap();
    let subjects: Vec<String> = (0..26).map(|number| format!("Call {number}")).collect();
    let keys: Vec<UserKey> = subjects.iter().map(|subject| key(subject)).collect();
    let keys: Vec<&UserKey> = keys.iter().collect();
    for with_total in [true, false] {
        give_small_pages(&server, with_total);
        let found = siebel.find_all(&object, &keys).await;
        let found: Vec<usize> = found.into_iter().map(|found| found.unwrap().len()).collect();
        let expected = (0..26).map(|number| if number == 3 { 2 } else { usize::from(number < 25) });
        assert_eq!(found, expected.collect::<Vec<_>>(), "{with_total}");
    }
}

#[tokio::test]
async fn that_no_key_is_taken_is_one_query_on_any_server() {
    let (server, siebel, object, _) = activities(3).await;
    give_small_pages(&server, false);
    let before = siebel.requests(&object.name).query;
    let keys = [key("One"), key("Two"), key("Three")];
    let found = siebel.find_all(&object, &keys.iter().collect::<Vec<_>>()).await;
    assert!(found.into_iter().all(|found| found.unwrap().is_empty()));
    assert_eq!(siebel.requests(&object.name).query - before, 1);
}

#[tokio::test]
async fn a_record_that_a_short_page_leaves_out_is_not_gone() {
    let (server, siebel, object, known) = activities(45).await;
    give_small_pages(&server, false);
    let ids: Vec<RemoteId> = known.iter().map(|(id, _)| id.clone()).collect();
    let before = siebel.requests(&object.name);
    assert_eq!(siebel.details(&object, &ids).await.unwrap().len(), 45);
    assert_eq!(siebel.requests(&object.name).details - before.details, 3);
    assert_eq!(siebel.in_view(view(&object), &ids).await.unwrap().unwrap().len(), 45);
    let changes = [(DONE, Value::Boolean(true))];
    let updates: Vec<RemoteUpdate<'_>> =
        known.iter().map(|(id, expected)| RemoteUpdate { id, expected, changes: &changes }).collect();
    let written = siebel.update_all(&object, &updates).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let tokens: Vec<RemoteToken> = written.into_iter().map(|written| written.unwrap().token).collect();
    let deletes: Vec<RemoteDelete<'_>> =
        ids.iter().zip(&tokens).map(|(id, expected)| RemoteDelete { id, expected }).collect();
    assert_eq!(siebel.delete_all(&object, &deletes).await, vec![Ok(()); 45]);
    assert_eq!(server.store().count("Action"), 0);
}
