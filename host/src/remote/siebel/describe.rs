//! What a resource holds, as far as its records tell: Siebel's REST answers texts and says of none what it is.

use super::query::{PAGE, Query};
use super::{Purpose, Siebel, wire};
use crate::ports::{FieldDescription, Holds, RemoteError, ResourceDescription, Scope};
use crate::remote::decode::Wire as _;
use crate::remote::http::Reply;
use crate::remote::sample::{Record, counted, kind_of, length, names};
use serde::Deserialize;
use sync_core::object::{Object, ObjectName, Resource, Traits};
use sync_core::value::Kind;

const ID: &str = "Id";
const UPDATED: &str = "Updated";
const VERSION: &str = "Mod Id";
const CREATED: &str = "Created";
/// Who wrote when is the server's own business, and stands for nothing locally.
const SYSTEM: [&str; 6] = [ID, UPDATED, VERSION, CREATED, "Created By", "Updated By"];
impl Siebel {
    /// Reads a page of records with all their fields, and guesses.
    pub(super) async fn described(
        &self,
        name: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        let resource = Resource {
            path: path.to_owned(),
            id: ID.to_owned(),
            updated: UPDATED.to_owned(),
            version: Some(VERSION.to_owned()),
            created: Some(CREATED.to_owned()),
        };
        let object = Object {
            name: name.clone(),
            mapping_version: 0,
            local: Vec::new(),
            remote: Vec::new(),
            resource,
            user_keys: Vec::new(),
        };
        let query = Query { page: Some(PAGE), view_mode: &self.options.view_mode, ..Query::default() };
        let url = query.at(self.address(&object, None));
        let read = |reply: &Reply| Ok(serde_json::from_slice::<Answer>(&reply.body)?.records());
        let records = self.get(&object, Purpose::Details, url, read).await?.unwrap_or_default();
        let fail = |message: String, help: &str| {
            Err(RemoteError { scope: Scope::Object, message, help: Some(help.to_owned()) })
        };
        if records.is_empty() {
            return fail(
                format!(
                    "{path} has no records in the view `{}`, and only records tell its fields",
                    self.options.view_mode
                ),
                "enter one on the server with every field filled, or choose a wider `view-mode`",
            );
        }
        if let Some(missing) = [ID, UPDATED].into_iter().find(|it| !has(&records, it)) {
            return fail(
                format!(
                    "the records of {path} have no field `{missing}`, so their changes cannot be recognized"
                ),
                "name the business component's own resource, such as `Account/Account`",
            );
        }
        let resource = Resource {
            version: object.resource.version.filter(|it| has(&records, it)),
            created: object.resource.created.filter(|it| has(&records, it)),
            ..object.resource
        };
        Ok(self.guessed(resource, &records))
    }

    fn guessed(&self, resource: Resource, records: &[Record]) -> ResourceDescription {
        let (mut fields, mut left_out, mut sample) = (Vec::new(), Vec::new(), Vec::new());
        let fullest = records.iter().max_by_key(|record| record.filled());
        for name in names(records).into_iter().filter(|name| *name != "Link" && !SYSTEM.contains(name)) {
            let holds_more = |record: &Record| {
                record.0.iter().any(|(it, value)| it == name && (value.is_array() || value.is_object()))
            };
            if records.iter().any(holds_more) {
                left_out.push((name.to_owned(), "it holds records of its own, not a text".to_owned()));
                continue;
            }
            let texts: Vec<String> = records.iter().map(|record| record.text(name)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
            let (kind, note) = guess(&self.wire, name, &texts, records.len());
            let text = fullest.map(|record| record.text(name)).unwrap_or_default();
            sample.push(self.wire.text(&kind, &text));
            let (name, holds) = (name.to_owned(), Holds::Value(kind));
            fields.push(FieldDescription { name, holds, traits: Traits::default(), note });
        }
        let known_from = format!(
            "The kinds are guessed from the {} that this user sees first: Siebel says of no field what it holds, \
             whether it must be filled, or whether it can be written. Check each line.",
            counted(records.len())
        );
        ResourceDescription { resource, known_from, fields, left_out, sample: Some(sample) }
    }
}

/// What values of these texts are, and what is uncertain about that.
fn guess(wire: &wire::Siebel, name: &str, texts: &[&str], records: usize) -> (Kind, Option<String>) {
    let all = |is: &dyn Fn(&str) -> bool| texts.iter().all(|text| is(text));
    if texts.is_empty() {
        let note = format!("Empty in the {} that were read: its kind is not known.", counted(records));
        return (Kind::Text(250), Some(note));
    }
    if name.ends_with(" Id") && all(&is_id) {
        let note = format!(
            "Looks like the id of another record: with `--link '{name}=OBJECT'`, or Reference(\"OBJECT\") here, it \
             becomes a link."
        );
        return (Kind::Text(length(texts)), Some(note));
    }
    if all(&|text| matches!(text, "Y" | "N")) {
        return (Kind::Boolean, None);
    }
    kind_of(wire, name, texts)
}

/// Row ids are short, and of capitals and digits: `1-AB3F`.
fn is_id(text: &str) -> bool {
    text.len() <= 30
        && text.contains('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'))
}

fn has(records: &[Record], name: &str) -> bool {
    records.iter().any(|record| !record.text(name).is_empty())
}

/// A page of records, or what stands for one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Wrapped { items: Items },
    Bare(Record),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Items {
    Many(Vec<Record>),
    One(Record),
}

impl Answer {
    fn records(self) -> Vec<Record> {
        match self {
            Answer::Wrapped { items: Items::Many(records) } => records,
            Answer::Wrapped { items: Items::One(record) } | Answer::Bare(record) => vec![record],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn guessed(name: &str, texts: &[&str]) -> (Kind, bool) {
        let (kind, note) = guess(&wire::Siebel { zone: TimeZone::UTC }, name, texts, 7);
        (kind, note.is_some())
    }

    #[test]
    fn kinds_are_guessed_from_all_texts() {
        for (name, texts, kind, noted) in [
            ("Done Flag", &["Y", "N"][..], Kind::Boolean, false),
            ("Birth Date", &["02/29/2024"], Kind::Date, false),
            ("Planned", &["02/29/2024 10:00:00", "03/01/2024 00:00:00"], Kind::Timestamp, false),
            ("Number of Employees", &["12", "0"], Kind::Integer, false),
            ("Amount", &["12", "10.5"], Kind::Decimal(2), false),
            ("Rate", &["0.12345"], Kind::Decimal(5), false),
            ("Name", &["Acme", "12"], Kind::Text(100), false),
            ("Comment", &["x".repeat(130).as_str()], Kind::Text(500), false),
            // What looks like a number and is none keeps its zeros.
            ("Postal Code", &["10115"], Kind::Text(100), true),
            ("Cellular Phone #", &["5551234"], Kind::Text(100), true),
            ("Order Number", &["17"], Kind::Text(100), true),
            ("Rank", &["007"], Kind::Text(100), false),
            ("Account Id", &["88-3DS000", "1-AB"], Kind::Text(100), true),
            ("Price List Id", &["the usual"], Kind::Text(100), false),
            ("Empty", &[], Kind::Text(250), true),
        ] {
            assert_eq!(guessed(name, texts), (kind, noted), "{name} {texts:?}");
        }
    }

    #[test]
    fn records_are_read_in_their_order_however_many_there_are() {
        let one = r#"{"Name":"A","Id":"1-A","Link":[{"rel":"self"}],"Area":"B"}"#;
        for json in [format!(r#"{{"items":[{one}]}}"#), format!(r#"{{"items":{one}}}"#), one.to_owned()] {
            let records = serde_json::from_str::<Answer>(&json).unwrap().records();
            assert_eq!(names(&records), ["Name", "Id", "Link", "Area"], "{json}");
        }
    }
}
