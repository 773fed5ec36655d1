//! Step 3: the baseline against both sides. The decision is [`sync_core::compare`]'s; here is read what it
//! needs to know, and its answer becomes a [`Plan`].

use super::conflicts::{Clash, Then, settle};
use super::operations::{Plan, PullDelete, PullUpdate, PushDelete, PushUpdate, Work};
use super::{Event, Failure, Stop, Subject, full_compare, links, pull};
use crate::ports::{Baseline, Change, LocalRecord, Store};
use std::collections::{HashMap, HashSet};
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::compare::{
    Decision, Finding, Needs, Side, compare as compare_keys, decide, is_another_record,
};
use sync_core::object::Object;
use sync_core::operation::Operation;
use sync_core::value::{Kind, Row, Value};

/// Linked records whose contents are looked at together.
const BATCH: usize = 200;

/// What both sides listed.
#[derive(Debug, PartialEq)]
pub(super) struct Listed {
    pub(super) baseline: Vec<Pair>,
    pub(super) local: Vec<sync_core::change_key::LocalKey>,
    pub(super) remote: Vec<RemoteKey>,
}

/// A pair of which at least one side is not the same.
struct Linked {
    pair: Pair,
    local: Side<Revision>,
    remote: Side<RemoteKey>,
}

/// Compares what both sides listed, and decides every record.
pub(super) async fn compare(work: &Work<'_>, store: &mut dyn Store, listed: Listed) -> Result<Plan, Stop> {
    let object = work.object();
    work.observer.event(Event::Step { object: object.name.as_str(), step: "compare", total: None });
    let sizes = (listed.baseline.len() as u64, listed.local.len() as u64, listed.remote.len() as u64);
    let mut plan = Plan::default();
    let mut linked = Vec::new();
    for finding in compare_keys(listed.baseline, &listed.local, listed.remote) {
        match finding {
            Finding::NewLocal(key) => plan.push_inserts.push(key),
            Finding::NewRemote(key) => plan.pull_inserts.push(key.id),
            Finding::Linked { pair, local, remote } => linked.push(Linked { pair, local, remote }),
        }
    }
    let gone = || linked.iter().filter(|it| it.remote == Side::Gone).map(|it| &it.pair);
    if full_compare::elsewhere(work) {
        store.set_aside(&object.name, gone().map(|pair| pair.local).collect());
    }
    let new: HashSet<&RemoteId> = plan.pull_inserts.iter().collect();
    plan.outlived = gone().filter(|pair| new.contains(&pair.remote.id)).map(|pair| pair.local).collect();
    let departed = departed(work, &linked).await?;
    for batch in linked.chunks(BATCH) {
        decide_batch(work, store, &mut plan, batch, &departed).await?;
    }
    if full_compare::elsewhere(work) {
        full_compare::hold(work, &mut plan);
    } else {
        hold_deletes(work, &mut plan, sizes);
    }
    Ok(plan)
}

/// Of the records that are no longer listed, those that are still there: they only left the filter
/// (decision 12).
async fn departed(work: &Work<'_>, linked: &[Linked]) -> Result<HashSet<LocalId>, Stop> {
    let mut departed = HashSet::new();
    if work.participant().filter.is_none() {
        return Ok(departed);
    }
    let gone: Vec<&Pair> = linked.iter().filter(|it| it.remote == Side::Gone).map(|it| &it.pair).collect();
    for batch in gone.chunks(work.remote.capabilities().details_batch.max(1)) {
        let ids: Vec<RemoteId> = batch.iter().map(|pair| pair.remote.id.clone()).collect();
        let found = work.remote.details(work.object(), &ids).await?;
        // An id that came back is another record: the one that was linked did not leave, it is gone. Both may
        // be linked at a time.
        let left = |pair: &Pair| {
            found.iter().any(|it| it.key.id == pair.remote.id && it.key.created == pair.remote.created)
        };
        departed.extend(batch.iter().filter(|pair| left(pair)).map(|pair| pair.local));
    }
    Ok(departed)
}

/// A remote record in local shape.
struct Fetched {
    row: Row,
    /// It links to a record that is not pulled yet: null in the row, and a change all the same.
    ahead: bool,
    /// The links that are null in the row, and not on the remote.
    unlinked: Vec<usize>,
}

/// The contents that a batch's decisions need, by id.
struct Contents {
    base: HashMap<LocalId, Baseline>,
    local: HashMap<LocalId, LocalRecord>,
    remote: HashMap<RemoteId, (RemoteKey, Result<Fetched, Failure>)>,
}

impl Contents {
    /// Whether the remote record has gone since it was listed, or its id has come back as another record: the next
    /// run lists it anew.
    fn is_overtaken(&self, pair: &Pair, needs: Needs) -> bool {
        match self.remote.get(&pair.remote.id) {
            Some((key, _)) => is_another_record(&pair.remote, key),
            None => matches!(needs, Needs::Remote | Needs::Both),
        }
    }
}

async fn decide_batch(
    work: &Work<'_>,
    store: &mut dyn Store,
    plan: &mut Plan,
    batch: &[Linked],
    departed: &HashSet<LocalId>,
) -> Result<(), Stop> {
    let object = work.object();
    let contents = read(work, store, batch).await?;
    let left: Vec<LocalId> =
        batch.iter().filter(|it| departed.contains(&it.pair.local)).map(|it| it.pair.local).collect();
    let needed = links::linked_to(work, store, &left)?;
    for Linked { pair, local, remote } in batch {
        if contents.is_overtaken(pair, full_compare::needs_of(work, pair, local, remote)) {
            continue;
        }
        let base = contents.base.get(&pair.local).map(|base| &base.row);
        let local_row = contents.local.get(&pair.local).and_then(|record| record.row.as_ref().ok());
        let fetched = match remote {
            Side::Changed(_) => contents.remote.get(&pair.remote.id),
            Side::Same | Side::Gone => None,
        };
        if let Some((_, Err(failure))) = fetched {
            let subject = Subject::pair(pair.local, &pair.remote.id);
            plan.issues.push(failure.clone().issue(object, Operation::PullUpdate, subject));
            continue;
        }
        let fetched = fetched.and_then(|(_, row)| row.as_ref().ok());
        let remote_row = fetched.map(|fetched| &fetched.row);
        let ahead = fetched.is_some_and(|fetched| fetched.ahead);
        let edited = match (local, base, local_row) {
            (Side::Changed(_), Some(base), Some(row)) => changed_here(object, base, row, &Side::Gone),
            (Side::Changed(_) | Side::Same | Side::Gone, _, _) => *local != Side::Same,
        };
        let relinked = match (base, local_row) {
            (Some(base), Some(row)) => unlike(object, base, row).into_iter().any(|it| is_link(object, it)),
            _ => true,
        };
        // From here on, a changed token with the baseline's content is no change (decision 2).
        let remote = match (remote, base, remote_row) {
            (Side::Changed(_), Some(base), Some(row))
                if (!ahead || edited && !relinked)
                    && !changed_there(object, &agreed_there(store, object, base)?, row, local, edited) =>
            {
                Side::Same
            }
            (side, _, _) => side.clone(),
        };
        let local = match (local, base, local_row) {
            (Side::Changed(_), Some(base), Some(row)) if !changed_here(object, base, row, &remote) => {
                Side::Same
            }
            (side, _, _) => side.clone(),
        };
        let apart = match (local_row, remote_row) {
            (Some(local), Some(remote)) if !ahead => Some(unlike(object, local, remote)),
            _ => None,
        };
        let equal = apart.as_ref().is_some_and(Vec::is_empty);
        // Both sides made the same edit, and the server added something of its own (decisions 9 and 18).
        let local = match (&apart, &remote) {
            (Some(apart), Side::Changed(_)) if !equal && apart.iter().all(|&it| is_owned(object, it)) => {
                Side::Same
            }
            _ => local,
        };
        let remote = match (remote, contents.base.get(&pair.local), fetched) {
            (Side::Changed(key), Some(base), Some(Fetched { row, .. }))
                if !equal && full_compare::is_a_stranger(work, store, base, &key, row)? =>
            {
                plan.pull_inserts.push(key.id);
                store.set_aside(&object.name, vec![pair.local]);
                Side::Gone
            }
            (Side::Changed(key), Some(base), Some(Fetched { row, .. }))
                if local != Side::Same
                    && full_compare::only_read_otherwise(work, base, &key, row, local_row) =>
            {
                plan.read_otherwise = true;
                Side::Same
            }
            (side, _, _) => side,
        };
        // A link that waits to be sent again is no edit that a delete stands against.
        let waits = base.zip(local_row).map_or_else(Vec::new, |(base, row)| waiting(object, base, row));
        let local = if remote == Side::Gone && !waits.is_empty() { Side::Same } else { local };
        let now = Now { pair, contents: &contents };
        match decide(&local, &remote, equal) {
            Decision::Refresh => plan.bookkeeping.extend(now.refresh(local_row)),
            // Deleted here and out of the filter is this, too: the remote is left alone (decision 12).
            Decision::Forget => plan.forgotten.push(pair.clone()),
            Decision::PullUpdate => {
                plan.pull_updates.push(PullUpdate { pair: pair.clone(), revision: now.revision() })
            }
            // It left the filter, but a link of another record needs it (decision 12).
            Decision::PullDelete if needed.contains(&pair.local) => {
                let baselines = store.baselines(object, &[pair.local])?;
                plan.bookkeeping.extend(baselines.into_iter().map(|base| Change::Link {
                    baseline: Baseline { beyond_filter: true, ..base },
                    fields: Vec::new(),
                }));
            }
            // Who links to it cannot be seen where not all objects take part: it goes in a run of all.
            Decision::PullDelete if departed.contains(&pair.local) && !work.others.is_empty() => {}
            Decision::PullDelete => plan.pull_deletes.push(PullDelete {
                pair: pair.clone(),
                revision: now.revision(),
                departed: departed.contains(&pair.local),
            }),
            Decision::PushUpdate => {
                plan.push_updates.push(PushUpdate { pair: pair.clone(), expected: now.token() });
            }
            Decision::PushDelete => {
                plan.push_deletes.push(PushDelete { pair: pair.clone(), expected: now.token() });
            }
            Decision::Conflict(_) if departed.contains(&pair.local) => {
                let message = "has an unsent local edit, but its remote record left the filter; widen the \
                               filter to send the edit";
                let failure = Failure::new("left-filter", message);
                let subject = Subject::pair(pair.local, &pair.remote.id);
                plan.issues.push(failure.issue(object, Operation::PushUpdate, subject));
            }
            Decision::Conflict(kind) => {
                let absent = || vec![Value::Absent; object.local.len()];
                let unread = || Baseline { pair: pair.clone(), row: absent(), beyond_filter: false };
                let clash = Clash {
                    kind,
                    waits: (!waits.is_empty()).then(|| {
                        let open = |it: &usize| fetched.is_some_and(|fetched| fetched.unlinked.contains(it));
                        waits.into_iter().filter(open).collect()
                    }),
                    base: contents.base.get(&pair.local).cloned().unwrap_or_else(unread),
                    ahead: fetched.filter(|it| it.ahead).map_or_else(Vec::new, |it| it.unlinked.clone()),
                    local: match local {
                        Side::Gone => None,
                        Side::Same | Side::Changed(_) => {
                            Some((now.revision(), local_row.cloned().unwrap_or_else(absent)))
                        }
                    },
                    remote: match remote {
                        Side::Gone => None,
                        Side::Same | Side::Changed(_) => {
                            // A link that is not pulled yet leaves the record open.
                            let key = now.remote_key();
                            let key = RemoteKey { fresh: key.fresh || ahead, ..key };
                            Some((key, remote_row.cloned().unwrap_or_else(absent)))
                        }
                    },
                };
                settle(work, store, plan, clash)?;
            }
        }
    }
    Ok(())
}

/// Whether a person changed the local record. An edit of what the remote owns is put back, and must not stand
/// against what happened on the remote (decision 9). A field that was never agreed on counts once it is filled.
fn changed_here(object: &Object, base: &Row, row: &Row, remote: &Side<RemoteKey>) -> bool {
    unlike(object, base, row).into_iter().any(|index| {
        let known = base.get(index) != Some(&Value::Absent) || row.get(index).is_some_and(Value::is_filled);
        known && (*remote == Side::Same || !is_owned(object, index))
    })
}

fn agreed_there(store: &dyn Store, object: &Object, base: &Row) -> Result<Row, Stop> {
    let mut row = base.clone();
    links::agreed_there(store, object, &mut row)?;
    Ok(row)
}

/// Whether the remote record changed in a way that a local change stands against. One that was edited here brings
/// back what only the remote writes when it is sent; one that was deleted here needs nothing that the server
/// computed (decision 9).
fn changed_there(object: &Object, base: &Row, row: &Row, local: &Side<Revision>, edited: bool) -> bool {
    unlike(object, base, row).into_iter().any(|index| match local {
        Side::Gone => !object.local.get(index).is_some_and(|field| field.traits.computed),
        Side::Same | Side::Changed(_) => !edited || !is_owned(object, index),
    })
}

/// The links that wait to be sent again, if that is all that differs here: they are agreed on no more, since the
/// record that they lead to is created anew (decision 19).
fn waiting(object: &Object, base: &Row, row: &Row) -> Vec<usize> {
    let unlike = unlike(object, base, row);
    let waits = |&index: &usize| base.get(index) == Some(&Value::Absent) && is_link(object, index);
    if unlike.iter().all(waits) { unlike } else { Vec::new() }
}

/// Whether the field is a link.
fn is_link(object: &Object, index: usize) -> bool {
    object.local.get(index).is_some_and(|field| matches!(field.kind, Kind::Reference(_)))
}

/// Whether only the remote writes the field.
fn is_owned(object: &Object, index: usize) -> bool {
    object.local.get(index).is_some_and(|field| field.traits.is_remote_owned())
}

/// Fields in which a row is not what it was: as [`Object::differing`], but a field that the old row does not
/// know counts as well, so that a field which the object gained is filled.
pub(super) fn unlike(object: &Object, old: &Row, new: &Row) -> Vec<usize> {
    let unlike = |&index: &usize| {
        let (Some(old), Some(new), Some(field)) = (old.get(index), new.get(index), object.local.get(index))
        else {
            return false;
        };
        !field.traits.not_compared && *new != Value::Absent && old != new
    };
    (0..object.local.len()).filter(unlike).collect()
}

/// A pair and its present keys: as the contents say where they were read, else as the baseline has them.
struct Now<'a> {
    pair: &'a Pair,
    contents: &'a Contents,
}

impl Now<'_> {
    fn revision(&self) -> Revision {
        self.contents.local.get(&self.pair.local).map_or(self.pair.revision, |record| record.key.revision)
    }

    fn remote_key(&self) -> RemoteKey {
        self.contents.remote.get(&self.pair.remote.id).map_or(&self.pair.remote, |(key, _)| key).clone()
    }

    fn token(&self) -> RemoteToken {
        self.remote_key().token
    }

    /// Enters the present keys; the content is equal already (decisions 2 and 18).
    fn refresh(&self, local: Option<&Row>) -> Option<Change> {
        let base = self.contents.base.get(&self.pair.local)?;
        let pair = Pair { local: self.pair.local, remote: self.remote_key(), revision: self.revision() };
        let mut row = local.unwrap_or(&base.row).clone();
        for (value, before) in row.iter_mut().zip(&base.row) {
            if *value == Value::Absent {
                value.clone_from(before);
            }
        }
        let baseline = Baseline { pair, row, beyond_filter: base.beyond_filter };
        Some(Change::Link { baseline, fields: Vec::new() })
    }
}

/// Reads what [`needs`] asks for. A changed local side is compared first: where its content is the baseline's,
/// the remote's content decides nothing.
async fn read(work: &Work<'_>, store: &dyn Store, batch: &[Linked]) -> Result<Contents, Stop> {
    let object = work.object();
    let wanted = |wants: fn(Needs) -> bool| {
        let needs = |it: &Linked| full_compare::needs_of(work, &it.pair, &it.local, &it.remote);
        batch.iter().filter(move |it| wants(needs(it))).map(|it| &it.pair)
    };
    let local: Vec<LocalId> =
        wanted(|it| matches!(it, Needs::Local | Needs::Both)).map(|pair| pair.local).collect();
    let remote: Vec<RemoteId> =
        wanted(|it| matches!(it, Needs::Remote | Needs::Both)).map(|pair| pair.remote.id.clone()).collect();
    let based: Vec<LocalId> = wanted(|it| matches!(it, Needs::Local | Needs::Remote | Needs::Both))
        .map(|pair| pair.local)
        .collect();
    let base = store.baselines(object, &based)?;
    let local = store.local_records(object, &local)?;
    let mut contents = Contents {
        base: base.into_iter().map(|base| (base.pair.local, base)).collect(),
        local: local.into_iter().map(|record| (record.key.id, record)).collect(),
        remote: HashMap::with_capacity(remote.len()),
    };
    for ids in remote.chunks(work.remote.capabilities().details_batch.max(1)) {
        let records = work.remote.details(object, ids).await?;
        let (keys, rows): (Vec<_>, Vec<_>) = records.into_iter().map(|it| (it.key, it.row)).unzip();
        for (key, mapped) in keys.into_iter().zip(work.participant().mapper.to_local(rows)) {
            let row = match mapped {
                Ok(mut row) => {
                    let is_link = |(_, value): &(usize, &Value)| matches!(value, Value::Reference(_));
                    let linked: Vec<usize> =
                        row.iter().enumerate().filter(is_link).map(|(index, _)| index).collect();
                    let unlinked = links::to_local(store, object, &mut row)?;
                    let ahead = pull::parents::still_expected(work, store, &unlinked).await?;
                    let unlinked = linked.into_iter().filter(|&it| row.get(it) == Some(&Value::Null));
                    Ok(Fetched { ahead, unlinked: unlinked.collect(), row })
                }
                Err(error) => Err(Failure::from(error)),
            };
            contents.remote.insert(key.id.clone(), (key, row));
        }
    }
    Ok(contents)
}

/// Takes the deletes of a direction out of the plan where they have to be confirmed (decision 23). Those by which a
/// rule settles a conflict are held, too: the conflict then stays open.
fn hold_deletes(work: &Work<'_>, plan: &mut Plan, (linked, local, remote): (u64, u64, u64)) {
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
