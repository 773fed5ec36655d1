//! Listing: from page to page by the server's own links, which are followed as they are, but never to another server
//! and never in a circle.

use super::answer::Page;
use super::query::{LONGEST_URL, Query};
use super::read::{Failed, Names};
use super::{Odata, PAGE, TRACKED_PAGE};
use crate::ports::{RemoteError, RemoteRecord, Scope, View};
use crate::remote::MOST_EMPTY_PAGES;
use crate::remote::tally::Purpose;
use futures_util::stream::{self, Stream};
use sync_core::change_key::RemoteId;
use sync_core::object::Object;
use url::Url;

/// Where a listing stands.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The next page; none: the first.
    next: Option<Url>,
    /// What is read of each record.
    names: Names,
    /// Whether the server was asked not to track it: it has refused to.
    untracked: bool,
    landmark: Landmark,
    /// Pages without a record, one after the other.
    empty: u32,
}

/// The page that later ones are compared with. A listing that goes in a circle, however large, passes a landmark again:
/// each stands twice as far as the one before.
#[derive(Debug, Default)]
pub(super) struct Landmark {
    pages: u64,
    /// Its address, and its first id.
    stands: Option<(Url, Option<RemoteId>)>,
}

impl Landmark {
    /// Whether this page is another one than the landmark.
    pub(super) fn is_passed(&mut self, url: &Url, first: Option<&RemoteId>) -> bool {
        if let Some((address, id)) = &self.stands
            && (address == url || (id.is_some() && id.as_ref() == first))
        {
            return false;
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.stands = Some((url.clone(), first.cloned()));
        }
        true
    }
}

impl Odata {
    /// The pages of a listing, with this much of each record.
    pub(super) fn listed<'a>(
        &'a self,
        view: View<'a>,
        names: Names,
    ) -> impl Stream<Item = Result<Vec<RemoteRecord>, RemoteError>> + Send + 'a {
        let first = Listing { names, ..Listing::default() };
        stream::try_unfold(Some(first), move |state| async move {
            let Some(listing) = state else { return Ok(None) };
            self.listed_page(view, listing).await.map(Some)
        })
    }

    /// A page, and where the listing goes on. What changes from now on is tracked by the listing of keys.
    async fn listed_page(
        &self,
        view: View<'_>,
        mut listing: Listing,
    ) -> Result<(Vec<RemoteRecord>, Option<Listing>), RemoteError> {
        let View { object, filter } = view;
        let shape = self.shape(object).await?;
        let next = listing.next.take();
        let is_first = next.is_none();
        let (names, purpose) = match listing.names {
            Names::Keys => (Names::Keys, Purpose::Keys),
            Names::All => (Names::All, Purpose::Details),
        };
        if is_first && names == Names::Keys {
            self.keep_link(&object.name, None);
        }
        let url = match next {
            Some(next) => next,
            None => {
                let query = Query {
                    select: self.names(object, names),
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
        let is_tracked = names == Names::Keys && self.is_tracked(view) && !listing.untracked;
        let read = async |prefer| self.page(object, &shape, purpose, url.clone(), names, Some(prefer)).await;
        let page = match read(if is_tracked { TRACKED_PAGE } else { PAGE }).await {
            Err(Failed::Status(400 | 501, error)) if is_tracked && is_first => {
                tracing::debug!(%error, "the server does not list with tracking");
                listing.untracked = true;
                read(PAGE).await?
            }
            page => page?,
        };
        let next = self.next(object, &url, &page)?;
        if is_tracked && next.is_none() {
            let link = self.followed(object, &url, page.context.as_deref(), page.delta.as_deref());
            self.keep_link(&object.name, link.unwrap_or_else(|error| unusable(&error)));
        }
        if !listing.landmark.is_passed(&url, page.records.first().map(|record| &record.key.id)) {
            return Err(stuck(object));
        }
        listing.empty = if page.records.is_empty() { listing.empty + 1 } else { 0 };
        if listing.empty > MOST_EMPTY_PAGES {
            return Err(RemoteError {
                scope: Scope::Object,
                message: format!(
                    "the listing of `{}` does not advance: {MOST_EMPTY_PAGES} pages in a row have no record",
                    object.name
                ),
                help: None,
            });
        }
        listing.next = next;
        Ok((page.records, listing.next.is_some().then_some(listing)))
    }

    /// The address of the next page.
    pub(super) fn next(
        &self,
        object: &Object,
        request: &Url,
        page: &Page,
    ) -> Result<Option<Url>, RemoteError> {
        self.followed(object, request, page.context.as_deref(), page.next.as_deref())
    }

    /// The address that a link in an answer leads to. Another server would get our login.
    pub(super) fn followed(
        &self,
        object: &Object,
        request: &Url,
        context: Option<&str>,
        link: Option<&str>,
    ) -> Result<Option<Url>, RemoteError> {
        let Some(link) = link.filter(|link| !link.is_empty()) else { return Ok(None) };
        let ours = |url: &Url| url.origin() == self.http.settings().url.origin();
        let context = context.and_then(|it| request.join(it).ok()).filter(ours);
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

/// A link for later that cannot be used: everything is listed instead.
pub(super) fn unusable(error: &RemoteError) -> Option<Url> {
    tracing::warn!(%error, "the server's link to later changes is not used");
    None
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
