//! The Tryton adapter against a small server that limits what one answer holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use axum::Router;
use axum::routing::post;
use futures_util::TryStreamExt;
use host::ports::{Remote, View, WriteError};
use host::remote::Settings;
use host::remote::tryton::Tryton;
use serde_json::{Value as Json, json};
use sync_core::change_key::RemoteId;
use sync_core::object::{Descriptor, Field, Object, Resource, Traits};
use sync_core::value::{Kind, Value};

/// Records that an answer has at most.
const LIMIT: usize = 100;

fn party() -> Object {
    let field = Field { name: "name".into(), kind: Kind::Text(100), traits: Traits::default() };
    let resource = Resource {
        path: "party.party".into(),
        id: "id".into(),
        updated: "_timestamp".into(),
        version: None,
        created: None,
    };
    let user_keys = vec![vec!["name".into()]];
    let (local, remote) = (vec![field.clone()], vec![field]);
    Descriptor { name: "party".into(), mapping_version: 1, local, remote, resource, user_keys }
        .try_into()
        .unwrap()
}

/// The adapter for a server whose methods are answered like this.
async fn tryton(answer: impl Fn(&str, &[Json]) -> Json + Clone + Send + Sync + 'static) -> Tryton {
    let serve = async move |body: String| {
        let asked: Json = serde_json::from_str(&body).unwrap();
        let method = asked["method"].as_str().unwrap();
        let result = match method.rsplit_once('.').unwrap().1 {
            "login" => json!([1, "key", null]),
            "get_preferences" => json!({}),
            method => answer(method, asked["params"].as_array().unwrap()),
        };
        json!({ "id": 1, "result": result }).to_string()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/crm/", listener.local_addr().unwrap());
    let routes = Router::new().route("/crm/rpc/", post(serve));
    tokio::spawn(axum::serve(listener, routes).into_future());
    Tryton::new(Settings::new(url.parse().unwrap()).basic("admin", "admin")).unwrap()
}

/// A server with so many parties.
async fn parties(count: i64) -> Tryton {
    tryton(move |method, params| {
        if method == "search_count" {
            return json!(count);
        }
        let condition = params[0].as_array().unwrap().get(1);
        let is_found = |id: i64| match condition.map(|it| (it[1].as_str().unwrap(), &it[2])) {
            Some((">", after)) => id > after.as_i64().unwrap(),
            Some((_, ids)) => ids.as_array().unwrap().contains(&json!(id)),
            None => true,
        };
        let found = (1..=count).filter(|id| is_found(*id)).take(LIMIT);
        found.map(|id| json!({ "id": id, "_timestamp": "1.5", "name": format!("n{id}") })).collect()
    })
    .await
}

#[tokio::test]
async fn a_short_page_is_the_end_only_where_nothing_is_left() {
    let object = party();
    let view = View { object: &object, filter: None };
    for (count, counts, expected) in [(250, true, 4), (250, false, 4), (90, true, 1), (90, false, 2)] {
        let tryton = parties(count).await;
        if counts {
            assert_eq!(tryton.count(view).await.unwrap(), Some(count as u64));
        }
        let keys: Vec<_> = tryton.change_keys(view).try_concat().await.unwrap();
        assert_eq!(keys.len(), count as usize);
        assert_eq!(tryton.requests(&object.name).keys, expected, "{count}, {counts}");
    }
}

#[tokio::test]
async fn a_record_that_a_short_answer_leaves_out_is_not_gone() {
    let (object, tryton) = (party(), parties(250).await);
    let ids: Vec<RemoteId> = (1..=251).map(|id: i64| RemoteId(id.to_string())).collect();
    assert_eq!(tryton.details(&object, &ids).await.unwrap().len(), 250);
    let view = View { object: &object, filter: None };
    assert_eq!(tryton.in_view(view, &ids).await.unwrap().unwrap().len(), 250);
}

#[tokio::test]
async fn a_new_record_without_a_name_is_not_one_that_may_be_sent_again() {
    for answer in [json!([]), json!({ "odd": true })] {
        let tryton = tryton(move |_, _| answer.clone()).await;
        let inserted = tryton.insert(&party(), &vec![Value::Text("Acme".into())]).await;
        let done = matches!(inserted, Err(WriteError::FateUnknown { may_still_run: true, .. }));
        assert!(done, "{inserted:?}");
    }
}
