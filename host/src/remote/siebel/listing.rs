//! Listings, by key set: a page begins after the last id of the one before, so that records which come and go move
//! nothing. Where it is known how many are to come, several pages are asked for at once; where nobody has counted yet, the
//! first page tells how many.
//!
//! Those are windows of one query, by row number, and rows may move between two requests. So a window begins with the
//! last record of the one before. Where it does not, the rows have moved: what follows is read anew, after the last
//! record that is certain.

use super::query::{self, PAGE, Query};
use super::{IN_FLIGHT, Purpose, Siebel};
use crate::ports::{Mark, RemoteError, RemoteRecord, Scope, Stretch, View};
use crate::remote::decode::{Layout, unfolded};
use crate::remote::totals::Remainder;
use futures_util::future::{BoxFuture, FutureExt, JoinAll, MaybeDone, join_all, maybe_done};
use futures_util::stream::{self, Stream};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use sync_core::change_key::RemoteId;
use sync_core::object::Object;

/// What is listed of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Their ids; the tokens are unsettled, the rows empty.
    Ids,
    /// Their change keys; the rows are empty.
    Keys,
    /// All fields.
    Records,
}

impl Extent {
    /// The JSON names that it takes.
    pub(super) fn layout(self, object: &Object) -> Layout<'_> {
        match self {
            Extent::Ids => Layout::ids(object),
            Extent::Keys => Layout::keys(object, unfolded),
            Extent::Records => Layout::records(object, unfolded),
        }
    }
}

/// Which records of a view are listed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part<'a> {
    /// Those that were stamped then or later.
    pub(super) since: Option<&'a Mark>,
    /// Those of these ids.
    pub(super) stretch: Stretch<'a>,
}

impl Part<'_> {
    /// Whether it is all of them.
    fn is_all(&self) -> bool {
        self.since.is_none() && self.stretch == Stretch::default()
    }
}

/// How far a listing has come.
struct Place<'a> {
    extent: Extent,
    part: Part<'a>,
    after: Option<RemoteId>,
    /// Pages that have arrived.
    ready: VecDeque<Vec<RemoteRecord>>,
    /// Pages that were asked for.
    asked: Option<Asked<'a>>,
    remainder: Remainder,
    ended: bool,
}

/// A page, and how many records are on this one and those that follow, where that was asked.
type Page = (Vec<RemoteRecord>, Option<u64>);

/// Several pages that are asked for at once.
type Asked<'a> = MaybeDone<JoinAll<BoxFuture<'a, Result<Page, RemoteError>>>>;

impl Siebel {
    /// The records of a part of a view, page after page. While some are looked at, the next are on their way.
    pub(super) fn pages<'a>(
        &'a self,
        view: View<'a>,
        extent: Extent,
        part: Part<'a>,
    ) -> impl Stream<Item = Result<Vec<RemoteRecord>, RemoteError>> + Send + 'a {
        let total = if part.is_all() { self.totals.of(&view.object.name) } else { None };
        let remainder = Remainder::of(total);
        let (after, ready) = (part.stretch.after.cloned(), VecDeque::new());
        let first = Place { extent, part, after, ready, asked: None, remainder, ended: false };
        stream::try_unfold(first, move |mut place| async move {
            if place.ready.is_empty() && !place.ended {
                self.advance(view, &mut place).await?;
            }
            Ok(place.ready.pop_front().map(|page| (page, place)))
        })
    }

    /// Reads the next pages, and asks for those that follow.
    async fn advance<'a>(&'a self, view: View<'a>, place: &mut Place<'a>) -> Result<(), RemoteError> {
        let mut asked = place.asked.take().unwrap_or_else(|| self.ask(view, place));
        (&mut asked).await;
        let pages = Pin::new(&mut asked).take_output().unwrap_or_default();
        for (window, page) in pages.into_iter().enumerate() {
            let (mut page, total) = page?;
            if total.is_some() {
                place.remainder = Remainder::of(total);
            }
            let is_full = page.len() >= PAGE;
            if window > 0 {
                if page.first().map(|record| &record.key.id) != place.after.as_ref() {
                    return Ok(());
                }
                page.remove(0);
            }
            if let Some(last) = page.last() {
                place.after = Some(last.key.id.clone());
            }
            place.ended = place.remainder.ends_with(page.len(), is_full);
            if !page.is_empty() {
                place.ready.push_back(page);
            }
            if place.ended {
                return Ok(());
            }
        }
        let mut next = self.ask(view, place);
        // Begun, and not waited for.
        poll_fn(|context| Poll::Ready(next.poll_unpin(context).is_ready())).await;
        place.asked = Some(next);
        Ok(())
    }

    /// The requests for the next pages, as many at once as it makes sense: windows are as large as whole pages.
    fn ask<'a>(&'a self, view: View<'a>, place: &Place<'a>) -> Asked<'a> {
        let left = place.remainder.left();
        let windows = match place.remainder.gives_short_pages() {
            true => 1,
            false => usize::try_from(left.unwrap_or(0)).unwrap_or(usize::MAX).div_ceil(PAGE - 1),
        };
        let windows = windows.clamp(1, IN_FLIGHT / 2);
        let (extent, part) = (place.extent, place.part);
        let count = left.is_none() && place.after.as_ref() == part.stretch.after;
        let window = |window: usize| {
            self.window(view, extent, part, place.after.clone(), window * (PAGE - 1), count).boxed()
        };
        maybe_done(join_all((0..windows).map(window)))
    }

    /// A page of what follows a record, from this row on; `count`: of how many.
    async fn window(
        &self,
        View { object, filter }: View<'_>,
        extent: Extent,
        part: Part<'_>,
        after: Option<RemoteId>,
        start: usize,
        count: bool,
    ) -> Result<Page, RemoteError> {
        let layout = extent.layout(object);
        let purpose = match extent {
            Extent::Ids | Extent::Keys => Purpose::Keys,
            Extent::Records => Purpose::Details,
        };
        let id = &object.resource.id;
        let since = part.since.map(|mark| query::compare(&object.resource.updated, ">=", &mark.0));
        let stretch = Stretch { after: after.as_ref(), through: part.stretch.through };
        let stretch = query::stretch(id, stretch);
        let query = Query {
            fields: layout.names().collect(),
            all: filter.map(str::to_owned).into_iter().chain(since).chain(stretch).collect(),
            sort: Some(id),
            page: Some(PAGE),
            start,
            count,
            view_mode: &self.options.view_mode,
            ..Query::default()
        };
        let url = query.at(self.address(object, None));
        let (records, total) = self.counted(object, purpose, url, layout).await?;
        // A server that overlooks the search or the order would be listed forever.
        if after.is_some() && records.last().map(|record| &record.key.id) == after.as_ref() {
            return Err(RemoteError {
                scope: Scope::Object,
                message: format!(
                    "the listing of `{}` does not advance: a page ends where it began",
                    object.name
                ),
                help: None,
            });
        }
        Ok((records, total))
    }
}
