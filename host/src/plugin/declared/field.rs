//! The rules of one `[[fields]]`.

use super::kind::{value, written};
use super::way::{self, Way};
use super::wit::Form;
use crate::toml_file::error::{Location, ProblemKind};
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};
use sync_core::object::Traits;
use sync_core::value::{Kind, Value};

/// Every key of a field.
const KEYS: [&str; 22] = [
    "local",
    "remote",
    "kind",
    "local-kind",
    "remote-kind",
    "required",
    "read-only",
    "computed",
    "create-only",
    "not-compared",
    "trim",
    "case",
    "constant",
    "lookup",
    "otherwise",
    "separator",
    "date-format",
    "timestamp-format",
    "decimal-format",
    "minimum",
    "maximum",
    "not-before",
];
/// Keys of which a field has one at most: each says how it maps.
const WAYS: [&str; 6] =
    ["constant", "lookup", "separator", "date-format", "timestamp-format", "decimal-format"];

/// One `[[fields]]`, checked by itself.
pub(super) struct Entry {
    /// Where it stands.
    pub(super) at: Location,
    /// Its local fields: none for a constant that is only sent.
    pub(super) local: Vec<Name>,
    /// Its remote fields: none for a constant that is only kept.
    pub(super) remote: Vec<Name>,
    /// What the local fields hold.
    pub(super) local_kind: Kind,
    /// What the remote fields hold.
    pub(super) remote_kind: Kind,
    /// What is special about them.
    pub(super) traits: Traits,
    /// How they map.
    pub(super) way: Way,
    /// What the local field lies between.
    pub(super) range: (Option<Value>, Option<Value>),
    /// The local field that it must not be before.
    pub(super) not_before: Option<Name>,
}

/// A field's name, and where it stands.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: Location,
}

/// Reads a `[[fields]]`.
pub(super) fn entry(table: &Table<'_>, found: &mut Found<'_>) -> Option<Entry> {
    table.only_known(&KEYS, found);
    let ways: Vec<&str> = WAYS.into_iter().filter(|key| table.item(key).is_some()).collect();
    if let [first, second, ..] = ways[..] {
        table.refuse(&[second], &format!("cannot go with `{first}`"), found);
        return None;
    }
    let constant = ways.first() == Some(&"constant");
    let traits = traits(table, found);
    let local = side("local", "remote", constant, table, found)?;
    let remote = side("remote", "local", constant, table, found)?;
    let single = local.len() <= 1 && remote.len() <= 1;
    if let (Some(key), false) = (ways.first().filter(|key| **key != "separator"), single) {
        table.refuse(&[*key], "goes with one local and one remote field", found);
        return None;
    }
    if !single || constant {
        table.refuse(&["minimum", "maximum", "not-before"], "goes with a single field that maps", found);
    }
    let ((local_kind, remote_kind), way) = match ways.first() {
        Some(&"constant") => way::constant(table, &local, &remote, found)?,
        Some(&"lookup") => way::lookup(table, found)?,
        Some(&"separator") => way::parts(table, &local, &remote, found)?,
        Some(format) => way::formatted(format, table, found)?,
        None if !single => {
            table.required("separator", found);
            return None;
        }
        None => way::plain(table, found)?,
    };
    if !matches!(way, Way::Pair(Form::Lookup(_))) {
        table.refuse(&["otherwise"], "goes with `lookup`", found);
    }
    let as_it_is = matches!(way, Way::Pair(Form::Same | Form::Text(_)) | Way::Parts { .. });
    if !(as_it_is && matches!(local_kind, Kind::Text(_))) {
        table.refuse(&["trim", "case"], "goes with texts that map as they are, or in parts", found);
    }
    let range = (bound("minimum", &local_kind, table, found), bound("maximum", &local_kind, table, found));
    if let ((Some(Value::Integer(least)), Some(Value::Integer(most))), Some(item)) =
        (&range, table.item("maximum"))
        && least > most
    {
        item.invalid("is less than `minimum`", None, found);
    }
    let not_before = table.optional("not-before", name, found);
    Some(Entry { at: table.at(), local, remote, local_kind, remote_kind, traits, way, range, not_before })
}

fn traits(table: &Table<'_>, found: &mut Found<'_>) -> Traits {
    let mut has = |key| table.optional(key, Item::boolean, found).unwrap_or(false);
    Traits {
        required: has("required"),
        read_only: has("read-only"),
        computed: has("computed"),
        create_only: has("create-only"),
        not_compared: has("not-compared"),
    }
}

/// The names of one side. A constant stands on one side alone.
fn side(
    key: &str,
    other: &str,
    constant: bool,
    table: &Table<'_>,
    found: &mut Found<'_>,
) -> Option<Vec<Name>> {
    let item = match (table.item(key), constant) {
        (Some(item), _) => item,
        (None, true) if table.item(other).is_some() => return Some(Vec::new()),
        (None, _) => {
            let help = "`local` and `remote` name the two fields that map; with `constant`, one of them stands alone";
            let message = format!("`{key}` is missing in `fields`");
            found.problem(ProblemKind::MissingKey, table.at(), message, Some(help.to_owned()));
            return None;
        }
    };
    let Some(list) = item.as_list() else { return name(&item, found).map(|name| vec![name]) };
    let names: Option<Vec<Name>> = list.iter().map(|item| name(item, found)).collect();
    if list.len() < 2 {
        item.invalid("is a list of one: write the name alone, or name the parts", None, found);
        return None;
    }
    names
}

fn name(item: &Item<'_>, found: &mut Found<'_>) -> Option<Name> {
    item.text(found).map(|text| Name { text: text.to_owned(), at: item.at() })
}

fn bound(key: &str, kind: &Kind, table: &Table<'_>, found: &mut Found<'_>) -> Option<Value> {
    let item = table.item(key)?;
    if matches!(kind, Kind::Integer | Kind::Decimal(_) | Kind::Date) {
        return value(&item, kind, found);
    }
    item.invalid(format!("goes with numbers and dates, and not with {}", written(kind)), None, found);
    None
}
