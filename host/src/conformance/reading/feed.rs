//! Asking what changed instead of listing everything.

use super::super::outcome::{Checked, Gathered, broken, holds, note};
use super::super::trial::{Look, Trial};
use crate::ports::{Feed, Mark};

/// What no remote gave as a mark.
const NONSENSE: [&str; 3] = ["nonsense", "", "' OR 1=1 -- %&+"];

pub(super) async fn since_now(trial: &Trial<'_>) -> Checked {
    let (subject, view) = (trial.subject, trial.subject.view());
    let claimed = subject.remote.capabilities().change_feed;
    let mark = subject.remote.mark(view).await?;
    if !claimed {
        let found = match mark {
            None => "no change feed",
            Some(_) => "a change feed that the metadata does not ask for (`change-feed = true`)",
        };
        return Ok(Some(note(found, "every run lists all change keys")));
    }
    let Some(mark) = mark else {
        return Ok(Some(match trial.listed().is_empty() {
            true => note("no mark while there are no records", "everything is listed until there is one"),
            false => {
                broken("it claims a change feed, and gives no mark", "everything is listed in every run")
            }
        }));
    };
    let changes = match subject.remote.changes(view, &mark).await? {
        Feed::Changes(changes) => changes,
        Feed::Expired => {
            return Ok(Some(broken(
                "a mark is expired as soon as it is given",
                "everything is listed in every run",
            )));
        }
    };
    let listed: std::collections::HashMap<_, _> = trial.listed().iter().map(|key| (&key.id, key)).collect();
    let mut found = Gathered::default();
    for key in changes.changed.iter().filter(|_| trial.is_still()) {
        match listed.get(&key.id) {
            Some(listed) => found.expect(
                listed.token == key.token,
                format!("the feed has {} as {}, the listing as {}", key.id, key.token, listed.token),
                "every run takes the record for changed",
            ),
            None => found.expect(
                // What is wrong with an incomplete listing is told there.
                !trial.looks.last().is_some_and(Look::is_complete),
                format!("the feed has {}, which is not listed", key.id),
                "counts and changes never agree: everything is listed in every run",
            ),
        }
    }
    if let Some(id) = changes.gone.iter().find(|id| trial.is_still() && listed.contains_key(id)) {
        found.add(broken(
            format!("the feed has {id} as gone, which is listed"),
            "the local record would be deleted",
        ));
    }
    Ok(Some(found.or(holds(
        format!("a mark, and {} changes since", changes.changed.len() + changes.gone.len()),
        "a run asks for what changed, holds it against the count, and lists everything where they differ",
    ))))
}

/// A mark that means nothing must not be answered as if little had changed.
pub(super) async fn nonsense_marks(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    if !subject.remote.capabilities().change_feed {
        return Ok(None);
    }
    let listed = trial.listed().len();
    let mut found = Gathered::default();
    for nonsense in NONSENSE {
        // An error is as good an answer as that the mark is expired.
        if let Ok(Feed::Changes(changes)) =
            subject.remote.changes(subject.view(), &Mark(nonsense.into())).await
        {
            found.expect(
                changes.changed.len() >= listed || !trial.is_still(),
                format!(
                    "since the mark {nonsense:?} it tells of {} changes, {listed} are there",
                    changes.changed.len()
                ),
                "a mark that is damaged hides changes until everything is listed",
            );
        }
    }
    Ok(Some(found.or(holds(
        "a mark that it never gave is refused, expired, or answered with everything",
        "everything is listed then",
    ))))
}
