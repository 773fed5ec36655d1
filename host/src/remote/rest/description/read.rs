//! The rules of the whole description.

use super::{Count, Description, Find, Get, GetMany, List, Lock, LockKind, Place, Shape};
use super::{changes, errors, paging, request, values, writes};
use crate::remote::rest::pointer::Pointer;
use crate::remote::rest::template::{Template, Var};
use crate::toml_file::error::{MetadataError, ProblemKind, Source};
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};
use request::{Needs, header_name, items_of, optional_pointer, pointer, template};
use reqwest::header::{HeaderName, HeaderValue};
use std::path::Path;
use std::time::Duration;
use toml::de::DeTable;

/// The tables of a description.
pub(crate) const SECTIONS: [&str; 15] = [
    "headers", "connect", "list", "changes", "count", "get", "get-many", "find", "insert", "update",
    "delete", "record", "lock", "errors", "values",
];
/// Ids of one request, where the description does not say: few enough for any address.
const BATCH: usize = 50;

impl Description {
    /// Checks `text` as the content of `file`. All mistakes are told, in the order of the file.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn parse(file: &Path, text: &str) -> Result<Description, MetadataError> {
        let (tree, syntax) = DeTable::parse_recoverable(text);
        let source = Source::new(file, text.to_owned());
        let mut found = Found::new(&source, text);
        if !syntax.is_empty() {
            found.syntax(&syntax);
            return Err(found.into_error());
        }
        match Description::read(&Table::root(tree.get_ref()), &mut found) {
            Some(description) if found.is_empty() => Ok(description),
            _ => Err(found.into_error()),
        }
    }

    /// Reads a description that is a file, or a table of one.
    pub(crate) fn read(root: &Table<'_>, found: &mut Found<'_>) -> Option<Description> {
        root.only_known(&SECTIONS, found);
        let headers = root.optional("headers", Item::table, found);
        let headers = headers.map(|table| fixed_headers(&table, found)).unwrap_or_default();
        let connect = root.optional("connect", Item::table, found);
        let connect = connect.and_then(|table| {
            table.only_known(&request::KEYS, found);
            request::request(&table, &Needs::new("GET", &[]), found)
        });
        let list = root.required("list", found).and_then(|item| item.table(found));
        let list = list.and_then(|table| list_of(&table, &[], &[], found));
        let section = |name: &str, found: &mut Found<'_>| root.optional(name, Item::table, found);
        let changes = section("changes", found).and_then(|table| changes::changes(&table, root, found));
        let count = section("count", found).and_then(|table| count(&table, found));
        let get = section("get", found).and_then(|table| get(&table, found));
        let get_many = section("get-many", found).and_then(|table| get_many(&table, found));
        let find = section("find", found).and_then(|table| find(&table, found));
        let insert = section("insert", found).and_then(|table| writes::insert(&table, found));
        let update = section("update", found).and_then(|table| writes::update(&table, found));
        let delete = section("delete", found).and_then(|table| writes::delete(&table, found));
        let record = section("record", found).map(|table| shape(&table, found));
        let lock = match section("lock", found) {
            Some(table) => writes::lock(&table, found)?,
            None => Lock { kind: LockKind::ReadCompare, deletes: true },
        };
        let errors = section("errors", found).map(|table| errors::errors(&table, found)).unwrap_or_default();
        let values = section("values", found).map(|table| values::forms(&table, found)).unwrap_or_default();
        if root.item("get").is_none() && root.item("get-many").is_none() {
            let help = "`[get]` reads one record by its id, `[get-many]` several".to_owned();
            let message = "`get` or `get-many` is missing".to_owned();
            found.problem(ProblemKind::MissingKey, root.at(), message, Some(help));
        }
        writes::check_lock(root, &lock, delete.as_ref(), found);
        let record = record.unwrap_or_else(Shape::default);
        let list = list?;
        Some(Description {
            headers,
            connect,
            list,
            changes,
            count,
            get,
            get_many,
            find,
            insert,
            update,
            delete,
            record,
            lock,
            errors,
            values,
        })
    }
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            fields: Pointer::default(),
            deleted: None,
            tick: Duration::from_secs(1),
            absent_is_null: false,
        }
    }
}

fn fixed_headers(table: &Table<'_>, found: &mut Found<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut all = Vec::new();
    for item in table.items() {
        let name = header_name(&item, item.key(), found);
        let Some(text) = item.text(found) else { continue };
        match (name, HeaderValue::from_str(text)) {
            (Some(name), Ok(value)) => all.push((name, value)),
            (_, Err(_)) => item.invalid("cannot be a header's value", None, found),
            (None, _) => {}
        }
    }
    all
}

/// Reads a list that has pages, with these keys and placeholders of its own.
pub(super) fn list_of(
    table: &Table<'_>,
    keys: &[&'static str],
    own: &[Var],
    found: &mut Found<'_>,
) -> Option<List> {
    let keys = [&["items", "record", "filter", "paging"], keys].concat();
    table.only_known(&request::keys(&keys), found);
    let section = table.optional("paging", Item::table, found);
    let (paging, pager) = match &section {
        Some(section) => paging::paging(section, found)?,
        None => paging::none(),
    };
    let mut vars = vec![Var::Resource, Var::Fields, Var::Filter];
    vars.extend(own);
    vars.extend(pager);
    let request = request::request(table, &Needs::new("GET", &vars).must(own), found);
    let items = items_of(table, found);
    let request = request?;
    if let (Some(var), Some(section)) = (pager, &section) {
        paging::check(&request, var, &paging, section, found);
    }
    if paging.is_by_address() && request.method != reqwest::Method::GET {
        let message = "addresses of next pages are followed with GET, and this list is none".to_owned();
        found.problem(ProblemKind::InvalidValue, table.at(), message, None);
    }
    Some(List { request, items: items?, paging })
}

fn count(table: &Table<'_>, found: &mut Found<'_>) -> Option<Count> {
    table.only_known(&request::keys(&["header", "at", "filter"]), found);
    let request = request::request(table, &Needs::new("GET", &[Var::Resource, Var::Filter]), found);
    if table.item("header").is_some() == table.item("at").is_some() {
        let help = "`header = \"X-Total-Count\"`, or `at = \"/meta/total\"`".to_owned();
        let message = "a count stands in one place: `header` or `at`".to_owned();
        found.problem(ProblemKind::MissingKey, table.at(), message, Some(help));
        return None;
    }
    Some(Count { request: request?, total: place(table, found)? })
}

/// What `header` or `at` says.
pub(super) fn place(table: &Table<'_>, found: &mut Found<'_>) -> Option<Place> {
    match table.item("header") {
        Some(item) => header_name(&item, item.text(found)?, found).map(Place::Header),
        None => optional_pointer(table, "at", found).map(Place::Body),
    }
}

fn get(table: &Table<'_>, found: &mut Found<'_>) -> Option<Get> {
    table.only_known(&request::keys(&["record"]), found);
    let needs = Needs::new("GET", &[Var::Resource, Var::Id, Var::Fields]).must(&[Var::Id]);
    let request = request::request(table, &needs, found);
    let record = optional_pointer(table, "record", found).unwrap_or_default();
    Some(Get { request: request?, record })
}

fn get_many(table: &Table<'_>, found: &mut Found<'_>) -> Option<GetMany> {
    table.only_known(&request::keys(&["items", "record", "batch", "each"]), found);
    let needs = Needs::new("GET", &[Var::Resource, Var::Ids, Var::Fields]).must(&[Var::Ids]);
    let request = request::request(table, &needs, found);
    let items = items_of(table, found);
    let each = table.optional("each", |item, found| template(item, &[Var::Id, Var::Json], found), found);
    let batch = table.optional("batch", |item, found| item.integer(1..=1_000, found), found);
    let batch = batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(BATCH);
    Some(GetMany { request: request?, items: items?, each, batch })
}

fn find(table: &Table<'_>, found: &mut Found<'_>) -> Option<Find> {
    let own = ["items", "record", "each", "condition", "join", "escape", "exact", "only-ids", "none"];
    table.only_known(&request::keys(&own), found);
    let part = [Var::Field, Var::Value, Var::Json];
    let vars = [Var::Resource, Var::Fields, Var::Conditions, Var::Field, Var::Value, Var::Json];
    let request = request::request(table, &Needs::new("GET", &vars), found);
    let items = items_of(table, found);
    let mut each = Vec::new();
    for item in table.optional("each", Item::table, found).iter().flat_map(Table::items) {
        let name = Template::parse(item.key(), &part);
        match (name, template(&item, &part, found)) {
            (Ok(name), Some(value)) => each.push((name, value)),
            (Err(word), _) => request::unknown_placeholder(&item, word, &part, found),
            (_, None) => {}
        }
    }
    let condition = table.optional("condition", |item, found| template(item, &part, found), found);
    let join = table.optional_text("join", found).unwrap_or_else(|| " and ".to_owned());
    let mut escape = Vec::new();
    for item in table.optional("escape", Item::table, found).iter().flat_map(Table::items) {
        escape.extend(item.text(found).map(|to| (item.key().to_owned(), to.to_owned())));
    }
    let exact = table.optional("exact", Item::boolean, found).unwrap_or(true);
    let only_ids = table.optional("only-ids", Item::boolean, found).unwrap_or(false);
    let none = errors::several(table, "none", errors::status, found);
    let request = request?;
    let asked = [Var::Value, Var::Json, Var::Conditions].into_iter().any(|var| request.mentions(var));
    if !asked && table.item("each").is_none() {
        let message = "`find` does not say what is looked for".to_owned();
        let help =
            "`each = { \"{field}\" = \"{value}\" }`, or `{conditions}` in its `query` or `body`".to_owned();
        found.problem(ProblemKind::MissingKey, table.at(), message, Some(help));
    }
    if request.mentions(Var::Conditions) && condition.is_none() {
        let message = "`{conditions}` needs `condition`, the comparison of one field".to_owned();
        let help = "`condition = \"{field} = '{value}'\"`, and `join`".to_owned();
        found.problem(ProblemKind::MissingKey, table.at(), message, Some(help));
    }
    Some(Find { request, items: items?, each, condition, join, escape, none, exact, only_ids })
}

fn shape(table: &Table<'_>, found: &mut Found<'_>) -> Shape {
    table.only_known(&["fields", "deleted", "tick", "absent"], found);
    let default = Shape::default();
    Shape {
        fields: optional_pointer(table, "fields", found).unwrap_or(default.fields),
        deleted: table.optional_text("deleted", found),
        tick: table.optional("tick", Item::duration, found).unwrap_or(default.tick),
        absent_is_null: table
            .optional("absent", |item, found| item.choice(&[("null", true), ("kept", false)], found), found)
            .unwrap_or(default.absent_is_null),
    }
}

/// As [`pointer`], for a key that must be there.
pub(super) fn required_pointer(table: &Table<'_>, key: &str, found: &mut Found<'_>) -> Option<Pointer> {
    table.required(key, found).and_then(|item| pointer(&item, found))
}
