//! Tests of the store, against files as a person's tools leave them.

mod adopting;
mod changes;
mod decoding;
mod files;
mod listing;
mod revisions;
mod undoing;

use super::*;
use crate::ports::{Change, Changed, Store};
use rusqlite::Connection;
use std::path::PathBuf;
use sync_core::change_key::{LocalId, LocalKey, RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Field, Object, ObjectName, Resource, Traits};
use sync_core::value::{Kind, Row, Value};

/// Images are kept for a day.
const KEEP: Keep = Keep { age: std::time::Duration::from_secs(86_400), size: 1 << 20 };

/// A folder with a store in it.
struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        Place { _folder: folder, path }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path, Mode::ReadWrite).unwrap()
    }

    /// A store with the object attached.
    fn with(&self, object: &Object) -> SqliteStore {
        let mut store = self.open();
        store.attach(object).unwrap();
        store
    }

    /// What a person does with another tool.
    fn sql(&self, statements: &str) {
        Connection::open(&self.path).unwrap().execute_batch(statements).unwrap();
    }

    /// One value, as another tool shows it.
    fn ask(&self, query: &str) -> String {
        let connection = Connection::open(&self.path).unwrap();
        let value: rusqlite::types::Value = connection.query_row(query, [], |row| row.get(0)).unwrap();
        match value {
            rusqlite::types::Value::Null => "null".into(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Real(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Blob(bytes) => format!("{bytes:?}"),
        }
    }
}

fn object_with(name: &str, fields: &[(&str, Kind)]) -> Object {
    let field = |(name, kind): &(&str, Kind)| Field {
        name: (*name).to_owned(),
        kind: kind.clone(),
        traits: Traits::default(),
    };
    Object {
        name: ObjectName::new(name).unwrap(),
        mapping_version: 1,
        local: fields.iter().map(field).collect(),
        remote: Vec::new(),
        resource: Resource {
            path: "Account/Account".into(),
            id: "Id".into(),
            updated: "Updated".into(),
            version: None,
            created: None,
        },
        user_keys: Vec::new(),
    }
}

/// An object with a name, a number of employees and a revenue.
fn account() -> Object {
    object_with(
        "account",
        &[("name", Kind::Text(100)), ("employees", Kind::Integer), ("revenue", Kind::Decimal(2))],
    )
}

fn acme() -> Row {
    vec![Value::Text("Acme".into()), Value::Integer(7), Value::Decimal("10.5".into())]
}

fn remote(id: &str, version: &str) -> RemoteKey {
    let token = RemoteToken { updated: "2024-01-01".into(), version: Some(version.into()) };
    RemoteKey { id: RemoteId(id.into()), token, created: Some("2023-01-01".into()), fresh: false }
}

fn insert(id: &str, row: Row) -> Change {
    Change::Insert { row, remote: remote(id, "1"), beyond_filter: false }
}

/// Commits one change and returns the record's key.
fn done(store: &mut SqliteStore, object: &Object, change: Change) -> LocalKey {
    match store.commit(object, vec![change]).unwrap().as_slice() {
        [Changed::Done(key)] => *key,
        other => panic!("{other:?}"),
    }
}

fn key_of(store: &SqliteStore, object: &Object, id: LocalId) -> LocalKey {
    *store.local_keys(object, None).unwrap().iter().find(|key| key.id == id).unwrap()
}

/// Whether the record would count as changed locally.
fn moved(store: &SqliteStore, object: &Object, id: LocalId) -> bool {
    let baseline = store.baselines(object, &[id]).unwrap();
    baseline[0].pair.revision != key_of(store, object, id).revision
}
