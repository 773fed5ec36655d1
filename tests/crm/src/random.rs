//! Random numbers that are the same on every machine.

use std::cell::Cell;

/// SplitMix64, which is small and fast.
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        let mut bits = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(bits);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    pub(crate) fn phone(&self) -> String {
        format!("+1 555 {:03} {:04}", self.below(1000), self.below(10_000))
    }

    pub(crate) fn day(&self, from: u64, years: u64) -> String {
        let (month, day) = (1 + self.below(12), 1 + self.below(28));
        format!("{month:02}/{day:02}/{:04}", from + self.below(years))
    }
}
