//! An SAP CAP server of a test's own: OData 4, and a look at it with other eyes than the adapter's.

use crate::server::RealServer;
use serde_json::Value as Json;

/// A running server with a fresh database. A start takes a second once the packages are installed, so every test has
/// its own, and none sees another's records. `tests/servers/cap/README.md` tells of its entities.
#[derive(Debug)]
pub struct Cap {
    server: RealServer,
}

impl Cap {
    /// Starts a server on a free port and waits until it answers.
    pub fn start() -> Cap {
        Cap { server: RealServer::start("cap", &[]) }
    }

    /// The service's address. User and password are `sync`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Makes a record; its key.
    pub fn create(&self, entity: &str, values: &Json) -> String {
        let record = self.server.client(&["create", entity, &values.to_string()]);
        let key = record.get("ID").or_else(|| record.get("code"));
        key.and_then(Json::as_str).expect("the record has a key").to_owned()
    }

    /// Fields of a record, or all, null if there is none.
    pub fn read(&self, entity: &str, key: &str, fields: &[&str]) -> Json {
        self.server.client(&[&["read", entity, key], fields].concat())
    }

    /// Fields of the records that a filter finds, or all, by key.
    pub fn list(&self, entity: &str, filter: &str, fields: &[&str]) -> Vec<Json> {
        let found = self.server.client(&[&["list", entity, filter], fields].concat());
        found.as_array().expect("a list").clone()
    }

    /// How many records a filter finds.
    pub fn count(&self, entity: &str, filter: &str) -> u64 {
        self.server.client(&["count", entity, filter]).as_u64().expect("a number")
    }

    /// Changes a record, whatever its ETag is.
    pub fn update(&self, entity: &str, key: &str, values: &Json) {
        self.server.client(&["update", entity, key, &values.to_string()]);
    }

    /// Deletes a record.
    pub fn delete(&self, entity: &str, key: &str) {
        self.server.client(&["delete", entity, key]);
    }

    /// Any answer, with `status`, `headers` and `body`. A header is `Name: value`.
    pub fn request(&self, method: &str, path: &str, body: Option<&Json>, headers: &[&str]) -> Json {
        self.server.request(method, path, body, headers)
    }

    /// Puts in this many of each of these entities, or of `Accounts`, `Opportunities` and `Contacts`.
    pub fn seed(&self, count: u32, entities: &[&str]) {
        self.server.seed(count, entities);
    }
}
