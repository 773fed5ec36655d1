//! JSON over REST, by a description: `description` says what a server is like, and nothing here knows any server.
//!
//! A request's way: `template` puts ids, fields and filters into what the description has → `asking` sends it → `answers`
//! reads records out of the answer → `classify` says what an answer means that is none. `paging` goes from page to page,
//! `search` looks for user keys, `write` sends and proves writes, `guard` keeps them from
//! overwriting others, `wire` and `moments` have the forms of values, `tree` makes bodies of them.

mod answers;
mod asking;
mod classify;
pub mod description;
mod guard;
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
    Capabilities, IdsFrom, Lock, Remote, RemoteError, RemoteRecord, Requests, Scope, View, WriteError,
    Written,
};
use answers::items_in;
use asking::Wanted;
use async_trait::async_trait;
use description::{Description, LockKind, Request, Total};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use paging::{Page, Read, Seen};
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::value::{Row, Value};
use template::{Bindings, Var};
use url::form_urlencoded;

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

    /// The parameters that a filter adds, and the placeholder for it.
    fn filtered(
        &self,
        view: View<'_>,
        request: &Request,
        bindings: Bindings,
    ) -> Result<(Bindings, Vec<(String, String)>), RemoteError> {
        let Some(filter) = view.filter else { return Ok((bindings, Vec::new())) };
        if request.filter {
            return Ok((bindings, form_urlencoded::parse(filter.as_bytes()).into_owned().collect()));
        }
        if request.mentions(Var::Filter) {
            return Ok((bindings.text(Var::Filter, filter), Vec::new()));
        }
        Err(RemoteError {
            scope: Scope::Object,
            message: format!(
                "`{}` has a `filter`, and the description of the server says nowhere how to ask for it",
                view.object.name
            ),
            help: Some("`filter = \"query\"`, or `{filter}` in the `query` of `[list]`".into()),
        })
    }

    /// The pages of a listing.
    fn pages<'a>(
        &'a self,
        view: View<'a>,
        wanted: Wanted,
        purpose: Purpose,
    ) -> BoxStream<'a, Result<Vec<RemoteRecord>, RemoteError>> {
        let first = Some((Page::first(&self.description.list.paging), Seen::default()));
        stream::try_unfold(first, move |state| async move {
            let Some((page, mut seen)) = state else { return Ok(None) };
            let (records, next) = self.page(view, wanted, purpose, &page, &mut seen).await?;
            Ok(Some((records, next.map(|next| (next, seen)))))
        })
        .boxed()
    }

    async fn page(
        &self,
        view: View<'_>,
        wanted: Wanted,
        purpose: Purpose,
        page: &Page,
        seen: &mut Seen,
    ) -> Result<(Vec<RemoteRecord>, Option<Page>), RemoteError> {
        let View { object, .. } = view;
        let list = &self.description.list;
        let layout = self.layout(object, wanted);
        let bindings = page.bind(self.bindings(object, &layout));
        let (bindings, mut more) = self.filtered(view, &list.request, bindings)?;
        more.extend(list.paging.parameter().map(str::to_owned).zip(page.parameter()));
        let mut call = self.call(Some(object), purpose, &list.request, &bindings, &more)?;
        if let Page::At(url) = page {
            call.url = url.clone();
        }
        let reply = self.must_read(&call).await?;
        let records = self.records(object, &layout, &list.items, &call, &reply)?;
        let read = Read {
            reply: &reply,
            url: &call.url,
            items: if list.paging.counts() { items_in(&list.items, &reply) } else { 0 },
            first: records.first().map(|record| record.key.id.0.as_str()),
            last: records.last().map(|record| record.key.id.0.as_str()),
        };
        let next = paging::next(&list.paging, page, &read, seen).map_err(|why| RemoteError {
            scope: Scope::Object,
            message: format!("the listing of `{}` {why}", object.name),
            help: Some("check `paging` in the description of the server".into()),
        })?;
        Ok((records, next))
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
            ids: IdsFrom::Server,
            change_feed: false,
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
        let takes_filter = count.request.filter || count.request.mentions(Var::Filter);
        if view.filter.is_some() && !takes_filter {
            // What it counts is not what is listed.
            return Ok(None);
        }
        let bindings = Bindings::default().text(Var::Resource, &view.object.resource.path);
        let (bindings, more) = self.filtered(view, &count.request, bindings)?;
        let call = self.call(Some(view.object), Purpose::Count, &count.request, &bindings, &more)?;
        let reply = self.must_read(&call).await?;
        let total = match &count.total {
            Total::Header(name) => reply.header(name.as_str()).map(str::to_owned),
            Total::Body(at) => at.text(&reply.body),
        };
        Ok(total.and_then(|total| total.trim().parse().ok()))
    }

    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        let keys = |records: Vec<RemoteRecord>| records.into_iter().map(|record| record.key).collect();
        self.pages(view, Wanted::Key, Purpose::Keys).map_ok(keys).boxed()
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
}
