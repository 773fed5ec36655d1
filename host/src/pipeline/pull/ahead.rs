//! Reads remote records and maps them, in a task of its own: while one batch is committed, the next ones arrive.

use super::pages;
use crate::pipeline::Stop;
use crate::pipeline::operations::Work;
use crate::ports::{MapError, Mapper, Remote, RemoteError, RemoteRecord, View};
use futures_util::TryStreamExt;
use std::sync::Arc;
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::UserKey;
use sync_core::value::Row;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Records that are mapped and committed together, at least, but for the last.
const BATCH: usize = 500;

/// Batches that may wait.
const AHEAD: usize = 4;

/// A record as it was read, its row mapped to local shape.
pub(super) type Read = (RemoteKey, Result<Row, MapError>);

/// What is to be read.
pub(super) struct Wanted {
    /// These records.
    pub(super) ids: Vec<RemoteId>,
    /// But for those that have one of these keys.
    pub(super) reserved: Vec<UserKey>,
    /// Whether they are most of what the remote has, so that they are read with the rest.
    pub(super) with_the_rest: bool,
}

/// The records as they arrive. No longer read once this is dropped.
pub(super) struct Ahead {
    batches: Receiver<Result<Vec<Read>, RemoteError>>,
    task: JoinHandle<()>,
}

impl Ahead {
    /// Begins to read.
    pub(super) fn start(work: &Work<'_>, wanted: Wanted) -> Ahead {
        let (send, batches) = channel(AHEAD);
        let participant = work.participant();
        let reader = Reader {
            remote: Arc::clone(work.remote),
            mapper: Arc::clone(&participant.mapper),
            filter: participant.filter.clone(),
            reserved: wanted.reserved,
            waiting: Vec::new(),
            send,
        };
        Ahead { batches, task: tokio::spawn(reader.run(wanted.ids, wanted.with_the_rest)) }
    }

    /// The next batch; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Read>>, Stop> {
        match self.batches.recv().await {
            Some(batch) => Ok(Some(batch?)),
            // The end, unless the task did not come to it.
            None => match (&mut self.task).await {
                Ok(()) => Ok(None),
                Err(failed) => match failed.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Stop::Run("reading ahead was called off".to_owned())),
                },
            },
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Reader {
    remote: Arc<dyn Remote>,
    mapper: Arc<dyn Mapper>,
    filter: Option<String>,
    reserved: Vec<UserKey>,
    waiting: Vec<RemoteRecord>,
    send: Sender<Result<Vec<Read>, RemoteError>>,
}

impl Reader {
    async fn run(mut self, ids: Vec<RemoteId>, with_the_rest: bool) {
        let read = self.read(ids, with_the_rest).await;
        // What arrived is worth its commit, whatever came after it.
        self.flush().await;
        if let Err(error) = read {
            self.send.send(Err(error)).await.ok();
        }
    }

    async fn read(&mut self, mut ids: Vec<RemoteId>, with_the_rest: bool) -> Result<(), RemoteError> {
        let (remote, mapper, filter) =
            (Arc::clone(&self.remote), Arc::clone(&self.mapper), self.filter.take());
        let object = mapper.object();
        if with_the_rest && let Some(mut pages) = remote.records(View { object, filter: filter.as_deref() }) {
            ids.sort();
            let mut arrived = vec![false; ids.len()];
            while let Some(mut page) = pages.try_next().await? {
                page.retain(|record| match ids.binary_search(&record.key.id) {
                    Ok(index) => !std::mem::replace(&mut arrived[index], true),
                    Err(_) => false,
                });
                self.arrive(page).await;
            }
            let mut arrived = arrived.into_iter();
            ids.retain(|_| !arrived.next().unwrap_or(false));
        }
        let mut pages = pages(&*remote, object, &ids);
        while let Some(page) = pages.try_next().await? {
            self.arrive(page).await;
        }
        Ok(())
    }

    async fn arrive(&mut self, mut page: Vec<RemoteRecord>) {
        let object = self.mapper.object();
        page.retain(|record| !object.filled_user_keys(&record.row).any(|key| self.reserved.contains(&key)));
        self.waiting.append(&mut page);
        if self.waiting.len() >= BATCH {
            self.flush().await;
        }
    }

    /// Maps what waits as one batch; a record's failure is its own (decision 21).
    async fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (keys, rows): (Vec<_>, Vec<_>) = waiting.map(|record| (record.key, record.row)).unzip();
        let batch = keys.into_iter().zip(self.mapper.to_local(rows)).collect();
        // Nobody listens any more when the run has ended.
        self.send.send(Ok(batch)).await.ok();
    }
}
