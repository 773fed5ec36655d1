//! What is to come of a listing by key set. Its pages do not tell whether they are the last, as a server may give smaller
//! ones than it is asked for: a count tells, or else an empty page.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use sync_core::object::ObjectName;

/// How many records each object had when it was last counted.
#[derive(Debug, Default)]
pub(super) struct Totals(Mutex<HashMap<ObjectName, u64>>);

impl Totals {
    /// Remembers a count; `None` where the server does not say.
    pub(super) fn note(&self, object: &ObjectName, total: Option<u64>) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match total {
            Some(total) => totals.insert(object.clone(), total),
            None => totals.remove(object),
        };
    }

    /// The last count.
    pub(super) fn of(&self, object: &ObjectName) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(object).copied()
    }
}

/// What is still to come of one listing.
#[derive(Debug)]
pub(super) struct Remainder {
    left: Option<u64>,
    /// Whether a short page was not the last. Then none is by being short: the count may be older than the listing.
    gives_short_pages: bool,
}

impl Remainder {
    /// Of so many records, as far as known.
    pub(super) fn of(total: Option<u64>) -> Remainder {
        Remainder { left: total, gives_short_pages: false }
    }

    /// How many records are to come, as far as known.
    pub(super) fn left(&self) -> Option<u64> {
        self.left
    }

    /// Whether the server gives smaller pages than it is asked for.
    pub(super) fn gives_short_pages(&self) -> bool {
        self.gives_short_pages
    }

    /// Takes a page into account, with so many records that were not listed yet. Whether it was the last.
    pub(super) fn ends_with(&mut self, records: usize, is_full: bool) -> bool {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.left = self.left.map(|left| left.saturating_sub(records));
        let ends = records == 0 || (!is_full && self.left == Some(0) && !self.gives_short_pages);
        self.gives_short_pages |= !is_full && !ends;
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these pages, of ten records each where they are full, is the last.
    fn last(total: Option<u64>, pages: &[usize]) -> Option<usize> {
        let mut remainder = Remainder::of(total);
        pages.iter().position(|&records| remainder.ends_with(records, records >= 10))
    }

    #[test]
    fn a_short_page_is_the_last_by_the_count_alone() {
        assert_eq!(last(Some(14), &[10, 4]), Some(1));
        assert_eq!(last(None, &[10, 4, 0]), Some(2));
        assert_eq!(last(Some(10), &[10, 0]), Some(1));
        assert_eq!(last(Some(0), &[0]), Some(0));
        assert_eq!(last(Some(12), &[4, 4, 4, 3, 0]), Some(4), "some came since");
        assert_eq!(last(Some(9), &[4, 4, 0]), Some(2), "one went since");
    }
}
