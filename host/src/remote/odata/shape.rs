//! An object as the server has it: a [`Shape`], which exists only where the object's descriptor and the server agree. A
//! disagreement is found before anything is listed or written.
//!
//! Which types of the server a kind of the plugin's can stand for:
//!
//! | kind | types |
//! |---|---|
//! | boolean | `Edm.Boolean` |
//! | integer | `Edm.Byte`, `SByte`, `Int16`, `Int32`, `Int64`; `Edm.Decimal` without digits after the point |
//! | decimal | `Edm.Decimal`, `Double`, `Single`, and all of the integers |
//! | text | `Edm.String`, `Guid`, `TimeOfDay`, `Duration`; enumerations |
//! | choices | collections of `Edm.String` or of an enumeration; an enumeration (of flags) or `Edm.String`, separated by commas |
//! | date | `Edm.Date` |
//! | timestamp | `Edm.DateTimeOffset` |
//! | bytes | `Edm.Binary` |
//! | reference | `Edm.Guid`, `String`, the integers |

use super::schema::{ETAG, Edm, Navigation, Property, Schema, Set};
use crate::ports::{RemoteError, Scope};
use crate::toml_file::nearest::suggestion;
use std::collections::BTreeMap;
use sync_core::object::{Field, Object};

/// An object as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// What the key holds.
    pub(super) key: Edm,
    /// What the remote fields hold, in the object's order.
    pub(super) columns: Vec<Column>,
    /// Whether any of it is a number that JSON may carry as text.
    pub(super) exact: bool,
}

/// A remote field as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// What it holds.
    pub(super) edm: Edm,
    /// How it is written, where not by its own name.
    pub(super) bind: Option<Bind>,
}

/// A link that is written by naming the record that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bind {
    /// The navigation property.
    pub(super) navigation: String,
    /// The entity set it leads to.
    pub(super) set: String,
    /// What that set's key holds.
    pub(super) key: Edm,
}

impl Shape {
    /// Checks an object against what the server says.
    ///
    /// # Errors
    /// The first disagreement: what it is about, and what to change.
    pub(super) fn of(object: &Object, schema: &Schema) -> Result<Shape, RemoteError> {
        let shape = Checking::begin(object, schema).and_then(|checking| checking.shape());
        shape.map_err(|Disagreement { message, help }| RemoteError {
            scope: Scope::Object,
            message: format!("the object `{}` does not go with the server: {message}", object.name),
            help: Some(help),
        })
    }
}

/// What does not go together, and what to do about it.
struct Disagreement {
    message: String,
    help: String,
}

/// An object, and what the server says of its records.
struct Checking<'a> {
    schema: &'a Schema,
    object: &'a Object,
    key: Vec<&'a str>,
    properties: BTreeMap<&'a str, &'a Property>,
    navigations: BTreeMap<&'a str, &'a Navigation>,
    /// Whether records may have properties that are not declared.
    open: bool,
    /// The set that the records are in, where that is known.
    set: Option<&'a Set>,
}

impl<'a> Checking<'a> {
    fn begin(object: &'a Object, schema: &'a Schema) -> Result<Checking<'a>, Disagreement> {
        let (name, set) = schema
            .resolve(&object.resource.path)
            .map_err(|(message, help)| Disagreement { message, help })?;
        Ok(Checking {
            schema,
            object,
            key: schema.lineage(name).flat_map(|it| &it.key).map(String::as_str).collect(),
            properties: schema.properties(name),
            navigations: schema.navigations(name),
            open: schema.lineage(name).any(|it| it.open),
            set,
        })
    }

    fn shape(&self) -> Result<Shape, Disagreement> {
        let resource = &self.object.resource;
        self.check_key(&resource.id)?;
        self.check_stamp("last-updated token", &resource.updated)?;
        let (version, created) = (resource.version.as_ref(), resource.created.as_ref());
        version.map_or(Ok(()), |name| self.check_stamp("version", name))?;
        created.map_or(Ok(()), |name| self.check_stamp("created-stamp", name))?;
        let columns =
            self.object.remote.iter().map(|field| self.column(field)).collect::<Result<Vec<Column>, _>>()?;
        let edm = |name: &str| self.properties.get(name).map_or(Edm::Other, |it| self.schema.edm(it));
        let key = edm(&resource.id);
        let marks = [Some(&resource.updated), version, created];
        let exact = key.is_exact()
            || columns.iter().any(|column| column.edm.is_exact())
            || marks.iter().flatten().any(|name| edm(name).is_exact());
        Ok(Shape { key, columns, exact })
    }

    fn check_key(&self, id: &str) -> Result<(), Disagreement> {
        let path = &self.object.resource.path;
        let (message, help) = match self.key.as_slice() {
            [one] if *one == id => return Ok(()),
            [one] => (
                format!("the key of `{path}` is `{one}`, and the plugin says `{id}`"),
                format!("say `{one}` for the resource's id in the plugin"),
            ),
            parts => (
                match parts {
                    [] => format!("`{path}` has no key"),
                    _ => format!("the key of `{path}` has several parts ({})", parts.join(", ")),
                },
                "records are told apart by one property; synchronize another entity set".to_owned(),
            ),
        };
        Err(Disagreement { message, help })
    }

    fn check_stamp(&self, what: &str, name: &str) -> Result<(), Disagreement> {
        let known = name == ETAG || self.open || self.properties.contains_key(name);
        if known { Ok(()) } else { Err(self.unknown(&format!("the resource's {what}"), name)) }
    }

    fn unknown(&self, what: &str, name: &str) -> Disagreement {
        Disagreement {
            message: format!("`{}` has no property `{name}`, which is {what}", self.object.resource.path),
            help: suggestion(name, self.properties.keys().copied()),
        }
    }

    fn column(&self, field: &Field) -> Result<Column, Disagreement> {
        let (path, name) = (&self.object.resource.path, field.name.as_str());
        let Some(property) = self.properties.get(name) else {
            let Some(navigation) = self.navigations.get(name) else {
                return Err(self.unknown("a remote field of the plugin", name));
            };
            return Err(Disagreement {
                message: format!("`{name}` is a relation of `{path}`, not a property"),
                help: match navigation.constraints.first() {
                    Some((property, _)) => format!("name the property that holds the id: `{property}`"),
                    None => "the server gives it no property that holds the other record's id".to_owned(),
                },
            });
        };
        let edm = self.schema.edm(property);
        if !edm.fits(&field.kind) {
            let (has, says) = (&property.edm, field.kind.name());
            return Err(Disagreement {
                message: format!("`{name}` of `{path}` is {has}, and the plugin says {says}"),
                help: match edm.kinds() {
                    "none" => "no kind of field can hold that: leave the field out".to_owned(),
                    kinds => format!("say {kinds} for the remote field `{name}` in the plugin"),
                },
            });
        }
        let bind = self.bind(property, name);
        match unwritable(path, field, property, bind.is_some()) {
            Some(disagreement) => Err(disagreement),
            None => Ok(Column { edm, bind }),
        }
    }

    /// How a property that only mirrors a relation is written: by the relation. None where it can be written itself,
    /// and where it mirrors several, for the id alone does not tell which is meant.
    fn bind(&self, property: &Property, name: &str) -> Option<Bind> {
        if !property.computed && !property.read_only {
            return None;
        }
        let mirrors = |navigation: &Navigation| navigation.constraints.iter().any(|(own, _)| own == name);
        let mut relations = self.navigations.iter().filter(|(_, navigation)| mirrors(navigation));
        let (Some((relation, navigation)), None) = (relations.next(), relations.next()) else { return None };
        let set = self.set?.bindings.get(*relation)?;
        let (_, referenced) = navigation.constraints.first()?;
        let properties = self.schema.properties(navigation.target());
        let key = self.schema.edm(properties.get(referenced.as_str())?);
        Some(Bind { navigation: (*relation).to_owned(), set: set.clone(), key })
    }
}

/// Why a field that the plugin would write cannot be written.
fn unwritable(path: &str, field: &Field, property: &Property, has_bind: bool) -> Option<Disagreement> {
    let traits = field.traits;
    let name = &field.name;
    let never = traits.read_only || traits.computed;
    if (property.computed || property.read_only) && !never && !has_bind {
        let how = if property.computed { "is computed by the server" } else { "can only be read" };
        let message = format!("`{name}` of `{path}` {how}, and the plugin would write it");
        let help = format!("mark the remote field `{name}` as `computed` or `read-only`");
        return Some(Disagreement { message, help });
    }
    if property.immutable && !never && !traits.create_only {
        let message = format!("`{name}` of `{path}` cannot change after the insert, and the plugin would");
        let help = format!("mark the remote field `{name}` as `create-only`");
        return Some(Disagreement { message, help });
    }
    None
}
