//! The port's side of [`SqliteStore`]: each call checked, delegated, and each failure named.

use super::commit::Writer;
use super::error::unfit;
use super::refusal::Refusal;
use super::sqlite::{Mode, SqliteStore};
use super::table::{self, AttachError};
use super::{baseline, journal, logs, pairs, runs, unmade};
use crate::ports::{
    Baseline, Change, Changed, ConflictEntry, Intent, IssueEntry, LocalRecord, LocalStatus, ObjectState,
    Snapshot, Store, StoreError, Stretch, Unmade,
};
use crate::shown::shown;
use rusqlite::Connection;
use std::sync::Arc;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId};
use sync_core::conflict::Choice;
use sync_core::object::{Object, ObjectName};

impl Store for SqliteStore {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        if !self.connection.is_autocommit() {
            return Ok(Box::new(()));
        }
        match self.connection.unchecked_transaction() {
            Ok(transaction) => Ok(Box::new(transaction)),
            Err(error) => Err(self.failed("begin to read")(error)),
        }
    }

    fn attach(&mut self, object: &Object) -> Result<ObjectState, StoreError> {
        let name = object.name.as_str();
        let attached = match self.mode {
            Mode::ReadWrite => table::attach(&mut self.connection, object),
            Mode::ReadOnly => table::inspect(&self.connection, object),
        };
        let doing = format!("attach the table of {name}");
        let refused = |refusal: &Refusal| {
            unfit(
                format!("the table {name} in {} cannot be used: it {}", shown(&self.path), refusal.why),
                format!(
                    "these statements make it usable; take a copy of the file first:\n{}",
                    refusal.statements
                ),
            )
        };
        let attached = attached.map_err(|error| match error {
            AttachError::Sqlite(error) => self.failed(&doing)(error),
            AttachError::Refused(refusal) => refused(&refusal),
        })?;
        let mut state = table::state(&self.connection, attached.id).map_err(self.failed(&doing))?;
        state.refused = attached.refused.as_ref().map(refused);
        self.attached.insert(object.name.clone(), Arc::new(attached));
        Ok(state)
    }

    fn count(&self, object: &Object) -> Result<u64, StoreError> {
        let attached = self.table(&object.name)?;
        // Where nothing is linked, all that is there was touched.
        let count = match attached.tells && self.linked(&object.name)? > 0 {
            true => attached.sql.derived_count(&self.connection, attached.id),
            false => attached.sql.count(&self.connection),
        };
        count.map_err(self.failed(&format!("count the records of {}", object.name)))
    }

    fn local_keys(&self, object: &Object, after: Option<LocalId>) -> Result<Vec<LocalKey>, StoreError> {
        let sql = &self.table(&object.name)?.sql;
        sql.keys(&self.connection, after)
            .map_err(self.failed(&format!("list the records of {}", object.name)))
    }

    fn touched(&self, object: &Object) -> Result<Option<Vec<LocalId>>, StoreError> {
        let attached = self.table(&object.name)?;
        if !attached.tells {
            return Ok(None);
        }
        let touched = baseline::touched(&self.connection, attached.id);
        touched.map(Some).map_err(self.failed(&format!("list what was touched of {}", object.name)))
    }

    fn local_statuses(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalStatus>, StoreError> {
        let _snapshot = self.snapshot_for(ids)?;
        let attached = self.table(&object.name)?;
        attached
            .sql
            .local_statuses(&self.connection, attached.id, ids)
            .map_err(self.failed(&format!("look up the records of {}", object.name)))
    }

    fn local_records(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<LocalRecord>, StoreError> {
        let _snapshot = self.snapshot_for(ids)?;
        let sql = &self.table(&object.name)?.sql;
        sql.records(&self.connection, object, ids)
            .map_err(self.failed(&format!("read the records of {}", object.name)))
    }

    fn pairs(
        &self,
        object: &ObjectName,
        after: Option<(&RemoteId, LocalId)>,
    ) -> Result<Vec<Pair>, StoreError> {
        pairs::following(&self.connection, self.number(object)?, after)
            .map_err(self.failed(&format!("list the baseline of {object}")))
    }

    fn local_halves(&self, object: &ObjectName, after: Option<LocalId>) -> Result<Vec<LocalKey>, StoreError> {
        pairs::local_halves(&self.connection, self.number(object)?, after)
            .map_err(self.failed(&format!("list the baseline of {object}")))
    }

    fn pairs_of_remote(&self, object: &ObjectName, ids: &[RemoteId]) -> Result<Vec<Pair>, StoreError> {
        let _snapshot = self.snapshot_for(ids)?;
        pairs::pairs_of_remote(&self.connection, self.number(object)?, ids)
            .map_err(self.failed(&format!("read the baseline of {object}")))
    }

    fn landmarks(&self, object: &ObjectName, every: usize) -> Result<Vec<RemoteId>, StoreError> {
        pairs::landmarks(&self.connection, self.number(object)?, every)
            .map_err(self.failed(&format!("read the baseline of {object}")))
    }

    fn linked_in(&self, object: &ObjectName, stretch: Stretch<'_>) -> Result<Vec<RemoteId>, StoreError> {
        pairs::linked_in(&self.connection, self.number(object)?, stretch)
            .map_err(self.failed(&format!("read the baseline of {object}")))
    }

    fn linked(&self, object: &ObjectName) -> Result<u64, StoreError> {
        pairs::linked(&self.connection, self.number(object)?)
            .map_err(self.failed(&format!("count the baseline of {object}")))
    }

    fn beyond_filter(&self, object: &ObjectName) -> Result<Vec<RemoteId>, StoreError> {
        pairs::beyond_filter(&self.connection, self.number(object)?)
            .map_err(self.failed(&format!("list the baseline of {object}")))
    }

    fn baselines(&self, object: &Object, ids: &[LocalId]) -> Result<Vec<Baseline>, StoreError> {
        let _snapshot = self.snapshot_for(ids)?;
        let number = self.table(&object.name)?.id;
        baseline::entries(&self.connection, object, number, ids)
            .map_err(self.failed(&format!("read the baseline of {}", object.name)))
    }

    fn agreed(&self, object: &Object, pairs: Vec<Pair>) -> Result<Vec<Baseline>, StoreError> {
        let _snapshot = self.snapshot_for(&pairs)?;
        let number = self.table(&object.name)?.id;
        baseline::agreed(&self.connection, object, number, pairs)
            .map_err(self.failed(&format!("read the baseline of {}", object.name)))
    }

    fn linking_to(
        &self,
        object: &Object,
        field: usize,
        targets: &[LocalId],
    ) -> Result<Vec<(LocalId, LocalId)>, StoreError> {
        let sql = &self.table(&object.name)?.sql;
        let Some(field) = object.local.get(field) else { return Ok(Vec::new()) };
        sql.linking_to(&self.connection, field, targets)
            .map_err(self.failed(&format!("look up the links of {}", object.name)))
    }

    fn dangling(&self, object: &Object, field: usize, target: &Object) -> Result<Vec<LocalId>, StoreError> {
        let (sql, target) = (&self.table(&object.name)?.sql, self.table(&target.name)?);
        let Some(field) = object.local.get(field) else { return Ok(Vec::new()) };
        sql.dangling(&self.connection, field, target)
            .map_err(self.failed(&format!("look up the links of {}", object.name)))
    }

    fn deletes(&self, objects: &[&ObjectName]) -> Result<u64, StoreError> {
        table::deletes(&self.connection, objects).map_err(self.failed("count what was deleted"))
    }

    fn linked_local(&self, object: &ObjectName, id: &RemoteId) -> Result<Option<LocalId>, StoreError> {
        let aside = |local| self.is_aside(object, local);
        pairs::linked_local(&self.connection, self.number(object)?, id, aside)
            .map_err(|error| self.failed(&format!("look up a link to {object}"))(error))
    }

    fn linked_remote(&self, object: &ObjectName, id: LocalId) -> Result<Option<RemoteId>, StoreError> {
        if self.is_aside(object, id) {
            return Ok(None);
        }
        pairs::linked_remote(&self.connection, self.number(object)?, id)
            .map_err(|error| self.failed(&format!("look up a link to {object}"))(error))
    }

    fn note_unmade(&mut self, object: &ObjectName, links: &[Unmade]) -> Result<(), StoreError> {
        if links.is_empty() {
            return Ok(());
        }
        let number = self.number(object)?;
        let targets: Vec<i64> =
            links.iter().map(|link| self.number(&link.target)).collect::<Result<_, _>>()?;
        self.write_lazily(&format!("note links of {object}"), |connection| {
            let mut links = links.iter().zip(targets);
            links.try_for_each(|(link, target)| unmade::note(connection, number, target, link))
        })
    }

    fn set_aside(&mut self, object: &ObjectName, pairs: Vec<LocalId>) {
        self.aside.entry(object.clone()).or_default().extend(pairs);
    }

    fn commit(&mut self, object: &Object, changes: Vec<Change>) -> Result<Vec<Changed>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let attached = self.table(&object.name)?.clone();
        let taker = self.images.as_ref().and_then(|images| images.taker(object));
        let doing = format!("change the records of {}", object.name);
        let mut pass_by = self.pass_by;
        let apply = |connection: &Connection| {
            let writer = Writer::new(connection, object, &attached, taker.as_ref(), &mut pass_by)?;
            let answers = writer.apply_all(&changes)?;
            let too_many = taker.as_ref().map_or(Ok(false), |taker| taker.end(connection))?;
            Ok((answers, too_many))
        };
        // What is about to be sent must survive a power cut (decision 15). All else is found again: what was pulled by
        // the compare, what was pushed by the journal.
        let (answers, too_many) = if changes.iter().any(|change| matches!(change, Change::Intend(_))) {
            self.write(&doing, apply)?
        } else {
            self.write_lazily(&doing, apply)?
        };
        self.pass_by = pass_by;
        if let Some(images) = &mut self.images {
            taker.iter().for_each(|taker| images.committed(&object.name, taker));
            if too_many {
                images.stop();
            }
            let first = changes.iter().zip(&answers).find_map(|it| match it {
                (Change::Insert { .. }, Changed::Done(key)) => Some(key.id),
                _ => None,
            });
            if let Some(first) = first {
                images.inserted(&object.name, first);
            }
        }
        Ok(answers)
    }

    fn intents(&self, object: &Object) -> Result<Vec<Intent>, StoreError> {
        let number = self.table(&object.name)?.id;
        journal::intents(&self.connection, object, number)
            .map_err(self.failed(&format!("read the journal of {}", object.name)))
    }

    fn record_issues(&mut self, run: &str, issues: &[IssueEntry]) -> Result<(), StoreError> {
        self.write("enter issues", |connection| {
            issues.iter().try_for_each(|issue| logs::record_issue(connection, run, issue))
        })
    }

    fn record_conflicts(&mut self, run: &str, conflicts: &[ConflictEntry]) -> Result<(), StoreError> {
        self.write("enter conflicts", |connection| {
            conflicts.iter().try_for_each(|conflict| logs::record_conflict(connection, run, conflict))
        })
    }

    fn open_twins(&self, object: &ObjectName) -> Result<Vec<RemoteId>, StoreError> {
        logs::twins(&self.connection, object.as_str()).map_err(self.failed("read the issues"))
    }

    fn choice(&self, conflict: &ConflictEntry) -> Result<Option<Choice>, StoreError> {
        logs::choice(&self.connection, conflict).map_err(self.failed("read a choice"))
    }

    fn choose(&mut self, conflict: &ConflictEntry, choice: Choice) -> Result<(), StoreError> {
        self.write("record a choice", |connection| logs::choose(connection, conflict, choice))
    }

    fn note_remote(&mut self, object: &ObjectName, remote: &str) -> Result<(), StoreError> {
        self.write(&format!("note the server of {object}"), |connection| {
            runs::note_remote(connection, object.as_str(), remote)
        })
    }

    fn finish(&mut self, run: &str, object: &Object, state: &ObjectState) -> Result<(), StoreError> {
        let name = object.name.as_str();
        // Should a power cut undo it, the next run begins where this one did, and finds the same.
        self.write_lazily(&format!("enter the end of {name}"), |connection| {
            logs::sweep(connection, run, name)?;
            runs::remember(connection, name, state)
        })
    }

    fn pending(&self, object: &ObjectName) -> Result<(u64, u64), StoreError> {
        logs::pending(&self.connection, object.as_str())
            .map_err(self.failed(&format!("count what is pending of {object}")))
    }

    fn is_pending(&self, issue: &IssueEntry) -> Result<bool, StoreError> {
        logs::is_pending(&self.connection, issue).map_err(self.failed("look up an issue"))
    }

    fn held_deletes(&self, object: &ObjectName) -> Result<u64, StoreError> {
        runs::held_deletes(&self.connection, object.as_str())
            .map_err(self.failed(&format!("count the held deletes of {object}")))
    }
}

impl SqliteStore {
    /// The object's number. It need not be attached: links lead to objects that take no part in the run.
    fn number(&self, object: &ObjectName) -> Result<i64, StoreError> {
        match self.attached.get(object) {
            Some(attached) => Ok(attached.id),
            None => table::number(&self.connection, object)
                .map_err(|error| self.failed(&format!("look up {object}"))(error)),
        }
    }

    fn is_aside(&self, object: &ObjectName, local: LocalId) -> bool {
        self.aside.get(object).is_some_and(|aside| aside.contains(&local))
    }

    /// Worth it where there are several: one look-up is a transaction of its own.
    fn snapshot_for<T>(&self, looked_up: &[T]) -> Result<Option<Box<dyn Snapshot + '_>>, StoreError> {
        (looked_up.len() > 1).then(|| self.snapshot()).transpose()
    }
}
