//! The new local records on their way to be sent: prepared a few at a time, journalled in waves, sent in batches. What
//! comes next is prepared while batches are under way, and in small portions, so that the remote does not wait for the
//! local store.

use super::{Ready, prepare};
use crate::pipeline::links::{self, Links};
use crate::pipeline::operations::{Learned, Work};
use crate::pipeline::{Event, Failure, Stop, Subject};
use crate::ports::{Change, Intent, Store};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use sync_core::change_key::{LocalId, LocalKey, Revision};
use sync_core::object::{Object, UserKey};
use sync_core::operation::Operation;
use sync_core::value::{Row, Value};

/// Records that are journalled together, at most: one wait for the disk.
const WAVE: usize = 256;

/// Records that are prepared together: in less time than a batch is under way.
const PORTION: usize = 128;

/// A new local record and the key that it is looked up by.
pub(super) struct Candidate {
    pub(super) ready: Ready,
    pub(super) key: UserKey,
    /// All of its user keys, as [`name`] has them.
    names: Vec<String>,
}

/// New local records.
pub(super) struct Queue {
    waiting: VecDeque<LocalKey>,
    /// Prepared, and to be journalled.
    prepared: Vec<Candidate>,
    /// Prepared and journalled.
    ready: VecDeque<Candidate>,
    /// User keys of the candidates that are not settled.
    taken: HashSet<String>,
    /// User keys of those of which nobody knows whether they were inserted.
    doubtful: HashSet<String>,
    /// Records that have to wait until everything under way is settled, in their order.
    postponed: Vec<LocalKey>,
    /// Their user keys.
    reserved: HashSet<String>,
}

impl Queue {
    pub(super) fn new(records: Vec<LocalKey>) -> Queue {
        Queue {
            waiting: records.into(),
            prepared: Vec::new(),
            ready: VecDeque::new(),
            taken: HashSet::new(),
            doubtful: HashSet::new(),
            postponed: Vec::new(),
            reserved: HashSet::new(),
        }
    }

    /// The next records to send, so many at most: they are in the journal. None where all that are left have to wait
    /// for those under way; `idle`: there are none.
    pub(super) fn next(
        &mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        learned: &mut Learned,
        most: usize,
        idle: bool,
    ) -> Result<Vec<Candidate>, Stop> {
        if idle && self.ready.is_empty() && self.prepared.is_empty() {
            self.postponed.drain(..).rev().for_each(|key| self.waiting.push_front(key));
            self.reserved.clear();
        }
        if self.ready.is_empty() {
            while self.prepared.is_empty() && self.may_prepare(idle) {
                self.prepare(work, store, learned, idle)?;
            }
            self.journal(work.object(), store)?;
        }
        Ok(self.ready.drain(..self.ready.len().min(most)).collect())
    }

    /// Prepares some of the records that come next, while others are under way.
    pub(super) fn look_ahead(
        &mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        learned: &mut Learned,
    ) -> Result<(), Stop> {
        if self.prepared.len() + PORTION <= WAVE && self.may_prepare(false) {
            self.prepare(work, store, learned, false)?;
        }
        Ok(())
    }

    /// Those that wait are prepared anew each time, so that too many of them are not gathered.
    fn may_prepare(&self, idle: bool) -> bool {
        !self.waiting.is_empty() && (idle || self.postponed.len() < WAVE / 2)
    }

    /// A candidate is settled: others with its user key may follow.
    pub(super) fn settled(&mut self, candidate: &Candidate) {
        candidate.names.iter().for_each(|name| _ = self.taken.remove(name));
    }

    /// Nobody knows whether a candidate was inserted: others with its user key are not sent in this run.
    pub(super) fn unsettled(&mut self, candidate: &Candidate) {
        self.settled(candidate);
        self.doubtful.extend(candidate.names.iter().cloned());
    }

    /// The records that are journalled and will not be sent.
    pub(super) fn unsent(&mut self) -> impl Iterator<Item = LocalId> {
        self.ready.drain(..).map(|candidate| candidate.ready.key.id)
    }

    fn prepare(
        &mut self,
        work: &Work<'_>,
        store: &mut dyn Store,
        learned: &mut Learned,
        idle: bool,
    ) -> Result<(), Stop> {
        let object = work.object();
        let ids: Vec<LocalId> =
            self.waiting.drain(..self.waiting.len().min(PORTION)).map(|key| key.id).collect();
        let (ready, mut failed) = prepare(work, store, &ids, Operation::PushInsert)?;
        let Choice { candidates, keyless, doubtful } = self.choose(object, ready, idle);
        failed.extend(doubtful.into_iter().map(|id| (id, doubtful_twin())));
        learned.not_looked_up |= !failed.is_empty();
        let unsent: Vec<LocalId> = failed.iter().map(|(id, _)| *id).collect();
        learned.reserved.extend(user_keys(work, store, &unsent)?);
        failed.extend(keyless.into_iter().map(|id| (id, no_user_key(object))));
        let failures: Vec<_> =
            failed.into_iter().map(|(id, failure)| (Subject::local(id), failure)).collect();
        for mut candidate in candidates {
            // From here on the local row is what is sent: links that point forward are filled in later.
            let ready = &mut candidate.ready;
            if ready.links == Links::Refill {
                links::drop_unlinked(store, object, Arc::make_mut(&mut ready.local), None)?;
                ready.key.revision = Revision::UNSETTLED;
            }
            self.prepared.push(candidate);
        }
        work.observer.event(Event::Progress(failures.len() as u64));
        work.log(store, Operation::PushInsert, failures)
    }

    fn journal(&mut self, object: &Object, store: &mut dyn Store) -> Result<(), Stop> {
        let intent = |Candidate { ready, .. }: &Candidate| {
            Change::Intend(Intent {
                operation: Operation::PushInsert,
                local: ready.key.id,
                revision: ready.key.revision,
                remote: None,
                expected: None,
                row: Arc::clone(&ready.local),
            })
        };
        let intents: Vec<Change> = self.prepared.iter().map(intent).collect();
        if !intents.is_empty() {
            store.commit(object, intents)?;
        }
        self.ready.extend(self.prepared.drain(..));
        Ok(())
    }

    /// Chooses among the records of a portion. One that has a user key in common with a record before it is looked up
    /// after that is there: of two local twins the first is inserted, the second is an issue. One that links to a
    /// record that may be under way is prepared again when that is there.
    fn choose(&mut self, object: &Object, ready: Vec<Ready>, idle: bool) -> Choice {
        let mut chosen = Choice { candidates: Vec::with_capacity(ready.len()), ..Choice::default() };
        for ready in ready {
            let keys: Vec<UserKey> = object.filled_user_keys(&ready.remote).collect();
            // Any filled key counts, not just the first: the other record may be looked up by another one.
            let names: Vec<String> = keys.iter().map(name).collect();
            let Some(key) = keys.into_iter().next() else {
                chosen.keyless.push(ready.key.id);
                continue;
            };
            if names.iter().any(|it| self.doubtful.contains(it)) {
                chosen.doubtful.push(ready.key.id);
                continue;
            }
            let has_twin = names.iter().any(|it| self.taken.contains(it) || self.reserved.contains(it));
            if has_twin || (ready.links == Links::Refill && !idle) {
                self.reserved.extend(names);
                self.postponed.push(ready.key);
            } else {
                self.taken.extend(names.iter().cloned());
                chosen.candidates.push(Candidate { ready, key, names });
            }
        }
        chosen
    }
}

/// What becomes of the records of a portion; those that are left out wait.
#[derive(Default)]
struct Choice {
    candidates: Vec<Candidate>,
    /// Without any user key.
    keyless: Vec<LocalId>,
    /// Of one that has a user key of theirs nobody knows whether it was inserted.
    doubtful: Vec<LocalId>,
}

/// What a user key is called among those of other records; the same for two that a server may take for equal, because
/// it trims its texts, does not tell small letters from capitals, or keeps whole seconds.
fn name(key: &UserKey) -> String {
    let mut name = String::new();
    let mut add = |part: &str| {
        name.push_str(part);
        name.push(' ');
    };
    for (index, value) in &key.parts {
        add(&index.to_string());
        match value {
            Value::Text(text) => {
                let text = text.trim().to_lowercase();
                // It keeps two parts from being read as others.
                add(&text.len().to_string());
                add(&text);
            }
            Value::Timestamp(microseconds) => add(&microseconds.div_euclid(1_000_000).to_string()),
            other => add(&format!("{other:?}")),
        }
    }
    name
}

/// The user keys of new local records that cannot be sent, as far as they can be told.
fn user_keys(work: &Work<'_>, store: &dyn Store, ids: &[LocalId]) -> Result<Vec<UserKey>, Stop> {
    let object = work.object();
    let rows = store.local_records(object, ids)?.into_iter().filter_map(|record| record.row.ok());
    let unlinked: Vec<Row> = rows
        .map(|mut row| {
            links::leave_out(object, &mut row);
            row
        })
        .collect();
    let remote = work.participant().mapper.to_remote(&unlinked.iter().collect::<Vec<_>>());
    Ok(remote.iter().flatten().flat_map(|row| object.filled_user_keys(row)).collect())
}

fn doubtful_twin() -> Failure {
    let message = "has the user key of another new record, of which nobody knows whether it was inserted: nothing \
                   was sent; the next run finds out";
    Failure::new("waits-for-twin", message)
}

fn no_user_key(object: &Object) -> Failure {
    let name = |index: &usize| object.remote.get(*index).map_or("?", |field| &field.name);
    let keys: Vec<String> = object
        .user_keys
        .iter()
        .map(|key| format!("({})", key.iter().map(name).collect::<Vec<_>>().join(", ")))
        .collect();
    let message = format!("no user key has all its parts filled: fill one of {}", keys.join(", "));
    Failure::new("no-user-key", message)
}
