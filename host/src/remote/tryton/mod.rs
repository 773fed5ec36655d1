//! Tryton, over JSON-RPC. The token is the record's `_timestamp`, which also guards its writes; listing is by key
//! set. Archived records are listed like others, so that archiving one is an update of its field `active`.

mod describe;
mod mechanism;
mod rpc;
mod wire;
mod write;

use super::Settings;
use super::decode::{Layout, Records, read_again};
use super::tally::Purpose;
use super::totals::{Remainder, Totals};
use crate::ports::{
    Capabilities, IdsFrom, Lock, Remote, RemoteError, RemoteRecord, Requests, ResourceDescription, Scope,
    View, WriteError, Written,
};
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use rpc::{Invocation, Rpc, plain};
use serde_json::{Map, Value as Json, json};
use std::collections::HashSet;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::value::{Row, Value};

/// Keys a page: a quarter of a second on a small server.
const PAGE: usize = 1_000;

/// A Tryton server, version 8: older ones have their endpoint elsewhere, not at `rpc/` below the database.
#[derive(Debug)]
pub struct Tryton {
    rpc: Rpc,
    totals: Totals,
}

impl Tryton {
    /// Prepares the connection; nothing is contacted. The url ends with the database's name.
    ///
    /// # Errors
    /// A machine on which there is no TLS.
    pub fn new(settings: Settings) -> Result<Tryton, RemoteError> {
        Ok(Tryton { rpc: Rpc::new(settings)?, totals: Totals::default() })
    }

    fn invocation<'o>(
        &self,
        object: &'o Object,
        purpose: Purpose,
        method: &'static str,
        params: Vec<Json>,
    ) -> Invocation<'o> {
        let context = Map::from_iter([("active_test".to_owned(), json!(false))]);
        Invocation { object, purpose, method, params, context }
    }

    /// The records that a domain finds, with the fields of the layout, in the order of their ids.
    async fn search(
        &self,
        object: &Object,
        purpose: Purpose,
        domain: Json,
        limit: Option<usize>,
        layout: Layout<'_>,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let fields: Vec<String> = layout.names().flat_map(mechanism::asked).collect();
        let params = vec![domain, json!(0), json!(limit), json!([["id", "ASC"]]), json!(fields)];
        let wire = wire::Tryton::new(object);
        let parse = move |body: &[u8]| {
            read_again(body, |body| wire::answer(body, Records { layout: &layout, wire: &wire }))
        };
        self.rpc.read(&self.invocation(object, purpose, "search_read", params), parse).await
    }

    async fn records(
        &self,
        object: &Object,
        purpose: Purpose,
        domain: Json,
        limit: Option<usize>,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        self.search(object, purpose, domain, limit, Layout::records(object, mechanism::fold)).await
    }

    /// The records of these ids that a view has. Not by `read`, which fails for all when one is gone. What is missing may
    /// be so for the length of the answer: it is asked for again, until nothing is found of it.
    async fn by_id(
        &self,
        view: View<'_>,
        purpose: Purpose,
        ids: &[RemoteId],
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let mut ids: Vec<i64> = ids.iter().filter_map(number).collect();
        let mut all = Vec::with_capacity(ids.len());
        while !ids.is_empty() {
            let domain = json!([filter(view)?, [view.object.resource.id, "in", ids]]);
            let page = self.records(view.object, purpose, domain, None).await?;
            let (asked, found) = (ids.len(), page.iter().filter_map(|record| number(&record.key.id)));
            let found: HashSet<i64> = found.collect();
            ids.retain(|id| !found.contains(id));
            all.extend(page);
            if ids.len() == asked {
                break;
            }
        }
        Ok(all)
    }

    async fn keys_after(&self, view: View<'_>, after: Option<i64>) -> Result<Vec<RemoteKey>, RemoteError> {
        let View { object, .. } = view;
        let mut domain = vec![filter(view)?];
        if let Some(after) = after {
            domain.push(json!([object.resource.id, ">", after]));
        }
        let layout = Layout::keys(object, mechanism::fold);
        let found = self.search(object, Purpose::Keys, Json::Array(domain), Some(PAGE), layout).await?;
        Ok(found.into_iter().map(|record| record.key).collect())
    }
}

/// The filter as a domain; all records where there is none.
fn filter(view: View<'_>) -> Result<Json, RemoteError> {
    let Some(text) = view.filter else { return Ok(json!([])) };
    match serde_json::from_str(text) {
        Ok(domain @ Json::Array(_)) => Ok(domain),
        _ => Err(RemoteError {
            scope: Scope::Object,
            message: format!("the `filter` of `{}` is no domain: {text}", view.object.name),
            help: Some(r#"a domain is a JSON list such as [["state", "=", "lead"]]"#.into()),
        }),
    }
}

/// An id as Tryton has it. Ids come from the server, so anything else is no record's.
fn number(id: &RemoteId) -> Option<i64> {
    id.0.parse().ok()
}

#[async_trait]
impl Remote for Tryton {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            counts: true,
            lock: Lock::ConditionalWrite,
            details_batch: 500,
            in_flight: 2,
            write_batch: 2,
            write_batches: 1,
            ids: IdsFrom::Server,
            change_feed: false,
        }
    }

    async fn connect(&self) -> Result<(), RemoteError> {
        self.rpc.connect().await
    }

    async fn count(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        let invocation = self.invocation(view.object, Purpose::Count, "search_count", vec![filter(view)?]);
        let total = self.rpc.read(&invocation, plain).await?;
        self.totals.note(&view.object.name, Some(total));
        Ok(Some(total))
    }

    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        // What the next page follows, and what is to come: `None` when there is none.
        let first = Some((None, Remainder::of(self.totals.of(&view.object.name))));
        stream::try_unfold(first, move |state| async move {
            let Some((after, mut remainder)) = state else { return Ok(None) };
            let keys = self.keys_after(view, after).await?;
            let Some(last) = keys.last() else { return Ok(None) };
            let last = number(&last.id).filter(|last| after.is_none_or(|after| *last > after));
            let last = last.ok_or_else(|| RemoteError {
                scope: Scope::Object,
                message: format!(
                    "the listing of `{}` does not advance from one id to the next",
                    view.object.name
                ),
                help: None,
            })?;
            let ends = remainder.ends_with(keys.len(), keys.len() >= PAGE);
            Ok(Some((keys, (!ends).then_some((Some(last), remainder)))))
        })
        .boxed()
    }

    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError> {
        self.by_id(View { object, filter: None }, Purpose::Details, ids).await
    }

    async fn in_view(&self, view: View<'_>, ids: &[RemoteId]) -> Result<Option<Vec<RemoteId>>, RemoteError> {
        let found = self.by_id(view, Purpose::Keys, ids).await?;
        Ok(Some(found.into_iter().map(|record| record.key.id).collect()))
    }

    async fn find(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        let condition = |(index, value): &(usize, Value)| {
            let name = &object.remote.get(*index)?.name;
            let value = wire::written(value);
            Some(match mechanism::kind(name) {
                Some(kind) => mechanism::condition(kind, &value),
                None => json!([name, "=", value]),
            })
        };
        let domain = key.parts.iter().filter_map(condition).collect();
        // The second match tells that the key is ambiguous.
        self.records(object, Purpose::Query, domain, Some(2)).await
    }

    async fn insert(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        self.insert_record(object, row).await
    }

    async fn update(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        self.update_record(object, id, expected, changes).await
    }

    async fn delete(&self, object: &Object, id: &RemoteId, expected: &RemoteToken) -> Result<(), WriteError> {
        self.delete_record(object, id, expected).await
    }

    fn requests(&self, object: &ObjectName) -> Requests {
        self.rpc.http.requests(object)
    }

    async fn describe_resource(
        &self,
        object: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        self.described(object, path).await
    }
}
