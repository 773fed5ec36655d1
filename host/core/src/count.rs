//! Step 1: what the counts allow.

/// Records that pass the filter, on each side. `remote` is `None` where the server cannot count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Records of the local table.
    pub local: u64,
    /// Records of the remote resource.
    pub remote: Option<u64>,
}

/// Whether a listing is as long as the count said (decision 13).
pub fn is_complete(counted: Option<u64>, listed: u64) -> bool {
    counted.is_none_or(|counted| counted == listed)
}

/// Whether a listing has come so far beyond its count that no live server explains it, and may have no end: by more than
/// a tenth, and by more than its largest page.
pub fn is_far_beyond(counted: Option<u64>, listed: u64, largest_page: u64) -> bool {
    counted.is_some_and(|counted| listed > counted.saturating_add(largest_page.max(counted / 10)))
}

/// When deletes of one direction wait for confirmation (decision 23).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteGuard {
    /// At least this many records …
    pub count: u64,
    /// … and at least this share of the object, in percent of its linked records.
    pub percent: u64,
}

impl DeleteGuard {
    /// Whether `deletes` of one direction are held, of `linked` records in the baseline, while the
    /// side on which the records are missing lists `listed` records.
    ///
    /// A side that is listed as empty while the baseline has two records or more is held at any
    /// threshold.
    pub fn holds(&self, deletes: u64, linked: u64, listed: u64) -> bool {
        if deletes == 0 {
            return false;
        }
        let emptied = listed == 0 && linked >= 2;
        let share = u128::from(deletes) * 100 >= u128::from(self.percent) * u128::from(linked);
        emptied || (deletes >= self.count && share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_thresholds_are_needed() {
        let guard = DeleteGuard { count: 5, percent: 10 };
        assert!(guard.holds(5, 50, 45));
        assert!(!guard.holds(4, 5, 1), "fewer than five");
        assert!(!guard.holds(5, 51, 46), "less than ten percent");
        assert!(!guard.holds(0, 0, 0));
    }

    #[test]
    fn an_emptied_side_is_held_at_any_threshold() {
        let never = DeleteGuard { count: u64::MAX, percent: 100 };
        assert!(never.holds(2, 2, 0));
        assert!(!never.holds(1, 1, 0), "a baseline of one record");
        assert!(!never.holds(2, 3, 1));
    }
}
