//! Push update: query the remote by user key, compare the version, update, read back.

use super::send::look_up;
use super::wave::{self, Mapping, Update, Wave};
use super::{answers, link, no_answer, refusal, unanswered};
use crate::pipeline::links::{self, Links};
use crate::pipeline::operations::{Learned, PushUpdate, Work};
use crate::pipeline::task::{Task, ended, first_ended};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::ports::{Change, Mapper, Remote, RemoteUpdate, Store, WriteError, Written};
use crate::report::ObjectReport;
use std::collections::VecDeque;
use std::slice::Chunks;
use std::sync::Arc;
use sync_core::change_key::Revision;
use sync_core::object::{Object, UserKey};
use sync_core::operation::Operation;
use sync_core::value::Row;

/// Updates of which one task sees to that they are sent.
const BATCH: usize = 48;

/// Updates that are worked out and journalled together: one wait for the disk.
const WAVE: usize = 5 * BATCH;

/// What came of an update.
enum Updated {
    /// It was written; what the remote has, in local shape, where it told.
    Written(Written, Option<Row>),
    Collides(String),
    Failed(WriteError),
}

/// Push update: the record is addressed by its mapped id, a changed user key is looked up for collisions, and
/// the write happens only if the version is the compared one.
pub(in crate::pipeline) async fn updates(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    updates: Vec<PushUpdate>,
) -> Result<(), Stop> {
    Sending::begin(work, store, &updates)?.end(work, store, report, learned, None).await
}

/// Updates on their way. While some batches are sent, the next wave is mapped, and whoever holds this may do
/// something else.
pub(in crate::pipeline) struct Sending<'u> {
    all: usize,
    waves: Chunks<'u, PushUpdate>,
    next: Option<Mapping<'u>>,
    // Journalled; and sent. The journal knows of both.
    ready: VecDeque<Vec<Update>>,
    under_way: VecDeque<Task<Vec<(Update, Updated)>>>,
    /// Why no more are sent.
    stop: Option<Stop>,
    /// Updates that are through, and not told of as long as another step is.
    untold: u64,
    is_announced: bool,
}

impl<'u> Sending<'u> {
    /// Begins to map the first of them.
    pub(in crate::pipeline) fn begin(
        work: &Work<'_>,
        store: &dyn Store,
        updates: &'u [PushUpdate],
    ) -> Result<Sending<'u>, Stop> {
        let mut waves = updates.chunks(WAVE);
        let next = wave::begin(work, store, waves.next())?;
        Ok(Sending {
            all: updates.len(),
            waves,
            next,
            ready: VecDeque::new(),
            under_way: VecDeque::new(),
            stop: None,
            untold: 0,
            is_announced: false,
        })
    }

    /// Enters what came back meanwhile, and sends what comes next. Waits for no answer.
    pub(in crate::pipeline) async fn go_on(
        &mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        report: &mut ObjectReport,
        learned: &mut Learned,
    ) -> Result<(), Stop> {
        let back = ended(&mut self.under_way).await?;
        self.pass(work, store, report, learned, back).await
    }

    /// Sends what is left; with a reason to stop, only enters what is under way.
    pub(in crate::pipeline) async fn end(
        mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        report: &mut ObjectReport,
        learned: &mut Learned,
        stop: Option<Stop>,
    ) -> Result<(), Stop> {
        // What concerns the whole run goes first.
        self.stop = match (stop, self.stop) {
            (_, Some(Stop::Run(message))) => Some(Stop::Run(message)),
            (stop, own) => stop.or(own),
        };
        work.step(Operation::PushUpdate, self.all);
        self.is_announced = true;
        self.tell(work, 0);
        let mut back = Vec::new();
        loop {
            self.pass(work, store, report, learned, back).await?;
            let Some(ended) = first_ended(&mut self.under_way).await? else { break };
            back = ended;
        }
        let Some(stop) = self.stop else { return Ok(()) };
        let unsent = self.ready.iter().flatten().map(|task| Change::Settled { local: task.ready.key.id });
        store.commit(work.object(), unsent.collect())?;
        Err(stop)
    }

    async fn pass(
        &mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        report: &mut ObjectReport,
        learned: &mut Learned,
        back: Vec<(Update, Updated)>,
    ) -> Result<(), Stop> {
        // The next are on their way before what came back is entered.
        while self.stop.is_none() && self.under_way.len() < work.write_batches() {
            let Some(batch) = self.ready.pop_front() else {
                let Some(mapping) = self.next.take() else { break };
                self.next = wave::begin(work, store, self.waves.next())?;
                self.journal(work, store, report, learned, mapping).await?;
                continue;
            };
            // Two renames to one key must not pass each other's look-up.
            if batch.iter().any(|task| task.renamed.is_some()) && !self.under_way.is_empty() {
                self.ready.push_front(batch);
                break;
            }
            self.under_way.push_back(Task::start(update(
                Arc::clone(work.remote),
                Arc::clone(&work.participant().mapper),
                batch,
            )));
        }
        let through = back.len();
        self.stop = settle(work, store, report, learned, back)?.or(self.stop.take());
        self.tell(work, through);
        Ok(())
    }

    /// Works a wave out and enters it into the journal: in batches, as they are sent.
    async fn journal(
        &mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        report: &mut ObjectReport,
        learned: &mut Learned,
        Mapping { wave, mut mapped }: Mapping<'_>,
    ) -> Result<(), Stop> {
        let Wave { tasks, mut failures, done: mut changes } =
            wave::plan(work, store, report, learned, wave, mapped.end().await?)?;
        self.tell(work, wave.len() - tasks.len());
        changes.extend(tasks.iter().map(|it| Change::Intend(wave::intent(it))));
        work.commit(store, changes, &mut failures)?;
        work.log(store, Operation::PushUpdate, failures)?;
        let mut tasks = tasks.into_iter();
        let batches = std::iter::from_fn(|| Some(tasks.by_ref().take(BATCH).collect()));
        self.ready.extend(batches.take_while(|batch: &Vec<Update>| !batch.is_empty()));
        Ok(())
    }

    fn tell(&mut self, work: &Work<'_>, through: usize) {
        self.untold += through as u64;
        if self.is_announced && self.untold > 0 {
            work.observer.event(Event::Progress(std::mem::take(&mut self.untold)));
        }
    }
}

/// Enters what came of a batch. Answers what concerns all records.
fn settle(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    results: Vec<(Update, Updated)>,
) -> Result<Option<Stop>, Stop> {
    let (mut changes, mut failures, mut stop) = (Vec::new(), Vec::new(), None);
    let snapshot = store.snapshot()?;
    for (mut task, result) in results {
        let subject = Subject::pair(task.ready.key.id, &task.task.pair.remote.id);
        let local = task.ready.key.id;
        // Not known whether it happened: the journal keeps the record for the next run to look at.
        let settled = !matches!(result, Updated::Failed(WriteError::FateUnknown { .. }));
        let failure = match result {
            Updated::Written(written, answer) => {
                if task.ready.links == Links::Refill {
                    learned.refill.push(local);
                    let (row, before) = (Arc::make_mut(&mut task.ready.local), Some(&task.base.row));
                    links::drop_unlinked(store, work.object(), row, before)?;
                    task.ready.key.revision = Revision::UNSETTLED;
                }
                changes.push(link(work, store, report, task.ready, written, answer, Some(&task.base))?);
                changes.push(Change::Settled { local });
                report.count(Operation::PushUpdate);
                continue;
            }
            Updated::Collides(other) => Failure::new(
                "user-key-taken",
                format!("another remote record, {other}, has this user key already: nothing was written"),
            ),
            Updated::Failed(error) => match refusal(error) {
                Ok(failure) => failure,
                Err(error) => {
                    stop = Some(error);
                    changes.push(Change::Settled { local });
                    continue;
                }
            },
        };
        if settled {
            changes.push(Change::Settled { local });
        }
        failures.push((subject, failure));
    }
    drop(snapshot);
    work.commit(store, changes, &mut failures)?;
    work.log(store, Operation::PushUpdate, failures)?;
    Ok(stop)
}

/// Sends the updates, in batches. Where there are several renames, every record is a batch of its own.
async fn update(
    remote: Arc<dyn Remote>,
    mapper: Arc<dyn Mapper>,
    tasks: Vec<Update>,
) -> Vec<(Update, Updated)> {
    let object = mapper.object();
    let renames = tasks.iter().filter(|task| task.renamed.is_some()).count();
    let mut results = Vec::with_capacity(tasks.len());
    let mut tasks = tasks.into_iter();
    loop {
        // A remote may have learned that it can take more at once.
        let most = if renames > 1 { 1 } else { remote.capabilities().write_batch.max(1) };
        let batch: Vec<Update> = tasks.by_ref().take(most).collect();
        if batch.is_empty() {
            return results;
        }
        let refused = collisions(&*remote, object, &batch).await;
        let updates: Vec<RemoteUpdate<'_>> = batch
            .iter()
            .zip(&refused)
            .filter(|(_, refused)| refused.is_none())
            .map(|(it, _)| RemoteUpdate {
                id: &it.task.pair.remote.id,
                expected: &it.task.expected,
                changes: &it.changes,
            })
            .collect();
        let mut written = remote.update_all(object, &updates).await;
        let mut answers = answers(&*mapper, written.iter_mut().flatten()).into_iter();
        let mut written = written.into_iter();
        for (task, refused) in batch.into_iter().zip(refused) {
            let result = refused.unwrap_or_else(|| match written.next() {
                Some(Ok(written)) => Updated::Written(written, answers.next().flatten()),
                Some(Err(error)) => Updated::Failed(error),
                None => Updated::Failed(unanswered()),
            });
            results.push((task, result));
        }
    }
}

/// Why an update must not be sent: another record has the user key that it brings (decision 5), or nobody knows.
async fn collisions(remote: &dyn Remote, object: &Object, batch: &[Update]) -> Vec<Option<Updated>> {
    let keys: Vec<&UserKey> = batch.iter().filter_map(|it| it.renamed.as_ref()).collect();
    let mut found = Vec::new();
    if !keys.is_empty() {
        found = look_up(remote, object, &keys).await;
    }
    let mut found = found.into_iter();
    let collision = |it: &Update| {
        it.renamed.as_ref()?;
        match found.next().unwrap_or_else(|| Err(no_answer())) {
            Ok(found) => {
                let mut others = found.into_iter().filter(|record| record.key.id != it.task.pair.remote.id);
                others.next().map(|other| Updated::Collides(other.key.id.0))
            }
            Err(error) => Some(Updated::Failed(error.into())),
        }
    };
    batch.iter().map(collision).collect()
}
