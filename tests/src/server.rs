//! What the tests' real servers have in common: each is a folder of `tests/servers` with a script that starts it on
//! a port of the test's own, and a client that looks at it with other eyes than the adapter's.

use crate::binary::root;
use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running server with a fresh database, which ends with this value.
#[derive(Debug)]
pub(crate) struct RealServer {
    process: Child,
    name: &'static str,
    port: u16,
    url: String,
}

impl RealServer {
    /// Starts the server of this folder on a free port, with these variables in its environment, and waits until it
    /// answers.
    pub(crate) fn start(name: &'static str, variables: &[(&str, &str)]) -> RealServer {
        let port = free_port();
        let mut start = Command::new(folder(name).join("start.sh"));
        // A group of its own: the script's helpers go with the server.
        start.env("PORT", port.to_string()).envs(variables.iter().copied());
        start.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let mut process = start.spawn().expect("the start script runs");
        let out = process.stdout.take().expect("the output is piped");
        // From here on a panic ends the server too.
        let mut server = RealServer { process, name, port, url: String::new() };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("the script writes text");
        line.trim().clone_into(&mut server.url);
        assert!(
            server.url.starts_with("http://127.0.0.1:"),
            "{name}'s script says where the server is: {line}"
        );
        server
    }

    /// Where the server is, with a `/` at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its database.
    pub(crate) fn folder(&self) -> PathBuf {
        cache(self.name).join("run").join(self.port.to_string())
    }

    /// What the server's client prints.
    pub(crate) fn client(&self, arguments: &[&str]) -> Json {
        client(self.name, self.port, arguments)
    }

    /// Any answer of the server as its client prints it, with `status`, `headers` and `body`. A header is `Name: value`.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Json>, headers: &[&str]) -> Json {
        let body = body.map(Json::to_string).unwrap_or_default();
        self.client(&[&["request", method, path, &body], headers].concat())
    }

    /// Puts this many records of each kind into the server with its script `seed.py`.
    pub(crate) fn seed(&self, count: u32, kinds: &[&str]) {
        let mut seed = script(self.name, "seed.py", self.port);
        seed.arg(count.to_string()).args(kinds);
        assert!(seed.status().expect("python3 runs").success(), "{count} of {kinds:?} are put in");
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(self.folder());
    }
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// What the client of this server prints.
pub(crate) fn client(name: &str, port: u16, arguments: &[&str]) -> Json {
    let output = script(name, "client.py", port).args(arguments).output().expect("python3 runs");
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the client prints JSON")
}

/// A script of this server's folder, for the server at this port.
fn script(name: &str, script: &str, port: u16) -> Command {
    let mut python = Command::new("python3");
    python.arg(folder(name).join(script)).env("PORT", port.to_string()).env_remove("CRM_URL");
    // Nothing is written into the checkout.
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

fn folder(name: &str) -> PathBuf {
    root().join("tests/servers").join(name)
}

/// Where the start script keeps what it makes.
fn cache(name: &str) -> PathBuf {
    let folder = std::env::var_os("CRM_TEST_CACHE");
    folder.map_or_else(|| root().join("target/servers"), PathBuf::from).join(name)
}
