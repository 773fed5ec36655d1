//! `host remote check`: what the server does that a run relies on, and what the runtime does about it.

use super::args::{Args, CheckOptions, Format, RemoteCommand};
use super::run::runtime;
use super::{Failure, json, say, setup};
use crate::conformance::{self, Finding, Options, Report, Subject, Verdict};
use crate::local::RunLock;
use crate::metadata::{Metadata, suggestion};
use crate::plugin::Catalog;
use crate::ports::{Mapper, Remote};
use crate::shown::plain;
use console::measure_text_width;
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use sync_core::object::Object;

/// `host remote`.
pub(super) fn remote(args: &Args, command: &RemoteCommand) -> Result<ExitCode, Failure> {
    match command {
        RemoteCommand::Check(options) => check(args, options),
    }
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Checked {
    /// The worst of the objects.
    verdict: Verdict,
    objects: Vec<Report>,
}

fn check(args: &Args, options: &CheckOptions) -> Result<ExitCode, Failure> {
    let metadata = setup::metadata(args.config())?;
    let catalog = setup::catalog(&metadata)?;
    setup::check_asked(&metadata, &catalog, &options.objects)?;
    let enabled = enabled(&metadata, &catalog);
    let written = options.write.as_deref().map(|name| of_resource(name, &enabled)).transpose()?;
    let asked = |object: &&Object| {
        let named = options.objects.iter().any(|name| name == object.name.as_str());
        options.objects.is_empty() || named || written.is_some_and(|it| it.name == object.name)
    };
    let objects: Vec<&Object> = enabled.iter().copied().filter(asked).collect();
    let remote = setup::remote(&metadata)?;
    // A run would pull the records of the check.
    let lock = written.map(|_| RunLock::acquire(&metadata.local.path)).transpose()?;
    let reports = runtime()?.block_on(all(args, options, &metadata, &*remote, &objects, written));
    drop(lock);
    let verdict = reports.iter().map(|report| report.verdict).max().unwrap_or(Verdict::Holds);
    if args.format == Format::Json {
        say(&json(&Checked { verdict, objects: reports })?);
    }
    Ok(ExitCode::from(u8::from(verdict == Verdict::Broken)))
}

/// Checks one object after the other; as text, each finding is printed as it is made.
async fn all(
    args: &Args,
    options: &CheckOptions,
    metadata: &Metadata,
    remote: &dyn Remote,
    objects: &[&Object],
    written: Option<&Object>,
) -> Vec<Report> {
    let stop = AtomicBool::new(false);
    let checks = async {
        let mut reports: Vec<Report> = Vec::new();
        for object in objects {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let filter = metadata.objects.get(object.name.as_str()).and_then(|it| it.filter.as_deref());
            if args.format == Format::Text {
                say(&heading(object, filter, reports.is_empty()));
            }
            let thoroughly = Options {
                write: written.is_some_and(|it| it.name == object.name),
                records: usize::try_from(options.records).unwrap_or(usize::MAX),
                // So that nothing that a check left behind is taken for this one's.
                marker: format!("sync-check {:06x}", fastrand::u32(..1 << 24)),
            };
            let mut told = |finding: &Finding| match args.format {
                Format::Text => say(&line(finding)),
                Format::Json => tracing::info!("{}: {}", finding.check, finding.verdict.name()),
            };
            let report =
                conformance::check(Subject { remote, object, filter }, &thoroughly, &stop, &mut told).await;
            if args.format == Format::Text {
                say(&summary(&report));
            }
            reports.push(report);
        }
        reports
    };
    let mut checks = std::pin::pin!(checks);
    tokio::select! {
        reports = &mut checks => return reports,
        _ = tokio::signal::ctrl_c() => {}
    }
    // What was made is removed first.
    tracing::warn!("stopping after the check that is under way; the records that were made are removed");
    stop.store(true, Ordering::Relaxed);
    checks.await
}

/// The objects that a run would synchronize.
fn enabled<'c>(metadata: &Metadata, catalog: &'c Catalog) -> Vec<&'c Object> {
    let objects = catalog.objects().map(|it| it.object());
    objects.filter(|it| metadata.objects.get(it.name.as_str()).is_none_or(|it| it.enabled)).collect()
}

/// The object with this resource, or of this name.
fn of_resource<'c>(name: &str, objects: &[&'c Object]) -> Result<&'c Object, Failure> {
    if let Some(object) = objects.iter().find(|it| it.name.as_str() == name) {
        return Ok(object);
    }
    let of_path: Vec<&&Object> = objects.iter().filter(|it| it.resource.path == name).collect();
    match of_path.as_slice() {
        [object] => Ok(object),
        [] => {
            let known = objects.iter().map(|it| format!("{} ({})", it.resource.path, it.name));
            let known: Vec<String> = known.collect();
            let help = suggestion(name, objects.iter().map(|it| it.resource.path.as_str()));
            Err(Failure::Usage(format!(
                "no object has the resource `{name}`: there is {}\n  help: {help}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
            Err(Failure::Usage(format!(
                "{} have the resource `{name}`\n  help: give --write the name of one of them",
                names.join(" and ")
            )))
        }
    }
}

fn heading(object: &Object, filter: Option<&str>, is_first: bool) -> String {
    let filter = filter.map(|filter| format!(", filter {filter}")).unwrap_or_default();
    let between = if is_first { "" } else { "\n" };
    format!("{between}{} ({}{filter})", object.name, object.resource.path)
}

/// Columns of the verdict and of the check's name.
const INDENT: usize = 32;

fn line(finding: &Finding) -> String {
    let mut text = format!("  {:7} {:22}", finding.verdict.name(), finding.check);
    text.push_str(&wrapped(&plain(&finding.found), INDENT));
    let _ = write!(text, "\n{:INDENT$}{}", "", wrapped(&format!("→ {}", plain(&finding.means)), INDENT));
    text
}

/// A text in lines of a terminal's usual width, from a column on.
fn wrapped(text: &str, column: usize) -> String {
    const WIDTH: usize = 120;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() && column + measure_text_width(line) + 1 + measure_text_width(word) > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join(&format!("\n{:column$}", ""))
}

fn summary(report: &Report) -> String {
    let it = &report.requests;
    format!(
        "  {} hold, {} notes, {} broken; {} requests, {} of them writes",
        report.count(Verdict::Holds),
        report.count(Verdict::Note),
        report.count(Verdict::Broken),
        it.count + it.keys + it.details + it.query + it.write,
        it.write
    )
}
