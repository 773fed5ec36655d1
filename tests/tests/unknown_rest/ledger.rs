//! The odd server: a ledger of rows, in memory.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tests::{Json, json};

/// Rows by their number, and what the server is about to do wrong.
#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<u64, Json>,
    last: u64,
    /// Seconds; each write is one later.
    clock: u64,
    /// Somebody else's edit, right before the next write.
    edit: Option<(u64, Json)>,
    /// Listings go on for ever, with pages of so many rows that there are not.
    endless: Option<u64>,
    asked: Vec<String>,
}

/// A running server, which ends with this value.
pub(crate) struct Ledger {
    state: Arc<Mutex<State>>,
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Ledger {
    pub(crate) fn start() -> Ledger {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::new(Mutex::new(State { clock: 1_700_000_000, ..State::default() }));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&state);
        let serve = move |request: Request| {
            let state = Arc::clone(&shared);
            async move {
                let (head, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let body = serde_json_of(&body);
                let login = head.headers.get("authorization").is_some();
                let mut state = state.lock().unwrap();
                let (status, answer) = match login {
                    true => state.answer(head.method.as_str(), head.uri.path(), &body),
                    false => (401, json!({ "ok": false, "why": "who are you?" })),
                };
                let response = Response::builder().status(status).header("content-type", "application/json");
                response.body(Body::from(answer.to_string())).unwrap()
            }
        };
        runtime.spawn(axum::serve(listener, Router::new().fallback(serve)).into_future());
        Ledger { state, port, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    /// Adds a row with this body; its number.
    pub(crate) fn add(&self, body: Json) -> u64 {
        self.state.lock().unwrap().add(body)
    }

    /// The body of a row, null if there is none.
    pub(crate) fn body(&self, number: u64) -> Json {
        self.state.lock().unwrap().rows.get(&number).map_or(Json::Null, |row| row["body"].clone())
    }

    /// All bodies.
    pub(crate) fn bodies(&self) -> Vec<Json> {
        self.state
            .lock()
            .unwrap()
            .rows
            .values()
            .map(|row| row["body"].clone())
            .filter(|it| !it.is_null())
            .collect()
    }

    /// Changes fields of a row as another user does.
    pub(crate) fn edit(&self, number: u64, fields: &Json) {
        self.state.lock().unwrap().set(number, fields);
    }

    /// The same, right before the next write.
    pub(crate) fn edit_before_the_next_write(&self, number: u64, fields: Json) {
        self.state.lock().unwrap().edit = Some((number, fields));
    }

    /// Makes listings go on for ever, with pages of so many rows.
    pub(crate) fn list_without_end(&self, rows: u64) {
        self.state.lock().unwrap().endless = Some(rows);
    }

    /// Leaves of a row that it was there.
    pub(crate) fn kill(&self, number: u64) {
        self.state.lock().unwrap().kill(number);
    }

    /// Method, path and body of the requests so far that write.
    pub(crate) fn writes(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let is_write = |line: &&String| ["/new/", "/set/", "/drop/"].iter().any(|it| line.contains(it));
        state.asked.iter().filter(is_write).cloned().collect()
    }
}

fn serde_json_of(body: &[u8]) -> Json {
    std::str::from_utf8(body).unwrap().parse().unwrap_or(Json::Null)
}

impl State {
    fn add(&mut self, body: Json) -> u64 {
        self.last += 1;
        self.clock += 1;
        let mut row = json!({ "ref": self.last, "rev": 1, "touched": self.clock, "body": body });
        row["body"]["number"] = json!(format!("L-{:04}", self.last));
        self.rows.insert(self.last, row);
        self.last
    }

    fn set(&mut self, number: u64, fields: &Json) {
        self.clock += 1;
        let Some(row) = self.rows.get_mut(&number) else { return };
        row["rev"] = json!(row["rev"].as_u64().unwrap() + 1);
        row["touched"] = json!(self.clock);
        merge(&mut row["body"], fields);
    }

    fn kill(&mut self, number: u64) {
        self.rows.insert(number, json!({ "ref": number, "dead": true }));
    }

    fn answer(&mut self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        self.asked.push(format!("{method} {path} {body}"));
        let steps: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        let number = steps.get(2).and_then(|step| step.parse().ok()).unwrap_or(0);
        if ["new", "set", "drop"].contains(&steps[0])
            && let Some((number, fields)) = self.edit.take()
        {
            self.set(number, &fields);
        }
        let alive = self.rows.get(&number).filter(|row| row["dead"].is_null()).cloned();
        let no_row = || (200, json!({ "ok": false, "code": "NO-ROW", "why": "there is no such row" }));
        match steps[0] {
            "size" => {
                let size = self.rows.values().filter(|row| row["dead"].is_null()).count();
                (200, json!({ "ok": true, "size": size }))
            }
            "list" => {
                let after = body["after"]
                    .as_str()
                    .map_or(0, |mark| mark.trim_start_matches("after ").parse().unwrap());
                if let Some(rows) = self.endless {
                    let row = |number| json!({ "ref": number, "rev": 1, "touched": self.clock, "body": {} });
                    let page: Vec<Json> = (after + 1..=after + rows).map(row).collect();
                    let bookmark = format!("after {}", after + rows.max(1));
                    return (200, json!({ "ok": true, "page": { "rows": page, "bookmark": bookmark } }));
                }
                let max = usize::try_from(body["max"].as_u64().unwrap()).unwrap();
                let page: Vec<&Json> = self.rows.range(after + 1..).take(max).map(|(_, row)| row).collect();
                let last = page.last().map_or(after, |row| row["ref"].as_u64().unwrap());
                let bookmark = self.rows.range(last + 1..).next().map(|_| format!("after {last}"));
                (200, json!({ "ok": true, "page": { "rows": page, "bookmark": bookmark } }))
            }
            "one" => alive.map_or_else(no_row, |row| (200, json!({ "ok": true, "row": row }))),
            "find" => {
                let wanted = &body["where"][0];
                let fits = |row: &&Json| row["body"][wanted[0].as_str().unwrap()] == wanted[2];
                let rows: Vec<&Json> = self.rows.values().filter(fits).collect();
                (200, json!({ "ok": true, "rows": rows }))
            }
            "new" | "set" if body["row"]["body"]["title"] == "no" || body["set"]["body"]["title"] == "no" => {
                (200, json!({ "ok": false, "code": "TITLE", "why": "no is no title" }))
            }
            "new" => (200, json!({ "ok": true, "ref": self.add(body["row"]["body"].clone()) })),
            "set" | "drop" => match alive {
                None => no_row(),
                Some(row) if row["rev"] != body["rev"] => {
                    (409, json!({ "ok": false, "code": "STALE", "why": "another revision" }))
                }
                Some(_) if steps[0] == "drop" => {
                    self.kill(number);
                    (200, json!({ "ok": true }))
                }
                Some(_) => {
                    self.set(number, &body["set"]["body"]);
                    (200, json!({ "ok": true }))
                }
            },
            _ => (404, json!({ "ok": false, "why": "what?" })),
        }
    }
}

/// Null removes.
fn merge(into: &mut Json, fields: &Json) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        match value {
            Json::Null => {
                into.as_object_mut().unwrap().remove(name);
            }
            Json::Object(_) if into[name].is_object() => merge(&mut into[name], value),
            _ => into[name] = value.clone(),
        }
    }
}
