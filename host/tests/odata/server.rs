//! A small OData server that answers what a test wants, and remembers what it was asked.

use axum::body::Body;
use axum::http::{Request, Response};
use host::remote::Settings;
use host::remote::odata::Odata;
use serde_json::{Value as Json, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is described in `$metadata`.
const METADATA: &str = include_str!("metadata.xml");

/// One request, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Below the service root.
    pub(crate) path: String,
    /// As it was sent.
    pub(crate) raw_query: String,
    /// Percent-decoded; a `+` is a plus sign.
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn json(body: impl Into<String>) -> Answer {
        Answer::status(200).body(body).header("content-type", "application/json")
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
        Answer { status, ..Answer::json(body) }
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Answer {
        self.body = body.into();
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// The answer to a `$batch`: what `inner` answers to each of its requests, the last first. Where it answers nothing,
/// nothing is said of that request.
pub(crate) fn batch(asked: &Asked, mut inner: impl FnMut(&Asked) -> Option<Answer>) -> Answer {
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "$batch"));
    let told = |request: &Json| {
        let answer = inner(&inside(request))?;
        let headers: serde_json::Map<String, Json> =
            answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let body = serde_json::from_str(&answer.body).unwrap_or(Json::String(answer.body));
        Some(json!({ "id": request["id"], "status": answer.status, "headers": headers, "body": body }))
    };
    let mut responses: Vec<Json> = requests(asked).iter().filter_map(told).collect();
    responses.reverse();
    Answer::json(json!({ "responses": responses }).to_string())
}

/// The requests in a batch.
pub(crate) fn requests(asked: &Asked) -> Vec<Json> {
    let body: Json = serde_json::from_str(&asked.body).unwrap();
    body["requests"].as_array().unwrap().clone()
}

/// A request in a batch, as if it had come alone.
pub(crate) fn inside(request: &Json) -> Asked {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let url = text(&request["url"]);
    let (path, raw_query) = url.split_once('?').unwrap_or((&url, ""));
    let headers = request["headers"].as_object().unwrap().iter();
    Asked {
        method: text(&request["method"]),
        path: decoded(path),
        query: decoded(raw_query),
        raw_query: raw_query.to_owned(),
        headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
        body: request.get("body").map(Json::to_string).unwrap_or_default(),
    }
}

type Handler = Box<dyn FnMut(&Asked) -> Answer + Send>;

/// A running server; it ends with the test.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    handler: Arc<Mutex<Handler>>,
}

impl Server {
    /// Starts a server that answers the service document and `$metadata` by itself, and the rest by `handler`.
    pub(crate) async fn start(handler: impl FnMut(&Asked) -> Answer + Send + 'static) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            handler: Arc::new(Mutex::new(Box::new(handler))),
        };
        let serving = server.clone();
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let server = serving.clone();
            async move { server.answer(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// Answers otherwise from now on, and forgets what it was asked.
    pub(crate) fn now(&self, handler: impl FnMut(&Asked) -> Answer + Send + 'static) {
        *self.handler.lock().unwrap() = Box::new(handler);
        self.asked.lock().unwrap().clear();
    }

    /// What was asked, but for the service document and `$metadata`.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn remote(&self) -> Odata {
        let settings = Settings::new(format!("{}/odata", self.origin).parse().unwrap())
            .basic("sync", "s3cret-pass")
            .patience(Duration::from_millis(500), Duration::from_millis(300));
        Odata::new(settings).unwrap()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let raw_query = head.uri.query().unwrap_or_default().to_owned();
        let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let path = decoded(head.uri.path());
        let asked = Asked {
            method: head.method.to_string(),
            path: path.strip_prefix("/odata/").unwrap_or(&path).to_owned(),
            query: decoded(&raw_query),
            raw_query,
            headers: head.headers.iter().map(header).collect(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        let answer = match asked.path.as_str() {
            "" => {
                let sets = r#"{"@odata.context":"$metadata","value":[{"name":"Things","url":"Things"}]}"#;
                match asked.header("x-csrf-token") {
                    Some("Fetch") => Answer::json(sets)
                        .header("x-csrf-token", "t1")
                        .header("set-cookie", "a=1; path=/; HttpOnly")
                        .header("set-cookie", "b=2"),
                    _ => Answer::json(sets),
                }
            }
            "$metadata" => Answer::status(200).body(METADATA).header("content-type", "application/xml"),
            _ => {
                self.asked.lock().unwrap().push(asked.clone());
                (self.handler.lock().unwrap())(&asked)
            }
        };
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(answer.body)).unwrap()
    }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
