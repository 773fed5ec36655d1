//! What an entity set holds: `$metadata` tells of each property what it is, and a few records tell whether they have
//! ETags. Which property is the time of the last change is known by its name alone.

use super::Odata;
use super::query::Query;
use super::read::Names;
use super::schema::{ETAG, Edm, Navigation, Property, Schema, Set};
use crate::ports::{FieldDescription, Holds, RemoteError, RemoteRecord, ResourceDescription, Scope};
use crate::remote::tally::Purpose;
use std::collections::BTreeMap;
use sync_core::object::{Field, Object, ObjectName, Resource, Traits};
use sync_core::value::Kind;

/// Longest value of a text for which the server has no limit.
const TEXT: u32 = 1_000;
/// Digits after the point, where the server says none.
const DIGITS: u8 = 4;
/// Records that are looked at for an example.
const SAMPLES: usize = 20;
/// Parts of names that times of the last change, and of the beginning, have.
const CHANGED: [&str; 4] = ["modif", "chang", "updat", "edit"];
const CREATED: [&str; 2] = ["creat", "insert"];

impl Odata {
    /// What the server says of a set.
    pub(super) async fn described(
        &self,
        name: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        let fail = |(message, help): (String, String)| RemoteError {
            scope: Scope::Object,
            message,
            help: Some(help),
        };
        let schema = self.schema.get_or_try_init(|| self.metadata()).await?;
        let described = Describing::begin(schema, path).map_err(fail)?;
        let id = described.key().map_err(fail)?;
        let stamp = described.stamp(&CHANGED);
        let resource = Resource {
            path: path.to_owned(),
            id,
            updated: stamp.clone().unwrap_or_else(|| ETAG.to_owned()),
            version: Some(ETAG.to_owned()),
            created: described.stamp(&CREATED).filter(|it| Some(it) != stamp.as_ref()),
        };
        let (fields, left_out) = described.fields(&resource);
        let object = Object {
            name: name.clone(),
            mapping_version: 0,
            local: Vec::new(),
            remote: fields.iter().map(read_as).collect(),
            resource,
            user_keys: Vec::new(),
        };
        let records = self.samples(&object).await?;
        let has_etags = records.iter().any(|record| record.key.token.version.is_some());
        if !has_etags && stamp.is_none() {
            return Err(fail((
                format!(
                    "the records of {path} have no time of their last change and no ETag, so their changes cannot be recognized"
                ),
                match records.is_empty() {
                    true => "enter a record on the server: whether it has ETags shows in one".to_owned(),
                    false => "name another entity set".to_owned(),
                },
            )));
        }
        let mut known_from = format!(
            "The kinds are the server's own. Texts that it sets no limit to are given {TEXT} characters here; a link to a \
             set that no plugin here is for is its id, read only."
        );
        match &stamp {
            Some(stamp) => {
                known_from += &format!(" That `{stamp}` is the time of the last change is known by its name.")
            }
            None => known_from += " Changes are recognized by the ETag alone.",
        }
        if records.is_empty() {
            known_from += " There are no records, so that it is not known whether they have ETags: if so, `version` is \
                           `@odata.etag`.";
        }
        let filled = |record: &RemoteRecord| record.row.iter().filter(|value| value.is_filled()).count();
        let sample = records.into_iter().max_by_key(filled).map(|record| record.row);
        let version = object.resource.version.clone().filter(|_| has_etags);
        let resource = Resource { version, ..object.resource };
        Ok(ResourceDescription { resource, known_from, fields, left_out, sample })
    }

    /// The first records.
    async fn samples(&self, object: &Object) -> Result<Vec<RemoteRecord>, RemoteError> {
        let shape = self.shape(object).await?;
        let select = self.names(object, Names::All);
        let query = Query { select, top: Some(SAMPLES), ..Query::default() };
        let url = query.at(self.address(object, &shape, None));
        Ok(self.page(object, &shape, Purpose::Details, url, Names::All, None).await?.records)
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

/// A set, and what the server says of its records.
struct Describing<'a> {
    schema: &'a Schema,
    path: &'a str,
    set: Option<&'a Set>,
    key: Vec<&'a str>,
    /// In the server's order, those of base types first.
    properties: Vec<(&'a str, &'a Property)>,
    navigations: BTreeMap<&'a str, &'a Navigation>,
}

impl<'a> Describing<'a> {
    fn begin(schema: &'a Schema, path: &'a str) -> Result<Describing<'a>, (String, String)> {
        let (name, set) = schema.resolve(path)?;
        let mut types: Vec<_> = schema.lineage(name).collect();
        types.reverse();
        let mut properties = Vec::new();
        for it in types {
            let mut own: Vec<_> = it.properties.iter().map(|(name, it)| (name.as_str(), it)).collect();
            own.sort_by_key(|(_, it)| it.position);
            properties.extend(own);
        }
        let key = schema.lineage(name).flat_map(|it| &it.key).map(String::as_str).collect();
        Ok(Describing { schema, path, set, key, properties, navigations: schema.navigations(name) })
    }

    fn key(&self) -> Result<String, (String, String)> {
        match self.key.as_slice() {
            [one] => Ok((*one).to_owned()),
            parts => Err((
                match parts {
                    [] => format!("`{}` has no key", self.path),
                    _ => format!("the key of `{}` has several parts ({})", self.path, parts.join(", ")),
                },
                "records are told apart by one property; name another entity set".to_owned(),
            )),
        }
    }

    /// The time whose name has one of these parts, the earlier the better.
    fn stamp(&self, parts: &[&str]) -> Option<String> {
        let times = || {
            let is_time = |it: &&(&str, &Property)| matches!(self.schema.edm(it.1), Edm::DateTimeOffset(_));
            self.properties.iter().filter(is_time).map(|(name, _)| *name)
        };
        parts.iter().find_map(|part| times().find(|it| it.to_lowercase().contains(part))).map(str::to_owned)
    }

    /// The properties that can be mapped, and the names of those that cannot, each with the reason.
    fn fields(&self, resource: &Resource) -> (Vec<FieldDescription>, Vec<(String, String)>) {
        let (mut fields, mut left_out) = (Vec::new(), Vec::new());
        let is_key = |name: &str| {
            name == resource.id || name == resource.updated || resource.created.as_deref() == Some(name)
        };
        for (name, property) in self.properties.iter().filter(|(name, _)| !is_key(name)) {
            match self.holds(name, property) {
                Ok((holds, note)) => {
                    let is_link = matches!(holds, Holds::Link(_));
                    // A link that can only be read may be written by its relation.
                    let read_only = property.computed || property.read_only;
                    let read_only = read_only && !(is_link && self.leads_to(name).is_some());
                    let traits = Traits {
                        required: !property.nullable && !property.has_default && !read_only,
                        read_only,
                        computed: read_only,
                        create_only: property.immutable && !read_only,
                        ..Traits::default()
                    };
                    fields.push(FieldDescription { name: (*name).to_owned(), holds, traits, note });
                }
                Err(why) => left_out.push(((*name).to_owned(), why)),
            }
        }
        for (name, navigation) in self.navigations.iter().filter(|(_, it)| it.constraints.is_empty()) {
            let why = match navigation.to.starts_with("Collection(") {
                true => "it leads to several records, which are objects of their own",
                false => "the server gives it no property that holds the other record's id",
            };
            left_out.push(((*name).to_owned(), why.to_owned()));
        }
        (fields, left_out)
    }

    /// What a property holds, with what is uncertain; or why no column can.
    fn holds(&self, name: &str, property: &Property) -> Result<(Holds, Option<String>), String> {
        let edm = self.schema.edm(property);
        if let Some(set) = self.leads_to(name).filter(|_| edm.fits(&Kind::Reference(String::new()))) {
            return Ok((Holds::Link(set), None));
        }
        let value = |kind| Ok((Holds::Value(kind), None));
        let guessed = |kind, note: String| Ok((Holds::Value(kind), Some(note)));
        let scale = property.scale.as_deref().and_then(|it| it.parse::<u8>().ok());
        match edm {
            Edm::Boolean => value(Kind::Boolean),
            Edm::Integer | Edm::Int64 => value(Kind::Integer),
            Edm::Decimal { whole: true } => value(Kind::Decimal(0)),
            Edm::Decimal { whole: false } | Edm::Double => match scale {
                Some(digits) => value(Kind::Decimal(digits)),
                None => guessed(
                    Kind::Decimal(DIGITS),
                    format!("The server says no number of digits after the point; {DIGITS} is a guess."),
                ),
            },
            Edm::String => value(Kind::Text(property.max_length.unwrap_or(TEXT))),
            Edm::Guid => value(Kind::Text(36)),
            Edm::TimeOfDay | Edm::Duration => value(Kind::Text(40)),
            Edm::Date => value(Kind::Date),
            Edm::DateTimeOffset(_) => value(Kind::Timestamp),
            Edm::Binary => value(Kind::Bytes),
            Edm::Enum(of) => guessed(Kind::Text(100), format!("One of the members of {of}.")),
            Edm::Collection(of) if matches!(*of, Edm::String | Edm::Enum(_)) => value(Kind::Choices),
            Edm::Collection(_) | Edm::Other => Err(format!("the host has no kind for a {}", property.edm)),
        }
    }

    /// The set that a property's records are in, where it holds the key of one other record, and no more than one
    /// relation says so.
    fn leads_to(&self, name: &str) -> Option<String> {
        let holds = |it: &Navigation| matches!(it.constraints.as_slice(), [(own, _)] if own == name);
        let mut relations = self.navigations.iter().filter(|(_, it)| holds(it));
        let (Some((relation, _)), None) = (relations.next(), relations.next()) else { return None };
        self.set?.bindings.get(*relation).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::csdl;
    use super::*;

    #[test]
    fn properties_become_fields_by_their_types() {
        let document = r#"<Edmx Version="4.0"><DataServices><Schema Namespace="M">
            <EntityType Name="Base"><Key><PropertyRef Name="id"/></Key>
              <Property Name="id" Type="Edm.Guid" Nullable="false"/>
              <Property Name="createdon" Type="Edm.DateTimeOffset"/>
              <Property Name="overriddencreatedon" Type="Edm.DateTimeOffset"/>
              <Property Name="modifiedon" Type="Edm.DateTimeOffset"/></EntityType>
            <EntityType Name="Thing" BaseType="M.Base">
              <Property Name="zname" Type="Edm.String" MaxLength="80" Nullable="false"/>
              <Property Name="state" Type="M.State" Nullable="false" DefaultValue="Open"/>
              <Property Name="notes" Type="Edm.String" MaxLength="max"/>
              <Property Name="amount" Type="Edm.Decimal" Precision="15" Scale="2"/>
              <Property Name="rate" Type="Edm.Decimal" Scale="variable"/>
              <Property Name="whole" Type="Edm.Decimal"/>
              <Property Name="_owner_value" Type="Edm.Guid">
                <Annotation Term="Org.OData.Core.V1.Computed" Bool="true"/></Property>
              <Property Name="token" Type="Edm.Guid"/>
              <Property Name="place" Type="Edm.GeographyPoint"/>
              <Property Name="source" Type="Edm.String"><Annotation Term="Org.OData.Core.V1.Immutable"/></Property>
              <Property Name="number" Type="Edm.Int32" Nullable="false">
                <Annotation Term="Org.OData.Core.V1.Computed"/></Property>
              <NavigationProperty Name="owner" Type="M.Thing">
                <ReferentialConstraint Property="_owner_value" ReferencedProperty="id"/></NavigationProperty>
              <NavigationProperty Name="parts" Type="Collection(M.Thing)"/>
              <NavigationProperty Name="other" Type="M.Thing"/></EntityType>
            <EnumType Name="State"><Member Name="Open"/></EnumType>
            <EntityContainer Name="C"><EntitySet Name="Things" EntityType="M.Thing">
              <NavigationPropertyBinding Path="owner" Target="Things"/></EntitySet></EntityContainer>
            </Schema></DataServices></Edmx>"#;
        let schema = csdl::read(document).unwrap();
        let described = Describing::begin(&schema, "Things").unwrap();
        let resource = Resource {
            path: "Things".into(),
            id: described.key().unwrap(),
            updated: described.stamp(&CHANGED).unwrap(),
            version: None,
            created: described.stamp(&CREATED),
        };
        assert_eq!((resource.id.as_str(), resource.updated.as_str()), ("id", "modifiedon"));
        assert_eq!(resource.created.as_deref(), Some("createdon"));
        let (fields, left_out) = described.fields(&resource);
        let told: Vec<(&str, &Holds)> = fields.iter().map(|it| (it.name.as_str(), &it.holds)).collect();
        let value = Holds::Value;
        assert_eq!(
            told,
            [
                ("overriddencreatedon", &value(Kind::Timestamp)),
                ("zname", &value(Kind::Text(80))),
                ("state", &value(Kind::Text(100))),
                ("notes", &value(Kind::Text(TEXT))),
                ("amount", &value(Kind::Decimal(2))),
                ("rate", &value(Kind::Decimal(DIGITS))),
                ("whole", &value(Kind::Decimal(0))),
                ("_owner_value", &Holds::Link("Things".into())),
                ("token", &value(Kind::Text(36))),
                ("source", &value(Kind::Text(TEXT))),
                ("number", &value(Kind::Integer)),
            ]
        );
        let of = |name: &str| fields.iter().find(|it| it.name == name).unwrap();
        assert!(of("zname").traits.required && !of("state").traits.required && !of("number").traits.required);
        assert!(of("number").traits.computed && of("source").traits.create_only);
        assert!(!of("_owner_value").traits.read_only, "it is written by its relation");
        assert!(of("rate").note.is_some() && of("amount").note.is_none());
        let names: Vec<&str> = left_out.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["place", "other", "parts"]);
        assert!(
            Describing::begin(&schema, "Thing").is_err_and(|(message, _)| message.contains("no entity set"))
        );
    }
}
