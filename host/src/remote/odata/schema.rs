//! What `$metadata` says of records: which sets there are, of which types, and what their properties hold. Names are
//! qualified and without aliases.

use crate::toml_file::nearest::suggestion;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Characters of a text, where there is a limit.
    pub(super) max_length: Option<u32>,
    /// Whether it may be null.
    pub(super) nullable: bool,
    /// Whether a new record gets a value where none is sent.
    pub(super) has_default: bool,
    /// Its place in the document.
    pub(super) position: usize,
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
    pub(super) fn fits(&self, kind: &Kind) -> bool {
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
    pub(super) fn kinds(&self) -> &'static str {
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

impl Schema {
    /// The type of the records at a path, and the set they are in where that is known.
    pub(super) fn resolve(&self, path: &str) -> Result<(&str, Option<&Set>), (String, String)> {
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
    pub(super) fn lineage(&self, name: &str) -> impl Iterator<Item = &EntityType> {
        // No server's types go deeper; one whose types go in a circle ends here.
        const DEEPEST: usize = 100;
        let base = |it: &&EntityType| self.types.get(it.base.as_deref()?);
        std::iter::successors(self.types.get(name), base).take(DEEPEST)
    }

    pub(super) fn properties(&self, name: &str) -> BTreeMap<&str, &Property> {
        self.lineage(name).flat_map(|it| &it.properties).map(|(name, it)| (name.as_str(), it)).collect()
    }

    pub(super) fn navigations(&self, name: &str) -> BTreeMap<&str, &Navigation> {
        self.lineage(name).flat_map(|it| &it.navigations).map(|(name, it)| (name.as_str(), it)).collect()
    }

    pub(super) fn edm(&self, property: &Property) -> Edm {
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
}

impl Navigation {
    /// The type that it leads to, of one record or of many.
    pub(super) fn target(&self) -> &str {
        let inner = self.to.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
        inner.unwrap_or(&self.to)
    }
}
