//! `host conflicts` and `host issues`: the logs, and what a person says of their entries.

use super::args::{Args, ConflictsCommand, Format, IssuesCommand, Side};
use super::explain::examine;
use super::sides::{Detail, side_by_side};
use super::{Failure, json, say, setup};
use crate::local::{Mode, SqliteStore, StoredConflict};
use crate::pipeline::{ExplainError, RecordId};
use serde_json::json as document;
use std::io::Write;
use std::process::ExitCode;
use sync_core::conflict::Choice;

fn open(args: &Args, mode: Mode) -> Result<SqliteStore, Failure> {
    setup::store(&setup::metadata(args.config())?, mode)
}

/// `host conflicts`.
pub(super) fn conflicts(args: &Args, command: Option<&ConflictsCommand>) -> Result<ExitCode, Failure> {
    match command.unwrap_or(&ConflictsCommand::List) {
        ConflictsCommand::List => {
            let all = open(args, Mode::ReadOnly)?.conflicts()?;
            say(&match args.format {
                Format::Json => json(&all)?,
                Format::Text if all.is_empty() => "no conflicts".to_owned(),
                Format::Text => all.iter().map(|it| title(it) + "\n").collect(),
            });
        }
        ConflictsCommand::Show { id } => {
            let found = open(args, Mode::ReadOnly)?.conflict(*id)?.ok_or_else(|| missing("conflict", *id))?;
            say(&match args.format {
                Format::Json => json(&found)?,
                Format::Text => {
                    format!("{}\n{}", title(&found).trim_start(), side_by_side(&found.fields, Detail::Whole))
                }
            });
        }
        ConflictsCommand::Resolve { id, keep } => {
            let choice = match keep {
                Side::Local => Choice::KeepLocal,
                Side::Remote => Choice::KeepRemote,
            };
            let mut store = open(args, Mode::ReadWrite)?;
            let found = store.conflict(*id)?.ok_or_else(|| missing("conflict", *id))?;
            is_as_it_was(args, &found)?;
            store.set_choice(*id, choice)?;
            say(&match args.format {
                Format::Json => json(&document!({"id": id, "keep": choice.name()}))?,
                Format::Text => format!("conflict {id}: the next run keeps the {} side", choice.name()),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `host issues`.
pub(super) fn issues(args: &Args, command: Option<&IssuesCommand>) -> Result<ExitCode, Failure> {
    match command.unwrap_or(&IssuesCommand::List) {
        IssuesCommand::List => {
            let all = open(args, Mode::ReadOnly)?.issues()?;
            let line = |it: &crate::local::StoredIssue| {
                format!("{:5} {:20} {:12} {:16} {}\n", it.id, it.object, it.operation, it.code, it.message)
            };
            say(&match args.format {
                Format::Json => json(&all)?,
                Format::Text if all.is_empty() => "no issues".to_owned(),
                Format::Text => all.iter().map(line).collect(),
            });
        }
        IssuesCommand::Show { id } => {
            let found = open(args, Mode::ReadOnly)?.issue(*id)?.ok_or_else(|| missing("issue", *id))?;
            let or_none = |id: Option<String>| id.unwrap_or_else(|| "none".into());
            say(&match args.format {
                Format::Json => json(&found)?,
                Format::Text => format!(
                    "issue {}: {} {} ({})\n  local {}  remote {}  attempts {}\n  {}",
                    found.id,
                    found.object,
                    found.operation,
                    found.code,
                    or_none(found.local_id.map(|id| id.to_string())),
                    or_none(found.remote_id.as_ref().map(ToString::to_string)),
                    found.attempts,
                    found.message
                ),
            });
        }
        IssuesCommand::Dismiss { id } => {
            let mut store = open(args, Mode::ReadWrite)?;
            let found = store.issue(*id)?.ok_or_else(|| missing("issue", *id))?;
            store.dismiss_issue(*id)?;
            say(&match args.format {
                Format::Json => json(&found)?,
                Format::Text => format!("issue {id} is off the list until its operation fails again"),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn missing(what: &str, id: i64) -> Failure {
    Failure::Failed(format!("there is no {what} {id}; `host {what}s list` shows those that there are"))
}

fn title(it: &StoredConflict) -> String {
    let fields: Vec<&str> =
        it.fields.iter().filter(|field| field.differs).map(|field| field.field.as_str()).collect();
    let chosen = it.choice.map_or(String::new(), |choice| format!("  (keep {} chosen)", choice.name()));
    format!(
        "{:5} {:20} {:14} local {:6} remote {:16} {}{chosen}",
        it.id,
        it.object,
        it.kind.name(),
        it.local_id,
        it.remote_id,
        fields.join(", ")
    )
}

/// Nobody chooses between contents that are no longer there (decision 17). Where the server cannot be asked now,
/// the next run finds out.
fn is_as_it_was(args: &Args, conflict: &StoredConflict) -> Result<(), Failure> {
    let record = [RecordId::Local(conflict.local_id)];
    let now = match examine(args.config(), &conflict.object, &record)? {
        Ok(found) => found.conflict,
        Err(ExplainError::Failed(reason)) => {
            let _ =
                writeln!(std::io::stderr(), "the remote was not asked ({reason}); the next run looks again");
            return Ok(());
        }
        Err(ExplainError::Unknown { .. } | ExplainError::Ambiguous { .. }) => None,
    };
    match now {
        Some(now) if now.kind == conflict.kind && now.fields == conflict.fields => Ok(()),
        _ => Err(Failure::Failed(format!(
            "conflict {} has changed since it was found: nothing was recorded; `host run` finds it as it is now, \
             and asks again",
            conflict.id
        ))),
    }
}
