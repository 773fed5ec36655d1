//! The rules of `paging`.

use super::Request;
use super::read::required_pointer;
use super::request::{header_name, optional_pointer};
use crate::remote::rest::paging::{End, Paging, Start};
use crate::remote::rest::template::Var;
use crate::toml_file::error::ProblemKind;
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};

const KINDS: [&str; 8] = ["none", "page", "offset", "last-id", "cursor", "link", "next-url", "header"];

/// One page, and no placeholder.
pub(super) fn none() -> (Paging, Option<Var>) {
    (Paging::None, None)
}

/// Reads `paging`, and tells by which placeholder a page is asked for.
pub(super) fn paging(table: &Table<'_>, found: &mut Found<'_>) -> Option<(Paging, Option<Var>)> {
    let kinds = KINDS.map(|kind| (kind, kind));
    let kind = table.required("kind", found).and_then(|item| item.choice(&kinds, found))?;
    let own: &[&str] = match kind {
        "page" => &["parameter", "first", "more", "full"],
        "offset" | "last-id" => &["parameter", "more", "full"],
        "cursor" => &["parameter", "next", "more"],
        "next-url" => &["next"],
        "header" => &["name"],
        _ => &[],
    };
    table.only_known(&[&["kind"], own].concat(), found);
    let parameter = table.optional_text("parameter", found);
    let end = End {
        more: optional_pointer(table, "more", found),
        full: table.optional("full", |item, found| item.integer(1..=1_000_000, found), found),
    };
    Some(match kind {
        "page" => {
            let first = table.optional("first", |item, found| item.integer(0..=1, found), found);
            (Paging::Numbered { start: Start::Page(first.unwrap_or(1)), parameter, end }, Some(Var::Page))
        }
        "offset" => (Paging::Numbered { start: Start::Offset, parameter, end }, Some(Var::Offset)),
        "last-id" => (Paging::LastId { parameter, end }, Some(Var::Cursor)),
        "cursor" => {
            let next = required_pointer(table, "next", found)?;
            (Paging::Cursor { next, parameter, more: end.more }, Some(Var::Cursor))
        }
        "link" => (Paging::Link, None),
        "next-url" => (Paging::NextUrl(required_pointer(table, "next", found)?), None),
        "header" => {
            let item: Item<'_> = table.required("name", found)?;
            (Paging::Header(header_name(&item, item.text(found)?, found)?), None)
        }
        _ => none(),
    })
}

/// A page must be asked for somehow, and in one way.
pub(super) fn check(request: &Request, var: Var, paging: &Paging, table: &Table<'_>, found: &mut Found<'_>) {
    let name = var.name();
    let message = match (paging.parameter(), request.mentions(var)) {
        (None, false) => format!("nothing asks for the next page: neither `parameter` nor `{{{name}}}`"),
        (Some(_), true) => format!("the next page is asked for twice: by `parameter` and by `{{{name}}}`"),
        _ => return,
    };
    found.problem(ProblemKind::MissingKey, table.at(), message, None);
}
