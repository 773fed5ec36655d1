//! `host status`: what is known of every object, without contacting the remote.

use super::args::{Args, Format};
use super::{Failure, json, say, setup};
use crate::local::Mode;
use crate::ports::{Mapper, Store};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, Serialize)]
struct Status {
    object: String,
    /// `enabled`, `disabled`, or `no plugin`.
    state: &'static str,
    /// Local records; `null` where there is no table.
    local: Option<u64>,
    linked: u64,
    last_run: Option<String>,
    last_outcome: Option<String>,
    conflicts: u64,
    issues: u64,
    held_deletes: u64,
}

/// `host status`.
pub(super) fn status(args: &Args) -> Result<ExitCode, Failure> {
    let metadata = setup::metadata(args.config())?;
    let catalog = setup::catalog(&metadata)?;
    let mut store = setup::store(&metadata, Mode::ReadOnly)?;
    let known = store.object_states()?;
    let enabled = |name: &str| metadata.objects.get(name).is_none_or(|it| it.enabled);
    let mut names: Vec<String> = known.iter().map(|it| it.object.clone()).collect();
    names.extend(catalog.objects().map(|it| it.object().name.to_string()));
    names.sort();
    names.dedup();
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let plugin = catalog.get(&name);
        let local = match plugin {
            Some(plugin) => {
                store.attach(plugin.object())?;
                Some(store.count(plugin.object())?)
            }
            None => None,
        };
        let stored = known.iter().find(|it| it.object == name);
        all.push(Status {
            state: match plugin {
                _ if !enabled(&name) => "disabled",
                Some(_) => "enabled",
                None => "no plugin",
            },
            local,
            linked: stored.map_or(0, |it| it.pairs),
            last_run: stored.and_then(|it| it.last_run.clone()),
            last_outcome: stored.and_then(|it| it.last_outcome.clone()),
            conflicts: stored.map_or(0, |it| it.conflicts),
            issues: stored.map_or(0, |it| it.issues),
            held_deletes: stored.map_or(0, |it| it.held_deletes),
            object: name,
        });
    }
    say(&match args.format {
        Format::Json => json(&all)?,
        Format::Text => text(&all),
    });
    Ok(ExitCode::SUCCESS)
}

fn text(all: &[Status]) -> String {
    let mut text = format!(
        "{:20} {:9} {:>8} {:>8} {:>9} {:>7} {:>5}  {}\n",
        "OBJECT", "STATE", "LOCAL", "LINKED", "CONFLICTS", "ISSUES", "HELD", "LAST RUN"
    );
    for it in all {
        let local = it.local.map_or_else(|| "-".into(), |count| count.to_string());
        let last = match (&it.last_run, &it.last_outcome) {
            (Some(run), Some(outcome)) => format!("{run} {outcome}"),
            (Some(run), None) => run.clone(),
            (None, _) => "never".into(),
        };
        text.push_str(&format!(
            "{:20} {:9} {local:>8} {:>8} {:>9} {:>7} {:>5}  {last}\n",
            it.object, it.state, it.linked, it.conflicts, it.issues, it.held_deletes
        ));
    }
    text
}
