//! `host plugin list`: the components of the plugins folder.

use crate::cli::args::{Args, Format};
use crate::cli::{Failure, json, say, setup};
use crate::plugin::{Inspection, WasmMapper};
use crate::ports::Mapper;
use serde_json::json as document;
use std::fmt::Write as _;

/// `host plugin list`.
pub(super) fn list(args: &Args) -> Result<(), Failure> {
    let metadata = setup::metadata(&args.config)?;
    let catalog = setup::catalog(&metadata)?;
    let enabled = |name: &str| metadata.objects.get(name).is_none_or(|it| it.enabled);
    let all: Vec<&WasmMapper> = catalog.objects().map(AsRef::as_ref).collect();
    say(&match args.format {
        Format::Json => {
            let all: Vec<_> = all
                .iter()
                .map(|it| {
                    let Inspection { interface_version, imports, size, sha256, .. } = it.inspection();
                    document!({
                        "object": it.object().name, "enabled": enabled(it.object().name.as_str()),
                        "mapping_version": it.object().mapping_version, "file": it.path(),
                        "interface_version": interface_version, "imports": imports,
                        "grants": it.inspection().needs(), "size": size, "sha256": sha256,
                    })
                })
                .collect();
            json(&all)?
        }
        Format::Text => {
            let mut text = format!(
                "{:20} {:9} {:>7} {:>9}  {:12}  {:6}  {}\n",
                "OBJECT", "STATE", "MAPPING", "BYTES", "SHA256", "GRANTS", "FILE"
            );
            for it in all {
                let name = it.object().name.as_str();
                let state = if enabled(name) { "enabled" } else { "disabled" };
                let digest = it.inspection().sha256.get(..12).unwrap_or_default();
                let grants: Vec<&str> = it.inspection().needs().iter().map(|it| it.name()).collect();
                let grants = if grants.is_empty() { "-".to_owned() } else { grants.join(",") };
                let (version, size) = (it.object().mapping_version, it.inspection().size);
                let _ = writeln!(
                    text,
                    "{name:20} {state:9} {version:>7} {size:>9}  {digest}  {grants:6}  {}",
                    it.path().display()
                );
            }
            text
        }
    });
    Ok(())
}
