//! The reference CRM as a process of its own, always at the same address, and the CRM's own edits.

use crate::floor::{FIELDS, remote_id};
use futures_util::{StreamExt, stream};
use reqwest::{Client, Method};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tokio::runtime::Runtime;

/// The fields of a record, by name.
type Fields = BTreeMap<String, String>;

/// Edits at once.
const AT_ONCE: usize = 16;

/// A reference CRM that is started anew whenever its records are to be as they were.
pub(crate) struct Crm {
    binary: PathBuf,
    port: u16,
    process: Option<Child>,
    runtime: Runtime,
    client: Client,
}

impl Crm {
    /// Makes sure of a port; nothing runs yet.
    pub(crate) fn new(binary: PathBuf) -> Crm {
        let _always_the_first = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let client = Client::builder().tls_certs_only([]).build().expect("a client can be made");
        let runtime = Runtime::new().expect("a runtime can be made");
        Crm { binary, port, process: None, runtime, client }
    }

    /// The base of its interface.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/siebel/v1.0", self.port)
    }

    /// Starts it with this many accounts, the same ones every time.
    pub(crate) fn start(&mut self, accounts: u64) {
        self.stop();
        let mut command = Command::new(&self.binary);
        command.args(["--port", &self.port.to_string(), "--accounts", &accounts.to_string()]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the reference CRM starts");
        let out = process.stdout.take().expect("its output is piped");
        self.process = Some(process);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("it says where it is");
        assert_eq!(line.trim(), self.url());
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // One that has ended already is what is wanted.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Forgets the requests so far, whose log would grow forever.
    pub(crate) fn forget_requests(&self) {
        self.admin(vec![(Method::DELETE, "requests".into(), None)]);
    }

    /// Edits the phone numbers of these accounts, deletes those, and makes so many new ones.
    pub(crate) fn edit(&self, update: &[u64], delete: &[u64], new: u64) -> Vec<String> {
        let path = |number: &u64| format!("records/Account/Account/{}", remote_id(*number));
        let phone = BTreeMap::from([("Main Phone Number".to_owned(), "+49 30 2000".to_owned())]);
        let updates = update.iter().map(|number| (Method::PUT, path(number), Some(phone.clone())));
        let deletes = delete.iter().map(|number| (Method::DELETE, path(number), None));
        self.admin(updates.chain(deletes).collect());
        let inserts = (0..new).map(|number| {
            let fields = FIELDS[..16].iter().map(|field| {
                let text = match *field {
                    "Name" => format!("New there {number}"),
                    "Number of Employees" => "250".to_owned(),
                    "Annual Revenue" => "1200000.5".to_owned(),
                    other => format!("{other} {}", number % 50),
                };
                ((*field).to_owned(), text)
            });
            (Method::POST, "records/Account/Account".to_owned(), Some(fields.collect()))
        });
        self.admin(inserts.collect())
            .iter()
            .map(|answer| {
                let answer: serde_json::Value = serde_json::from_str(answer).expect("an id as JSON");
                answer["Id"].as_str().expect("an id").to_owned()
            })
            .collect()
    }

    fn admin(&self, requests: Vec<(Method, String, Option<Fields>)>) -> Vec<String> {
        let sent = requests.into_iter().map(|(method, path, body)| async move {
            let url = format!("http://127.0.0.1:{}/admin/{path}", self.port);
            let mut request = self.client.request(method, url);
            if let Some(body) = body {
                request = request.json(&body);
            }
            let answer = request.send().await.expect("the reference CRM answers");
            let status = answer.status();
            let text = answer.text().await.expect("it answers text");
            assert!(status.is_success(), "{path}: {text}");
            text
        });
        self.runtime.block_on(stream::iter(sent).buffered(AT_ONCE).collect())
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        self.stop();
    }
}
