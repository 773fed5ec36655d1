//! A Kinto server of a test's own: REST, and a look at it with other eyes than the adapter's.

use crate::binary::{root, stock_plugin};
use crate::proxy::proxy;
use crate::scene::Scene;
use crate::server::{RealServer, client};
use serde_json::Value as Json;

/// A running server with a fresh store. A start takes two seconds once the packages are installed, so every test has
/// its own, and none sees another's records. `tests/servers/kinto/README.md` tells of its collections.
#[derive(Debug)]
pub struct Kinto {
    server: RealServer,
}

impl Kinto {
    /// Starts a server on a free port and waits until it answers.
    pub fn start() -> Kinto {
        Kinto { server: RealServer::start("kinto", &[("BACKEND", "memory")]) }
    }

    /// The same beside a PostgreSQL, which the machine must have: for many records.
    pub fn start_with_postgresql() -> Kinto {
        Kinto { server: RealServer::start("kinto", &[("BACKEND", "postgresql")]) }
    }

    /// The server's address. User and password are `sync`, the bucket is `crm`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// A scene with the declared accounts and opportunities, and this server by its ready-made description.
    pub fn scene(&self) -> Scene {
        scene_at(self.server.port())
    }

    /// The port that the server listens on, on loopback.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// A scene that reaches the server through a proxy, which changes a record when the first PATCH of it has left the
    /// host and not yet reached the server.
    pub fn scene_with_edit_before_patch(&self, collection: &str, id: &str, values: Json) -> Scene {
        let (port, collection, id) = (self.server.port(), collection.to_owned(), id.to_owned());
        let edit = move || {
            client("kinto", port, &["update", &collection, &id, &values.to_string()]);
        };
        scene_at(proxy(port, |head, _| head.starts_with("PATCH"), edit))
    }

    /// Makes a record; its id.
    pub fn create(&self, collection: &str, values: &Json) -> String {
        let record = self.server.client(&["create", collection, &values.to_string()]);
        record["id"].as_str().expect("the record has an id").to_owned()
    }

    /// A record, null if there is none.
    pub fn read(&self, collection: &str, id: &str) -> Json {
        self.server.client(&["read", collection, id])
    }

    /// The records that a filter such as `name=Acme` finds, or all, the oldest change first.
    pub fn list(&self, collection: &str, filter: &str) -> Vec<Json> {
        let found = self.server.client(&["list", collection, filter]);
        found.as_array().expect("a list").clone()
    }

    /// How many records a filter finds.
    pub fn count(&self, collection: &str, filter: &str) -> u64 {
        self.server.client(&["count", collection, filter]).as_u64().expect("a number")
    }

    /// Changes fields of a record, whatever its version is.
    pub fn update(&self, collection: &str, id: &str, values: &Json) {
        self.server.client(&["update", collection, id, &values.to_string()]);
    }

    /// Deletes a record.
    pub fn delete(&self, collection: &str, id: &str) {
        self.server.client(&["delete", collection, id]);
    }

    /// Any answer, with `status`, `headers` and `body`. A header is `Name: value`.
    pub fn request(&self, method: &str, path: &str, body: Option<&Json>, headers: &[&str]) -> Json {
        self.server.request(method, path, body, headers)
    }

    /// Puts in this many of each of these collections, or of `account`, `opportunity` and `contact`.
    pub fn seed(&self, count: u32, collections: &[&str]) {
        self.server.seed(count, collections);
    }
}

fn scene_at(port: u16) -> Scene {
    let scene = Scene::with_remote(&format!(
        "kind = \"rest\"\ndescription = \"kinto\"\nurl = \"http://127.0.0.1:{port}/v1/buckets/crm\"\n\
         auth = {{ kind = \"basic\", username = \"sync\", password = {{ file = \"password\" }} }}\n\
         retry-for = \"1s\"\ntimeout = \"2s\"\n"
    ));
    std::fs::write(scene.path("password"), "sync\n").expect("the folder can be written");
    scene.install(&stock_plugin("declared"));
    for object in ["kinto-account", "kinto-opportunity"] {
        scene.install(&root().join("tests/declared").join(format!("{object}.object.toml")));
    }
    scene
}
