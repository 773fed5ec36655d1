//! Looking records up around a write: by user key before it, by id before and after it. Several at once are one query;
//! where that tells too little of each, each is asked for by itself.

use super::listing::Extent;
use super::query::{self, LONGEST_URL, PAGE, Query};
use super::{IN_FLIGHT, Purpose, Siebel};
use crate::ports::{RemoteError, RemoteRecord, Scope, side_by_side};
use crate::remote::decode::Layout;
use std::collections::{HashMap, HashSet};
use sync_core::change_key::RemoteId;
use sync_core::object::{Object, UserKey};
use sync_core::value::Value;
use url::Url;

impl Siebel {
    /// The records with this user key, two at most: the second tells that the key is ambiguous.
    pub(super) async fn with_key(
        &self,
        object: &Object,
        key: &UserKey,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        self.look(object, Extent::Records, self.conditions(object, key), 2).await
    }

    /// The same for several keys; answer *i* belongs to key *i*.
    pub(super) async fn with_keys(
        &self,
        object: &Object,
        keys: &[&UserKey],
    ) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
        let conditions: Vec<String> =
            keys.iter().map(|key| format!("({})", self.conditions(object, key).join(" AND "))).collect();
        let queries = self.by_keys(object, keys, &conditions).into_iter();
        let queries = queries.map(|some| self.with_some_keys(object, some)).collect();
        side_by_side(IN_FLIGHT, queries).await.into_iter().flatten().collect()
    }

    /// The queries for records by user key: one, or more where the address would become too long.
    fn by_keys<'k>(
        &self,
        object: &Object,
        keys: &'k [&'k UserKey],
        conditions: &'k [String],
    ) -> Vec<SomeKeys<'k>> {
        let layout = Extent::Records.layout(object);
        let url = self.look_up(object, &layout, vec![conditions.join(" OR ")], PAGE);
        if url.as_str().len() >= LONGEST_URL && keys.len() > 1 {
            let (keys, conditions) = (keys.split_at(keys.len() / 2), conditions.split_at(keys.len() / 2));
            let halves = [(keys.0, conditions.0), (keys.1, conditions.1)];
            return halves
                .into_iter()
                .flat_map(|(keys, conditions)| self.by_keys(object, keys, conditions))
                .collect();
        }
        vec![SomeKeys { keys, conditions, url }]
    }

    async fn with_some_keys(
        &self,
        object: &Object,
        some: SomeKeys<'_>,
    ) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
        let SomeKeys { keys, conditions, .. } = some;
        let found = self.with_keys_together(object, some).await.unwrap_or_default();
        // A server may take a letter with an accent for the one without: what it found may be another key's, too.
        let is_told = conditions.iter().all(|it| it.is_ascii()) || found.iter().all(Vec::is_empty);
        if !found.is_empty() && is_told {
            return found.into_iter().map(Ok).collect();
        }
        let found = found.into_iter().map(|found| Some(found).filter(|found| !found.is_empty()));
        let found = keys.iter().zip(found.chain(std::iter::repeat(None)));
        let requests = found.map(async |(key, found)| match found {
            Some(found) => Ok(found),
            None => self.with_key(object, key).await,
        });
        side_by_side(IN_FLIGHT, requests.collect()).await
    }

    /// `None` where the one query does not tell whose the records are that it finds: a server may take more for equal
    /// than the same letters.
    async fn with_keys_together(
        &self,
        object: &Object,
        SomeKeys { keys, conditions, url }: SomeKeys<'_>,
    ) -> Option<Vec<Vec<RemoteRecord>>> {
        let folded: HashSet<String> = conditions.iter().map(|key| key.to_lowercase()).collect();
        if keys.len() < 2 || folded.len() < keys.len() {
            return None;
        }
        let layout = Extent::Records.layout(object);
        let found = self.query(object, Purpose::Query, url, layout).await.ok()?;
        if found.len() >= PAGE {
            return None;
        }
        let mut answers = vec![Vec::new(); keys.len()];
        for record in found {
            let has = |key: &UserKey| {
                key.parts.iter().all(|(index, value)| {
                    let found = record.row.get(*index).unwrap_or(&Value::Null);
                    self.wire.written(found) == self.wire.written(value)
                })
            };
            let whose = keys.iter().position(|key| has(key))?;
            answers[whose].push(record);
        }
        Some(answers)
    }

    /// The records of these ids as they are now, in the widest view: one query, or one each should that fail. Nothing
    /// may be written to an id that the server did not name, so that a record of any other is left out.
    pub(super) async fn present(&self, object: &Object, extent: Extent, ids: &[&RemoteId]) -> Present {
        if ids.len() > 1
            && let Ok(found) = self.present_together(object, extent, ids).await
        {
            let mut found: HashMap<RemoteId, RemoteRecord> =
                found.into_iter().map(|record| (record.key.id.clone(), record)).collect();
            return Present(ids.iter().map(|&id| (id.clone(), Ok(found.remove(id)))).collect());
        }
        let requests = ids.iter().map(|id| self.one(object, extent, id)).collect();
        let found = side_by_side(IN_FLIGHT, requests).await;
        Present(ids.iter().map(|&id| id.clone()).zip(found).collect())
    }

    async fn present_together(
        &self,
        object: &Object,
        extent: Extent,
        ids: &[&RemoteId],
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids.chunks(PAGE) {
            let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
            let any = query::any_of(&object.resource.id, &ids);
            all.extend(self.look(object, extent, vec![any], PAGE).await?);
        }
        Ok(all)
    }

    /// One record by its id. `None` also where the server answers another one.
    pub(super) async fn one(
        &self,
        object: &Object,
        extent: Extent,
        id: &RemoteId,
    ) -> Result<Option<RemoteRecord>, RemoteError> {
        let layout = extent.layout(object);
        let view_mode = &self.options.user_key_view_mode;
        let query = Query { fields: layout.names().collect(), view_mode, ..Query::default() };
        let url = query.at(self.address(object, Some(id)));
        let records = self.query(object, Purpose::Query, url, layout).await?;
        Ok(records.into_iter().find(|record| record.key.id == *id))
    }

    /// The records for which all conditions hold, in the widest view.
    async fn look(
        &self,
        object: &Object,
        extent: Extent,
        all: Vec<String>,
        page: usize,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let layout = extent.layout(object);
        let url = self.look_up(object, &layout, all, page);
        self.query(object, Purpose::Query, url, layout).await
    }

    /// The address of that query.
    fn look_up(&self, object: &Object, layout: &Layout<'_>, all: Vec<String>, page: usize) -> Url {
        let query = Query {
            fields: layout.names().collect(),
            all,
            page: Some(page),
            view_mode: &self.options.user_key_view_mode,
            ..Query::default()
        };
        query.at(self.address(object, None))
    }

    /// What holds for a record with this user key.
    fn conditions(&self, object: &Object, key: &UserKey) -> Vec<String> {
        let part = |(index, value): &(usize, Value)| {
            let field = object.remote.get(*index)?;
            Some(query::equal(&field.name, &self.wire.written(value)))
        };
        key.parts.iter().filter_map(part).collect()
    }
}

/// User keys that are looked up together.
struct SomeKeys<'k> {
    keys: &'k [&'k UserKey],
    /// What holds for a record with each.
    conditions: &'k [String],
    url: Url,
}

/// Records as they were found, those that are gone among them.
pub(super) struct Present(HashMap<RemoteId, Result<Option<RemoteRecord>, RemoteError>>);

impl Present {
    /// What was found of an id; each is asked for once.
    pub(super) fn take(&mut self, id: &RemoteId) -> Result<Option<RemoteRecord>, RemoteError> {
        self.0.remove(id).unwrap_or_else(|| {
            let message = format!("record {id} was not asked for");
            Err(RemoteError { scope: Scope::Object, message, help: None })
        })
    }
}
