//! What a model holds: Tryton tells of each field what it is, and which values a new record gets by itself.

use super::{Purpose, Tryton, plain};
use crate::ports::{FieldDescription, Holds, RemoteError, ResourceDescription};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sync_core::object::{Field, Object, ObjectName, Resource, Traits};
use sync_core::value::{Kind, Value};

/// Who wrote when is the server's own business.
const SYSTEM: [&str; 7] =
    ["id", "create_date", "create_uid", "write_date", "write_uid", "rec_name", "_timestamp"];
/// Longest value of a text for which the server has no limit.
const TEXT: u32 = 1_000;
const LONG_TEXT: u32 = 16_000;
/// Digits after the point, where the server says none.
const DIGITS: u8 = 4;
const DEFAULTED: &str = "Required, but the server gives a new record a value where none is sent.";
const AT_TIMES: &str = "At times read only, on conditions of the server's: where it fills the field in itself, take `required` away.";
/// Records that are looked at for an example.
const SAMPLES: usize = 20;

/// What `fields_get` says of a field, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
struct Definition {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    readonly: bool,
    /// Whether the model's own table has it: what is computed or kept elsewhere is not searched and sorted by.
    #[serde(default = "yes")]
    searchable: bool,
    #[serde(default = "yes")]
    sortable: bool,
    /// Conditions, as JSON in a text.
    #[serde(default)]
    states: Json,
    #[serde(default)]
    relation: Option<String>,
    #[serde(default)]
    size: Json,
    #[serde(default)]
    digits: Json,
    #[serde(default)]
    selection: Json,
}

fn yes() -> bool {
    true
}

impl Tryton {
    /// Asks for the fields, for the defaults of those that are required, and for a record as an example.
    pub(super) async fn described(
        &self,
        name: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        let resource = Resource {
            path: path.to_owned(),
            id: "id".to_owned(),
            updated: "_timestamp".to_owned(),
            version: None,
            created: Some("create_date".to_owned()),
        };
        let mut object = Object {
            name: name.clone(),
            mapping_version: 0,
            local: Vec::new(),
            remote: Vec::new(),
            resource,
            user_keys: Vec::new(),
        };
        let ask = self.invocation(&object, Purpose::Details, "fields_get", vec![json!(null)]);
        let definitions: Map<String, Json> = self.rpc.read(&ask, plain).await?;
        let (mut fields, mut left_out, mut required) = (Vec::new(), Vec::new(), Vec::new());
        for (name, definition) in definitions.into_iter().filter(|(name, _)| !SYSTEM.contains(&name.as_str()))
        {
            let Ok(it) = serde_json::from_value::<Definition>(definition) else { continue };
            match it.holds() {
                Ok((holds, mut note)) => {
                    // What a client may not write the server fills in, and it is read back.
                    let (read_only, computed) = (it.readonly, it.readonly);
                    let traits = Traits {
                        required: it.required && !read_only,
                        read_only,
                        computed,
                        ..Traits::default()
                    };
                    if traits.required {
                        required.push(name.clone());
                        note = joined(note, it.is_at_times_read_only().then_some(AT_TIMES));
                    }
                    fields.push(FieldDescription { name, holds, traits, note });
                }
                Err(why) => left_out.push((name, why)),
            }
        }
        let ask = self.invocation(&object, Purpose::Details, "default_get", vec![json!(required)]);
        let defaults: Map<String, Json> = self.rpc.read(&ask, plain).await?;
        for field in &mut fields {
            if field.traits.required && defaults.get(&field.name).is_some_and(|it| !it.is_null()) {
                field.traits.required = false;
                field.note = joined(field.note.take().filter(|it| it != AT_TIMES), Some(DEFAULTED));
            }
        }
        // The most telling fields first: the server's own order is that of the alphabet.
        fields.sort_by_key(|it| (it.name != "name", !it.traits.required));
        object.remote = fields.iter().map(read_as).collect();
        let sample = self.sample(&object).await?;
        let known_from = format!(
            "The kinds are the server's own. Texts that it sets no limit to are given {TEXT} characters here, long ones \
             {LONG_TEXT}; a link to a model that no plugin here is for is its id, read only."
        );
        Ok(ResourceDescription { resource: object.resource, known_from, fields, left_out, sample })
    }

    /// The fullest of the first records.
    async fn sample(&self, object: &Object) -> Result<Option<Vec<Value>>, RemoteError> {
        let records = self.records(object, Purpose::Details, json!([]), Some(SAMPLES)).await?;
        let filled = |row: &Vec<Value>| row.iter().filter(|value| value.is_filled()).count();
        Ok(records.into_iter().map(|record| record.row).max_by_key(filled))
    }
}

/// The field as a record's values are read by it.
fn read_as(field: &FieldDescription) -> Field {
    let kind = match &field.holds {
        Holds::Value(kind) => kind.clone(),
        Holds::Link(resource) => Kind::Reference(resource.clone()),
    };
    Field { name: field.name.clone(), kind, traits: field.traits }
}

impl Definition {
    /// What the field holds, with what is uncertain; or why it cannot be mapped to a column.
    fn holds(&self) -> Result<(Holds, Option<String>), String> {
        let value = |kind| Ok((Holds::Value(kind), None));
        match self.kind.as_str() {
            "one2many" | "many2many" => {
                Err("it holds several records, which are objects of their own".to_owned())
            }
            _ if !self.searchable || !self.sortable => {
                Err("the server computes it or keeps it elsewhere".to_owned())
            }
            "boolean" => value(Kind::Boolean),
            "integer" | "biginteger" => value(Kind::Integer),
            "date" => value(Kind::Date),
            "datetime" | "timestamp" => value(Kind::Timestamp),
            "multiselection" => value(Kind::Choices),
            "text" | "fulltext" => value(Kind::Text(self.size().unwrap_or(LONG_TEXT))),
            "char" => value(Kind::Text(self.size().unwrap_or(TEXT))),
            "float" | "numeric" => match told(&self.digits).get(1).and_then(Json::as_u64) {
                Some(digits) => value(Kind::Decimal(u8::try_from(digits).unwrap_or(u8::MAX))),
                None => {
                    let note =
                        format!("The server says no number of digits for all records; {DIGITS} is a guess.");
                    Ok((Holds::Value(Kind::Decimal(DIGITS)), Some(note)))
                }
            },
            "selection" => Ok((Holds::Value(Kind::Text(100)), self.options())),
            "many2one" => match &self.relation {
                Some(relation) => Ok((Holds::Link(relation.clone()), None)),
                None => Err("the server does not say what it links to".to_owned()),
            },
            "binary" => Err("it holds a file".to_owned()),
            other => Err(format!("the host has no kind for a {other}")),
        }
    }

    fn size(&self) -> Option<u32> {
        told(&self.size).as_u64().and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0)
    }

    fn is_at_times_read_only(&self) -> bool {
        told(&self.states).get("readonly").is_some()
    }

    /// The values of a selection, where the server lists them.
    fn options(&self) -> Option<String> {
        let all: Vec<&str> = self.selection.as_array()?.iter().filter_map(|it| it.get(0)?.as_str()).collect();
        let shown: Vec<&str> = all.iter().copied().filter(|it| !it.is_empty()).take(12).collect();
        let more = if all.len() > shown.len() + 1 { ", …" } else { "" };
        (!shown.is_empty()).then(|| format!("One of {}{more}.", shown.join(", ")))
    }
}

/// What stands in a text as JSON, as Tryton sends whatever may depend on the record.
fn told(value: &Json) -> Json {
    value.as_str().map_or_else(|| value.clone(), |text| serde_json::from_str(text).unwrap_or_default())
}

fn joined(note: Option<String>, more: Option<&str>) -> Option<String> {
    let all: Vec<&str> = note.as_deref().into_iter().chain(more).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(definition: Json) -> Result<(Holds, Option<String>), String> {
        serde_json::from_value::<Definition>(definition).unwrap().holds()
    }

    #[test]
    fn the_servers_kinds_are_the_hosts() {
        for (definition, kind) in [
            (json!({ "type": "char", "size": 40 }), Kind::Text(40)),
            (json!({ "type": "text", "size": null }), Kind::Text(LONG_TEXT)),
            (json!({ "type": "char", "size": null }), Kind::Text(TEXT)),
            (json!({ "type": "numeric", "digits": [16, 2] }), Kind::Decimal(2)),
            (json!({ "type": "float", "digits": "[1, 4]" }), Kind::Decimal(4)),
            (json!({ "type": "datetime", "format": "%H:%M" }), Kind::Timestamp),
            (json!({ "type": "multiselection" }), Kind::Choices),
        ] {
            assert_eq!(holds(definition), Ok((Holds::Value(kind), None)));
        }
        let link = Ok((Holds::Link("party.party".into()), None));
        assert_eq!(holds(json!({ "type": "many2one", "relation": "party.party" })), link);
        for left_out in ["one2many", "many2many", "binary", "dict", "timedelta"] {
            assert!(holds(json!({ "type": left_out })).is_err(), "{left_out}");
        }
        assert!(holds(json!({ "type": "char", "sortable": false })).is_err());
    }

    #[test]
    fn what_is_uncertain_is_said() {
        let (_, note) =
            holds(json!({ "type": "selection", "selection": [["", ""], ["won", "Won"]] })).unwrap();
        assert_eq!(note.as_deref(), Some("One of won."));
        assert!(holds(json!({ "type": "float", "digits": "\"currency\"" })).unwrap().1.is_some());
    }
}
