//! Siebel REST. Listing by key set, a hundred a page; no conditional writes, so that the version is read right
//! before a write and verified after it (`siebel-rest.md`, `behaviour.md` decisions 7 and 8).

mod describe;
mod feed;
mod listing;
mod look;
mod query;
mod update;
mod wire;
mod write;

use super::Settings;
use super::decode::{Layout, Records, unfolded};
use super::freshness::Newest;
use super::http::{Call, Http, Reply};
use super::tally::Purpose;
use super::totals::Totals;
use crate::ports::{
    Capabilities, Feed, IdsFrom, Lock, Mark, Pages, Remote, RemoteDelete, RemoteError, RemoteRecord,
    RemoteUpdate, Requests, ResourceDescription, Scope, Stretch, View, WriteError, Written, side_by_side,
};
use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use jiff::tz::TimeZone;
use listing::{Extent, Part};
use look::ById;
use query::{LONGEST_URL, PAGE, Query};
use reqwest::Method;
use std::time::Duration;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::value::{Row, Value};
use url::Url;
use wire::Said;

/// The step of Siebel's stamps.
const TICK: Duration = Duration::from_secs(1);

/// Requests at once.
const IN_FLIGHT: usize = 16;

/// Records of a batch of inserts, that are looked up and read back together. More of them saved no time, and took memory.
const BATCH: usize = 48;

/// Inserts of a batch that are sent at once.
const WRITES: usize = 32;

/// Batches at once: while one is looked up or read back, others are written.
const WRITE_BATCHES: usize = 4;

/// What only Siebel has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiebelOptions {
    /// Whose records are visible: `Sales Rep`, `Organization`, `All` and others.
    pub view_mode: String,
    /// The same for user keys and for records that are about to be written; a wider one also finds twins that are
    /// otherwise out of sight.
    pub user_key_view_mode: String,
    /// IANA name of the zone that the server's times are in.
    pub timezone: String,
    /// Whether records are asked for by their last update instead of being listed: the server's clock must never go
    /// back then.
    pub change_feed: bool,
}

impl Default for SiebelOptions {
    fn default() -> SiebelOptions {
        let view_mode = "Sales Rep".to_owned();
        SiebelOptions {
            user_key_view_mode: view_mode.clone(),
            view_mode,
            timezone: "UTC".into(),
            change_feed: false,
        }
    }
}

/// A Siebel server.
#[derive(Debug)]
pub struct Siebel {
    http: Http,
    options: SiebelOptions,
    wire: wire::Siebel,
    newest: Newest,
    totals: Totals,
}

impl Siebel {
    /// Prepares the connection; nothing is contacted.
    ///
    /// # Errors
    /// An unknown time zone, or a machine on which there is no TLS.
    pub fn new(settings: Settings, options: SiebelOptions) -> Result<Siebel, RemoteError> {
        let zone = match options.timezone.as_str() {
            // Known without a time zone database.
            "UTC" => TimeZone::UTC,
            name => TimeZone::get(name).map_err(|error| RemoteError {
                scope: Scope::Run,
                message: format!("failed to find the time zone {name:?}: {error}"),
                help: Some("`timezone` is an IANA name such as `Europe/Berlin`".into()),
            })?,
        };
        let (http, wire) = (Http::new(settings)?, wire::Siebel { zone });
        Ok(Siebel { http, options, wire, newest: Newest::default(), totals: Totals::default() })
    }

    fn call<'o>(&self, object: &'o Object, purpose: Purpose, method: Method, url: Url) -> Call<'o> {
        let authorization = self.http.authorization();
        let (headers, body, detail) = (Vec::new(), None, None);
        Call { object: Some(&object.name), purpose, method, url, headers, body, authorization, detail }
    }

    fn address(&self, object: &Object, id: Option<&RemoteId>) -> Url {
        query::address(&self.http.settings().url, &object.resource.path, id.map(|id| id.0.as_str()))
    }

    /// A reading request. Emptiness, which Siebel calls an error, is `None`.
    async fn get<T>(
        &self,
        object: &Object,
        purpose: Purpose,
        url: Url,
        read: impl FnOnce(&Reply) -> Result<T, serde_json::Error>,
    ) -> Result<Option<T>, RemoteError> {
        let call = self.call(object, purpose, Method::GET, url);
        if call.url.as_str().len() >= LONGEST_URL {
            return Err(self.too_long(&call));
        }
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        match reply.status {
            204 => Ok(None),
            404 if Said::of(&reply.body).is_emptiness() => Ok(None),
            _ if !reply.is_success() => Err(self.http.unexpected(&call, &reply)),
            _ => read(&reply).map(Some).map_err(|error| self.http.unreadable(&call, &reply, &error)),
        }
    }

    /// The error for an address that no server takes. What is longest in it is what there is to shorten.
    fn too_long(&self, call: &Call<'_>) -> RemoteError {
        let longest = call.url.query().unwrap_or("").split('&').max_by_key(|part| part.len());
        let (why, help) = match longest {
            Some(part) if part.starts_with("fields=") => (
                ": the object has too many fields for one request",
                "leave some of the remote fields out of its plugin",
            ),
            _ => ("", "shorten the `filter`; or a value of the user key is too long to be looked up"),
        };
        let name = self.http.name(call);
        RemoteError {
            scope: Scope::Object,
            message: format!("{name} needs an address of more than {LONGEST_URL} bytes{why}"),
            help: Some(help.into()),
        }
    }

    /// The records of the body of an answer, as every query reads them; public so that it can be measured.
    ///
    /// # Errors
    /// The body is no JSON, or no record or list of records.
    pub fn read(&self, object: &Object, body: &[u8]) -> Result<Vec<RemoteRecord>, serde_json::Error> {
        Records { layout: &Layout::records(object, unfolded), wire: &self.wire }.read(body)
    }

    /// The records that a query finds, with the fields of the layout.
    async fn query<'o>(
        &self,
        object: &'o Object,
        purpose: Purpose,
        url: Url,
        layout: Layout<'o>,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        Ok(self.counted(object, purpose, url, layout).await?.0)
    }

    /// The same, and how many records there are, where that was asked for and the server says it.
    async fn counted<'o>(
        &self,
        object: &'o Object,
        purpose: Purpose,
        url: Url,
        layout: Layout<'o>,
    ) -> Result<(Vec<RemoteRecord>, Option<u64>), RemoteError> {
        let read = move |reply: &Reply| {
            let records = Records { layout: &layout, wire: &self.wire }.read(&reply.body)?;
            Ok((records, total_count(reply)))
        };
        let (mut records, total) = self.get(object, purpose, url, read).await?.unwrap_or_default();
        let keys = records.iter_mut().map(|record| &mut record.key);
        self.newest.mark(object, keys, TICK, |stamp| self.wire.instant(stamp));
        Ok((records, total))
    }

    /// How many records a stretch of a view has; `None` where the server does not say.
    async fn total(&self, view: View<'_>, stretch: Stretch<'_>) -> Result<Option<u64>, RemoteError> {
        let id = &view.object.resource.id;
        let query = Query {
            fields: vec![id],
            all: view.filter.map(str::to_owned).into_iter().chain(query::stretch(id, stretch)).collect(),
            page: Some(1),
            count: true,
            view_mode: &self.options.view_mode,
            ..Query::default()
        };
        let url = query.at(self.address(view.object, None));
        let total = |reply: &Reply| {
            serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body)?;
            Ok(total_count(reply))
        };
        Ok(self.get(view.object, Purpose::Count, url, total).await?.unwrap_or(Some(0)))
    }
}

#[async_trait]
impl Remote for Siebel {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            counts: true,
            lock: Lock::ReadCompare,
            details_batch: PAGE,
            in_flight: IN_FLIGHT,
            write_batch: BATCH,
            write_batches: WRITE_BATCHES,
            ids: IdsFrom::Server,
            change_feed: self.options.change_feed,
        }
    }

    /// Siebel has no session, and no request that concerns no object: a failed login shows with the first count, but
    /// for a token that is not to be had.
    async fn connect(&self) -> Result<(), RemoteError> {
        self.http.connect().await
    }

    async fn count(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        let total = self.total(view, Stretch::default()).await?;
        self.totals.note(&view.object.name, total);
        Ok(total)
    }

    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        self.pages(view, Extent::Keys, Part::default()).map_ok(keys).boxed()
    }

    fn records<'a>(&'a self, view: View<'a>) -> Option<Pages<'a>> {
        Some(self.pages(view, Extent::Records, Part::default()).boxed())
    }

    async fn mark(&self, view: View<'_>) -> Result<Option<Mark>, RemoteError> {
        self.newest_stamp(view).await
    }

    async fn changes(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        self.changed_since(view, since).await
    }

    async fn count_each(
        &self,
        view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Option<Vec<u64>>, RemoteError> {
        let counts = stretches.iter().map(|&stretch| self.total(view, stretch)).collect();
        side_by_side(IN_FLIGHT, counts).await.into_iter().collect()
    }

    async fn ids_each(
        &self,
        view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Vec<Vec<RemoteId>>, RemoteError> {
        let ids = |page: Vec<RemoteRecord>| page.into_iter().map(|it| it.key.id).collect::<Vec<_>>();
        let parts = stretches.iter().map(|&stretch| Part { stretch, ..Part::default() });
        let lists = parts.map(|part| self.pages(view, Extent::Ids, part).map_ok(ids).try_concat());
        side_by_side(IN_FLIGHT, lists.collect()).await.into_iter().collect()
    }

    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError> {
        let view = View { object, filter: None };
        let view_mode = &self.options.view_mode;
        let how = ById { view, view_mode, extent: Extent::Records, purpose: Purpose::Details };
        self.by_id(how, ids.iter().map(|id| id.0.as_str()).collect()).await
    }

    async fn in_view(&self, view: View<'_>, ids: &[RemoteId]) -> Result<Option<Vec<RemoteId>>, RemoteError> {
        let view_mode = &self.options.view_mode;
        let how = ById { view, view_mode, extent: Extent::Ids, purpose: Purpose::Keys };
        let found = self.by_id(how, ids.iter().map(|id| id.0.as_str()).collect()).await?;
        Ok(Some(found.into_iter().map(|record| record.key.id).collect()))
    }

    async fn find(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        self.with_key(object, key).await
    }

    async fn insert(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        only(self.insert_records(object, &[row]).await)
    }

    async fn update(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        only(self.update_records(object, &[RemoteUpdate { id, expected, changes }]).await)
    }

    async fn delete(&self, object: &Object, id: &RemoteId, expected: &RemoteToken) -> Result<(), WriteError> {
        only(self.delete_records(object, &[RemoteDelete { id, expected }]).await)
    }

    async fn find_all(
        &self,
        object: &Object,
        keys: &[&UserKey],
    ) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
        self.with_keys(object, keys).await
    }

    async fn insert_all(&self, object: &Object, rows: &[&Row]) -> Vec<Result<Written, WriteError>> {
        self.insert_records(object, rows).await
    }

    async fn update_all(
        &self,
        object: &Object,
        updates: &[RemoteUpdate<'_>],
    ) -> Vec<Result<Written, WriteError>> {
        self.update_records(object, updates).await
    }

    async fn delete_all(&self, object: &Object, deletes: &[RemoteDelete<'_>]) -> Vec<Result<(), WriteError>> {
        self.delete_records(object, deletes).await
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

/// How many records a query finds on all its pages.
fn total_count(reply: &Reply) -> Option<u64> {
    reply.header("Total-Record-Count").and_then(|total| total.trim().parse().ok())
}

fn keys(page: Vec<RemoteRecord>) -> Vec<RemoteKey> {
    page.into_iter().map(|record| record.key).collect()
}

/// The answer to a batch of one.
fn only<T>(mut answers: Vec<Result<T, WriteError>>) -> Result<T, WriteError> {
    answers.pop().unwrap_or_else(|| {
        let message = "the write was not sent".to_owned();
        Err(WriteError::Remote(RemoteError { scope: Scope::Object, message, help: None }))
    })
}
