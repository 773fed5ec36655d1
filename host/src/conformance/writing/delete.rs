//! Deleting a record (decision 11).

use super::super::outcome::{Checked, Gathered, broken, holds, note, told};
use super::super::trial::Trial;
use super::update::{SAME_TICK, hides};
use crate::ports::WriteError;

pub(super) async fn delete(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let (stays, record) = (trial.make_and_read().await?, trial.make_and_read().await?);
    let id = &record.key.id;
    let before = subject.counted(subject.everything()).await?;
    subject.remote.delete(subject.object, id, &record.key.token).await?;
    let mut found = Gathered::default();
    let read = subject.remote.details(subject.object, &[id.clone(), stays.key.id.clone()]).await?;
    found.expect(
        read.iter().all(|it| it.key.id != *id),
        "a deleted record is still read by its id",
        "a record that was deleted is pulled again",
    );
    found.expect(
        read.iter().any(|it| it.key.id == stays.key.id),
        "beside the id of a deleted record another one is not read",
        "records are overlooked",
    );
    let after = subject.look(subject.everything()).await?;
    found.expect(
        !after.by_id().contains_key(id),
        "a deleted record is still listed",
        "it is pulled again as a new one",
    );
    if let Some(key) = subject.object.filled_user_keys(&record.row).next() {
        let matches = subject.remote.find(subject.object, &key).await?;
        found.expect(
            matches.iter().all(|it| it.key.id != *id),
            "a deleted record is still found by its user key",
            "a new record of that name is an issue (decision 4)",
        );
    }
    if let (Some(before), Some(after), true) = (before, after.counted, trial.is_still()) {
        found.expect(
            after + 1 == before,
            format!("{before} records are counted before the delete and {after} after it"),
            "the listing never agrees with the count, and the object fails (decision 13)",
        );
    }
    Ok(Some(found.or(holds(
        "a deleted record is neither read, listed, counted nor found",
        "the pair leaves the baseline",
    ))))
}

pub(super) async fn moved(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let before = trial.make_and_read().await?;
    trial.edit(&before.key, 1).await?;
    let theirs = trial.read(&before.key.id).await?;
    let answer = subject.remote.delete(subject.object, &before.key.id, &before.key.token).await;
    let there = subject.one(&before.key.id).await?.is_some();
    let means = "the delete becomes an issue, and a conflict in the next run; the edit is safe (decision 11)";
    Ok(Some(match answer {
        Ok(()) if hides(&before.key, &theirs.key) => {
            note("a delete takes a record that was edited within the same tick", SAME_TICK)
        }
        _ if !there => broken(
            "a delete with an old token takes the record with the edit in between",
            "an edit made on the server between a run's compare and its delete is lost",
        ),
        Ok(()) => {
            broken("a delete with an old token is said to be done", "the record comes back as a new one")
        }
        Err(WriteError::Moved) => {
            holds("a delete with an old token is refused, and the record is still there", means)
        }
        Err(error) => note(format!("a delete with an old token is not done, but: {}", told(&error)), means),
    }))
}

pub(super) async fn again(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let record = trial.make_and_read().await?;
    subject.remote.delete(subject.object, &record.key.id, &record.key.token).await?;
    let again = subject.remote.delete(subject.object, &record.key.id, &record.key.token).await;
    Ok(Some(match again {
        Ok(()) => holds(
            "deleting what is gone already is a success",
            "a delete whose answer was lost, or that somebody else did, is done (decision 11)",
        ),
        Err(error) => broken(
            format!("deleting what is gone already is not a success: {}", told(&error)),
            "such a delete stays an issue for ever",
        ),
    }))
}
