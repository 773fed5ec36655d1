//! Step 2 where the remote tells what changed and not what went: the records that are missing are searched for by
//! counting stretches of ids, so that finding a few does not take listing all.
//!
//! The ids are cut into blocks, and of each it is known how many records it should have. A span of blocks that has fewer
//! is halved, and the first half counted, until single blocks are left. Whatever does not add up ends the search:
//! then everything is listed.

use std::ops::Range;

/// How many records each block of ids should have, in the order of the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    /// Of so many blocks, how many records they should have together; the first is of none.
    sums: Vec<u64>,
}

/// Blocks of which some record is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Which blocks.
    pub blocks: Range<usize>,
    /// How many records they have; fewer than they should.
    pub found: u64,
}

/// The records do not add up: there are some that nobody told of, or they change while they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclear;

/// Counting a span costs about as much as listing a block, and each missing record takes several.
const COUNTS_A_RECORD: u64 = 4;

/// Whether searching so many blocks for so many missing records takes less than listing them.
pub fn is_worth_it(missing: u64, blocks: u64) -> bool {
    missing > 0 && missing.saturating_mul(COUNTS_A_RECORD) < blocks
}

impl Blocks {
    /// Blocks that should have so many records each.
    pub fn new(expected: impl IntoIterator<Item = u64>) -> Blocks {
        let mut sum = 0;
        let sums = expected.into_iter().map(|more| {
            sum += more;
            sum
        });
        Blocks { sums: std::iter::once(0).chain(sums).collect() }
    }

    /// How many records blocks should have.
    pub fn expected(&self, blocks: &Range<usize>) -> u64 {
        let until = |block: usize| self.sums.get(block).copied().unwrap_or_default();
        until(blocks.end).saturating_sub(until(blocks.start))
    }

    /// The beginning of a search, where all blocks have so many records; `None` where it takes no less than listing
    /// everything.
    pub fn search(&self, found: u64) -> Option<Span> {
        let blocks = 0..self.sums.len() - 1;
        let missing = self.expected(&blocks).checked_sub(found)?;
        is_worth_it(missing, blocks.len() as u64).then_some(Span { blocks, found })
    }

    /// The halves of a span of which a record is missing, now that the first half was counted.
    ///
    /// # Errors
    /// A half has more than it should.
    pub fn narrow(&self, span: &Span, counted: u64) -> Result<impl Iterator<Item = Span> + use<>, Unclear> {
        let rest = span.found.checked_sub(counted).ok_or(Unclear)?;
        let first = span.first_half();
        let halves = [(first.clone(), counted), (first.end..span.blocks.end, rest)];
        let missing = halves.map(|(blocks, found)| match self.expected(&blocks).checked_sub(found) {
            Some(0) => Ok(None),
            Some(_) => Ok(Some(Span { blocks, found })),
            None => Err(Unclear),
        });
        let [first, second] = missing;
        Ok([first?, second?].into_iter().flatten())
    }
}

impl Span {
    /// Whether it is one block, which is not halved but listed.
    pub fn is_block(&self) -> bool {
        self.blocks.len() <= 1
    }

    /// The half that is counted next.
    pub fn first_half(&self) -> Range<usize> {
        self.blocks.start..self.blocks.start + self.blocks.len().div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Searches as the pipeline does; answers the blocks that are left, and how many counts it took.
    fn searched(expected: &[u64], there: &[u64]) -> Option<Result<(Vec<usize>, u64), Unclear>> {
        let blocks = Blocks::new(expected.iter().copied());
        let (mut spans, mut left, mut counts) = (vec![blocks.search(there.iter().sum())?], Vec::new(), 0);
        while let Some(span) = spans.pop() {
            if span.is_block() {
                left.push(span.blocks.start);
                continue;
            }
            counts += 1;
            match blocks.narrow(&span, there[span.first_half()].iter().sum()) {
                Ok(halves) => spans.extend(halves),
                Err(unclear) => return Some(Err(unclear)),
            }
        }
        left.sort_unstable();
        Some(Ok((left, counts)))
    }

    proptest! {
        #[test]
        fn every_block_that_misses_a_record_is_found_by_few_counts(
            (expected, gone) in (5..300_usize).prop_flat_map(|blocks| {
                let expected = proptest::collection::vec(1..100_u64, blocks);
                (expected, proptest::collection::vec(0..blocks, 1..=(blocks - 1) / 4))
            })
        ) {
            let mut there = expected.clone();
            let mut short: Vec<usize> = Vec::new();
            for block in gone {
                if there[block] > 0 {
                    there[block] -= 1;
                    short.push(block);
                }
            }
            short.sort_unstable();
            short.dedup();
            let (found, counts) = searched(&expected, &there).unwrap().unwrap();
            prop_assert_eq!(&found, &short);
            let deep = u64::from((expected.len() as u64).next_power_of_two().ilog2());
            prop_assert!(counts <= short.len() as u64 * deep);
        }

        #[test]
        fn a_record_that_nobody_told_of_ends_the_search_where_it_shows(
            blocks in 8..100_usize,
            new in any::<proptest::sample::Index>(),
        ) {
            let (expected, mut there) = (vec![5; blocks], vec![5; blocks]);
            let new = new.index(blocks);
            there[new] += 1;
            there[(new + blocks / 2) % blocks] -= 2;
            prop_assert_eq!(searched(&expected, &there), Some(Err(Unclear)));
        }
    }

    #[test]
    fn where_listing_is_cheaper_nothing_is_searched() {
        let blocks = Blocks::new([100; 8]);
        assert_eq!(blocks.search(800), None, "nothing is missing");
        assert_eq!(blocks.search(801), None, "there are more than there should be");
        assert_eq!(blocks.search(798), None, "too many are missing");
        assert_eq!(blocks.search(799), Some(Span { blocks: 0..8, found: 799 }));
        assert_eq!(Blocks::new([]).search(0), None);
    }
}
