//! `host plugin`: the objects.

use super::args::{Args, Format, PluginCommand};
use super::{Failure, json, say, setup};
use crate::plugin::{Inspection, Limits, Loader, Step, WasmMapper, build, read};
use crate::ports::Mapper;
use serde_json::json as document;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_core::object::{Field, Object};

/// `host plugin`.
pub(super) fn plugin(args: &Args, command: &PluginCommand) -> Result<ExitCode, Failure> {
    match command {
        PluginCommand::List => list(args)?,
        PluginCommand::Inspect { file } => inspect(args, file)?,
        PluginCommand::Build { paths, out } => build_all(args, paths, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &Args) -> Result<(), Failure> {
    let metadata = setup::metadata(&args.config)?;
    let catalog = setup::catalog(&metadata)?;
    let enabled = |name: &str| metadata.objects.get(name).is_none_or(|it| it.enabled);
    let all: Vec<&WasmMapper> = catalog.objects().map(AsRef::as_ref).collect();
    say(&match args.format {
        Format::Json => {
            let all: Vec<_> = all
                .iter()
                .map(|it| {
                    let Inspection { interface_version, size, sha256, .. } = it.inspection();
                    document!({
                        "object": it.object().name, "enabled": enabled(it.object().name.as_str()),
                        "mapping_version": it.object().mapping_version, "file": it.path(),
                        "interface_version": interface_version, "size": size, "sha256": sha256,
                    })
                })
                .collect();
            json(&all)?
        }
        Format::Text => {
            let mut text = format!(
                "{:20} {:9} {:>7} {:>9}  {:12}  {}\n",
                "OBJECT", "STATE", "MAPPING", "BYTES", "SHA256", "FILE"
            );
            for it in all {
                let name = it.object().name.as_str();
                let state = if enabled(name) { "enabled" } else { "disabled" };
                let digest = it.inspection().sha256.get(..12).unwrap_or_default();
                let (version, size) = (it.object().mapping_version, it.inspection().size);
                let _ = writeln!(
                    text,
                    "{name:20} {state:9} {version:>7} {size:>9}  {digest}  {}",
                    it.path().display()
                );
            }
            text
        }
    });
    Ok(())
}

fn inspect(args: &Args, file: &Path) -> Result<(), Failure> {
    let refused = |refusal: crate::plugin::Refusal| {
        Failure::Usage(format!("{refusal}\n  help: {}", refusal.reason.help()))
    };
    let (_, inspection) = read(file).map_err(refused)?;
    let loader = Loader::new().map_err(|error| Failure::Failed(error.to_string()))?;
    let plugin = loader.load(file, None, Limits::default()).map_err(refused)?;
    say(&match args.format {
        Format::Json => json(&document!({
            "descriptor": descriptor(plugin.object()),
            "interface_version": inspection.interface_version,
            "imports": inspection.imports,
            "exports": inspection.exports,
            "size": inspection.size,
            "sha256": inspection.sha256,
        }))?,
        Format::Text => text(plugin.object(), &inspection),
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

fn build_all(args: &Args, paths: &[PathBuf], out: &Path) -> Result<(), Failure> {
    let built = build(paths, out, &mut |step| report(&step)).map_err(|error| {
        let help = error.help().map_or(String::new(), |help| format!("\n  help: {help}"));
        Failure::Failed(format!("{error}{help}"))
    })?;
    say(&match args.format {
        Format::Json => json(&built)?,
        Format::Text => built.iter().map(|it| format!("{it}\n")).collect(),
    });
    Ok(())
}

/// Says what is going on, on the error stream.
pub(super) fn report(step: &Step<'_>) {
    let mut err = std::io::stderr().lock();
    let _ = match step {
        Step::AddTarget { target } => writeln!(err, "adding the Rust target {target}"),
        Step::Compile { packages } => writeln!(err, "compiling {}", packages.join(", ")),
        Step::Wrote(_) => Ok(()),
    };
}
