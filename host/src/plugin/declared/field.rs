//! The rules of one `[[fields]]`.

use super::format;
use super::kind::{is_plain, kind, of_text, value, written};
use super::wit::{Form, LetterCase, Lookup, TextForm};
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
/// Longest number that a format writes.
const LONGEST_NUMBER: u32 = 60;

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

/// How fields map.
pub(super) enum Way {
    /// One to one.
    Pair(Form),
    /// One to several.
    Parts { separator: String, form: TextForm },
    /// One side only.
    Constant(Value),
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
        Some(&"constant") => constant_of(table, &local, &remote, found)?,
        Some(&"lookup") => lookup(table, found)?,
        Some(&"separator") => parts(table, &local, &remote, found)?,
        Some(format) => formatted(format, table, found)?,
        None if !single => {
            table.required("separator", found);
            return None;
        }
        None => plain(table, found)?,
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

type Mapped = ((Kind, Kind), Way);

fn constant_of(table: &Table<'_>, local: &[Name], remote: &[Name], found: &mut Found<'_>) -> Option<Mapped> {
    let item = table.item("constant")?;
    if local.len() + remote.len() != 1 {
        let help =
            "with `local` it is a field that is always set here, with `remote` one that is always sent";
        item.invalid("goes with one field of one side", Some(help.to_owned()), found);
        return None;
    }
    if !remote.is_empty() {
        table.refuse(&["read-only", "computed"], "cannot go with a `constant` that is sent", found);
    }
    table.refuse(&["local-kind", "remote-kind"], "goes with fields of both sides", found);
    let kind = required_kind("kind", table, found)?;
    if !is_plain(&kind) {
        item.invalid(format!("cannot be of kind {}", written(&kind)), None, found);
        return None;
    }
    let value = value(&item, &kind, found)?;
    Some(((kind.clone(), kind), Way::Constant(value)))
}

fn lookup(table: &Table<'_>, found: &mut Found<'_>) -> Option<Mapped> {
    let entries = table.item("lookup")?.table(found)?;
    let longest = entries.items().map(|item| item.key().chars().count()).max().unwrap_or(1);
    let local = given_kind("local-kind", table, found).or_else(|| required_kind("kind", table, found))?;
    let remote = match (given_kind("remote-kind", table, found), &local) {
        (Some(kind), _) => kind,
        (None, Kind::Text(_)) => local.clone(),
        (None, _) => Kind::Text(u32::try_from(longest.max(1)).unwrap_or(u32::MAX)),
    };
    for kind in [&local, &remote] {
        if !is_plain(kind) {
            let help = "a lookup is between texts, booleans, integers, decimals and dates".to_owned();
            table.item("lookup")?.invalid(format!("cannot be of kind {}", written(kind)), Some(help), found);
            return None;
        }
    }
    let keep = match table.item("otherwise") {
        Some(item) => item.choice(&[("keep", true), ("refuse", false)], found)?,
        None => false,
    };
    if keep && std::mem::discriminant(&local) != std::mem::discriminant(&remote) {
        let help =
            format!("here the remote field is {} and the local one {}", written(&remote), written(&local));
        let item = table.item("otherwise")?;
        item.invalid("can be \"keep\" only where both sides are of one kind", Some(help), found);
        return None;
    }
    let mut pairs: Vec<(Value, Value)> = Vec::new();
    for item in entries.items() {
        let (Some(there), Some(here)) =
            (of_text(item.key(), &remote, &item, found), value(&item, &local, found))
        else {
            continue;
        };
        if pairs.iter().any(|(known, _)| *known == there) {
            item.invalid("stands for a remote value that is there already", None, found);
        } else if pairs.iter().any(|(_, known)| *known == here) {
            let help = "each local value stands for one remote value, or it would not come back".to_owned();
            item.invalid("is the same local value as another's", Some(help), found);
        } else {
            pairs.push((there, here));
        }
    }
    if entries.items().next().is_none() {
        table.item("lookup")?.invalid("has no values", None, found);
    }
    let entries = pairs.into_iter().map(|(there, here)| (there.into(), here.into())).collect();
    Some(((local, remote), Way::Pair(Form::Lookup(Lookup { entries, keep }))))
}

fn parts(table: &Table<'_>, local: &[Name], remote: &[Name], found: &mut Found<'_>) -> Option<Mapped> {
    let item = table.item("separator")?;
    let separator = item.text(found)?;
    if (local.len() > 1) == (remote.len() > 1) {
        let help = "`local = [\"first_name\", \"last_name\"]` takes a remote text apart, a list of remote fields puts \
                    them together";
        item.invalid(
            "goes with several fields on one side and one on the other",
            Some(help.to_owned()),
            found,
        );
        return None;
    }
    let (local, remote) = both_kinds(table, found)?;
    for kind in [&local, &remote] {
        if !matches!(kind, Kind::Text(_)) {
            item.invalid(format!("goes with texts, and not with {}", written(kind)), None, found);
            return None;
        }
    }
    let way = Way::Parts { separator: separator.to_owned(), form: text_form(table, found) };
    Some(((local, remote), way))
}

fn formatted(key: &str, table: &Table<'_>, found: &mut Found<'_>) -> Option<Mapped> {
    let item = table.item(key)?;
    let text = item.text(found)?;
    let read = match key {
        "date-format" => format::date(text)
            .map(|it| (Kind::Date, format::width(&it), Form::Date(it)))
            .map_err(|why| (why, format::DATE_HELP)),
        "timestamp-format" => format::timestamp(text)
            .map(|it| (Kind::Timestamp, format::width(&it), Form::Timestamp(it)))
            .map_err(|why| (why, format::TIMESTAMP_HELP)),
        _ => format::decimal(text)
            .map(|it| (Kind::Decimal(it.digits), LONGEST_NUMBER, Form::Decimal(it)))
            .map_err(|why| (why, format::DECIMAL_HELP)),
    };
    let (local, width, form) =
        read.map_err(|(why, help)| item.invalid(why, Some(help.to_owned()), found)).ok()?;
    for key in ["kind", "local-kind"] {
        if let Some(given) = given_kind(key, table, found).filter(|given| *given != local) {
            let item = table.item(key)?;
            item.invalid(
                format!("is {}, and this format is one of {}", written(&given), written(&local)),
                None,
                found,
            );
            return None;
        }
    }
    let remote = given_kind("remote-kind", table, found).unwrap_or(Kind::Text(width));
    if !matches!(remote, Kind::Text(_)) {
        table.item("remote-kind")?.invalid("must be a text: the format says how it is written", None, found);
        return None;
    }
    Some(((local, remote), Way::Pair(form)))
}

fn plain(table: &Table<'_>, found: &mut Found<'_>) -> Option<Mapped> {
    let (local, remote) = both_kinds(table, found)?;
    let form = text_form(table, found);
    let form = match (&local, &remote) {
        (Kind::Text(here), Kind::Text(there)) => {
            let as_it_is = here == there && !form.trim && form.letter_case.is_none();
            if as_it_is { Form::Same } else { Form::Text(form) }
        }
        _ if local == remote => Form::Same,
        _ => {
            let help = "`lookup` or one of the formats maps one kind to another".to_owned();
            let item = table.item("remote-kind").or_else(|| table.item("local-kind"))?;
            let reason = format!("makes {} of {}", written(&local), written(&remote));
            item.invalid(reason, Some(help), found);
            return None;
        }
    };
    Some(((local, remote), Way::Pair(form)))
}

fn text_form(table: &Table<'_>, found: &mut Found<'_>) -> TextForm {
    let cases = [("upper", LetterCase::Capital), ("lower", LetterCase::Small)];
    TextForm {
        trim: table.optional("trim", Item::boolean, found).unwrap_or(false),
        letter_case: table.optional("case", |item, found| item.choice(&cases, found), found),
    }
}

fn both_kinds(table: &Table<'_>, found: &mut Found<'_>) -> Option<(Kind, Kind)> {
    let (local, remote) = (given_kind("local-kind", table, found), given_kind("remote-kind", table, found));
    if let (Some(local), Some(remote)) = (&local, &remote) {
        table.refuse(&["kind"], "is said twice, by `local-kind` and `remote-kind`", found);
        return Some((local.clone(), remote.clone()));
    }
    let kind = required_kind("kind", table, found)?;
    Some((local.unwrap_or_else(|| kind.clone()), remote.unwrap_or(kind)))
}

fn given_kind(key: &str, table: &Table<'_>, found: &mut Found<'_>) -> Option<Kind> {
    table.optional(key, kind, found)
}

fn required_kind(key: &str, table: &Table<'_>, found: &mut Found<'_>) -> Option<Kind> {
    table.required(key, found).and_then(|item| kind(&item, found))
}

fn bound(key: &str, kind: &Kind, table: &Table<'_>, found: &mut Found<'_>) -> Option<Value> {
    let item = table.item(key)?;
    if matches!(kind, Kind::Integer | Kind::Decimal(_) | Kind::Date) {
        return value(&item, kind, found);
    }
    item.invalid(format!("goes with numbers and dates, and not with {}", written(kind)), None, found);
    None
}
