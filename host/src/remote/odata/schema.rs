//! What a server says of its records, and what becomes of an object by it: a [`Shape`], which exists only where the
//! object's descriptor and the server agree. A disagreement is found before anything is listed or written.
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

use crate::ports::{RemoteError, Scope};
use crate::toml_file::nearest::suggestion;
use std::collections::{BTreeMap, BTreeSet};
use sync_core::object::{Field, Object};
use sync_core::value::Kind;

/// The annotation of each record that tells its version.
pub(super) const ETAG: &str = "@odata.etag";

/// The parts of `$metadata` that records are made of. Names are qualified and without aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Schema {
    /// Entity sets and singletons, by name.
    pub(super) sets: BTreeMap<String, Set>,
    /// Entity types.
    pub(super) types: BTreeMap<String, EntityType>,
    /// Enumerations.
    pub(super) enums: BTreeSet<String>,
    /// Other names of primitive types.
    pub(super) definitions: BTreeMap<String, String>,
}

/// An entity set or a singleton.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Its type.
    pub(super) entity_type: String,
    /// Whether there is just one.
    pub(super) is_singleton: bool,
    /// The sets that its navigation properties lead to.
    pub(super) bindings: BTreeMap<String, String>,
}

/// A type of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EntityType {
    /// The type whose properties it has, too.
    pub(super) base: Option<String>,
    /// Whether records may have properties that are not declared.
    pub(super) open: bool,
    /// The properties that make the key.
    pub(super) key: Vec<String>,
    /// Its properties.
    pub(super) properties: BTreeMap<String, Property>,
    /// Its relations.
    pub(super) navigations: BTreeMap<String, Navigation>,
}

/// A property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Property {
    /// Its type as it is declared.
    pub(super) edm: String,
    /// Digits of a fraction of a second, where that is said.
    pub(super) precision: Option<u8>,
    /// Digits after the point, or `variable`.
    pub(super) scale: Option<String>,
    /// The server sets it.
    pub(super) computed: bool,
    /// It is set with the insert only.
    pub(super) immutable: bool,
    /// It may only be read.
    pub(super) read_only: bool,
}

/// A relation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Navigation {
    /// The type it leads to.
    pub(super) to: String,
    /// Properties of this type with those of the other that they are equal to.
    pub(super) constraints: Vec<(String, String)>,
}

/// What a property holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edm {
    /// `Edm.Boolean`.
    Boolean,
    /// Any integer but `Edm.Int64`.
    Integer,
    /// `Edm.Int64`: in JSON it may be text, since JavaScript has no such numbers.
    Int64,
    /// `Edm.Decimal`, whole or not; in JSON it may be text as well.
    Decimal {
        /// Whether it has no digits after the point.
        whole: bool,
    },
    /// `Edm.Double` or `Edm.Single`.
    Double,
    /// `Edm.String`.
    String,
    /// `Edm.Guid`.
    Guid,
    /// `Edm.Date`.
    Date,
    /// `Edm.DateTimeOffset`, with the digits of its fraction where they are said.
    DateTimeOffset(Option<u8>),
    /// `Edm.TimeOfDay`.
    TimeOfDay,
    /// `Edm.Duration`.
    Duration,
    /// `Edm.Binary`.
    Binary,
    /// An enumeration, by its name.
    Enum(String),
    /// A collection.
    Collection(Box<Edm>),
    /// Something that no kind stands for.
    Other,
}

impl Edm {
    /// Whether a field of this kind can hold it.
    fn fits(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Boolean => *self == Edm::Boolean,
            Kind::Integer => matches!(self, Edm::Integer | Edm::Int64 | Edm::Decimal { whole: true }),
            Kind::Decimal(_) => {
                matches!(self, Edm::Decimal { .. } | Edm::Double | Edm::Integer | Edm::Int64)
            }
            Kind::Text(_) => {
                matches!(self, Edm::String | Edm::Guid | Edm::TimeOfDay | Edm::Duration | Edm::Enum(_))
            }
            Kind::Choices => match self {
                Edm::Collection(of) => matches!(**of, Edm::String | Edm::Enum(_)),
                other => matches!(other, Edm::String | Edm::Enum(_)),
            },
            Kind::Date => *self == Edm::Date,
            Kind::Timestamp => matches!(self, Edm::DateTimeOffset(_)),
            Kind::Bytes => *self == Edm::Binary,
            Kind::Reference(_) => matches!(self, Edm::Guid | Edm::String | Edm::Integer | Edm::Int64),
        }
    }

    /// The kinds that can hold it, for a person.
    fn kinds(&self) -> &'static str {
        match self {
            Edm::Boolean => "boolean",
            Edm::Integer | Edm::Int64 => "integer, decimal or a reference",
            Edm::Decimal { whole: true } => "decimal or integer",
            Edm::Decimal { whole: false } | Edm::Double => "decimal",
            Edm::String => "text, choices or a reference",
            Edm::Guid => "text or a reference",
            Edm::Date => "date",
            Edm::DateTimeOffset(_) => "timestamp",
            Edm::TimeOfDay | Edm::Duration => "text",
            Edm::Binary => "bytes",
            Edm::Enum(_) => "text or choices",
            Edm::Collection(of) if matches!(**of, Edm::String | Edm::Enum(_)) => "choices",
            Edm::Collection(_) | Edm::Other => "none",
        }
    }

    /// Whether JSON carries it as text where exact numbers are asked for.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Edm::Int64 | Edm::Decimal { .. })
    }
}

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

impl Schema {
    /// Checks an object against what the server says.
    ///
    /// # Errors
    /// The first disagreement: what it is about, and what to change.
    pub(super) fn shape(&self, object: &Object) -> Result<Shape, RemoteError> {
        let path = &object.resource.path;
        let fail = |message: String, help: String| RemoteError {
            scope: Scope::Object,
            message: format!("the object `{}` does not go with the server: {message}", object.name),
            help: Some(help),
        };
        let (type_name, set) = self.resolve(path).map_err(|(message, help)| fail(message, help))?;
        let properties = self.properties(type_name);
        let navigations = self.navigations(type_name);
        let open = self.lineage(type_name).any(|it| it.open);
        let known = || properties.keys().copied();
        let unknown = |what: &str, name: &str| {
            let message = format!("`{path}` has no property `{name}`, which is {what}");
            fail(message, suggestion(name, known()))
        };
        let resource = &object.resource;
        let key: Vec<&str> = self.lineage(type_name).flat_map(|it| &it.key).map(String::as_str).collect();
        if key != [resource.id.as_str()] {
            let message = match key.as_slice() {
                [] => format!("`{path}` has no key"),
                [one] => format!("the key of `{path}` is `{one}`, and the plugin says `{}`", resource.id),
                many => format!("the key of `{path}` has several parts ({})", many.join(", ")),
            };
            let help = match key.as_slice() {
                [one] => format!("say `{one}` for the resource's id in the plugin"),
                _ => "records are told apart by one property; synchronize another entity set".to_owned(),
            };
            return Err(fail(message, help));
        }
        let stamps = [
            ("the resource's last-updated token", Some(&resource.updated)),
            ("the resource's version", resource.version.as_ref()),
            ("the resource's created-stamp", resource.created.as_ref()),
        ];
        for (what, name) in stamps.iter().filter_map(|(what, name)| Some((what, (*name)?))) {
            if name != ETAG && !open && !properties.contains_key(name.as_str()) {
                return Err(unknown(what, name));
            }
        }
        let mut columns = Vec::with_capacity(object.remote.len());
        for field in &object.remote {
            let name = field.name.as_str();
            let Some(property) = properties.get(name) else {
                if let Some(navigation) = navigations.get(name) {
                    let message = format!("`{name}` is a relation of `{path}`, not a property");
                    let help = match navigation.constraints.first() {
                        Some((property, _)) => format!("name the property that holds the id: `{property}`"),
                        None => "the server gives it no property that holds the other record's id".to_owned(),
                    };
                    return Err(fail(message, help));
                }
                return Err(unknown("a remote field of the plugin", name));
            };
            let edm = self.edm(property);
            if !edm.fits(&field.kind) {
                let message = format!(
                    "`{name}` of `{path}` is {}, and the plugin says {}",
                    property.edm,
                    field.kind.name()
                );
                let help = match edm.kinds() {
                    "none" => "no kind of field can hold that: leave the field out".to_owned(),
                    kinds => format!("say {kinds} for the remote field `{name}` in the plugin"),
                };
                return Err(fail(message, help));
            }
            let bind = self.bind(property, name, &navigations, set);
            if let Some((message, help)) = unwritable(path, field, property, bind.is_some()) {
                return Err(fail(message, help));
            }
            columns.push(Column { edm, bind });
        }
        let edm_of = |name: &str| properties.get(name).map_or(Edm::Other, |property| self.edm(property));
        let key = edm_of(&resource.id);
        let marks = [Some(&resource.updated), resource.version.as_ref(), resource.created.as_ref()];
        let exact = key.is_exact()
            || columns.iter().any(|column| column.edm.is_exact())
            || marks.iter().flatten().any(|name| edm_of(name).is_exact());
        Ok(Shape { key, columns, exact })
    }

    /// The type of the records at a path, and the set they are in where that is known.
    fn resolve(&self, path: &str) -> Result<(&str, Option<&Set>), (String, String)> {
        let mut parts = path.split('/').map(|part| part.split('(').next().unwrap_or(part));
        let first = parts.next().unwrap_or_default();
        let Some(set) = self.sets.get(first) else {
            let message = format!("the server has no entity set `{first}`");
            return Err((message, suggestion(first, self.sets.keys().map(String::as_str))));
        };
        let (mut entity_type, mut many, mut set) = (set.entity_type.as_str(), !set.is_singleton, Some(set));
        for part in parts {
            let navigations = self.navigations(entity_type);
            let Some(navigation) = navigations.get(part) else {
                let message = format!("`{entity_type}` has no relation `{part}`, which is part of `{path}`");
                return Err((message, suggestion(part, navigations.keys().copied())));
            };
            many = navigation.to.starts_with("Collection(");
            entity_type = navigation.target();
            let target = set.and_then(|set| set.bindings.get(part));
            set = target.and_then(|name| self.sets.get(name));
        }
        if many {
            return Ok((entity_type, set));
        }
        Err((
            format!("`{path}` is a single record, not a set of them"),
            "name an entity set, such as `Accounts`".into(),
        ))
    }

    /// A type and those that it is based on.
    fn lineage(&self, name: &str) -> impl Iterator<Item = &EntityType> {
        // No server's types go deeper; one whose types go in a circle ends here.
        const DEEPEST: usize = 100;
        let base = |it: &&EntityType| self.types.get(it.base.as_deref()?);
        std::iter::successors(self.types.get(name), base).take(DEEPEST)
    }

    fn properties(&self, name: &str) -> BTreeMap<&str, &Property> {
        self.lineage(name).flat_map(|it| &it.properties).map(|(name, it)| (name.as_str(), it)).collect()
    }

    fn navigations(&self, name: &str) -> BTreeMap<&str, &Navigation> {
        self.lineage(name).flat_map(|it| &it.navigations).map(|(name, it)| (name.as_str(), it)).collect()
    }

    fn edm(&self, property: &Property) -> Edm {
        match property.edm.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
            Some(of) => Edm::Collection(Box::new(self.single(of, property))),
            None => self.single(&property.edm, property),
        }
    }

    fn single(&self, name: &str, property: &Property) -> Edm {
        let name = self.definitions.get(name).map_or(name, String::as_str);
        match name {
            "Edm.Boolean" => Edm::Boolean,
            "Edm.Byte" | "Edm.SByte" | "Edm.Int16" | "Edm.Int32" => Edm::Integer,
            "Edm.Int64" => Edm::Int64,
            "Edm.Decimal" => Edm::Decimal { whole: property.scale.as_deref().is_none_or(|it| it == "0") },
            "Edm.Double" | "Edm.Single" => Edm::Double,
            "Edm.String" => Edm::String,
            "Edm.Guid" => Edm::Guid,
            "Edm.Date" => Edm::Date,
            "Edm.DateTimeOffset" => Edm::DateTimeOffset(property.precision),
            "Edm.TimeOfDay" => Edm::TimeOfDay,
            "Edm.Duration" => Edm::Duration,
            "Edm.Binary" => Edm::Binary,
            name if self.enums.contains(name) => Edm::Enum(name.to_owned()),
            _ => Edm::Other,
        }
    }

    /// How a property that only mirrors a relation is written: by the relation. None where it can be written itself,
    /// and where it mirrors several, for the id alone does not tell which is meant.
    fn bind(
        &self,
        property: &Property,
        name: &str,
        navigations: &BTreeMap<&str, &Navigation>,
        set: Option<&Set>,
    ) -> Option<Bind> {
        if !property.computed && !property.read_only {
            return None;
        }
        let mirrors = |navigation: &Navigation| navigation.constraints.iter().any(|(own, _)| own == name);
        let mut relations = navigations.iter().filter(|(_, navigation)| mirrors(navigation));
        let (Some((relation, navigation)), None) = (relations.next(), relations.next()) else { return None };
        let target = set?.bindings.get(*relation)?;
        let (_, referenced) = navigation.constraints.first()?;
        let properties = self.properties(navigation.target());
        let key = self.edm(properties.get(referenced.as_str())?);
        Some(Bind { navigation: (*relation).to_owned(), set: target.clone(), key })
    }
}

impl Navigation {
    /// The type that it leads to, of one record or of many.
    fn target(&self) -> &str {
        let inner = self.to.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
        inner.unwrap_or(&self.to)
    }
}

/// Why a field that the plugin would write cannot be written.
fn unwritable(path: &str, field: &Field, property: &Property, has_bind: bool) -> Option<(String, String)> {
    let traits = field.traits;
    let name = &field.name;
    let never = traits.read_only || traits.computed;
    if (property.computed || property.read_only) && !never && !has_bind {
        let how = if property.computed { "is computed by the server" } else { "can only be read" };
        let message = format!("`{name}` of `{path}` {how}, and the plugin would write it");
        return Some((message, format!("mark the remote field `{name}` as `computed` or `read-only`")));
    }
    if property.immutable && !never && !traits.create_only {
        let message = format!("`{name}` of `{path}` cannot change after the insert, and the plugin would");
        return Some((message, format!("mark the remote field `{name}` as `create-only`")));
    }
    None
}
