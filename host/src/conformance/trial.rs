//! What the checks look at: the remote, the object, and what listing it showed.

use super::outcome::{Trouble, told};
use super::workshop::Workshop;
use crate::ports::{Remote, RemoteError, RemoteRecord, View};
use futures_util::TryStreamExt;
use std::collections::{HashMap, HashSet};
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::Object;

/// How often records are listed until two listings agree: as often as a run does (decision 13).
const MOST_LOOKS: usize = 3;
/// How often the removal of a record is tried: somebody else may edit it meanwhile.
const ATTEMPTS: usize = 3;

/// What is checked.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The remote.
    pub remote: &'a dyn Remote,
    /// The object.
    pub object: &'a Object,
    /// In the remote's own query language.
    pub filter: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// What of the object is synchronized.
    pub(super) fn view(&self) -> View<'a> {
        View { object: self.object, filter: self.filter }
    }

    /// All records of the object.
    pub(super) fn everything(&self) -> View<'a> {
        View { object: self.object, filter: None }
    }

    /// A count, if the remote claims to count.
    pub(super) async fn counted(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        if self.remote.capabilities().counts { self.remote.count(view).await } else { Ok(None) }
    }

    /// A listing, with the count before it.
    pub(super) async fn look(&self, view: View<'_>) -> Result<Look, RemoteError> {
        let counted = self.counted(view).await?;
        let before = self.remote.requests(&self.object.name).keys;
        let (mut keys, mut pages) = (Vec::new(), 0);
        let mut stream = self.remote.change_keys(view);
        while let Some(page) = stream.try_next().await? {
            keys.extend(page);
            pages += 1;
        }
        let requests = self.remote.requests(&self.object.name).keys.saturating_sub(before);
        Ok(Look { counted, keys, pages, requests })
    }

    /// One record; `None` where it is gone.
    pub(super) async fn one(&self, id: &RemoteId) -> Result<Option<RemoteRecord>, RemoteError> {
        let found = self.remote.details(self.object, std::slice::from_ref(id)).await?;
        Ok(found.into_iter().find(|record| record.key.id == *id))
    }

    /// Removes a record, whatever its token is by now.
    ///
    /// # Errors
    /// Why it is still there.
    pub(super) async fn remove(&self, id: &RemoteId) -> Result<(), String> {
        let mut why = "it is there after its delete".to_owned();
        for _ in 0..ATTEMPTS {
            match self.one(id).await {
                Ok(None) => return Ok(()),
                Ok(Some(record)) => {
                    if let Err(error) = self.remote.delete(self.object, id, &record.key.token).await {
                        why = told(&error);
                    }
                }
                Err(error) => why = error.message,
            }
        }
        match self.one(id).await {
            Ok(None) => Ok(()),
            _ => Err(why),
        }
    }

    /// A remote field's name.
    pub(super) fn field(&self, index: usize) -> &'a str {
        self.object.remote.get(index).map_or("?", |field| &field.name)
    }
}

/// One listing.
#[derive(Debug)]
pub(super) struct Look {
    /// What was counted right before.
    pub(super) counted: Option<u64>,
    /// In the order in which they came.
    pub(super) keys: Vec<RemoteKey>,
    /// Pages that they came in.
    pub(super) pages: usize,
    /// Requests that it took.
    pub(super) requests: u64,
}

impl Look {
    /// The keys by id.
    pub(super) fn by_id(&self) -> HashMap<&RemoteId, &RemoteKey> {
        self.keys.iter().map(|key| (&key.id, key)).collect()
    }

    /// The ids that came twice.
    pub(super) fn doubled(&self) -> Vec<&RemoteId> {
        let mut seen = HashSet::new();
        self.keys.iter().map(|key| &key.id).filter(|id| !seen.insert(*id)).collect()
    }

    /// Whether both have the same records with the same tokens.
    fn agrees(&self, other: &Look) -> bool {
        let (ours, theirs) = (self.by_id(), other.by_id());
        let equal =
            |(id, key): (&&RemoteId, &&RemoteKey)| theirs.get(*id).is_some_and(|it| it.token == key.token);
        ours.len() == theirs.len() && ours.iter().all(equal)
    }

    /// Whether as many came as were counted.
    pub(super) fn is_complete(&self) -> bool {
        self.counted.is_none_or(|counted| counted == self.keys.len() as u64)
    }
}

/// An object under examination.
pub(super) struct Trial<'a> {
    /// What is checked.
    pub(super) subject: Subject<'a>,
    /// Two listings or three; the last two agree unless the server is live.
    pub(super) looks: Vec<Look>,
    /// As many records as a request for details answers, from all over the listing.
    pub(super) sample: Vec<RemoteRecord>,
    /// The ids that were asked for them.
    pub(super) asked: Vec<RemoteId>,
    /// Where records are made.
    pub(super) workshop: Workshop,
}

impl<'a> Trial<'a> {
    /// Lists and samples the records.
    pub(super) async fn open(subject: Subject<'a>, workshop: Workshop) -> Result<Trial<'a>, Trouble> {
        let mut looks = vec![subject.look(subject.view()).await?];
        while looks.len() < MOST_LOOKS {
            let next = subject.look(subject.view()).await?;
            let agrees = looks.last().is_some_and(|last| last.agrees(&next));
            looks.push(next);
            if agrees {
                break;
            }
        }
        let batch = subject.remote.capabilities().details_batch.max(1);
        let keys = looks.last().map(|look| look.keys.as_slice()).unwrap_or_default();
        let mut asked = spread(keys, batch);
        asked.dedup();
        let sample = if asked.is_empty() {
            Vec::new()
        } else {
            subject.remote.details(subject.object, &asked).await?
        };
        Ok(Trial { subject, looks, sample, asked, workshop })
    }

    /// The last listing.
    pub(super) fn listed(&self) -> &[RemoteKey] {
        self.looks.last().map(|look| look.keys.as_slice()).unwrap_or_default()
    }

    /// Whether the last two listings agree: nobody else seems to write.
    pub(super) fn is_still(&self) -> bool {
        matches!(self.looks.as_slice(), [.., before, last] if before.agrees(last))
    }
}

/// Up to so many ids from all over a listing.
fn spread(keys: &[RemoteKey], most: usize) -> Vec<RemoteId> {
    let count = keys.len().min(most);
    (0..count).filter_map(|at| keys.get(at * keys.len() / count)).map(|key| key.id.clone()).collect()
}
