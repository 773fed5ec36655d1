//! Carries out the pipeline's changes, inside a transaction that the caller opened.

use super::attempt::attempt;
use super::baseline::{self, Entry};
use super::error::{is_refusal, refusal};
use super::images::{Image, Taker};
use super::records::{Stamp, Statements};
use super::table::Attached;
use super::{journal, logs};
use crate::ports::{Baseline, Change, Changed};
use rusqlite::Connection;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteKey, Revision};
use sync_core::object::Object;
use sync_core::value::{Kind, Row, Value};

/// Writes changes of one object.
///
/// The triggers count these writes like anybody's. The revision that they leave enters the baseline,
/// so that no write of ours comes back as a local change (decision 10).
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    object: &'a Object,
    attached: &'a Attached,
    /// Keeps what is overwritten and deleted.
    images: Option<&'a Taker>,
    /// What records are written with; `None` as long as none is.
    stamp: RefCell<Option<Stamp>>,
    /// Pairs that came, without those that went.
    linked: Cell<i64>,
    /// The newest record that had a pair before; `None` as long as nobody asked.
    newest: Cell<Option<Option<LocalId>>>,
}

impl<'a> Writer<'a> {
    /// For one transaction.
    pub(super) fn new(
        connection: &'a Connection,
        object: &'a Object,
        attached: &'a Attached,
        images: Option<&'a Taker>,
    ) -> Writer<'a> {
        Writer {
            connection,
            object,
            attached,
            images,
            stamp: RefCell::default(),
            linked: Cell::default(),
            newest: Cell::default(),
        }
    }

    /// Carries out all changes. What a constraint of the table refuses is that record's failure (decision 22):
    /// the others are carried out again, each by itself. That is the exception, so only then it costs anything.
    pub(super) fn apply_all(&self, changes: &[Change]) -> rusqlite::Result<Vec<Changed>> {
        self.begin(changes)?;
        let answers = match changes.iter().map(|change| self.apply(change)).collect() {
            Err(error) if is_refusal(&error) => self.apply_each(changes),
            result => result,
        }?;
        if self.stamp.take().is_some() {
            Statements::end(self.connection)?;
        }
        match self.linked.get() {
            0 => {}
            more => baseline::count_linked(self.connection, self.attached.id, more)?,
        }
        Ok(answers)
    }

    fn apply_each(&self, changes: &[Change]) -> rusqlite::Result<Vec<Changed>> {
        // Those that ended the whole transaction.
        let mut fatal: HashMap<usize, String> = HashMap::new();
        'again: loop {
            self.begin_again()?;
            self.begin(changes)?;
            let mut answers = Vec::with_capacity(changes.len());
            for (index, change) in changes.iter().enumerate() {
                if let Some(message) = fatal.get(&index) {
                    answers.push(self.refuse(change, message.clone())?);
                    continue;
                }
                let linked = self.linked.get();
                let attempted = attempt(self.connection, || self.apply(change))?;
                if attempted.is_err() {
                    self.linked.set(linked);
                }
                match attempted {
                    Ok(answer) => answers.push(answer),
                    Err(error) if self.connection.is_autocommit() => {
                        fatal.insert(index, refusal(&error));
                        continue 'again;
                    }
                    Err(error) => answers.push(self.refuse(change, refusal(&error))?),
                }
            }
            return Ok(answers);
        }
    }

    /// All records that a transaction writes have one revision, for which the table's triggers need not write them
    /// again.
    fn begin(&self, changes: &[Change]) -> rusqlite::Result<()> {
        self.linked.set(0);
        if writes_records(changes) {
            self.stamp.replace(Some(Statements::begin(self.connection)?));
        }
        Ok(())
    }

    /// Begins the transaction anew; the caller ends it as it would have ended its own.
    fn begin_again(&self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    /// The table refuses a change. A link is entered all the same, without its fields, and open: the other side
    /// has the record, and the next run finds that the fields are not what was agreed.
    fn refuse(&self, change: &Change, message: String) -> rusqlite::Result<Changed> {
        if let Change::Link { baseline, .. } = change {
            let mut open = baseline.clone();
            open.pair.revision = Revision::UNSETTLED;
            self.link(&open, &[])?;
        }
        Ok(Changed::Refused { message })
    }

    /// Carries out one change, or nothing of it where the record moved since the compare.
    fn apply(&self, change: &Change) -> rusqlite::Result<Changed> {
        let unrevised = |id| Ok(Changed::Done(LocalKey { id, revision: Revision::UNSETTLED }));
        match change {
            Change::Insert { row, remote, beyond_filter } => self.insert(row, remote, *beyond_filter),
            Change::Update { local, expected, row, remote } => self.update(*local, *expected, row, remote),
            Change::Delete { local, expected } => self.delete(*local, *expected),
            Change::Link { baseline, fields } => self.link(baseline, fields),
            Change::Settle { local, expected, fields, agreed } => {
                self.settle(*local, *expected, fields, agreed.as_ref())
            }
            Change::Forget { local } => {
                self.forget(*local)?;
                self.touch(*local, self.revision(*local)?.is_some())?;
                unrevised(*local)
            }
            Change::Intend(intent) => {
                journal::intend(self.connection, self.attached.id, self.attached.fields, intent)?;
                Ok(Changed::Done(LocalKey { id: intent.local, revision: intent.revision }))
            }
            Change::Settled { local } => {
                journal::settled(self.connection, self.attached.id, *local)?;
                unrevised(*local)
            }
        }
    }

    /// What the remote did not send is null in the new record, and so in what both sides agree on.
    fn insert(&self, row: &Row, remote: &RemoteKey, beyond_filter: bool) -> rusqlite::Result<Changed> {
        let stamp = match self.stamp.borrow().clone() {
            Some(stamp) => stamp,
            None => Statements::begin(self.connection)?,
        };
        let local = self.attached.sql.insert(self.connection, row, &stamp)?;
        let null = |value: &Value| if *value == Value::Absent { Value::Null } else { value.clone() };
        let sent_all = !row.contains(&Value::Absent);
        let row = &if sent_all { Cow::Borrowed(row) } else { Cow::Owned(row.iter().map(null).collect()) };
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        let entry = Entry { local, remote, revision, row, beyond_filter: Some(beyond_filter) };
        // An id that comes back all the same, in a table that somebody made anew, may still have a pair.
        let newest = match self.newest.get() {
            Some(newest) => newest,
            None => baseline::newest(self.connection, self.attached.id)?,
        };
        self.newest.set(Some(newest));
        let is_new = newest.is_none_or(|newest| newest < local);
        if baseline::enter(self.connection, self.attached.id, self.attached.fields, &entry, is_new)? {
            self.linked.set(self.linked.get() + 1);
        }
        // Where a trigger that a person made wrote the record once more, ours entered it.
        if is_open(remote) || revision != stamp.revision {
            self.touch(local, is_open(remote))?;
        }
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    fn update(
        &self,
        local: LocalId,
        expected: Revision,
        row: &Row,
        remote: &RemoteKey,
    ) -> rusqlite::Result<Changed> {
        if self.revision(local)? != Some(expected) {
            return Ok(Changed::Moved);
        }
        let image = self.image(local, row.iter().enumerate(), |_, _, _| true)?;
        self.attached.sql.update(self.connection, local, self.object.local.iter().zip(row))?;
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        self.overwrote(local, image, expected, revision)?;
        let row = &self.agreed(local, row)?;
        self.enter(&Entry { local, remote, revision, row, beyond_filter: None })?;
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// Already gone is done (decision 11).
    fn delete(&self, local: LocalId, expected: Option<Revision>) -> rusqlite::Result<Changed> {
        let found = self.revision(local)?;
        if found.is_some() && expected.is_some() && found != expected {
            return Ok(Changed::Moved);
        }
        if let Some(found) = found {
            if let Some(taker) = self.images
                && let Some(image) = taker.look_whole(self.connection, self.object, local)?
            {
                taker.enter(self.connection, self.object, local, &image, (found, None))?;
            }
            self.attached.sql.delete(self.connection, local)?;
        }
        self.forget(local)?;
        self.touch(local, false)?;
        let revision = found.or(expected).unwrap_or(Revision::UNSETTLED);
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// A record edited or deleted since keeps the revision that was synchronized, so that the next
    /// run finds the edit or the delete.
    fn link(&self, baseline: &Baseline, fields: &[(usize, Value)]) -> rusqlite::Result<Changed> {
        let pair = &baseline.pair;
        let before = self.revision(pair.local)?;
        let image = self.image_of_link(pair.local, fields)?;
        self.write_fields(pair.local, before, fields, image)?;
        let after = self.revision(pair.local)?.unwrap_or(pair.revision);
        let revision = if before == Some(pair.revision) { after } else { pair.revision };
        let beyond_filter = Some(baseline.beyond_filter);
        let (remote, row) = (&pair.remote, &baseline.row);
        self.enter(&Entry { local: pair.local, remote, revision, row, beyond_filter })?;
        Ok(Changed::Done(LocalKey { id: pair.local, revision: after }))
    }

    fn settle(
        &self,
        local: LocalId,
        expected: Option<Revision>,
        fields: &[(usize, Value)],
        agreed: Option<&Baseline>,
    ) -> rusqlite::Result<Changed> {
        let found = self.revision(local)?;
        if found != expected {
            return Ok(Changed::Moved);
        }
        match agreed {
            Some(agreed) => {
                let all = |_: usize, _: &Value, _: &Value| true;
                let image = self.image(local, fields.iter().map(|(index, value)| (*index, value)), all)?;
                self.write_fields(local, found, fields, image)?;
                let Pair { remote, revision, .. } = &agreed.pair;
                let (row, beyond_filter) = (&agreed.row, Some(agreed.beyond_filter));
                self.enter(&Entry { local, remote, revision: *revision, row, beyond_filter })?;
            }
            None => {
                self.forget(local)?;
                self.touch(local, found.is_some())?;
            }
        }
        logs::settled(self.connection, self.object.name.as_str(), local)?;
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// Writes fields of a record that has this revision, and keeps the image of it.
    fn write_fields(
        &self,
        local: LocalId,
        found: Option<Revision>,
        fields: &[(usize, Value)],
        image: Option<Image>,
    ) -> rusqlite::Result<()> {
        let Some(found) = found.filter(|_| !fields.is_empty()) else { return Ok(()) };
        let writes = fields
            .iter()
            .filter_map(|(index, value)| self.object.local.get(*index).map(|field| (field, value)));
        self.attached.sql.update(self.connection, local, writes)?;
        let left = self.revision(local)?.unwrap_or(found);
        self.overwrote(local, image, found, left)
    }

    /// What the server computed anew is no loss. A person's edit that is put back is one (decision 9), and so is
    /// a link to a record that was deleted.
    fn image_of_link(&self, local: LocalId, fields: &[(usize, Value)]) -> rusqlite::Result<Option<Image>> {
        if self.images.is_none() || fields.is_empty() {
            return Ok(None);
        }
        let agreed = baseline::entries(self.connection, self.object, self.attached.id, &[local])?.pop();
        let matters = |index: usize, old: &Value, new: &Value| {
            let links =
                || self.object.local.get(index).is_some_and(|field| matches!(field.kind, Kind::Reference(_)));
            let edited = match agreed.as_ref().and_then(|entry| entry.row.get(index)) {
                Some(agreed) => old != agreed,
                None => old.is_filled(),
            };
            edited || (*new == Value::Null && links())
        };
        self.image(local, fields.iter().map(|(index, value)| (*index, value)), matters)
    }

    fn image<'v>(
        &self,
        local: LocalId,
        writes: impl Iterator<Item = (usize, &'v Value)>,
        matters: impl Fn(usize, &Value, &Value) -> bool,
    ) -> rusqlite::Result<Option<Image>> {
        match self.images {
            Some(taker) => taker.look(self.connection, self.object, local, writes, matters),
            None => Ok(None),
        }
    }

    fn overwrote(
        &self,
        local: LocalId,
        image: Option<Image>,
        found: Revision,
        left: Revision,
    ) -> rusqlite::Result<()> {
        let Some(taker) = self.images else { return Ok(()) };
        match image {
            Some(image) => taker.enter(self.connection, self.object, local, &image, (found, Some(left))),
            None => taker.follow(self.connection, self.object, local, (found, left)),
        }
    }

    /// What the remote did not send stays as it is in the record, and so in what both agreed on.
    fn agreed<'r>(&self, local: LocalId, row: &'r Row) -> rusqlite::Result<Cow<'r, Row>> {
        if !row.contains(&Value::Absent) {
            return Ok(Cow::Borrowed(row));
        }
        let before = baseline::entries(self.connection, self.object, self.attached.id, &[local])?;
        let mut row = row.clone();
        for (value, agreed) in row.iter_mut().zip(before.into_iter().flat_map(|entry| entry.row)) {
            if *value == Value::Absent {
                *value = agreed;
            }
        }
        Ok(Cow::Owned(row))
    }

    fn revision(&self, local: LocalId) -> rusqlite::Result<Option<Revision>> {
        self.attached.sql.revision(self.connection, local)
    }

    /// Enters a pair, and whether the next run has to look at it.
    fn enter(&self, entry: &Entry<'_>) -> rusqlite::Result<()> {
        let Attached { id, fields, .. } = *self.attached;
        if baseline::enter(self.connection, id, fields, entry, false)? {
            self.linked.set(self.linked.get() + 1);
        }
        let is_touched = self.revision(entry.local)? != Some(entry.revision);
        self.touch(entry.local, is_touched || is_open(entry.remote))
    }

    fn forget(&self, local: LocalId) -> rusqlite::Result<()> {
        if baseline::forget(self.connection, self.attached.id, local)? {
            self.linked.set(self.linked.get() - 1);
        }
        Ok(())
    }

    fn touch(&self, local: LocalId, touched: bool) -> rusqlite::Result<()> {
        baseline::touch(self.connection, self.attached.id, local, touched)
    }
}

/// Whether the remote record's content decides next time.
fn is_open(remote: &RemoteKey) -> bool {
    remote.token_to_keep().0.is_empty()
}

/// Whether any of the changes writes a local record.
fn writes_records(changes: &[Change]) -> bool {
    changes.iter().any(|change| match change {
        Change::Insert { .. } | Change::Update { .. } => true,
        Change::Link { fields, .. } | Change::Settle { fields, .. } => !fields.is_empty(),
        Change::Delete { .. } | Change::Forget { .. } | Change::Intend(_) | Change::Settled { .. } => false,
    })
}
