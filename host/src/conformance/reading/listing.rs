//! Steps 1 and 2 of a run: counting, and listing change keys.

use super::super::outcome::{Checked, Gathered, broken, holds, note};
use super::super::trial::{Look, Trial};
use std::collections::{HashMap, HashSet};
use sync_core::change_key::RemoteId;

const UNCOUNTED: &str = "no listing is held against a number: one that breaks off without an error looks like deletes, \
                         and only `[deletes]` holds them";
const LISTED_AGAIN: &str =
    "a run lists again, twice at most; then the object fails, and nothing is deleted (decision 13)";

pub(super) async fn counts(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let counted = subject.remote.count(subject.view()).await?;
    Ok(Some(match (subject.remote.capabilities().counts, counted) {
        (true, Some(counted)) => holds(
            format!("{counted} records"),
            "every listing is held against this number before anything is deleted (decision 13)",
        ),
        (true, None) if subject.filter.is_some() => {
            note("the records that pass the filter cannot be counted", UNCOUNTED)
        }
        (true, None) => broken("it is said to count, and tells no number", UNCOUNTED),
        (false, None) => note("it cannot count without listing", UNCOUNTED),
        (false, Some(_)) => note("it is said not to count, and does", UNCOUNTED),
    }))
}

pub(super) async fn ids_once(trial: &Trial<'_>) -> Checked {
    let listed = trial.listed().len();
    let doubled: Vec<&RemoteId> = trial.looks.iter().flat_map(Look::doubled).collect();
    let always = trial.looks.iter().all(|look| !look.doubled().is_empty());
    Ok(Some(match doubled.first() {
        None => holds(format!("{listed} ids, each once"), "the compare has one key a record"),
        Some(id) if always => broken(format!("every listing has an id twice, such as {id}"), LISTED_AGAIN),
        Some(id) => note(format!("a listing had an id twice, {id}, another had not"), LISTED_AGAIN),
    }))
}

pub(super) async fn complete(trial: &Trial<'_>) -> Checked {
    let Some(last) = trial.looks.last() else { return Ok(None) };
    let (pages, requests) = (last.pages, last.requests);
    let listed = format!("{} listed in {pages} pages, {requests} requests", last.keys.len());
    let Some(counted) = last.counted else {
        return Ok(Some(note(format!("{listed}; not counted"), UNCOUNTED)));
    };
    let told = || format!("{counted} counted, {listed}");
    Ok(Some(if last.is_complete() {
        holds(told(), "a listing as long as this is taken for complete")
    } else if trial.looks.iter().any(Look::is_complete) {
        note(format!("{}; another listing was as long as counted", told()), LISTED_AGAIN)
    } else {
        broken(told(), LISTED_AGAIN)
    }))
}

/// A record that an earlier listing has, and that is still the same, must not be missing from a later one.
pub(super) async fn repeats(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let mut missing = Vec::new();
    for pair in trial.looks.windows(2) {
        let [before, after] = pair else { continue };
        let after = after.by_id();
        missing.extend(before.keys.iter().filter(|key| !after.contains_key(&key.id)));
    }
    let batch = subject.remote.capabilities().details_batch.max(1);
    missing.truncate(batch);
    let ids: Vec<RemoteId> = missing.iter().map(|key| key.id.clone()).collect();
    let there =
        if ids.is_empty() { Vec::new() } else { subject.remote.details(subject.object, &ids).await? };
    let skipped =
        missing.iter().find(|key| there.iter().any(|it| it.key.id == key.id && it.key.token == key.token));
    Ok(Some(match skipped {
        Some(key) => broken(
            format!("a listing leaves out {}, which is there and has not changed", key.id),
            "where the count does not tell, such a record counts as deleted, held only by `[deletes]`",
        ),
        None if trial.is_still() => {
            holds("two listings, one after the other, are equal", "a record that is not listed is gone")
        }
        None => note(
            "the server is live: each of three listings is another",
            "what changes while a run lists is found by the next one; a count that moved is listed again",
        ),
    }))
}

pub(super) async fn tokens(trial: &Trial<'_>) -> Checked {
    let (keys, resource) = (trial.listed(), &trial.subject.object.resource);
    let without = |lacks: &dyn Fn(usize) -> bool| (0..keys.len()).filter(|at| lacks(*at)).count();
    let mut found = Gathered::default();
    let stampless = without(&|at| keys[at].token.updated.is_empty());
    let versionless = resource.version.is_some().then(|| without(&|at| keys[at].token.version.is_none()));
    let createdless = resource.created.is_some().then(|| without(&|at| keys[at].created.is_none()));
    if let Some(count) = versionless.filter(|count| *count > 0) {
        let version = resource.version.as_deref().unwrap_or_default();
        found.add(broken(
            format!("{count} of {} records have no `{version}`", keys.len()),
            "their version cannot be determined: no update or delete of them is sent (decision 6)",
        ));
    }
    if stampless > 0 {
        let told = format!("{stampless} of {} records have no `{}`", keys.len(), resource.updated);
        let by_version = resource.version.is_some() && versionless == Some(0);
        found.add(match by_version {
            true => note(told, "their version alone tells that they changed"),
            false => broken(told, "an edit of them on the server is never noticed"),
        });
    }
    if let Some(count) = createdless.filter(|count| *count > 0) {
        found.add(note(
            format!(
                "{count} of {} records have no `{}`",
                keys.len(),
                resource.created.as_deref().unwrap_or_default()
            ),
            "an id of theirs that comes back as another record is taken for an edit (decision 14)",
        ));
    }
    let parts = match (&resource.version, &resource.created) {
        (Some(_), Some(_)) => "stamp, version and created-stamp",
        (Some(_), None) => "stamp and version",
        (None, Some(_)) => "stamp and created-stamp",
        (None, None) => "stamp",
    };
    Ok(Some(found.or(holds(
        format!("all {} have their {parts}", keys.len()),
        "a record counts as changed when its token is another, never when it is newer (decision 2)",
    ))))
}

/// Records that share a stamp, and what keeps a second edit within the same stamp from being missed.
pub(super) async fn ties(trial: &Trial<'_>) -> Checked {
    let keys = trial.listed();
    let mut sharing: HashMap<&str, usize> = HashMap::new();
    for key in keys {
        *sharing.entry(key.token.updated.as_str()).or_default() += 1;
    }
    let tied: usize = sharing.values().filter(|count| **count > 1).sum();
    let most = sharing.values().max().copied().unwrap_or(0);
    let fresh = keys.iter().filter(|key| key.fresh).count();
    let tokens: HashSet<_> = keys.iter().map(|key| &key.token).collect();
    let found = match tied {
        0 => "no two records share a last-updated stamp".to_owned(),
        _ => format!(
            "{tied} of {} records share their last-updated stamp with another, {most} the same one; {} different tokens",
            keys.len(),
            tokens.len()
        ),
    };
    let means = if trial.subject.object.resource.version.is_some() {
        "the version beside the stamp tells of a second edit (decision 3)".to_owned()
    } else if fresh > 0 {
        format!(
            "{fresh} are stamped within one tick of the listing: they are read again in the next run (decision 3)"
        )
    } else {
        "there is no version: that the stamp moves with every edit is what the runtime relies on, see `quick-edits` of \
         the writing part"
            .to_owned()
    };
    Ok(Some(holds(found, means)))
}
