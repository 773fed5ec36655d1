//! The writing part: on records that the kit makes and removes again, whatever becomes of the checks.

mod crowd;
mod delete;
mod insert;
mod keys;
mod odd;
mod update;

use super::odd_values;
use super::outcome::{Check, Trouble, told};
use super::trial::Trial;
use super::workshop::{edit, is_ours};
use crate::ports::{RemoteRecord, WriteError, Written};
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::value::{Kind, Row, Value};

/// The checks, in the order in which they are done.
pub(super) const CHECKS: &[Check] = &[
    Check { name: "insert", run: |it| Box::pin(insert::insert(it)) },
    Check { name: "update", run: |it| Box::pin(update::update(it)) },
    Check { name: "update-moved", run: |it| Box::pin(update::moved(it)) },
    Check { name: "update-race", run: |it| Box::pin(update::race(it)) },
    Check { name: "quick-edits", run: |it| Box::pin(update::quick_edits(it)) },
    Check { name: "update-gone", run: |it| Box::pin(update::gone(it)) },
    Check { name: "delete", run: |it| Box::pin(delete::delete(it)) },
    Check { name: "delete-moved", run: |it| Box::pin(delete::moved(it)) },
    Check { name: "delete-again", run: |it| Box::pin(delete::again(it)) },
    Check { name: "concurrent-inserts", run: |it| Box::pin(crowd::inserts(it)) },
    Check { name: "feed-since", run: |it| Box::pin(crowd::feed_since(it)) },
    Check { name: "edits-while-listing", run: |it| Box::pin(crowd::edits(it)) },
    Check { name: "deletes-while-listing", run: |it| Box::pin(crowd::deletes(it)) },
    Check { name: "plain-values", run: |it| Box::pin(odd::values(it, &odd_values::PLAIN)) },
    Check { name: "text-unicode", run: |it| Box::pin(odd::values(it, &odd_values::UNICODE)) },
    Check { name: "text-quotes", run: |it| Box::pin(odd::values(it, &odd_values::QUOTES)) },
    Check { name: "text-signs", run: |it| Box::pin(odd::values(it, &odd_values::SIGNS)) },
    Check { name: "text-lines", run: |it| Box::pin(odd::values(it, &odd_values::LINES)) },
    Check { name: "text-blanks", run: |it| Box::pin(odd::values(it, &odd_values::BLANKS)) },
    Check { name: "text-lookalikes", run: |it| Box::pin(odd::values(it, &odd_values::LOOKALIKES)) },
    Check { name: "text-long", run: |it| Box::pin(odd::values(it, &odd_values::LONG)) },
    Check { name: "numbers", run: |it| Box::pin(odd::values(it, &odd_values::NUMBERS)) },
    Check { name: "dates", run: |it| Box::pin(odd::values(it, &odd_values::DAYS)) },
    Check { name: "times", run: |it| Box::pin(odd::values(it, &odd_values::TIMES)) },
    Check { name: "choices-and-bytes", run: |it| Box::pin(odd::values(it, &odd_values::CHOICES)) },
    Check { name: "nulls", run: |it| Box::pin(odd::nulls(it)) },
    Check { name: "odd-user-keys", run: |it| Box::pin(keys::odd_names(it)) },
    Check { name: "keys-with-wildcards", run: |it| Box::pin(keys::wildcards(it)) },
];

/// A record that was made, as it was sent.
pub(super) struct Made {
    written: Written,
    sent: Row,
}

impl Trial<'_> {
    /// Makes a first record, removes it again, makes another, and finds a field to edit: without that there is
    /// nothing to check, and what cannot be removed is not made by the dozen.
    ///
    /// # Errors
    /// The name of the check that this concerns, and what is wrong, in words.
    pub(super) async fn begin_writing(&self) -> Result<(), (&'static str, String)> {
        if self.workshop.marks(&self.subject).is_empty() {
            return Err((
                "insert",
                "the object has no text field that could mark the records of the check".into(),
            ));
        }
        let made = match self.make().await {
            Err(Trouble::Write(WriteError::Refused { .. })) if !self.sample.is_empty() => {
                self.workshop.without_template();
                self.make().await
            }
            other => other,
        };
        let made = made
            .map_err(|trouble| ("insert", format!("no record can be made: {}", trouble.outcome().found)))?;
        self.subject
            .remove(&made.written.id)
            .await
            .map_err(|why| ("delete", format!("a record that was made cannot be removed: {why}")))?;
        let of_trouble = |trouble: Trouble| ("insert", trouble.outcome().found);
        let id = self.make().await.map_err(of_trouble)?.written.id;
        let mut why = "no field of a new record can be edited".to_owned();
        for index in self.editable() {
            let record = self.read(&id).await.map_err(of_trouble)?;
            let Some(value) = self.edit_value(index, 0) else { continue };
            let changes = [(index, value.clone())];
            let update =
                self.subject.remote.update(self.subject.object, &id, &record.key.token, &changes).await;
            match update {
                Ok(_) => {
                    let after = self.read(&id).await.map_err(of_trouble)?;
                    if after.row.get(index) == Some(&value) {
                        self.workshop.edited.get_or_init(|| index);
                        return Ok(());
                    }
                    why = format!("an edit of `{}` does not stand", self.subject.field(index));
                }
                Err(error) => why = format!("an edit of `{}` is {}", self.subject.field(index), told(&error)),
            }
        }
        Err(("update", why))
    }

    /// The fields that edits could be made in, the likeliest first.
    fn editable(&self) -> Vec<usize> {
        let (fields, marks) = (&self.subject.object.remote, self.workshop.marks(&self.subject));
        let keys: Vec<usize> = self.subject.object.user_keys.iter().flatten().copied().collect();
        let weight = |index: &usize| match fields[*index].kind {
            _ if marks.contains(index) => 6,
            _ if keys.contains(index) => 5,
            Kind::Text(limit) if limit >= 40 => 0,
            Kind::Integer | Kind::Decimal(_) => 1,
            Kind::Text(_) => 2,
            Kind::Date | Kind::Timestamp => 3,
            _ => 4,
        };
        let mut all: Vec<usize> =
            (0..fields.len()).filter(|index| !fields[*index].traits.is_remote_owned()).collect();
        all.sort_by_key(weight);
        all
    }

    /// The value of the *n*-th edit of a field.
    fn edit_value(&self, index: usize, n: u32) -> Option<Value> {
        let marked = self.workshop.marks(&self.subject).contains(&index);
        let marker = if marked { format!("{} ", self.workshop.marker()) } else { String::new() };
        edit(&self.subject.object.remote.get(index)?.kind, n, &marker)
    }

    /// The *n*-th edit: the field, and its value.
    fn nth_edit(&self, n: u32) -> (usize, Value) {
        let index = self.workshop.edited.get().copied().unwrap_or_default();
        (index, self.edit_value(index, n).unwrap_or(Value::Null))
    }

    /// Makes a record.
    async fn make(&self) -> Result<Made, Trouble> {
        let sent = self.workshop.named(&self.subject, &self.sample, &self.workshop.next_name());
        let written = self.workshop.insert(&self.subject, &sent).await?;
        Ok(Made { written, sent })
    }

    /// Makes a record, and reads it.
    async fn make_and_read(&self) -> Result<RemoteRecord, Trouble> {
        let made = self.make().await?;
        self.read(&made.written.id).await
    }

    /// A record that must be there.
    async fn read(&self, id: &RemoteId) -> Result<RemoteRecord, Trouble> {
        self.subject.one(id).await?.ok_or(Trouble::Write(WriteError::Gone))
    }

    /// Carries the *n*-th edit out.
    async fn edit(&self, key: &RemoteKey, n: u32) -> Result<Written, WriteError> {
        self.subject.remote.update(self.subject.object, &key.id, &key.token, &[self.nth_edit(n)]).await
    }

    /// Whether a record has the value of the *n*-th edit.
    fn has_edit(&self, record: &RemoteRecord, n: u32) -> bool {
        let (index, value) = self.nth_edit(n);
        record.row.get(index) == Some(&value)
    }

    /// The names of the fields in which a record is not what was written. What the runtime does not send is left out.
    fn others<'t>(&'t self, sent: &'t Row, found: &'t Row) -> impl Iterator<Item = usize> + 't {
        let ours = |index: &usize| self.subject.object.remote.get(*index).is_some_and(is_ours);
        (0..sent.len()).filter(ours).filter(|index| sent.get(*index) != found.get(*index))
    }
}
