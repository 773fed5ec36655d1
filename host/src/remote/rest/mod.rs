//! JSON over REST, by a description: `description` says what a server is like, and nothing here knows any server.
//!
//! A request's way: `template` puts ids, fields and filters into what the description has → `asking` sends it → `answers`
//! reads records out of the answer → `classify` says what an answer means that is none. `paging` goes from page to page,
//! `search` looks for user keys, `write` sends and proves writes, `guard` keeps them from
//! overwriting others, `wire` and `moments` have the forms of values, `tree` makes bodies of them.

mod answers;
mod asking;
mod classify;
mod describe;
pub mod description;
mod feed;
mod guard;
mod listing;
mod moments;
mod paging;
mod pointer;
mod search;
mod template;
mod tree;
mod wire;
mod write;

use super::Settings;
use super::freshness::Newest;
use super::http::Http;
use super::tally::Purpose;
use crate::ports::{
    Capabilities, Feed, IdsFrom, Lock, Mark, Pages, Remote, RemoteError, RemoteRecord, Requests,
    ResourceDescription, Scope, View, WriteError, Written,
};
use asking::Wanted;
use async_trait::async_trait;
use description::{Description, LockKind};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::value::{Row, Value};
use template::{Bindings, Var};

/// Records that are read at once where each takes a request.
const ONE_BY_ONE: usize = 4;

/// A REST server.
#[derive(Debug)]
pub struct Rest {
    http: Http,
    description: Description,
    newest: Newest,
}

impl Rest {
    /// Prepares the connection; nothing is contacted.
    ///
    /// # Errors
    /// A machine on which there is no TLS.
    pub fn new(settings: Settings, description: Description) -> Result<Rest, RemoteError> {
        Ok(Rest { http: Http::new(settings)?, description, newest: Newest::default() })
    }
}

#[async_trait]
impl Remote for Rest {
    fn capabilities(&self) -> Capabilities {
        let lock = match self.description.lock.kind {
            LockKind::ReadCompare => Lock::ReadCompare,
            LockKind::IfMatch { .. } | LockKind::Field => Lock::ConditionalWrite,
        };
        Capabilities {
            counts: self.description.count.is_some(),
            lock,
            details_batch: self.description.get_many.as_ref().map_or(ONE_BY_ONE, |many| many.batch),
            in_flight: 4,
            write_batch: 4,
            write_batches: 1,
            ids: IdsFrom::Server,
            change_feed: self.description.changes.is_some(),
        }
    }

    /// Asks what any server in order answers, where that is described: else a failed login shows with the first object.
    async fn connect(&self) -> Result<(), RemoteError> {
        self.http.connect().await?;
        let Some(connect) = &self.description.connect else { return Ok(()) };
        let call = self.call(None, Purpose::Query, connect, &Bindings::default(), &[])?;
        let run = |error: RemoteError| RemoteError { scope: Scope::Run, ..error };
        self.must_read(&call).await.map(|_| ()).map_err(run)
    }

    async fn count(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        let Some(count) = &self.description.count else { return Ok(None) };
        if view.filter.is_some() && !count.request.takes_filter() {
            // What it counts is not what is listed.
            return Ok(None);
        }
        let bindings = Bindings::default().text(Var::Resource, &view.object.resource.path);
        let (bindings, more) = listing::filtered(view, &count.request, bindings)?;
        let call = self.call(Some(view.object), Purpose::Count, &count.request, &bindings, &more)?;
        let reply = self.must_read(&call).await?;
        Ok(count.total.text(&reply).and_then(|total| total.trim().parse().ok()))
    }

    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        let keys = |records: Vec<RemoteRecord>| records.into_iter().map(|record| record.key).collect();
        self.pages(view, Wanted::Key, Purpose::Keys).map_ok(keys).boxed()
    }

    /// Only where the listing is asked for the fields by name: any other may leave some of them out.
    fn records<'a>(&'a self, view: View<'a>) -> Option<Pages<'a>> {
        let is_whole = self.description.list.request.mentions(Var::Fields);
        is_whole.then(|| self.pages(view, Wanted::Record, Purpose::Details))
    }

    async fn mark(&self, view: View<'_>) -> Result<Option<Mark>, RemoteError> {
        self.mark_of(view).await
    }

    async fn changes(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        self.changed_since(view, since).await
    }

    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError> {
        self.many(object, ids, Purpose::Details).await
    }

    async fn find(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        self.search(object, key).await
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
        self.http.requests(object)
    }

    async fn describe_resource(
        &self,
        object: &ObjectName,
        path: &str,
    ) -> Result<ResourceDescription, RemoteError> {
        self.described(object, path).await
    }
}
