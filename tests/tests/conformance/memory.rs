//! A server in memory, as a remote: honest, but for the one mistake that it is told to make.

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use host::ports::{
    Capabilities, Feed, IdsFrom, Lock, Mark, Remote, RemoteError, RemoteRecord, Requests, Scope, Stretch,
    View, WriteError, Written,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use sync_core::change_feed::Changes;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Descriptor, Field, Object, ObjectName, Resource, Traits, UserKey};
use sync_core::value::{Kind, Row, Value};

/// Records on a page, and in a request for details.
pub(crate) const PAGE: usize = 3;
/// Writes that share a stamp.
const WRITES_A_TICK: u64 = 5;

/// What a remote can get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    LosesAnIdAtTheEndOfAPage,
    ListsAnIdTwice,
    SkipsARecordNowAndThen,
    ClaimsToCount,
    MiscountsStretches,
    ReadsOtherTokens,
    LeavesOutTheVersion,
    AnswersHalfABatch,
    FailsOnUnknownIds,
    AnswersEverythingForNoIds,
    LooksUpWithWildcards,
    IgnoresQuotes,
    FailsOnAmpersands,
    FindsTheFirstWord,
    ForgetsTheLock,
    ChecksTheLockBeforeWaiting,
    ClaimsWhatDoesNotStand,
    UpdatesWithoutMovingTheToken,
    AnswersStaleTokens,
    Upserts,
    ReplacesTheRecord,
    DeletesWhateverItIs,
    KeepsDeletedRecords,
    FailsToDeleteAgain,
    PagesByOffset,
    LeavesOutTiesOfItsFeed,
    AnswersLittleToNonsense,
    StripsUnicode,
    EscapesQuotes,
    CutsTexts,
    RoundsNumbers,
    IgnoresNulls,
    CannotDelete,
    WritesWhileReading,
}

#[derive(Debug, Clone)]
struct Kept {
    row: Row,
    stamp: u64,
    version: u64,
    created: u64,
}

#[derive(Debug, Default)]
struct Data {
    records: BTreeMap<u64, Kept>,
    next: u64,
    writes: u64,
    listings: u64,
    requests: Requests,
}

impl Data {
    fn stamp(&mut self) -> u64 {
        self.writes += 1;
        self.writes / WRITES_A_TICK
    }
}

/// The server.
pub(crate) struct Memory {
    data: Mutex<Data>,
    mistake: Option<Mistake>,
}

/// The object that it keeps.
pub(crate) fn object(versioned: bool) -> Object {
    let field = |name: &str, kind| Field { name: name.into(), kind, traits: Traits::default() };
    let computed = Traits { computed: true, ..Traits::default() };
    let remote = vec![
        Field { traits: Traits { required: true, ..Traits::default() }, ..field("Name", Kind::Text(60)) },
        field("Place", Kind::Text(30)),
        field("Note", Kind::Text(200)),
        field("Amount", Kind::Decimal(2)),
        field("Count", Kind::Integer),
        field("Day", Kind::Date),
        field("Seen", Kind::Timestamp),
        field("Done", Kind::Boolean),
        Field { traits: computed, ..field("Number", Kind::Integer) },
    ];
    let local = remote.iter().map(|it| Field { name: it.name.to_lowercase(), ..it.clone() }).collect();
    let resource = Resource {
        path: "Thing/Thing".into(),
        id: "Id".into(),
        updated: "Updated".into(),
        version: versioned.then(|| "Version".into()),
        created: Some("Created".into()),
    };
    let user_keys = vec![vec!["Name".into(), "Place".into()], vec!["Name".into()]];
    Object::try_from(Descriptor {
        name: "thing".into(),
        mapping_version: 1,
        local,
        remote,
        resource,
        user_keys,
    })
    .unwrap()
}

impl Memory {
    /// A server with this many records.
    pub(crate) fn with(records: usize, mistake: Option<Mistake>) -> Memory {
        let memory = Memory { data: Mutex::default(), mistake };
        for number in 0..records {
            let mut row = vec![Value::Null; 9];
            row[0] = Value::Text(format!("Acme & \"Sons\" {number}"));
            row[2] = Value::Text("a note".into());
            memory.lock().put(row);
        }
        memory
    }

    /// How many records it has.
    pub(crate) fn count(&self) -> usize {
        self.lock().records.len()
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn key(&self, id: u64, kept: &Kept) -> RemoteKey {
        RemoteKey {
            id: RemoteId(format!("{id:06}")),
            token: RemoteToken {
                updated: format!("second {}", kept.stamp),
                version: Some(kept.version.to_string()).filter(|_| !self.makes(Mistake::LeavesOutTheVersion)),
            },
            created: Some(kept.created.to_string()),
            fresh: false,
        }
    }

    fn record(&self, id: u64, kept: &Kept) -> RemoteRecord {
        let mut key = self.key(id, kept);
        if self.makes(Mistake::ReadsOtherTokens) {
            key.token.updated.push_str(".000");
        }
        RemoteRecord { key, row: kept.row.clone() }
    }

    /// One page; the ids after `after`, or, by offset, those after so many.
    fn page(&self, after: u64, offset: usize) -> Vec<RemoteKey> {
        let mut data = self.lock();
        data.requests.keys += 1;
        data.requests.write += u64::from(self.makes(Mistake::WritesWhileReading));
        let all = data.records.iter();
        let mut page: Vec<RemoteKey> = if self.makes(Mistake::PagesByOffset) {
            all.skip(offset).take(PAGE).map(|(id, kept)| self.key(*id, kept)).collect()
        } else {
            all.filter(|(id, _)| **id > after).take(PAGE).map(|(id, kept)| self.key(*id, kept)).collect()
        };
        if self.makes(Mistake::ListsAnIdTwice) && after == 0 {
            page.extend(page.first().cloned());
        }
        if self.makes(Mistake::SkipsARecordNowAndThen) && after == 0 {
            data.listings += 1;
            if data.listings == 2 {
                page.remove(0);
            }
        }
        page
    }

    /// What becomes of values on their way in.
    fn stored(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) if self.makes(Mistake::StripsUnicode) => {
                Value::text(text.chars().filter(char::is_ascii).collect::<String>())
            }
            Value::Text(text) if self.makes(Mistake::EscapesQuotes) => Value::Text(text.replace('\'', "")),
            Value::Text(text) if self.makes(Mistake::CutsTexts) => {
                Value::Text(text.chars().take(100).collect())
            }
            Value::Integer(number) if self.makes(Mistake::RoundsNumbers) => {
                Value::Integer((*number).clamp(i64::from(i32::MIN), i64::from(i32::MAX)))
            }
            other => other.clone(),
        }
    }

    /// Writes the values; the key and the row after it, and the token before it.
    fn put_into(
        &self,
        number: u64,
        changes: &[(usize, Value)],
    ) -> Result<(RemoteKey, Row, RemoteToken), WriteError> {
        let mut data = self.lock();
        data.requests.write += 1;
        let stamp = data.stamp();
        let kept = data.records.get_mut(&number).ok_or(WriteError::Gone)?;
        let before = self.key(number, kept).token;
        if self.makes(Mistake::ReplacesTheRecord) {
            for at in [2, 3, 4] {
                kept.row[at] = Value::Null;
            }
        }
        for (index, value) in changes {
            if !(self.makes(Mistake::IgnoresNulls) && *value == Value::Null) {
                kept.row[*index] = self.stored(value);
            }
        }
        if !self.makes(Mistake::UpdatesWithoutMovingTheToken) {
            (kept.version, kept.stamp) = (kept.version + 1, stamp);
        }
        let RemoteRecord { key, row } = self.record(number, kept);
        Ok((key, row, before))
    }

    fn expected(&self, id: &RemoteId, expected: &RemoteToken) -> Result<u64, WriteError> {
        let number: u64 = id.0.parse().map_err(|_| WriteError::Gone)?;
        let data = self.lock();
        let kept = data.records.get(&number).ok_or(WriteError::Gone)?;
        if self.key(number, kept).token == *expected { Ok(number) } else { Err(WriteError::Moved) }
    }
}

impl Data {
    fn put(&mut self, row: Row) -> u64 {
        self.next += 1;
        let stamp = self.stamp();
        let id = self.next;
        let mut row = row;
        row[8] = Value::Integer(i64::try_from(id).unwrap());
        self.records.insert(id, Kept { row, stamp, version: 0, created: id });
        id
    }
}

fn failure(message: &str) -> RemoteError {
    RemoteError { scope: Scope::Object, message: message.into(), help: None }
}

/// Whether a text has another, or, with wildcards, is like it.
fn matches(wanted: &str, found: &str) -> bool {
    let (mut wanted, mut found) = (wanted.chars(), found.chars());
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some('*' | '%'), _) => return true,
            (Some('_' | '?'), Some(_)) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

#[async_trait]
impl Remote for Memory {
    fn capabilities(&self) -> Capabilities {
        let honest = !matches!(self.mistake, Some(Mistake::ClaimsWhatDoesNotStand));
        Capabilities {
            counts: true,
            lock: if honest { Lock::ConditionalWrite } else { Lock::ReadCompare },
            details_batch: PAGE,
            in_flight: 2,
            write_batch: 4,
            write_batches: 1,
            ids: IdsFrom::Server,
            change_feed: true,
        }
    }

    async fn connect(&self) -> Result<(), RemoteError> {
        Ok(())
    }

    async fn count(&self, _: View<'_>) -> Result<Option<u64>, RemoteError> {
        let mut data = self.lock();
        data.requests.count += 1;
        Ok(Some(data.records.len() as u64).filter(|_| !self.makes(Mistake::ClaimsToCount)))
    }

    fn change_keys<'a>(&'a self, _: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        stream::try_unfold((0, 0), move |(after, offset)| async move {
            let mut page = self.page(after, offset);
            let Some(last) = page.last().map(|key| key.id.0.parse().unwrap()) else { return Ok(None) };
            if page.len() == PAGE && self.makes(Mistake::LosesAnIdAtTheEndOfAPage) {
                page.pop();
            }
            Ok(Some((page, (last, offset + PAGE))))
        })
        .boxed()
    }

    async fn mark(&self, _: View<'_>) -> Result<Option<Mark>, RemoteError> {
        let newest = self.lock().records.values().map(|kept| kept.stamp).max();
        Ok(newest.map(|newest| Mark(newest.to_string())))
    }

    async fn changes(&self, _: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        let since: u64 = match since.0.parse() {
            Ok(since) => since,
            Err(_) if self.makes(Mistake::AnswersLittleToNonsense) => {
                return Ok(Feed::Changes(Changes::default()));
            }
            Err(_) => return Ok(Feed::Expired),
        };
        let from = since + u64::from(self.makes(Mistake::LeavesOutTiesOfItsFeed));
        let data = self.lock();
        let changed = data.records.iter().filter(|(_, kept)| kept.stamp >= from);
        let changed = changed.map(|(id, kept)| self.key(*id, kept)).collect();
        Ok(Feed::Changes(Changes { changed, gone: Vec::new() }))
    }

    async fn count_each(
        &self,
        view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Option<Vec<u64>>, RemoteError> {
        let lists = self.ids_each(view, stretches).await?;
        let more = u64::from(self.makes(Mistake::MiscountsStretches));
        Ok(Some(lists.iter().map(|list| list.len() as u64 + more).collect()))
    }

    async fn ids_each(
        &self,
        _: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Vec<Vec<RemoteId>>, RemoteError> {
        let data = self.lock();
        let list = |stretch: &Stretch<'_>| {
            let keys = data.records.iter().map(|(id, kept)| self.key(*id, kept));
            keys.map(|key| key.id).filter(|id| stretch.contains(&id.0)).collect()
        };
        Ok(stretches.iter().map(list).collect())
    }

    async fn details(&self, _: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError> {
        let mut data = self.lock();
        data.requests.details += 1;
        if ids.is_empty() && self.makes(Mistake::AnswersEverythingForNoIds) {
            return Ok(data.records.iter().map(|(id, kept)| self.record(*id, kept)).collect());
        }
        let mut found = Vec::new();
        for id in ids {
            let number: u64 = id.0.parse().unwrap_or(0);
            match data.records.get(&number) {
                Some(kept) => found.push(self.record(number, kept)),
                None if self.makes(Mistake::FailsOnUnknownIds) => {
                    return Err(failure("there is no such record"));
                }
                None => {}
            }
        }
        if self.makes(Mistake::AnswersHalfABatch) && ids.len() == PAGE {
            found.truncate(PAGE - 1);
        }
        Ok(found)
    }

    async fn find(&self, _: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        let mut data = self.lock();
        data.requests.query += 1;
        let as_asked = |value: &Value| match value {
            Value::Text(text) if self.makes(Mistake::IgnoresQuotes) => {
                Value::Text(text.replace(['\'', '"'], ""))
            }
            other => other.clone(),
        };
        let is = |wanted: &Value, found: &Value| match (wanted, found) {
            (Value::Text(wanted), Value::Text(found)) if self.makes(Mistake::LooksUpWithWildcards) => {
                matches(wanted, found)
            }
            (Value::Text(wanted), Value::Text(found)) if self.makes(Mistake::FindsTheFirstWord) => {
                wanted.split(' ').next() == found.split(' ').next()
            }
            (wanted, found) => wanted == found,
        };
        let mut found = Vec::new();
        for (index, value) in &key.parts {
            if self.makes(Mistake::FailsOnAmpersands)
                && matches!(value, Value::Text(text) if text.contains("R&D"))
            {
                return Err(failure(&format!("400: unexpected & in field {index}")));
            }
        }
        for (id, kept) in &data.records {
            if key.parts.iter().all(|(index, value)| is(&as_asked(value), &kept.row[*index])) {
                found.push(self.record(*id, kept));
            }
        }
        Ok(found)
    }

    async fn insert(&self, _: &Object, row: &Row) -> Result<Written, WriteError> {
        let mut data = self.lock();
        data.requests.write += 1;
        let id = data.put(row.clone());
        let RemoteRecord { key, row } = self.record(id, &data.records[&id]);
        Ok(Written { id: key.id, created: key.created, token: key.token, row: Some(row) })
    }

    async fn update(
        &self,
        _: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        let waits =
            self.makes(Mistake::ChecksTheLockBeforeWaiting) || self.makes(Mistake::ClaimsWhatDoesNotStand);
        let number = match self.expected(id, expected) {
            Err(WriteError::Moved) if self.makes(Mistake::ForgetsTheLock) => id.0.parse().unwrap(),
            Err(WriteError::Gone) if self.makes(Mistake::Upserts) => {
                let (number, mut row) = (id.0.parse().unwrap(), vec![Value::Null; 9]);
                for (index, value) in changes {
                    row[*index] = value.clone();
                }
                self.lock().records.insert(number, Kept { row, stamp: 1, version: 0, created: 99 });
                number
            }
            other => other?,
        };
        if waits {
            tokio::task::yield_now().await;
        }
        let (RemoteKey { id, token, created, .. }, mut row, before) = self.put_into(number, changes)?;
        if self.makes(Mistake::ClaimsWhatDoesNotStand) {
            // Others write meanwhile, and their token is taken for ours.
            tokio::task::yield_now().await;
            for (index, value) in changes {
                row[*index] = value.clone();
            }
            let token = self.key(number, &self.lock().records[&number]).token;
            return Ok(Written { id, created, token, row: Some(row) });
        }
        let token = if self.makes(Mistake::AnswersStaleTokens) { before } else { token };
        Ok(Written { id, created, token, row: Some(row) })
    }

    async fn delete(&self, _: &Object, id: &RemoteId, expected: &RemoteToken) -> Result<(), WriteError> {
        let number = match self.expected(id, expected) {
            Err(WriteError::Gone) if !self.makes(Mistake::FailsToDeleteAgain) => return Ok(()),
            Err(WriteError::Moved) if self.makes(Mistake::DeletesWhateverItIs) => id.0.parse().unwrap(),
            other => other?,
        };
        if self.makes(Mistake::CannotDelete) {
            return Err(WriteError::Refused { code: "no".into(), message: "nobody may delete".into() });
        }
        let mut data = self.lock();
        data.requests.write += 1;
        if !self.makes(Mistake::KeepsDeletedRecords) {
            data.records.remove(&number);
        }
        Ok(())
    }

    fn requests(&self, _: &ObjectName) -> Requests {
        self.lock().requests
    }
}
