//! The OData adapter against a small server that answers in all the forms that servers do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod batch;
mod feed;
mod reads;
mod schema;
mod server;
mod writes;

use host::ports::{Remote, RemoteError, View};
use host::remote::odata::Odata;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Descriptor, Field, Object, Resource, Traits};
use sync_core::value::{Kind, Value};

/// An id, by a number.
fn id(number: u32) -> RemoteId {
    RemoteId(format!("00000000-0000-0000-0000-{number:012}"))
}

fn field(name: &str, kind: Kind) -> Field {
    Field { name: name.into(), kind, traits: Traits::default() }
}

/// An object of these remote fields, each with a local field of its own.
fn object(resource: Resource, remote: Vec<Field>) -> Object {
    let column = |(index, field): (usize, &Field)| Field { name: format!("f{index}"), ..field.clone() };
    let local = remote.iter().enumerate().map(column).collect();
    let user_keys = vec![vec![remote[0].name.clone()]];
    Descriptor { name: "thing".into(), mapping_version: 1, local, remote, resource, user_keys }
        .try_into()
        .unwrap()
}

fn resource() -> Resource {
    Resource {
        path: "Things".into(),
        id: "ID".into(),
        updated: "modifiedAt".into(),
        version: Some("@odata.etag".into()),
        created: None,
    }
}

/// A thing with a name and an amount.
fn thing() -> Object {
    object(resource(), vec![field("name", Kind::Text(100)), field("amount", Kind::Decimal(2))])
}

/// The same, by a server that has no ETags.
fn versionless() -> Object {
    Object { resource: Resource { version: None, ..resource() }, ..thing() }
}

fn view(object: &Object) -> View<'_> {
    View { object, filter: None }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn token(version: &str) -> RemoteToken {
    RemoteToken { updated: "2024-01-01T00:00:00Z".into(), version: Some(format!("W/\"{version}\"")) }
}

/// A record in JSON: its key, its version, and a name.
fn record(number: u32, version: &str, name: &str) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{version}\"","ID":"{}","modifiedAt":"2024-01-01T00:00:00Z","name":"{name}","amount":null}}"#,
        id(number)
    )
}

/// A page of records.
fn page(records: &[String], rest: &str) -> String {
    format!(r#"{{"@odata.context":"$metadata#Things","value":[{}]{rest}}}"#, records.join(","))
}

async fn keys(odata: &Odata, view: View<'_>) -> Result<Vec<RemoteKey>, RemoteError> {
    use futures_util::TryStreamExt;
    odata.change_keys(view).try_concat().await
}
