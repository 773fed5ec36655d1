//! `$metadata` in its XML form (CSDL 4): element by element, keeping what records and their keys need. The documents
//! of large servers have megabytes, most of them about things that no object is made of.

use super::schema::{EntityType, Navigation, Property, Schema, Set};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::BTreeMap;

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CsdlError {
    /// It is not XML, or ends early.
    Xml(String),
    /// It is XML of another kind.
    NotCsdl,
    /// It describes another version of the protocol.
    Version(String),
}

/// Reads the document.
///
/// # Errors
/// [`CsdlError`].
pub(super) fn read(document: &str) -> Result<Schema, CsdlError> {
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}').trim_start());
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        match reader.read_event().map_err(|error| CsdlError::Xml(error.to_string()))? {
            Event::Start(element) => {
                let name = element.local_name().into_inner().to_owned();
                if reading.open.is_empty() {
                    check_root(&name, &element)?;
                }
                reading.begin(&name, &element);
                reading.open.push(name);
            }
            Event::Text(text) => reading.text(&text.xml10_content()),
            Event::End(_) => {
                if let Some(name) = reading.open.pop() {
                    reading.end(&name);
                }
            }
            Event::Eof if reading.open.is_empty() && reading.begun => return Ok(reading.conclude()),
            Event::Eof if reading.begun => return Err(CsdlError::Xml("it ends early".into())),
            Event::Eof => return Err(CsdlError::NotCsdl),
            _ => {}
        }
    }
}

fn check_root(name: &str, element: &BytesStart<'_>) -> Result<(), CsdlError> {
    if name != "Edmx" {
        return Err(CsdlError::NotCsdl);
    }
    match attribute(element, "Version") {
        Some(version) if !version.starts_with('4') => Err(CsdlError::Version(version)),
        _ => Ok(()),
    }
}

/// Where the reading stands.
#[derive(Default)]
struct Reading {
    schema: Schema,
    /// Names of the elements around the present place.
    open: Vec<String>,
    begun: bool,
    namespace: String,
    aliases: BTreeMap<String, String>,
    /// The type being read, by its qualified name, and the navigation property in it.
    entity_type: Option<(String, EntityType)>,
    navigation: Option<String>,
    /// The entity set or singleton being read.
    set: Option<String>,
    /// What annotations are about, and the one being read: its term and value.
    target: Option<String>,
    annotation: Option<(String, String)>,
    annotations: Vec<Annotation>,
}

/// What is said of something.
struct Annotation {
    target: String,
    term: String,
    value: String,
}

impl Reading {
    fn begin(&mut self, name: &str, element: &BytesStart<'_>) {
        self.begun = true;
        let get = |name| attribute(element, name);
        let named = get("Name").unwrap_or_default();
        let parent = self.open.last().map_or("", String::as_str);
        match name {
            "Include" => self.alias(get("Alias"), get("Namespace")),
            "Schema" => {
                self.namespace = get("Namespace").unwrap_or_default();
                self.alias(get("Alias"), get("Namespace"));
            }
            "EntityType" => {
                let it = EntityType {
                    base: get("BaseType"),
                    open: get("OpenType").as_deref() == Some("true"),
                    ..EntityType::default()
                };
                self.entity_type = Some((self.qualified(&named), it));
            }
            "EnumType" => {
                self.schema.enums.insert(self.qualified(&named));
            }
            "TypeDefinition" => {
                let underlying = get("UnderlyingType").unwrap_or_default();
                self.schema.definitions.insert(self.qualified(&named), underlying);
            }
            "PropertyRef" if parent == "Key" => {
                if let Some((_, it)) = &mut self.entity_type {
                    it.key.push(named);
                }
            }
            "Property" => {
                if let Some((entity_type, it)) = &mut self.entity_type {
                    self.target = Some(format!("{entity_type}/{named}"));
                    let property = Property {
                        edm: get("Type").unwrap_or_default(),
                        precision: get("Precision").and_then(|text| text.parse().ok()),
                        scale: get("Scale"),
                        max_length: get("MaxLength").and_then(|text| text.parse().ok()),
                        nullable: get("Nullable").as_deref() != Some("false"),
                        has_default: get("DefaultValue").is_some(),
                        position: it.properties.len(),
                        ..Property::default()
                    };
                    it.properties.insert(named, property);
                }
            }
            "NavigationProperty" => {
                if let Some((_, it)) = &mut self.entity_type {
                    let to = get("Type").unwrap_or_default();
                    it.navigations.insert(named.clone(), Navigation { to, constraints: Vec::new() });
                    self.navigation = Some(named);
                }
            }
            "ReferentialConstraint" => {
                let navigation = self.navigation.as_ref();
                let all = self.entity_type.as_mut().map(|(_, it)| &mut it.navigations);
                if let Some(it) = all.zip(navigation).and_then(|(all, name)| all.get_mut(name))
                    && let (Some(property), Some(referenced)) = (get("Property"), get("ReferencedProperty"))
                {
                    it.constraints.push((property, referenced));
                }
            }
            "EntitySet" | "Singleton" => {
                let entity_type = get("EntityType").or_else(|| get("Type")).unwrap_or_default();
                let is_singleton = name == "Singleton";
                self.schema
                    .sets
                    .insert(named.clone(), Set { entity_type, is_singleton, bindings: BTreeMap::new() });
                self.set = Some(named);
            }
            "NavigationPropertyBinding" => {
                if let Some(set) = self.set.as_ref().and_then(|set| self.schema.sets.get_mut(set))
                    && let (Some(path), Some(target)) = (get("Path"), get("Target"))
                {
                    set.bindings.insert(path, target);
                }
            }
            "Annotations" => self.target = get("Target"),
            // Those of annotations, records and the like are about other things.
            "Annotation" if matches!(parent, "Annotations" | "Property") && self.target.is_some() => {
                let value = ["Bool", "EnumMember", "String"].iter().find_map(|name| attribute(element, name));
                self.annotation = Some((get("Term").unwrap_or_default(), value.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.open.last().is_some_and(|it| it == "EnumMember" || it == "Bool")
            && let Some((_, value)) = &mut self.annotation
        {
            value.push_str(text.trim());
        }
    }

    fn end(&mut self, name: &str) {
        let parent = self.open.last().map_or("", String::as_str);
        match name {
            "EntityType" => self.schema.types.extend(self.entity_type.take()),
            "NavigationProperty" => self.navigation = None,
            "EntitySet" | "Singleton" => self.set = None,
            "Property" | "Annotations" => self.target = None,
            "Annotation" if matches!(parent, "Annotations" | "Property") => {
                if let (Some((term, value)), Some(target)) = (self.annotation.take(), &self.target) {
                    self.annotations.push(Annotation { target: target.clone(), term, value });
                }
            }
            _ => {}
        }
    }

    fn alias(&mut self, alias: Option<String>, namespace: Option<String>) {
        self.aliases.extend(alias.zip(namespace));
    }

    fn qualified(&self, name: &str) -> String {
        format!("{}.{name}", self.namespace)
    }

    /// Puts annotations where they belong, and full names where aliases stand.
    fn conclude(self) -> Schema {
        let Reading { mut schema, aliases, annotations, .. } = self;
        for Annotation { target, term, value } in annotations {
            let term = unaliased(&aliases, &term);
            let target = unaliased(&aliases, &target);
            let property = target
                .split_once('/')
                .and_then(|(entity_type, name)| schema.types.get_mut(entity_type)?.properties.get_mut(name));
            let Some(property) = property else { continue };
            let yes = value != "false";
            match term.as_str() {
                "Org.OData.Core.V1.Computed" => property.computed = yes,
                "Org.OData.Core.V1.Immutable" => property.immutable = yes,
                "Org.OData.Core.V1.Permissions" => property.read_only = value.ends_with("/Read"),
                _ => {}
            }
        }
        let unaliased_type = |name: &str| match name.strip_prefix("Collection(") {
            Some(inner) => format!("Collection({}", unaliased(&aliases, inner)),
            None => unaliased(&aliases, name),
        };
        for it in schema.types.values_mut() {
            it.base = it.base.as_deref().map(unaliased_type);
            for property in it.properties.values_mut() {
                property.edm = unaliased_type(&property.edm);
            }
            for navigation in it.navigations.values_mut() {
                navigation.to = unaliased_type(&navigation.to);
            }
        }
        for set in schema.sets.values_mut() {
            set.entity_type = unaliased_type(&set.entity_type);
        }
        schema
    }
}

/// A qualified name with its namespace in full: what stands before the last dot (of the part before any slash) may
/// be an alias.
fn unaliased(aliases: &BTreeMap<String, String>, name: &str) -> String {
    let head = name.split('/').next().unwrap_or(name);
    let resolved = head.rfind('.').and_then(|dot| {
        let namespace = aliases.get(&name[..dot])?;
        Some(format!("{namespace}{}", &name[dot..]))
    });
    resolved.unwrap_or_else(|| name.to_owned())
}

/// An attribute of an element; none where it is not there or cannot be read.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    found.normalized_value(XmlVersion::Explicit1_0).ok().map(|value| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIASED: &str = r#"<?xml version="1.0"?>
        <edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
        <edmx:Reference Uri="x"><edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/></edmx:Reference>
        <edmx:DataServices>
        <Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">
          <EntityType Name="crmbaseentity" Abstract="true"/>
          <EntityType Name="account" BaseType="mscrm.crmbaseentity">
            <Key><PropertyRef Name="accountid"/></Key>
            <Property Name="accountid" Type="Edm.Guid" Nullable="false">
              <Annotation Term="Core.Computed"><Bool>true</Bool></Annotation>
            </Property>
            <Property Name="name" Type="Edm.String" Unicode="false"/>
            <Property Name="revenue" Type="Edm.Decimal" Scale="variable"/>
            <Property Name="_parentaccountid_value" Type="Edm.Guid">
              <Annotation Term="Org.OData.Core.V1.Permissions">
                <EnumMember>Org.OData.Core.V1.PermissionType/Read</EnumMember>
              </Annotation>
            </Property>
            <NavigationProperty Name="parentaccountid" Type="mscrm.account" Partner="x">
              <ReferentialConstraint Property="_parentaccountid_value" ReferencedProperty="accountid"/>
            </NavigationProperty>
            <NavigationProperty Name="children" Type="Collection(mscrm.account)"/>
          </EntityType>
          <EnumType Name="Stage"><Member Name="Won" Value="0"/></EnumType>
          <TypeDefinition Name="Money" UnderlyingType="Edm.Decimal"/>
          <EntityContainer Name="System">
            <EntitySet Name="accounts" EntityType="mscrm.account">
              <NavigationPropertyBinding Path="parentaccountid" Target="accounts"/>
            </EntitySet>
          </EntityContainer>
          <Annotations Target="mscrm.account/name">
            <Annotation Term="Core.Immutable"/>
            <Annotation Term="Other.Thing"><Collection><Record>
              <Annotation Term="Core.Computed" Bool="true"/>
            </Record></Collection></Annotation>
          </Annotations>
        </Schema></edmx:DataServices></edmx:Edmx>"#;

    #[test]
    fn types_keys_and_annotations_are_found_behind_aliases() {
        let schema = read(ALIASED).unwrap();
        let account = &schema.types["Microsoft.Dynamics.CRM.account"];
        assert_eq!(account.key, ["accountid"]);
        assert_eq!(account.base.as_deref(), Some("Microsoft.Dynamics.CRM.crmbaseentity"));
        assert!(account.properties["accountid"].computed);
        let name = &account.properties["name"];
        assert!(name.immutable && !name.computed, "{name:?}");
        assert!(account.properties["_parentaccountid_value"].read_only);
        let parent = &account.navigations["parentaccountid"];
        assert_eq!(parent.to, "Microsoft.Dynamics.CRM.account");
        assert_eq!(parent.constraints, [("_parentaccountid_value".to_owned(), "accountid".to_owned())]);
        assert_eq!(account.navigations["children"].to, "Collection(Microsoft.Dynamics.CRM.account)");
        assert_eq!(schema.sets["accounts"].entity_type, "Microsoft.Dynamics.CRM.account");
        assert_eq!(schema.sets["accounts"].bindings["parentaccountid"], "accounts");
        assert!(schema.enums.contains("Microsoft.Dynamics.CRM.Stage"));
    }

    #[test]
    fn other_documents_are_told_apart() {
        assert_eq!(read("<html><body>Log in</body></html>").unwrap_err(), CsdlError::NotCsdl);
        assert_eq!(read("").unwrap_err(), CsdlError::NotCsdl);
        assert_eq!(read(r#"<Edmx Version="1.0"/>"#).unwrap_err(), CsdlError::Version("1.0".into()));
        for broken in [r#"<Edmx Version="4.0"><Schema>"#, r#"<Edmx Version="4.0"><A></B></Edmx>"#] {
            assert!(matches!(read(broken), Err(CsdlError::Xml(_))), "{broken}");
        }
    }
}
