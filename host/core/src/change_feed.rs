//! Step 2 where the remote can tell what changed since a mark.

use crate::change_key::{RemoteId, RemoteKey};

/// What changed on the remote since a mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Records that were made or changed since, in any order; more than that does no harm.
    pub changed: Vec<RemoteKey>,
    /// Records that are gone, as far as the remote tells.
    pub gone: Vec<RemoteId>,
}

impl Changes {
    /// The change keys, sorted by id, each id once: of a record that is told twice, the later word counts.
    pub fn keys(mut self) -> Vec<RemoteKey> {
        // The sort keeps the order of what is told twice.
        self.changed.reverse();
        self.changed.sort_by(|a, b| a.id.cmp(&b.id));
        self.changed.dedup_by(|a, b| a.id == b.id);
        self.changed
    }
}

/// How long a full listing would be if nothing went that the feed does not tell of. Against the remote's count it shows
/// whether something did.
///
/// Of `linked` pairs, `touched` are those of records that changed or are gone, or that no listing has, because they do
/// not match the filter (decision 12); `changed` is the number of [`Changes::keys`].
pub fn listed(linked: u64, touched: u64, changed: u64) -> u64 {
    linked.saturating_sub(touched) + changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change_key::RemoteToken;

    fn key(id: &str, updated: &str) -> RemoteKey {
        let token = RemoteToken { updated: updated.into(), version: None };
        RemoteKey { id: RemoteId(id.into()), token, created: None, fresh: false }
    }

    #[test]
    fn the_later_word_on_a_record_counts() {
        let changes = Changes {
            changed: vec![key("d", "2"), key("a", "2"), key("a", "3")],
            gone: vec![RemoteId("b".into())],
        };
        assert_eq!(changes.keys(), [key("a", "3"), key("d", "2")]);
    }

    #[test]
    fn what_changed_takes_the_place_of_what_was() {
        assert_eq!(listed(3, 2, 2), 3, "one changed, one is gone, one is new");
        assert_eq!(listed(2, 2, 1), 1, "two beyond the filter, of which one came back");
        assert_eq!(listed(0, 1, 0), 0, "a store that miscounted is listed");
    }
}
