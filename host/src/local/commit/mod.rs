//! Carries out the pipeline's changes, inside a transaction that the caller opened.

mod link;

use crate::local::attempt::attempt;
use crate::local::baseline::{self, Entering, Entry};
use crate::local::error::{is_refusal, refusal};
use crate::local::images::{Image, Taker};
use crate::local::journal::Journal;
use crate::local::logs;
use crate::local::table::Attached;
use crate::local::unmade;
use crate::local::watch::PassBy;
use crate::local::writing::Writing;
use crate::ports::{Baseline, Change, Changed};
use rusqlite::Connection;
use std::borrow::Cow;
use std::collections::HashMap;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteKey, Revision};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// Carries out changes of one object.
///
/// The revision that a write is stamped with enters the baseline, so that no write of ours comes back as a local change
/// (decision 10), and what a person's trigger makes of it does: the next run compares that record's content.
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    object: &'a Object,
    attached: &'a Attached,
    /// Keeps what is overwritten and deleted.
    images: Option<&'a Taker>,
    records: Writing<'a>,
    entering: Entering<'a>,
    journal: Journal<'a>,
    pairs: Pairs,
    /// Whether there are links that could not be made, to records of this object.
    awaited: bool,
}

/// What became of the object's pairs since the transaction began.
#[derive(Clone, Copy, Default)]
struct Pairs {
    /// Those that came, without those that went.
    more: i64,
    /// The newest record that has one; `None` as long as nobody asked.
    newest: Option<Option<LocalId>>,
}

impl<'a> Writer<'a> {
    /// For one transaction.
    pub(super) fn new(
        connection: &'a Connection,
        object: &'a Object,
        attached: &'a Attached,
        images: Option<&'a Taker>,
        pass_by: &'a mut PassBy,
    ) -> rusqlite::Result<Writer<'a>> {
        let records = Writing::new(connection, object, attached, pass_by)?;
        let (entering, journal) = (Entering::new(connection)?, Journal::new(connection)?);
        let (pairs, awaited) = (Pairs::default(), unmade::has_any(connection, attached.id)?);
        Ok(Writer { connection, object, attached, images, records, entering, journal, pairs, awaited })
    }

    /// Carries out all changes. What a constraint of the table refuses is that record's failure (decision 22):
    /// the others are carried out again, each by itself. That is the exception, so only then it costs anything.
    pub(super) fn apply_all(mut self, changes: &[Change]) -> rusqlite::Result<Vec<Changed>> {
        self.begin(changes)?;
        let answers = match changes.iter().map(|change| self.apply(change)).collect() {
            Err(error) if is_refusal(&error) => self.apply_each(changes),
            result => result,
        }?;
        self.records.end()?;
        match self.pairs.more {
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
                let (pairs, gone) = (self.pairs, self.records.gone);
                let attempted = attempt(self.connection, || self.apply(change))?;
                if attempted.is_err() {
                    (self.pairs, self.records.gone) = (pairs, gone);
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

    fn begin(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        self.pairs = Pairs::default();
        self.images.iter().for_each(|taker| taker.begin());
        self.records.begin(writes_records(changes))
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
        if let Change::Link { baseline, .. } | Change::Relink { baseline, .. } = change {
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
            Change::Relink { baseline, links } => self.relink(baseline, links),
            Change::Unlink { local, field, was } => self.unlink(*local, *field, was),
            Change::Settle { local, expected, fields, agreed } => {
                self.settle(*local, *expected, fields, agreed.as_ref())
            }
            Change::Forget { local } => {
                self.forget(*local)?;
                let is_left = self.records.revision(*local)?.is_some();
                self.touch(*local, is_left)?;
                unrevised(*local)
            }
            Change::Intend(intent) => {
                self.journal.intend((self.attached.id, self.attached.fields), intent)?;
                Ok(Changed::Done(LocalKey { id: intent.local, revision: intent.revision }))
            }
            Change::Settled { local } => {
                self.journal.settled(self.attached.id, *local)?;
                unrevised(*local)
            }
        }
    }

    /// What the remote did not send is null in the new record, and so in what both sides agree on.
    fn insert(&mut self, row: &Row, remote: &RemoteKey, beyond_filter: bool) -> rusqlite::Result<Changed> {
        let (local, found) = self.records.insert(row)?;
        let null = |value: &Value| if *value == Value::Absent { Value::Null } else { value.clone() };
        let sent_all = !row.contains(&Value::Absent);
        let row = &if sent_all { Cow::Borrowed(row) } else { Cow::Owned(row.iter().map(null).collect()) };
        let revision = self.records.stamped();
        // An id that comes back all the same, in a table that somebody made anew, may still have a pair.
        let is_new = self.is_new(local)?;
        self.pair(&Entry { local, remote, revision, row, beyond_filter: Some(beyond_filter) }, is_new)?;
        if self.awaited {
            unmade::look_again(self.connection, self.attached.id, &remote.id)?;
        }
        if is_open(remote) || found != Some(revision) {
            self.touch(local, true)?;
        }
        Ok(Changed::Done(LocalKey { id: local, revision: found.unwrap_or(Revision::UNSETTLED) }))
    }

    fn update(
        &mut self,
        local: LocalId,
        expected: Revision,
        row: &Row,
        remote: &RemoteKey,
    ) -> rusqlite::Result<Changed> {
        if self.records.revision(local)? != Some(expected) {
            return Ok(Changed::Moved);
        }
        let image = self.image(local, row.iter().enumerate(), |_, _, _| true)?;
        let found = self.records.overwrite(local, row.iter().enumerate())?;
        let left = found.unwrap_or(Revision::UNSETTLED);
        self.overwrote(local, image, expected, left)?;
        let row = &self.agreed(local, row)?;
        let revision = if left == expected { expected } else { self.records.stamped() };
        self.enter(&Entry { local, remote, revision, row, beyond_filter: None }, false, found)?;
        Ok(Changed::Done(LocalKey { id: local, revision: left }))
    }

    /// Already gone is done (decision 11).
    fn delete(&mut self, local: LocalId, expected: Option<Revision>) -> rusqlite::Result<Changed> {
        let found = self.records.revision(local)?;
        if found.is_some() && expected.is_some() && found != expected {
            return Ok(Changed::Moved);
        }
        let mut is_left = false;
        if let Some(found) = found {
            if let Some(taker) = self.images
                && let Some(image) = taker.look_whole(self.connection, self.object, local)?
            {
                taker.enter(self.connection, self.object, local, &image, (found, None))?;
            }
            is_left = self.records.delete(local)?;
        }
        self.forget(local)?;
        self.touch(local, is_left)?;
        let revision = found.or(expected).unwrap_or(Revision::UNSETTLED);
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    fn settle(
        &mut self,
        local: LocalId,
        expected: Option<Revision>,
        fields: &[(usize, Value)],
        agreed: Option<&Baseline>,
    ) -> rusqlite::Result<Changed> {
        let found = self.records.revision(local)?;
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
        let revision = self.records.revision(local)?.unwrap_or(Revision::UNSETTLED);
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
        let left = self.records.overwrite(local, fields.iter().map(|(index, value)| (*index, value)))?;
        self.overwrote(local, image, before, left.unwrap_or(before))?;
        Ok(left)
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

    /// Whether a record certainly has no pair: its id comes after those of all that have one.
    fn is_new(&mut self, local: LocalId) -> rusqlite::Result<bool> {
        let newest = match self.pairs.newest {
            Some(newest) => newest,
            None => *self.pairs.newest.insert(baseline::newest(self.connection, self.attached.id)?),
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
            self.pairs.more += 1;
            self.pairs.newest = self.pairs.newest.map(|newest| newest.max(Some(entry.local)));
        }
        Ok(())
    }

    fn forget(&mut self, local: LocalId) -> rusqlite::Result<()> {
        if baseline::forget(self.connection, self.attached.id, local)? {
            self.pairs.more -= 1;
        }
        Ok(())
    }

    fn touch(&mut self, local: LocalId, touched: bool) -> rusqlite::Result<()> {
        self.entering.touch(self.attached.id, local, touched)
    }
}

/// Whether the remote record's content decides next time.
fn is_open(remote: &RemoteKey) -> bool {
    remote.token_to_keep().0.is_empty()
}

/// Whether any of the changes writes a local record.
fn writes_records(changes: &[Change]) -> bool {
    changes.iter().any(|change| match change {
        Change::Insert { .. } | Change::Update { .. } | Change::Unlink { .. } => true,
        Change::Link { fields, .. } | Change::Settle { fields, .. } => !fields.is_empty(),
        Change::Relink { links, .. } => !links.is_empty(),
        Change::Delete { .. } | Change::Forget { .. } | Change::Intend(_) | Change::Settled { .. } => false,
    })
}
