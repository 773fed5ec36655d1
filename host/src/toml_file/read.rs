//! A walk over the TOML tree that notes every mistake it meets and goes on.
//!
//! A getter gives None when there is no such value or it is wrong; in the second case the mistake is noted. Who needs
//! the value gives up quietly, and the file is refused in the end for the notes.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Location, ProblemKind};
use super::found::Found;
use super::nearest::suggestion;
use super::units;

/// A table of the file.
pub(crate) struct Table<'a> {
    entries: &'a DeTable<'a>,
    /// `remote.auth`; empty for the file itself.
    name: String,
    /// Where the table's name stands.
    at: Location,
}

impl<'a> Table<'a> {
    /// The file itself.
    pub(crate) fn root(entries: &'a DeTable<'a>) -> Self {
        Self { entries, name: String::new(), at: Location::default() }
    }

    /// Where the table's name stands.
    pub(crate) fn at(&self) -> Location {
        self.at
    }

    /// All entries.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'a>> {
        let dot = if self.name.is_empty() { "" } else { "." };
        self.entries.iter().map(move |(key, value)| Item {
            key: key.get_ref(),
            name: format!("{}{dot}{}", self.name, key.get_ref()),
            key_at: key.span().into(),
            value: value.get_ref(),
            at: value.span().into(),
        })
    }

    /// The entry `key`, where there is one.
    pub(crate) fn item(&self, key: &str) -> Option<Item<'a>> {
        self.items().find(|item| item.key == key)
    }

    /// The entry `key`; that there is none is a mistake.
    pub(crate) fn required(&self, key: &str, found: &mut Found<'_>) -> Option<Item<'a>> {
        let item = self.item(key);
        if item.is_none() {
            let message = match self.name.as_str() {
                "" => format!("`{key}` is missing"),
                name => format!("`{key}` is missing in `{name}`"),
            };
            found.problem(ProblemKind::MissingKey, self.at, message, None);
        }
        item
    }

    /// The entry `key` as `read` takes it; None when it is not there, or wrong and noted.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Item<'a>, &mut Found<'_>) -> Option<T>,
        found: &mut Found<'_>,
    ) -> Option<T> {
        self.item(key).and_then(|item| read(&item, found))
    }

    /// The entry `key` as a text.
    pub(crate) fn optional_text(&self, key: &str, found: &mut Found<'_>) -> Option<String> {
        self.optional(key, |item, found| item.text(found).map(str::to_owned), found)
    }

    /// Notes every key that is not one of `known`.
    pub(crate) fn only_known(&self, known: &[&str], found: &mut Found<'_>) {
        for item in self.items().filter(|item| !known.contains(&item.key)) {
            let message = format!("unknown key `{}`", item.name);
            let help = suggestion(item.key, known.iter().copied());
            found.problem(ProblemKind::UnknownKey, item.key_at, message, Some(help));
        }
    }

    /// Notes every key of `keys` that is there, with the `reason` why it may not.
    pub(crate) fn refuse(&self, keys: &[&str], reason: &str, found: &mut Found<'_>) {
        for item in keys.iter().filter_map(|key| self.item(key)) {
            let message = format!("`{}` {reason}", item.name);
            found.problem(ProblemKind::Misplaced, item.key_at, message, Some("remove the key".to_owned()));
        }
    }
}

/// A key of the file, with its value.
pub(crate) struct Item<'a> {
    key: &'a str,
    name: String,
    key_at: Location,
    value: &'a DeValue<'a>,
    at: Location,
}

impl<'a> Item<'a> {
    /// The key by itself: `password`.
    pub(crate) fn key(&self) -> &'a str {
        self.key
    }

    /// The key with the tables it is in: `remote.auth.password`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the key stands.
    pub(crate) fn key_at(&self) -> Location {
        self.key_at
    }

    /// Where the value stands.
    pub(crate) fn at(&self) -> Location {
        self.at
    }

    /// Notes that the value will not do: `reason` follows the key's name.
    pub(crate) fn invalid(&self, reason: impl Display, help: Option<String>, found: &mut Found<'_>) {
        found.problem(ProblemKind::InvalidValue, self.at, format!("`{}` {reason}", self.name), help);
    }

    /// Notes that the value is of another type than `expected`.
    pub(crate) fn wrong_type(&self, expected: &str, found: &mut Found<'_>) {
        let actual = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.invalid(format!("must be {expected}, and is {actual}"), None, found);
    }

    /// The value as a text that is not empty.
    pub(crate) fn text(&self, found: &mut Found<'_>) -> Option<&'a str> {
        match self.as_text() {
            Some("") => self.invalid("must not be empty", None, found),
            Some(text) => return Some(text),
            None => self.wrong_type("a text in quotes", found),
        }
        None
    }

    /// The value where it is a text; else None, and nothing noted.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value where it is a boolean; else None, and nothing noted.
    pub(crate) fn as_boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self, found: &mut Found<'_>) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong_type("`true` or `false`", found);
                None
            }
        }
    }

    /// The value as an integer in `range`.
    pub(crate) fn integer(&self, range: RangeInclusive<u64>, found: &mut Found<'_>) -> Option<u64> {
        let DeValue::Integer(integer) = self.value else {
            self.wrong_type("a whole number", found);
            return None;
        };
        let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let inside = value.filter(|value| range.contains(value));
        if inside.is_none() {
            let (least, most) = range.into_inner();
            match most {
                u64::MAX => self.invalid(format!("must be at least {least}"), None, found),
                _ => self.invalid(format!("must be from {least} to {most}"), None, found),
            }
        }
        inside
    }

    /// The value as a number, with a fraction or without.
    pub(crate) fn number(&self, found: &mut Found<'_>) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(_) => return Some(self.integer(0..=u64::MAX, found)? as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type("a number", found);
        }
        number
    }

    /// The value as a duration.
    pub(crate) fn duration(&self, found: &mut Found<'_>) -> Option<Duration> {
        let duration = self.as_text().and_then(units::duration);
        if duration.is_none() {
            let help =
                "a whole number and `ms`, `s`, `m`, `h` or `d`, in quotes: `\"500ms\"`, `\"10s\"`, `\"30d\"`";
            self.invalid("is no duration", Some(help.to_owned()), found);
        }
        duration
    }

    /// The value as a size in bytes.
    pub(crate) fn size(&self, found: &mut Found<'_>) -> Option<u64> {
        let bytes = match self.as_text() {
            Some(text) => units::bytes(text),
            None => Some(self.integer(0..=u64::MAX, found)?),
        };
        if bytes.is_none() {
            let help =
                "a whole number and `KiB`, `MiB` or `GiB`, in quotes: `\"64MiB\"`; or a number of bytes";
            self.invalid("is no size", Some(help.to_owned()), found);
        }
        bytes
    }

    /// The value as a whole number of either sign.
    pub(crate) fn signed(&self, found: &mut Found<'_>) -> Option<i64> {
        let number = match self.value {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type("a whole number of 64 bits", found);
        }
        number
    }

    /// The value as one of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)], found: &mut Found<'_>) -> Option<T> {
        let text = self.text(found)?;
        let choice = choices.iter().find(|(name, _)| *name == text);
        if choice.is_none() {
            let help = suggestion(text, choices.iter().map(|(name, _)| *name));
            self.invalid(format!("cannot be {text:?}"), Some(help), found);
        }
        choice.map(|(_, value)| *value)
    }

    /// The value as a list, each element by the list's name.
    pub(crate) fn list(&self, found: &mut Found<'_>) -> Option<Vec<Item<'a>>> {
        let list = self.as_list();
        if list.is_none() {
            self.wrong_type("a list in brackets", found);
        }
        list
    }

    /// The value where it is a list; else None, and nothing noted.
    pub(crate) fn as_list(&self) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(elements) = self.value else { return None };
        let element = |element: &'a Spanned<DeValue<'a>>| {
            let at = Location::from(element.span());
            Item { key: self.key, name: self.name.clone(), key_at: at, value: element.get_ref(), at }
        };
        Some(elements.iter().map(element).collect())
    }

    /// The value as a table.
    pub(crate) fn table(&self, found: &mut Found<'_>) -> Option<Table<'a>> {
        let table = self.as_table();
        if table.is_none() {
            self.wrong_type("a table", found);
        }
        table
    }

    /// The value where it is a table; else None, and nothing noted.
    pub(crate) fn as_table(&self) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(entries) => Some(Table { entries, name: self.name.clone(), at: self.key_at }),
            _ => None,
        }
    }
}
