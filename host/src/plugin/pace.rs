//! How many records go into one call.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Most records of one call: the fresh instance is then 0.1 µs of a record's cost, and more gains nothing.
const MOST: usize = 256;
/// Records of the first call, and what is added after each that went well.
const STEP: usize = 16;

/// The size of the next batch: it grows step by step while calls go well, halves when one fails, and stays
/// where a batch takes half of what a single record may. No verdict depends on it, only the number of calls
/// that are wasted.
#[derive(Debug)]
pub(super) struct Pace(AtomicUsize);

impl Pace {
    pub(super) fn new() -> Pace {
        Pace(AtomicUsize::new(STEP))
    }

    /// Records to take next. Races between threads are harmless: any size gives the same answers.
    pub(super) fn size(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A batch of `records` took `fuel` of the `allowance`.
    pub(super) fn went_well(&self, records: usize, fuel: u64, allowance: u64) {
        let half = (records as u64).saturating_mul(allowance) / fuel.saturating_mul(2).max(1);
        let fitting = usize::try_from(half).unwrap_or(MOST);
        self.0.store((self.size() + STEP).min(fitting).clamp(1, MOST), Ordering::Relaxed);
    }

    /// A batch had to be taken apart.
    pub(super) fn failed(&self) {
        self.0.store((self.size() / 2).max(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_to_what_fits_and_shrink_after_a_failure() {
        let pace = Pace::new();
        for _ in 0..100 {
            pace.went_well(pace.size(), pace.size() as u64, 2_000_000);
        }
        assert_eq!(pace.size(), MOST);
        pace.failed();
        assert_eq!(pace.size(), MOST / 2);
        pace.went_well(10, 1_000, 1_000);
        assert_eq!(pace.size(), 5);
        pace.went_well(1, 1_000, 1_000);
        assert_eq!(pace.size(), 1);
    }
}
