//! Reads remote records and maps them, in a task of its own: while one batch is committed, the next ones arrive.

use super::pages;
use crate::pipeline::Stop;
use crate::pipeline::operations::Work;
use crate::pipeline::task::Task;
use crate::ports::{MapError, Mapper, Remote, RemoteError, RemoteRecord, View};
use futures_util::TryStreamExt;
use std::sync::Arc;
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::UserKey;
use sync_core::value::Row;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Records that are mapped and committed together, at least, but for the last. Each may lie in pages of its own, four of
/// them: what a commit writes should fit into the pages that the local store keeps, or they are written twice.
const BATCH: usize = 256;

/// Batches that may wait.
const AHEAD: usize = 2;

/// A record as it was read, its row mapped to local shape.
pub(in crate::pipeline) type Read = (RemoteKey, Result<Row, MapError>);

/// What is to be read.
pub(in crate::pipeline) enum Wanted {
    /// Records by their ids.
    Each {
        /// Their ids.
        ids: Vec<RemoteId>,
        /// But for those that have one of these keys.
        reserved: Vec<UserKey>,
        /// Whether they are most of what the remote has, so that they are read with the rest.
        with_the_rest: bool,
    },
    /// All that pass the filter.
    All,
}

/// Records that arrived together.
pub(in crate::pipeline) struct Batch {
    pub(in crate::pipeline) records: Vec<Read>,
    /// Whether each comes after all before it, so that none arrived before.
    pub(in crate::pipeline) in_order: bool,
}

/// The records as they arrive. No longer read once this is dropped.
pub(in crate::pipeline) struct Ahead {
    batches: Receiver<Result<Batch, RemoteError>>,
    task: Task<()>,
}

impl Ahead {
    /// Begins to read.
    pub(in crate::pipeline) fn start(work: &Work<'_>, wanted: Wanted) -> Ahead {
        let (send, batches) = channel(AHEAD);
        let participant = work.participant();
        let reader = Reader {
            remote: Arc::clone(work.remote),
            mapper: Arc::clone(&participant.mapper),
            filter: participant.filter.clone(),
            waiting: Vec::new(),
            last: None,
            in_order: true,
            send,
        };
        Ahead { batches, task: Task::start(reader.run(wanted)) }
    }

    /// The next batch; `None` at the end.
    pub(in crate::pipeline) async fn next(&mut self) -> Result<Option<Batch>, Stop> {
        match self.batches.recv().await {
            Some(batch) => Ok(Some(batch?)),
            // The end, unless the task did not come to it.
            None => self.task.end().await.map(|()| None),
        }
    }
}

struct Reader {
    remote: Arc<dyn Remote>,
    mapper: Arc<dyn Mapper>,
    filter: Option<String>,
    waiting: Vec<RemoteRecord>,
    last: Option<RemoteId>,
    in_order: bool,
    send: Sender<Result<Batch, RemoteError>>,
}

impl Reader {
    async fn run(mut self, wanted: Wanted) {
        let read = match wanted {
            Wanted::Each { ids, reserved, with_the_rest } => self.each(ids, &reserved, with_the_rest).await,
            Wanted::All => self.all().await,
        };
        // What arrived is worth its commit, whatever came after it.
        self.flush().await;
        if let Err(error) = read {
            self.send.send(Err(error)).await.ok();
        }
    }

    async fn all(&mut self) -> Result<(), RemoteError> {
        let (remote, mapper, filter) =
            (Arc::clone(&self.remote), Arc::clone(&self.mapper), self.filter.take());
        let Some(mut pages) = remote.records(View { object: mapper.object(), filter: filter.as_deref() })
        else {
            return Ok(());
        };
        while let Some(page) = pages.try_next().await? {
            for record in &page {
                let id = &record.key.id;
                self.in_order &= self.last.as_ref().is_none_or(|last| last < id);
                if self.last.as_ref().is_none_or(|last| last < id) {
                    self.last = Some(id.clone());
                }
            }
            self.arrive(page).await;
        }
        Ok(())
    }

    async fn each(
        &mut self,
        mut ids: Vec<RemoteId>,
        reserved: &[UserKey],
        with_the_rest: bool,
    ) -> Result<(), RemoteError> {
        let (remote, mapper, filter) =
            (Arc::clone(&self.remote), Arc::clone(&self.mapper), self.filter.take());
        let object = mapper.object();
        let is_free =
            |record: &RemoteRecord| !object.filled_user_keys(&record.row).any(|key| reserved.contains(&key));
        if with_the_rest && let Some(mut pages) = remote.records(View { object, filter: filter.as_deref() }) {
            ids.sort();
            let mut arrived = vec![false; ids.len()];
            while let Some(mut page) = pages.try_next().await? {
                page.retain(|record| match ids.binary_search(&record.key.id) {
                    Ok(index) => !std::mem::replace(&mut arrived[index], true) && is_free(record),
                    Err(_) => false,
                });
                self.arrive(page).await;
            }
            let mut arrived = arrived.into_iter();
            ids.retain(|_| !arrived.next().unwrap_or(false));
        }
        let mut pages = pages(&*remote, object, &ids);
        while let Some(mut page) = pages.try_next().await? {
            page.retain(is_free);
            self.arrive(page).await;
        }
        Ok(())
    }

    async fn arrive(&mut self, mut page: Vec<RemoteRecord>) {
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
        let mapped = self.mapper.to_local(&rows.iter().collect::<Vec<_>>());
        let records = keys.into_iter().zip(mapped).collect();
        let batch = Batch { records, in_order: std::mem::replace(&mut self.in_order, true) };
        // Nobody listens any more when the run has ended.
        self.send.send(Ok(batch)).await.ok();
    }
}
