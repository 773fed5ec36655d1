//! A server that answers as a test tells it to, and remembers what it was asked.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use host::remote::Settings;
use host::remote::rest::Rest;
use host::remote::rest::description::Description;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_core::object::{Descriptor, Field, Object, Resource, Traits};
use sync_core::value::Kind;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    /// `METHOD target`, and the body after it.
    pub(crate) fn line(&self) -> String {
        format!("{} {} {}", self.method, self.target, self.body).trim_end().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the query, as it was sent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// This status and body.
pub(crate) fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

/// Success with this body.
pub(crate) fn ok(body: impl Into<String>) -> Answer {
    answer(200, body)
}

impl Answer {
    /// With a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// A server on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts it; it ends with the test.
    pub(crate) async fn start(answers: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answers) = (Arc::clone(&asked), Arc::new(answers));
        let serve = move |request: Request| {
            let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
            async move {
                let (head, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let asked = Asked {
                    method: head.method.to_string(),
                    target: head.uri.to_string(),
                    headers: head.headers,
                    body: String::from_utf8(body.to_vec()).unwrap(),
                };
                let answer = answers(&asked);
                log.lock().unwrap().push(asked);
                let mut response = Response::builder().status(answer.status);
                if !answer.headers.iter().any(|(name, _)| *name == "content-type") {
                    response = response.header("content-type", "application/json");
                }
                for (name, value) in answer.headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(answer.body)).unwrap()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, Router::new().fallback(serve)).into_future());
        Server { url, asked }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The same, as lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }

    /// The adapter for it.
    pub(crate) fn rest(&self, description: &str) -> Rest {
        let described = Description::parse(Path::new("server.toml"), description);
        self.described(described.unwrap_or_else(|error| panic!("{}", error.plain())))
    }

    /// The adapter for it, by a description that was read.
    pub(crate) fn described(&self, description: Description) -> Rest {
        let settings = Settings::new(self.url.parse().unwrap())
            .bearer("hunter2")
            .patience(Duration::from_millis(400), Duration::from_millis(300));
        Rest::new(settings, description).unwrap()
    }
}

/// An object `thing` with the id `id`, the stamp `updated`, and these fields; the first is the user key.
pub(crate) fn thing(version: Option<&str>, fields: &[(&str, Kind)]) -> Object {
    object("things", "id", "updated", version, fields)
}

pub(crate) fn object(
    path: &str,
    id: &str,
    updated: &str,
    version: Option<&str>,
    fields: &[(&str, Kind)],
) -> Object {
    let field = |(name, kind): &(&str, Kind)| {
        let computed = *name == "number";
        let traits = Traits { computed, read_only: computed, ..Traits::default() };
        Field { name: (*name).into(), kind: kind.clone(), traits }
    };
    let remote: Vec<Field> = fields.iter().map(field).collect();
    let column = |name: &str| name.trim_start_matches('/').replace(['/', ' '], "_").to_lowercase();
    let local = remote.iter().map(|field| Field { name: column(&field.name), ..field.clone() }).collect();
    let resource = Resource {
        path: path.into(),
        id: id.into(),
        updated: updated.into(),
        version: version.map(str::to_owned),
        created: None,
    };
    let user_keys = vec![vec![fields[0].0.into()]];
    Descriptor { name: "thing".into(), mapping_version: 1, local, remote, resource, user_keys }
        .try_into()
        .unwrap()
}
