//! What changed since: Siebel has no feed of its own, but records can be queried by their last update. Deletes are not
//! among them; the counts tell of those.

use super::listing::{Extent, Part};
use super::query::Query;
use super::{Purpose, Siebel, keys};
use crate::ports::{Feed, Mark, RemoteError, View};
use crate::remote::decode::{Layout, unfolded};
use futures_util::TryStreamExt;
use sync_core::change_feed::Changes;
use sync_core::value::Value;

/// A stamp is given when a transaction begins and seen when it ends: what is stamped this long before the newest may
/// still be on its way.
const UNDER_WAY: i64 = 120 * 1_000_000;

impl Siebel {
    /// The stamp of the record that was updated last, less what may still be under way. It is asked of the object
    /// without its filter: a record that leaves the filter moves on, too.
    pub(super) async fn newest_stamp(&self, view: View<'_>) -> Result<Option<Mark>, RemoteError> {
        let object = view.object;
        let layout = Layout::keys(object, unfolded);
        let query = Query {
            fields: layout.names().collect(),
            sort: Some(&object.resource.updated),
            descending: true,
            page: Some(1),
            view_mode: &self.options.view_mode,
            ..Query::default()
        };
        let url = query.at(self.address(object, None));
        let newest = self.query(object, Purpose::Keys, url, layout).await?;
        let instant = newest.first().and_then(|record| self.wire.instant(&record.key.token.updated));
        // In the form in which the server takes a literal.
        let mark = instant.map(|instant| Value::Timestamp(instant.saturating_sub(UNDER_WAY)));
        Ok(mark.map(|mark| Mark(self.wire.written(&mark).into_owned())))
    }

    /// The records that were stamped at a mark or later.
    pub(super) async fn changed_since(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        // To a search for what is no time, a server answers with nothing, as if nothing had changed.
        if self.wire.instant(&since.0).is_none() {
            return Ok(Feed::Expired);
        }
        let part = Part { since: Some(since), ..Part::default() };
        let changed = self.pages(view, Extent::Keys, part).map_ok(keys).try_concat().await?;
        Ok(Feed::Changes(Changes { changed, gone: Vec::new() }))
    }
}
