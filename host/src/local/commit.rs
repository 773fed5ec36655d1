//! Carries out the pipeline's changes, inside a transaction that the caller opened.

use super::baseline::{self, Entry};
use super::table::Attached;
use super::{journal, logs};
use crate::ports::{Baseline, Change, Changed};
use rusqlite::Connection;
use std::borrow::Cow;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteKey, Revision};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// Writes changes of one object.
///
/// The triggers count these writes like anybody's. The revision that they leave enters the baseline,
/// so that no write of ours comes back as a local change (decision 10).
pub(super) struct Writer<'a> {
    pub(super) connection: &'a Connection,
    pub(super) object: &'a Object,
    pub(super) attached: &'a Attached,
}

impl Writer<'_> {
    /// Carries out one change, or nothing of it where the record moved since the compare.
    pub(super) fn apply(&self, change: Change) -> rusqlite::Result<Changed> {
        let unrevised = |id| Ok(Changed::Done(LocalKey { id, revision: Revision::UNSETTLED }));
        match change {
            Change::Insert { row, remote, beyond_filter } => self.insert(&row, &remote, beyond_filter),
            Change::Update { local, expected, row, remote } => self.update(local, expected, row, &remote),
            Change::Delete { local, expected } => self.delete(local, expected),
            Change::Link { baseline, fields } => self.link(&baseline, &fields),
            Change::Settle { local, expected, fields, agreed } => {
                self.settle(local, expected, &fields, agreed.as_ref())
            }
            Change::Forget { local } => {
                baseline::forget(self.connection, self.attached.id, local)?;
                unrevised(local)
            }
            Change::Intend(intent) => {
                journal::intend(self.connection, self.attached.id, self.attached.fields, &intent)?;
                Ok(Changed::Done(LocalKey { id: intent.local, revision: intent.revision }))
            }
            Change::Settled { local } => {
                journal::settled(self.connection, self.attached.id, local)?;
                unrevised(local)
            }
        }
    }

    /// What the remote did not send is null in the new record, and so in what both sides agree on.
    fn insert(&self, row: &Row, remote: &RemoteKey, beyond_filter: bool) -> rusqlite::Result<Changed> {
        let local = self.attached.sql.insert(self.connection, row)?;
        let null = |value: &Value| if *value == Value::Absent { Value::Null } else { value.clone() };
        let sent_all = !row.contains(&Value::Absent);
        let row = &if sent_all { Cow::Borrowed(row) } else { Cow::Owned(row.iter().map(null).collect()) };
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        self.enter(&Entry { local, remote, revision, row, beyond_filter: Some(beyond_filter) })?;
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    fn update(
        &self,
        local: LocalId,
        expected: Revision,
        mut row: Row,
        remote: &RemoteKey,
    ) -> rusqlite::Result<Changed> {
        if self.revision(local)? != Some(expected) {
            return Ok(Changed::Moved);
        }
        self.attached.sql.update(self.connection, local, self.object.local.iter().zip(&row))?;
        self.keep_agreed(local, &mut row)?;
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        self.enter(&Entry { local, remote, revision, row: &row, beyond_filter: None })?;
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// Already gone is done (decision 11).
    fn delete(&self, local: LocalId, expected: Option<Revision>) -> rusqlite::Result<Changed> {
        let found = self.revision(local)?;
        if found.is_some() && expected.is_some() && found != expected {
            return Ok(Changed::Moved);
        }
        self.attached.sql.delete(self.connection, local)?;
        baseline::forget(self.connection, self.attached.id, local)?;
        let revision = found.or(expected).unwrap_or(Revision::UNSETTLED);
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// A record edited or deleted since keeps the revision that was synchronized, so that the next
    /// run finds the edit or the delete.
    fn link(&self, baseline: &Baseline, fields: &[(usize, Value)]) -> rusqlite::Result<Changed> {
        let pair = &baseline.pair;
        let before = self.revision(pair.local)?;
        let fields = fields
            .iter()
            .filter_map(|(index, value)| self.object.local.get(*index).map(|field| (field, value)));
        self.attached.sql.update(self.connection, pair.local, fields)?;
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
                let fields = fields
                    .iter()
                    .filter_map(|(index, value)| self.object.local.get(*index).map(|field| (field, value)));
                self.attached.sql.update(self.connection, local, fields)?;
                let Pair { remote, revision, .. } = &agreed.pair;
                let (row, beyond_filter) = (&agreed.row, Some(agreed.beyond_filter));
                self.enter(&Entry { local, remote, revision: *revision, row, beyond_filter })?;
            }
            None => baseline::forget(self.connection, self.attached.id, local)?,
        }
        logs::settled(self.connection, self.object.name.as_str(), local)?;
        let revision = self.revision(local)?.unwrap_or(Revision::UNSETTLED);
        Ok(Changed::Done(LocalKey { id: local, revision }))
    }

    /// What the remote did not send stays as it is in the record, and so in what both agreed on.
    fn keep_agreed(&self, local: LocalId, row: &mut Row) -> rusqlite::Result<()> {
        if !row.contains(&Value::Absent) {
            return Ok(());
        }
        let before = baseline::entries(self.connection, self.object, self.attached.id, &[local])?;
        for (value, agreed) in row.iter_mut().zip(before.into_iter().flat_map(|entry| entry.row)) {
            if *value == Value::Absent {
                *value = agreed;
            }
        }
        Ok(())
    }

    fn revision(&self, local: LocalId) -> rusqlite::Result<Option<Revision>> {
        self.attached.sql.revision(self.connection, local)
    }

    fn enter(&self, entry: &Entry<'_>) -> rusqlite::Result<()> {
        baseline::enter(self.connection, self.attached.id, self.attached.fields, entry)
    }
}
