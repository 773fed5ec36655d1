//! The transport, as every adapter has it: connections, limits, logins, proxies, certificates, and what is said when
//! something of it fails. The adapter at hand is Siebel's, whose count is one GET and whose insert begins with a POST.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connections;
mod logins;
mod pace;
mod proxy;
mod server;
mod tls;

use futures_util::TryFutureExt;
use host::ports::{Remote, RemoteError, View, WriteError, Written};
use host::remote::Settings;
use host::remote::siebel::{Siebel, SiebelOptions};
use std::time::Duration;
use sync_core::object::{Descriptor, Field, Object, Resource, Traits};
use sync_core::value::{Kind, Value};

/// An answer that is a page of records, and none on it.
pub(crate) const EMPTY: &str = r#"{"items":[]}"#;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn account() -> Object {
    let name = |name: &str| Field { name: name.into(), kind: Kind::Text(100), traits: Traits::default() };
    let resource = Resource {
        path: "Account/Account".into(),
        id: "Id".into(),
        updated: "Updated".into(),
        version: Some("Mod Id".into()),
        created: None,
    };
    let descriptor = Descriptor {
        name: "account".into(),
        mapping_version: 1,
        local: vec![name("name")],
        remote: vec![name("Name")],
        resource,
        user_keys: vec![vec!["Name".into()]],
    };
    descriptor.try_into().unwrap()
}

/// Patient enough for any machine.
pub(crate) fn settings(url: &str) -> Settings {
    Settings::new(url.parse().unwrap()).patience(Duration::from_secs(60), Duration::from_secs(60))
}

/// As [`settings`], without repetitions.
pub(crate) fn once(url: &str) -> Settings {
    settings(url).patience(Duration::from_secs(60), Duration::ZERO)
}

pub(crate) fn remote(settings: Settings) -> Siebel {
    Siebel::new(settings, SiebelOptions::default()).unwrap()
}

/// Asks for a number of records, which is one GET.
pub(crate) async fn count(remote: &Siebel) -> Result<(), RemoteError> {
    let object = account();
    remote.count(View { object: &object, filter: None }).map_ok(|_| ()).await
}

/// Message and help of a count that fails.
pub(crate) async fn failure(remote: &Siebel) -> (String, String) {
    let error = count(remote).await.unwrap_err();
    (error.message, error.help.unwrap_or_default())
}

/// Inserts an account.
pub(crate) async fn insert(remote: &Siebel) -> Result<Written, WriteError> {
    remote.insert(&account(), &vec![Value::Text("Acme".into())]).await
}

/// Asserts that the failure of a count has these parts in its message and help.
#[track_caller]
pub(crate) fn says((message, help): &(String, String), in_message: &[&str], in_help: &str) {
    for part in in_message {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(help.contains(in_help), "{in_help:?} is not in: {help} ({message})");
}
