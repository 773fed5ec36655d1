//! What distinguishes two descriptions of one object: what a person wants to know before the newer one takes over.

use crate::object::{Field, Object, Traits};
use crate::value::Kind;
use serde::Serialize;

/// Whose fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldSide {
    /// Columns of the local table.
    Local,
    /// Fields of the remote.
    Remote,
}

impl FieldSide {
    /// As messages have it.
    pub fn name(self) -> &'static str {
        match self {
            FieldSide::Local => "local",
            FieldSide::Remote => "remote",
        }
    }
}

/// A part of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourcePart {
    /// Where the records live.
    Path,
    /// The field with the id.
    Id,
    /// The field with the last-updated stamp.
    Updated,
    /// The field with the modification number.
    Version,
    /// The field with the created-stamp.
    Created,
}

impl ResourcePart {
    /// As messages have it.
    pub fn name(self) -> &'static str {
        match self {
            ResourcePart::Path => "path",
            ResourcePart::Id => "id",
            ResourcePart::Updated => "updated",
            ResourcePart::Version => "version",
            ResourcePart::Created => "created",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// The mapping version.
    MappingVersion {
        /// Before.
        from: u32,
        /// After.
        to: u32,
    },
    /// Where the records live, or which of their fields make the change key.
    Resource {
        /// Which part.
        part: ResourcePart,
        /// Before.
        from: Option<String>,
        /// After.
        to: Option<String>,
    },
    /// What identifies a record to people.
    UserKeys {
        /// Before, by the names of the remote fields.
        from: Vec<Vec<String>>,
        /// After.
        to: Vec<Vec<String>>,
    },
    /// A field is new.
    Added {
        /// Whose.
        side: FieldSide,
        /// The field.
        field: Field,
    },
    /// A field is gone.
    Removed {
        /// Whose.
        side: FieldSide,
        /// The field.
        field: Field,
    },
    /// A field holds something else.
    Kind {
        /// Whose.
        side: FieldSide,
        /// Its name.
        field: String,
        /// Before.
        from: Kind,
        /// After.
        to: Kind,
    },
    /// Something else is special about a field.
    Traits {
        /// Whose.
        side: FieldSide,
        /// Its name.
        field: String,
        /// Before.
        from: Traits,
        /// After.
        to: Traits,
    },
}

/// What is different in `new`, seen from `old`. The order of the fields is no difference: nothing that is stored
/// depends on it.
pub fn differences(old: &Object, new: &Object) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.mapping_version != new.mapping_version {
        changes.push(Change::MappingVersion { from: old.mapping_version, to: new.mapping_version });
    }
    let parts = |object: &Object| {
        let it = object.resource.clone();
        [
            (ResourcePart::Path, Some(it.path)),
            (ResourcePart::Id, Some(it.id)),
            (ResourcePart::Updated, Some(it.updated)),
            (ResourcePart::Version, it.version),
            (ResourcePart::Created, it.created),
        ]
    };
    for ((part, from), (_, to)) in parts(old).into_iter().zip(parts(new)) {
        if from != to {
            changes.push(Change::Resource { part, from, to });
        }
    }
    let (from, to) = (old.user_key_names(), new.user_key_names());
    if from != to {
        changes.push(Change::UserKeys { from, to });
    }
    of_side(FieldSide::Local, &old.local, &new.local, &mut changes);
    of_side(FieldSide::Remote, &old.remote, &new.remote, &mut changes);
    changes
}

fn of_side(side: FieldSide, old: &[Field], new: &[Field], changes: &mut Vec<Change>) {
    // SQLite's column names ignore case; remote names are taken as they are.
    let same = |a: &str, b: &str| match side {
        FieldSide::Local => a.eq_ignore_ascii_case(b),
        FieldSide::Remote => a == b,
    };
    for field in new {
        match old.iter().find(|it| same(&it.name, &field.name)) {
            None => changes.push(Change::Added { side, field: field.clone() }),
            Some(before) => {
                let name = || field.name.clone();
                if before.kind != field.kind {
                    let (from, to) = (before.kind.clone(), field.kind.clone());
                    changes.push(Change::Kind { side, field: name(), from, to });
                }
                if before.traits != field.traits {
                    let (from, to) = (before.traits, field.traits);
                    changes.push(Change::Traits { side, field: name(), from, to });
                }
            }
        }
    }
    let gone = old.iter().filter(|before| new.iter().all(|it| !same(&it.name, &before.name)));
    changes.extend(gone.map(|field| Change::Removed { side, field: field.clone() }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Descriptor, Resource};

    fn field(name: &str, kind: Kind) -> Field {
        Field { name: name.into(), kind, traits: Traits::default() }
    }

    fn object(change: impl Fn(&mut Descriptor)) -> Object {
        let fields = || vec![field("name", Kind::Text(10)), field("due", Kind::Date)];
        let mut descriptor = Descriptor {
            name: "task".into(),
            mapping_version: 1,
            local: fields(),
            remote: fields(),
            resource: Resource {
                path: "Task/Task".into(),
                id: "Id".into(),
                updated: "Updated".into(),
                version: None,
                created: None,
            },
            user_keys: vec![vec!["name".into()]],
        };
        change(&mut descriptor);
        Object::try_from(descriptor).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn an_object_does_not_differ_from_itself_in_whatever_order_its_fields_come() {
        let turned = object(|it| it.remote.reverse());
        assert_eq!(differences(&object(|_| ()), &object(|_| ())), []);
        assert_eq!(differences(&object(|_| ()), &turned), []);
    }

    #[test]
    fn every_difference_is_found() {
        let new = object(|it| {
            it.mapping_version = 2;
            it.resource.version = Some("Mod Id".into());
            it.user_keys.push(vec!["due".into()]);
            it.local[0].kind = Kind::Text(20);
            it.local[1].traits.required = true;
            it.remote[1] = field("Due Date", Kind::Date);
            it.user_keys[1] = vec!["Due Date".into()];
        });
        let (plain, required) = (Traits::default(), Traits { required: true, ..Traits::default() });
        let keys = |keys: &[&str]| keys.iter().map(|key| vec![(*key).to_owned()]).collect::<Vec<_>>();
        let expected = [
            Change::MappingVersion { from: 1, to: 2 },
            Change::Resource { part: ResourcePart::Version, from: None, to: Some("Mod Id".into()) },
            Change::UserKeys { from: keys(&["name"]), to: keys(&["name", "Due Date"]) },
            Change::Kind {
                side: FieldSide::Local,
                field: "name".into(),
                from: Kind::Text(10),
                to: Kind::Text(20),
            },
            Change::Traits { side: FieldSide::Local, field: "due".into(), from: plain, to: required },
            Change::Added { side: FieldSide::Remote, field: field("Due Date", Kind::Date) },
            Change::Removed { side: FieldSide::Remote, field: field("due", Kind::Date) },
        ];
        assert_eq!(differences(&object(|_| ()), &new), expected);
    }

    #[test]
    fn columns_ignore_case_and_remote_names_do_not() {
        let new = object(|it| {
            it.local[1].name = "DUE".into();
            it.remote[1].name = "DUE".into();
        });
        let found = differences(&object(|_| ()), &new);
        assert!(
            matches!(
                found[..],
                [
                    Change::Added { side: FieldSide::Remote, .. },
                    Change::Removed { side: FieldSide::Remote, .. }
                ]
            ),
            "{found:?}"
        );
    }
}
