//! An SAP CAP server of a test's own: OData 4, and a look at it with other eyes than the adapter's.

use crate::binary::hostile_plugins;
use crate::proxy::proxy;
use crate::scene::Scene;
use crate::server::{RealServer, client};
use rusqlite::Connection;
use serde_json::Value as Json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// The objects of `tests/plugins` that are CAP's.
const OBJECTS: [&str; 3] = ["cap-account", "cap-opportunity", "cap-note"];

/// Long enough for a server in good health.
const PATIENCE: &str = "retry-for = \"1s\"";

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

    /// A scene with these of CAP's objects and this server.
    pub fn scene(&self, objects: &[&str]) -> Scene {
        scene_at(self.server.port(), objects, PATIENCE)
    }

    /// A scene that finds the server at another address, and is this patient: keys of `[remote]`.
    pub fn scene_at(&self, at: SocketAddr, objects: &[&str], patience: &str) -> Scene {
        scene_at(at.port(), objects, patience)
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.server.port()).into()
    }

    /// The server's database, which may be changed while it runs.
    pub fn database(&self) -> Connection {
        let database = Connection::open(self.server.folder().join("crm.sqlite")).expect("the database opens");
        database.busy_timeout(Duration::from_secs(10)).expect("it can wait");
        database
    }

    /// A scene that reaches the server through a proxy, which changes a record when the first request of this method
    /// has left the host and not yet reached the server.
    pub fn scene_with_edit_before(
        &self,
        method: &'static str,
        objects: &[&str],
        (entity, key): (&'static str, &str),
        values: Json,
    ) -> Scene {
        let (port, key) = (self.server.port(), key.to_owned());
        let edit = move || {
            client("cap", port, &["update", entity, &key, &values.to_string()]);
        };
        scene_at(proxy(port, move |head, _| head.starts_with(method), edit), objects, PATIENCE)
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

fn scene_at(port: u16, objects: &[&str], patience: &str) -> Scene {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| hostile_plugins(&OBJECTS));
    let scene = Scene::with_remote(&format!(
        "kind = \"odata\"\nurl = \"http://127.0.0.1:{port}/odata/v4/crm/\"\n\
         auth = {{ kind = \"basic\", username = \"sync\", password = {{ file = \"password\" }} }}\n\
         {patience}\n"
    ));
    std::fs::write(scene.path("password"), "sync\n").expect("the folder can be written");
    for object in objects {
        scene.install(&built.join(format!("{object}.wasm")));
    }
    scene
}
