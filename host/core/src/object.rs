//! The checked descriptor: once an [`Object`] exists, its keys exist, its names are usable and its
//! kinds agree. Everything after this line may rely on it.

use crate::harmless::is_harmless;
use crate::value::{Kind, Row, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Most fields a side may have. SQLite holds 2,000 columns; records of that width are a mistake.
pub const MOST_FIELDS: usize = 1_000;

/// Longest name of a field, and of what else a resource is made of, in bytes: more is no name.
const LONGEST_NAME: usize = 256;
/// Most user keys, and most fields of one. Each key is a question to the remote.
const MOST_KEYS: usize = 16;

/// Kebab-case name of an object, which is also its local table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectName(String);

impl ObjectName {
    /// Checks a name: lower-case letters, digits and single dashes, beginning with a letter, at
    /// most 64 characters, and none that SQLite keeps for itself.
    ///
    /// # Errors
    /// [`DescriptorError::Name`].
    pub fn new(name: impl Into<String>) -> Result<ObjectName, DescriptorError> {
        let name = name.into();
        let well_formed = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !name.contains("--")
            && !name.ends_with('-')
            && name != "sqlite";
        if well_formed { Ok(ObjectName(name)) } else { Err(DescriptorError::Name { name: shortened(&name) }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is special about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Traits {
    /// Empty is an issue before anything is sent (decision 26).
    pub required: bool,
    /// Never sent to the remote.
    pub read_only: bool,
    /// Set by the server; read back after a write (decision 9).
    pub computed: bool,
    /// Sent with an insert only.
    pub create_only: bool,
    /// Takes no part in deciding whether a record changed.
    pub not_compared: bool,
}

impl Traits {
    /// Whether a local edit of the field can never reach the remote record after its insert, so
    /// that it is put back (decision 9).
    pub fn is_remote_owned(self) -> bool {
        self.read_only || self.computed || self.create_only
    }
}

/// One field of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Local: a column. Remote: the name or path that the remote's protocol uses.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// What is special about it.
    pub traits: Traits,
}

/// Where the records live on the remote, and which of their fields make the change key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Such as `Account/Account`.
    pub path: String,
    /// Field that holds the id.
    pub id: String,
    /// Field that holds the last-updated token.
    pub updated: String,
    /// Modification number or ETag, where the remote has one.
    pub version: Option<String>,
    /// Created-stamp, where the remote has one (decision 14).
    pub created: Option<String>,
}

/// What a plugin says of itself, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Name of the object.
    pub name: String,
    /// A change forces one full compare of the object.
    pub mapping_version: u32,
    /// Local fields, in row order.
    pub local: Vec<Field>,
    /// Remote fields, in row order.
    pub remote: Vec<Field>,
    /// Where the records live on the remote.
    pub resource: Resource,
    /// Ordered lists of remote field names.
    pub user_keys: Vec<Vec<String>>,
}

/// A descriptor that holds together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Name of the object, and of its local table.
    pub name: ObjectName,
    /// A change forces one full compare of the object.
    pub mapping_version: u32,
    /// Local fields, in row order.
    pub local: Vec<Field>,
    /// Remote fields, in row order.
    pub remote: Vec<Field>,
    /// Where the records live on the remote.
    pub resource: Resource,
    /// Each a list of indices into `remote`; the first whose fields are all filled identifies the
    /// record to people.
    pub user_keys: Vec<Vec<usize>>,
}

/// What is wrong with a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// The object's name cannot be used.
    #[error(
        "the object name {name:?} is not usable: lower-case letters, digits and dashes, such as `sales-order`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A side has no fields, or too many.
    #[error("{count} {side} fields; an object has 1 to {MOST_FIELDS}")]
    FieldCount {
        /// `local` or `remote`.
        side: &'static str,
        /// How many there are.
        count: usize,
    },
    /// A field name that cannot be used.
    #[error("the {side} field name {name:?} is not usable: {why}")]
    FieldName {
        /// `local` or `remote`.
        side: &'static str,
        /// The name.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A user key names a field that the remote side does not list.
    #[error("a user key names {name:?}, which is no remote field")]
    UserKey {
        /// The field.
        name: String,
    },
    /// More user keys than anyone looks records up by.
    #[error("{0} user keys, or fields of one; an object has at most {MOST_KEYS}")]
    UserKeyCount(usize),
    /// The resource lacks what every remote record needs.
    #[error("the resource has no {0}")]
    Resource(&'static str),
    /// A part of the resource that cannot be used.
    #[error("the resource's {part} {name:?} is not usable: {why}")]
    ResourceName {
        /// Which part.
        part: &'static str,
        /// What it says.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A link to something that cannot be an object.
    #[error("the field {field:?} links to {target:?}, which cannot be an object's name")]
    Link {
        /// The field.
        field: String,
        /// What it names.
        target: String,
    },
    /// The two sides link to different objects.
    #[error("the links of the two sides differ: local {local:?}, remote {remote:?}")]
    LinksDiffer {
        /// Objects that local fields link to.
        local: Vec<String>,
        /// Objects that remote fields link to.
        remote: Vec<String>,
    },
}

impl TryFrom<Descriptor> for Object {
    type Error = DescriptorError;

    fn try_from(raw: Descriptor) -> Result<Object, DescriptorError> {
        let name = ObjectName::new(raw.name)?;
        check_fields("local", &raw.local)?;
        check_fields("remote", &raw.remote)?;
        check_resource(&raw.resource)?;
        check_tokens(&raw.resource)?;
        let key_sizes = raw.user_keys.iter().map(Vec::len).chain([raw.user_keys.len()]);
        if let Some(most) = key_sizes.max().filter(|most| *most > MOST_KEYS) {
            return Err(DescriptorError::UserKeyCount(most));
        }
        let (local, remote) = (link_targets(&raw.local), link_targets(&raw.remote));
        if local != remote {
            let owned = |set: BTreeSet<&str>| set.into_iter().map(str::to_owned).collect();
            return Err(DescriptorError::LinksDiffer { local: owned(local), remote: owned(remote) });
        }
        let user_keys = raw
            .user_keys
            .iter()
            .filter(|key| !key.is_empty())
            .map(|key| key.iter().map(|name| position(&raw.remote, name)).collect())
            .collect::<Result<_, _>>()?;
        Ok(Object {
            name,
            mapping_version: raw.mapping_version,
            local: raw.local,
            remote: raw.remote,
            resource: raw.resource,
            user_keys,
        })
    }
}

fn check_resource(resource: &Resource) -> Result<(), DescriptorError> {
    let parts = [
        ("path", Some(&resource.path)),
        ("id field", Some(&resource.id)),
        ("updated field", Some(&resource.updated)),
        ("version field", resource.version.as_ref()),
        ("created field", resource.created.as_ref()),
    ];
    for (part, name) in parts {
        match name {
            Some(name) if name.is_empty() => return Err(DescriptorError::Resource(part)),
            Some(name) => check_name(name).map_err(|why| DescriptorError::ResourceName {
                part,
                name: shortened(name),
                why,
            })?,
            None => {}
        }
    }
    Ok(())
}

/// A change that shows in no token would never be seen (decision 2). That the stamp of the last change is the one of the
/// creation may be, where records never change.
fn check_tokens(resource: &Resource) -> Result<(), DescriptorError> {
    let Resource { id, updated, version, created, .. } = resource;
    let refuse =
        |part, name: &String, why| Err(DescriptorError::ResourceName { part, name: name.clone(), why });
    if updated == id {
        return refuse("updated field", updated, "it is the id, which stays when the record changes");
    }
    if let Some(version) = version.as_ref().filter(|it| *it == id || Some(*it) == created.as_ref()) {
        return refuse(
            "version field",
            version,
            "it is the id or created field, which stays when the record changes",
        );
    }
    Ok(())
}

/// What holds for every name that comes from a plugin: it reaches logs, terminals and tables.
fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > LONGEST_NAME {
        return Err("it is longer than 256 bytes");
    }
    if name.is_empty() || !name.chars().all(is_harmless) {
        return Err("it is empty or has control characters");
    }
    Ok(())
}

/// A name as an error tells it.
fn shortened(name: &str) -> String {
    let mut letters = name.chars();
    let mut shown: String = letters.by_ref().take(LONGEST_NAME).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

fn check_fields(side: &'static str, fields: &[Field]) -> Result<(), DescriptorError> {
    if fields.is_empty() || fields.len() > MOST_FIELDS {
        return Err(DescriptorError::FieldCount { side, count: fields.len() });
    }
    let mut seen = BTreeSet::new();
    for field in fields {
        let refuse = |why| Err(DescriptorError::FieldName { side, name: shortened(&field.name), why });
        if let Err(why) = check_name(&field.name) {
            return refuse(why);
        }
        let folded = field.name.to_ascii_lowercase();
        if side == "local" {
            let plain = folded.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !plain || folded.starts_with(|c: char| c.is_ascii_digit()) {
                return refuse("a column is letters, digits and underscores");
            }
            if ["id", "revision", "modified_at", "rowid", "oid", "_rowid_"].contains(&&*folded) {
                return refuse("the store keeps that column itself");
            }
        }
        // SQLite's column names ignore case; remote names are taken as they are.
        if !seen.insert(if side == "local" { folded } else { field.name.clone() }) {
            return refuse("it is there twice");
        }
        if let Kind::Reference(target) = &field.kind
            && ObjectName::new(target.as_str()).is_err()
        {
            return Err(DescriptorError::Link { field: field.name.clone(), target: shortened(target) });
        }
    }
    Ok(())
}

fn link_targets<'a>(fields: impl IntoIterator<Item = &'a Field>) -> BTreeSet<&'a str> {
    fields
        .into_iter()
        .filter_map(|field| match &field.kind {
            Kind::Reference(target) => Some(target.as_str()),
            _ => None,
        })
        .collect()
}

fn position(fields: &[Field], name: &str) -> Result<usize, DescriptorError> {
    fields
        .iter()
        .position(|field| field.name == name)
        .ok_or_else(|| DescriptorError::UserKey { name: shortened(name) })
}

/// A user key with its values: all of them filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKey {
    /// Index into the remote fields, and the value to look for.
    pub parts: Vec<(usize, Value)>,
}

impl Object {
    /// The user keys of a remote row whose parts are all filled, in the descriptor's order. The
    /// first identifies the record (decision 4).
    pub fn filled_user_keys(&self, remote: &Row) -> impl Iterator<Item = UserKey> {
        self.user_keys.iter().filter_map(move |key| {
            let part = |&index: &usize| {
                remote.get(index).filter(|value| value.is_filled()).map(|v| (index, v.clone()))
            };
            key.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| UserKey { parts })
        })
    }

    /// The user keys by the names of their fields.
    pub fn user_key_names(&self) -> Vec<Vec<String>> {
        let name = |index: &usize| self.remote.get(*index).map(|field| field.name.clone());
        self.user_keys.iter().map(|key| key.iter().filter_map(name).collect()).collect()
    }

    /// The objects that this one links to, without itself.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        link_targets(&self.local).into_iter().filter(|target| *target != self.name.as_str())
    }

    /// Of those, the objects that a record cannot do without.
    pub fn required_parents(&self) -> impl Iterator<Item = &str> {
        let required = self.local.iter().filter(|field| field.traits.required);
        link_targets(required).into_iter().filter(|target| *target != self.name.as_str())
    }

    /// Indices of the local fields in which two rows differ: both sides have the field, it is
    /// compared, and the values are not equal.
    pub fn differing(&self, a: &Row, b: &Row) -> Vec<usize> {
        self.differing_where(a, b, |traits| !traits.not_compared)
    }

    /// As [`Object::differing`], for the fields that a person can write on both sides: what the
    /// server computes or keeps is left out (decisions 9 and 15).
    pub fn differing_in_content(&self, a: &Row, b: &Row) -> Vec<usize> {
        self.differing_where(a, b, |t| !t.not_compared && !t.computed && !t.read_only)
    }

    fn differing_where(&self, a: &Row, b: &Row, counts: impl Fn(Traits) -> bool) -> Vec<usize> {
        let differ = |&index: &usize| {
            let (Some(x), Some(y), Some(field)) = (a.get(index), b.get(index), self.local.get(index)) else {
                return false;
            };
            counts(field.traits) && *x != Value::Absent && *y != Value::Absent && x != y
        };
        (0..self.local.len()).filter(differ).collect()
    }
}

/// Brings a plugin's row into canonical form and checks it against the declared fields.
///
/// # Errors
/// The index of the first field that does not fit, with the reason; `None` for the row's length.
pub fn conform_row(row: &mut Row, fields: &[Field]) -> Result<(), (Option<usize>, RowMisfit)> {
    if row.len() != fields.len() {
        let misfit = RowMisfit::Length { found: row.len(), expected: fields.len() };
        return Err((None, misfit));
    }
    for (index, (value, field)) in row.iter_mut().zip(fields).enumerate() {
        value.conform(&field.kind).map_err(|misfit| (Some(index), RowMisfit::Value(misfit)))?;
    }
    Ok(())
}

/// Why a row does not fit its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowMisfit {
    /// Not one value a field.
    #[error("the row has {found} values, the object has {expected} fields")]
    Length {
        /// Values that came.
        found: usize,
        /// Fields there are.
        expected: usize,
    },
    /// A value that does not fit its field.
    #[error(transparent)]
    Value(#[from] crate::value::Misfit),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(change: impl Fn(&mut Descriptor)) -> Result<Object, DescriptorError> {
        let field = |name: &str| Field { name: name.into(), kind: Kind::Boolean, traits: Traits::default() };
        let mut raw = Descriptor {
            name: "task".into(),
            mapping_version: 1,
            local: vec![field("done")],
            remote: vec![field("Done")],
            resource: Resource {
                path: "Task/Task".into(),
                id: "Id".into(),
                updated: "Updated".into(),
                version: None,
                created: None,
            },
            user_keys: vec![vec!["Done".into()]],
        };
        change(&mut raw);
        Object::try_from(raw)
    }

    #[test]
    fn no_name_of_a_description_is_endless_empty_or_has_control_characters() {
        assert!(described(|_| {}).is_ok());
        let places: [fn(&mut Descriptor, String); 9] = [
            |it, name| it.name = name,
            |it, name| it.local[0].name = name,
            |it, name| it.remote[0].name = name,
            |it, name| it.resource.path = name,
            |it, name| it.resource.id = name,
            |it, name| it.resource.updated = name,
            |it, name| it.resource.version = Some(name),
            |it, name| it.resource.created = Some(name),
            |it, name| it.user_keys[0][0] = name,
        ];
        for place in places {
            for name in ["", "\u{1b}[31mred", "a\nb", "a\u{2028}b", "a\u{202e}b", &"a".repeat(10_000_000)] {
                let error = described(|it| place(it, name.to_owned())).unwrap_err().to_string();
                assert!(error.len() < 1_000 && error.chars().all(is_harmless), "{error}");
            }
        }
    }

    #[test]
    fn what_tells_of_a_change_is_not_what_stays_the_same() {
        let text = |name: &str| Some(name.to_owned());
        let refused: [fn(&mut Resource); 3] = [
            |it| it.updated = "Id".into(),
            |it| it.version = Some("Id".into()),
            |it| (it.version, it.created) = (Some("Created".into()), Some("Created".into())),
        ];
        for change in refused {
            let error = described(|it| change(&mut it.resource)).unwrap_err();
            assert!(matches!(error, DescriptorError::ResourceName { .. }), "{error}");
        }
        assert!(
            described(|it| (it.resource.version, it.resource.created) = (text("Mod Id"), text("Updated")))
                .is_ok()
        );
        assert!(described(|it| it.resource.version = text("Updated")).is_ok());
    }

    #[test]
    fn user_keys_are_few() {
        let error = described(|it| it.user_keys = vec![vec!["Done".into()]; 1_000_000]).unwrap_err();
        assert_eq!(error, DescriptorError::UserKeyCount(1_000_000));
        assert!(described(|it| it.user_keys = vec![vec!["Done".into(); 17]]).is_err());
    }
}
