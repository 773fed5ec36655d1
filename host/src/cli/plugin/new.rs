//! `host plugin new`: the project of a plugin.

use crate::cli::args::{Args, Format, NewOptions};
use crate::cli::run::runtime;
use crate::cli::{Failure, json, say, setup};
use crate::plugin::DECLARED_NAME;
use crate::ports::Mapper;
use crate::scaffold::{Draft, Known, Made, Project, ScaffoldError, checkout_around, draft_of};
use crate::shown::shown;
use serde_json::json as document;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use sync_core::object::ObjectName;

/// `host plugin new`.
pub(super) fn new(args: &Args, options: &NewOptions) -> Result<(), Failure> {
    let name = ObjectName::new(options.name.as_str()).map_err(|error| Failure::Usage(error.to_string()))?;
    if name.as_str() == DECLARED_NAME {
        return Err(Failure::Usage(format!(
            "the name {DECLARED_NAME} is not usable: {DECLARED_NAME}.wasm is the component that carries out declared objects\n  \
             help: give the object another name"
        )));
    }
    let folder = folder(options);
    Project::check_free(&folder).map_err(failed)?;
    let draft = match &options.from_server {
        Some(path) => draft_from_server(args, name, path, &options.link)?,
        None => Draft::example(name),
    };
    let made = Project { draft: &draft, folder: folder.clone() }.write().map_err(failed)?;
    let next = next(args, &folder);
    say(&match args.format {
        Format::Json => json(&document!({
            "object": draft.name, "path": folder, "files": made.files, "next": next,
        }))?,
        Format::Text => text(&folder, &made, &next),
    });
    Ok(())
}

/// Asks the metadata's remote what the resource holds.
fn draft_from_server(
    args: &Args,
    name: ObjectName,
    path: &str,
    links: &[(String, ObjectName)],
) -> Result<Draft, Failure> {
    let metadata = setup::metadata(args.config())?;
    // Without any plugin yet, or with a broken one, there is just less that links can point at.
    let known: Vec<Known> =
        setup::survey(&metadata)?.taken.values().map(|it| Known::of(it.object())).collect();
    let remote = setup::remote(&metadata)?;
    let description = runtime()?
        .block_on(async {
            remote.connect().await?;
            remote.describe_resource(&name, path).await
        })
        .map_err(|error| {
            let help = error.help.as_ref().map_or(String::new(), |help| format!("\n  help: {help}"));
            Failure::Failed(format!("failed to read the fields of {path}: {error}{help}"))
        })?;
    draft_of(name, description, &known, links)
        .map_err(|error| Failure::Usage(format!("{error}\n  help: {}", error.help)))
}

/// Where the project goes: among the plugins of a checkout, else here.
fn folder(options: &NewOptions) -> PathBuf {
    if let Some(path) = &options.path {
        return path.clone();
    }
    let here = std::env::current_dir().unwrap_or_default();
    match checkout_around(&here) {
        Some(root) if root == here => Path::new("plugins").join(&options.name),
        Some(root) => root.join("plugins").join(&options.name),
        None => PathBuf::from(&options.name),
    }
}

/// The commands from here to a run with the object in it.
fn next(args: &Args, folder: &Path) -> [String; 3] {
    let folder = shown(folder);
    // Without metadata there is no folder of plugins yet, and the build has its own.
    let out = setup::metadata(args.config()).map(|it| format!(" --out {}", shown(&it.plugins_dir)));
    [
        format!("host plugin test {folder}"),
        format!("host plugin build {folder}{}", out.unwrap_or_default()),
        "host plan".to_owned(),
    ]
}

fn text(folder: &Path, made: &Made, next: &[String; 3]) -> String {
    let mut text = String::from("made\n");
    for file in &made.files {
        let _ = writeln!(text, "  {}", shown(folder.join(file)));
    }
    if made.carried > 0 {
        let _ = writeln!(text, "  {} (a copy of the SDK and of the contract)", shown(folder.join("vendor")));
    }
    text.push_str("next\n");
    let why = ["its cases, under the limits of a run", "the component", "what a run would do with it"];
    let width = next.iter().map(String::len).max().unwrap_or(0);
    for (command, why) in next.iter().zip(why) {
        let _ = writeln!(text, "  {command:width$}   # {why}");
    }
    text
}

fn failed(error: ScaffoldError) -> Failure {
    let help = error.help().map_or(String::new(), |help| format!("\n  help: {help}"));
    let message = format!("{error}{help}");
    match error {
        ScaffoldError::Exists(_) => Failure::Usage(message),
        ScaffoldError::Unusable(_) | ScaffoldError::Write { .. } => Failure::Failed(message),
    }
}
