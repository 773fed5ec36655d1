//! The rules of `[errors]`.

use super::request::pointer;
use super::{Errors, Means, On, Rule};
use crate::remote::rest::pointer::Pointer;
use crate::toml_file::error::ProblemKind;
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};

const ON: [(&str, On); 4] =
    [("read", On::Read), ("insert", On::Insert), ("update", On::Update), ("delete", On::Delete)];
const MEANS: [(&str, Means); 6] = [
    ("moved", Means::Moved),
    ("gone", Means::Gone),
    ("refused", Means::Refused),
    ("unknown", Means::Unknown),
    ("login", Means::Login),
    ("expired", Means::Expired),
];

/// Reads `[errors]`.
pub(super) fn errors(table: &Table<'_>, found: &mut Found<'_>) -> Errors {
    table.only_known(&["message", "code", "rules"], found);
    let message = several(table, "message", pointer, found);
    let code = several(table, "code", pointer, found);
    let mut rules = Vec::new();
    for item in table.optional("rules", Item::list, found).iter().flatten() {
        rules.extend(item.table(found).and_then(|table| rule(&table, item, found)));
    }
    Errors { message, code, rules }
}

/// One value, or a list of them.
pub(super) fn several<T>(
    table: &Table<'_>,
    key: &str,
    read: impl Fn(&Item<'_>, &mut Found<'_>) -> Option<T>,
    found: &mut Found<'_>,
) -> Vec<T> {
    let Some(item) = table.item(key) else { return Vec::new() };
    match item.as_list() {
        Some(all) => all.iter().filter_map(|one| read(one, found)).collect(),
        None => read(&item, found).into_iter().collect(),
    }
}

/// A status.
pub(super) fn status(item: &Item<'_>, found: &mut Found<'_>) -> Option<u16> {
    item.integer(200..=599, found).and_then(|status| u16::try_from(status).ok())
}

fn rule(table: &Table<'_>, whole: &Item<'_>, found: &mut Found<'_>) -> Option<Rule> {
    table.only_known(&["on", "status", "at", "is", "means"], found);
    let on = several(table, "on", |item, found| item.choice(&ON, found), found);
    let status = several(table, "status", status, found);
    let at: Option<Pointer> = table.optional("at", pointer, found);
    let is = table.optional("is", scalar, found);
    let means = table.required("means", found).and_then(|item| item.choice(&MEANS, found));
    if table.item("at").is_none() && is.is_some() {
        let message = "`is` says what must stand `at` a place, and there is none".to_owned();
        found.problem(ProblemKind::MissingKey, whole.at(), message, None);
    }
    if table.item("at").is_none() && table.item("status").is_none() {
        let message = "a rule that fits every answer".to_owned();
        let help = "name a `status`, or what stands `at` a place".to_owned();
        found.problem(ProblemKind::MissingKey, whole.at(), message, Some(help));
    }
    Some(Rule { on, status, at: at.map(|at| (at, is)), means: means? })
}

/// A text, number or boolean, as text.
fn scalar(item: &Item<'_>, found: &mut Found<'_>) -> Option<String> {
    if let Some(text) = item.as_text() {
        return Some(text.to_owned());
    }
    if let Some(yes) = item.as_boolean() {
        return Some(yes.to_string());
    }
    item.signed(found).map(|number| number.to_string())
}
