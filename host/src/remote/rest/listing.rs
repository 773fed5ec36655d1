//! Page by page through a listing: of everything, or of what changed.

use super::answers::items_in;
use super::asking::Wanted;
use super::description::{List, Request};
use super::paging::{self, Page, Read, Seen};
use super::template::{Bindings, Var};
use super::{Purpose, Rest};
use crate::ports::{RemoteError, RemoteRecord, Scope, View};
use crate::remote::http::{Call, Reply};
use futures_util::stream::{self, BoxStream, StreamExt};
use url::form_urlencoded;

impl Rest {
    /// The pages of the whole listing.
    pub(super) fn pages<'a>(
        &'a self,
        view: View<'a>,
        wanted: Wanted,
        purpose: Purpose,
    ) -> BoxStream<'a, Result<Vec<RemoteRecord>, RemoteError>> {
        let list = &self.description.list;
        let first = Some((Page::first(&list.paging), Seen::default()));
        stream::try_unfold(first, move |state| async move {
            let Some((page, mut seen)) = state else { return Ok(None) };
            let layout = self.layout(view.object, wanted);
            let bindings = self.bindings(view.object, &layout);
            let call = self.page_call(view, list, bindings, &page, purpose)?;
            let reply = self.must_read(&call).await?;
            let records = self.records(view.object, &layout, &list.items, &call, &reply)?;
            let next = following(view, list, &page, &call, &reply, &records, &mut seen)?;
            Ok(Some((records, next.map(|next| (next, seen)))))
        })
        .boxed()
    }

    /// The request for a page.
    pub(super) fn page_call<'o>(
        &self,
        view: View<'o>,
        list: &List,
        bindings: Bindings,
        page: &Page,
        purpose: Purpose,
    ) -> Result<Call<'o>, RemoteError> {
        let (bindings, mut more) = filtered(view, &list.request, page.bind(bindings))?;
        more.extend(list.paging.parameter().map(str::to_owned).zip(page.parameter()));
        let mut call = self.call(Some(view.object), purpose, &list.request, &bindings, &more)?;
        if let Page::At(url) = page {
            call.url = url.clone();
        }
        Ok(call)
    }
}

/// The page after the one that was answered like this; `None` where it was the last.
///
/// # Errors
/// A listing that cannot go on.
pub(super) fn following(
    view: View<'_>,
    list: &List,
    page: &Page,
    call: &Call<'_>,
    reply: &Reply,
    records: &[RemoteRecord],
    seen: &mut Seen,
) -> Result<Option<Page>, RemoteError> {
    let read = Read {
        reply,
        url: &call.url,
        items: match list.paging.counts() || records.is_empty() {
            true => items_in(&list.items, reply),
            false => 0,
        },
        first: records.first().map(|record| record.key.id.0.as_str()),
        last: records.last().map(|record| record.key.id.0.as_str()),
    };
    paging::next(&list.paging, page, &read, seen).map_err(|stuck| RemoteError {
        scope: Scope::Object,
        message: format!("the listing of `{}` {}", view.object.name, stuck.why),
        help: Some(stuck.help.into()),
    })
}

/// The parameters that a filter adds, and the placeholder for it.
///
/// # Errors
/// A filter that the request has no place for.
pub(super) fn filtered(
    view: View<'_>,
    request: &Request,
    bindings: Bindings,
) -> Result<(Bindings, Vec<(String, String)>), RemoteError> {
    let Some(filter) = view.filter else { return Ok((bindings, Vec::new())) };
    if request.filter {
        return Ok((bindings, form_urlencoded::parse(filter.as_bytes()).into_owned().collect()));
    }
    if request.takes_filter() {
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
