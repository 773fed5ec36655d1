//! The rules of one request: where it goes, what is put into it, and where records stand in the answer.

use super::{Items, Request};
use crate::remote::rest::pointer::Pointer;
use crate::remote::rest::template::{Template, Var};
use crate::toml_file::error::ProblemKind;
use crate::toml_file::found::Found;
use crate::toml_file::nearest::suggestion;
use crate::toml_file::read::{Item, Table};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION};

/// The keys that every request has.
pub(super) const KEYS: [&str; 5] = ["method", "path", "query", "headers", "body"];

/// Those, and some of its own.
pub(super) fn keys(own: &[&'static str]) -> Vec<&'static str> {
    [&KEYS[..], own].concat()
}

/// What a request may and must have.
pub(super) struct Needs<'n> {
    method: &'static str,
    vars: &'n [Var],
    must: &'n [Var],
    body: Option<&'static str>,
}

impl<'n> Needs<'n> {
    /// With this method, unless another is named, and these placeholders.
    pub(super) fn new(method: &'static str, vars: &'n [Var]) -> Needs<'n> {
        Needs { method, vars, must: &[], body: None }
    }

    /// Which of them must be there.
    pub(super) fn must(self, must: &'n [Var]) -> Needs<'n> {
        Needs { must, ..self }
    }

    /// With this body, unless another is given.
    pub(super) fn body(self, body: &'static str) -> Needs<'n> {
        Needs { body: Some(body), ..self }
    }
}

impl Request {
    /// Whether there is a place for an object's filter.
    pub(in crate::remote::rest) fn takes_filter(&self) -> bool {
        self.filter || self.mentions(Var::Filter)
    }

    /// Whether a placeholder stands anywhere in it.
    pub(in crate::remote::rest) fn mentions(&self, var: Var) -> bool {
        self.path.mentions(var)
            || self.query.iter().any(|(_, value)| value.mentions(var))
            || self.headers.iter().any(|(_, value)| value.mentions(var))
            || self.body.as_ref().is_some_and(|body| body.mentions(var))
    }
}

/// Reads the keys of a request.
pub(super) fn request(table: &Table<'_>, needs: &Needs<'_>, found: &mut Found<'_>) -> Option<Request> {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(|name| (name, name));
    let method = table.optional("method", |item, found| item.choice(&methods, found), found);
    let method = Method::from_bytes(method.unwrap_or(needs.method).as_bytes()).ok()?;
    let path = table.required("path", found).and_then(|item| path(&item, needs.vars, found));
    let mut query = Vec::new();
    for item in table.optional("query", Item::table, found).iter().flat_map(Table::items) {
        query.extend(template(&item, needs.vars, found).map(|value| (item.key().to_owned(), value)));
    }
    let mut headers = Vec::new();
    for item in table.optional("headers", Item::table, found).iter().flat_map(Table::items) {
        let name = header_name(&item, item.key(), found);
        headers.extend(name.zip(template(&item, needs.vars, found)));
    }
    let body = match table.item("body") {
        Some(item) => template(&item, needs.vars, found),
        None => needs.body.and_then(|body| Template::parse(body, needs.vars).ok()),
    };
    let is_whole = body.is_some() == (table.item("body").is_some() || needs.body.is_some());
    let filter = table.optional("filter", |item, found| item.choice(&[("query", true)], found), found);
    let filter = filter.unwrap_or(false);
    let request = Request { method, path: path?, query, headers, body, filter };
    let missing = needs.must.iter().find(|var| !request.mentions(**var));
    if let Some(missing) = missing.filter(|_| is_whole) {
        let message = format!("nothing here has the placeholder `{{{}}}`", missing.name());
        found.problem(ProblemKind::MissingKey, table.at(), message, None);
    }
    Some(request)
}

fn path(item: &Item<'_>, vars: &[Var], found: &mut Found<'_>) -> Option<Template> {
    let text = item.text(found)?;
    if !text.starts_with('/') {
        item.invalid("must begin with `/`: it follows the `url` of the metadata", None, found);
        return None;
    }
    if text.contains(['?', '#']) {
        let help = "parameters are a table: `query = { limit = \"100\" }`".to_owned();
        item.invalid("is more than a path", Some(help), found);
        return None;
    }
    template(item, vars, found)
}

/// A text with placeholders.
pub(super) fn template(item: &Item<'_>, vars: &[Var], found: &mut Found<'_>) -> Option<Template> {
    match Template::parse(item.text(found)?, vars) {
        Ok(template) => Some(template),
        Err(word) => {
            unknown_placeholder(item, word, vars, found);
            None
        }
    }
}

/// Notes a word in braces that means nothing here.
pub(super) fn unknown_placeholder(item: &Item<'_>, word: &str, vars: &[Var], found: &mut Found<'_>) {
    let help = match vars {
        [] => "there are none here".to_owned(),
        _ => suggestion(word, vars.iter().map(|var| var.name())),
    };
    item.invalid(format!("has an unknown placeholder `{{{word}}}`"), Some(help), found);
}

/// The name of a header. One that logs in has no place here.
pub(super) fn header_name(item: &Item<'_>, text: &str, found: &mut Found<'_>) -> Option<HeaderName> {
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(name) if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name) => {
            let help = "logging in is the business of `auth` in the metadata, which keeps secrets".to_owned();
            item.invalid("is no header of a description", Some(help), found);
            None
        }
        Ok(name) => Some(name),
        Err(_) => {
            item.invalid(format!("cannot be: {text:?} is no name of a header"), None, found);
            None
        }
    }
}

/// A place in a document.
pub(super) fn pointer(item: &Item<'_>, found: &mut Found<'_>) -> Option<Pointer> {
    let Some(text) = item.as_text() else {
        item.wrong_type("a JSON pointer in quotes", found);
        return None;
    };
    let pointer = Pointer::parse(text);
    if pointer.is_none() {
        let help = format!("did you mean \"/{}\"? the whole document is \"\"", text.replace('.', "/"));
        item.invalid("is no JSON pointer: it must begin with `/`", Some(help), found);
    }
    pointer
}

/// The place under a key, where there is one.
pub(super) fn optional_pointer(table: &Table<'_>, key: &str, found: &mut Found<'_>) -> Option<Pointer> {
    table.optional(key, pointer, found)
}

/// Where the records of an answer stand.
pub(super) fn items_of(table: &Table<'_>, found: &mut Found<'_>) -> Option<Items> {
    let items = super::read::required_pointer(table, "items", found);
    let record = optional_pointer(table, "record", found).unwrap_or_default();
    Some(Items { items: items?, record })
}
