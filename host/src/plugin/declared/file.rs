//! From the text of a declaration to what the component takes, with all that is wrong on the way.

use super::assemble::{Assembled, assemble};
use super::field::{Entry, entry};
use super::wit::{ObjectDeclaration, object};
use crate::toml_file::error::{Location, MetadataError, ProblemKind, Source};
use crate::toml_file::found::Found;
use crate::toml_file::nearest::suggestion;
use crate::toml_file::read::{Item, Table};
use std::path::Path;
use sync_core::object::{Descriptor, DescriptorError, MOST_FIELDS, Object, ObjectName, Resource};
use toml::de::DeTable;

/// Checks `text` as the content of `file`, which declares the object `name`. All mistakes are told, in the order of
/// the file.
pub(in crate::plugin) fn declaration(
    file: &Path,
    name: &str,
    text: &str,
) -> Result<(Object, ObjectDeclaration), MetadataError> {
    let (tree, syntax) = DeTable::parse_recoverable(text);
    let source = Source::new(file, text.to_owned());
    let mut found = Found::new(&source, text);
    if !syntax.is_empty() {
        found.syntax(&syntax);
        return Err(found.into_error());
    }
    match whole(&Table::root(tree.get_ref()), name, &mut found) {
        Some(declared) if found.is_empty() => Ok(declared),
        _ => Err(found.into_error()),
    }
}

fn whole(root: &Table<'_>, name: &str, found: &mut Found<'_>) -> Option<(Object, ObjectDeclaration)> {
    root.only_known(&["name", "mapping-version", "user-keys", "resource", "fields"], found);
    if ObjectName::new(name).is_err() {
        let message = format!("the file's name says that the object is {name:?}, which cannot be one's name");
        let help =
            "name the file NAME.object.toml, NAME being lower-case letters, digits and dashes".to_owned();
        found.problem(ProblemKind::InvalidValue, Location::default(), message, Some(help));
    }
    if let Some(item) = root.item("name")
        && item.text(found).is_some_and(|said| said != name)
    {
        let help = format!("rename the file, or write `name = {name:?}`, or leave it out");
        item.invalid(format!("is another one than the file's: {name:?}"), Some(help), found);
    }
    let version = root
        .required("mapping-version", found)
        .and_then(|item| item.integer(0..=u32::MAX.into(), found))
        .and_then(|version| u32::try_from(version).ok());
    let resource = root.required("resource", found).and_then(|item| item.table(found));
    let resource = resource.and_then(|table| resource_of(&table, found));
    let entries = entries(root, found);
    let complete = entries.as_ref().is_some_and(|(_, complete)| *complete);
    let entries = entries.map(|(entries, _)| entries).unwrap_or_default();
    let Assembled { local, remote, rules, checks, .. } = assemble(&entries, found);
    let remote_names: Vec<&str> = remote.iter().map(|field| field.name.as_str()).collect();
    let keys =
        root.optional("user-keys", |item, found| user_keys(item, complete, &remote_names, found), found);
    let (mapping_version, resource) = (version?, resource?);
    if !found.is_empty() {
        return None;
    }
    let user_keys = keys.unwrap_or_default();
    let descriptor =
        Descriptor { name: name.to_owned(), mapping_version, local, remote, resource, user_keys };
    match Object::try_from(descriptor) {
        Ok(checked) => {
            let declaration = ObjectDeclaration { object: object(&checked), rules, checks };
            Some((checked, declaration))
        }
        Err(error) => {
            let at = place(&error, &entries);
            found.problem(ProblemKind::InvalidValue, at, error.to_string(), None);
            None
        }
    }
}

fn resource_of(table: &Table<'_>, found: &mut Found<'_>) -> Option<Resource> {
    table.only_known(&["path", "id", "updated", "version", "created"], found);
    let mut required = |key| table.required(key, found).and_then(|item| item.text(found)).map(str::to_owned);
    let (path, id, updated) = (required("path"), required("id"), required("updated"));
    let version = table.optional_text("version", found);
    let created = table.optional_text("created", found);
    Some(Resource { path: path?, id: id?, updated: updated?, version, created })
}

/// All entries that hold by themselves, and whether these are all.
fn entries(root: &Table<'_>, found: &mut Found<'_>) -> Option<(Vec<Entry>, bool)> {
    let item = root.required("fields", found)?;
    let list = item.list(found)?;
    if list.is_empty() {
        item.invalid("has none: an object has at least one field", None, found);
        return None;
    }
    let count = list.len();
    if count > MOST_FIELDS {
        item.invalid(format!("has {count}: an object has at most {MOST_FIELDS} fields"), None, found);
        return None;
    }
    let entries: Vec<Entry> =
        list.iter().filter_map(|item| item.table(found).and_then(|table| entry(&table, found))).collect();
    let complete = entries.len() == count;
    Some((entries, complete))
}

/// The user keys, each a list of remote fields.
fn user_keys(
    item: &Item<'_>,
    complete: bool,
    remote: &[&str],
    found: &mut Found<'_>,
) -> Option<Vec<Vec<String>>> {
    let mut keys = Vec::new();
    for key in item.list(found)? {
        let mut names = Vec::new();
        for name in key.list(found)? {
            let text = name.text(found)?;
            // A field that was refused has been told of.
            if complete && !remote.contains(&text) {
                let message = format!("a user key names `{text}`, which is no remote field");
                let help = suggestion(text, remote.iter().copied());
                found.problem(ProblemKind::Reference, name.at(), message, Some(help));
            }
            names.push(text.to_owned());
        }
        keys.push(names);
    }
    Some(keys)
}

/// Where the mistake stands that only the whole description shows.
fn place(error: &DescriptorError, entries: &[Entry]) -> Location {
    let named = |side: &str, name: &str| {
        let mut names =
            entries.iter().flat_map(|entry| if side == "local" { &entry.local } else { &entry.remote });
        names.rfind(|it| it.text == name).map(|it| it.at)
    };
    let at = match error {
        DescriptorError::FieldName { side, name, .. } => named(side, name),
        DescriptorError::Link { field, .. } => named("local", field).or_else(|| named("remote", field)),
        _ => None,
    };
    at.unwrap_or_default()
}
