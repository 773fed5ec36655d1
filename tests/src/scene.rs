//! A scene: a folder with metadata, components and a store, and a reference CRM to synchronize with.

use crate::binary::{host_binary, stock_plugin};
use crm::{Clock, Config, Fault, Request, Server, Store};
use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder with everything that a run needs.
pub struct Scene {
    folder: TempDir,
    /// The reference CRM; `None` where the scene has another server.
    pub server: Option<Server>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Output {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its error stream.
    pub err: String,
}

impl Output {
    /// What this command comes to.
    pub fn of(command: &mut Command) -> Output {
        let output = command.output().expect("the command runs");
        Output {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The document on standard output.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// The report of one object of a run.
    pub fn object(&self, name: &str) -> Json {
        let report = self.json();
        let objects = report["objects"].as_array().cloned().unwrap_or_default();
        objects
            .into_iter()
            .find(|object| object["object"] == name)
            .unwrap_or_else(|| panic!("no {name} in {report}"))
    }

    /// Asserts the exit code, showing everything where it is another.
    pub fn exits(self, code: i32) -> Output {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

impl Scene {
    /// A scene with a reference CRM and these stock objects.
    pub fn new(objects: &[&str]) -> Scene {
        let server = Server::start_blocking(Config::default()).expect("the reference CRM starts");
        let url = server.url();
        let scene = Scene::with_remote(&format!(
            "kind = \"siebel\"\nurl = \"{url}\"\n\
             auth = {{ kind = \"basic\", username = \"SADMIN\", password = {{ file = \"password\" }} }}\n\
             retry-for = \"1s\"\n"
        ));
        for object in objects {
            scene.install(&stock_plugin(object));
        }
        Scene { server: Some(server), ..scene }
    }

    /// A scene with this `[remote]` section and no objects yet.
    pub fn with_remote(remote: &str) -> Scene {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let scene = Scene { folder, server: None };
        std::fs::create_dir(scene.path("plugins")).unwrap();
        std::fs::write(scene.path("password"), "SADMIN\n").unwrap();
        let local = "[local]\nkind = \"sqlite\"\npath = \"crm.db\"\n\n[plugins]\ndir = \"plugins\"\n";
        std::fs::write(scene.config(), format!("version = 1\n\n[remote]\n{remote}\n{local}")).unwrap();
        scene
    }

    /// A path in the scene's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The metadata file.
    pub fn config(&self) -> PathBuf {
        self.path("sync.toml")
    }

    /// Adds to the metadata.
    pub fn configure(&self, more: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        std::fs::write(self.config(), format!("{text}\n{more}\n")).unwrap();
    }

    /// Drops a component into the plugins folder.
    pub fn install(&self, component: &Path) {
        std::fs::copy(component, self.path("plugins").join(component.file_name().unwrap())).unwrap();
    }

    /// Runs `host` with these arguments and the scene's metadata.
    pub fn host(&self, arguments: &[&str]) -> Output {
        let mut host = Command::new(host_binary());
        host.args(arguments).arg("--config").arg(self.config()).current_dir(self.folder.path());
        Output::of(&mut host)
    }

    /// `host run --format json`.
    pub fn run(&self) -> Output {
        self.host(&["run", "--format", "json"])
    }

    /// What `host ARGUMENTS --format json` lists, having ended with 0.
    pub fn list(&self, arguments: &[&str]) -> Vec<Json> {
        let output = self.host(&[arguments, &["--format", "json"]].concat()).exits(0);
        output.json().as_array().expect("a list").clone()
    }

    /// The issues that are pending.
    pub fn issues(&self) -> Vec<Json> {
        self.list(&["issues", "list"])
    }

    /// The conflicts that are pending.
    pub fn conflicts(&self) -> Vec<Json> {
        self.list(&["conflicts", "list"])
    }

    /// Lets the reference CRM do something wrong.
    pub fn fault(&self, fault: Fault) {
        self.server.as_ref().expect("the scene has a reference CRM").fault(fault);
    }

    /// Lets the reference CRM do nothing wrong any more.
    pub fn clear_faults(&self) {
        self.server.as_ref().expect("the scene has a reference CRM").clear_faults();
    }

    /// What the reference CRM was asked by this method since the log was last cleared.
    pub fn requests(&self, method: &str) -> Vec<Request> {
        let server = self.server.as_ref().expect("the scene has a reference CRM");
        server.requests().into_iter().filter(|request| request.method == method).collect()
    }

    /// What the reference CRM was asked to write since the log was last cleared, by method.
    pub fn writes(&self) -> Vec<String> {
        let server = self.server.as_ref().expect("the scene has a reference CRM");
        server.requests().into_iter().map(|request| request.method).filter(|method| method != "GET").collect()
    }

    /// Clears the reference CRM's log of requests.
    pub fn forget_requests(&self) {
        self.server.as_ref().expect("the scene has a reference CRM").clear_requests();
    }

    /// The reference CRM's records.
    pub fn crm(&self) -> Store {
        self.server.as_ref().expect("the scene has a reference CRM").store()
    }

    /// Lets the reference CRM's clock stand at a moment of the test's choosing.
    pub fn stop_clock(&self) {
        self.crm().set_clock(Clock::at("05/06/2024 07:08:09").expect("a date"));
    }

    /// The local store.
    pub fn store(&self) -> Connection {
        Connection::open(self.path("crm.db")).expect("the store opens")
    }

    /// Changes the local store as any tool would.
    pub fn sql(&self, statements: &str) {
        self.store().execute_batch(statements).expect("the statements work");
    }

    /// Rows of a query, each a JSON array.
    pub fn rows(&self, query: &str) -> Vec<Json> {
        let store = self.store();
        let mut statement = store.prepare(query).expect("the query is SQL");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns).map(|index| row.get(index).map(natural)).collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.expect("the query runs").map(|row| Json::from(row.expect("a row"))).collect()
    }

    /// The one value of a query.
    pub fn value(&self, query: &str) -> Json {
        let rows = self.rows(query);
        assert_eq!(rows.len(), 1, "{query} has one row");
        rows[0][0].clone()
    }
}

fn natural(value: Sql) -> Json {
    match value {
        Sql::Null => Json::Null,
        Sql::Integer(number) => number.into(),
        Sql::Real(number) => number.into(),
        Sql::Text(text) => text.into(),
        Sql::Blob(bytes) => bytes.into(),
    }
}
