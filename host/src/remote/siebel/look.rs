//! Looking records up around a write: by user key before it, by id before and after it. Several at once are one query;
//! where that tells too little of each, each is asked for by itself.

use super::listing::Extent;
use super::query::{self, LONGEST_URL, PAGE, Query};
use super::{IN_FLIGHT, Purpose, Siebel};
use crate::ports::{RemoteError, RemoteRecord, Scope, View, side_by_side};
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
        let layout = Extent::Records.layout(object);
        let url = self.look_up(&layout, self.conditions(object, key)).at(self.address(object, None));
        self.query(object, Purpose::Query, url, layout).await
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
        let query = self.look_up(&layout, vec![conditions.join(" OR ")]);
        let url = Query { page: Some(PAGE), count: true, ..query }.at(self.address(object, None));
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

    /// `None` where the one query does not tell whose the records are that it finds, as a server may take more for equal
    /// than the same letters; or not that there are no others, as it may give smaller pages than it is asked for.
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
        let (found, total) = self.counted(object, Purpose::Query, url, layout).await.ok()?;
        // That nothing at all is found needs no proof.
        let is_whole = total.map_or(found.is_empty(), |total| u64::try_from(found.len()) == Ok(total));
        if !is_whole {
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

    /// The records of these ids as they are now, in the widest view: by one query, and what that misses, or all should it
    /// fail, each by itself. Nothing may be written to an id that the server did not name, so that a record of any other
    /// is left out.
    pub(super) async fn present(&self, object: &Object, extent: Extent, ids: &[&RemoteId]) -> Present {
        let together =
            if ids.len() > 1 { self.present_together(object, extent, ids).await.ok() } else { None };
        let together = together.into_iter().flatten().map(|it| (it.key.id.clone(), Ok(Some(it))));
        let mut found: HashMap<RemoteId, Result<Option<RemoteRecord>, RemoteError>> = together.collect();
        let missing: Vec<&RemoteId> = ids.iter().copied().filter(|id| !found.contains_key(*id)).collect();
        let requests = missing.iter().map(|id| self.one(object, extent, id)).collect();
        let alone = side_by_side(IN_FLIGHT, requests).await;
        found.extend(missing.into_iter().cloned().zip(alone));
        Present(found)
    }

    async fn present_together(
        &self,
        object: &Object,
        extent: Extent,
        ids: &[&RemoteId],
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let (view, view_mode) = (View { object, filter: None }, &*self.options.user_key_view_mode);
        let how = ById { view, view_mode, extent, purpose: Purpose::Query };
        let mut all = Vec::with_capacity(ids.len());
        for (url, _) in self.by_ids(how, ids.iter().map(|id| id.0.as_str()).collect()) {
            all.extend(self.query(object, how.purpose, url, extent.layout(object)).await?);
        }
        Ok(all)
    }

    /// The records of these ids. That one is missing among others is no proof that it is gone, as a server may give
    /// smaller pages than it is asked for: what is missing is asked for again, until nothing is found of it.
    pub(super) async fn by_id(
        &self,
        how: ById<'_>,
        ids: Vec<&str>,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let object = how.view.object;
        let mut all = Vec::with_capacity(ids.len());
        let mut open = self.by_ids(how, ids);
        while let Some((url, mut ids)) = open.pop() {
            let asked = ids.len();
            let page = self.query(object, how.purpose, url, how.extent.layout(object)).await?;
            let found: HashSet<&str> = page.iter().map(|record| record.key.id.0.as_str()).collect();
            ids.retain(|id| !found.contains(id));
            if ids.len() < asked {
                open.extend(self.by_ids(how, ids));
            }
            all.extend(page);
        }
        Ok(all)
    }

    /// The queries for records by id, the last first: one, or more where the address would become too long.
    fn by_ids<'i>(&self, how: ById<'_>, mut ids: Vec<&'i str>) -> Vec<(Url, Vec<&'i str>)> {
        if ids.is_empty() {
            return Vec::new();
        }
        let View { object, filter } = how.view;
        let any = query::any_of(&object.resource.id, &ids);
        let query = Query {
            fields: how.extent.layout(object).names().collect(),
            all: filter.map(str::to_owned).into_iter().chain([any]).collect(),
            page: Some(PAGE),
            view_mode: how.view_mode,
            ..Query::default()
        };
        let url = query.at(self.address(object, None));
        if ids.len() > PAGE || (url.as_str().len() >= LONGEST_URL && ids.len() > 1) {
            let right = ids.split_off(ids.len() / 2);
            return [right, ids].into_iter().flat_map(|ids| self.by_ids(how, ids)).collect();
        }
        vec![(url, ids)]
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

    /// The query for records for which all conditions hold, in the widest view: two at most.
    fn look_up<'q>(&'q self, layout: &'q Layout<'_>, all: Vec<String>) -> Query<'q> {
        Query {
            fields: layout.names().collect(),
            all,
            page: Some(2),
            view_mode: &self.options.user_key_view_mode,
            ..Query::default()
        }
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

/// How records are asked for by id.
#[derive(Clone, Copy)]
pub(super) struct ById<'a> {
    pub(super) view: View<'a>,
    /// Whose records are visible.
    pub(super) view_mode: &'a str,
    pub(super) extent: Extent,
    pub(super) purpose: Purpose,
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
