//! `host undo`: brings back what a run overwrote or deleted locally. No server is contacted; the next run pushes it.

use super::args::{Args, Format, UndoOptions};
use super::{Failure, json, say, setup};
use crate::local::{Mode, RunLock, UndoableRun, Undone};
use crate::metadata::Metadata;
use std::fmt::Write;
use std::process::ExitCode;

/// `host undo`.
pub(super) fn undo(args: &Args, options: &UndoOptions) -> Result<ExitCode, Failure> {
    let metadata = setup::metadata(args.config())?;
    match options.run.as_deref().filter(|_| !options.list) {
        Some(run) => bring_back(args, &metadata, run, options.force),
        None => list(args, &metadata),
    }
}

fn list(args: &Args, metadata: &Metadata) -> Result<ExitCode, Failure> {
    let runs = setup::store(metadata, Mode::ReadOnly)?.undoable_runs()?;
    say(&match args.format {
        Format::Json => json(&runs)?,
        Format::Text if runs.is_empty() => "no run can be undone".to_owned(),
        Format::Text => table(&runs),
    });
    Ok(ExitCode::SUCCESS)
}

fn table(runs: &[UndoableRun]) -> String {
    let mut text = format!("{:22} {:20} {:>8} {:>8}\n", "RUN", "OBJECT", "UPDATES", "DELETES");
    for run in runs {
        for it in &run.objects {
            let _ = writeln!(text, "{:22} {:20} {:>8} {:>8}", run.run, it.object, it.updates, it.deletes);
        }
    }
    text
}

fn bring_back(args: &Args, metadata: &Metadata, run: &str, force: bool) -> Result<ExitCode, Failure> {
    // Asked first without the lock, which makes a file, and without making a store.
    let known = setup::store(metadata, Mode::ReadOnly)?.undoable_runs()?;
    if known.iter().all(|it| it.run != run) {
        return Err(unknown(run));
    }
    let lock = RunLock::acquire(&metadata.local.path)?;
    let undone = setup::store(metadata, Mode::ReadWrite)?.undo(run, force)?.ok_or_else(|| unknown(run))?;
    drop(lock);
    say(&match args.format {
        Format::Json => json(&undone)?,
        Format::Text => text(&undone),
    });
    Ok(if undone.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn unknown(run: &str) -> Failure {
    Failure::Failed(format!(
        "there is nothing to bring back of a run {run}\n  help: `host undo --list` shows the runs that can be \
         undone; [undo] in the metadata says how long they are kept"
    ))
}

fn text(undone: &Undone) -> String {
    let mut text = String::new();
    for it in &undone.restored {
        let what = match it.former_id {
            Some(former) => format!("deleted, is back as {} (was {former})", it.local_id),
            None => format!("{} has its former values", it.local_id),
        };
        let _ = write!(text, "{:20} {what}", it.object);
        if !it.without.is_empty() {
            // The column is gone, or what it linked to, or the table refuses the new link.
            let _ = write!(text, ", but without its former {}", it.without.join(", "));
        }
        text.push('\n');
    }
    for it in &undone.left {
        let _ = writeln!(text, "{:20} {} left alone: {}", it.object, it.local_id, it.message);
    }
    let (back, left) = (undone.restored.len(), undone.left.len());
    let _ = write!(text, "run {}: {back} back, {left} left alone", undone.run);
    if left > 0 {
        text.push_str("; `--force` brings those back, too, that were edited or deleted since");
    }
    if back > 0 {
        text.push_str("\nthe next `host run` pushes what is back");
    }
    text
}
