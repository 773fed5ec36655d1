//! `host plugin inspect`: what a component says of itself, and what would be different with it.

use super::consequence::{Told, keys, short, told, traits};
use super::refused;
use crate::cli::args::{Args, Format};
use crate::cli::table::table;
use crate::cli::{Failure, json, say, setup};
use crate::plugin::{Grant, Inspection, Loader, Terms, WasmMapper};
use crate::ports::Mapper;
use crate::shown::shown;
use serde_json::json as document;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use sync_core::object::{Field, Object};
use sync_core::value::Kind;

/// `host plugin inspect`.
pub(super) fn inspect(args: &Args, file: &Path, against: Option<&Path>) -> Result<(), Failure> {
    let loader = Loader::new().map_err(|error| Failure::Failed(error.to_string()))?;
    let load = |file: &Path| {
        let terms = Terms { grants: &Grant::ALL, ..Terms::default() };
        loader.load(file, terms).map_err(|refusal| refused(&refusal))
    };
    let plugin = load(file)?;
    let installed = match against {
        Some(other) => Some(Arc::new(load(other)?)),
        None => installed(args, plugin.object()),
    };
    let object = plugin.object();
    if let Some(other) = installed.as_ref().filter(|it| it.object().name != object.name) {
        return Err(Failure::Usage(format!(
            "{} is the object {}, and {} is the object {}: they cannot be compared\n  help: name another version of \
             the same object",
            shown(file),
            object.name,
            shown(other.path()),
            other.object().name
        )));
    }
    let changes = installed.as_ref().map(|it| told(it.object(), object)).unwrap_or_default();
    let inspection = plugin.inspection();
    say(&match args.format {
        Format::Json => json(&document!({
            "descriptor": descriptor(object),
            "interface_version": inspection.interface_version,
            "imports": inspection.imports,
            "grants": inspection.needs(),
            "exports": inspection.exports,
            "size": inspection.size,
            "sha256": inspection.sha256,
            "installed": installed.as_ref().map(|it| document!({
                "file": it.path(), "sha256": it.inspection().sha256, "size": it.inspection().size,
                "mapping_version": it.object().mapping_version,
                "interface_version": it.inspection().interface_version,
            })),
            "changes": changes,
        }))?,
        Format::Text => {
            let compared = installed.map(|it| difference(&it, inspection, &changes));
            text(object, inspection) + &compared.unwrap_or_default()
        }
    });
    Ok(())
}

/// The plugin of the same object that a run would take now; none without metadata.
fn installed(args: &Args, object: &Object) -> Option<Arc<WasmMapper>> {
    if !args.has_config() {
        return None;
    }
    // A component can be looked into whatever the metadata says.
    let survey = setup::metadata(args.config()).and_then(|metadata| setup::survey(&metadata));
    let mut survey = survey
        .inspect_err(|failure| {
            tracing::warn!("not compared with the installed one: {}", failure.message());
        })
        .ok()?;
    let left_out = survey.left_out.into_iter().filter(|it| it.instead.is_none());
    let mut left_out = left_out.filter_map(|it| it.plugin).filter(|it| it.object().name == object.name);
    survey.taken.remove(object.name.as_str()).or_else(|| left_out.next().map(Arc::new))
}

fn descriptor(object: &Object) -> serde_json::Value {
    document!({
        "name": object.name,
        "mapping_version": object.mapping_version,
        "local": object.local,
        "remote": object.remote,
        "resource": object.resource,
        "user_keys": object.user_key_names(),
    })
}

fn text(object: &Object, inspection: &Inspection) -> String {
    let or_none = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let it = &object.resource;
    let part = |name: &str, field: &Option<String>| {
        field.as_ref().map(|field| format!(", {name} {field}")).unwrap_or_default()
    };
    let mut text = format!(
        "object      {} (mapping version {})\nresource    {} (id {}, updated {}{}{})\nuser keys   {}\nlinks       \
         {}\ninterface   {}\nimports     {}\nsize        {} bytes\nsha256      {}\n",
        object.name,
        object.mapping_version,
        it.path,
        it.id,
        it.updated,
        part("version", &it.version),
        part("created", &it.created),
        keys(&object.user_key_names()),
        or_none(&links(object)),
        inspection.interface_version.as_deref().unwrap_or("unknown"),
        or_none(&inspection.imports),
        inspection.size,
        inspection.sha256,
    );
    for grant in inspection.needs() {
        let _ = writeln!(text, "needs       grants = [\"{}\"] under [objects.{}]", grant.name(), object.name);
    }
    for (side, fields) in [("LOCAL FIELD", &object.local), ("REMOTE FIELD", &object.remote)] {
        let row = |field: &Field| [field.name.clone(), short(&field.kind), traits(field.traits)];
        let rows: Vec<_> = fields.iter().map(row).collect();
        let _ = write!(text, "\n{}", table([side, "KIND", "TRAITS"], &rows));
    }
    text
}

/// Each link with the object that it leads to.
fn links(object: &Object) -> Vec<String> {
    let link = |field: &Field| match &field.kind {
        Kind::Reference(target) => Some(format!("{} → {target}", field.name)),
        _ => None,
    };
    object.local.iter().filter_map(link).collect()
}

fn difference(other: &WasmMapper, inspection: &Inspection, changes: &[Told]) -> String {
    let file = shown(other.path());
    if other.inspection().sha256 == inspection.sha256 {
        return format!("\nthe same component as {file}\n");
    }
    let digest = other.inspection().sha256.get(..12).unwrap_or_default();
    if changes.is_empty() {
        return format!(
            "\nanother component than {file} ({digest}), which describes its object the same way\n"
        );
    }
    let mut text = format!("\nin place of {file} ({digest}):\n");
    for it in changes {
        let _ = writeln!(text, "  {}\n      {}", it.found(), it.means);
    }
    text
}
