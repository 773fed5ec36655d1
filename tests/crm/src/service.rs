//! One request from its arrival to its answer: the log, the faults, and the data in between.

use crate::answer::Answer;
use crate::connection::Peer;
use crate::faults::Action;
use crate::query::decode;
use crate::routes::{self, Call};
use crate::{App, Refusal};
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::sync::Arc;

const LARGEST_BODY: usize = 1 << 20;
const PAGE_OF_A_PROXY: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>";

/// Answers a request to the data interface.
pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return respond(Refusal::new(413, "The body is too large.").into(), &[]);
    };
    let mut call = Call {
        method: &head.method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or(""),
        headers: &head.headers,
        body: &body,
        largest_page: usize::MAX,
    };
    let decoded = decoded(&call);
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let sequence = app.log.begin(call.method.as_str(), target, &decoded, &body);
    let actions = app.faults.strike(call.method.as_str(), &decoded);
    let small = actions.iter().filter_map(|action| match action {
        Action::SmallPage(records) => Some(*records),
        _ => None,
    });
    call.largest_page = small.min().unwrap_or(usize::MAX);
    let answer = handle(&app, &peer, &call, &actions).await;
    app.log.end(sequence, (!peer.line.is_closed()).then_some(answer.status));
    respond(answer, &actions)
}

/// The request in plain text, by which faults and tests recognize it.
fn decoded(call: &Call<'_>) -> String {
    let plain = |raw, plus| decode(raw, plus).unwrap_or_else(|_| raw.to_owned());
    let path = plain(call.path, false);
    if call.query.is_empty() { path } else { format!("{path}?{}", plain(call.query, true)) }
}

async fn handle(app: &App, peer: &Peer, call: &Call<'_>, actions: &[Action]) -> Answer {
    if !app.config.latency.is_zero() {
        tokio::time::sleep(app.config.latency).await;
    }
    let subject = routes::addressed(call.path);
    let mut instead = None;
    for action in actions {
        match action {
            Action::Delay(time) => tokio::time::sleep(*time).await,
            Action::Before(change) => {
                if let Err(refusal) = change.apply(&app.store, subject.as_deref()) {
                    return hook_failed(&refusal);
                }
            }
            Action::Status(status, body) => instead = Some(other(*status, body)),
            Action::Garbage => {
                instead = Some(Answer::raw(200, "application/json", *b"{\"items\": [\xff\x00 oops"));
            }
            Action::Html => instead = Some(Answer::raw(200, "text/html", PAGE_OF_A_PROXY)),
            Action::DropBefore => {
                peer.line.close();
                instead = Some(Answer::deleted());
            }
            _ => {}
        }
    }
    let mut answer = instead.unwrap_or_else(|| routes::answer(app, call));
    let subject = answer.written.clone().or(subject);
    for action in actions {
        match action {
            Action::After(change) => {
                if let Err(refusal) = change.apply(&app.store, subject.as_deref()) {
                    return hook_failed(&refusal);
                }
            }
            Action::DelayAfter(time) => tokio::time::sleep(*time).await,
            Action::StatusAfter(status, body) => answer = other(*status, body),
            Action::DropAfter => peer.line.close(),
            Action::TruncateBody => peer.line.cut(),
            Action::WrongTotal(off) => {
                let wrong = |total: usize| total.saturating_add_signed(*off as isize);
                answer.total = answer.total.map(wrong);
            }
            Action::NoTotal => answer.total = None,
            _ => {}
        }
    }
    answer
}

fn other(status: u16, body: &str) -> Answer {
    Answer::raw(status, "application/json", body)
}

/// A fault that does not do what its test relies on has to show.
fn hook_failed(refusal: &Refusal) -> Answer {
    Refusal::new(599, format!("The change that a fault asked for failed: {refusal}")).into()
}

fn respond(answer: Answer, actions: &[Action]) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if answer.status != 204 {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.media_type));
    }
    if answer.status == 401 {
        let realm = HeaderValue::from_static("Basic realm=\"Siebel\"");
        headers.insert(header::WWW_AUTHENTICATE, realm);
    }
    if let Some(total) = answer.total {
        headers.insert(HeaderName::from_static("total-record-count"), total.into());
    }
    for action in actions {
        if let Action::Header(name, value) = action
            && let Ok(name) = name.parse::<HeaderName>()
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    }
    response
}
