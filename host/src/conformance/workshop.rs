//! The records that the writing part makes: every one of them bears a marker, and every one is removed again.

use super::report::LeftBehind;
use super::trial::Subject;
use crate::ports::{RemoteError, RemoteRecord, WriteError, Written};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use sync_core::change_key::RemoteId;
use sync_core::object::{Field, Object};
use sync_core::value::{Kind, Row, Value};

/// Where records are made.
#[derive(Debug)]
pub(super) struct Workshop {
    marker: String,
    /// Records that the checks of listings want.
    pub(super) crowd: usize,
    counter: AtomicU32,
    made: Mutex<Vec<RemoteId>>,
    /// Whether records are made from the descriptor although there is a sample.
    plain: AtomicBool,
    /// The field that edits are made in.
    pub(super) edited: OnceLock<usize>,
}

impl Workshop {
    /// Nothing is made yet. The marker is what no other record has in its name.
    pub(super) fn new(marker: String, crowd: usize) -> Workshop {
        Workshop {
            marker,
            crowd,
            counter: AtomicU32::new(0),
            made: Mutex::default(),
            plain: AtomicBool::new(false),
            edited: OnceLock::new(),
        }
    }

    /// What the names of the records begin with.
    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    /// A name that no record has yet.
    pub(super) fn next_name(&self) -> String {
        format!("{} {}", self.marker, self.counter.fetch_add(1, Ordering::Relaxed))
    }

    fn made(&self) -> MutexGuard<'_, Vec<RemoteId>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of what was made so far; some of it may be gone.
    pub(super) fn known(&self) -> Vec<RemoteId> {
        self.made().clone()
    }

    /// From now on records are made from the descriptor alone.
    pub(super) fn without_template(&self) {
        self.plain.store(true, Ordering::Relaxed);
    }

    /// The fields that bear the marker: one text of each user key, or else any.
    pub(super) fn marks(&self, subject: &Subject<'_>) -> Vec<usize> {
        let object = subject.object;
        let mut marks: Vec<usize> = Vec::new();
        for key in &object.user_keys {
            if !key.iter().any(|index| marks.contains(index)) {
                marks.extend(best_text(object, key.iter().copied()));
            }
        }
        if marks.is_empty() {
            marks.extend(best_text(object, 0..object.remote.len()));
        }
        marks
    }

    /// A record of this name: like the fullest of the sample, or as little as the descriptor wants.
    pub(super) fn named(&self, subject: &Subject<'_>, sample: &[RemoteRecord], name: &str) -> Row {
        let object = subject.object;
        let fullest = sample.iter().max_by_key(|it| it.row.iter().filter(|value| value.is_filled()).count());
        let template = fullest.filter(|_| !self.plain.load(Ordering::Relaxed)).map(|record| &record.row);
        let marks = self.marks(subject);
        let fill = |(index, field): (usize, &Field)| {
            let of_template = template.and_then(|row| row.get(index)).filter(|value| value.is_filled());
            match of_template {
                _ if !is_ours(field) => Value::Null,
                _ if marks.contains(&index) => Value::text(ending(name, &field.kind)),
                Some(value) => value.clone(),
                None if field.traits.required => usual(&field.kind),
                None => Value::Null,
            }
        };
        let mut row: Row = object.remote.iter().enumerate().map(fill).collect();
        let no_key = object.filled_user_keys(&row).next().is_none();
        for index in object.user_keys.first().into_iter().flatten().filter(|_| no_key) {
            if let (Some(value), Some(field)) = (row.get_mut(*index), object.remote.get(*index))
                && !value.is_filled()
                && is_ours(field)
            {
                *value = usual(&field.kind);
            }
        }
        row
    }

    /// Inserts a record, and remembers to remove it.
    pub(super) async fn insert(&self, subject: &Subject<'_>, row: &Row) -> Result<Written, WriteError> {
        let written = subject.remote.insert(subject.object, row).await;
        match &written {
            Ok(written) => self.made().push(written.id.clone()),
            Err(WriteError::FateUnknown { .. }) => {
                if let Some(key) = subject.object.filled_user_keys(row).next()
                    && let Ok(found) = subject.remote.find(subject.object, &key).await
                {
                    let ours = found.into_iter().filter(|it| self.is_ours(&it.row));
                    self.made().extend(ours.map(|it| it.key.id));
                }
            }
            Err(_) => {}
        }
        written
    }

    /// Whether a record bears the marker.
    pub(super) fn is_ours(&self, row: &Row) -> bool {
        row.iter().any(|value| matches!(value, Value::Text(text) if text.contains(&self.marker)))
    }

    /// Removes everything that was made: what is known by id, and what bears the marker and was not there `before`.
    pub(super) async fn clear(
        &self,
        subject: &Subject<'_>,
        before: &HashSet<RemoteId>,
    ) -> (usize, Vec<LeftBehind>) {
        let mut left = Vec::new();
        let mut ids: Vec<RemoteId> = std::mem::take(&mut *self.made());
        let known: HashSet<RemoteId> = ids.iter().cloned().collect();
        match self.unknown(subject, before, &known).await {
            Ok(others) => ids.extend(others),
            Err(error) => {
                tracing::warn!(%error, "records of the check that have no known id were not looked for")
            }
        }
        ids.dedup();
        let made = ids.len();
        for id in ids {
            if let Err(why) = subject.remove(&id).await {
                left.push(LeftBehind { id, why });
            }
        }
        (made, left)
    }

    async fn unknown(
        &self,
        subject: &Subject<'_>,
        before: &HashSet<RemoteId>,
        known: &HashSet<RemoteId>,
    ) -> Result<Vec<RemoteId>, RemoteError> {
        let now = subject.look(subject.everything()).await?;
        let ids = now.keys.into_iter().map(|key| key.id);
        let new: Vec<RemoteId> = ids.filter(|id| !before.contains(id) && !known.contains(id)).collect();
        let mut ours = Vec::new();
        for ids in new.chunks(subject.remote.capabilities().details_batch.max(1)) {
            let records = subject.remote.details(subject.object, ids).await?;
            ours.extend(records.into_iter().filter(|it| self.is_ours(&it.row)).map(|it| it.key.id));
        }
        Ok(ours)
    }
}

/// Whether the runtime sends the field with an insert.
pub(super) fn is_ours(field: &Field) -> bool {
    !field.traits.read_only && !field.traits.computed
}

/// The text that is most likely to take any text.
fn best_text(object: &Object, among: impl Iterator<Item = usize>) -> Option<usize> {
    let limit = |index: usize| match object.remote.get(index) {
        Some(Field { kind: Kind::Text(limit), traits, .. }) if !traits.read_only && !traits.computed => {
            Some((traits.required, *limit))
        }
        _ => None,
    };
    among
        .filter(|index| limit(*index).is_some())
        .max_by_key(|index| (limit(*index), std::cmp::Reverse(*index)))
}

/// The end of a text, as long as the field: it tells the records apart.
fn ending(text: &str, kind: &Kind) -> String {
    let Kind::Text(limit) = kind else { return text.to_owned() };
    let over = text.chars().count().saturating_sub(*limit as usize);
    text.chars().skip(over).collect()
}

/// A value that is nothing special.
pub(super) fn usual(kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => Value::Boolean(true),
        Kind::Integer => Value::Integer(1),
        Kind::Decimal(_) => Value::Decimal("1".into()),
        Kind::Text(_) => Value::Text(ending("check", kind)),
        Kind::Date => Value::Date("2024-03-01".into()),
        Kind::Timestamp => Value::Timestamp(1_709_287_200_000_000),
        Kind::Bytes => Value::Bytes(vec![1, 2, 3]),
        // What may be chosen or linked to is only known from a record.
        Kind::Choices | Kind::Reference(_) => Value::Null,
    }
}

/// The value of the *n*-th edit of a field: each is another.
pub(super) fn edit(kind: &Kind, n: u32, marker: &str) -> Option<Value> {
    Some(match kind {
        Kind::Text(_) => Value::Text(ending(&format!("{marker}edit {n}"), kind)),
        Kind::Integer => Value::Integer(i64::from(n)),
        Kind::Decimal(_) => Value::Decimal(n.to_string()),
        Kind::Date => Value::Date(format!("2024-03-{:02}", n % 31 + 1)),
        Kind::Timestamp => Value::Timestamp(1_709_287_200_000_000 + i64::from(n) * 60_000_000),
        Kind::Boolean => Value::Boolean(n.is_multiple_of(2)),
        Kind::Choices | Kind::Bytes | Kind::Reference(_) => return None,
    })
}
