//! Step 2 where the remote tells what changed: counting stretches of ids, by which deletes are searched for.

use super::super::outcome::{Checked, broken, holds, note};
use super::super::trial::{Look, Trial};
use crate::ports::Stretch;
use sync_core::change_key::RemoteId;

const LISTED: &str = "a run by change feed finds deletes by listing everything";

/// Stretches that are counted have as many records as are listed of them, and these are the ones that belong there.
pub(super) async fn counted(trial: &Trial<'_>) -> Checked {
    let (subject, remote) = (trial.subject, trial.subject.remote);
    let is_known = trial.is_still() && trial.looks.last().is_some_and(Look::is_complete);
    if !remote.capabilities().change_feed || remote.changes_tell_deletes() || !is_known {
        return Ok(None);
    }
    let mut ids: Vec<&RemoteId> = trial.listed().iter().map(|key| &key.id).collect();
    ids.sort();
    let (first, second) = (ids.len() / 3, ids.len() * 2 / 3);
    let (Some(&a), Some(&b)) = (ids.get(first), ids.get(second)) else { return Ok(None) };
    let stretches = [
        Stretch { after: None, through: Some(a) },
        Stretch { after: Some(a), through: Some(b) },
        Stretch { after: Some(b), through: None },
    ];
    let Some(counts) = remote.count_each(subject.view(), &stretches).await? else {
        return Ok(Some(note("stretches of ids cannot be counted", LISTED)));
    };
    let lists = remote.ids_each(subject.view(), &stretches).await?;
    let lengths: Vec<u64> = lists.iter().map(|list| list.len() as u64).collect();
    let told = format!("three stretches of ids: {counts:?} counted, {lengths:?} listed");
    if counts != lengths || lengths.iter().sum::<u64>() != ids.len() as u64 {
        return Ok(Some(broken(format!("{told} of {}", ids.len()), LISTED)));
    }
    let parts = [&ids[..=first], &ids[first + 1..=second], &ids[second + 1..]];
    let is_ours = parts.iter().zip(&lists).all(|(ours, list)| {
        let mut theirs: Vec<&RemoteId> = list.iter().collect();
        theirs.sort();
        theirs == **ours
    });
    Ok(Some(match is_ours {
        true => holds(told, "a run by change feed finds a few deletes without listing everything"),
        false => note(format!("{told}; the server sorts ids in another order"), LISTED),
    }))
}
