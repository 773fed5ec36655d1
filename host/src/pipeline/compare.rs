//! Step 3: the baseline against both sides. The decision is [`sync_core::compare`]'s; here is read what it
//! needs to know, and its answer becomes a [`Plan`].

use super::conflicts::{Clash, Then, settle};
use super::contents::{self, Asked, Linked, Record};
use super::judge::{Judged, judge};
use super::listing::{Listed, Sizes};
use super::operations::{Plan, PullDelete, PullUpdate, PushDelete, PushUpdate, Reading, Work};
use super::{Event, Failure, Stop, Subject, full_compare, links};
use crate::ports::{Baseline, Store, View};
use std::collections::{HashSet, VecDeque};
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteKey};
use sync_core::compare::{Decision, Finding, Side, compare as compare_keys, decide, is_another_record};
use sync_core::conflict::ConflictKind;
use sync_core::object::Object;
use sync_core::operation::Operation;
use sync_core::value::Value;

/// Linked records whose contents are looked at together.
const BATCH: usize = 200;

/// Batches that the remote is asked about while one is decided.
const AHEAD: usize = 2;

/// Compares what both sides listed, and decides every record.
pub(super) async fn compare(work: &Work<'_>, store: &mut dyn Store, listed: Listed) -> Result<Plan, Stop> {
    let object = work.object();
    work.observer.event(Event::Step { object: object.name.as_str(), step: "compare", total: None });
    let sizes = listed.sizes;
    let mut plan = Plan { progress: listed.progress, ..Plan::default() };
    let mut linked = Vec::with_capacity(listed.baseline.len());
    for finding in compare_keys(listed.baseline, &listed.local, listed.remote) {
        match finding {
            Finding::Linked { pair, local, remote } => linked.push(Linked { pair, local, remote }),
            Finding::NewLocal(key) => plan.push_inserts.push(key),
            Finding::NewRemote(key) => plan.pull_inserts.push(key.id),
        }
    }
    // There may be very many of them.
    let mapped = |remote: fn(&Side<RemoteKey>) -> bool| linked.iter().filter(|it| remote(&it.remote)).count();
    plan.pull_updates.reserve_exact(mapped(|side| matches!(side, Side::Changed(_))));
    plan.push_updates.reserve_exact(mapped(|side| matches!(side, Side::Same)));
    plan.reading = match listed.unlisted {
        Some(count) => Reading::Unlisted(count),
        None if plan.pull_inserts.len() as u64 * 4 > sizes.remote * 3 => Reading::WithTheRest,
        None => Reading::Each,
    };
    let gone = || linked.iter().filter(|it| it.remote == Side::Gone).map(|it| &it.pair);
    if full_compare::elsewhere(work) {
        store.set_aside(&object.name, gone().map(|pair| pair.local).collect());
    }
    let new: HashSet<&RemoteId> = plan.pull_inserts.iter().collect();
    plan.outlived = gone().filter(|pair| new.contains(&pair.remote.id)).map(|pair| pair.local).collect();
    let absent = still_there(work, &linked).await?;
    let mut linked = linked.into_iter();
    let mut asked: VecDeque<Asked> = VecDeque::with_capacity(AHEAD);
    loop {
        while asked.len() < AHEAD && !linked.as_slice().is_empty() {
            asked.push_back(contents::ask(work, linked.by_ref().take(BATCH).collect()));
        }
        let Some(next) = asked.pop_front() else { break };
        decide_batch(work, store, &mut plan, next, &absent).await?;
    }
    if full_compare::elsewhere(work) {
        full_compare::hold(work, &mut plan);
    } else {
        hold_deletes(work, &mut plan, sizes);
    }
    Ok(plan)
}

/// Pairs whose remote record is no longer listed, and still there.
#[derive(Default)]
struct StillThere {
    /// It only left the filter (decision 12).
    departed: HashSet<LocalId>,
    /// The listing has left it out: the next run finds it listed.
    overlooked: HashSet<LocalId>,
}

/// Looks for records that are no longer listed. Without a filter those that nobody touched here are not looked for: of
/// them that is asked right before the delete.
async fn still_there(work: &Work<'_>, linked: &[Linked]) -> Result<StillThere, Stop> {
    let mut still = StillThere::default();
    let view = View { object: work.object(), filter: work.participant().filter.as_deref() };
    let (filtered, elsewhere) = (view.filter.is_some(), full_compare::elsewhere(work));
    // On another server an id proves nothing.
    let touched = |it: &Linked| it.local != Side::Same && !elsewhere;
    let asked = |it: &&Linked| it.remote == Side::Gone && (filtered || touched(it));
    let gone: Vec<&Pair> = linked.iter().filter(asked).map(|it| &it.pair).collect();
    for batch in gone.chunks(work.remote.capabilities().details_batch.max(1)) {
        let ids: Vec<RemoteId> = batch.iter().map(|pair| pair.remote.id.clone()).collect();
        let found = work.remote.details(work.object(), &ids).await?;
        // An id that came back is another record: the one that was linked did not leave, it is gone. Both may
        // be linked at a time.
        let there = |pair: &&Pair| {
            found.iter().any(|it| it.key.id == pair.remote.id && !is_another_record(&pair.remote, &it.key))
        };
        let there: Vec<&Pair> = batch.iter().copied().filter(there).collect();
        if there.is_empty() {
            continue;
        }
        // One that matches the filter all the same did not leave.
        let ids: Vec<RemoteId> = there.iter().map(|pair| pair.remote.id.clone()).collect();
        let listed = if filtered { work.remote.in_view(view, &ids).await? } else { Some(ids) };
        let listed = listed.unwrap_or_default();
        for pair in there {
            let overlooked = listed.contains(&pair.remote.id);
            if overlooked { &mut still.overlooked } else { &mut still.departed }.insert(pair.local);
        }
    }
    Ok(still)
}

async fn decide_batch(
    work: &Work<'_>,
    store: &mut dyn Store,
    plan: &mut Plan,
    asked: Asked,
    StillThere { departed, overlooked }: &StillThere,
) -> Result<(), Stop> {
    let object = work.object();
    let (batch, contents) = contents::read(work, store, asked).await?;
    let left: Vec<LocalId> =
        batch.iter().filter(|it| departed.contains(&it.pair.local)).map(|it| it.pair.local).collect();
    let needed = links::linked_to(work, store, &left)?;
    for linked in &batch {
        let (record, pair) = (contents.record(linked), &linked.pair);
        if record.is_overtaken(full_compare::needs_of(work, pair, &linked.local, &linked.remote)) {
            continue;
        }
        // A delete of one that nobody touched counts for the guard, and is asked about again before it is carried out.
        if linked.local != Side::Same && overlooked.contains(&pair.local) {
            tracing::warn!("{} {} was not listed, and is still there", object.name, pair.remote.id);
            continue;
        }
        if let Some(failure) = record.failure() {
            let subject = Subject::pair(pair.local, &pair.remote.id);
            plan.issues.push(failure.clone().issue(object, Operation::PullUpdate, subject));
            continue;
        }
        let mut judged = judge(work, store, &record)?;
        plan.read_otherwise |= judged.read_otherwise;
        if let Some(key) = judged.stranger.take() {
            plan.pull_inserts.push(key.id);
            store.set_aside(&object.name, vec![pair.local]);
        }
        let has_left = departed.contains(&pair.local);
        match decide(&judged.local, &judged.remote, judged.equal) {
            Decision::Refresh => plan.bookkeeping.extend(record.refresh()),
            // Deleted here and out of the filter is this, too: the remote is left alone (decision 12).
            Decision::Forget => plan.forgotten.push(pair.clone()),
            Decision::PullUpdate => {
                plan.pull_updates.push(PullUpdate { pair: pair.clone(), revision: record.revision() });
            }
            // It left the filter, but a link of another record needs it (decision 12).
            Decision::PullDelete if needed.contains(&pair.local) => {
                let baselines = store.baselines(object, &[pair.local])?;
                plan.bookkeeping.extend(baselines.into_iter().map(links::kept_beyond));
            }
            Decision::PullDelete => plan.pull_deletes.push(PullDelete {
                pair: pair.clone(),
                revision: record.revision(),
                departed: has_left,
            }),
            Decision::PushUpdate => {
                plan.push_updates.push(PushUpdate { pair: pair.clone(), expected: record.token() });
            }
            Decision::PushDelete => {
                plan.push_deletes.push(PushDelete { pair: pair.clone(), expected: record.token() });
            }
            Decision::Conflict(_) if has_left => {
                let message = "has an unsent local edit, but its remote record left the filter; widen the \
                               filter to send the edit";
                let failure = Failure::new("left-filter", message);
                let subject = Subject::pair(pair.local, &pair.remote.id);
                plan.issues.push(failure.issue(object, Operation::PushUpdate, subject));
            }
            Decision::Conflict(kind) => settle(work, store, plan, clash(object, kind, &record, judged))?,
        }
    }
    Ok(())
}

/// A conflict, with all that is known of both sides.
fn clash(object: &Object, kind: ConflictKind, record: &Record<'_>, judged: Judged) -> Clash {
    let Judged { local, remote, waits, .. } = judged;
    let (fetched, unfit) = (record.fetched(), record.unfit());
    let absent = || vec![Value::Absent; object.local.len()];
    let unread = || Baseline { pair: record.linked.pair.clone(), row: absent(), beyond_filter: false };
    let ahead = fetched.is_some_and(|fetched| fetched.ahead);
    Clash {
        kind,
        waits: (!waits.is_empty()).then(|| {
            let open = |it: &usize| fetched.is_some_and(|fetched| fetched.unlinked.contains(it));
            waits.into_iter().filter(open).collect()
        }),
        base: record.base.cloned().unwrap_or_else(unread),
        ahead: fetched.filter(|it| it.ahead).map_or_else(Vec::new, |it| it.unlinked.clone()),
        unfit: unfit.map_or_else(Vec::new, |unfit| unfit.found.clone()),
        local: match local {
            Side::Gone => None,
            Side::Same | Side::Changed(_) => {
                let row = record.local_row().or(unfit.map(|unfit| &unfit.rest));
                Some((record.revision(), row.cloned().unwrap_or_else(absent)))
            }
        },
        remote: match remote {
            Side::Gone => None,
            Side::Same | Side::Changed(_) => {
                // A link that is not pulled yet leaves the record open.
                let key = record.remote_key();
                let key = RemoteKey { fresh: key.fresh || ahead, ..key };
                Some((key, fetched.map_or_else(absent, |fetched| fetched.row.clone())))
            }
        },
    }
}

/// Takes the deletes of a direction out of the plan where they have to be confirmed (decision 23). Those by which a
/// rule settles a conflict are held, too: the conflict then stays open.
fn hold_deletes(work: &Work<'_>, plan: &mut Plan, Sizes { linked, local, remote }: Sizes) {
    if work.options.confirm_deletes {
        return;
    }
    let (guard, object) = (work.options.guard, work.object());
    let ruled = |plan: &Plan, deletes: fn(&Then) -> bool| {
        let unchosen = plan.settlements.iter().filter(|it| !it.chosen);
        unchosen.filter_map(|it| it.steps(object)).filter(|(_, then)| deletes(then)).count() as u64
    };
    let reopen = |plan: &mut Plan, deletes: fn(&Then) -> bool| {
        for it in std::mem::take(&mut plan.settlements) {
            if !it.chosen && it.steps(object).is_some_and(|(_, then)| deletes(&then)) {
                plan.open.push(it.open);
            } else {
                plan.settlements.push(it);
            }
        }
    };
    let is_pull: fn(&Then) -> bool = |then| matches!(then, Then::PullDelete(_));
    let pulls = plan.pull_deletes.iter().filter(|it| !it.departed).count() as u64 + ruled(plan, is_pull);
    if guard.holds(pulls, linked, remote) {
        plan.pull_deletes.retain(|it| it.departed);
        reopen(plan, is_pull);
        plan.held_deletes += pulls;
    }
    let is_push: fn(&Then) -> bool = |then| matches!(then, Then::PushDelete(_));
    let pushes = plan.push_deletes.len() as u64 + ruled(plan, is_push);
    if guard.holds(pushes, linked, local) {
        plan.push_deletes.clear();
        reopen(plan, is_push);
        plan.held_deletes += pushes;
    }
}
