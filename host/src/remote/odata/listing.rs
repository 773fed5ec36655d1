//! Listing: from page to page by the server's own links, which are followed as they are, but never to another server
//! and never in a circle.

use super::Odata;
use super::answer::Page;
use super::query::{LONGEST_URL, Query};
use super::read::Names;
use crate::ports::{RemoteError, Scope, View};
use crate::remote::tally::Purpose;
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::Object;
use url::Url;

/// Where a listing stands.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The next page; none: the first.
    next: Option<Url>,
    pages: u64,
    /// The page that later ones are compared with: its address, and its first id.
    landmark: Option<(Url, Option<RemoteId>)>,
}

impl Odata {
    /// A page of keys, and where the listing goes on.
    pub(super) async fn keys(
        &self,
        view: View<'_>,
        mut listing: Listing,
    ) -> Result<(Vec<RemoteKey>, Option<Listing>), RemoteError> {
        let View { object, filter } = view;
        let shape = self.shape(object).await?;
        let url = match listing.next.take() {
            Some(next) => next,
            None => {
                let query = Query {
                    select: self.names(object, Names::Keys),
                    all: filter.map(str::to_owned).into_iter().collect(),
                    top: None,
                };
                let url = query.at(self.address(object, &shape, None));
                if url.as_str().len() > LONGEST_URL {
                    return Err(RemoteError {
                        scope: Scope::Object,
                        message: format!(
                            "listing `{}` needs an address of more than {LONGEST_URL} bytes",
                            object.name
                        ),
                        help: Some("shorten the `filter`".into()),
                    });
                }
                url
            }
        };
        let page = self.page(object, &shape, Purpose::Keys, url.clone(), Names::Keys).await?;
        let next = self.next(object, &url, &page)?;
        let first = page.records.first().map(|record| record.key.id.clone());
        // A listing that goes in a circle, however large, passes a landmark again: each stands twice as far as the
        // one before.
        if let Some((address, id)) = &listing.landmark
            && (*address == url || (id.is_some() && *id == first))
        {
            return Err(stuck(object));
        }
        listing.pages += 1;
        if listing.pages.is_power_of_two() {
            listing.landmark = Some((url, first));
        }
        listing.next = next;
        let keys = page.records.into_iter().map(|record| record.key).collect();
        Ok((keys, listing.next.is_some().then_some(listing)))
    }

    /// The address of the next page. Another server would get our login.
    pub(super) fn next(
        &self,
        object: &Object,
        request: &Url,
        page: &Page,
    ) -> Result<Option<Url>, RemoteError> {
        let Some(link) = page.next.as_deref().filter(|link| !link.is_empty()) else { return Ok(None) };
        let ours = |url: &Url| url.origin() == self.http.settings().url.origin();
        let context = page.context.as_deref().and_then(|it| request.join(it).ok()).filter(ours);
        let fail = |message, help: Option<&str>| {
            Err(RemoteError { scope: Scope::Object, message, help: help.map(str::to_owned) })
        };
        match context.as_ref().unwrap_or(request).join(link) {
            Ok(next) if ours(&next) => Ok(Some(next)),
            Ok(next) => fail(
                format!(
                    "the listing of `{}` goes on at {}, which is another server: it is not asked",
                    object.name,
                    next.origin().ascii_serialization()
                ),
                Some("put the address by which the server knows itself into `url`"),
            ),
            Err(error) => {
                fail(format!("the listing of `{}` goes on at no address: {error}", object.name), None)
            }
        }
    }
}

/// The error for a listing that goes in a circle.
pub(super) fn stuck(object: &Object) -> RemoteError {
    RemoteError {
        scope: Scope::Object,
        message: format!(
            "the listing of `{}` does not advance: it comes to a page that was there before",
            object.name
        ),
        help: None,
    }
}
