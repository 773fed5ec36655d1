//! The two objects that the machine synchronizes, and their mappers in plain Rust.
//!
//! A `child` links to a `parent` and to another child, both nullable. Besides that they have the same fields: a
//! `name`, by which people know a record; `note` and `memo`, which hold texts that no two edits have in common; a
//! `state`, which the filter asks for; a `number`, which the server makes; and a `tag`, which is written when the
//! record is made and never again, so that the test knows a record wherever it turns up.

use host::ports::{MapError, Mapper};
use std::collections::BTreeMap;
use sync_core::object::{Descriptor, Field as Declared, Object, Resource, Traits};
use sync_core::value::{Kind, Row, Value};

/// Which of the two objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Thing {
    Parent,
    Child,
}

/// A field, on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    Name,
    Note,
    Memo,
    Tag,
    State,
    Number,
    Under,
    Next,
}

/// The filled fields of a record; links hold ids of the record's own side.
pub(crate) type Cells = BTreeMap<Field, String>;

/// The filter of the machine, and the state that fails it.
pub(crate) const FILTER: &str = "State <> 'out'";
pub(crate) const OUT: &str = "out";

impl Thing {
    pub(crate) const ALL: [Thing; 2] = [Thing::Parent, Thing::Child];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Thing::Parent => "parent",
            Thing::Child => "child",
        }
    }

    pub(crate) fn of(name: &str) -> Thing {
        Thing::ALL.into_iter().find(|it| it.name() == name).unwrap()
    }

    /// The object whose record has this tag.
    pub(crate) fn of_tag(tag: &str) -> Thing {
        Thing::ALL.into_iter().find(|it| tag.starts_with(it.name())).unwrap()
    }

    /// Its fields in the order of local rows. The order of remote rows is the reverse.
    pub(crate) fn fields(self) -> &'static [Field] {
        use Field::{Memo, Name, Next, Note, Number, State, Tag, Under};
        match self {
            Thing::Parent => &[Name, Note, Memo, Tag, State, Number],
            Thing::Child => &[Name, Note, Memo, Tag, State, Number, Under, Next],
        }
    }

    /// What the object says of itself.
    pub(crate) fn object(self, mapping_version: u32) -> Object {
        let declared = |remote: bool| {
            let field = move |field: &Field| {
                let traits = Traits {
                    required: *field == Field::Name,
                    computed: *field == Field::Number,
                    ..Traits::default()
                };
                let name = if remote { field.remote_name() } else { field.local_name() };
                let kind = field.target().map_or(Kind::Text(50), |it| Kind::Reference(it.name().into()));
                Declared { name: name.into(), kind, traits }
            };
            self.fields().iter().map(field)
        };
        let descriptor = Descriptor {
            name: self.name().into(),
            mapping_version,
            local: declared(false).collect(),
            remote: declared(true).rev().collect(),
            resource: Resource {
                path: self.name().into(),
                id: "Id".into(),
                updated: "Updated".into(),
                version: Some("Version".into()),
                created: Some("Created".into()),
            },
            user_keys: vec![vec!["Name".into()]],
        };
        Object::try_from(descriptor).unwrap()
    }

    /// A record in remote shape.
    pub(crate) fn row(self, cells: &Cells) -> Row {
        let value = |field: &Field| match (cells.get(field), field.target()) {
            (None, _) => Value::Null,
            (Some(id), Some(_)) => Value::Reference(id.clone()),
            (Some(text), None) => Value::Text(text.clone()),
        };
        self.fields().iter().rev().map(value).collect()
    }

    /// The field at a place of a remote row.
    pub(crate) fn remote_field(self, index: usize) -> Field {
        self.fields()[self.fields().len() - 1 - index]
    }
}

impl Field {
    /// The object that it links to.
    pub(crate) fn target(self) -> Option<Thing> {
        match self {
            Field::Under => Some(Thing::Parent),
            Field::Next => Some(Thing::Child),
            Field::Name | Field::Note | Field::Memo | Field::Tag | Field::State | Field::Number => None,
        }
    }

    /// Its column.
    pub(crate) fn local_name(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Note => "note",
            Field::Memo => "memo",
            Field::Tag => "tag",
            Field::State => "state",
            Field::Number => "number",
            Field::Under => "parent_id",
            Field::Next => "next_id",
        }
    }

    fn remote_name(self) -> &'static str {
        match self {
            Field::Name => "Name",
            Field::Note => "Note",
            Field::Memo => "Memo",
            Field::Tag => "Tag",
            Field::State => "State",
            Field::Number => "Number",
            Field::Under => "Parent Id",
            Field::Next => "Next Id",
        }
    }
}

/// A value as a cell; `None` where it is empty.
pub(crate) fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Reference(text) => Some(text.clone()),
        Value::Null | Value::Absent => None,
        other => panic!("the machine has no {other:?}"),
    }
}

/// Maps by turning rows round.
pub(crate) struct Native {
    pub(crate) object: Object,
}

impl Mapper for Native {
    fn object(&self) -> &Object {
        &self.object
    }

    fn to_local(&self, remote: &[&Row]) -> Vec<Result<Row, MapError>> {
        remote.iter().map(|row| Ok(row.iter().rev().cloned().collect())).collect()
    }

    fn to_remote(&self, local: &[&Row]) -> Vec<Result<Row, MapError>> {
        self.to_local(local)
    }

    fn validate(&self, local: &[&Row]) -> Vec<Result<(), MapError>> {
        local.iter().map(|_| Ok(())).collect()
    }
}
