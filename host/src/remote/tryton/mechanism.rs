//! Fields that live in a party's contact mechanisms: `contact_mechanism:phone` is the value of its first active one
//! of that type.
//!
//! A mechanism is a record of its own, and an edit of it does not move the party's `_timestamp`. The token of an
//! object with such fields therefore holds more: how many mechanisms there are, and the latest of their stamps.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sync_core::value::Value;

/// Field of the party that holds them.
pub(super) const FIELD: &str = "contact_mechanisms";
/// Model of a mechanism.
pub(super) const MODEL: &str = "party.contact_mechanism";
/// The name under which the parts below are answered.
const ANSWER: &str = "contact_mechanisms.";
/// What is asked for.
pub(super) const PARTS: [&str; 4] = ["type", "value", "active", "_timestamp"];
/// How a field's name begins; the mechanism's type follows.
const PREFIX: &str = "contact_mechanism:";

/// A contact mechanism.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Mechanism {
    id: i64,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The number or address.
    pub(super) value: Option<String>,
    /// A boolean, or 0 or 1 where the database has none.
    active: Option<Json>,
    #[serde(rename = "_timestamp")]
    stamp: Option<String>,
}

/// What a party is read for before its mechanisms are written.
#[derive(Debug, Deserialize)]
pub(super) struct Party {
    /// In the server's order.
    #[serde(rename = "contact_mechanisms.")]
    pub(super) mechanisms: Vec<Mechanism>,
}

impl Mechanism {
    fn is_active(&self) -> bool {
        !matches!(&self.active, Some(Json::Bool(false)))
            && self.active.as_ref().and_then(Json::as_i64) != Some(0)
    }
}

/// The mechanism's type, if the field lives in one.
pub(super) fn kind(field: &str) -> Option<&str> {
    field.strip_prefix(PREFIX)
}

/// The JSON name that a field is folded into.
pub(super) fn fold(field: &str) -> Option<&'static str> {
    kind(field).map(|_| ANSWER)
}

/// What to ask for, for a JSON name of a layout.
pub(super) fn asked(name: &str) -> Vec<String> {
    if name == ANSWER {
        PARTS.iter().map(|part| format!("{ANSWER}{part}")).collect()
    } else {
        vec![name.to_owned()]
    }
}

/// The mechanism that holds the field, in the server's order.
pub(super) fn first<'a>(all: &'a [Mechanism], kind: &str) -> Option<&'a Mechanism> {
    all.iter().find(|mechanism| mechanism.is_active() && mechanism.kind.as_deref() == Some(kind))
}

/// What the party's token says of its mechanisms.
pub(super) fn stamp(all: &[Mechanism]) -> String {
    let latest = all.iter().filter_map(|mechanism| mechanism.stamp.as_deref()).max().unwrap_or("");
    format!(" {}@{latest}", all.len())
}

/// The party's own stamp, without what its mechanisms add.
pub(super) fn own(token: &str) -> &str {
    token.split(' ').next().unwrap_or(token)
}

/// The stamps that a write through the party must find unchanged.
pub(super) fn guards(all: &[Mechanism], into: &mut Map<String, Json>) {
    for mechanism in all {
        if let Some(stamp) = &mechanism.stamp {
            into.insert(format!("{MODEL},{}", mechanism.id), json!(stamp));
        }
    }
}

/// The commands that give the fields their values: the first mechanism is written, made, or deleted for a null.
pub(super) fn commands(all: &[Mechanism], values: &[(&str, &Value)]) -> Json {
    let mut commands = Vec::new();
    for (kind, value) in values {
        let text = match value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        commands.extend(match (first(all, kind), text) {
            (Some(mechanism), Some(text)) => Some(json!(["write", [mechanism.id], { "value": text }])),
            (None, Some(text)) => Some(json!(["create", [{ "type": kind, "value": text }]])),
            (Some(mechanism), None) => Some(json!(["delete", [mechanism.id]])),
            (None, None) => None,
        });
    }
    Json::Array(commands)
}

/// The condition that a party has the value.
pub(super) fn condition(kind: &str, value: &Json) -> Json {
    json!([FIELD, "where", [["type", "=", kind], ["value", "=", value]]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mechanisms() -> Vec<Mechanism> {
        let all = json!([
            { "id": 1, "type": "phone", "value": "1", "active": 0, "_timestamp": "17.3" },
            { "id": 2, "type": "phone", "value": "2", "active": 1, "_timestamp": "17.25" },
            { "id": 3, "type": "phone", "value": "3", "active": true, "_timestamp": "17.1" },
            { "id": 4, "type": "email", "value": "4", "active": true, "_timestamp": "17.1" },
        ]);
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_first_active_one_holds_the_field() {
        assert_eq!(first(&mechanisms(), "phone").map(|mechanism| mechanism.id), Some(2));
        assert_eq!(stamp(&mechanisms()), " 4@17.3");
        assert_eq!(own("17.5 4@17.3"), "17.5");
        assert_eq!(own("17.5"), "17.5");
    }

    #[test]
    fn fields_are_written_by_commands() {
        let text = Value::Text("9".into());
        let values = [("phone", &text), ("website", &text), ("email", &Value::Null), ("fax", &Value::Null)];
        let expected = json!([
            ["write", [2], { "value": "9" }],
            ["create", [{ "type": "website", "value": "9" }]],
            ["delete", [4]],
        ]);
        assert_eq!(commands(&mechanisms(), &values), expected);
    }
}
