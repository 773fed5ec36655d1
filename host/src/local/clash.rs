//! The fields of a conflict as JSON. Most are alike on both sides and as they were agreed on: their value is written
//! once, which halves what a log of many conflicts takes.

use super::error::{unreadable, unwritable};
use crate::ports::ConflictField;
use serde::{Deserialize, Serialize};
use sync_core::value::Value;

#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Alike { field: &'a str, all: &'a Value },
    Each(&'a ConflictField),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Alike { field: String, all: Value },
    Each(ConflictField),
}

/// The fields as they are stored.
pub(super) fn encode(fields: &[ConflictField]) -> rusqlite::Result<String> {
    let written: Vec<Written<'_>> = fields.iter().map(written).collect();
    serde_json::to_string(&written).map_err(unwritable)
}

fn written(field: &ConflictField) -> Written<'_> {
    let ConflictField { field: name, base, local, remote, differs } = field;
    if !differs && base == local && local == remote {
        Written::Alike { field: name, all: base }
    } else {
        Written::Each(field)
    }
}

/// Reads stored fields; those of an earlier host, too, which wrote each value three times.
pub(super) fn decode(text: &str) -> rusqlite::Result<Vec<ConflictField>> {
    let read: Vec<Read> = serde_json::from_str(text).map_err(unreadable)?;
    let field = |read| match read {
        Read::Each(field) => field,
        Read::Alike { field, all } => {
            ConflictField { field, base: all.clone(), local: all.clone(), remote: all, differs: false }
        }
    };
    Ok(read.into_iter().map(field).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were_and_so_do_those_of_an_earlier_host() {
        let field = |name: &str, [base, local, remote]: [Value; 3], differs| ConflictField {
            field: name.into(),
            base,
            local,
            remote,
            differs,
        };
        let text = |text: &str| Value::Text(text.into());
        let fields = vec![
            field("name", [text("Acme"), text("Acme"), text("Acme")], false),
            field("phone", [Value::Null, text("1"), text("2")], true),
            field("state", [Value::Null, Value::Null, Value::Null], false),
            field("owner", [text("a"), text("b"), text("b")], false),
            field("gone", [Value::Absent, Value::Absent, Value::Absent], true),
        ];
        let stored = encode(&fields).unwrap();
        assert!(
            stored.starts_with(r#"[{"field":"name","all":{"text":"Acme"}},{"field":"phone","base":"#),
            "{stored}"
        );
        assert_eq!(decode(&stored).unwrap(), fields);
        assert_eq!(decode(&serde_json::to_string(&fields).unwrap()).unwrap(), fields);
        assert!(decode(r#"[{"field":"name"}]"#).is_err());
    }
}
