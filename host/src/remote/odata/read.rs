//! Reading: one page, records by their ids, and one record with its ETag.

use super::answer::{self, Annotations, Fault, Page};
use super::listing::stuck;
use super::query::{self, LONGEST_URL, Query};
use super::schema::{ETAG, Edm};
use super::shape::Shape;
use super::wire;
use super::{BATCH, EXACT_JSON, JSON, Odata, Ordering, PREFER};
use crate::ports::{RemoteError, RemoteRecord, Scope, View};
use crate::remote::decode::{Layout, Records, unfolded};
use crate::remote::http::{Call, Reply};
use crate::remote::tally::Purpose;
use reqwest::Method;
use reqwest::header::{ETAG as ETAG_HEADER, HeaderValue};
use std::time::Duration;
use sync_core::change_key::RemoteId;
use sync_core::object::{Object, UserKey};
use sync_core::value::Value;
use url::Url;

/// The coarsest step of a server's stamps. They have fractions in some servers, and whole seconds in others.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Which properties are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of the change key.
    #[default]
    Keys,
    /// Those and the fields.
    All,
}

impl Names {
    pub(super) fn layout(self, object: &Object) -> Layout<'_> {
        match self {
            Names::Keys => Layout::keys(object, unfolded),
            Names::All => Layout::records(object, unfolded),
        }
    }
}

/// Why a query has no records.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server answered with this status.
    Status(u16, RemoteError),
    /// Anything else.
    Other(RemoteError),
}

impl From<Failed> for RemoteError {
    fn from(failed: Failed) -> RemoteError {
        let (Failed::Status(_, error) | Failed::Other(error)) = failed;
        error
    }
}

impl From<RemoteError> for Failed {
    fn from(error: RemoteError) -> Failed {
        Failed::Other(error)
    }
}

/// A record and its ETag, where it has one.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) record: RemoteRecord,
    pub(super) etag: Option<String>,
}

impl Odata {
    /// What `$select` asks for.
    pub(super) fn names<'o>(&self, object: &'o Object, names: Names) -> Vec<&'o str> {
        names.layout(object).names().collect()
    }

    pub(super) fn reading<'o>(
        &self,
        object: &'o Object,
        shape: &Shape,
        purpose: Purpose,
        url: Url,
    ) -> Call<'o> {
        let accept = if shape.exact { EXACT_JSON } else { JSON };
        self.call(Some(object), purpose, Method::GET, url, accept)
    }

    /// The error for an answer that says no, in the server's own words where it has any.
    pub(super) fn failed(&self, call: &Call<'_>, reply: &Reply) -> RemoteError {
        let error = self.http.unexpected(call, reply);
        match Fault::of(&reply.body).map(|fault| fault.sentence()).filter(|it| !it.is_empty()) {
            Some(said) if reply.status != 401 => {
                let what = self.http.name(call);
                let message =
                    format!("{what} was answered with {}: {}", reply.status, self.http.clean(&said));
                RemoteError { message, ..error }
            }
            _ => error,
        }
    }

    /// One page of a query's answer.
    pub(super) async fn page(
        &self,
        object: &Object,
        shape: &Shape,
        purpose: Purpose,
        url: Url,
        names: Names,
        prefer: Option<HeaderValue>,
    ) -> Result<Page, Failed> {
        let mut call = self.reading(object, shape, purpose, url);
        call.headers.extend(prefer.map(|prefer| (PREFER, prefer)));
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        self.page_in(object, shape, &call, &reply, names)
    }

    /// The page that an answer consists of.
    fn page_in(
        &self,
        object: &Object,
        shape: &Shape,
        call: &Call<'_>,
        reply: &Reply,
        names: Names,
    ) -> Result<Page, Failed> {
        if !reply.is_success() {
            return Err(Failed::Status(reply.status, self.failed(call, reply)));
        }
        let layout = names.layout(object);
        let mut page = answer::page(&reply.body, Records { layout: &layout, wire: shape })
            .map_err(|error| self.http.unreadable(call, reply, &error))?;
        if let Some(fault) = &page.error {
            return Err(self.broken_off(call, fault).into());
        }
        let keys = page.records.iter_mut().map(|record| &mut record.key);
        self.newest.mark(object, keys, TICK, wire::instant);
        Ok(page)
    }

    /// The error for an answer that has begun well.
    pub(super) fn broken_off(&self, call: &Call<'_>, fault: &Fault) -> RemoteError {
        let (what, said) = (self.http.name(call), self.http.clean(&fault.sentence()));
        let message = format!("{what} ended with an error of the server's: {said}");
        RemoteError { scope: Scope::Object, message, help: None }
    }

    /// All records that a query finds: not more than a batch.
    pub(super) async fn records(
        &self,
        object: &Object,
        shape: &Shape,
        purpose: Purpose,
        url: Url,
    ) -> Result<Vec<RemoteRecord>, Failed> {
        let page = self.page(object, shape, purpose, url.clone(), Names::All, None).await?;
        self.records_from(object, shape, purpose, url, page).await
    }

    /// The records of a page, whose address is this, and of those that follow it.
    async fn records_from(
        &self,
        object: &Object,
        shape: &Shape,
        purpose: Purpose,
        url: Url,
        page: Page,
    ) -> Result<Vec<RemoteRecord>, Failed> {
        let mut next = self.next(object, &url, &page)?;
        let mut all = page.records;
        // No page has less than one record, but for the last.
        for _ in 0..BATCH {
            let Some(url) = next else { return Ok(all) };
            let page = self.page(object, shape, purpose, url.clone(), Names::All, None).await?;
            next = self.next(object, &url, &page)?;
            all.extend(page.records);
        }
        if next.is_none() { Ok(all) } else { Err(stuck(object).into()) }
    }

    /// The records with these user keys, in as few requests as the server allows; answer *i* belongs to key *i*.
    pub(super) async fn by_key(
        &self,
        object: &Object,
        keys: &[&UserKey],
    ) -> Vec<Result<Vec<RemoteRecord>, RemoteError>> {
        let shape = match self.shape(object).await {
            Ok(shape) => shape,
            Err(error) => return keys.iter().map(|_| Err(error.clone())).collect(),
        };
        let call = |key: &&UserKey| {
            let query = Query {
                select: self.names(object, Names::All),
                all: conditions(object, &shape, key),
                // The second match tells that the key is ambiguous.
                top: Some(2),
            };
            let url = query.at(self.address(object, &shape, None));
            self.reading(object, &shape, Purpose::Query, url)
        };
        let calls: Vec<Call<'_>> = keys.iter().map(call).collect();
        let mut found = Vec::with_capacity(keys.len());
        for (call, reply) in calls.iter().zip(self.read_all(&calls).await) {
            found.push(self.found_by(object, &shape, call, reply).await.map_err(RemoteError::from));
        }
        found
    }

    async fn found_by(
        &self,
        object: &Object,
        shape: &Shape,
        call: &Call<'_>,
        reply: Result<Reply, RemoteError>,
    ) -> Result<Vec<RemoteRecord>, Failed> {
        let page = self.page_in(object, shape, call, &reply?, Names::All)?;
        self.records_from(object, shape, call.purpose, call.url.clone(), page).await
    }

    /// The records of these ids, in as few requests as the server's limits allow.
    pub(super) async fn by_id(
        &self,
        View { object, filter }: View<'_>,
        shape: &Shape,
        ids: &[RemoteId],
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let literals: Vec<String> = ids.iter().map(|id| query::literal(&shape.key, &id.0)).collect();
        let mut lists = self.lists.load(Ordering::Relaxed);
        let mut batch = self.batch.load(Ordering::Relaxed).max(1);
        let mut all = Vec::with_capacity(ids.len());
        let mut waiting: Vec<&[String]> = vec![&literals];
        while let Some(some) = waiting.pop() {
            let any = query::any_of(&object.resource.id, some, lists);
            let query = Query {
                select: self.names(object, Names::All),
                all: filter.map(str::to_owned).into_iter().chain([any]).collect(),
                top: None,
            };
            let url = query.at(self.address(object, shape, None));
            let several = some.len() > 1;
            let mut halve = several && (some.len() > batch || url.as_str().len() > LONGEST_URL);
            if !halve {
                match self.records(object, shape, Purpose::Details, url).await {
                    Ok(found) => {
                        all.extend(found);
                        if several {
                            self.lists.store(lists, Ordering::Relaxed);
                        }
                    }
                    Err(Failed::Status(400 | 501, error)) if several && lists => {
                        tracing::debug!(%error, "a list of ids was refused: they are compared one by one");
                        lists = false;
                        waiting.push(some);
                    }
                    // Too many of them for the server, or too long an address.
                    Err(Failed::Status(400 | 414 | 431, _)) if several => {
                        batch = some.len() / 2;
                        self.batch.fetch_min(batch, Ordering::Relaxed);
                        halve = true;
                    }
                    Err(failed) => return Err(failed.into()),
                }
            }
            if halve {
                let (left, right) = some.split_at(some.len() / 2);
                waiting.extend([right, left]);
            }
        }
        Ok(all)
    }

    /// One record by its id. `None` also where the server answers another one: nothing may be written to an id that
    /// the server did not name.
    pub(super) async fn one(
        &self,
        object: &Object,
        shape: &Shape,
        id: &RemoteId,
    ) -> Result<Option<Found>, RemoteError> {
        let query = Query { select: self.names(object, Names::All), ..Query::default() };
        let url = query.at(self.address(object, shape, Some(id)));
        let call = self.reading(object, shape, Purpose::Query, url);
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        match reply.status {
            404 | 410 | 204 => return Ok(None),
            _ if !reply.is_success() => return Err(self.failed(&call, &reply)),
            _ => {}
        }
        let found = self
            .record(object, shape, &reply)
            .map_err(|error| self.http.unreadable(&call, &reply, &error))?;
        let same = |found: &RemoteId| match shape.key {
            Edm::Guid => found.0.eq_ignore_ascii_case(&id.0),
            _ => found == id,
        };
        Ok(found.filter(|found| same(&found.record.key.id)))
    }

    /// The record that an answer consists of. Its ETag is told in the record, or else beside it.
    pub(super) fn record(
        &self,
        object: &Object,
        shape: &Shape,
        reply: &Reply,
    ) -> Result<Option<Found>, serde_json::Error> {
        let layout = Layout::records(object, unfolded);
        let mut records = Records { layout: &layout, wire: shape }.read(&reply.body)?;
        let Some(mut record) = records.pop() else { return Ok(None) };
        let said: Annotations = serde_json::from_slice(&reply.body)?;
        let etag = said.etag.or_else(|| etag_header(reply));
        if object.resource.version.as_deref() == Some(ETAG) {
            record.key.token.version.clone_from(&etag);
        }
        self.newest.mark(object, std::iter::once(&mut record.key), TICK, wire::instant);
        Ok(Some(Found { record, etag }))
    }
}

/// What records with a user key have in common, in the server's words.
fn conditions(object: &Object, shape: &Shape, key: &UserKey) -> Vec<String> {
    let condition = |(index, value): &(usize, Value)| {
        let (field, column) = (object.remote.get(*index)?, shape.columns.get(*index)?);
        let literal = value.is_filled().then(|| query::literal(&column.edm, &wire::text(value, &column.edm)));
        Some(query::equal(&field.name, literal.as_deref()))
    };
    key.parts.iter().filter_map(condition).collect()
}

/// The ETag beside an answer.
pub(super) fn etag_header(reply: &Reply) -> Option<String> {
    reply.header(ETAG_HEADER.as_str()).map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned)
}
