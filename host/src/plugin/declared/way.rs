//! How fields map: as they are, by a lookup, in parts, in a format, or not at all.

use super::field::Name;
use super::format;
use super::kind::{is_plain, kind, of_text, value, written};
use super::wit::{Form, LetterCase, Lookup, TextForm};
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};
use sync_core::value::{Kind, Value};

/// Longest number that a format writes.
const LONGEST_NUMBER: u32 = 60;

/// Most values of a lookup, which is handed to the component with each call.
const MOST_ENTRIES: usize = 2_000;

/// How fields map.
pub(super) enum Way {
    /// One to one.
    Pair(Form),
    /// One to several.
    Parts { separator: String, form: TextForm },
    /// One side only.
    Constant(Value),
}

/// The kinds of both sides, the local one first, and how they map.
pub(super) type Mapped = ((Kind, Kind), Way);

pub(super) fn constant(
    table: &Table<'_>,
    local: &[Name],
    remote: &[Name],
    found: &mut Found<'_>,
) -> Option<Mapped> {
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

pub(super) fn lookup(table: &Table<'_>, found: &mut Found<'_>) -> Option<Mapped> {
    let entries = table.item("lookup")?.table(found)?;
    let count = entries.items().count();
    if count > MOST_ENTRIES {
        let help = "write the object in code: `host plugin new`".to_owned();
        table.item("lookup")?.invalid(
            format!("has {count} values, and at most {MOST_ENTRIES} go"),
            Some(help),
            found,
        );
        return None;
    }
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

pub(super) fn parts(
    table: &Table<'_>,
    local: &[Name],
    remote: &[Name],
    found: &mut Found<'_>,
) -> Option<Mapped> {
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

pub(super) fn formatted(key: &str, table: &Table<'_>, found: &mut Found<'_>) -> Option<Mapped> {
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

pub(super) fn plain(table: &Table<'_>, found: &mut Found<'_>) -> Option<Mapped> {
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
