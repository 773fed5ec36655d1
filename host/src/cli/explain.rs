//! `host explain OBJECT ID`: what a run would do with one record, and why.

use super::args::{Args, ExplainOptions, Format, Side};
use super::progress::Quiet;
use super::run::{new_run_id, runtime};
use super::sides::{Detail, side_by_side};
use super::{Failure, json, say, setup};
use crate::local::{Mode, SqliteStore, StoredIssue, differing_fields};
use crate::pipeline::{ExplainError, Explanation, Options, RecordId, Run, Standing, explain};
use serde_json::{Value as Json, json};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use sync_core::change_key::{LocalId, RemoteId, RemoteKey, RemoteToken};

/// `host explain`.
pub(super) fn explain_record(args: &Args, options: &ExplainOptions) -> Result<ExitCode, Failure> {
    let local = options.id.parse().ok().map(|id| RecordId::Local(LocalId(id)));
    let remote = Some(RecordId::Remote(RemoteId(options.id.clone())));
    let candidates: Vec<RecordId> = match options.side {
        Some(Side::Local) => local.into_iter().collect(),
        Some(Side::Remote) => remote.into_iter().collect(),
        None => local.into_iter().chain(remote).collect(),
    };
    let found = examine(args.config(), &options.object, &candidates)?.map_err(|error| match error {
        ExplainError::Ambiguous { .. } => Failure::Usage(error.to_string()),
        ExplainError::Unknown { .. } | ExplainError::Failed(_) => Failure::Failed(error.to_string()),
    })?;
    let issues = issues(&setup::store(&setup::metadata(args.config())?, Mode::ReadOnly)?, options, &found)?;
    say(&match args.format {
        Format::Json => json(&document(&options.object, &found, &issues))?,
        Format::Text => text(&options.object, &found, &issues),
    });
    Ok(ExitCode::SUCCESS)
}

/// Looks at one record of an object as a run would; writes nothing.
pub(super) fn examine(
    config: &Path,
    object: &str,
    candidates: &[RecordId],
) -> Result<Result<Explanation, ExplainError>, Failure> {
    let metadata = setup::metadata(config)?;
    let catalog = setup::catalog(&metadata)?;
    let remote = setup::remote(&metadata)?;
    let mut store = setup::store(&metadata, Mode::ReadOnly)?;
    setup::check_asked(&metadata, &catalog, &[object.to_owned()])?;
    let participants = setup::participants(&metadata, &catalog, &mut store, &[], None)?;
    let options = Options {
        dry_run: true,
        confirm_deletes: false,
        guard: setup::guard(&metadata),
        list_every: metadata.remote.list_every,
    };
    let run = Run {
        id: &new_run_id(),
        remote: Arc::from(remote),
        server: &setup::server(&metadata),
        store: &mut store,
        participants,
        others: Vec::new(),
        options,
        observer: &Quiet,
        person: None,
    };
    Ok(runtime()?.block_on(explain(run, object, candidates)))
}

/// The issues of the log that are about the record.
fn issues(
    store: &SqliteStore,
    options: &ExplainOptions,
    found: &Explanation,
) -> Result<Vec<StoredIssue>, Failure> {
    let (local, remote) = ids(found);
    let mut issues = store.issues()?;
    issues.retain(|issue| {
        issue.object == options.object
            && ((issue.local_id.is_some() && issue.local_id == local)
                || (issue.remote_id.is_some() && issue.remote_id == remote))
    });
    Ok(issues)
}

fn ids(found: &Explanation) -> (Option<LocalId>, Option<RemoteId>) {
    let pair = found.baseline.as_ref();
    let local = pair.map(|pair| pair.local).or(found.local.map(|key| key.id));
    let remote = pair.map(|pair| pair.remote.id.clone());
    (local, remote.or(found.remote.as_ref().map(|key| key.id.clone())))
}

fn document(object: &str, found: &Explanation, issues: &[StoredIssue]) -> Json {
    let (local, remote) = ids(found);
    let key = |key: &RemoteKey| json!({"updated": key.token.updated, "version": key.token.version, "created": key.created});
    json!({
        "object": object,
        "local_id": local,
        "remote_id": remote,
        "baseline": found.baseline.as_ref().map(|pair| {
            json!({"revision": pair.revision, "remote": key(&pair.remote)})
        }),
        "local": found.local.map(|key| json!({"revision": key.revision})),
        "remote": found.remote.as_ref().map(key),
        "local_side": found.local_side,
        "remote_side": found.remote_side,
        "rule": found.rule,
        "outcome": found.outcome,
        "issue": found.issue,
        "fields": differing_fields(&found.fields),
        "issues": issues,
    })
}

fn text(object: &str, found: &Explanation, issues: &[StoredIssue]) -> String {
    let (local, remote) = ids(found);
    let or_none = |id: Option<String>| id.unwrap_or_else(|| "none".into());
    let standing = |standing| match standing {
        Standing::Same => "same",
        Standing::Changed => "changed",
        Standing::Gone => "gone",
        Standing::New => "new",
        Standing::None => "none",
    };
    let revision =
        |revision: Option<String>| revision.map_or_else(|| "-".into(), |it| format!("revision {it}"));
    let base = found.baseline.as_ref();
    let mut text = format!(
        "{object}: local {}, remote {}\n",
        or_none(local.map(|id| id.to_string())),
        or_none(remote.map(|id| id.to_string()))
    );
    let keys = [
        (
            "baseline",
            "",
            revision(base.map(|pair| pair.revision.0.to_string())),
            base.map_or_else(|| "-".into(), |pair| shown(&pair.remote.token)),
        ),
        (
            "local",
            standing(found.local_side),
            revision(found.local.map(|key| key.revision.0.to_string())),
            String::new(),
        ),
        (
            "remote",
            standing(found.remote_side),
            String::new(),
            found.remote.as_ref().map_or_else(|| "-".into(), |key| shown(&key.token)),
        ),
    ];
    for (what, standing, local, remote) in keys {
        let _ = writeln!(text, "{}", format!("  {what:9} {standing:8} {local:16} {remote}").trim_end());
    }
    let _ = writeln!(text, "  rule      {}", found.rule);
    let _ = writeln!(text, "  outcome   {}", found.outcome.join(", "));
    if let Some(issue) = &found.issue {
        let _ = writeln!(text, "            {issue}");
    }
    for issue in issues {
        let _ =
            writeln!(text, "  issue {}   {} ({}): {}", issue.id, issue.operation, issue.code, issue.message);
    }
    text.push_str(&side_by_side(&found.fields, Detail::Whole));
    text
}

fn shown(token: &RemoteToken) -> String {
    if *token == RemoteToken::unsettled() {
        "open: read again by the next run".into()
    } else {
        token.to_string()
    }
}
