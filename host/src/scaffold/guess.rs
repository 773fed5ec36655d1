//! A first draft of a mapping, from what a server tells of a resource.

use super::draft::{Case, Draft, DraftField};
use super::names::Columns;
use crate::metadata::suggestion;
use crate::ports::{FieldDescription, Holds, ResourceDescription};
use sync_core::object::{MOST_FIELDS, Object, ObjectName};
use sync_core::value::{Kind, Value};

/// Longest id of a record that the draft leaves room for.
const ID_LENGTH: u32 = 50;

/// An object that there is a plugin for: links may point at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub object: String,
    /// Path of its resource.
    pub resource: String,
}

impl Known {
    /// An object as what links may point at.
    pub fn of(object: &Object) -> Known {
        Known { object: object.name.to_string(), resource: object.resource.path.clone() }
    }
}

/// A link was asked for of a field that the resource does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the resource has no field {field:?} to be a link")]
pub struct UnknownField {
    /// The name that was given.
    pub field: String,
    /// What to do about it.
    pub help: String,
}

/// Makes a draft: names become columns, links point at known objects, a sample becomes a case. `links` are remote
/// fields that a person knows to be links, each with its object.
///
/// # Errors
/// A link of a field that is not there.
pub fn draft_of(
    name: ObjectName,
    description: ResourceDescription,
    known: &[Known],
    links: &[(String, ObjectName)],
) -> Result<Draft, UnknownField> {
    let ResourceDescription { resource, known_from, fields: mut described, mut left_out, sample } =
        description;
    if let Some((field, _)) = links.iter().find(|(field, _)| described.iter().all(|it| it.name != *field)) {
        let help = suggestion(field, described.iter().map(|it| it.name.as_str()));
        return Err(UnknownField { field: field.clone(), help });
    }
    for field in described.drain(described.len().min(MOST_FIELDS)..) {
        left_out.push((field.name, format!("an object has at most {MOST_FIELDS} fields")));
    }
    let (mut columns, mut fields) = (Columns::default(), Vec::new());
    for field in described {
        let link = links.iter().find(|(name, _)| *name == field.name).map(|(_, object)| object.as_str());
        fields.push(drafted(field, link, &mut columns, known, &name, &resource.path));
    }
    let identity = identity(&fields);
    let mut cases = Vec::new();
    if let Some(key) = identity.or((!fields.is_empty()).then_some(0)) {
        cases = examples(&fields, key, sample.unwrap_or_default());
    }
    let user_keys_note = match identity.and_then(|at| fields.get(at)) {
        Some(_) => {
            "A guess: a new record is looked up by these before it is inserted, and people know it by them."
        }
        None => {
            "No field looks like a name. Put those here that people know a record by: without any, an insert whose \
             answer is lost cannot be looked up."
        }
    };
    Ok(Draft {
        about: vec![format!("What `{name}` is: a first mapping of {}.", resource.path), known_from],
        user_keys: identity
            .and_then(|at| fields.get(at))
            .map(|it| vec![it.remote.clone()])
            .into_iter()
            .collect(),
        user_keys_note: Some(user_keys_note.to_owned()),
        name,
        resource,
        fields,
        left_out,
        cases,
    })
}

fn drafted(
    field: FieldDescription,
    asked: Option<&str>,
    columns: &mut Columns,
    known: &[Known],
    own: &ObjectName,
    own_path: &str,
) -> DraftField {
    let FieldDescription { name, holds, mut traits, mut note } = field;
    let kind = match (asked, holds) {
        (Some(object), _) => {
            note = None;
            Kind::Reference(object.to_owned())
        }
        (None, Holds::Value(kind)) => kind,
        (None, Holds::Link(resource)) => {
            let own = (resource == own_path).then_some(own.as_str());
            let found = known.iter().find(|it| it.resource == resource).map(|it| it.object.as_str());
            match own.or(found) {
                Some(object) => Kind::Reference(object.to_owned()),
                None => {
                    // As text it would go back in a form that the server may not take for an id.
                    traits.read_only = true;
                    traits.required = false;
                    note = Some(format!(
                        "Links to {resource}: with a plugin for that, a Reference(\"OBJECT\")."
                    ));
                    Kind::Text(ID_LENGTH)
                }
            }
        }
    };
    let local = columns.name(&name, matches!(kind, Kind::Reference(_)));
    DraftField { local, remote: name, kind, traits, note }
}

/// The field that most likely tells people which record it is.
fn identity(fields: &[DraftField]) -> Option<usize> {
    const USUAL: [&str; 4] = ["title", "subject", "description", "number"];
    let usable =
        |it: &DraftField| matches!(it.kind, Kind::Text(_)) && !it.traits.read_only && !it.traits.computed;
    let first = |is: &dyn Fn(&DraftField) -> bool| fields.iter().position(|it| usable(it) && is(it));
    first(&|it| it.remote.eq_ignore_ascii_case("name"))
        .or_else(|| first(&|it| it.traits.required))
        .or_else(|| USUAL.iter().find_map(|name| first(&|it| it.remote.eq_ignore_ascii_case(name))))
}

/// The sample, and a record of which only one field is filled.
fn examples(fields: &[DraftField], key: usize, mut sample: Vec<Value>) -> Vec<Case> {
    sample.resize(fields.len(), Value::Null);
    for (value, field) in sample.iter_mut().zip(fields) {
        *value = match (std::mem::replace(value, Value::Null), &field.kind) {
            (Value::Text(id), Kind::Reference(_)) => Value::Reference(id),
            (Value::Reference(id), Kind::Text(_)) => Value::Text(id),
            (Value::Absent, _) => Value::Null,
            (value, _) => value,
        };
        // A case is an example of what a run would meet, and a run would not take this value.
        if value.conform(&field.kind).is_err() {
            *value = Value::Null;
        }
    }
    let mut bare = vec![Value::Null; fields.len()];
    if let (Some(value), Some(from), Some(field)) = (bare.get_mut(key), sample.get(key), fields.get(key)) {
        *value = match (&field.kind, from) {
            (Kind::Text(_), Value::Null) => Value::Text("A".into()),
            (_, value) => value.clone(),
        };
    }
    let name = fields.get(key).map_or("", |it| it.local.as_str());
    vec![
        Case { file: "bare", name: format!("only {name} is filled"), values: bare },
        Case { file: "sample", name: "a record of the server".into(), values: sample },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_core::object::{Resource, Traits};

    fn field(name: &str, holds: Holds) -> FieldDescription {
        FieldDescription { name: name.into(), holds, traits: Traits::default(), note: None }
    }

    fn description(fields: Vec<FieldDescription>, sample: Vec<Value>) -> ResourceDescription {
        let resource = Resource {
            path: "party.category".into(),
            id: "id".into(),
            updated: "_timestamp".into(),
            version: None,
            created: None,
        };
        let known_from = "From a test.".into();
        ResourceDescription { resource, known_from, fields, left_out: Vec::new(), sample: Some(sample) }
    }

    fn name() -> ObjectName {
        ObjectName::new("category").unwrap()
    }

    #[test]
    fn links_point_at_known_objects_and_at_the_object_itself() {
        let fields = vec![
            field("name", Holds::Value(Kind::Text(10))),
            field("parent", Holds::Link("party.category".into())),
            field("owner", Holds::Link("party.party".into())),
            field("lang", Holds::Link("ir.lang".into())),
        ];
        let sample = vec![
            Value::Text("Longer than ten".into()),
            Value::Absent,
            Value::Reference("3".into()),
            Value::Reference("7".into()),
        ];
        let known = [Known { object: "party".into(), resource: "party.party".into() }];
        let draft = draft_of(name(), description(fields, sample), &known, &[]).unwrap();
        let kinds: Vec<_> = draft.fields.iter().map(|it| (it.local.as_str(), &it.kind)).collect();
        let (own, party) = (Kind::Reference("category".into()), Kind::Reference("party".into()));
        let expected = [
            ("name", &Kind::Text(10)),
            ("parent_id", &own),
            ("owner_id", &party),
            ("lang", &Kind::Text(ID_LENGTH)),
        ];
        assert_eq!(kinds, expected);
        assert!(draft.fields[3].traits.read_only && draft.fields[3].note.is_some());
        assert_eq!(draft.user_keys, [["name"]]);
        let sample = &draft.cases[1];
        assert_eq!(sample.values[..2], [Value::Null, Value::Null]);
        assert_eq!(sample.values[2..], [Value::Reference("3".into()), Value::Text("7".into())]);
        assert!(draft.check().is_ok());
    }

    #[test]
    fn a_person_knows_of_links_that_the_server_does_not_tell() {
        let fields = vec![field("Account Id", Holds::Value(Kind::Text(50)))];
        let account = ObjectName::new("account").unwrap();
        let described = description(fields.clone(), vec![Value::Text("1-AB".into())]);
        let links = [("Account Id".to_owned(), account.clone())];
        let draft = draft_of(name(), described, &[], &links).unwrap();
        assert_eq!(draft.fields[0].kind, Kind::Reference("account".into()));
        assert_eq!(draft.cases[1].values, [Value::Reference("1-AB".into())]);

        let misspelt = [("Acount Id".to_owned(), account)];
        let error = draft_of(name(), description(fields, Vec::new()), &[], &misspelt).unwrap_err();
        assert!(error.help.contains("Account Id"), "{}", error.help);
    }

    #[test]
    fn a_resource_of_any_width_is_a_usable_object() {
        let fields = (0..MOST_FIELDS + 2).map(|n| field(&format!("F {n}"), Holds::Value(Kind::Date)));
        let draft = draft_of(name(), description(fields.collect(), Vec::new()), &[], &[]).unwrap();
        assert_eq!(draft.left_out.len(), 2);
        assert!(draft.check().is_ok());
    }
}
