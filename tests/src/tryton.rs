//! A Tryton server of a test's own, and a look at it with other eyes than the adapter's.

use crate::binary::stock_plugin;
use crate::proxy::proxy;
use crate::scene::Scene;
use crate::server::{RealServer, client, free_port};
use rusqlite::Connection;
use serde_json::Value as Json;
use std::net::SocketAddr;
use std::time::Duration;

/// A running server with a fresh database. A start takes two seconds once the packages are installed, so every test
/// has its own, and none sees another's records.
#[derive(Debug)]
pub struct Tryton {
    server: RealServer,
}

impl Tryton {
    /// Starts a server on a free port and waits until it answers.
    pub fn start() -> Tryton {
        Tryton { server: RealServer::start("tryton", &[]) }
    }

    /// The database's address.
    pub fn url(&self) -> String {
        address(self.server.port())
    }

    /// A scene with both of Tryton's objects and this server.
    pub fn scene(&self) -> Scene {
        scene_at(self.server.port())
    }

    /// A scene with parties that finds the server at another address, and is this patient: keys of `[remote]`.
    pub fn scene_at(&self, at: SocketAddr, patience: &str) -> Scene {
        let scene = bare_scene(at.port(), patience);
        scene.install(&stock_plugin("tryton-party"));
        scene
    }

    /// The server's database, which may be changed while it runs.
    pub fn database(&self) -> Connection {
        let database = Connection::open(self.server.folder().join("crm.sqlite")).expect("the database opens");
        database.busy_timeout(Duration::from_secs(10)).expect("it can wait");
        database
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.server.port()).into()
    }

    /// Makes a record; its id.
    pub fn create(&self, model: &str, values: &Json) -> i64 {
        self.server.client(&["create", model, &values.to_string()]).as_i64().expect("an id")
    }

    /// Fields of a record, null if there is none.
    pub fn read(&self, model: &str, id: i64, fields: &[&str]) -> Json {
        let id = id.to_string();
        self.server.client(&[&["read", model, &id], fields].concat())
    }

    /// Fields of the records that a domain finds.
    pub fn search(&self, model: &str, domain: &Json, fields: &[&str]) -> Vec<Json> {
        let domain = domain.to_string();
        let found = self.server.client(&[&["search", model, &domain], fields].concat());
        found.as_array().expect("a list").clone()
    }

    /// Changes a record.
    pub fn write(&self, model: &str, id: i64, values: &Json) {
        write(self.server.port(), model, id, values);
    }

    /// Deletes a record.
    pub fn delete(&self, model: &str, id: i64) {
        self.server.client(&["delete", model, &id.to_string()]);
    }

    /// Calls any method with its parameters, all but the context.
    pub fn call(&self, method: &str, parameters: &Json) -> Json {
        self.server.client(&["call", method, &parameters.to_string()])
    }

    /// A scene that reaches the server through a proxy, which changes a record when the first request of this
    /// method has left the host and not yet reached the server.
    pub fn scene_with_edit_before(&self, method: &str, model: &str, id: i64, values: Json) -> Scene {
        let (port, method, model) = (self.server.port(), format!("\"{method}\""), model.to_owned());
        let edit = move || write(port, &model, id, &values);
        scene_at(proxy(port, move |_, body| body.contains(&method), edit))
    }
}

/// A scene with Tryton's objects and nothing that listens.
pub fn scene_without_tryton() -> Scene {
    scene_at(free_port())
}

fn scene_at(port: u16) -> Scene {
    let scene = bare_scene(port, "retry-for = \"1s\"");
    scene.install(&stock_plugin("tryton-party"));
    scene.install(&stock_plugin("tryton-opportunity"));
    scene
}

fn bare_scene(port: u16, patience: &str) -> Scene {
    let url = address(port);
    let scene = Scene::with_remote(&format!(
        "kind = \"tryton\"\nurl = \"{url}\"\n\
         auth = {{ kind = \"basic\", username = \"admin\", password = {{ file = \"password\" }} }}\n\
         {patience}\n"
    ));
    std::fs::write(scene.path("password"), "admin\n").expect("the folder can be written");
    scene
}

fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}/crm/")
}

fn write(port: u16, model: &str, id: i64, values: &Json) {
    client("tryton", port, &["write", model, &id.to_string(), &values.to_string()]);
}
