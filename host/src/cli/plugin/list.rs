//! `host plugin list`: the components of the plugins folder, also those that no run takes, with the reason.

use crate::cli::args::{Args, Format};
use crate::cli::table::table;
use crate::cli::{Failure, json, say, setup};
use crate::local::{Mode, StoredObject};
use crate::metadata::Metadata;
use crate::plugin::{Grant, Inspection, LeftOut, Refusal, WasmMapper, read};
use crate::ports::Mapper;
use crate::shown::{names, shown};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A component, or an object that there is none for.
#[derive(Debug, Default, Serialize)]
struct Listed {
    object: Option<String>,
    /// `enabled`, `disabled`, `refused`, or `no plugin`.
    state: &'static str,
    enabled: bool,
    /// Why no run takes it.
    reason: Option<String>,
    /// What to do about that.
    help: Option<String>,
    mapping_version: Option<u32>,
    interface_version: Option<String>,
    imports: Vec<String>,
    /// What metadata must grant it.
    grants: Vec<Grant>,
    size: Option<u64>,
    sha256: Option<String>,
    /// Whether the metadata takes this very component and no other.
    pinned: bool,
    last_run: Option<String>,
    last_outcome: Option<String>,
    file: Option<PathBuf>,
}

/// `host plugin list`.
pub(super) fn list(args: &Args) -> Result<(), Failure> {
    let metadata = setup::metadata(args.config())?;
    let survey = setup::survey(&metadata)?;
    let mut all: Vec<Listed> = survey.taken.values().map(|plugin| Listed::taken(plugin)).collect();
    all.extend(survey.left_out.into_iter().map(Listed::left_out));
    let known = known(&metadata);
    all.extend(survey.refusals.iter().map(|it| Listed::refused(it, &known)));
    let listed: BTreeSet<String> = all.iter().filter_map(|it| it.object.clone()).collect();
    let without = known.iter().filter(|it| !listed.contains(&it.object));
    all.extend(without.map(|it| Listed::without_plugin(&it.object, &metadata)));
    for listed in &mut all {
        listed.add(&metadata, &known);
    }
    all.sort_by(|a, b| (&a.object, &a.file).cmp(&(&b.object, &b.file)));
    say(&match args.format {
        Format::Json => json(&all)?,
        Format::Text => text(&all),
    });
    Ok(())
}

/// What the store knows of objects. A list is no reason to fail where it cannot be read: a run says so.
fn known(metadata: &Metadata) -> Vec<StoredObject> {
    let read = || setup::store(metadata, Mode::ReadOnly)?.object_states().map_err(Failure::from);
    read().unwrap_or_else(|failure| {
        tracing::warn!("no last runs are shown: {}", failure.message());
        Vec::new()
    })
}

impl Listed {
    fn taken(plugin: &WasmMapper) -> Listed {
        let state = "enabled";
        Listed { state, enabled: true, file: Some(plugin.path().to_owned()), ..Listed::of(plugin) }
    }

    fn left_out(it: LeftOut) -> Listed {
        let of = it.plugin.as_ref().map(Listed::of).unwrap_or_else(|| {
            let surface = read(&it.file).map(|(_, inspection)| inspection);
            Listed::default().with(surface.ok().as_ref())
        });
        let reason = it.instead.map(|file| format!("the metadata names {file} for this object"));
        Listed { object: Some(it.object), state: "disabled", reason, file: Some(it.file), ..of }
    }

    fn refused(it: &Refusal, known: &[StoredObject]) -> Listed {
        let surface = read(&it.file).map(|(_, inspection)| inspection);
        // What cannot be asked is most likely the object that its file is named after.
        let stem = it.file.file_stem().map(shown);
        let by_file = stem.filter(|stem| known.iter().any(|it| it.object == *stem));
        Listed {
            object: it.object.clone().or(by_file),
            state: "refused",
            enabled: true,
            reason: Some(it.reason.to_string()),
            help: Some(it.reason.help().to_owned()),
            file: Some(it.file.clone()),
            ..Listed::default().with(surface.ok().as_ref())
        }
    }

    /// Its table and baseline stay, and nothing synchronizes them.
    fn without_plugin(object: &str, metadata: &Metadata) -> Listed {
        let enabled = metadata.objects.get(object).is_none_or(|it| it.enabled);
        let state = if enabled { "no plugin" } else { "disabled" };
        Listed { object: Some(object.to_owned()), state, enabled, ..Listed::default() }
    }

    fn of(plugin: &WasmMapper) -> Listed {
        let object = plugin.object();
        Listed {
            object: Some(object.name.to_string()),
            mapping_version: Some(object.mapping_version),
            ..Listed::default().with(Some(plugin.inspection()))
        }
    }

    fn with(self, inspection: Option<&Inspection>) -> Listed {
        let Some(it) = inspection else { return self };
        Listed {
            interface_version: it.interface_version.clone(),
            imports: it.imports.clone(),
            grants: it.needs().to_vec(),
            size: Some(it.size),
            sha256: Some(it.sha256.clone()),
            ..self
        }
    }

    /// What others know of the object.
    fn add(&mut self, metadata: &Metadata, known: &[StoredObject]) {
        let Some(object) = &self.object else { return };
        self.pinned = self.sha256.is_some()
            && metadata.objects.get(object).is_some_and(|it| {
                it.sha256.as_ref().is_some_and(|pinned| Some(pinned) == self.sha256.as_ref())
            });
        if let Some(it) = known.iter().find(|it| it.object == *object) {
            self.last_run.clone_from(&it.last_run);
            self.last_outcome.clone_from(&it.last_outcome);
        }
    }
}

fn text(all: &[Listed]) -> String {
    let dash = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
    let row = |it: &Listed| {
        let digest = it.sha256.as_ref().and_then(|it| it.get(..12)).map(str::to_owned);
        let run = it.last_run.iter().chain(&it.last_outcome).cloned().collect::<Vec<_>>().join(" ");
        [
            dash(it.object.clone()),
            it.state.to_owned(),
            dash(it.mapping_version.map(|it| it.to_string())),
            dash(it.interface_version.clone()),
            dash(it.size.map(|it| it.to_string())),
            dash(digest),
            if it.pinned { "yes" } else { "no" }.to_owned(),
            if run.is_empty() { "never".to_owned() } else { run },
            dash(it.file.as_ref().map(shown)),
        ]
    };
    let header = ["OBJECT", "STATE", "MAPPING", "INTERFACE", "BYTES", "SHA256", "PINNED", "LAST RUN", "FILE"];
    let mut text = table(header, &all.iter().map(row).collect::<Vec<_>>());
    for it in all {
        let file = it.file.as_ref().map(shown).unwrap_or_default();
        if !it.imports.is_empty() {
            text.push_str(&format!("{file} imports {}\n", names(&it.imports)));
        }
        if let Some(reason) = &it.reason {
            text.push_str(&format!("{file} is {}: {reason}\n", it.state));
        }
        if let Some(help) = &it.help {
            text.push_str(&format!("  help: {help}\n"));
        }
    }
    text
}
