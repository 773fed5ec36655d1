//! What changed since a mark, where the description says how to ask for it (`[changes]`).

use super::asking::Wanted;
use super::description::{Changes, MarkAt};
use super::listing::following;
use super::moments::Moments;
use super::paging::{Page, Seen};
use super::template::Var;
use super::{Purpose, Rest};
use crate::ports::{Feed, Mark, RemoteError, RemoteRecord, Scope, View};
use crate::remote::decode::{Layout, unfolded};
use crate::remote::http::Reply;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::time::Duration;
use sync_core::change_feed;
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::Object;

/// What was told last of each record: its change key, or that it is gone.
type Told = HashMap<RemoteId, Option<RemoteKey>>;

impl Rest {
    /// How to ask for changes; `None` also where a filter could not be asked for with them.
    fn feed(&self, view: View<'_>) -> Option<&Changes> {
        let takes_it = |changes: &&Changes| view.filter.is_none() || changes.list.request.takes_filter();
        self.description.changes.as_ref().filter(takes_it)
    }

    /// How far the changes have come, less what may be stamped no later than that and still be unseen. It is asked of
    /// the object without its filter: a record that leaves the filter moves on, too.
    pub(super) async fn mark_of(&self, view: View<'_>) -> Result<Option<Mark>, RemoteError> {
        let Some(changes) = self.feed(view) else { return Ok(None) };
        let layout = self.layout(view.object, Wanted::Key);
        let bindings = self.bindings(view.object, &layout);
        let call = self.call(Some(view.object), Purpose::Keys, &changes.mark, &bindings, &[])?;
        let reply = self.must_read(&call).await?;
        let (found, overlap) = match &changes.at {
            MarkAt::Place(place) => (place.text(&reply), Duration::ZERO),
            MarkAt::Newest(items) => {
                let records = self.records(view.object, &layout, items, &call, &reply)?;
                let stamps = records.into_iter().map(|record| record.key.token.updated);
                (stamps.max_by_key(|stamp| self.order(stamp)), self.description.record.tick)
            }
        };
        let Some(mark) = found.filter(|mark| !mark.is_empty()) else { return Ok(None) };
        match self.earlier(&mark, changes.overlap.unwrap_or(overlap)) {
            Some(earlier) => Ok(Some(Mark(earlier))),
            None if changes.overlap.is_none() => Ok(Some(Mark(mark))),
            None => Err(RemoteError {
                scope: Scope::Object,
                message: format!(
                    "the mark of {} is no time, and nothing can overlap there",
                    self.http.name(&call)
                ),
                help: Some(
                    "take `overlap` out of `[changes]`, or say the form in `values.timestamps`".into(),
                ),
            }),
        }
    }

    /// What changed since a mark.
    pub(super) async fn changed_since(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        let Some(changes) = self.feed(view) else { return Ok(Feed::Expired) };
        let (object, list) = (view.object, &changes.list);
        let layout = self.layout(object, Wanted::Key);
        let (mut told, mut seen) = (Told::new(), Seen::default());
        let mut next = Some(Page::first(&list.paging));
        while let Some(page) = next {
            let since_then = self.description.values.version(&since.0);
            let bindings = self.bindings(object, &layout).with(Var::Since, since_then);
            let call = self.page_call(view, list, bindings, &page, Purpose::Keys)?;
            let reply = self.http.read(&call).await?;
            if self.is_expired(&reply) || went_back(&changes.at, &reply, since) {
                return Ok(Feed::Expired);
            }
            let reply = self.understood(&call, reply)?.ok_or_else(|| self.nothing_there(&call))?;
            let live = self.records(object, &layout, &list.items, &call, &reply)?;
            // The tombstones among them are records without that mark.
            let all = Layout::keys(object, unfolded);
            let all = self.records(object, &all, &list.items, &call, &reply)?;
            next = following(view, list, &page, &call, &reply, &all, &mut seen)?;
            tell(&mut told, all, live);
            if let Some(gone) = changes.gone.as_ref().and_then(|at| at.tree(&reply.body)) {
                told.extend(ids_in(object, gone).map(|id| (id, None)));
                seen.was_told();
            }
        }
        let mut feed = change_feed::Changes::default();
        for (id, key) in told {
            match key {
                Some(key) => feed.changed.push(key),
                None => feed.gone.push(id),
            }
        }
        Ok(Feed::Changes(feed))
    }

    /// What stamps are compared by: as times, else as numbers.
    fn order(&self, stamp: &str) -> Option<i64> {
        self.instant(stamp).or_else(|| stamp.parse().ok())
    }

    /// A stamp that is so much earlier, in the same form; `None` where it is no time.
    fn earlier(&self, stamp: &str, overlap: Duration) -> Option<String> {
        if overlap.is_zero() {
            return Some(stamp.to_owned());
        }
        let overlap = i64::try_from(overlap.as_micros()).ok()?;
        let stamp = stamp.trim_matches('"');
        if let Ok(number) = stamp.parse::<i64>() {
            let unit = self.instant(stamp)?.checked_div(number)?;
            let steps = overlap.checked_add(unit.checked_sub(1)?)?.checked_div(unit)?;
            return Some(number.checked_sub(steps)?.to_string());
        }
        let own = &self.description.values.timestamps;
        let form = if own.instant(stamp).is_some() { own } else { &Moments::Iso };
        form.instant_written(form.instant(stamp)?.checked_sub(overlap)?)
    }
}

/// Notes what a page tells, in its order. `live` are those of `all` that are no tombstones.
fn tell(told: &mut Told, all: Vec<RemoteRecord>, live: Vec<RemoteRecord>) {
    let mut live = live.into_iter().peekable();
    for RemoteRecord { key, .. } in all {
        let record = live.next_if(|live| live.key.id == key.id && live.key.token == key.token);
        told.insert(key.id, record.map(|record| record.key));
    }
}

/// Ids, or records that have them.
fn ids_in(object: &Object, list: Json) -> impl Iterator<Item = RemoteId> + '_ {
    let items = if let Json::Array(items) = list { items } else { Vec::new() };
    let text = |id: &Json| match id {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    items
        .into_iter()
        .filter_map(move |item| text(&item).or_else(|| text(item.get(&object.resource.id)?)).map(RemoteId))
}

/// Whether the answer has a smaller mark itself: the server was put back to what it was before, and what it has lost
/// is in no list of changes.
fn went_back(at: &MarkAt, reply: &Reply, since: &Mark) -> bool {
    let MarkAt::Place(place) = at else { return false };
    let number = |mark: &str| mark.trim_matches('"').parse::<i64>().ok();
    let now = place.text(reply).and_then(|now| number(&now));
    now.zip(number(&since.0)).is_some_and(|(now, since)| now < since)
}
