//! Requests as the description has them, and reading records with them.

use super::classify::Judged;
use super::description::{Items, Means, On, Request};
use super::pointer::Pointer;
use super::template::{Bindings, Bound, Position, Var};
use super::{Purpose, Rest};
use crate::ports::{RemoteError, RemoteRecord, Scope};
use crate::remote::decode::{Layout, unfolded};
use crate::remote::http::{Call, Reply};
use crate::remote::percent::encoded;
use std::collections::HashSet;
use sync_core::change_key::RemoteId;
use sync_core::object::Object;

/// How much of a record is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Its change key.
    Key,
    /// All of it.
    Record,
}

impl Rest {
    /// Which names are read.
    pub(super) fn layout<'o>(&'o self, object: &'o Object, wanted: Wanted) -> Layout<'o> {
        let layout = match wanted {
            Wanted::Key => Layout::keys(object, unfolded),
            Wanted::Record => Layout::records(object, unfolded),
        };
        layout.without_deleted(self.description.record.deleted.as_deref())
    }

    /// Where a name of the object stands in a record: what makes the change key at its top, fields where they are
    /// described to be.
    pub(super) fn place(&self, object: &Object, name: &str) -> Pointer {
        let resource = &object.resource;
        let key = [
            Some(&resource.id),
            Some(&resource.updated),
            resource.version.as_ref(),
            resource.created.as_ref(),
        ];
        let deleted = self.description.record.deleted.as_deref();
        if key.iter().flatten().any(|it| *it == name) || deleted == Some(name) {
            Pointer::default().field(name)
        } else {
            self.description.record.fields.field(name)
        }
    }

    /// What every request of an object can name.
    pub(super) fn bindings(&self, object: &Object, layout: &Layout<'_>) -> Bindings {
        let below = self.description.record.fields.parts();
        let mut names: Vec<String> = Vec::new();
        for name in layout.names() {
            let place = self.place(object, name);
            let own = place.parts().strip_prefix(below).map(|parts| parts.join("."));
            names.extend(own.filter(|own| !own.is_empty() && !names.contains(own)));
        }
        let bindings = Bindings::default().text(Var::Resource, &object.resource.path);
        match names.is_empty() {
            true => bindings,
            false => bindings.with(Var::Fields, Bound::List(names.into_iter().map(Bound::Text).collect())),
        }
    }

    /// The request, ready to be sent. `more` are parameters besides those of its own.
    ///
    /// # Errors
    /// Something that cannot stand where it is to be put.
    pub(super) fn call<'o>(
        &self,
        object: Option<&'o Object>,
        purpose: Purpose,
        request: &Request,
        bindings: &Bindings,
        more: &[(String, String)],
    ) -> Result<Call<'o>, RemoteError> {
        let fail = |what: &str| RemoteError {
            scope: Scope::Object,
            message: format!("the {what} of a request for {} cannot be made", shown(object)),
            help: Some("an id, a filter or a version has what cannot stand there".into()),
        };
        let path = request.path.render(bindings, Position::Path).ok_or_else(|| fail("path"))?;
        // An address would lose such a step, and be another one's.
        if path.split('/').any(|step| matches!(step, "." | "..")) {
            return Err(fail("path"));
        }
        let mut url = self.http.settings().url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        let own = request.query.iter().filter_map(|(name, value)| {
            let value = value.render(bindings, Position::Plain)?;
            Some(format!("{}={}", encoded(name), encoded(&value)))
        });
        let more = more.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query: Vec<String> = own.chain(more).collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        url.set_fragment(None);
        let mut headers = self.description.headers.clone();
        for (name, value) in &request.headers {
            let value = value.render(bindings, Position::Plain);
            let value = value.and_then(|value| value.parse().ok()).ok_or_else(|| fail("header"))?;
            headers.push((name.clone(), value));
        }
        Ok(Call {
            object: object.map(|object| &object.name),
            purpose,
            method: request.method.clone(),
            detail: None,
            url,
            body: request
                .body
                .as_ref()
                .and_then(|body| body.render(bindings, Position::Json))
                .map(String::into_bytes),
            authorization: self.http.authorization(),
            headers,
        })
    }

    /// Sends a reading request. `None`: what it asks for is not there.
    ///
    /// # Errors
    /// No answer, or one that is of no use.
    pub(super) async fn read(&self, call: &Call<'_>) -> Result<Option<Reply>, RemoteError> {
        let reply = self.http.read(call).await?;
        self.understood(call, reply)
    }

    /// The answer to a reading request, if it is one. `None`: what it asks for is not there.
    ///
    /// # Errors
    /// An answer that is of no use.
    pub(super) fn understood(&self, call: &Call<'_>, reply: Reply) -> Result<Option<Reply>, RemoteError> {
        let reply = self.answered(call, reply)?;
        match self.judge(On::Read, &reply) {
            // Nothing stands in the body of a HEAD, whatever the header says.
            None if reply.body.is_empty() => Ok(Some(reply)),
            None => self.http.web_page(call, &reply).map_or(Ok(Some(reply)), Err),
            Some(Judged { means: Means::Gone, .. }) => Ok(None),
            Some(Judged { means: Means::Login, .. }) => Err(self.no_login(call, &reply)),
            Some(_) => Err(self.error(call, &reply)),
        }
    }

    /// As [`Rest::read`], for what must be there.
    pub(super) async fn must_read(&self, call: &Call<'_>) -> Result<Reply, RemoteError> {
        self.read(call).await?.ok_or_else(|| self.nothing_there(call))
    }

    /// The error for what must be there and is not.
    pub(super) fn nothing_there(&self, call: &Call<'_>) -> RemoteError {
        RemoteError {
            scope: Scope::Object,
            message: format!("{} was answered with: there is no such thing", self.http.name(call)),
            help: Some("check `url`, the `path` in the description, and the resource of the object".into()),
        }
    }

    /// One record, with the ETag it came with; `None` where it is gone.
    pub(super) async fn one(
        &self,
        object: &Object,
        id: &RemoteId,
        purpose: Purpose,
    ) -> Result<Option<(RemoteRecord, Option<String>)>, RemoteError> {
        let Some(get) = &self.description.get else {
            let records = self.many(object, std::slice::from_ref(id), purpose).await?;
            return Ok(records.into_iter().find(|record| record.key.id == *id).map(|record| (record, None)));
        };
        let layout = self.layout(object, Wanted::Record);
        let bindings = self.bindings(object, &layout).with(Var::Id, self.description.values.id(&id.0));
        let call = self.call(Some(object), purpose, &get.request, &bindings, &[])?;
        let Some(reply) = self.read(&call).await? else { return Ok(None) };
        let at = Items { items: get.record.clone(), record: Pointer::default() };
        let records = self.records(object, &layout, &at, &call, &reply)?;
        let etag = reply.header("etag").map(str::to_owned);
        // Nothing may be done to an id that the server did not name.
        Ok(records.into_iter().find(|record| record.key.id == *id).map(|record| (record, etag)))
    }

    /// Several records by their ids; those that are gone are left out.
    pub(super) async fn many(
        &self,
        object: &Object,
        ids: &[RemoteId],
        purpose: Purpose,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let Some(many) = &self.description.get_many else {
            let one = ids.iter().map(|id| self.one(object, id, purpose));
            let found = futures_util::future::try_join_all(one).await?;
            return Ok(found.into_iter().flatten().map(|(record, _)| record).collect());
        };
        let layout = self.layout(object, Wanted::Record);
        let id = |id: &RemoteId| {
            let bound = self.description.values.id(&id.0);
            let Some(each) = &many.each else { return Some(bound) };
            let bindings = Bindings::default().with(Var::Json, Bound::Raw(bound.json())).with(Var::Id, bound);
            let position = if many.request.body.is_some() { Position::Json } else { Position::Plain };
            each.render(&bindings, position).map(Bound::Raw)
        };
        let mut all = Vec::with_capacity(ids.len());
        let mut waiting = vec![ids.to_vec()];
        while let Some(ids) = waiting.pop() {
            if ids.is_empty() {
                continue;
            }
            let list = Bound::List(ids.iter().filter_map(id).collect());
            let bindings = self.bindings(object, &layout).with(Var::Ids, list);
            let call = self.call(Some(object), purpose, &many.request, &bindings, &[])?;
            if ids.len() > many.batch || (call.url.as_str().len() >= LONGEST_URL && ids.len() > 1) {
                let (left, right) = ids.split_at(ids.len() / 2);
                waiting.extend([right.to_vec(), left.to_vec()]);
                continue;
            }
            let reply = self.must_read(&call).await?;
            let records = self.records(object, &layout, &many.items, &call, &reply)?;
            // A server that overlooks what is asked for would answer others.
            let found: Vec<_> = records.into_iter().filter(|record| ids.contains(&record.key.id)).collect();
            // What is missing is gone only if it is not missing for the length of the answer.
            if !found.is_empty() && found.len() < ids.len() {
                let known: HashSet<&RemoteId> = found.iter().map(|record| &record.key.id).collect();
                waiting.push(ids.iter().filter(|id| !known.contains(id)).cloned().collect());
            }
            all.extend(found);
        }
        Ok(all)
    }
}

/// Servers refuse an address of this many bytes.
const LONGEST_URL: usize = 8_000;

fn shown(object: Option<&Object>) -> String {
    object.map_or_else(|| "the server".to_owned(), |object| format!("`{}`", object.name))
}
