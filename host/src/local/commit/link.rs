//! Two records that are one from now on: what the remote told of it enters the local record, and both the baseline.

use super::Writer;
use crate::local::baseline::{self, Entry};
use crate::local::images::Image;
use crate::ports::{Baseline, Changed};
use sync_core::change_key::{LocalId, LocalKey, Revision};
use sync_core::value::{Kind, Value};

impl Writer<'_> {
    /// A record edited or deleted since keeps the revision that was synchronized, so that the next
    /// run finds the edit or the delete.
    pub(super) fn link(
        &mut self,
        baseline: &Baseline,
        fields: &[(usize, Value)],
    ) -> rusqlite::Result<Changed> {
        let pair = &baseline.pair;
        let is_new = self.is_new(pair.local)?;
        let found = self.records.filled(pair.local, fields)?;
        let before = found.map(|(revision, _)| revision);
        // Nothing is taken away from a new pair's record whose fields are empty.
        let takes = !is_new || found.is_some_and(|(_, filled)| filled);
        let image = if takes { self.image_of_link(pair.local, fields, is_new)? } else { None };
        let after = self.write_fields(pair.local, before, fields, image)?;
        let revision = match after {
            Some(after) if before == Some(pair.revision) => {
                let is_ours = after == pair.revision || after == self.records.stamped();
                if is_ours || !self.is_edited(baseline)? { after } else { self.records.stamped() }
            }
            _ => pair.revision,
        };
        let beyond_filter = Some(baseline.beyond_filter);
        let (remote, row) = (&pair.remote, &baseline.row);
        self.enter(&Entry { local: pair.local, remote, revision, row, beyond_filter }, is_new, after)?;
        Ok(Changed::Done(LocalKey { id: pair.local, revision: after.unwrap_or(pair.revision) }))
    }

    /// A link that somebody set since is left as it is: by its revision it is an edit.
    pub(super) fn relink(
        &mut self,
        baseline: &Baseline,
        links: &[(usize, Value, Value)],
    ) -> rusqlite::Result<Changed> {
        let mut fields = Vec::with_capacity(links.len());
        for (index, was, link) in links {
            let local = baseline.pair.local;
            let found = self.attached.sql.value(self.connection, self.object, *index, local)?;
            fields.extend((found.as_ref() == Some(was)).then(|| (*index, link.clone())));
        }
        let done = self.link(baseline, &fields)?;
        Ok(if fields.len() == links.len() { done } else { Changed::Moved })
    }

    pub(super) fn unlink(&mut self, local: LocalId, field: usize, was: &Value) -> rusqlite::Result<Changed> {
        let revision = self.records.revision(local)?;
        let found = self.attached.sql.value(self.connection, self.object, field, local)?;
        if found.as_ref() != Some(was) {
            return Ok(Changed::Moved);
        }
        let fields = [(field, Value::Null)];
        let image = self.image(local, fields.iter().map(|(index, value)| (*index, value)), |_, _, _| true)?;
        let left = self.write_fields(local, revision, &fields, image)?;
        self.touch(local, left.is_some())?;
        Ok(Changed::Done(LocalKey { id: local, revision: left.unwrap_or(Revision::UNSETTLED) }))
    }

    /// Whether a person's trigger made another of the record than was agreed on, in what is sent. What only the server
    /// writes does not count: it would be put back by every run, and changed again by that.
    fn is_edited(&self, agreed: &Baseline) -> rusqlite::Result<bool> {
        let local = &[agreed.pair.local];
        let Some(found) = self.attached.sql.records(self.connection, self.object, local)?.pop() else {
            return Ok(true);
        };
        let Ok(row) = found.row else { return Ok(true) };
        let mut values = self.object.local.iter().zip(row.iter().zip(&agreed.row));
        Ok(values.any(|(field, (value, agreed))| {
            !field.traits.is_remote_owned() && !field.traits.not_compared && value != agreed
        }))
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
}
