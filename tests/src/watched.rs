//! A store that is watched: before and after each call that changes it, somebody may have the process die.

use host::ports::{
    Baseline, Change, Changed, ConflictEntry, Intent, IssueEntry, LocalRecord, LocalStatus, ObjectState,
    Snapshot, Store, StoreError, Stretch, Unmade,
};
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId};
use sync_core::conflict::Choice;
use sync_core::object::{Object, ObjectName};

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of it has happened.
    Before,
    /// It is in the file.
    After,
}

/// Told of each call that changes the store; an error is the store's, and nothing of the call happens.
pub type Watcher<'a> = Box<dyn FnMut(Moment) -> Result<(), StoreError> + Send + 'a>;

/// A store with a watcher.
pub struct Watched<'a, S> {
    store: S,
    watcher: Watcher<'a>,
}

impl<'a, S: Store> Watched<'a, S> {
    /// Watches a store.
    pub fn new(store: S, watcher: Watcher<'a>) -> Watched<'a, S> {
        Watched { store, watcher }
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut S) -> Result<T, StoreError>) -> Result<T, StoreError> {
        (self.watcher)(Moment::Before)?;
        let answer = change(&mut self.store)?;
        (self.watcher)(Moment::After)?;
        Ok(answer)
    }
}

impl<S: Store> Store for Watched<'_, S> {
    fn attach(&mut self, object: &Object) -> Result<ObjectState, StoreError> {
        self.change(|store| store.attach(object))
    }

    fn count(&self, object: &Object) -> Result<u64, StoreError> {
        self.store.count(object)
    }

    fn local_keys(&self, object: &Object, after: Option<LocalId>) -> Result<Vec<LocalKey>, StoreError> {
        self.store.local_keys(object, after)
    }

    fn touched(&self, object: &Object) -> Result<Option<Vec<LocalId>>, StoreError> {
        self.store.touched(object)
    }

    fn local_statuses(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalStatus>, StoreError> {
        self.store.local_statuses(object, ids)
    }

    fn local_records(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalRecord>, StoreError> {
        self.store.local_records(object, ids)
    }

    fn pairs(
        &self,
        object: &ObjectName,
        after: Option<(&RemoteId, LocalId)>,
    ) -> Result<Vec<Pair>, StoreError> {
        self.store.pairs(object, after)
    }

    fn local_halves(&self, object: &ObjectName, after: Option<LocalId>) -> Result<Vec<LocalKey>, StoreError> {
        self.store.local_halves(object, after)
    }

    fn pairs_of_remote(&self, object: &ObjectName, ids: &[RemoteId]) -> Result<Vec<Pair>, StoreError> {
        self.store.pairs_of_remote(object, ids)
    }

    fn landmarks(&self, object: &ObjectName, every: usize) -> Result<Vec<RemoteId>, StoreError> {
        self.store.landmarks(object, every)
    }

    fn linked_in(&self, object: &ObjectName, stretch: Stretch<'_>) -> Result<Vec<RemoteId>, StoreError> {
        self.store.linked_in(object, stretch)
    }

    fn linked(&self, object: &ObjectName) -> Result<u64, StoreError> {
        self.store.linked(object)
    }

    fn deletes(&self, objects: &[&ObjectName]) -> Result<u64, StoreError> {
        self.store.deletes(objects)
    }

    fn beyond_filter(&self, object: &ObjectName) -> Result<Vec<RemoteId>, StoreError> {
        self.store.beyond_filter(object)
    }

    fn baselines(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<Baseline>, StoreError> {
        self.store.baselines(object, ids)
    }

    fn agreed(&self, object: &Object, pairs: Vec<Pair>) -> Result<Vec<Baseline>, StoreError> {
        self.store.agreed(object, pairs)
    }

    fn linking_to(
        &self,
        object: &Object,
        field: usize,
        targets: &[LocalId],
    ) -> Result<Vec<(LocalId, LocalId)>, StoreError> {
        self.store.linking_to(object, field, targets)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        self.store.snapshot()
    }

    fn linked_local(&self, object: &ObjectName, id: &RemoteId) -> Result<Option<LocalId>, StoreError> {
        self.store.linked_local(object, id)
    }

    fn linked_remote(&self, object: &ObjectName, id: LocalId) -> Result<Option<RemoteId>, StoreError> {
        self.store.linked_remote(object, id)
    }

    fn dangling(&self, object: &Object, field: usize, target: &Object) -> Result<Vec<LocalId>, StoreError> {
        self.store.dangling(object, field, target)
    }

    fn note_unmade(&mut self, object: &ObjectName, links: &[Unmade]) -> Result<(), StoreError> {
        match links {
            [] => Ok(()),
            links => self.change(|store| store.note_unmade(object, links)),
        }
    }

    fn set_aside(&mut self, object: &ObjectName, pairs: Vec<LocalId>) {
        self.store.set_aside(object, pairs);
    }

    fn note_remote(&mut self, object: &ObjectName, remote: &str) -> Result<(), StoreError> {
        self.change(|store| store.note_remote(object, remote))
    }

    fn choose(&mut self, conflict: &ConflictEntry, choice: Choice) -> Result<(), StoreError> {
        self.change(|store| store.choose(conflict, choice))
    }

    fn commit(&mut self, object: &Object, changes: Vec<Change>) -> Result<Vec<Changed>, StoreError> {
        self.change(|store| store.commit(object, changes))
    }

    fn intents(&self, object: &Object) -> Result<Vec<Intent>, StoreError> {
        self.store.intents(object)
    }

    fn record_issues(&mut self, run: &str, issues: &[IssueEntry]) -> Result<(), StoreError> {
        self.change(|store| store.record_issues(run, issues))
    }

    fn record_conflicts(&mut self, run: &str, conflicts: &[ConflictEntry]) -> Result<(), StoreError> {
        self.change(|store| store.record_conflicts(run, conflicts))
    }

    fn open_twins(&self, object: &ObjectName) -> Result<Vec<RemoteId>, StoreError> {
        self.store.open_twins(object)
    }

    fn choice(&self, conflict: &ConflictEntry) -> Result<Option<Choice>, StoreError> {
        self.store.choice(conflict)
    }

    fn finish(&mut self, run: &str, object: &Object, state: &ObjectState) -> Result<(), StoreError> {
        self.change(|store| store.finish(run, object, state))
    }

    fn pending(&self, object: &ObjectName) -> Result<(u64, u64), StoreError> {
        self.store.pending(object)
    }

    fn is_pending(&self, issue: &IssueEntry) -> Result<bool, StoreError> {
        self.store.is_pending(issue)
    }

    fn held_deletes(&self, object: &ObjectName) -> Result<u64, StoreError> {
        self.store.held_deletes(object)
    }
}
