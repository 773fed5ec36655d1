//! The check of an object against what the server says, before anything is asked of its records.

use crate::server::{Answer, Server};
use crate::*;
use host::ports::Scope;

/// What is said of an object: the message and the help.
async fn refusal(object: &Object) -> (String, String) {
    let server = Server::start(|_| panic!("nothing is asked of such an object")).await;
    let odata = server.remote();
    let error = odata.count(view(object)).await.unwrap_err();
    assert_eq!(error.scope, Scope::Object);
    assert!(error.message.contains("`thing`"), "{error}");
    assert_eq!(keys(&odata, view(object)).await.unwrap_err(), error);
    let refused = odata.insert(object, &vec![text("A"); object.remote.len()]).await;
    assert_eq!(refused, Err(error.clone().into()));
    (error.message, error.help.unwrap())
}

#[tokio::test]
async fn what_is_not_there_is_named_with_the_nearest_that_is() {
    let other = |change: fn(&mut Resource)| {
        let mut object = thing();
        change(&mut object.resource);
        object
    };
    let cases = [
        (other(|it| it.path = "Thing".into()), "no entity set `Thing`", "did you mean `Things`?"),
        (other(|it| it.path = "Things/part".into()), "no relation `part`", "did you mean `parts`?"),
        (other(|it| it.path = "Me".into()), "`Me` is a single record", "entity set"),
        (other(|it| it.id = "name".into()), "the key of `Things` is `ID`", "say `ID`"),
        (
            other(|it| it.updated = "modifiedAd".into()),
            "`modifiedAd`, which is the resource's",
            "`modifiedAt`?",
        ),
        (other(|it| it.version = Some("revison".into())), "version", "`revision`?"),
        (other(|it| it.created = Some("created".into())), "created-stamp", "createdAt"),
        (other(|it| it.version = Some("@odata.etags".into())), "version", "nearest first"),
        (other(|it| (it.path, it.id) = ("Pairs".into(), "a".into())), "several parts (a, b)", "one property"),
    ];
    for (object, said, help) in cases {
        let refusal = refusal(&object).await;
        assert!(refusal.0.contains(said) && refusal.1.contains(help), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_field_that_does_not_go_with_its_property_is_named_with_the_remedy() {
    let create_only = Traits { create_only: true, ..Traits::default() };
    let read_only = Traits { read_only: true, ..Traits::default() };
    let computed = Traits { computed: true, ..Traits::default() };
    let with = |name: &str, kind: Kind, traits: Traits| {
        object(resource(), vec![field("name", Kind::Text(9)), Field { traits, ..field(name, kind) }])
    };
    let plain = Traits::default();
    let cases = [
        (with("nmae", Kind::Text(9), plain), "no property `nmae`", "did you mean `name`?"),
        (with("parent", Kind::Reference("thing".into()), plain), "`parent` is a relation", "`parent_ID`"),
        (with("parts", Kind::Choices, plain), "`parts` is a relation", "no property"),
        (with("source", Kind::Date, create_only), "is Edm.String, and the plugin says date", "say text"),
        (with("small", Kind::Text(9), plain), "is Edm.Int32", "say integer"),
        (with("amount", Kind::Integer, plain), "is Edm.Decimal", "say decimal"),
        (with("due", Kind::Date, plain), "is Edm.DateTimeOffset", "say timestamp"),
        (with("tags", Kind::Text(9), plain), "is Collection(Edm.String)", "say choices"),
        (with("stage", Kind::Integer, plain), "is Test.Model.Stage", "say text or choices"),
        (with("revision", Kind::Integer, plain), "is computed by the server", "`computed` or `read-only`"),
        (with("createdAt", Kind::Timestamp, create_only), "is computed", "`computed` or `read-only`"),
        (with("source", Kind::Text(9), plain), "cannot change after the insert", "`create-only`"),
    ];
    for (object, said, help) in cases {
        let refusal = refusal(&object).await;
        assert!(refusal.0.contains(said) && refusal.1.contains(help), "{refusal:?}");
    }
    let server = Server::start(|_| Answer::status(200).body("0")).await;
    for object in [
        with("revision", Kind::Integer, read_only),
        with("revision", Kind::Decimal(0), computed),
        with("source", Kind::Text(9), create_only),
        with("_owner_value", Kind::Reference("thing".into()), plain),
        with("amount", Kind::Decimal(2), plain),
    ] {
        assert_eq!(server.remote().count(view(&object)).await.unwrap(), Some(0));
    }
}

#[tokio::test]
async fn only_an_odata_4_service_is_one() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/page/" => Answer::status(200).body("<html><p>Log in").header("content-type", "text/html"),
        "/json/" => Answer::json(r#"{"hello":"world"}"#),
        "/none/" => Answer::error(404, "", "nothing here"),
        "/old/" | "/half/" | "/html/" => Answer::json(r#"{"value":[]}"#),
        "/old/$metadata" => Answer::status(200).body(r#"<edmx:Edmx Version="1.0" xmlns:edmx="x"/>"#),
        "/half/$metadata" => Answer::status(200).body(r#"<edmx:Edmx Version="4.0" xmlns:edmx="x"><Schema>"#),
        "/html/$metadata" => Answer::status(200).body("<html><p>Log in</html>"),
        other => panic!("{other}"),
    })
    .await;
    for (root, said) in [
        ("page", "web page"),
        ("json", "unknown form"),
        ("none", "404"),
        ("old", "OData 1.0"),
        ("half", "cannot be read"),
        ("html", "no description of an OData service"),
    ] {
        let settings = host::remote::Settings::new(format!("{}/{root}/", server.origin).parse().unwrap());
        let error = Odata::new(settings).unwrap().connect().await.unwrap_err();
        assert!(error.message.contains(said), "{root}: {error}");
    }
    assert_eq!(server.remote().connect().await, Ok(()));
}
