//! Sending. Each batch is a task of its own: meanwhile what came of another is entered. Of new records the user key is
//! looked up, the record inserted, and where that got no answer, looked up again.

use super::queue::Candidate;
use super::{answers, no_answer, unanswered};
use crate::ports::{Mapper, Remote, RemoteError, RemoteRecord, WriteError, Written};
use std::sync::Arc;
use sync_core::object::{Object, UserKey};
use sync_core::value::{Row, Value};

/// What came of a candidate.
pub(super) enum Inserted {
    /// It was inserted; what the remote has, in local shape, where it told.
    Written(Written, Option<Row>),
    /// There are records with its user key already.
    Found(Vec<RemoteRecord>),
    /// Its insert got no answer, and these were found afterwards.
    FoundAfter(Vec<RemoteRecord>),
    /// It was not inserted.
    Failed(WriteError),
}

/// Inserts a batch. Its user keys are looked up immediately before, and again where an insert got no answer.
pub(super) async fn insert(
    remote: Arc<dyn Remote>,
    mapper: Arc<dyn Mapper>,
    batch: Vec<Candidate>,
) -> Vec<(Candidate, Inserted)> {
    let (remote, mapper) = (&*remote, &*mapper);
    let object = mapper.object();
    let mut results = Vec::with_capacity(batch.len());
    let keys: Vec<&UserKey> = batch.iter().map(|candidate| &candidate.key).collect();
    let mut found = look_up(remote, object, &keys).await;
    found.resize_with(batch.len(), || Err(no_answer()));
    let is_free = |found: &Result<Vec<RemoteRecord>, _>| found.as_ref().is_ok_and(Vec::is_empty);
    let rows: Vec<&Row> = batch
        .iter()
        .zip(&found)
        .filter(|(_, found)| is_free(found))
        .map(|(candidate, _)| &candidate.ready.remote)
        .collect();
    let mut written = remote.insert_all(object, &rows).await;
    let mut mapped = answers(mapper, written.iter_mut().flatten()).into_iter();
    let mut written = written.into_iter();
    for (candidate, found) in batch.into_iter().zip(found) {
        let result = match found {
            Err(error) => Inserted::Failed(error.into()),
            Ok(found) if !found.is_empty() => Inserted::Found(found),
            Ok(_) => match written.next() {
                Some(Ok(written)) => Inserted::Written(written, mapped.next().flatten()),
                Some(Err(doubt @ WriteError::FateUnknown { .. })) => {
                    find_out(remote, mapper, &candidate, doubt).await
                }
                Some(Err(error)) => Inserted::Failed(error),
                None => Inserted::Failed(unanswered()),
            },
        };
        results.push((candidate, result));
    }
    results
}

/// What became of an insert that got no answer. A second one is sent only if the first one provably did not happen
/// (decision 15).
async fn find_out(
    remote: &dyn Remote,
    mapper: &dyn Mapper,
    candidate: &Candidate,
    doubt: WriteError,
) -> Inserted {
    let (object, row) = (mapper.object(), &candidate.ready.remote);
    let mut error = doubt;
    for repeated in [false, true] {
        let WriteError::FateUnknown { may_still_run, .. } = error else { break };
        match look_up(remote, object, &[&candidate.key]).await.pop() {
            Some(Ok(found)) if !found.is_empty() => return Inserted::FoundAfter(found),
            Some(Ok(_)) if !may_still_run && !repeated => {}
            _ => break,
        }
        match remote.insert(object, row).await {
            Ok(mut written) => {
                let answer = answers(mapper, std::iter::once(&mut written)).pop().flatten();
                return Inserted::Written(written, answer);
            }
            Err(again) => error = again,
        }
    }
    Inserted::Failed(error)
}

/// The records with these user keys, answer *i* for key *i*: as they are, or else as a server keeps them that trims
/// its texts.
pub(in crate::pipeline) async fn look_up(
    remote: &dyn Remote,
    object: &Object,
    keys: &[&UserKey],
) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
    let mut found = remote.find_all(object, keys).await;
    let mut others: Vec<_> = keys.iter().map(|key| kept_as(key).into_iter()).collect();
    loop {
        let nobody = |found: &Result<Vec<RemoteRecord>, _>| found.as_ref().is_ok_and(Vec::is_empty);
        let open = found.iter_mut().zip(&mut others).filter(|(found, _)| nobody(found));
        let (places, again): (Vec<_>, Vec<UserKey>) =
            open.filter_map(|(place, others)| Some((place, others.next()?))).unzip();
        if again.is_empty() {
            return found;
        }
        let again = remote.find_all(object, &again.iter().collect::<Vec<_>>()).await;
        places.into_iter().zip(again).for_each(|(place, found)| *place = found);
    }
}

/// The other keys that a server may keep this one as: without the blanks at the end of its texts, or at both ends. None
/// with an empty part.
fn kept_as(key: &UserKey) -> Vec<UserKey> {
    let mut kept: Vec<UserKey> = Vec::new();
    for trim in [str::trim_end, str::trim] {
        let is_trimmed = |value: &Value| !matches!(value, Value::Text(text) if trim(text) != &**text);
        if key.parts.iter().all(|(_, value)| is_trimmed(value)) {
            continue;
        }
        let trimmed = key.parts.iter().map(|(index, value)| match value {
            Value::Text(text) => (*index, Value::text(trim(text))),
            other => (*index, other.clone()),
        });
        let trimmed = UserKey { parts: trimmed.collect() };
        if trimmed.parts.iter().all(|(_, value)| value.is_filled()) && !kept.contains(&trimmed) {
            kept.push(trimmed);
        }
    }
    kept
}
