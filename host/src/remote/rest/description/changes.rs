//! The rules of `[changes]`.

use super::read::{list_of, place};
use super::request::{self, Needs, items_of, optional_pointer};
use super::{Changes, Description, MarkAt, Place};
use crate::remote::http::Reply;
use crate::remote::rest::template::Var;
use crate::toml_file::error::ProblemKind;
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};

impl Description {
    /// The same server, which is never asked for what changed.
    pub(crate) fn without_changes(self) -> Description {
        Description { changes: None, ..self }
    }

    /// Whether it says how to ask for what changed.
    pub(crate) fn has_changes(&self) -> bool {
        self.changes.is_some()
    }
}

impl Place {
    /// The text or number that stands there.
    pub(in crate::remote::rest) fn text(&self, reply: &Reply) -> Option<String> {
        match self {
            Place::Header(name) => reply.header(name.as_str()).map(str::to_owned),
            Place::Body(at) => at.text(&reply.body),
        }
    }
}

/// Reads `[changes]`.
pub(super) fn changes(table: &Table<'_>, root: &Table<'_>, found: &mut Found<'_>) -> Option<Changes> {
    let list = list_of(table, &["gone", "overlap", "mark"], &[Var::Since], found);
    let gone = optional_pointer(table, "gone", found);
    let overlap = table.optional("overlap", Item::duration, found);
    let mark = table.required("mark", found).and_then(|item| item.table(found));
    if root.item("count").is_none() {
        let message =
            "`changes` needs `count`: a delete that is not told shows in the count alone".to_owned();
        found.problem(ProblemKind::MissingKey, table.at(), message, None);
    }
    let mark = mark?;
    mark.only_known(&request::keys(&["header", "at", "items", "record"]), found);
    let request = request::request(&mark, &Needs::new("GET", &[Var::Resource, Var::Fields]), found);
    let named = ["header", "at", "items"].into_iter().filter(|key| mark.item(key).is_some());
    if named.count() != 1 {
        let message =
            "a mark stands in one place: `header`, `at`, or in the newest of the `items`".to_owned();
        let help = "`header = \"ETag\"`, `at = \"/cursor\"`, or `items = \"/data\"`".to_owned();
        found.problem(ProblemKind::MissingKey, mark.at(), message, Some(help));
        return None;
    }
    let at = match mark.item("items") {
        Some(_) => items_of(&mark, found).map(MarkAt::Newest),
        None => place(&mark, found).map(MarkAt::Place),
    };
    Some(Changes { list: list?, gone, overlap, mark: request?, at: at? })
}
