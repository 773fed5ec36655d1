//! Values, names and places in both directions.

use crate::server::{Server, answer, object, ok, thing};
use futures_util::TryStreamExt;
use host::ports::{Remote, View};
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::UserKey;
use sync_core::value::{Kind, Value};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

const PLAIN: &str = r#"
[list]
path = "/{resource}"
items = "/data"
[get]
path = "/{resource}/{id}"
[insert]
path = "/{resource}"
record = ""
"#;

#[tokio::test]
async fn null_absent_and_odd_values_are_one_fields_affair() {
    let fields = [
        ("name", Kind::Text(99)),
        ("size", Kind::Integer),
        ("price", Kind::Decimal(2)),
        ("done", Kind::Boolean),
        ("tags", Kind::Choices),
        ("owner", Kind::Reference("thing".into())),
        ("items", Kind::Text(9)),
    ];
    let thing = thing(None, &fields);
    let body = r#"{"id":7,"updated":1700000000.5,"deleted":false,"name":null,"size":"x","price":0.1,"done":1,
                   "tags":["b",2,null,"a"],"owner":12,"more":{"items":[1]}}"#;
    let server = Server::start(move |_| ok(body)).await;
    let (id, gone) = (RemoteId("7".into()), RemoteId("8".into()));
    let found = server.rest(PLAIN).details(&thing, &[id.clone(), gone]).await.unwrap();
    assert_eq!(found.len(), 1, "another record than the one that was asked for is none");
    let (record, absent) = (&found[0], Value::Absent);
    assert_eq!(record.key.token.updated, "1700000000.5");
    let choices = Value::Choices(vec!["2".into(), "a".into(), "b".into()]);
    let mut row = vec![
        Value::Null,
        text("x"),
        Value::Decimal("0.1".into()),
        Value::Boolean(true),
        choices,
        Value::Reference("12".into()),
        absent,
    ];
    assert_eq!(record.row, row);
    let nulls = format!("{PLAIN}\n[record]\nabsent = \"null\"\n");
    row[6] = Value::Null;
    assert_eq!(server.rest(&nulls).details(&thing, &[id]).await.unwrap()[0].row, row);
}

#[tokio::test]
async fn fields_stand_below_or_at_pointers_of_their_own() {
    let fields =
        [("name", Kind::Text(99)), ("/owner/id", Kind::Reference("thing".into())), ("number", Kind::Text(9))];
    let thing = object("a b/things", "/meta/key", "/meta/at", None, &fields);
    let described = r#"
        [list]
        path = "/{resource}"
        query = { properties = "{fields}" }
        items = "/results"
        record = "/it"
        [get]
        path = "/{resource}/{id}"
        query = { properties = "{fields}" }
        record = "/it"
        [insert]
        path = "/{resource}"
        record = "/it"
        [record]
        fields = "/properties"
        deleted = "/meta/gone"
        tick = "0s"
        [values]
        ids = "number"
    "#;
    let record = |key: u32, gone: bool| {
        format!(
            r#"{{"it":{{"meta":{{"key":{key},"at":"s","gone":{gone}}},"owner":{{"id":3}},"properties":{{"name":"A","number":"N"}}}}}}"#
        )
    };
    let all = format!(r#"{{"results":[{},{}]}}"#, record(1, false), record(2, true));
    let server =
        Server::start(move |asked| match asked.target.contains("things/") || asked.method == "POST" {
            true => ok(record(1, false)),
            false => ok(all.clone()),
        })
        .await;
    let rest = server.rest(described);
    let keys: Vec<_> = rest.change_keys(View { object: &thing, filter: None }).try_concat().await.unwrap();
    assert_eq!((keys.len(), keys[0].id.0.as_str()), (1, "1"), "what is deleted is left out");
    let row = vec![text("A"), Value::Reference("3".into()), text("N")];
    assert_eq!(rest.details(&thing, &[RemoteId("1".into())]).await.unwrap()[0].row, row);
    let written = rest.insert(&thing, &row).await.unwrap();
    assert_eq!((written.id.0.as_str(), written.row), ("1", Some(row)));
    assert_eq!(
        server.lines(),
        [
            "GET /api/a%20b/things",
            "GET /api/a%20b/things/1?properties=name%2Cnumber",
            r#"POST /api/a%20b/things {"owner":{"id":3},"properties":{"name":"A"}}"#,
        ]
    );
}

#[tokio::test]
async fn ids_are_encoded_and_none_leads_elsewhere() {
    let server = Server::start(|_| ok("{}")).await;
    let rest = server.rest(&PLAIN.replace("record = \"\"", "record = \"\"\n[delete]\npath = \"/{resource}/{id}\"\n[lock]\nkind = \"if-match\"\nvalue = \"{updated}\""));
    let thing = thing(None, &[("name", Kind::Text(9))]);
    let token = RemoteToken { updated: "s".into(), version: None };
    for id in ["a/b?c#d", "ä %2F", "../x"] {
        rest.delete(&thing, &RemoteId(id.into()), &token).await.unwrap();
    }
    for id in ["..", "."] {
        assert!(rest.delete(&thing, &RemoteId(id.into()), &token).await.is_err());
    }
    assert_eq!(
        server.lines(),
        [
            "DELETE /api/things/a%2Fb%3Fc%23d",
            "DELETE /api/things/%C3%A4%20%252F",
            "DELETE /api/things/..%2Fx",
        ]
    );
}

#[tokio::test]
async fn a_user_key_is_looked_up_as_the_server_wants_it() {
    let thing = thing(None, &[("name", Kind::Text(99)), ("size", Kind::Integer)]);
    let key = UserKey { parts: vec![(0, text(r#"O'Hara & "Co""#)), (1, Value::Integer(5))] };
    for (find, line) in [
        (
            r#"each = { "f[{field}]" = "{value}" }"#,
            r#"GET /api/s?f%5Bname%5D=O%27Hara%20%26%20%22Co%22&f%5Bsize%5D=5"#,
        ),
        (
            r#"each = { "{field}" = "{json}" }"#,
            r#"GET /api/s?name=%22O%27Hara%20%26%20%5C%22Co%5C%22%22&size=5"#,
        ),
        (
            "query = { q = \"({conditions})\" }\ncondition = \"{field} = '{value}'\"\nescape = { \"'\" = \"''\" }",
            r#"GET /api/s?q=%28name%20%3D%20%27O%27%27Hara%20%26%20%22Co%22%27%20and%20size%20%3D%20%275%27%29"#,
        ),
        (
            "method = \"POST\"\nbody = '{\"all\":[{conditions}],\"want\":[{fields}]}'\njoin = \",\"\ncondition = '{\"f\":{field},\"v\":{value}}'",
            r#"POST /api/s {"all":[{"f":"name","v":"O'Hara & \"Co\""},{"f":"size","v":5}],"want":["id","updated","name","size"]}"#,
        ),
        ("query = { term = \"{value}\" }\nexact = false", r#"GET /api/s?term=O%27Hara%20%26%20%22Co%22"#),
    ] {
        let server = Server::start(|_| {
            ok(r#"{"data":[{"id":1,"updated":"s","name":"O'Hara & \"Co\"","size":5},{"id":2,"updated":"s","name":"o'hara","size":5}]}"#)
        })
        .await;
        let rest = server.rest(&format!("{PLAIN}\n[find]\npath = \"/s\"\nitems = \"/data\"\n{find}"));
        let found = rest.find(&thing, &key).await.unwrap();
        assert_eq!(found.len(), if find.contains("exact") { 1 } else { 2 }, "{find}");
        assert_eq!(server.lines(), [line]);
        assert_eq!(rest.requests(&thing.name).query, 1);
    }
}

#[tokio::test]
async fn finding_none_may_have_a_status_of_its_own() {
    let thing = thing(None, &[("name", Kind::Text(99))]);
    let key = UserKey { parts: vec![(0, text("A"))] };
    let server = Server::start(|_| answer(404, "")).await;
    let find = "[find]\npath = \"/s\"\nitems = \"/data\"\neach = { name = \"{value}\" }\n";
    assert!(server.rest(&format!("{PLAIN}{find}")).find(&thing, &key).await.is_err());
    assert_eq!(server.rest(&format!("{PLAIN}{find}none = 404")).find(&thing, &key).await.unwrap(), []);
}

#[tokio::test]
async fn a_search_that_only_knows_ids_is_followed_by_reading_and_none_at_all_by_listing() {
    let thing = thing(None, &[("name", Kind::Text(99))]);
    let key = UserKey { parts: vec![(0, text("A"))] };
    let serve = |asked: &crate::server::Asked| match asked.target.as_str() {
        "/api/s?term=A" => ok(r#"{"data":[{"item":{"id":1}},{"item":{"id":2}}]}"#),
        "/api/things/1" => ok(r#"{"id":1,"updated":"s","name":"a"}"#),
        "/api/things" => {
            ok(r#"{"data":[{"id":1,"updated":"s","name":"a"},{"id":2,"updated":"s","name":"A"}]}"#)
        }
        _ => ok(r#"{"id":2,"updated":"s","name":"A"}"#),
    };
    let server = Server::start(serve).await;
    let find = "[find]\npath = \"/s\"\nquery = { term = \"{value}\" }\nitems = \"/data\"\nrecord = \"/item\"\nonly-ids = true\nexact = false";
    for (described, requests) in [(format!("{PLAIN}\n{find}"), 3), (PLAIN.to_owned(), 1)] {
        let rest = server.rest(&described);
        let found = rest.find(&thing, &key).await.unwrap();
        assert_eq!(found.iter().map(|record| record.key.id.0.as_str()).collect::<Vec<_>>(), ["2"]);
        assert_eq!(rest.requests(&thing.name).query, requests);
    }
}

#[tokio::test]
async fn many_are_read_at_once_where_the_server_can_and_long_addresses_are_halved() {
    let thing = thing(None, &[("name", Kind::Text(99))]);
    let server = Server::start(|asked| {
        let ids = asked.parameter("ids").map(|ids| ids.replace("%2C", ",")).unwrap_or_default();
        let record = |id: &str| format!(r#"{{"id":"{id}","updated":"s"}}"#);
        // Never more than forty, however many are asked for.
        let all: Vec<String> = ids.split(',').filter(|id| *id != "gone").take(40).map(record).collect();
        let all = if all.is_empty() { vec![record("another")] } else { all };
        ok(format!(r#"{{"data":[{},{}]}}"#, all.join(","), record("another")))
    })
    .await;
    let many =
        "[get-many]\npath = \"/{resource}\"\nquery = { ids = \"{ids}\" }\nitems = \"/data\"\nbatch = 100";
    let rest = server.rest(&format!("{PLAIN}\n{many}"));
    assert_eq!(rest.capabilities().details_batch, 100);
    let mut ids: Vec<RemoteId> = (0..60).map(|id| RemoteId(format!("{id:0>60}"))).collect();
    ids.push(RemoteId("gone".into()));
    assert_eq!(rest.details(&thing, &ids).await.unwrap().len(), 60);
    assert_eq!(rest.requests(&thing.name).details, 3, "the rest, and what is gone");
    ids.extend((60..99).map(|id| RemoteId(format!("{id:0>200}"))));
    assert_eq!(rest.details(&thing, &ids).await.unwrap().len(), 99);
    assert!(rest.requests(&thing.name).details > 5);
    assert!(server.asked().iter().all(|asked| asked.target.len() < 8_000));
    assert_eq!(rest.details(&thing, &[]).await.unwrap(), []);
}
