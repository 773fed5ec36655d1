//! Carries out the pipeline's changes, inside a transaction that the caller opened.

use super::attempt::attempt;
use super::baseline::{self, Entering, Entry};
use super::error::{is_refusal, refusal};
use super::images::{Image, Taker};
use super::records::{Stamp, Statements};
use super::table::Attached;
use super::{journal, logs};
use crate::ports::{Baseline, Change, Changed};
use rusqlite::{CachedStatement, Connection};
use std::borrow::Cow;
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
    // What is executed for every record, or almost: looking a statement up takes as long as many of them.
    insert: CachedStatement<'a>,
    revision: CachedStatement<'a>,
    entering: Entering<'a>,
    /// The statement of the last write of fields, and which fields that writes.
    update: Option<(Vec<usize>, CachedStatement<'a>)>,
    /// What records are written with; `None` as long as none is.
    stamp: Option<Stamp>,
    /// Pairs that came, without those that went.
    linked: i64,
    /// The newest record that has a pair; `None` as long as nobody asked.
    newest: Option<Option<LocalId>>,
}

impl<'a> Writer<'a> {
    /// For one transaction.
    pub(super) fn new(
        connection: &'a Connection,
        object: &'a Object,
        attached: &'a Attached,
        images: Option<&'a Taker>,
    ) -> rusqlite::Result<Writer<'a>> {
        Ok(Writer {
            connection,
            object,
            attached,
            images,
            insert: connection.prepare_cached(&attached.sql.insert)?,
            revision: connection.prepare_cached(&attached.sql.revision)?,
            entering: Entering::new(connection)?,
            update: None,
            stamp: None,
            linked: 0,
            newest: None,
        })
    }

    /// Carries out all changes. What a constraint of the table refuses is that record's failure (decision 22):
    /// the others are carried out again, each by itself. That is the exception, so only then it costs anything.
    pub(super) fn apply_all(mut self, changes: &[Change]) -> rusqlite::Result<Vec<Changed>> {
        self.begin(changes)?;
        let answers = match changes.iter().map(|change| self.apply(change)).collect() {
            Err(error) if is_refusal(&error) => self.apply_each(changes),
            result => result,
        }?;
        if self.stamp.take().is_some() {
            Statements::end(self.connection)?;
        }
        match self.linked {
            0 => {}
            more => baseline::count_linked(self.connection, self.attached.id, more)?,
        }
        Ok(answers)
    }

    fn apply_each(&mut self, changes: &[Change]) -> rusqlite::Result<Vec<Changed>> {
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
                let (linked, newest) = (self.linked, self.newest);
                let attempted = attempt(self.connection, || self.apply(change))?;
                if attempted.is_err() {
                    (self.linked, self.newest) = (linked, newest);
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
    fn begin(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        (self.linked, self.newest) = (0, None);
        if writes_records(changes) {
            self.stamp = Some(Statements::begin(self.connection)?);
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
    fn refuse(&mut self, change: &Change, message: String) -> rusqlite::Result<Changed> {
        if let Change::Link { baseline, .. } = change {
            let mut open = baseline.clone();
            open.pair.revision = Revision::UNSETTLED;
            self.link(&open, &[])?;
        }
        Ok(Changed::Refused { message })
    }

    /// Carries out one change, or nothing of it where the record moved since the compare.
    fn apply(&mut self, change: &Change) -> rusqlite::Result<Changed> {
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
                let is_left = self.revision(*local)?.is_some();
                self.touch(*local, is_left)?;
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
    fn insert(&mut self, row: &Row, remote: &RemoteKey, beyond_filter: bool) -> rusqlite::Result<Changed> {
        let stamp = self.stamp.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        let written = stamp.revision;
        let local = Statements::insert(self.connection, &mut self.insert, row, stamp)?;
        let null = |value: &Value| if *value == Value::Absent { Value::Null } else { value.clone() };
        let sent_all = !row.contains(&Value::Absent);
        let row = &if sent_all { Cow::Borrowed(row) } else { Cow::Owned(row.iter().map(null).collect()) };
        let found = self.revision(local)?;
        let revision = found.unwrap_or(Revision::UNSETTLED);
        // An id that comes back all the same, in a table that somebody made anew, may still have a pair.
        let is_new = self.is_new(local)?;
        self.pair(&Entry { local, remote, revision, row, beyond_filter: Some(beyond_filter) }, is_new)?;
        // Where a trigger that a person made wrote the record once more, or deleted it, ours entered it.
        if is_open(remote) || found != Some(written) {
            self.touch(local, is_open(remote) || found.is_none())?;
        }
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    fn update(
        &mut self,
        local: LocalId,
        expected: Revision,
        row: &Row,
        remote: &RemoteKey,
    ) -> rusqlite::Result<Changed> {
        if self.revision(local)? != Some(expected) {
            return Ok(Changed::Moved);
        }
        let image = self.image(local, row.iter().enumerate(), |_, _, _| true)?;
        self.overwrite(local, row.iter().enumerate())?;
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        self.overwrote(local, image, expected, revision)?;
        let row = &self.agreed(local, row)?;
        self.enter(&Entry { local, remote, revision, row, beyond_filter: None }, false, Some(revision))?;
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// Already gone is done (decision 11).
    fn delete(&mut self, local: LocalId, expected: Option<Revision>) -> rusqlite::Result<Changed> {
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
        // A trigger that a person made may have put the record back.
        let is_left = self.revision(local)?.is_some();
        self.touch(local, is_left)?;
        let revision = found.or(expected).unwrap_or(Revision::UNSETTLED);
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// A record edited or deleted since keeps the revision that was synchronized, so that the next
    /// run finds the edit or the delete.
    fn link(&mut self, baseline: &Baseline, fields: &[(usize, Value)]) -> rusqlite::Result<Changed> {
        let pair = &baseline.pair;
        let is_new = self.is_new(pair.local)?;
        let before = self.revision(pair.local)?;
        let image = self.image_of_link(pair.local, fields, is_new)?;
        let after = self.write_fields(pair.local, before, fields, image)?;
        let revision = match after {
            Some(after) if before == Some(pair.revision) => after,
            _ => pair.revision,
        };
        let beyond_filter = Some(baseline.beyond_filter);
        let (remote, row) = (&pair.remote, &baseline.row);
        self.enter(&Entry { local: pair.local, remote, revision, row, beyond_filter }, is_new, after)?;
        Ok(Changed::Done(LocalKey { id: pair.local, revision: after.unwrap_or(pair.revision) }))
    }

    fn settle(
        &mut self,
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
                let left = self.write_fields(local, found, fields, image)?;
                let Pair { remote, revision, .. } = &agreed.pair;
                let (row, beyond_filter) = (&agreed.row, Some(agreed.beyond_filter));
                self.enter(&Entry { local, remote, revision: *revision, row, beyond_filter }, false, left)?;
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

    /// Writes fields of a record that has this revision, and keeps the image of it. The revision that it has then.
    fn write_fields(
        &mut self,
        local: LocalId,
        found: Option<Revision>,
        fields: &[(usize, Value)],
        image: Option<Image>,
    ) -> rusqlite::Result<Option<Revision>> {
        let Some(before) = found.filter(|_| !fields.is_empty()) else { return Ok(found) };
        self.overwrite(local, fields.iter().map(|(index, value)| (*index, value)))?;
        let left = self.revision(local)?;
        self.overwrote(local, image, before, left.unwrap_or(before))?;
        Ok(left)
    }

    /// Writes fields, but for those that are absent.
    fn overwrite<'v>(
        &mut self,
        local: LocalId,
        fields: impl Iterator<Item = (usize, &'v Value)>,
    ) -> rusqlite::Result<()> {
        let (fields, values): (Vec<usize>, Vec<&Value>) =
            fields.filter(|(_, value)| **value != Value::Absent).unzip();
        if fields.is_empty() {
            return Ok(());
        }
        let stamp = self.stamp.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        let statement = match &mut self.update {
            Some((these, statement)) if *these == fields => statement,
            other => {
                let statement =
                    self.connection.prepare_cached(&self.attached.sql.update(self.object, &fields))?;
                &mut other.insert((fields, statement)).1
            }
        };
        Statements::overwrite(statement, local, values.into_iter(), stamp)
    }

    /// What the server computed anew is no loss. A person's edit that is put back is one (decision 9), and so is
    /// a link to a record that was deleted.
    fn image_of_link(
        &self,
        local: LocalId,
        fields: &[(usize, Value)],
        is_new: bool,
    ) -> rusqlite::Result<Option<Image>> {
        if self.images.is_none() || fields.is_empty() {
            return Ok(None);
        }
        let agreed = match is_new {
            true => None,
            false => baseline::entries(self.connection, self.object, self.attached.id, &[local])?.pop(),
        };
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

    fn revision(&mut self, local: LocalId) -> rusqlite::Result<Option<Revision>> {
        Statements::revision(&mut self.revision, local)
    }

    /// Whether a record certainly has no pair: its id comes after those of all that have one.
    fn is_new(&mut self, local: LocalId) -> rusqlite::Result<bool> {
        let newest = match self.newest {
            Some(newest) => newest,
            None => *self.newest.insert(baseline::newest(self.connection, self.attached.id)?),
        };
        Ok(newest.is_none_or(|newest| newest < local))
    }

    /// Enters a pair, and whether the next run has to look at it: the record has this revision by now.
    fn enter(&mut self, entry: &Entry<'_>, is_new: bool, found: Option<Revision>) -> rusqlite::Result<()> {
        self.pair(entry, is_new)?;
        self.touch(entry.local, found != Some(entry.revision) || is_open(entry.remote))
    }

    fn pair(&mut self, entry: &Entry<'_>, is_new: bool) -> rusqlite::Result<()> {
        let Attached { id, fields, .. } = *self.attached;
        if self.entering.enter(self.connection, (id, fields), entry, is_new)? {
            self.linked += 1;
            self.newest = self.newest.map(|newest| newest.max(Some(entry.local)));
        }
        Ok(())
    }

    fn forget(&mut self, local: LocalId) -> rusqlite::Result<()> {
        if baseline::forget(self.connection, self.attached.id, local)? {
            self.linked -= 1;
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
