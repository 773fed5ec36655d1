//! Step 2 where the remote tells what changed: finds what is gone without a word, by counting stretches of ids.

use super::Stop;
use super::operations::Work;
use crate::ports::{Store, Stretch, View};
use std::collections::HashSet;
use std::ops::Range;
use sync_core::change_feed;
use sync_core::change_key::{Pair, RemoteId, RemoteKey};
use sync_core::missing::{Blocks, Span, is_worth_it};

/// Stretches that the remote is asked about in one go: each is a request, with what it takes.
const AT_ONCE: usize = 128;

/// What a listing would have, told from the pairs.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    /// Number of pairs.
    pub(super) linked: u64,
    /// The pairs that are not listed, or under `with`.
    pub(super) without: &'a [Pair],
    /// What is listed besides the pairs, sorted by id.
    pub(super) with: &'a [RemoteKey],
}

/// The ids that the remote should list and does not, where `counted` says that there are some. None where that cannot be
/// told, or takes no less than to list everything.
pub(super) async fn search(
    work: &Work<'_>,
    store: &dyn Store,
    view: View<'_>,
    expected: Expected<'_>,
    counted: u64,
) -> Result<Vec<RemoteId>, Stop> {
    let object = &view.object.name;
    let block = work.remote.capabilities().details_batch.max(1);
    let Expected { linked, without, with } = expected;
    let listed = change_feed::listed(linked, without.len() as u64, with.len() as u64);
    if !is_worth_it(listed.saturating_sub(counted), linked / block as u64 + 1) {
        return Ok(Vec::new());
    }
    let landmarks = store.landmarks(object, block)?;
    let blocks = blocks(&landmarks, block, expected);
    let stretch = |range: &Range<usize>| Stretch {
        after: range.start.checked_sub(1).and_then(|last| landmarks.get(last)),
        through: range.end.checked_sub(1).and_then(|last| landmarks.get(last)),
    };
    let mut spans: Vec<Span> = blocks.search(counted).into_iter().collect();
    let mut found: Vec<Span> = Vec::new();
    while !spans.is_empty() {
        let mut narrowed = Vec::new();
        for spans in spans.chunks(AT_ONCE) {
            let halves: Vec<Range<usize>> = spans.iter().map(Span::first_half).collect();
            let halves: Vec<Stretch<'_>> = halves.iter().map(stretch).collect();
            let Some(counts) = work.remote.count_each(view, &halves).await? else { return Ok(Vec::new()) };
            for (span, count) in spans.iter().zip(counts) {
                let Ok(halves) = blocks.narrow(span, count) else { return Ok(Vec::new()) };
                narrowed.extend(halves);
            }
        }
        let (single, several): (Vec<Span>, Vec<Span>) = narrowed.into_iter().partition(Span::is_block);
        found.extend(single);
        spans = several;
    }
    let without: HashSet<&RemoteId> = without.iter().map(|pair| &pair.remote.id).collect();
    let mut missing = Vec::new();
    for found in found.chunks(AT_ONCE) {
        let stretches: Vec<Stretch<'_>> = found.iter().map(|span| stretch(&span.blocks)).collect();
        let listed = work.remote.ids_each(view, &stretches).await?;
        for (stretch, listed) in stretches.into_iter().zip(listed) {
            let listed: HashSet<RemoteId> = listed.into_iter().collect();
            let linked = store.linked_in(object, stretch)?.into_iter();
            missing.extend(linked.filter(|id| !without.contains(id) && !listed.contains(id)));
        }
    }
    Ok(missing)
}

/// How many records the remote should have up to each landmark, and after the last.
fn blocks(landmarks: &[RemoteId], block: usize, expected: Expected<'_>) -> Blocks {
    let all = landmarks.len() as u64 * block as u64;
    let mut sizes = vec![block as u64; landmarks.len()];
    sizes.push(expected.linked.saturating_sub(all));
    let at = |id: &RemoteId| landmarks.partition_point(|landmark| landmark < id);
    expected.with.iter().for_each(|key| sizes[at(&key.id)] += 1);
    for pair in expected.without {
        let size = &mut sizes[at(&pair.remote.id)];
        *size = size.saturating_sub(1);
    }
    Blocks::new(sizes)
}
