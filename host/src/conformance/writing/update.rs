//! Updating a record: what is written, and what guards it (decisions 3, 6, 7 and 8).

use super::super::outcome::{Checked, Gathered, broken, holds, note, told};
use super::super::trial::Trial;
use super::super::workshop::is_ours;
use super::insert::token_of;
use crate::ports::{Lock, WriteError};
use futures_util::future::join_all;
use sync_core::change_key::RemoteKey;

/// Updates that are sent at once.
const AT_ONCE: u32 = 3;
/// Edits of a record, one right after the other.
const QUICK_EDITS: u32 = 4;

const OVERWRITES: &str = "an edit made on the server between a run's compare and its write is overwritten";

pub(super) const SAME_TICK: &str = "without a version, two edits within one tick of the server's clock cannot be told apart \
                                    before a write; the content decides in the next run (decision 3)";

/// Whether the server itself does not tell two states of a record apart, and the remote owns up to that.
pub(super) fn hides(before: &RemoteKey, after: &RemoteKey) -> bool {
    before.fresh && before.token == after.token
}

pub(super) async fn update(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let id = trial.make().await?.written.id;
    trial.fill(&id).await?;
    let before = trial.read(&id).await?;
    let written = trial.edit(&before.key, 1).await?;
    let after = trial.read(&before.key.id).await?;
    let (edited, _) = trial.nth_edit(1);
    let mut found = Gathered::default();
    found.expect(
        trial.has_edit(&after, 1),
        format!("an edit of `{}` does not stand", subject.field(edited)),
        "the edit is lost on its way; the report names it",
    );
    for index in trial.others(&before.row, &after.row).filter(|index| *index != edited) {
        let cleared = before.row[index].is_filled() && !after.row[index].is_filled();
        found.add(match cleared {
            true => broken(
                format!("an edit of `{}` clears `{}`", subject.field(edited), subject.field(index)),
                "every update takes values away that nobody has cleared",
            ),
            false => note(
                format!("an edit of `{}` changes `{}`, too", subject.field(edited), subject.field(index)),
                "the difference is counted and named in the report (decision 9)",
            ),
        });
    }
    if let Some(row) = &written.row {
        found.expect(
            *row == after.row,
            "what the update answers is not what is read afterwards",
            "the baseline is wrong",
        );
    }
    found.expect(
        after.key.token != before.key.token || before.key.fresh,
        format!("an edit leaves the token as it was: {}", after.key.token),
        "edits on the server are never noticed",
    );
    if let Some(listed) =
        subject.look(subject.everything()).await?.keys.iter().find(|key| key.id == before.key.id)
    {
        token_of(&written, listed, &mut found);
    } else {
        found.add(broken(
            format!("{} is not listed after its update", before.key.id),
            "it is taken for deleted",
        ));
    }
    Ok(Some(found.or(holds(
        format!("an edit of `{}` changes that field alone, moves the token, and answers the new one", subject.field(edited)),
        "the baseline gets the token of our own write, so that it does not come back as a change (decision 8)",
    ))))
}

pub(super) async fn moved(trial: &Trial<'_>) -> Checked {
    let before = trial.make_and_read().await?;
    trial.edit(&before.key, 1).await?;
    let theirs = trial.read(&before.key.id).await?;
    let answer = trial.edit(&before.key, 2).await;
    let now = trial.read(&before.key.id).await?;
    let overwritten = !trial.has_edit(&now, 1);
    Ok(Some(match answer {
        Ok(_) if hides(&before.key, &theirs.key) => {
            note("an update overwrites an edit within the same tick", SAME_TICK)
        }
        _ if overwritten => broken("an update with an old token overwrites the edit in between", OVERWRITES),
        Ok(_) => broken("an update with an old token is said to be written", "the local edit is lost"),
        Err(WriteError::Moved) if now.key.token == theirs.key.token => holds(
            "an update with an old token is refused, and nothing is written",
            "found when applying, it is an issue; the next run sees a conflict with a choice (decision 6)",
        ),
        Err(error) => note(
            format!("an update with an old token is not written, but: {}", told(&error)),
            "it is an issue under another name, and a conflict in the next run",
        ),
    }))
}

pub(super) async fn race(trial: &Trial<'_>) -> Checked {
    let before = trial.make_and_read().await?;
    let numbers = 10..10 + AT_ONCE;
    let answers = join_all(numbers.clone().map(|n| trial.edit(&before.key, n))).await;
    let now = trial.read(&before.key.id).await?;
    let won: Vec<u32> = numbers.clone().zip(&answers).filter(|(_, it)| it.is_ok()).map(|(n, _)| n).collect();
    // What is claimed to be the record's present state must be.
    let false_claim = numbers.zip(&answers).any(|(n, answer)| {
        answer.as_ref().is_ok_and(|written| written.token == now.key.token && !trial.has_edit(&now, n))
    });
    let lock = trial.subject.remote.capabilities().lock;
    let told_of_losers: Vec<String> = answers
        .iter()
        .filter_map(|it| it.as_ref().err())
        .filter(|error| **error != WriteError::Moved)
        .map(told)
        .collect();
    let stands = won.iter().any(|n| trial.has_edit(&now, *n));
    let means = match lock {
        Lock::ConditionalWrite => "the server itself keeps an update from overwriting another's (decision 7)",
        Lock::ReadCompare => {
            "the version is read right before each write and verified after it: what slips in between is overwritten, \
             and the next run takes the record for changed (decision 7)"
        }
    };
    let seen = format!("of {AT_ONCE} updates at once with the same token, {} are written", won.len());
    Ok(Some(match (won.len(), lock) {
        _ if false_claim => {
            broken(format!("{seen}, and one is said to stand that does not"), "an edit is lost unseen")
        }
        (0, _) => note(format!("{seen}: {}", told_of_losers.join("; ")), "they are issues, and retried"),
        (1, _) if stands => match told_of_losers.first() {
            None => holds(format!("{seen}; it stands, and the others are told that the record moved"), means),
            Some(error) => note(format!("{seen}; another is told: {error}"), means),
        },
        (_, Lock::ReadCompare) if stands => {
            note(format!("{seen}; none is said to stand that does not"), means)
        }
        (_, Lock::ConditionalWrite) if stands => broken(seen, OVERWRITES),
        _ => broken(format!("{seen}, and none of these stands"), "an edit is lost unseen"),
    }))
}

/// Edits within one tick of the server's clock (decision 3).
pub(super) async fn quick_edits(trial: &Trial<'_>) -> Checked {
    let mut last = trial.make_and_read().await?;
    let mut found = Gathered::default();
    let mut told_fresh = 0;
    for n in 20..20 + QUICK_EDITS {
        let written = trial.edit(&last.key, n).await?;
        let now = trial.read(&last.key.id).await?;
        found.expect(
            now.key.token != last.key.token || last.key.fresh,
            format!("an edit right after another has the same token, {}", now.key.token),
            "the second of two edits within one tick of the server's clock is never noticed (decision 3)",
        );
        found.expect(
            written.token != last.key.token,
            "an edit right after another is answered with the token before it",
            "an edit of somebody else's may hide behind our own",
        );
        told_fresh += u32::from(now.key.fresh);
        last = now;
    }
    Ok(Some(found.or(match told_fresh {
        0 => holds(format!("{QUICK_EDITS} edits, one right after the other: each has its own token"),
            "no edit hides behind another"),
        _ => holds(
            format!("{QUICK_EDITS} edits, one right after the other: the record is marked as one that may change unseen"),
            "its content decides in the next run (decision 3)",
        ),
    })))
}

pub(super) async fn gone(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let record = trial.make_and_read().await?;
    subject.remote.delete(subject.object, &record.key.id, &record.key.token).await?;
    let before = subject.look(subject.everything()).await?;
    let answer = trial.edit(&record.key, 1).await;
    let risen = subject.one(&record.key.id).await?.is_some();
    let after = subject.look(subject.everything()).await?;
    let by_id = before.by_id();
    let mut new = Vec::new();
    for key in after.keys.iter().filter(|key| !by_id.contains_key(&key.id)) {
        if subject.one(&key.id).await?.is_some_and(|it| trial.is_of_edit(&it)) {
            new.push(&key.id);
        }
    }
    let means =
        "the local edit becomes an issue, and a conflict in the next run; the record is not brought back";
    Ok(Some(match answer {
        _ if risen || !new.is_empty() => broken(
            "an update of a record that is gone makes a record",
            "what was deleted on the server comes back as a fragment of itself",
        ),
        Ok(_) => broken("an update of a record that is gone is said to be written", "the local edit is lost"),
        Err(WriteError::Gone) => holds("an update of a record that is gone says so, and makes none", means),
        Err(error) => {
            note(format!("an update of a record that is gone makes none, but: {}", told(&error)), means)
        }
    }))
}

impl Trial<'_> {
    /// Whether a record has the marker or the value of the first edit, and nothing else that we would send.
    fn is_of_edit(&self, record: &crate::ports::RemoteRecord) -> bool {
        let (edited, _) = self.nth_edit(1);
        let bare = |index: usize| {
            let field = self.subject.object.remote.get(index);
            index == edited || field.is_none_or(|field| !is_ours(field)) || !record.row[index].is_filled()
        };
        self.workshop.is_ours(&record.row) || (self.has_edit(record, 1) && (0..record.row.len()).all(bare))
    }
}
