//! Many records: made at once, and written while they are listed.

use super::super::outcome::{Checked, Gathered, Outcome, Trouble, broken, holds, note, told};
use super::super::trial::{Look, Trial};
use crate::ports::{Feed, WriteError};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::{HashMap, HashSet};
use sync_core::change_key::{RemoteId, RemoteKey};

/// Records that are written while a listing is under way, of those that came and of those to come.
const TOUCHED: usize = 3;
/// Most writes at once.
const AT_ONCE: usize = 8;

const LOST: &str = "a record that a listing leaves out counts as deleted, unless the count tells";

impl Trial<'_> {
    /// Makes as many records as asked for, several at once; the ids of those that the server took, and what it said of
    /// the others.
    async fn make_crowd(&self, count: usize) -> Result<(Vec<RemoteId>, Vec<String>), Trouble> {
        let at_once = self.subject.remote.capabilities().in_flight.clamp(1, AT_ONCE);
        let making = stream::iter((0..count).map(|_| self.make())).buffer_unordered(at_once);
        let (mut ids, mut refused) = (Vec::with_capacity(count), Vec::new());
        for made in making.collect::<Vec<_>>().await {
            match made {
                Ok(made) => ids.push(made.written.id),
                Err(Trouble::Write(error @ WriteError::Refused { .. })) => refused.push(told(&error)),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok((ids, refused))
    }
}

pub(super) async fn inserts(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let count = trial.workshop.crowd;
    let before = subject.look(subject.everything()).await?;
    let (ids, refused) = trial.make_crowd(count).await?;
    let after = subject.look(subject.everything()).await?;
    let by_id = after.by_id();
    let mut found = Gathered::default();
    if let Some(why) = refused.first() {
        found.add(note(
            format!("{} of {count} inserts at once, and nothing unusual, are {why}", refused.len()),
            "an insert that is refused is an issue, and retried in the next run; lower `in-flight` in the metadata",
        ));
    }
    let different: HashSet<&RemoteId> = ids.iter().collect();
    found.expect(
        different.len() == ids.len(),
        "two inserts at once get the same id",
        "two records are taken for one",
    );
    let missing = ids.iter().filter(|id| !by_id.contains_key(id)).count();
    found.expect(missing == 0, format!("{missing} of {count} records made at once are not listed"), LOST);
    let lost = before.keys.iter().filter(|key| !by_id.contains_key(&key.id)).count();
    found.expect(
        lost == 0 || !trial.is_still(),
        format!("{lost} records that were there are no longer listed"),
        LOST,
    );
    found.expect(
        after.doubled().is_empty(),
        "a listing has an id twice",
        "a run lists again, twice at most; then the object fails (decision 13)",
    );
    if let Some(counted) = after.counted.filter(|_| trial.is_still()) {
        let listed = after.keys.len();
        found.expect(
            after.is_complete(),
            format!("{counted} counted, {listed} listed"),
            "a run lists again, twice at most; then the object fails (decision 13)",
        );
    }
    let stamps: HashSet<&str> =
        ids.iter().filter_map(|id| by_id.get(id)).map(|key| key.token.updated.as_str()).collect();
    Ok(Some(found.or(holds(
        format!("{count} records made at once are all listed, with {} different stamps", stamps.len()),
        "records that share a stamp are told apart by their ids",
    ))))
}

/// What is made and edited after a mark, also within the tick of the mark.
pub(super) async fn feed_since(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    if !subject.remote.capabilities().change_feed {
        return Ok(None);
    }
    let view = subject.everything();
    let mut found = Gathered::default();
    let edited = trial.make_and_read().await?;
    // Several times: whether a mark and what comes after it share a tick is a matter of luck.
    for round in 0..3 {
        let Some(mark) = subject.remote.mark(view).await? else {
            return Ok(Some(broken(
                "there are records, and it gives no mark",
                "everything is listed in every run",
            )));
        };
        let (mut expected, _) = trial.make_crowd(2).await?;
        let now = trial.read(&edited.key.id).await?;
        trial.edit(&now.key, 30 + round).await?;
        expected.push(edited.key.id.clone());
        let Feed::Changes(changes) = subject.remote.changes(view, &mark).await? else {
            return Ok(Some(broken(
                "a mark is expired as soon as it is given",
                "everything is listed in every run",
            )));
        };
        let fed: HashMap<&RemoteId, &RemoteKey> = changes.changed.iter().map(|key| (&key.id, key)).collect();
        for id in &expected {
            let now = trial.read(id).await?;
            found.expect(
                fed.get(id).is_some_and(|key| key.token == now.key.token),
                format!("{id}, written after a mark, is not among the changes since, or not as it is"),
                "an edit on the server is not seen until everything is listed (`list-every`)",
            );
        }
    }
    Ok(Some(found.or(holds(
        "what was made or edited after a mark is among the changes since, also within the same tick",
        "a run needs no listing to know them",
    ))))
}

pub(super) async fn edits(trial: &Trial<'_>) -> Checked {
    while_listing(trial, Touch::Edit).await.map(Some)
}

pub(super) async fn deletes(trial: &Trial<'_>) -> Checked {
    while_listing(trial, Touch::Replace).await.map(Some)
}

/// What is done to records while they are listed.
#[derive(Debug, Clone, Copy)]
enum Touch {
    Edit,
    /// And as many made anew, which is when a count tells nothing.
    Replace,
}

impl Touch {
    fn done(self) -> &'static str {
        match self {
            Touch::Edit => "edited",
            Touch::Replace => "deleted, and as many made anew,",
        }
    }

    async fn carry_out(self, trial: &Trial<'_>, id: &RemoteId) -> Result<(), Trouble> {
        let now = trial.read(id).await?;
        match self {
            Touch::Edit => trial.edit(&now.key, 40).await.map(|_| ())?,
            Touch::Replace => {
                trial.subject.remote.delete(trial.subject.object, id, &now.key.token).await?;
                trial.make().await?;
            }
        }
        Ok(())
    }
}

/// Writes records of the workshop after the first page of a listing, some that came and some that are to come.
async fn while_listing(trial: &Trial<'_>, touch: Touch) -> Result<Outcome, Trouble> {
    let (subject, view) = (trial.subject, trial.subject.everything());
    let before = subject.look(view).await?;
    let ours: HashSet<RemoteId> = trial.workshop.known().into_iter().collect();
    let mut pages = subject.remote.change_keys(view);
    let mut keys = pages.try_next().await?.unwrap_or_default();
    let first: HashSet<RemoteId> = keys.iter().map(|key| key.id.clone()).collect();
    let came = before.keys.iter().filter(|key| ours.contains(&key.id) && first.contains(&key.id));
    let to_come = before.keys.iter().filter(|key| ours.contains(&key.id) && !first.contains(&key.id));
    let to_come = to_come.take(match touch {
        Touch::Edit => TOUCHED,
        // A delete of what is to come moves nothing that is to come after it.
        Touch::Replace => 0,
    });
    let touched: Vec<&RemoteKey> = came.take(TOUCHED).chain(to_come).collect();
    for key in &touched {
        touch.carry_out(trial, &key.id).await?;
    }
    let touched_first = touched.iter().filter(|key| first.contains(&key.id)).count();
    while let Some(page) = pages.try_next().await? {
        keys.extend(page);
    }
    drop(pages);
    let look = Look { counted: before.counted, keys, pages: 0, requests: 0 };
    let by_id = look.by_id();
    let untouched = before.keys.iter().filter(|key| touched.iter().all(|it| it.id != key.id));
    let mut lost = Vec::new();
    for key in untouched.filter(|key| !by_id.contains_key(&key.id)) {
        // Unless somebody else has deleted it meanwhile.
        if subject.one(&key.id).await?.is_some() {
            lost.push(&key.id);
        }
    }
    let what = format!(
        "{} records {} between two pages, {touched_first} of them listed already",
        touched.len(),
        touch.done()
    );
    let tells = look.counted.is_some_and(|counted| counted != look.keys.len() as u64);
    let means = "a listing under way is good for what it lists; the rest is found by the next run";
    Ok(match (lost.first(), look.doubled().first()) {
        (Some(id), _) if tells => note(
            format!("{what}: {} others are left out, such as {id}, and the count tells", lost.len()),
            "a run lists again, twice at most; then the object fails, and nothing is deleted (decision 13)",
        ),
        (Some(id), _) => broken(format!("{what}: {} others are left out, such as {id}", lost.len()), LOST),
        (None, Some(id)) => note(
            format!("{what}: {id} comes twice"),
            "a run lists again, twice at most; then the object fails, and nothing is deleted (decision 13)",
        ),
        (None, None) if first.len() >= before.keys.len() => note(
            "everything comes in one page",
            "to check it takes more records than a page has, see `--records`",
        ),
        (None, None) if touched_first == 0 => note(
            "the records that were made come late in a listing: nothing could be moved under way",
            "to check it takes a first page with records that may be changed, as on an empty server",
        ),
        (None, None) => holds(format!("{what}: no other is left out, none comes twice"), means),
    })
}
