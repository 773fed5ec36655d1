//! A client of a few lines, which sees the bytes that a proper one would hide.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crm::{Config, Server};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

pub struct Client {
    pub server: Server,
    pub login: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub fn items(&self) -> Vec<Value> {
        match self.json()["items"].take() {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            one => vec![one],
        }
    }

    pub fn ids(&self) -> Vec<String> {
        self.items().iter().map(|item| item["Id"].as_str().unwrap().to_owned()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn error(&self) -> String {
        self.json()["ERROR"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    pub fn new() -> Self {
        Client::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let server = Server::start_blocking(config).unwrap();
        let login = format!("Basic {}", BASE64_STANDARD.encode("SADMIN:SADMIN"));
        Client { server, login }
    }

    pub fn get(&self, target: &str) -> Reply {
        self.send("GET", &format!("/siebel/v1.0/data/{target}"), "").unwrap()
    }

    pub fn write(&self, method: &str, target: &str, body: &str) -> Reply {
        self.send(method, &format!("/siebel/v1.0/data/{target}"), body).unwrap()
    }

    pub fn admin(&self, method: &str, target: &str, body: &str) -> Reply {
        self.send(method, &format!("/admin/{target}"), body).unwrap()
    }

    /// `None`: the connection was closed without an answer.
    pub fn send(&self, method: &str, target: &str, body: &str) -> Option<Reply> {
        let target = target.replace(' ', "%20").replace('>', "%3E").replace('<', "%3C");
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        let login = &self.login;
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Reply { status, head: head.to_owned(), body: body.to_owned() })
    }
}
