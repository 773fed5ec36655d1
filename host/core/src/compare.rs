//! Step 3: the baseline against both sides. Pure: the same input gives the same findings, in
//! whatever order it comes.

use crate::calendar::is_same_instant;
use crate::change_key::{LocalKey, Pair, RemoteKey, Revision};
use crate::conflict::ConflictKind;

/// How one side of a pair stands against the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side<T> {
    /// As it was.
    Same,
    /// Its token differs, or its content, where that is known.
    Changed(T),
    /// Not listed.
    Gone,
}

/// A record, or a pair of records, of which something is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A local record without a baseline.
    NewLocal(LocalKey),
    /// A remote record without a baseline.
    NewRemote(RemoteKey),
    /// A pair of which at least one side is not the same.
    Linked {
        /// The pair.
        pair: Pair,
        /// Its local side.
        local: Side<Revision>,
        /// Its remote side.
        remote: Side<RemoteKey>,
    },
}

/// Compares the change keys of both sides with the baseline.
///
/// A pair whose remote record came back with another created-stamp is two findings: the old record
/// is gone, the other is new (decision 14).
///
/// The order of the findings is that of the ids, whatever the order of the input: pairs and new
/// local records by local id, then new remote records by remote id.
pub fn compare(
    baseline: Vec<Pair>,
    local: &[LocalKey],
    mut remote: Vec<RemoteKey>,
) -> impl Iterator<Item = Finding> {
    if !remote.is_sorted_by(|a, b| a.id < b.id) {
        // Of a record that is listed twice, the later word counts: the sort keeps their order.
        remote.reverse();
        remote.sort_by(|a, b| a.id.cmp(&b.id));
        remote.dedup_by(|a, b| a.id == b.id);
    }
    let places = places(&baseline, &remote);
    let mut order = in_order(&baseline, |pair| pair.local).into_iter().peekable();
    let mut remote: Vec<Option<RemoteKey>> = remote.into_iter().map(Some).collect();
    let mut baseline: Vec<Option<Pair>> = baseline.into_iter().map(Some).collect();
    let mut looked_at = 0;
    let mut locals = in_order(local, |key| key.id).into_iter().map(|index| local[index]).peekable();
    std::iter::from_fn(move || {
        while let Some(&index) = order.peek() {
            let pair = baseline[index].take_if(|pair| locals.peek().is_none_or(|key| key.id >= pair.local));
            let Some(pair) = pair else { return locals.next().map(Finding::NewLocal) };
            order.next();
            let local = match locals.next_if(|key| key.id == pair.local) {
                None => Side::Gone,
                Some(key) if key.revision == pair.revision => Side::Same,
                Some(key) => Side::Changed(key.revision),
            };
            let remote = match places[index].and_then(|place| remote[place].take()) {
                None => Side::Gone,
                Some(key) if key.token == pair.remote.token => Side::Same,
                Some(key) => Side::Changed(key),
            };
            if (&local, &remote) != (&Side::Same, &Side::Same) {
                return Some(Finding::Linked { pair, local, remote });
            }
        }
        if let Some(key) = locals.next() {
            return Some(Finding::NewLocal(key));
        }
        while let Some(key) = remote.get_mut(looked_at) {
            looked_at += 1;
            if let Some(key) = key.take() {
                return Some(Finding::NewRemote(key));
            }
        }
        None
    })
}

/// The place of each pair's remote record in the listing, which is sorted. A record has one pair: of several with its
/// id the first that means it.
fn places(baseline: &[Pair], listing: &[RemoteKey]) -> Vec<Option<usize>> {
    let mut places = vec![None; baseline.len()];
    let (mut place, mut taken) = (0, None);
    for index in in_order(baseline, |pair| &pair.remote.id) {
        let known = &baseline[index].remote;
        while listing.get(place).is_some_and(|key| key.id < known.id) {
            place += 1;
        }
        let means = |key: &RemoteKey| key.id == known.id && !is_another_record(known, key);
        if taken != Some(place) && listing.get(place).is_some_and(means) {
            (places[index], taken) = (Some(place), Some(place));
        }
    }
    places
}

/// The indices of the items in the order of their keys, those of equal keys in the order in which they come.
fn in_order<'t, T, K: Ord>(items: &'t [T], key: impl Fn(&'t T) -> K) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    if !items.is_sorted_by(|a, b| key(a) <= key(b)) {
        order.sort_by(|&a, &b| key(&items[a]).cmp(&key(&items[b])));
    }
    order
}

/// Whether an id came back as another record (decision 14). Servers write one stamp in several ways: the answer to an insert
/// may have more digits than what they keep, or another offset than a listing.
pub fn is_another_record(known: &RemoteKey, listed: &RemoteKey) -> bool {
    matches!((&known.created, &listed.created), (Some(a), Some(b)) if a != b && !is_same_instant(a, b))
}

/// Which contents decide a finding whose tokens alone do not (decision 2: a changed token with the
/// baseline's content is no change).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The tokens are enough.
    Nothing,
    /// The local record's content.
    Local,
    /// The remote record's content.
    Remote,
    /// Both.
    Both,
}

/// What has to be read before [`decide`] can be asked. A remote change alone needs nothing: its
/// content is fetched when it is applied, and compared there.
pub fn needs<L, R>(local: &Side<L>, remote: &Side<R>) -> Needs {
    match (local, remote) {
        (Side::Changed(_), Side::Changed(_)) => Needs::Both,
        (Side::Changed(_), Side::Same | Side::Gone) => Needs::Local,
        (Side::Gone, Side::Changed(_)) => Needs::Remote,
        (Side::Same | Side::Gone, Side::Same | Side::Gone) | (Side::Same, Side::Changed(_)) => Needs::Nothing,
    }
}

/// What a finding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Equal already: only the tokens are refreshed.
    Refresh,
    /// The remote change goes to the local side.
    PullUpdate,
    /// The remote delete goes to the local side.
    PullDelete,
    /// The local change goes to the remote side.
    PushUpdate,
    /// The local delete goes to the remote side.
    PushDelete,
    /// Both are gone: the pair is dropped.
    Forget,
    /// Both changed: somebody has to choose.
    Conflict(ConflictKind),
}

/// Decides a linked pair. `Changed` means a change of *content* wherever [`needs`] asked for it;
/// `equal` tells whether two changed sides have the same content.
pub fn decide<L, R>(local: &Side<L>, remote: &Side<R>, equal: bool) -> Decision {
    match (local, remote) {
        (Side::Same, Side::Same) => Decision::Refresh,
        (Side::Same, Side::Changed(_)) => Decision::PullUpdate,
        (Side::Same, Side::Gone) => Decision::PullDelete,
        (Side::Changed(_), Side::Same) => Decision::PushUpdate,
        (Side::Gone, Side::Same) => Decision::PushDelete,
        (Side::Gone, Side::Gone) => Decision::Forget,
        (Side::Changed(_), Side::Changed(_)) if equal => Decision::Refresh,
        (Side::Changed(_), Side::Changed(_)) => Decision::Conflict(ConflictKind::UpdateUpdate),
        (Side::Changed(_), Side::Gone) => Decision::Conflict(ConflictKind::UpdateDelete),
        (Side::Gone, Side::Changed(_)) => Decision::Conflict(ConflictKind::DeleteUpdate),
    }
}
