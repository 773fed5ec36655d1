//! The data interface: `/siebel/v1.0/data/{Business Object}/{Business Component}[/{Id}]`.

use crate::answer::{Answer, Shape};
use crate::handle::Fields;
use crate::query::{Query, decode};
use crate::schema::{Component, resource};
use crate::store::Writer;
use crate::{App, Refusal, faults::borrowed, plan};
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The longest URL, host and all.
const LONGEST_URL: usize = 8_192;

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Records that a page has at most.
    pub(crate) largest_page: usize,
}

/// What a URL addresses.
struct Target {
    component: &'static Component,
    id: Option<String>,
}

/// Carries a request out.
pub(crate) fn answer(app: &App, call: &Call<'_>) -> Answer {
    match carry_out(app, call) {
        Ok(answer) => answer,
        Err(refusal) => refusal.into(),
    }
}

/// The id in the URL, if there is one.
pub(crate) fn addressed(path: &str) -> Option<String> {
    target(path).ok()?.id
}

fn carry_out(app: &App, call: &Call<'_>) -> Result<Answer, Refusal> {
    if app.origin.len() + call.path.len() + "?".len() + call.query.len() > LONGEST_URL {
        return Err(Refusal::new(414, "Request-URI Too Long"));
    }
    authorize(app, call.headers)?;
    acceptable(call.headers)?;
    let Target { component, id } = target(call.path)?;
    let mut query = Query::parse(component, call.query)?;
    query.size = query.size.min(call.largest_page);
    let shape = Shape::new(&app.base, component, &query);
    let mut data = app.store.lock();
    match (call.method, id) {
        (&Method::GET, None) => {
            let page = plan::run(data.table(component.name)?, &query)?;
            Ok(Answer::page(&shape, page, query.uniform))
        }
        (&Method::GET, Some(id)) => {
            let record = data.table(component.name)?.get(&id);
            let visible = record.filter(|record| record.visibility <= query.view);
            visible.map(|record| Answer::record(&shape, record)).ok_or_else(Refusal::no_data)
        }
        (&Method::POST, None) => {
            let fields = fields(call)?;
            let id = data.insert(Writer::Client, component.name, None, &borrowed(&fields))?;
            Ok(Answer::written(&shape, id))
        }
        (&Method::PUT, Some(id)) => {
            let fields = fields(call)?;
            data.upsert(Writer::Client, component.name, &id, &borrowed(&fields))?;
            Ok(Answer::written(&shape, id))
        }
        (&Method::DELETE, Some(id)) => data.delete(component.name, &id).map(|()| Answer::deleted()),
        _ => Err(Refusal::new(405, format!("Method {} is not allowed here.", call.method))),
    }
}

fn target(path: &str) -> Result<Target, Refusal> {
    let unknown = || Refusal::no_resource(path);
    let rest = path.strip_prefix("/siebel/v1.0/data/").ok_or_else(unknown)?;
    let parts: Vec<String> = rest.split('/').map(|part| decode(part, false)).collect::<Result<_, _>>()?;
    match parts.as_slice() {
        [object, name, rest @ ..] if rest.len() < 2 => {
            let component = resource(object, name).ok_or_else(unknown)?;
            let id = rest.first().filter(|id| !id.is_empty()).cloned();
            Ok(Target { component, id })
        }
        _ => Err(unknown()),
    }
}

fn authorize(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, secret) = given.and_then(|value| value.split_once(' ')).unwrap_or_default();
    let secret = secret.trim();
    let known = if scheme.eq_ignore_ascii_case("Basic") {
        let login = format!("{}:{}", app.config.username, app.config.password);
        secret == BASE64_STANDARD.encode(login)
    } else {
        scheme.eq_ignore_ascii_case("Bearer") && app.config.token.as_deref() == Some(secret)
    };
    if known {
        Ok(())
    } else {
        let message = "SBL-UIF-00272: The user ID or password that you entered is incorrect.";
        Err(Refusal::new(401, message))
    }
}

fn acceptable(headers: &HeaderMap) -> Result<(), Refusal> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let json = |range: &str| {
        let range = range.split(';').next().unwrap_or("").trim();
        matches!(range, "*/*" | "application/*" | "application/json")
    };
    match accept {
        Some(accept) if !accept.split(',').any(json) => {
            Err(Refusal::new(406, "Only application/json can be answered."))
        }
        _ => Ok(()),
    }
}

/// The body of a write: an object whose values are all text.
fn fields(call: &Call<'_>) -> Result<Fields, Refusal> {
    let media = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or("").trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(415, "Only application/json can be read."));
    }
    serde_json::from_slice(call.body).map_err(|error| {
        if error.is_data() {
            Refusal::data(format!("SBL-EAI-04316: Every value has to be text: {error}."))
        } else {
            Refusal::new(400, format!("SBL-EAI-04116: The body is no JSON: {error}."))
        }
    })
}
