//! What changed since: a listing that is asked for with `odata.track-changes` ends with a delta link, where the server
//! has such links, and what that is answered with are the changes since the listing began. It ends with the next one.
//!
//! Only what is listed without a filter is tracked: a record that leaves a filter is told as removed, with a reason that
//! not every server gives, and it must not be taken for a delete (decision 12).

use super::listing::{Landmark, stuck, unusable};
use super::read::Names;
use super::shape::Shape;
use super::{Odata, delta, wire};
use crate::ports::{Feed, Mark, RemoteError, View};
use crate::remote::decode::Records;
use crate::remote::http::{Call, Reply};
use crate::remote::tally::Purpose;
use std::sync::PoisonError;
use sync_core::object::{Object, ObjectName};
use url::Url;

impl Odata {
    /// Whether what is listed is tracked.
    pub(super) fn is_tracked(&self, view: View<'_>) -> bool {
        self.change_feed && view.filter.is_none()
    }

    /// Keeps the delta link that a listing, or its changes, ended with; none where they are not read to their end.
    pub(super) fn keep_link(&self, object: &ObjectName, link: Option<Url>) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        match link {
            Some(link) => links.insert(object.clone(), link),
            None => links.remove(object),
        };
    }

    /// The delta link that was kept.
    pub(super) fn link(&self, object: &ObjectName) -> Option<Mark> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.get(object).map(|link| Mark(link.as_str().to_owned()))
    }

    /// What changed since a listing or since earlier changes.
    pub(super) async fn changed_since(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        let object = view.object;
        let shape = self.shape(object).await?;
        self.keep_link(&object.name, None);
        let ours = |url: &Url| url.origin() == self.http.settings().url.origin();
        let Some(mut url) = Url::parse(&since.0).ok().filter(ours).filter(|_| self.is_tracked(view)) else {
            return Ok(Feed::Expired);
        };
        let (mut told, mut landmark) = (delta::Told::default(), Landmark::default());
        loop {
            let call = self.reading(object, &shape, Purpose::Keys, url.clone());
            let reply = self.http.answered(&call, self.http.read(&call).await?)?;
            match reply.status {
                // The link is the server's own: if it does not take it, it is too old. Should anything else be wrong,
                // the listing shows that.
                400 | 404 | 410 | 501 => {
                    tracing::debug!(why = %self.failed(&call, &reply), "the server does not take its own link");
                    return Ok(Feed::Expired);
                }
                _ if !reply.is_success() => return Err(self.failed(&call, &reply)),
                _ => {}
            }
            let page = self.delta(object, &shape, &call, &reply)?;
            told.add(page.records);
            let context = page.context.as_deref();
            if page.delta.is_some() {
                let link = self.followed(object, &url, context, page.delta.as_deref());
                self.keep_link(&object.name, link.unwrap_or_else(|error| unusable(&error)));
                return Ok(Feed::Changes(told.changes()));
            }
            match self.followed(object, &url, context, page.next.as_deref())? {
                Some(next) if landmark.is_passed(&url, None) => url = next,
                Some(_) => return Err(stuck(object)),
                // Without a link for later, nobody knows whether that was all.
                None => return Ok(Feed::Expired),
            }
        }
    }

    /// One page of changes.
    fn delta(
        &self,
        object: &Object,
        shape: &Shape,
        call: &Call<'_>,
        reply: &Reply,
    ) -> Result<delta::Page, RemoteError> {
        let layout = Names::Keys.layout(object);
        let mut page = delta::page(&reply.body, Records { layout: &layout, wire: shape })
            .map_err(|error| self.http.unreadable(call, reply, &error))?;
        if let Some(fault) = &page.error {
            return Err(self.broken_off(call, fault));
        }
        let keys = page.records.iter_mut().filter_map(delta::Record::key);
        self.newest.mark(object, keys, super::read::TICK, wire::instant);
        Ok(page)
    }
}
