//! Step 2 where the remote can tell what changed since a mark: the listing that a full one would have been.

use crate::change_key::{Pair, RemoteId, RemoteKey};
use std::collections::HashSet;

/// What changed on the remote since a mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Records that were made or changed since, in any order; more than that does no harm.
    pub changed: Vec<RemoteKey>,
    /// Records that are gone, as far as the remote tells.
    pub gone: Vec<RemoteId>,
}

/// The listing that follows from the baseline and what changed since: sorted by id, each id once.
///
/// It is what a full listing would have been if nothing went that the feed does not tell of. Its length against the
/// remote's count shows whether something did. `beyond` are the linked records that no listing has, because they do
/// not match the filter (decision 12).
pub fn listing(baseline: &[Pair], beyond: &[RemoteId], changes: Changes) -> Vec<RemoteKey> {
    let Changes { changed, gone } = changes;
    let mut listing: Vec<RemoteKey> = {
        let touched: HashSet<&RemoteId> =
            changed.iter().map(|key| &key.id).chain(&gone).chain(beyond).collect();
        let untouched = baseline.iter().map(|pair| &pair.remote).filter(|key| !touched.contains(&key.id));
        untouched.cloned().collect()
    };
    listing.extend(changed);
    // Of a record that is told twice, the later word counts: the sort keeps their order.
    listing.sort_by(|a, b| a.id.cmp(&b.id));
    listing.reverse();
    listing.dedup_by(|a, b| a.id == b.id);
    listing.reverse();
    listing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change_key::{LocalId, RemoteToken, Revision};

    fn key(id: &str, updated: &str) -> RemoteKey {
        let token = RemoteToken { updated: updated.into(), version: None };
        RemoteKey { id: RemoteId(id.into()), token, created: None, fresh: false }
    }

    fn pair(local: i64, remote: RemoteKey) -> Pair {
        Pair { local: LocalId(local), remote, revision: Revision(1) }
    }

    #[test]
    fn what_changed_takes_the_place_of_what_was() {
        let baseline = [pair(1, key("c", "1")), pair(2, key("a", "1")), pair(3, key("b", "1"))];
        let changes = Changes {
            changed: vec![key("d", "2"), key("a", "2"), key("a", "3")],
            gone: vec![RemoteId("b".into())],
        };
        assert_eq!(listing(&baseline, &[], changes), [key("a", "3"), key("c", "1"), key("d", "2")]);
    }

    #[test]
    fn what_no_listing_has_is_left_out_until_it_changes() {
        let baseline = [pair(1, key("a", "1")), pair(2, key("b", "1"))];
        let beyond = [RemoteId("a".into()), RemoteId("b".into())];
        let changes = Changes { changed: vec![key("b", "2")], gone: Vec::new() };
        assert_eq!(listing(&baseline, &beyond, changes), [key("b", "2")]);
    }
}
