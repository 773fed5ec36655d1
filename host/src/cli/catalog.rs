//! From metadata to plugins: what `[objects.NAME]` says, held against the components that there are.

use super::Failure;
use super::setup::{drawn, invalid};
use crate::metadata::{self, Metadata, ObjectMetadata, suggestion};
use crate::plugin::{Catalog, CatalogError, Grant, Limits, PluginOverride, Reason, Refusal, Survey};
use crate::ports::Mapper;
use crate::shown::shown;
use std::path::{Path, PathBuf};
use sync_core::value::Kind;

/// Looks at every component of the plugins folder, also at those that no run would take.
pub(super) fn survey(metadata: &Metadata) -> Result<Survey, Failure> {
    Survey::of(&metadata.plugins_dir, &overrides(metadata))
        .map_err(|error| Failure::Failed(error.to_string()))
}

fn overrides(metadata: &Metadata) -> Vec<PluginOverride> {
    metadata.objects.iter().map(|(object, it)| plugin_override(metadata, object, it)).collect()
}

/// Loads every component of the plugins folder, and checks what the metadata says of objects against them.
pub(super) fn catalog(metadata: &Metadata) -> Result<Catalog, Failure> {
    let catalog = Catalog::load(&metadata.plugins_dir, &overrides(metadata));
    let catalog = catalog.map_err(|error| match error {
        CatalogError::Engine(error) => Failure::Usage(error.to_string()),
        CatalogError::Plugins(refusals) => {
            let told: Vec<String> = refusals.iter().map(|refusal| told(metadata, refusal)).collect();
            Failure::Usage(told.join("\n"))
        }
    })?;
    for (name, it) in &metadata.objects {
        let Some(plugin) = catalog.get(name) else { continue };
        let known = || plugin.object().local.iter().map(|field| field.name.as_str());
        if let Some(field) = it.fields.keys().find(|field| !known().any(|name| name == *field)) {
            let at = metadata.location(&["objects", name, "fields", field]);
            let message = format!("the object {name} has no field `{field}`");
            return Err(invalid(&metadata.error_at(at, message, Some(suggestion(field, known())))));
        }
    }
    Ok(catalog)
}

/// Warns of links to objects that neither plugins nor metadata know: they stay empty on this side, and one whose target is
/// mistyped looks like that. An object alone, without those that it links to, is not refused.
pub(super) fn check_links(metadata: &Metadata, catalog: &Catalog) {
    let known = || catalog.objects().map(|plugin| plugin.object().name.as_str());
    for object in catalog.objects().map(|plugin| plugin.object()) {
        for field in &object.local {
            let Kind::Reference(target) = &field.kind else { continue };
            if !known().any(|name| name == target) && !metadata.objects.contains_key(target) {
                tracing::warn!(
                    "no plugin describes the object `{target}` that {}.{} links to: this field stays empty ({})",
                    object.name,
                    field.name,
                    suggestion(target, known())
                );
            }
        }
    }
}

/// Why a plugin is refused: where it is the metadata that asks for something else, at its place there.
fn told(metadata: &Metadata, refusal: &Refusal) -> String {
    let object = refusal.object.as_deref().unwrap_or_default();
    let help = refusal.reason.help();
    let (key, message, help) = match &refusal.reason {
        Reason::NoSuchObject(described) => {
            let message = format!("no plugin in {} describes the object `{object}`", shown(&refusal.file));
            (None, message, suggestion(object, described.iter().map(String::as_str)))
        }
        Reason::NoSuchFile => {
            let file = metadata.objects.get(object).and_then(|it| it.plugin.as_deref()).unwrap_or_default();
            let [_, beside] = places(metadata, file);
            let and = if beside == refusal.file {
                String::new()
            } else {
                format!(", and none at {}", shown(beside))
            };
            (Some("plugin"), format!("{refusal}{and}"), help.to_owned())
        }
        Reason::OtherObject { .. } | Reason::Generic => {
            (Some("plugin"), refusal.to_string(), help.to_owned())
        }
        Reason::Digest { .. } => (Some("sha256"), refusal.to_string(), help.to_owned()),
        _ => return format!("{refusal}\n  help: {help}"),
    };
    let path: Vec<&str> = ["objects", object].into_iter().chain(key).collect();
    drawn(&metadata.error_at(metadata.location(&path), message, Some(help)))
}

/// What the metadata says of an object's plugin.
pub(super) fn plugin_override(metadata: &Metadata, object: &str, it: &ObjectMetadata) -> PluginOverride {
    PluginOverride {
        object: object.to_owned(),
        file: it.plugin.as_ref().map(|file| plugin_file(metadata, file)),
        sha256: it.sha256.clone(),
        limits: Limits { memory: it.limits.memory, fuel_per_record: it.limits.fuel_per_record },
        grants: it.grants.iter().map(|metadata::Grant::Wasi| Grant::Wasi).collect(),
        enabled: it.enabled,
    }
}

/// The file that `plugin` names. One of the folder of plugins goes by its name there, however it is written: it is the
/// same as the one that is found by looking into the folder.
fn plugin_file(metadata: &Metadata, file: &str) -> PathBuf {
    let places = places(metadata, file);
    let [in_folder, _] = &places;
    let found = places.iter().find(|place| place.is_file()).unwrap_or(in_folder);
    let canonical = |folder: &Path| folder.canonicalize().ok();
    match (found.parent().and_then(canonical), canonical(&metadata.plugins_dir), found.file_name()) {
        (Some(parent), Some(folder), Some(name)) if parent == folder => metadata.plugins_dir.join(name),
        _ => found.clone(),
    }
}

/// Where that may be: in the folder of plugins, or, as all that the metadata names, relative to the metadata.
fn places(metadata: &Metadata, file: &str) -> [PathBuf; 2] {
    let beside = metadata.file.parent().unwrap_or(Path::new(""));
    [metadata.plugins_dir.join(file), beside.join(file)]
}
