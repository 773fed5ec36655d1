//! The guard against mass deletes (decision 23), and the completeness of a listing (decision 13).

use crate::cases;
use proptest::prelude::*;
use sync_core::count::{DeleteGuard, is_complete};

/// Around the thresholds, and at the ends of the range, where a product would overflow.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..40_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn guard() -> impl Strategy<Value = DeleteGuard> {
    (number(), prop_oneof![0..=100_u64, Just(u64::MAX)])
        .prop_map(|(count, percent)| DeleteGuard { count, percent })
}

/// Exactly at the thresholds, which generated numbers seldom hit.
#[test]
fn the_thresholds_themselves_hold() {
    for percent in 1..=100 {
        for deletes in 1..=40 {
            // The most records of which the deletes are still that share.
            let linked = deletes * 100 / percent;
            let guard = DeleteGuard { count: deletes, percent };
            assert!(guard.holds(deletes, linked, 1), "{deletes} of {linked} at {percent} %");
            assert!(!guard.holds(deletes, linked + 1, 1), "{deletes} of {linked} + 1 at {percent} %");
            assert!(!guard.holds(deletes - 1, linked, 1), "{deletes} - 1 of {linked} at {percent} %");
        }
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn nothing_to_delete_is_never_held(guard in guard(), linked in number(), listed in number()) {
        prop_assert!(!guard.holds(0, linked, listed));
    }

    #[test]
    fn an_emptied_side_is_held(guard in guard(), deletes in number(), linked in number()) {
        prop_assume!(deletes > 0 && linked >= 2);
        prop_assert!(guard.holds(deletes, linked, 0));
    }

    #[test]
    fn both_thresholds_decide(guard in guard(), deletes in number(), linked in number(), listed in number()) {
        prop_assume!(listed > 0 || linked < 2);
        // The fewest records that are that share, so that the product is not formed a second time.
        let whole = u128::from(linked / 100) * u128::from(guard.percent);
        let rest = (u128::from(linked % 100) * u128::from(guard.percent)).div_ceil(100);
        let expected = deletes > 0 && deletes >= guard.count && u128::from(deletes) >= whole + rest;
        prop_assert_eq!(guard.holds(deletes, linked, listed), expected);
    }

    #[test]
    fn more_deletes_are_never_let_through_where_fewer_are_held(
        guard in guard(),
        (fewer, more) in (number(), number()).prop_map(|(a, b)| (a.min(b), a.max(b))),
        linked in number(),
        listed in number(),
    ) {
        prop_assert!(!guard.holds(fewer, linked, listed) || guard.holds(more, linked, listed));
    }

    #[test]
    fn a_listing_is_complete_when_it_is_as_long_as_counted(counted in number(), listed in number()) {
        prop_assert_eq!(is_complete(Some(counted), listed), counted == listed);
        prop_assert!(is_complete(Some(listed), listed));
        prop_assert!(is_complete(None, listed));
    }
}
