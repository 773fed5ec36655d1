//! Listings of several pages, some of them asked for at once.

use super::{activity, keys, start, view};
use crm::{Action, Change, Fault, Server};
use futures_util::TryStreamExt;
use host::ports::{Feed, Mark, Remote, View};
use host::remote::siebel::Siebel;
use std::collections::BTreeSet;
use sync_core::object::Object;
use sync_core::value::Value;

/// A server with so many activities, and their ids.
async fn calls(count: usize) -> (Server, Siebel, Vec<String>) {
    let (server, siebel) = start().await;
    let insert = |n| server.store().insert("Action", &[("Description", &*format!("Call {n}"))]).unwrap();
    let ids = (0..count).map(insert).collect();
    (server, siebel, ids)
}

#[tokio::test]
async fn pages_at_once_list_each_record_once_and_ask_for_no_more_than_there_are() {
    for count in [0, 1, 99, 100, 101, 198, 199, 250, 1_000] {
        let (_server, siebel, _) = calls(count).await;
        let object = activity();
        siebel.count(view(&object)).await.unwrap();
        let listed = keys(&siebel, view(&object)).await.unwrap();
        let ids: BTreeSet<&str> = listed.iter().map(|key| key.id.0.as_str()).collect();
        assert_eq!((listed.len(), ids.len()), (count, count));
        let requests = siebel.requests(&object.name).keys as usize;
        assert!(requests <= count / 99 + 2, "{requests} requests for {count} records");
    }
}

#[tokio::test]
async fn records_that_go_while_pages_are_read_hide_no_others() {
    for skip in 0..4 {
        let (server, siebel, ids) = calls(600).await;
        let object = activity();
        siebel.count(view(&object)).await.unwrap();
        let delete = Change::delete("Action", &ids[3]);
        server.fault(Fault::new("GET", "StartRowNum", Action::Before(delete)).skip(skip));
        let listed = keys(&siebel, view(&object)).await.unwrap();
        let listed: Vec<&str> = listed.iter().map(|key| key.id.0.as_str()).collect();
        let others: Vec<&str> = listed.iter().filter(|id| **id != ids[3]).copied().collect();
        let expected: BTreeSet<&str> = ids.iter().map(String::as_str).filter(|id| *id != ids[3]).collect();
        assert_eq!(others.len(), expected.len(), "each once, the delete before window {skip}");
        assert_eq!(others.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

/// What was stamped since long ago: all of them.
async fn changed(siebel: &Siebel, object: &Object) -> Vec<String> {
    match siebel.changes(view(object), &Mark("01/01/2001 00:00:00".to_owned())).await.unwrap() {
        Feed::Changes(changes) => changes.changed.into_iter().map(|key| key.id.0).collect(),
        Feed::Expired => panic!("it is a time"),
    }
}

#[tokio::test]
async fn changes_of_many_pages_are_read_several_at_once_each_record_once() {
    for count in [0, 1, 99, 100, 101, 250, 1_000] {
        let (server, siebel, _) = calls(count).await;
        let object = activity();
        let ids = changed(&siebel, &object).await;
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (count, count));
        let requests = siebel.requests(&object.name).keys as usize;
        assert!(requests <= count / 99 + 2, "{requests} requests for {count} records");
        let windows = server.requests().iter().filter(|it| it.target.contains("StartRowNum")).count();
        assert_eq!(windows > 0, count > 199, "{windows} windows of {count} records");
    }
}

#[tokio::test]
async fn records_that_go_while_changes_are_read_hide_no_others() {
    for skip in 0..4 {
        let (server, siebel, ids) = calls(600).await;
        let object = activity();
        let delete = Change::delete("Action", &ids[3]);
        server.fault(Fault::new("GET", "StartRowNum", Action::Before(delete)).skip(skip));
        let listed = changed(&siebel, &object).await;
        let listed: Vec<&String> = listed.iter().filter(|id| **id != ids[3]).collect();
        assert_eq!((listed.len(), listed.into_iter().collect::<BTreeSet<_>>().len()), (599, 599));
    }
}

#[tokio::test]
async fn what_is_listed_can_be_read_with_its_content() {
    let (_server, siebel, _) = calls(230).await;
    let object = activity();
    let filtered = View { object: &object, filter: Some("[Description] <> 'Call 7'") };
    siebel.count(filtered).await.unwrap();
    let records = siebel.records(filtered).unwrap().try_concat().await.unwrap();
    let subjects: BTreeSet<String> = records
        .iter()
        .map(|record| match &record.row[super::SUBJECT] {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((records.len(), subjects.len()), (229, 229));
    assert!(!subjects.contains("Call 7"));
    assert_eq!(siebel.requests(&object.name).details, 3);
}
