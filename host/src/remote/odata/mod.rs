//! OData 4. What a server is like is taken from its `$metadata` and from what it answers, never from its maker's name.
//! Listing follows the server's own links from page to page. Every write of a record that is there carries
//! `If-Match`: it never makes a record, and where the server knows ETags it never overwrites another's edit
//! (`behaviour.md`, decisions 6 to 8).

mod answer;
mod batch;
mod count;
mod csdl;
mod delta;
mod describe;
mod feed;
mod insert;
mod listing;
mod proof;
mod query;
mod read;
mod schema;
mod send;
mod session;
mod shape;
mod wire;
mod write;

use super::Settings;
use super::freshness::Newest;
use super::http::{Call, Http};
use super::tally::Purpose;
use crate::ports::{
    Capabilities, Feed, IdsFrom, Lock, Mark, Pages, Remote, RemoteDelete, RemoteError, RemoteRecord,
    RemoteUpdate, Requests, ResourceDescription, Scope, View, WriteError, Written,
};
use async_trait::async_trait;
use batch::Batches;
use csdl::CsdlError;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use read::Names;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use schema::Schema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use session::Session;
use shape::Shape;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::value::{Row, Value};
use tokio::sync::OnceCell;
use url::Url;

/// Ids a request for records asks for at most.
const BATCH: usize = 200;
/// Requests under way at once.
const IN_FLIGHT: usize = 8;
/// Keys that are asked for at a time; most servers have a limit of their own below that.
const PAGE: HeaderValue = HeaderValue::from_static("odata.maxpagesize=5000");
/// The same, of a listing whose later changes are of interest.
const TRACKED_PAGE: HeaderValue = HeaderValue::from_static("odata.track-changes,odata.maxpagesize=5000");

const PREFER: HeaderName = HeaderName::from_static("prefer");
const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const JSON: HeaderValue = HeaderValue::from_static("application/json;odata.metadata=minimal");
/// Decimals and 64-bit integers as text, which no JSON library in between rounds.
const EXACT_JSON: HeaderValue =
    HeaderValue::from_static("application/json;odata.metadata=minimal;IEEE754Compatible=true");

/// An OData server.
#[derive(Debug)]
pub struct Odata {
    http: Http,
    /// Read once.
    schema: OnceCell<Schema>,
    /// What became of the objects by it.
    shapes: Mutex<HashMap<ObjectName, (Object, Arc<Shape>)>>,
    newest: Newest,
    /// What goes with each write, where the server wants that.
    session: Mutex<Option<Session>>,
    /// Whether the server has not refused `ID in (…)`, as far as is known.
    lists: AtomicBool,
    /// Ids that it takes at a time, as far as is known.
    batch: AtomicUsize,
    /// Whether it takes several requests in one.
    batches: Mutex<Batches>,
    /// Whether the server is asked to track what is listed.
    change_feed: bool,
    /// The delta links of objects that were read to their end.
    links: Mutex<HashMap<ObjectName, Url>>,
}

impl Odata {
    /// Prepares the connection; nothing is contacted. The url is that of the service root.
    ///
    /// # Errors
    /// A machine on which there is no TLS.
    pub fn new(settings: Settings) -> Result<Odata, RemoteError> {
        Ok(Odata {
            http: Http::new(settings)?,
            schema: OnceCell::new(),
            shapes: Mutex::default(),
            newest: Newest::default(),
            session: Mutex::default(),
            lists: AtomicBool::new(true),
            batch: AtomicUsize::new(BATCH),
            batches: Mutex::default(),
            change_feed: false,
            links: Mutex::default(),
        })
    }

    /// Whether the server is asked to track what is listed without a filter, so that the next run asks for the changes
    /// since. One that has no delta links lists as ever.
    #[must_use]
    pub fn with_change_feed(self, change_feed: bool) -> Odata {
        Odata { change_feed, ..self }
    }

    /// What this remote can do, as far as is known.
    fn abilities(&self) -> Capabilities {
        Capabilities {
            counts: true,
            lock: Lock::ConditionalWrite,
            details_batch: BATCH,
            in_flight: IN_FLIGHT,
            // Without batches, one request a record: what is looked up is not older then than a round of requests.
            write_batch: if self.batches() == Batches::Taken { batch::MOST } else { IN_FLIGHT },
            write_batches: 1,
            ids: IdsFrom::Server,
            change_feed: self.change_feed,
        }
    }

    fn call<'o>(
        &self,
        object: Option<&'o Object>,
        purpose: Purpose,
        method: Method,
        url: Url,
        accept: HeaderValue,
    ) -> Call<'o> {
        let headers = vec![(ACCEPT, accept), (MAX_VERSION, HeaderValue::from_static("4.0"))];
        let (object, authorization) = (object.map(|object| &object.name), self.http.authorization());
        Call { object, purpose, method, url, body: None, authorization, headers, detail: None }
    }

    /// The address of an object's records, or of one of them.
    fn address(&self, object: &Object, shape: &Shape, id: Option<&RemoteId>) -> Url {
        let key = id.map(|id| query::literal(&shape.key, &id.0));
        query::address(&self.http.settings().url, &object.resource.path, key.as_deref(), None)
    }

    /// The object as the server has it. Every way to the object's records leads through here, so that nothing is
    /// asked or written of an object that does not go with the server.
    async fn shape(&self, object: &Object) -> Result<Arc<Shape>, RemoteError> {
        let known = |shapes: &HashMap<ObjectName, (Object, Arc<Shape>)>| {
            let (known, shape) = shapes.get(&object.name)?;
            (known == object).then(|| Arc::clone(shape))
        };
        if let Some(shape) = known(&self.shapes.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(shape);
        }
        let schema = self.schema.get_or_try_init(|| self.metadata()).await?;
        let shape = Arc::new(Shape::of(object, schema)?);
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(object.name.clone(), (object.clone(), Arc::clone(&shape)));
        Ok(shape)
    }

    /// Reads the service document, which only an OData server has, and only for those who may log in.
    async fn service(&self) -> Result<(), RemoteError> {
        #[derive(Deserialize)]
        struct Service {
            #[serde(rename = "value")]
            _sets: Vec<IgnoredAny>,
        }
        let url = query::address(&self.http.settings().url, "", None, Some(""));
        let call = self.call(None, Purpose::Query, Method::GET, url, JSON);
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        let error = match serde_json::from_slice::<Service>(&reply.body) {
            _ if !reply.is_success() => self.http.unexpected(&call, &reply),
            Ok(_) => return Ok(()),
            Err(error) => self.http.unreadable(&call, &reply, &error),
        };
        let help =
            "check `url`: it is the root of an OData 4 service, such as `https://crm.example/odata/v4/crm/`";
        Err(RemoteError { help: error.help.or(Some(help.into())), ..error })
    }

    /// Reads `$metadata`.
    async fn metadata(&self) -> Result<Schema, RemoteError> {
        let url = query::address(&self.http.settings().url, "", None, Some("$metadata"));
        let call =
            self.call(None, Purpose::Query, Method::GET, url, HeaderValue::from_static("application/xml"));
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        if !reply.is_success() {
            return Err(self.http.unexpected(&call, &reply));
        }
        csdl::read(&String::from_utf8_lossy(&reply.body)).map_err(|error| {
            let what = self.http.name(&call);
            let (message, help) = match error {
                CsdlError::NotCsdl => (
                    format!("{what} was answered with something that is no description of an OData service"),
                    Some("check `url`: a proxy or a login page may stand before the server".to_owned()),
                ),
                CsdlError::Version(version) => (
                    format!("{what} describes a service of OData {version}, and this remote speaks OData 4"),
                    Some("use the address of the server's OData 4 service".to_owned()),
                ),
                CsdlError::Xml(why) => (
                    self.http.clean(&format!("{what} was answered with XML that cannot be read: {why}")),
                    None,
                ),
            };
            RemoteError { scope: Scope::Object, message, help }
        })
    }
}

#[async_trait]
impl Remote for Odata {
    fn capabilities(&self) -> Capabilities {
        self.abilities()
    }

    async fn connect(&self) -> Result<(), RemoteError> {
        self.service().await?;
        self.schema.get_or_try_init(|| self.metadata()).await.map(|_| ())
    }

    async fn count(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        self.counted(view).await
    }

    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        let keys = |page: Vec<RemoteRecord>| page.into_iter().map(|record| record.key).collect();
        self.listed(view, Names::Keys).map_ok(keys).boxed()
    }

    fn records<'a>(&'a self, view: View<'a>) -> Option<Pages<'a>> {
        Some(self.listed(view, Names::All).boxed())
    }

    fn told_mark(&self, view: View<'_>) -> Option<Mark> {
        self.link(&view.object.name)
    }

    fn changes_tell_deletes(&self) -> bool {
        true
    }

    async fn changes(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        self.changed_since(view, since).await
    }

    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let shape = self.shape(object).await?;
        self.by_id(View { object, filter: None }, &shape, ids).await
    }

    async fn in_view(&self, view: View<'_>, ids: &[RemoteId]) -> Result<Option<Vec<RemoteId>>, RemoteError> {
        let shape = self.shape(view.object).await?;
        let found = self.by_id(view, &shape, ids).await?;
        Ok(Some(found.into_iter().map(|record| record.key.id).collect()))
    }

    async fn find(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        only(self.by_key(object, &[key]).await)
    }

    async fn find_all(
        &self,
        object: &Object,
        keys: &[&UserKey],
    ) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
        self.by_key(object, keys).await
    }

    async fn insert(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        only(self.insert_records(object, &[row]).await)
    }

    async fn insert_all(&self, object: &Object, rows: &[&Row]) -> Vec<Result<Written, WriteError>> {
        self.insert_records(object, rows).await
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

    async fn update_all(
        &self,
        object: &Object,
        updates: &[RemoteUpdate<'_>],
    ) -> Vec<Result<Written, WriteError>> {
        self.update_records(object, updates).await
    }

    async fn delete(&self, object: &Object, id: &RemoteId, expected: &RemoteToken) -> Result<(), WriteError> {
        only(self.delete_records(object, &[RemoteDelete { id, expected }]).await)
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

/// The answer to the only one that was asked about.
fn only<T, E: From<RemoteError>>(mut answers: Vec<Result<T, E>>) -> Result<T, E> {
    answers.pop().unwrap_or_else(|| {
        let message = "a request was not answered".to_owned();
        Err(RemoteError { scope: Scope::Object, message, help: None }.into())
    })
}
