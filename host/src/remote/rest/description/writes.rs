//! The rules of what is written: `[insert]`, `[update]`, `[delete]` and `[lock]`.

use super::request::{self, Needs, header_name, optional_pointer, template};
use super::{Lock, LockKind, Write};
use crate::remote::rest::pointer::Pointer;
use crate::remote::rest::template::Var;
use crate::toml_file::error::ProblemKind;
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};
use reqwest::header::IF_MATCH;

/// Reads `[insert]`.
pub(super) fn insert(table: &Table<'_>, found: &mut Found<'_>) -> Option<Write> {
    table.only_known(&request::keys(&["record", "complete", "id", "location"]), found);
    let needs = Needs::new("POST", &[Var::Resource, Var::Record, Var::Fields]).must(&[Var::Record]);
    let request = request::request(table, &needs.body("{record}"), found);
    let (record, id) = (optional_pointer(table, "record", found), optional_pointer(table, "id", found));
    let location = table.optional("location", Item::boolean, found).unwrap_or(false);
    if record.is_none() && id.is_none() && !location {
        let message = "`insert` does not say where the id of the new record stands".to_owned();
        let help = "`record = \"/data\"`, `id = \"/id\"`, or `location = true`".to_owned();
        found.problem(ProblemKind::MissingKey, table.at(), message, Some(help));
    }
    let complete = complete(table, record.as_ref(), found);
    Some(Write { request: request?, record, complete, id, location })
}

/// Reads `[update]`.
pub(super) fn update(table: &Table<'_>, found: &mut Found<'_>) -> Option<Write> {
    table.only_known(&request::keys(&["record", "complete"]), found);
    let vars = [Var::Resource, Var::Id, Var::Record, Var::Version, Var::Updated, Var::Fields];
    let needs = Needs::new("PATCH", &vars).must(&[Var::Id, Var::Record]);
    let request = request::request(table, &needs.body("{record}"), found);
    let record = optional_pointer(table, "record", found);
    let complete = complete(table, record.as_ref(), found);
    Some(Write { request: request?, record, complete, id: None, location: false })
}

fn complete(table: &Table<'_>, record: Option<&Pointer>, found: &mut Found<'_>) -> bool {
    table.optional("complete", Item::boolean, found).unwrap_or(true) && record.is_some()
}

/// Reads `[delete]`.
pub(super) fn delete(table: &Table<'_>, found: &mut Found<'_>) -> Option<Write> {
    table.only_known(&request::KEYS, found);
    let needs = Needs::new("DELETE", &[Var::Resource, Var::Id, Var::Version, Var::Updated]).must(&[Var::Id]);
    let request = request::request(table, &needs, found)?;
    Some(Write { request, record: None, complete: false, id: None, location: false })
}

/// Reads `[lock]`.
pub(super) fn lock(table: &Table<'_>, found: &mut Found<'_>) -> Option<Lock> {
    table.only_known(&["kind", "header", "value", "deletes"], found);
    let kinds = ["if-match", "field", "read-compare"].map(|kind| (kind, kind));
    let kind = table.required("kind", found).and_then(|item| item.choice(&kinds, found))?;
    if kind != "if-match" {
        table.refuse(&["header", "value"], "goes with `kind = \"if-match\"`", found);
    }
    let kind = match kind {
        "if-match" => {
            let header = table.item("header").and_then(|item| header_name(&item, item.as_text()?, found));
            let vars = [Var::Version, Var::Updated, Var::Etag];
            let value = table.required("value", found).and_then(|item| {
                let value = template(&item, &vars, found)?;
                if !vars.iter().any(|var| value.mentions(*var)) {
                    let help = "`value = '\"{updated}\"'`, `\"{version}\"` or `\"{etag}\"`".to_owned();
                    item.invalid("is the same for all versions", Some(help), found);
                }
                Some(value)
            });
            LockKind::IfMatch { header: header.unwrap_or(IF_MATCH), value: value? }
        }
        "field" => LockKind::Field,
        _ => LockKind::ReadCompare,
    };
    let unguarded =
        table.optional("deletes", |item, found| item.choice(&[("read-compare", false)], found), found);
    Some(Lock { kind, deletes: unguarded.unwrap_or(true) })
}

/// What a lock needs of other sections.
pub(super) fn check_lock(root: &Table<'_>, lock: &Lock, delete: Option<&Write>, found: &mut Found<'_>) {
    let Some(item) = root.item("lock") else { return };
    let problem = |message: &str, help: &str, found: &mut Found<'_>| {
        found.problem(ProblemKind::MissingKey, item.key_at(), message.to_owned(), Some(help.to_owned()));
    };
    match &lock.kind {
        LockKind::IfMatch { value, .. } if value.mentions(Var::Etag) && root.item("get").is_none() => {
            problem("`{etag}` is the header of a `[get]`, and there is none", "add `[get]`", found);
        }
        LockKind::Field if lock.deletes => {
            let sent =
                |write: &Write| write.request.mentions(Var::Version) || write.request.mentions(Var::Updated);
            if delete.is_some_and(|delete| !sent(delete)) {
                let message = "nothing guards deletes: `[delete]` sends neither `{version}` nor `{updated}`";
                let help = "put one into its `query` or `body`, or say `deletes = \"read-compare\"`";
                problem(message, help, found);
            }
        }
        _ => {}
    }
}
