//! Texts with placeholders, `/contacts/{id}`, and what is put in their place, written as the position wants it: escaped
//! in a path or a query, as JSON in a body.

use crate::remote::percent::encoded;
use std::fmt::Write;

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Var {
    /// The resource that the object names.
    Resource,
    /// The record's id.
    Id,
    /// Ids, each written by `each`, with commas between them.
    Ids,
    /// The names of the fields that are wanted, with commas between them.
    Fields,
    /// The object's `filter`.
    Filter,
    /// The number of the page.
    Page,
    /// The number of records before the page.
    Offset,
    /// Where the last page says that the next one begins.
    Cursor,
    /// The name of a field that is compared.
    Field,
    /// The value that it is compared with.
    Value,
    /// The same, as JSON.
    Json,
    /// All comparisons.
    Conditions,
    /// The fields that are written, as a JSON object.
    Record,
    /// The version that the record must have.
    Version,
    /// The last-updated token that it must have.
    Updated,
    /// The ETag that it must have.
    Etag,
    /// The mark since which changes are asked for.
    Since,
}

/// All of them, by their names.
const NAMES: [(&str, Var); 17] = [
    ("resource", Var::Resource),
    ("id", Var::Id),
    ("ids", Var::Ids),
    ("fields", Var::Fields),
    ("filter", Var::Filter),
    ("page", Var::Page),
    ("offset", Var::Offset),
    ("cursor", Var::Cursor),
    ("field", Var::Field),
    ("value", Var::Value),
    ("json", Var::Json),
    ("conditions", Var::Conditions),
    ("record", Var::Record),
    ("version", Var::Version),
    ("updated", Var::Updated),
    ("etag", Var::Etag),
    ("since", Var::Since),
];

impl Var {
    /// The name in braces.
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, var)| *var == self).map_or("", |(name, _)| name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Var(Var),
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template(Vec<Piece>);

/// How a position wants what is put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Part of a path: everything that means something there is escaped.
    Path,
    /// JSON.
    Json,
    /// As it is: what becomes of the whole is seen to later.
    Plain,
}

/// What a placeholder is replaced by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    /// A text: in quotes where JSON is wanted.
    Text(String),
    /// A number, a boolean, or JSON that is finished.
    Raw(String),
    /// Several, with commas between them.
    List(Vec<Bound>),
}

impl Bound {
    fn write(&self, position: Position, out: &mut String) {
        match (self, position) {
            (Bound::Text(text), Position::Json) => out.push_str(&quoted(text)),
            (Bound::Text(text) | Bound::Raw(text), Position::Path) => out.extend(encoded(text)),
            (Bound::Text(text) | Bound::Raw(text), _) => out.push_str(text),
            (Bound::List(all), _) => {
                for (index, one) in all.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    one.write(position, out);
                }
            }
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> String {
        let mut out = String::new();
        self.write(Position::Json, &mut out);
        out
    }

    /// As plain text.
    pub(super) fn plain(&self) -> String {
        let mut out = String::new();
        self.write(Position::Plain, &mut out);
        out
    }
}

/// What the placeholders of one request stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings(Vec<(Var, Bound)>);

impl Bindings {
    /// With another one.
    pub(super) fn with(mut self, var: Var, bound: Bound) -> Bindings {
        self.0.retain(|(known, _)| *known != var);
        self.0.push((var, bound));
        self
    }

    /// With another text.
    pub(super) fn text(self, var: Var, text: impl Into<String>) -> Bindings {
        self.with(var, Bound::Text(text.into()))
    }

    fn get(&self, var: Var) -> Option<&Bound> {
        self.0.iter().find(|(known, _)| *known == var).map(|(_, bound)| bound)
    }
}

impl Template {
    /// Reads a text. What stands in braces and is a word in small letters is a placeholder; other braces are themselves.
    ///
    /// # Errors
    /// The first word in braces that is none of `allowed`.
    pub(super) fn parse<'t>(text: &'t str, allowed: &[Var]) -> Result<Template, &'t str> {
        let (mut pieces, mut rest, mut plain) = (Vec::new(), text, String::new());
        while let Some(at) = rest.find('{') {
            let (before, after) = rest.split_at(at);
            plain.push_str(before);
            let word = after[1..].split('}').next().unwrap_or_default();
            let closed = after.len() > word.len() + 1;
            let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            if !(closed && is_word) {
                plain.push('{');
                rest = &after[1..];
                continue;
            }
            let known = NAMES.iter().find(|(name, var)| *name == word && allowed.contains(var));
            let (_, var) = known.ok_or(word)?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Var(*var));
            rest = &after[word.len() + 2..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template(pieces))
    }

    /// Whether it has this placeholder.
    pub(super) fn mentions(&self, var: Var) -> bool {
        self.0.contains(&Piece::Var(var))
    }

    /// The text with all placeholders replaced; `None` where one stands for nothing.
    pub(super) fn render(&self, bindings: &Bindings, position: Position) -> Option<String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                // A resource may be several steps of a path.
                Piece::Var(Var::Resource) if position == Position::Path => {
                    let steps: Vec<String> = bindings
                        .get(Var::Resource)?
                        .plain()
                        .split('/')
                        .map(|part| encoded(part).to_string())
                        .collect();
                    out.push_str(&steps.join("/"));
                }
                Piece::Var(var) => match (bindings.get(*var), position) {
                    (Some(bound), _) => bound.write(position, &mut out),
                    (None, Position::Json) => out.push_str("null"),
                    (None, _) => return None,
                },
            }
        }
        Some(out)
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if letter.is_control() => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    let _always_ok = write!(out, "\\u{unit:04x}");
                }
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Var; 5] = [Var::Resource, Var::Id, Var::Record, Var::Cursor, Var::Fields];

    fn rendered(text: &str, position: Position) -> Option<String> {
        let fields = ["a", "b c"].map(|name| Bound::Text(name.into())).into();
        let bindings = Bindings::default()
            .text(Var::Resource, "a b/c?")
            .text(Var::Id, "1/2 \"ä\"\n")
            .with(Var::Record, Bound::Raw(r#"{"n":1}"#.into()))
            .with(Var::Fields, Bound::List(fields));
        Template::parse(text, &ALL).unwrap().render(&bindings, position)
    }

    #[test]
    fn each_position_has_its_own_writing() {
        for (text, position, expected) in [
            ("/x/{resource}/{id}", Position::Path, Some("/x/a%20b/c%3F/1%2F2%20%22%C3%A4%22%0A")),
            (r#"{"data": {record}}"#, Position::Json, Some(r#"{"data": {"n":1}}"#)),
            (
                r#"{"id":{id},"all":[{fields}]}"#,
                Position::Json,
                Some(r#"{"id":"1/2 \"ä\"\u000a","all":["a","b c"]}"#),
            ),
            ("{fields}", Position::Plain, Some("a,b c")),
            ("{}{ {X} {{id}", Position::Plain, Some("{}{ {X} {1/2 \"ä\"\n")),
            // What there is not.
            ("{cursor}", Position::Plain, None),
            (r#"{"after":{cursor}}"#, Position::Json, Some(r#"{"after":null}"#)),
        ] {
            assert_eq!(rendered(text, position).as_deref(), expected, "{text}");
        }
        let json = rendered(r#"{id}"#, Position::Json).unwrap();
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "1/2 \"ä\"\n");
    }

    #[test]
    fn unknown_placeholders_are_named() {
        assert_eq!(Template::parse("a{recrod}b", &ALL), Err("recrod"));
        assert_eq!(Template::parse("{etag}", &ALL), Err("etag"));
        for (name, var) in NAMES {
            assert_eq!(var.name(), name);
        }
    }
}
