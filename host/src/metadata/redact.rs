//! Takes secrets out of the text that errors quote.
//!
//! An error may quote any line of the file, and a file with a plain-text password in it is exactly one that has errors.
//! Looking for passwords would miss the one behind a misspelt key, so it is the other way round: shown is what is known
//! to be harmless, and a key that is forgotten here costs a few stars. Each byte becomes one character and line ends
//! stay, so that locations stay right.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::secret::is_variable_name;
use crate::remote::rest::description::SECTIONS;

/// Keys whose values anyone may see.
const PUBLIC: [&str; 36] = [
    "version",
    "kind",
    "url",
    "username",
    "env",
    "file",
    "timeout",
    "retry-for",
    "connect-timeout",
    "first-byte-timeout",
    "rate",
    "in-flight",
    "proxy",
    "ca",
    "token-url",
    "client-id",
    "scope",
    "client-auth",
    "scheme",
    "view-mode",
    "user-key-view-mode",
    "timezone",
    "description",
    "path",
    "dir",
    "count",
    "percent",
    "keep",
    "size",
    "enabled",
    "plugin",
    "sha256",
    "filter",
    "on-conflict",
    "memory",
    "fuel-per-record",
];

/// Those of them that are addresses.
const ADDRESSES: [&str; 3] = ["url", "proxy", "token-url"];

/// The other words that metadata is made of.
const WORDS: [&str; 32] = [
    "remote",
    "local",
    "plugins",
    "deletes",
    "undo",
    "objects",
    "auth",
    "password",
    "token",
    "fields",
    "limits",
    "siebel",
    "odata",
    "tryton",
    "rest",
    "basic",
    "bearer",
    "api-key",
    "oauth2",
    "header",
    "key",
    "client-secret",
    "refresh-token",
    "sqlite",
    "ask",
    "keep-local",
    "keep-remote",
    "merge",
    "true",
    "false",
    "http",
    "https",
];

/// `text` without secrets, `root` being what the parser made of it; None: it is not TOML.
pub(super) fn redact(text: &str, root: Option<&DeTable<'_>>) -> String {
    let Some(root) = root else { return words_only(text) };
    let mut hidden = Vec::new();
    let mut content = Vec::new();
    walk(text, root, &mut hidden, &mut content);
    let comments = comments(text, &content);
    let blank = |(at, letter): (usize, char)| {
        let within = |ranges: &[Range<usize>]| ranges.iter().any(|range| range.contains(&at));
        match letter {
            '\r' | '\n' => letter.to_string(),
            _ if within(&hidden) => "*".repeat(letter.len_utf8()),
            _ if within(&comments) => " ".repeat(letter.len_utf8()),
            _ => letter.to_string(),
        }
    };
    text.char_indices().map(blank).collect()
}

/// A text that cannot be parsed: only the words and the punctuation of metadata, wherever they stand.
fn words_only(text: &str) -> String {
    let in_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = if in_word(letter) {
            rest.find(|next| !in_word(next)).unwrap_or(rest.len())
        } else {
            letter.len_utf8()
        };
        let (part, after) = rest.split_at(length);
        let harmless =
            " \t\r\n[]{}=,.#\"'".contains(letter) || PUBLIC.contains(&part) || WORDS.contains(&part);
        if harmless {
            out.push_str(part)
        } else {
            out.extend(std::iter::repeat_n('*', length))
        }
        rest = after;
    }
    out
}

/// Collects the spans of values to hide, and those of all keys and values, in which `#` begins no comment.
fn walk(text: &str, table: &DeTable<'_>, hidden: &mut Vec<Range<usize>>, content: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        content.push(key.span());
        let (name, span) = (key.get_ref().as_ref(), value.span());
        match value.get_ref() {
            DeValue::Table(inner) if name == "rest" => {
                described(text, inner, hidden, content);
                continue;
            }
            DeValue::Table(inner) => {
                walk(text, inner, hidden, content);
                continue;
            }
            // What is no name of a variable may well be the password itself.
            DeValue::String(value) if name == "env" && !is_variable_name(value) => {
                hidden.push(unquoted(text, &span))
            }
            // A password may be part of an address.
            DeValue::String(value) if is_public(name) && value.contains('@') => {
                hidden.push(credentials(text, &span))
            }
            // In an address that makes no sense it may be anywhere.
            DeValue::String(value) if ADDRESSES.contains(&name) && url::Url::parse(value).is_err() => {
                hidden.push(unquoted(text, &span));
            }
            // A list has no place in metadata.
            DeValue::Array(_) => hidden.push(span.clone()),
            _ if !is_public(name) => hidden.push(unquoted(text, &span)),
            _ => {}
        }
        content.push(span);
    }
}

/// The description of a server: all of it is public but its headers, and what stands outside its sections.
fn described(
    text: &str,
    table: &DeTable<'_>,
    hidden: &mut Vec<Range<usize>>,
    content: &mut Vec<Range<usize>>,
) {
    for (key, value) in table {
        content.push(key.span());
        content.push(value.span());
        match value.get_ref() {
            DeValue::Table(section)
                if SECTIONS.contains(&key.get_ref().as_ref()) && key.get_ref() != "headers" =>
            {
                let headers = section.iter().filter(|(key, _)| key.get_ref() == "headers");
                hidden.extend(headers.flat_map(|(_, value)| values(text, value)));
            }
            _ => hidden.extend(values(text, value)),
        }
    }
}

/// The spans of all values in a value.
fn values(text: &str, value: &Spanned<DeValue<'_>>) -> Vec<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => table.iter().flat_map(|(_, value)| values(text, value)).collect(),
        _ => vec![unquoted(text, &value.span())],
    }
}

/// Whether a key of this name is public, or a misspelling of one that is: long enough to be sure which.
fn is_public(name: &str) -> bool {
    PUBLIC.contains(&name)
        || PUBLIC.iter().any(|public| public.len() > 4 && strsim::damerau_levenshtein(name, public) == 1)
}

/// The span without its outermost quotes, which may stay.
fn unquoted(text: &str, span: &Range<usize>) -> Range<usize> {
    let quoted = text.get(span.clone()).is_some_and(|raw| raw.len() > 1 && raw.starts_with(['"', '\'']));
    if quoted { span.start + 1..span.end - 1 } else { span.clone() }
}

/// What stands before the last `@` of the address at `span`, from its `://` on: all of it when the `@` is escaped.
fn credentials(text: &str, span: &Range<usize>) -> Range<usize> {
    let raw = text.get(span.clone()).unwrap_or_default();
    let end = raw.rfind('@').unwrap_or(raw.len().saturating_sub(1));
    let start = raw.find("://").map(|at| at + 3).filter(|start| *start < end).unwrap_or(1);
    span.start + start..span.start + end
}

/// Comments: from a `#` that is no `content` to the end of the line. They are not shown, for passwords are parked there.
fn comments(text: &str, content: &[Range<usize>]) -> Vec<Range<usize>> {
    let outside = |at: &usize| !content.iter().any(|range| range.contains(at));
    let to_line_end =
        |at: usize| at..text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end);
    text.match_indices('#').map(|(at, _)| at).filter(outside).map(to_line_end).collect()
}
