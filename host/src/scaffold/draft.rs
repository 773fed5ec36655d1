//! An object as far as it is known: what a person goes on to write.

use sync_core::object::{Descriptor, DescriptorError, Field, Object, ObjectName, Resource, Traits};
use sync_core::value::{Kind, Value};

/// An object whose every local field is one remote field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: ObjectName,
    /// What the mapping is, for the head of its file: one paragraph an entry.
    pub about: Vec<String>,
    /// Where the records live.
    pub resource: Resource,
    /// Remote fields that identify a record to people.
    pub user_keys: Vec<Vec<String>>,
    /// What is to be said of the user keys.
    pub user_keys_note: Option<String>,
    /// The fields.
    pub fields: Vec<DraftField>,
    /// Remote fields that are no part of it, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// Examples of records.
    pub cases: Vec<Case>,
}

/// A local field and the remote field it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftField {
    /// The column.
    pub local: String,
    /// The remote field.
    pub remote: String,
    /// What both hold.
    pub kind: Kind,
    /// What is special about both.
    pub traits: Traits,
    /// What a person should look at.
    pub note: Option<String>,
}

/// An example of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Name of its file, without the ending.
    pub file: &'static str,
    /// What it is an example of.
    pub name: String,
    /// A value a field, in the order of the fields.
    pub values: Vec<Value>,
}

impl Draft {
    /// The template's own object, to be replaced by a real one: a field of each usual kind.
    pub fn example(name: ObjectName) -> Draft {
        let field = |local: &str, kind, remote: &str, traits| DraftField {
            local: local.into(),
            remote: remote.into(),
            kind,
            traits,
            note: None,
        };
        let plain = Traits::default();
        let fields = vec![
            field("name", Kind::Text(100), "Name", Traits { required: true, ..plain }),
            field("description", Kind::Text(2000), "Description", plain),
            field("amount", Kind::Decimal(2), "Amount", plain),
            field("due", Kind::Date, "Due Date", plain),
            field("done", Kind::Boolean, "Done Flag", plain),
            field("number", Kind::Text(30), "Number", Traits { read_only: true, computed: true, ..plain }),
        ];
        let component: String = name.as_str().split('-').map(capitalized).collect();
        let filled = vec![
            Value::Text("An example".into()),
            Value::Text("With every field filled".into()),
            Value::Decimal("1000.5".into()),
            Value::Date("2026-03-21".into()),
            Value::Boolean(true),
            Value::Text("N-1".into()),
        ];
        let bare = fields.iter().map(|it| match it.traits.required {
            true => Value::Text("Büro O'Neil".into()),
            false => Value::Null,
        });
        Draft {
            about: vec![format!(
                "What `{name}` is, as a start: put the remote's own resource and fields in place of these."
            )],
            resource: Resource {
                path: format!("{component}/{component}"),
                id: "Id".into(),
                updated: "Updated".into(),
                version: Some("Mod Id".into()),
                created: Some("Created".into()),
            },
            user_keys: vec![vec!["Name".into()]],
            user_keys_note: None,
            left_out: Vec::new(),
            cases: vec![
                Case { file: "bare", name: "only the name is filled".into(), values: bare.collect() },
                Case { file: "filled", name: "every field is filled".into(), values: filled },
            ],
            name,
            fields,
        }
    }

    /// The object that the draft describes.
    ///
    /// # Errors
    /// Why no host would take it.
    pub fn check(&self) -> Result<Object, DescriptorError> {
        let side = |name: fn(&DraftField) -> &str| {
            let field = |it: &DraftField| Field {
                name: name(it).to_owned(),
                kind: it.kind.clone(),
                traits: it.traits,
            };
            self.fields.iter().map(field).collect()
        };
        Object::try_from(Descriptor {
            name: self.name.as_str().to_owned(),
            mapping_version: 1,
            local: side(|it| &it.local),
            remote: side(|it| &it.remote),
            resource: self.resource.clone(),
            user_keys: self.user_keys.clone(),
        })
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
