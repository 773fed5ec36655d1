//! Compare, needs and decide, each alone.

use crate::cases;
use crate::oracle::{self, Is};
use crate::world::Action;
use proptest::prelude::*;
use std::convert::Infallible;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::compare::{Decision, Finding, Needs, Side, compare, decide, needs};
use sync_core::conflict::ConflictKind;
use sync_core::operation::Operation;
use sync_core::sieve::{self, RemoteSieve};

const STATES: [Is; 3] = [Is::Same, Is::Changed, Is::Gone];

fn side(is: Is) -> Side<()> {
    match is {
        Is::Same => Side::Same,
        Is::Changed => Side::Changed(()),
        Is::Gone => Side::Gone,
    }
}

/// All states of a pair, and whether two changed sides are equal.
fn all_states() -> impl Iterator<Item = (Is, Is, bool)> {
    STATES.into_iter().flat_map(|local| {
        STATES.into_iter().flat_map(move |remote| [false, true].map(|equal| (local, remote, equal)))
    })
}

fn as_action(decision: Decision) -> Action {
    match decision {
        Decision::Refresh => Action::Refresh,
        Decision::PullUpdate => Action::Do(Operation::PullUpdate),
        Decision::PullDelete => Action::Do(Operation::PullDelete),
        Decision::PushUpdate => Action::Do(Operation::PushUpdate),
        Decision::PushDelete => Action::Do(Operation::PushDelete),
        Decision::Forget => Action::Forget,
        Decision::Conflict(kind) => Action::Conflict(kind),
    }
}

fn mirrored(decision: Decision) -> Decision {
    match decision {
        Decision::Refresh => Decision::Refresh,
        Decision::PullUpdate => Decision::PushUpdate,
        Decision::PullDelete => Decision::PushDelete,
        Decision::PushUpdate => Decision::PullUpdate,
        Decision::PushDelete => Decision::PullDelete,
        Decision::Forget => Decision::Forget,
        Decision::Conflict(ConflictKind::UpdateUpdate) => Decision::Conflict(ConflictKind::UpdateUpdate),
        Decision::Conflict(ConflictKind::UpdateDelete) => Decision::Conflict(ConflictKind::DeleteUpdate),
        Decision::Conflict(ConflictKind::DeleteUpdate) => Decision::Conflict(ConflictKind::UpdateDelete),
    }
}

#[test]
fn decisions_are_those_of_the_table() {
    for (local, remote, equal) in all_states() {
        let decision = decide(&side(local), &side(remote), equal);
        let expected = oracle::action(local, remote, equal);
        assert_eq!(as_action(decision), expected, "{local:?} {remote:?} {equal}");
    }
}

#[test]
fn swapping_the_sides_swaps_the_decision() {
    for (local, remote, equal) in all_states() {
        let decision = decide(&side(local), &side(remote), equal);
        let swapped = decide(&side(remote), &side(local), equal);
        assert_eq!(swapped, mirrored(decision), "{local:?} {remote:?} {equal}");
    }
}

/// What a changed token turns out to be once the content is read (decision 2).
fn read(token: Is, touched_only: bool) -> Is {
    if token == Is::Changed && touched_only { Is::Same } else { token }
}

#[test]
fn what_needs_leaves_out_does_not_matter() {
    for (local, remote, equal) in all_states() {
        let asked = needs(&side(local), &side(remote));
        let (asks_local, asks_remote) = match asked {
            Needs::Nothing => (false, false),
            Needs::Local => (true, false),
            Needs::Remote => (false, true),
            Needs::Both => (true, true),
        };
        for (local_touched, remote_touched) in [(false, false), (false, true), (true, false), (true, true)] {
            let seen = decide(
                &side(read(local, asks_local && local_touched)),
                &side(read(remote, asks_remote && remote_touched)),
                equal,
            );
            let known = decide(&side(read(local, local_touched)), &side(read(remote, remote_touched)), equal);
            // A remote change alone is read when it is applied, and may turn out to be none there.
            let found_when_applied = (local, remote, seen, known)
                == (Is::Same, Is::Changed, Decision::PullUpdate, Decision::Refresh);
            assert!(seen == known || found_when_applied, "{local:?} {remote:?}: {seen:?}, {known:?}");
        }
    }
}

#[test]
fn needs_asks_for_no_more_than_changed_records() {
    for (local, remote, _) in all_states() {
        let expected = match (local == Is::Changed, remote == Is::Changed) {
            (true, true) => Needs::Both,
            (true, false) => Needs::Local,
            (false, true) if local == Is::Gone => Needs::Remote,
            (false, _) => Needs::Nothing,
        };
        assert_eq!(needs(&side(local), &side(remote)), expected, "{local:?} {remote:?}");
    }
}

#[test]
fn names_come_back() {
    for operation in Operation::ALL {
        assert_eq!(Operation::from_name(operation.name()), Some(operation));
    }
    for kind in [ConflictKind::UpdateUpdate, ConflictKind::UpdateDelete, ConflictKind::DeleteUpdate] {
        assert_eq!(ConflictKind::from_name(kind.name()), Some(kind));
    }
}

fn token() -> impl Strategy<Value = RemoteToken> {
    ("[ab]", prop::option::of("[12]")).prop_map(|(updated, version)| RemoteToken { updated, version })
}

fn remote_key(id: usize) -> impl Strategy<Value = RemoteKey> {
    (token(), prop::option::of("[xy]")).prop_map(move |(token, created)| {
        let id = RemoteId(format!("r{id}"));
        RemoteKey { id, token, created, fresh: false }
    })
}

fn some_of<T: std::fmt::Debug + Clone + 'static>(all: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let most = all.len();
    prop::sample::subsequence(all, 0..=most).prop_shuffle()
}

/// How the remote lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Sorted,
    AsItComes,
}

#[derive(Debug, Clone)]
struct Listing {
    baseline: Vec<Pair>,
    local: Vec<LocalKey>,
    remote: Vec<RemoteKey>,
}

/// Ids are few and tokens fewer, so that the three lists overlap in every way. No id is twice in one
/// list: that fails the object before anything is compared (decision 13).
fn listing() -> impl Strategy<Value = Listing> {
    const IDS: usize = 6;
    let ids = || Just((0..IDS).collect::<Vec<_>>()).prop_shuffle();
    let revisions = || prop::collection::vec((0..2_i64).prop_map(Revision), IDS);
    let remotes = || (0..IDS).map(remote_key).collect::<Vec<_>>();
    let pairs = (ids(), remotes(), revisions()).prop_flat_map(|(ids, remotes, revisions)| {
        let pair = |((id, remote), revision)| Pair { local: LocalId(id as i64), remote, revision };
        some_of(ids.into_iter().zip(remotes).zip(revisions).map(pair).collect())
    });
    let local = revisions().prop_flat_map(|revisions| {
        let key = |(id, revision)| LocalKey { id: LocalId(id), revision };
        some_of((0..).zip(revisions).map(key).collect())
    });
    (pairs, local, remotes().prop_flat_map(some_of)).prop_map(|(baseline, local, remote)| Listing {
        baseline,
        local,
        remote,
    })
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn compare_finds_what_brute_force_finds(listing in listing()) {
        let Listing { baseline, local, remote } = listing;
        let mut expected = oracle::findings(&baseline, &local, &remote);
        // Pairs and new local records by local id, then new remote records by remote id.
        expected.sort_by_key(|finding| match finding {
            Finding::Linked { pair, .. } => (0, pair.local.0, String::new()),
            Finding::NewLocal(key) => (0, key.id.0, String::new()),
            Finding::NewRemote(key) => (1, 0, key.id.0.clone()),
        });
        prop_assert_eq!(compare(baseline, &local, remote).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_record_is_accounted_for_once(listing in listing()) {
        let Listing { baseline, local, remote } = listing;
        let mut found = Vec::new();
        for finding in compare(baseline.clone(), &local, remote) {
            match finding {
                Finding::Linked { pair, .. } => found.push(pair.local),
                Finding::NewLocal(key) => found.push(key.id),
                Finding::NewRemote(_) => {}
            }
        }
        let count = found.len();
        found.dedup();
        prop_assert_eq!(found.len(), count, "sorted by id, and none twice");
        for key in &local {
            let same = baseline.iter().any(|pair| pair.local == key.id && pair.revision == key.revision);
            prop_assert!(same || found.contains(&key.id), "{} is lost", key.id);
        }
    }

    #[test]
    fn what_the_sieves_leave_compares_as_everything(
        listing in listing(),
        order in prop_oneof![Just(Order::Sorted), Just(Order::AsItComes)],
    ) {
        let Listing { mut baseline, mut local, mut remote } = listing;
        let everything = compare(baseline.clone(), &local, remote.clone()).collect::<Vec<_>>();
        if order == Order::Sorted {
            remote.sort_by(|a, b| a.id.cmp(&b.id));
        }
        let listed = remote.len() as u64;
        let mut by_remote = baseline.clone();
        by_remote.sort_by(|a, b| (&a.remote.id, a.local).cmp(&(&b.remote.id, b.local)));
        let mut sieve = RemoteSieve::new(by_remote.into_iter().map(Ok::<Pair, Infallible>));
        for key in remote {
            sieve.add(key).unwrap();
        }
        let mut left = sieve.finish().unwrap();
        prop_assert_eq!(left.listed, listed);
        prop_assert_eq!(left.twice(), None);
        prop_assert!(!left.doubtful.iter().any(|id| baseline.iter().any(|pair| pair.remote.id == *id)));
        baseline.sort_by_key(|pair| pair.local);
        local.sort_by_key(|key| key.id);
        let halves = baseline.iter().map(|pair| Ok(LocalKey { id: pair.local, revision: pair.revision }));
        let touched = sieve::local(halves, local.iter().map(|key| Ok::<LocalKey, Infallible>(*key))).unwrap();
        prop_assert_eq!((touched.linked, touched.listed), (baseline.len() as u64, local.len() as u64));
        // Whole pairs: the side that is the same as it was.
        let is_left = |pair: &Pair| left.pairs.iter().any(|it| it.local == pair.local);
        let rest: Vec<Pair> =
            baseline.into_iter().filter(|pair| touched.touched.contains(&pair.local) && !is_left(pair)).collect();
        left.keys.extend(rest.iter().map(|pair| pair.remote.clone()));
        left.pairs.extend(rest);
        let wanted = |key: &LocalKey| {
            touched.new.contains(key)
                || touched.touched.contains(&key.id)
                || left.pairs.iter().any(|pair| pair.local == key.id)
        };
        local.retain(wanted);
        left.keys.sort_by(|a, b| a.id.cmp(&b.id));
        prop_assert_eq!(compare(left.pairs, &local, left.keys).collect::<Vec<_>>(), everything);
    }

    #[test]
    fn a_record_that_is_listed_twice_is_noticed(listing in listing(), which: prop::sample::Index, place: prop::sample::Index) {
        let Listing { mut baseline, mut remote, .. } = listing;
        prop_assume!(!remote.is_empty());
        let twice = remote[which.index(remote.len())].clone();
        remote.insert(place.index(remote.len()), twice.clone());
        baseline.sort_by(|a, b| a.remote.id.cmp(&b.remote.id));
        let mut sieve = RemoteSieve::new(baseline.iter().cloned().map(Ok::<Pair, Infallible>));
        for key in remote {
            sieve.add(key).unwrap();
        }
        let left = sieve.finish().unwrap();
        let linked = |id: &&RemoteId| baseline.iter().any(|pair| pair.remote.id == **id);
        prop_assert_eq!(left.twice().or(left.doubtful.iter().find(linked)), Some(&twice.id));
    }
}
