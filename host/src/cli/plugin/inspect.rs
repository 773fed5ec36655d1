//! `host plugin inspect`: what a component says of itself.

use super::refused;
use crate::cli::args::{Args, Format};
use crate::cli::{Failure, json, say};
use crate::plugin::{Grant, Inspection, Loader, Terms};
use crate::ports::Mapper;
use serde_json::json as document;
use std::fmt::Write as _;
use std::path::Path;
use sync_core::object::{Field, Object};

/// `host plugin inspect`.
pub(super) fn inspect(args: &Args, file: &Path) -> Result<(), Failure> {
    let loader = Loader::new().map_err(|error| Failure::Failed(error.to_string()))?;
    let terms = Terms { grants: &Grant::ALL, ..Terms::default() };
    let plugin = loader.load(file, terms).map_err(|refusal| refused(&refusal))?;
    let inspection = plugin.inspection();
    say(&match args.format {
        Format::Json => json(&document!({
            "descriptor": descriptor(plugin.object()),
            "interface_version": inspection.interface_version,
            "imports": inspection.imports,
            "grants": inspection.needs(),
            "exports": inspection.exports,
            "size": inspection.size,
            "sha256": inspection.sha256,
        }))?,
        Format::Text => text(plugin.object(), inspection),
    });
    Ok(())
}

fn descriptor(object: &Object) -> serde_json::Value {
    document!({
        "name": object.name,
        "mapping_version": object.mapping_version,
        "local": object.local,
        "remote": object.remote,
        "resource": object.resource,
        "user_keys": user_keys(object),
    })
}

fn user_keys(object: &Object) -> Vec<Vec<&str>> {
    let name = |index: &usize| object.remote.get(*index).map(|field| field.name.as_str());
    object.user_keys.iter().map(|key| key.iter().filter_map(name).collect()).collect()
}

fn text(object: &Object, inspection: &Inspection) -> String {
    let imports =
        if inspection.imports.is_empty() { "none".to_owned() } else { inspection.imports.join(", ") };
    let mut text = format!(
        "object      {} (mapping version {})\nresource    {}\ninterface   {}\nimports     {imports}\nsize        {} bytes\nsha256      {}\n",
        object.name,
        object.mapping_version,
        object.resource.path,
        inspection.interface_version.as_deref().unwrap_or("unknown"),
        inspection.size,
        inspection.sha256,
    );
    for grant in inspection.needs() {
        let _ = writeln!(text, "needs       grants = [\"{}\"] under [objects.{}]", grant.name(), object.name);
    }
    for key in user_keys(object) {
        let _ = writeln!(text, "user key    {}", key.join(", "));
    }
    for (side, fields) in [("local", &object.local), ("remote", &object.remote)] {
        let _ = writeln!(text, "{side}");
        for field in fields {
            let _ = writeln!(text, "  {:32} {}{}", field.name, field.kind.name(), traits(field));
        }
    }
    text
}

fn traits(field: &Field) -> String {
    let it = field.traits;
    let names = [
        (it.required, "required"),
        (it.read_only, "read-only"),
        (it.computed, "computed by the server"),
        (it.create_only, "create-only"),
        (it.not_compared, "not compared"),
    ];
    names.into_iter().filter(|(set, _)| *set).map(|(_, name)| format!(", {name}")).collect()
}
