//! The same control over the server as the library gives, over HTTP: `/admin/…`.
//!
//! There is no login, and only this machine is listened to.

use crate::clock::Clock;
use crate::connection::Peer;
use crate::faults::{Fault, borrowed};
use crate::handle::Fields;
use crate::log::Request;
use crate::record::Visibility;
use crate::schema::resource;
use crate::seed::Seed;
use crate::{App, Refusal};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type Shared = State<Arc<App>>;
type Done = Result<StatusCode, Refusal>;

/// The routes, to be mounted at the root.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/seed", post(seed))
        .route("/admin/requests", get(requests).delete(clear_requests))
        .route("/admin/faults", post(fault).delete(clear_faults))
        .route("/admin/clock", get(time).post(clock))
        .route("/admin/records/{object}/{component}", get(list).post(insert))
        .route("/admin/records/{object}/{component}/{id}", get(one).put(update).delete(delete))
        .layer(from_fn(only_this_machine))
}

async fn only_this_machine(
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    if peer.address.ip().to_canonical().is_loopback() {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Json(json!({ "ERROR": self.message }))).into_response()
    }
}

async fn seed(State(app): Shared, Json(seed): Json<Seed>) -> StatusCode {
    app.store.seed(seed);
    StatusCode::NO_CONTENT
}

async fn requests(State(app): Shared) -> Json<Vec<Request>> {
    Json(app.log.requests())
}

async fn clear_requests(State(app): Shared) -> StatusCode {
    app.log.clear();
    StatusCode::NO_CONTENT
}

async fn fault(State(app): Shared, Json(fault): Json<Fault>) -> StatusCode {
    app.faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(app): Shared) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

/// How the clock is to be set.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Setting {
    /// To stand still at a stamp.
    Fixed(String),
    /// Forward by a number of seconds.
    Advance(i64),
    /// To the machine's clock.
    Real,
}

async fn time(State(app): Shared) -> Json<Value> {
    Json(json!({ "now": app.store.now() }))
}

async fn clock(State(app): Shared, Json(setting): Json<Setting>) -> Result<Json<Value>, Refusal> {
    match setting {
        Setting::Fixed(stamp) => {
            let wrong = || Refusal::new(400, format!("'{stamp}' is not MM/DD/YYYY HH:MM:SS."));
            app.store.set_clock(Clock::at(&stamp).ok_or_else(wrong)?);
        }
        Setting::Advance(seconds) => app.store.advance(seconds),
        Setting::Real => app.store.set_clock(Clock::Real),
    }
    Ok(Json(json!({ "now": app.store.now() })))
}

/// Who is to see a record; not a field, so it goes into the query.
#[derive(Deserialize)]
struct Seen {
    visibility: Option<Visibility>,
}

fn component<'a>(object: &str, name: &'a str) -> Result<&'a str, Refusal> {
    resource(object, name).map(|_| name).ok_or_else(|| Refusal::no_resource(name))
}

async fn list(
    State(app): Shared,
    Path((object, name)): Path<(String, String)>,
) -> Result<Json<Vec<Fields>>, Refusal> {
    Ok(Json(app.store.list(component(&object, &name)?)))
}

async fn insert(
    State(app): Shared,
    Path((object, name)): Path<(String, String)>,
    Query(seen): Query<Seen>,
    Json(fields): Json<Fields>,
) -> Result<Json<Value>, Refusal> {
    let name = component(&object, &name)?;
    let visibility = seen.visibility.unwrap_or_default();
    let id = app.store.insert_visible(name, visibility, &borrowed(&fields))?;
    Ok(Json(json!({ "Id": id })))
}

type One = Path<(String, String, String)>;

async fn one(State(app): Shared, Path((object, name, id)): One) -> Result<Json<Fields>, Refusal> {
    let record = app.store.get(component(&object, &name)?, &id);
    record.map(Json).ok_or_else(Refusal::no_data)
}

async fn update(
    State(app): Shared,
    Path((object, name, id)): One,
    Query(seen): Query<Seen>,
    Json(fields): Json<Fields>,
) -> Done {
    let name = component(&object, &name)?;
    if let Some(visibility) = seen.visibility {
        app.store.set_visibility(name, &id, visibility)?;
    }
    // Without a field it is only about who sees the record, which is no edit.
    if !fields.is_empty() || seen.visibility.is_none() {
        app.store.update(name, &id, &borrowed(&fields))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(State(app): Shared, Path((object, name, id)): One) -> Done {
    app.store.delete(component(&object, &name)?, &id)?;
    Ok(StatusCode::NO_CONTENT)
}
