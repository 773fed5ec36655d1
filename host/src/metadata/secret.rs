//! Passwords and tokens: where metadata may have them from, and the type that keeps them from being printed.

use crate::shown::shown;
use std::ffi::OsString;
use std::fmt;

use super::check::Around;
use super::error::ProblemKind;
use super::found::Found;
use super::read::Item;

/// A password or token. It prints as `***`; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the request that needs it and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Reads `{ env = "NAME" }` or `{ file = "path" }`. No message repeats what stands there instead.
pub(super) fn secret(item: &Item<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Secret> {
    let from_source = source(item, around, found)?;
    // Where it cannot be part of a request it would be left out of it, and the server's answer would tell nothing.
    if from_source.0.chars().any(char::is_control) {
        item.invalid("holds a line break or another control character, which no login can have", None, found);
        return None;
    }
    Some(from_source)
}

fn source(item: &Item<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Secret> {
    let Some(table) = item.as_table() else {
        let message =
            format!("`{}` must not be in the file itself: name its source with `env` or `file`", item.name());
        let key = item.key();
        let help = format!(
            "`{key} = {{ env = \"CRM_{}\" }}` takes it from an environment variable, `{key} = {{ file = \"secret.txt\" }}` \
             from a file",
            key.to_uppercase()
        );
        found.problem(ProblemKind::PlainSecret, item.key_at(), message, Some(help));
        return None;
    };
    table.only_known(&["env", "file"], found);
    match (table.item("env"), table.item("file")) {
        (Some(env), None) => from_environment(&env, around, found),
        (None, Some(file)) => from_file(&file, around, found),
        (Some(_), Some(file)) => {
            let message = format!("`{}` has both `env` and `file`; which of them is meant?", item.name());
            found.problem(
                ProblemKind::Misplaced,
                file.key_at(),
                message,
                Some("remove one of them".to_owned()),
            );
            None
        }
        (None, None) => {
            let message = format!("`{}` names no source for the secret", item.name());
            let help = "`env = \"NAME\"` is an environment variable, `file = \"path\"` a file".to_owned();
            found.problem(ProblemKind::MissingKey, item.key_at(), message, Some(help));
            None
        }
    }
}

fn from_environment(item: &Item<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Secret> {
    let variable = item.text(found)?;
    // What is no name may be the password itself: refused without being repeated.
    if !is_variable_name(variable) {
        let help =
            "letters, digits and `_`, as `CRM_PASSWORD`: the variable's name, not the secret".to_owned();
        item.invalid("is no name of an environment variable", Some(help), found);
        return None;
    }
    let state = match (around.env)(variable).map(OsString::into_string) {
        Some(Ok(value)) if !value.is_empty() => return Some(Secret::new(value)),
        Some(Ok(_)) => "empty",
        Some(Err(_)) => "not UTF-8 text",
        None => "not set",
    };
    let message = format!("the environment variable `{variable}` is {state}, and `{}` needs it", item.name());
    found.problem(
        ProblemKind::MissingVariable,
        item.at(),
        message,
        Some(format!("set `{variable}`, and run again")),
    );
    None
}

/// Whether `name` can name an environment variable in a shell.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|letter: char| letter.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn from_file(item: &Item<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Secret> {
    let path = around.path(item.text(found)?);
    let reason = match std::fs::read_to_string(&path) {
        Ok(text) => {
            // Editors begin a file with a byte order mark and end it with a newline; nobody means them to be part of
            // the secret.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end_matches(['\r', '\n']);
            if !text.is_empty() {
                return Some(Secret::new(text.to_owned()));
            }
            "it is empty".to_owned()
        }
        Err(error) => error.to_string(),
    };
    let message = format!("`{}` cannot be had from `{}`: {reason}", item.name(), shown(path));
    let help = "a relative path starts at the folder of the metadata file".to_owned();
    found.problem(ProblemKind::UnreadableSecret, item.at(), message, Some(help));
    None
}
