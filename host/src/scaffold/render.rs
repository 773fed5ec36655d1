//! A draft as files: Rust and JSON as `cargo fmt` and a person would write them.

use super::draft::{Case, Draft, DraftField};
use crate::natural::natural_json;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use sync_core::value::Kind;

/// Widest line of code, as `.rustfmt.toml` has it, and of a comment's text.
const WIDTH: usize = 110;
const COMMENT: usize = 100;
/// Where a line of the table begins.
const INDENT: &str = "        ";

/// Fills in a template: `{{name}}` for each name.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(values.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// `src/mapping.rs`.
pub(super) fn mapping(draft: &Draft) -> String {
    let about: Vec<String> = draft.about.iter().map(|it| comment("", "//!", it)).collect();
    let option = |it: &Option<String>| it.as_ref().map_or("None".to_owned(), |it| format!("Some({it:?})"));
    let quoted = |it: &str| format!("{it:?}");
    let keys: Vec<String> = draft.user_keys.iter().map(|key| format!("&{key:?}")).collect();
    let note = draft.user_keys_note.iter().map(|note| comment("    ", "//", note) + "\n");
    let user_keys = format!("{}    user_keys: &[{}],", note.collect::<String>(), keys.join(", "));
    let mut fields: Vec<String> = draft.fields.iter().map(line).collect();
    if !draft.left_out.is_empty() {
        fields.push(format!("{INDENT}// Left out:"));
        let why = |(name, why): &(String, String)| comment(INDENT, "//", &format!("{name}: {why}"));
        fields.extend(draft.left_out.iter().map(why));
    }
    let example = draft.fields.iter().find(|it| matches!(it.kind, Kind::Text(_))).or(draft.fields.first());
    let resource = &draft.resource;
    fill(
        include_str!("template/mapping.rs.in"),
        &[
            ("about", &about.join("\n//!\n")),
            ("kinds", &kinds(&draft.fields)),
            ("name", &quoted(draft.name.as_str())),
            ("path", &quoted(&resource.path)),
            ("id", &quoted(&resource.id)),
            ("updated", &quoted(&resource.updated)),
            ("version", &option(&resource.version)),
            ("created", &option(&resource.created)),
            ("user_keys", &user_keys),
            ("fields", &fields.join("\n")),
            ("remote", &quoted(example.map_or("", |it| &it.remote))),
            ("local", &quoted(example.map_or("", |it| &it.local))),
            ("value", example.map_or("Value::Null", |it| literal(&it.kind))),
        ],
    )
}

/// The kinds that the table uses, as `use` lists them.
fn kinds(fields: &[DraftField]) -> String {
    let names: BTreeSet<&str> = fields.iter().map(|it| variant(&it.kind)).collect();
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [only] => (*only).to_owned(),
        many => format!("{{{}}}", many.join(", ")),
    }
}

fn variant(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "Boolean",
        Kind::Integer => "Integer",
        Kind::Decimal(_) => "Decimal",
        Kind::Text(_) => "Text",
        Kind::Choices => "Choices",
        Kind::Date => "Date",
        Kind::Timestamp => "Timestamp",
        Kind::Bytes => "Bytes",
        Kind::Reference(_) => "Reference",
    }
}

/// A value of the kind, in Rust.
fn literal(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "Value::Boolean(true)",
        Kind::Integer => "Value::Integer(1)",
        Kind::Decimal(_) => "Value::Decimal(\"1.5\".into())",
        Kind::Text(_) => "Value::Text(\"An example\".into())",
        Kind::Choices => "Value::Choices(vec![\"One\".into()])",
        Kind::Date => "Value::Date(\"2026-03-21\".into())",
        Kind::Timestamp => "Value::Timestamp(1_774_085_400_000_000)",
        Kind::Bytes => "Value::Bytes(vec![1])",
        Kind::Reference(_) => "Value::Reference(\"1-AB\".into())",
    }
}

/// A line of the table, broken as rustfmt breaks it where it is too long.
fn line(field: &DraftField) -> String {
    let kind = match &field.kind {
        Kind::Decimal(scale) => format!("Decimal({scale})"),
        Kind::Text(length) => format!("Text({length})"),
        Kind::Reference(object) => format!("Reference({object:?})"),
        plain => variant(plain).to_owned(),
    };
    let it = field.traits;
    let traits = [
        (it.required, ".required()"),
        (it.read_only, ".read_only()"),
        (it.computed, ".computed()"),
        (it.create_only, ".create_only()"),
        (it.not_compared, ".not_compared()"),
    ];
    let traits: Vec<&str> = traits.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
    let note = field.note.iter().map(|note| comment(INDENT, "//", note) + "\n").collect::<String>();
    let (local, remote) = (format!("{:?}", field.local), format!("{:?}", field.remote));
    let fits = |line: &str| line.chars().count() <= WIDTH;
    let short = format!("{INDENT}field({local}, {kind}, {remote})");
    let whole = format!("{short}{},", traits.concat());
    if fits(&whole) {
        return note + &whole;
    }
    let head = if fits(&format!("{short},")) {
        short
    } else {
        format!("{INDENT}field(\n{INDENT}    {local},\n{INDENT}    {kind},\n{INDENT}    {remote},\n{INDENT})")
    };
    // After arguments of several lines a chain goes on where they end.
    let step =
        if head.contains('\n') && traits.len() < 2 { String::new() } else { format!("\n{INDENT}    ") };
    let traits: String = traits.iter().map(|name| format!("{step}{name}")).collect();
    format!("{note}{head}{traits},")
}

/// Text as a comment of as many lines as it takes.
fn comment(indent: &str, mark: &str, text: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.chars().count() + word.chars().count() < COMMENT => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!(" {word}")),
        }
    }
    lines.iter().map(|line| format!("{indent}{mark}{line}")).collect::<Vec<_>>().join("\n")
}

/// `cases/NAME.json`.
pub(super) fn case(draft: &Draft, case: &Case) -> String {
    let side = |name: fn(&DraftField) -> &str| {
        Side(
            draft
                .fields
                .iter()
                .zip(&case.values)
                .map(|(field, value)| (name(field), natural_json(value)))
                .collect(),
        )
    };
    let file = CaseFile { name: &case.name, remote: side(|it| &it.remote), local: side(|it| &it.local) };
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct CaseFile<'a> {
    name: &'a str,
    remote: Side<'a>,
    local: Side<'a>,
}

/// In the order of the fields.
struct Side<'a>(Vec<(&'a str, serde_json::Value)>);

impl Serialize for Side<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use sync_core::object::{ObjectName, Traits};

    /// rustfmt's own verdict, with the configuration that a project of its own carries.
    fn assert_formatted(text: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".rustfmt.toml"), include_str!("../../../.rustfmt.toml")).unwrap();
        std::fs::write(folder.path().join("mapping.rs"), text).unwrap();
        let mut rustfmt = Command::new("rustfmt");
        rustfmt.args(["--check", "--edition", "2024", "mapping.rs"]).current_dir(folder.path());
        let output = rustfmt.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stdout));
    }

    #[test]
    fn what_is_written_is_formatted() {
        let mut draft = Draft::example(ObjectName::new("sales-order").unwrap());
        assert_formatted(&mapping(&draft));

        let both = Traits { read_only: true, computed: true, ..Traits::default() };
        let one = Traits { required: true, ..Traits::default() };
        for length in [20, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 50, 60, 120] {
            for traits in [Traits::default(), one, both] {
                draft.fields.push(DraftField {
                    local: format!("{}_{}", "x".repeat(length), draft.fields.len()),
                    remote: "y \"".repeat(length / 3),
                    kind: Kind::Reference("account".into()),
                    traits,
                    note: Some("A note that says what is to be looked at. ".repeat(4)),
                });
            }
        }
        draft.resource.version = None;
        draft.left_out.push(("Binary".into(), "it holds a file".into()));
        draft.user_keys = vec![vec!["Name".into(), "Amount".into()], vec!["Name".into()]];
        draft.about.push("Further words. ".repeat(20));
        assert_formatted(&mapping(&draft));

        // Nothing that would fit on one line is broken for no reason either.
        draft.fields.truncate(1);
        draft.left_out.clear();
        draft.user_keys.clear();
        assert_formatted(&mapping(&draft));
    }
}
