//! Listings of several pages, some of them asked for at once.

use super::{activity, keys, start, view};
use crm::{Action, Change, Fault, Server};
use futures_util::TryStreamExt;
use host::ports::{Feed, Mark, Remote, Stretch, View};
use host::remote::siebel::Siebel;
use std::collections::BTreeSet;
use sync_core::change_key::RemoteId;
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

#[tokio::test]
async fn a_short_page_is_the_end_only_where_nothing_is_left() {
    let all: [Option<Action>; 2] = [None, Some(Action::NoTotal)];
    for (count, hide) in
        [0, 19, 20, 21, 120, 250].into_iter().flat_map(|count| all.clone().map(|it| (count, it)))
    {
        let (server, siebel, ids) = calls(count).await;
        let object = activity();
        server.fault(Fault::new("GET", "", Action::SmallPage(20)).always());
        let is_told = hide.is_none();
        hide.into_iter().for_each(|hide| server.fault(Fault::new("GET", "", hide).always()));
        siebel.count(view(&object)).await.unwrap();
        let listed = keys(&siebel, view(&object)).await.unwrap();
        let listed: Vec<&str> = listed.iter().map(|key| key.id.0.as_str()).collect();
        assert_eq!(listed, ids.iter().map(String::as_str).collect::<Vec<_>>(), "{count}, {is_told}");
        let requests = siebel.requests(&object.name).keys as usize;
        // Windows are of no use then, and are asked for once.
        assert!(requests <= count.div_ceil(20) + 4, "{requests} requests for {count} records, {is_told}");
        assert_eq!(changed(&siebel, &object).await, ids, "{count}, {is_told}");
        let listed = siebel.ids_each(view(&object), &[Stretch::default()]).await.unwrap();
        assert_eq!(listed[0].len(), count);
    }
}

#[tokio::test]
async fn records_that_come_while_short_pages_are_read_hide_no_others() {
    let (server, siebel, ids) = calls(60).await;
    let object = activity();
    siebel.count(view(&object)).await.unwrap();
    server.fault(Fault::new("GET", "", Action::SmallPage(20)).always());
    let insert = Change::insert("Action", &[("Description", "Another")]);
    server.fault(Fault::new("GET", "[Id] >", Action::Before(insert)).times(2));
    let listed = keys(&siebel, view(&object)).await.unwrap();
    let listed: BTreeSet<&str> = listed.iter().map(|key| key.id.0.as_str()).collect();
    assert!(ids.iter().all(|id| listed.contains(id.as_str())));
    assert_eq!(listed.len(), 62);
}

#[tokio::test]
async fn a_whole_listing_without_a_total_ends_with_one_more_request() {
    let (server, siebel, _) = calls(150).await;
    let object = activity();
    server.fault(Fault::new("GET", "", Action::NoTotal).always());
    siebel.count(view(&object)).await.unwrap();
    assert_eq!(keys(&siebel, view(&object)).await.unwrap().len(), 150);
    assert_eq!(siebel.requests(&object.name).keys, 3);
}

#[tokio::test]
async fn a_stretch_of_a_listing_is_one_request() {
    let (_server, siebel, ids) = calls(150).await;
    let object = activity();
    let middle = RemoteId(ids[99].clone());
    let stretches =
        [Stretch { after: None, through: Some(&middle) }, Stretch { after: Some(&middle), through: None }];
    let listed = siebel.ids_each(view(&object), &stretches).await.unwrap();
    assert_eq!([listed[0].len(), listed[1].len()], [100, 50]);
    // A full page does not tell that it is the last.
    assert_eq!(siebel.requests(&object.name).keys, 3);
}
