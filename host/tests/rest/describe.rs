//! What the fields of a resource are, guessed from its records.

use crate::server::{Server, answer, ok, thing};
use host::ports::{Holds, Remote, RemoteError, ResourceDescription};
use sync_core::value::{Kind, Value};

async fn described(description: &str, body: &'static str) -> Result<ResourceDescription, RemoteError> {
    let server = Server::start(move |_| ok(body)).await;
    let found = server
        .rest(description)
        .describe_resource(&thing(None, &[("name", Kind::Text(9))]).name, "things")
        .await;
    // All that the server sends unasked: nothing is known that could be asked for.
    assert_eq!(server.lines(), ["GET /api/things?page=1"]);
    found
}

fn description(record: &str, more: &str) -> String {
    format!(
        "[list]\npath = \"/{{resource}}\"\nquery = {{ fields = \"{{fields}}\" }}\nitems = \"/data\"\n{record}\n\
         paging = {{ kind = \"page\", parameter = \"page\" }}\n[get]\npath = \"/{{resource}}/{{id}}\"\n{more}"
    )
}

fn fields(found: &ResourceDescription) -> Vec<(&str, Kind, bool)> {
    let kind = |holds: &Holds| match holds {
        Holds::Value(kind) => kind.clone(),
        Holds::Link(_) => panic!("nothing tells links"),
    };
    found.fields.iter().map(|it| (it.name.as_str(), kind(&it.holds), it.note.is_some())).collect()
}

#[tokio::test]
async fn kinds_follow_from_the_values_and_objects_are_taken_apart() {
    let body = r#"{"data":[
        {"id":"1","dead":true},
        {"id":"2","last_modified":5,"name":"A","done":true,"size":7,"price":1.5,"day":"2024-02-29","at":"2024-02-29T10:00:00Z",
         "code":"0012","tags":["x","y"],"owner_id":"7f","phone":5551234,"address":{"city":"Bern","geo":{"lat":1.25}},
         "none":null,"lines":[{"a":1}],"mixed":1,"a/b":"c"},
        {"id":"3","last_modified":6,"name":"A name of some length","price":2,"tags":[],"mixed":[2],"created_at":"then"}]}"#;
    let found = described(&description("", "[record]\ndeleted = \"dead\""), body).await.unwrap();
    let resource = &found.resource;
    assert_eq!((resource.id.as_str(), resource.updated.as_str()), ("id", "last_modified"));
    assert_eq!((resource.version.as_deref(), resource.created.as_deref()), (None, Some("created_at")));
    assert_eq!(
        fields(&found),
        [
            ("name", Kind::Text(100), false),
            ("done", Kind::Boolean, false),
            ("size", Kind::Integer, false),
            ("price", Kind::Decimal(2), false),
            ("day", Kind::Date, false),
            ("at", Kind::Timestamp, false),
            ("code", Kind::Text(100), true),
            ("tags", Kind::Choices, false),
            ("owner_id", Kind::Text(100), true),
            ("phone", Kind::Text(100), true),
            ("/address/city", Kind::Text(100), false),
            ("/address/geo/lat", Kind::Decimal(2), false),
            ("none", Kind::Text(250), true),
            ("a/b", Kind::Text(100), false),
        ]
    );
    let left_out: Vec<&str> = found.left_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(left_out, ["lines", "mixed"]);
    let sample = found.sample.unwrap();
    assert_eq!(sample[3], Value::Decimal("1.5".into()));
    assert_eq!(sample[7], Value::Choices(vec!["x".into(), "y".into()]));
    assert_eq!(sample[10], Value::Text("Bern".into()));
    assert!(found.known_from.contains("guessed from the 2 records"), "{}", found.known_from);
}

#[tokio::test]
async fn the_forms_of_values_and_the_place_of_fields_are_the_descriptions() {
    let body = r#"{"data":[{"it":{"Id":4,"rev":2,"extra":"e","body":{"open":"yes","due":"29.02.2024","sum":"1.50","n":{"m":1}}}}]}"#;
    let more = "[record]\nfields = \"/body\"\n[values]\nbooleans = [\"yes\", \"no\"]\ndates = \"%d.%m.%Y\"\nnumbers = \"text\"";
    let found = described(&description("record = \"/it\"", more), body).await.unwrap();
    assert_eq!((found.resource.id.as_str(), found.resource.updated.as_str()), ("Id", "rev"));
    assert_eq!(found.resource.version, None);
    let mut fields = fields(&found);
    fields.sort_by_key(|(name, ..)| *name);
    assert_eq!(
        fields,
        [
            ("/body/n/m", Kind::Integer, false),
            ("/extra", Kind::Text(100), false),
            ("due", Kind::Date, false),
            ("open", Kind::Boolean, false),
            ("sum", Kind::Decimal(2), false),
        ]
    );
}

#[tokio::test]
async fn what_does_not_tell_is_an_error_that_says_what_was_seen() {
    for (body, message) in [
        (r#"{"data":[]}"#, "things has no records"),
        (r#"{"data":[{"name":"A","updated":1}]}"#, "no field of things looks like an id: name, updated"),
        (r#"{"data":[{"id":1,"name":"A"}]}"#, "no field of things looks like the time of the last change"),
        (r#"{"data":[1]}"#, "JSON of an unknown form"),
        ("<html>", "a web page"),
    ] {
        let error = described(&description("", ""), body).await.unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert!(error.help.is_some() || body.contains("[1]"), "{error:?}");
    }
    let server = Server::start(|_| answer(404, "")).await;
    let error = server
        .rest(&description("", ""))
        .describe_resource(&thing(None, &[("name", Kind::Text(9))]).name, "x")
        .await
        .unwrap_err();
    assert!(error.message.contains("there is no such thing"), "{error}");
}
