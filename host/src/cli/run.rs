//! `host run` and `host plan`.

use super::args::{Args, Command, Format, OnConflict, RunOptions};
use super::dialogue::Dialogue;
use super::progress::Progress;
use super::{Failure, complain, json, say, setup};
use crate::local::{Mode, RunLock};
use crate::pipeline::{Options, Run, synchronize};
use crate::ports::Person;
use crate::report::{Outcome, Report};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What a synchronization is asked to do.
pub(super) struct Request<'a> {
    pub(super) config: &'a Path,
    pub(super) objects: &'a [String],
    pub(super) on_conflict: Option<OnConflict>,
    pub(super) confirm_deletes: bool,
    pub(super) dry_run: bool,
}

/// `host run`.
pub(super) fn run(args: &Args, options: &RunOptions) -> Result<ExitCode, Failure> {
    let request = Request {
        config: args.config(),
        objects: &options.objects,
        on_conflict: options.on_conflict,
        confirm_deletes: options.confirm_deletes,
        dry_run: options.dry_run,
    };
    conclude(args, options.dry_run, perform(&request, &new_run_id()))
}

/// `host plan`.
pub(super) fn plan(args: &Args, objects: &[String]) -> Result<ExitCode, Failure> {
    let request =
        Request { config: args.config(), objects, on_conflict: None, confirm_deletes: false, dry_run: true };
    conclude(args, true, perform(&request, &new_run_id()))
}

/// Prints the report, in every case, and says how it ended.
fn conclude(args: &Args, dry_run: bool, result: Result<Report, Failure>) -> Result<ExitCode, Failure> {
    let (report, code) = match result {
        Ok(report) => {
            if let Some(error) = &report.error {
                complain(error);
            }
            let code = match report.outcome {
                Outcome::Failed | Outcome::Skipped => 1,
                Outcome::Pending if !dry_run => 3,
                Outcome::Pending | Outcome::Synced => 0,
            };
            (report, ExitCode::from(code))
        }
        Err(failure) if args.format == Format::Json => {
            complain(failure.message());
            let error = failure.message().trim_end().to_owned();
            (Report::of_failure(new_run_id(), dry_run, error), failure.code())
        }
        Err(failure) => return Err(failure),
    };
    // The operations are what a plan prints; a dry run prints a run's report.
    let is_plan = matches!(args.command, Command::Plan { .. });
    let report = Report { operations: report.operations.filter(|_| is_plan), ..report };
    say(&match args.format {
        Format::Json => json(&report)?,
        Format::Text => report.to_text(),
    });
    Ok(code)
}

/// One synchronization, from metadata to report.
pub(super) fn perform(request: &Request<'_>, id: &str) -> Result<Report, Failure> {
    let metadata = setup::metadata(request.config)?;
    let catalog = setup::catalog(&metadata)?;
    setup::check_links(&metadata, &catalog);
    // Before the store is locked, or made.
    setup::check_asked(&metadata, &catalog, request.objects)?;
    let remote = setup::remote(&metadata)?;
    let mode = if request.dry_run { Mode::ReadOnly } else { Mode::ReadWrite };
    // One run at a time on a store (decision 25). A plan only reads, and may go beside a run.
    let lock = if request.dry_run { None } else { Some(RunLock::acquire(&metadata.local.path)?) };
    let mut store = setup::store(&metadata, mode)?;
    let participants =
        setup::participants(&metadata, &catalog, &mut store, request.objects, request.on_conflict)?;
    let others = setup::others(&metadata, &catalog, &mut store, request.objects)?;
    if !request.dry_run {
        store.begin_run(id, setup::keep(&metadata))?;
    }
    let progress = Progress::new();
    // A rule of the command line leaves nothing to ask; `skip` is the wish not to be asked.
    let asks = matches!(request.on_conflict, None | Some(OnConflict::Ask));
    let person = if asks { Dialogue::on_terminal(&progress) } else { None };
    let options = Options {
        dry_run: request.dry_run,
        confirm_deletes: request.confirm_deletes,
        guard: setup::guard(&metadata),
        list_every: metadata.remote.list_every,
    };
    let mut report = runtime()?.block_on(synchronize(Run {
        id,
        remote: Arc::from(remote),
        server: &setup::server(&metadata),
        store: &mut store,
        participants,
        others,
        options,
        observer: &progress,
        person: person.as_ref().map(|person| person as &dyn Person),
    }));
    progress.finish();
    if !request.dry_run {
        let document = serde_json::to_string(&report).unwrap_or_default();
        // What was done is told, even where the store can take no more.
        if let Err(error) = store.end_run(id, report.outcome.name(), &document) {
            report.fail(error.on_one_line());
        }
    }
    drop(lock);
    Ok(report)
}

/// What asynchronous work is done with. Two threads beside this one, which has the store: while one maps a batch, the
/// other reads or sends the next. Each more takes 10 MB, and the remote is not asked for more at once.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("failed to start the runtime: {error}")))
}

/// A run's id tells people when it began; no decision reads it (decision 2).
pub(super) fn new_run_id() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string()
}
