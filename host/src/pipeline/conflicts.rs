//! Step 5: what becomes of a conflict.
//!
//! Whoever settles it, a choice, a rule or a merge, it comes to the same: the side that was not kept is adopted as
//! what both had agreed on, and one plain operation is left. "Keep local" adopts the remote's present state (decision
//! 17), so that the local side counts as changed; where the remote deleted the record, there is nothing to adopt, and
//! the local record counts as new (decision 19). "Keep remote" is the mirror image of that.

use super::operations::{Journey, Plan, PullDelete, PullUpdate, PushDelete, PushUpdate, Work};
use super::{Failure, Stop, Subject, followers};
use crate::ports::{Answer, Baseline, Change, Changed, ConflictEntry, ConflictField, Store};
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, Revision};
use sync_core::conflict::{Choice, ConflictKind, Resolution, Sides, Verdict};
use sync_core::object::Object;
use sync_core::operation::Operation;
use sync_core::value::{Kind, Row, Value};

/// Two sides that both changed, with what is known of each.
#[derive(Debug, Clone)]
pub(super) struct Clash {
    pub(super) kind: ConflictKind,
    pub(super) base: Baseline,
    /// The local side; `None` where it is gone.
    pub(super) local: Option<(Revision, Row)>,
    /// What does not fit in the local record, by field: absent in its row. It is not sent as it is, and a merge would take
    /// the remote's value for it.
    pub(super) unfit: Vec<(usize, Value)>,
    /// The remote side; `None` where it is gone.
    pub(super) remote: Option<(RemoteKey, Row)>,
    /// Links of the remote side to records that are not pulled yet: null in its row.
    pub(super) ahead: Vec<usize>,
    /// Where nothing changed here but links that wait to be sent again (decision 19): those of which the remote
    /// still says nothing else.
    pub(super) waits: Option<Vec<usize>>,
}

/// A conflict that nobody has settled, and how it is entered in the log.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) clash: Clash,
    pub(super) entry: ConflictEntry,
}

/// A conflict that is settled.
#[derive(Debug, Clone)]
pub(super) struct Settlement {
    /// The conflict, which stays pending if its record has moved since.
    pub(super) open: Open,
    resolution: Resolution,
    /// Whether a person chose it for this very record, who has thereby confirmed a delete.
    pub(super) chosen: bool,
}

/// The operation that is left once the other side is adopted.
#[derive(Debug, Clone)]
pub(super) enum Then {
    PullInsert(RemoteId),
    PullUpdate(PullUpdate),
    PullDelete(PullDelete),
    PushInsert(LocalKey),
    PushUpdate(PushUpdate),
    PushDelete(PushDelete),
}

impl Open {
    /// See [`Plan::revised`].
    pub(super) fn revised(&mut self, local: LocalId, before: Revision, after: Revision) {
        if let Some((revision, _)) = &mut self.clash.local
            && self.clash.base.pair.local == local
            && *revision == before
        {
            *revision = after;
        }
    }
}

/// Puts the conflict into the plan: settled where somebody chose or a rule does, else open. A recorded choice comes
/// before a rule (decision 24).
pub(super) fn settle(work: &Work<'_>, store: &dyn Store, plan: &mut Plan, clash: Clash) -> Result<(), Stop> {
    let entry = entry(work.object(), &clash);
    let choice = store.choice(&entry)?;
    let resolution = match choice {
        Some(choice) => Some(Resolution::Keep(choice)),
        None => by_rule(work, plan, &clash),
    };
    let open = Open { clash, entry };
    match resolution {
        Some(resolution) => plan.settlements.push(Settlement { open, resolution, chosen: choice.is_some() }),
        None => plan.open.push(open),
    }
    Ok(())
}

fn by_rule(work: &Work<'_>, plan: &mut Plan, clash: &Clash) -> Option<Resolution> {
    let participant = work.participant();
    let (Some((_, local)), Some((_, remote))) = (&clash.local, &clash.remote) else {
        return match participant.rules.of_delete() {
            Verdict::Settled(resolution) => Some(resolution),
            Verdict::Plugin(_) | Verdict::Ask => None,
        };
    };
    // What a link that leads ahead means is known to the next run, and what does not fit is a person's to correct: until
    // then nothing is merged.
    if !clash.ahead.is_empty() || !clash.unfit.is_empty() {
        let rules = &participant.rules;
        let whole = rules.command_line.is_some() || rules.fields.is_empty();
        return match rules.of_delete() {
            Verdict::Settled(resolution) if whole => Some(resolution),
            Verdict::Settled(_) | Verdict::Plugin(_) | Verdict::Ask => None,
        };
    }
    let sides = Sides { base: &clash.base.row, local, remote };
    if let Some(waits) = &clash.waits {
        // Nobody edited it here: what was done there is taken over, and the links go on waiting.
        let row = remote.iter().zip(local).enumerate();
        let row =
            row.map(|(index, (theirs, ours))| if waits.contains(&index) { ours } else { theirs }.clone());
        return Some(Resolution::Merged(row.collect()));
    }
    match participant.rules.of_update(work.object(), sides) {
        Verdict::Settled(resolution) => Some(resolution),
        Verdict::Ask => None,
        Verdict::Plugin(otherwise) => match participant.mapper.merge(sides) {
            Some(Ok(resolution)) => resolution,
            None => otherwise,
            // A plugin that fails on the record costs it an issue (decision 21), and a person decides.
            Some(Err(error)) => {
                let subject = Subject::pair(clash.base.pair.local, &clash.base.pair.remote.id);
                plan.issues.push(Failure::from(error).issue(work.object(), Operation::PushUpdate, subject));
                None
            }
        },
    }
}

impl Settlement {
    /// What the store adopts, always [`Change::Settle`], and what is left to do then; `None` where both sides are
    /// gone, which is no conflict.
    pub(super) fn steps(&self, object: &Object) -> Option<(Change, Then)> {
        let Clash { base, local, remote, ahead, waits, .. } = &self.open.clash;
        let Pair { local: id, remote: known, revision } = &base.pair;
        let agreed = |remote: &RemoteKey, revision: Revision, row: &Row| {
            let row = row.iter().zip(&base.row);
            let row = row.map(|(value, base)| if *value == Value::Absent { base } else { value }.clone());
            let pair = Pair { local: *id, remote: remote.clone(), revision };
            Baseline { pair, row: row.collect(), beyond_filter: base.beyond_filter }
        };
        let theirs = |remote: &RemoteKey, revision: Revision, row: &Row| {
            let mut adopted = agreed(remote, revision, row);
            // A record that nobody has: whatever the link is here, it is not what it is there.
            for (_, link) in adopted.row.iter_mut().enumerate().filter(|(index, _)| ahead.contains(index)) {
                *link = Value::Reference("0".to_owned());
            }
            for (_, link) in adopted
                .row
                .iter_mut()
                .enumerate()
                .filter(|(index, _)| waits.iter().flatten().any(|it| it == index))
            {
                *link = Value::Absent;
            }
            adopted
        };
        let push_update = |agreed: &Baseline| {
            let pair = agreed.pair.clone();
            Then::PushUpdate(PushUpdate { expected: pair.remote.token.clone(), pair })
        };
        let mut fields = Vec::new();
        let (agreed, then) = match (&self.resolution, local, remote) {
            (Resolution::Keep(Choice::KeepLocal), Some(_), Some((key, row))) => {
                let agreed = theirs(key, Revision::UNSETTLED, row);
                let then = push_update(&agreed);
                (Some(agreed), then)
            }
            (Resolution::Merged(merged), Some((_, ours)), Some((key, row))) => {
                fields = written(object, ours, merged);
                let agreed = theirs(key, Revision::UNSETTLED, row);
                let then = push_update(&agreed);
                (Some(agreed), then)
            }
            (Resolution::Keep(Choice::KeepLocal), None, Some((key, row))) => {
                let agreed = theirs(key, *revision, row);
                let (pair, expected) = (agreed.pair.clone(), key.token.clone());
                (Some(agreed), Then::PushDelete(PushDelete { pair, expected }))
            }
            (Resolution::Keep(Choice::KeepLocal), Some((revision, _)), None) => {
                (None, Then::PushInsert(LocalKey { id: *id, revision: *revision }))
            }
            (Resolution::Keep(Choice::KeepRemote), Some((revision, ours)), Some(_)) => {
                let agreed = agreed(known, *revision, ours);
                let (pair, revision) = (agreed.pair.clone(), *revision);
                (Some(agreed), Then::PullUpdate(PullUpdate { pair, revision }))
            }
            (Resolution::Keep(Choice::KeepRemote), Some((revision, ours)), None) => {
                let agreed = agreed(known, *revision, ours);
                let (pair, revision) = (agreed.pair.clone(), *revision);
                (Some(agreed), Then::PullDelete(PullDelete { pair, revision, departed: false }))
            }
            (Resolution::Keep(Choice::KeepRemote), None, Some((key, _))) => {
                (None, Then::PullInsert(key.id.clone()))
            }
            (Resolution::Merged(_), _, _) | (Resolution::Keep(_), None, None) => return None,
        };
        let expected = local.as_ref().map(|(revision, _)| *revision);
        Some((Change::Settle { local: *id, expected, fields, agreed }, then))
    }
}

/// The local fields that a merged row changes.
fn written(object: &Object, local: &Row, merged: &Row) -> Vec<(usize, Value)> {
    let changed = |(index, value): &(usize, &Value)| {
        **value != Value::Absent
            && local.get(*index) != Some(*value)
            && object.local.get(*index).is_some_and(|field| !field.traits.is_remote_owned())
    };
    let fields = merged.iter().enumerate().filter(changed);
    fields.map(|(index, value)| (index, value.clone())).collect()
}

/// Carries settlements out: the store adopts, and what is left enters the plan. A record that moved since the
/// compare stays in conflict, and is compared anew by the next run.
pub(super) fn adopt(
    work: &Work<'_>,
    store: &mut dyn Store,
    journey: &mut Journey,
    settlements: Vec<Settlement>,
) -> Result<(), Stop> {
    let Journey { report, plan, learned, .. } = journey;
    for settlement in settlements {
        let Some((mut change, then)) = settlement.steps(work.object()) else { continue };
        let pair = &settlement.open.clash.base.pair;
        if let Change::Settle { agreed: Some(agreed), .. } = &mut change {
            keep_waiting(store, work.object(), agreed)?;
        }
        match &then {
            Then::PushInsert(_) => followers::of_remote(work, store, learned, pair)?,
            Then::PullInsert(_) => followers::of_local(work, store, learned, pair)?,
            Then::PullUpdate(_) | Then::PullDelete(_) | Then::PushUpdate(_) | Then::PushDelete(_) => {}
        }
        let merged = matches!(&change, Change::Settle { fields, .. } if !fields.is_empty());
        let mut failures = Vec::new();
        let answer = work.commit(store, vec![change], &mut failures)?.pop();
        work.log(store, Operation::PullUpdate, failures)?;
        match answer {
            Some(Changed::Done(_)) => {
                plan.add(then);
                if merged {
                    report.count(Operation::PullUpdate);
                }
            }
            Some(Changed::Moved | Changed::Refused { .. }) | None => {
                store.record_conflicts(work.run, std::slice::from_ref(&settlement.open.entry))?;
                plan.open.push(settlement.open);
            }
        }
    }
    Ok(())
}

/// A link that leads to a record which was settled before this one, and is created anew, goes on waiting.
fn keep_waiting(store: &dyn Store, object: &Object, agreed: &mut Baseline) -> Result<(), Stop> {
    let Some(now) = store.baselines(object, &[agreed.pair.local])?.pop() else { return Ok(()) };
    for ((value, now), field) in agreed.row.iter_mut().zip(now.row).zip(&object.local) {
        if now == Value::Absent && matches!(field.kind, Kind::Reference(_)) {
            *value = Value::Absent;
        }
    }
    Ok(())
}

/// Asks the person about every open conflict; answers what that settles. Each choice is recorded at once: a run
/// that dies later has not asked in vain.
pub(super) fn ask(work: &Work<'_>, store: &mut dyn Store, plan: &mut Plan) -> Result<Vec<Settlement>, Stop> {
    let Some(person) = work.person else { return Ok(Vec::new()) };
    let (mut settled, mut for_the_rest) = (Vec::new(), None);
    let open = std::mem::take(&mut plan.open);
    let total = open.len();
    for (index, open) in open.into_iter().enumerate() {
        let left = total - index - 1;
        let answer: Answer = for_the_rest.unwrap_or_else(|| person.choose(&open.entry, left));
        if answer.for_the_rest {
            for_the_rest = Some(answer);
        }
        match answer.choice {
            Some(choice) => {
                store.choose(&open.entry, choice)?;
                settled.push(Settlement { open, resolution: Resolution::Keep(choice), chosen: true });
            }
            None => plan.open.push(open),
        }
    }
    Ok(settled)
}

/// How a conflict is entered in the log.
pub(super) fn entry(object: &Object, clash: &Clash) -> ConflictEntry {
    let at = |row: Option<&Row>, index: usize| {
        row.and_then(|row| row.get(index)).cloned().unwrap_or(Value::Absent)
    };
    let (local, remote) =
        (clash.local.as_ref().map(|(_, row)| row), clash.remote.as_ref().map(|(_, row)| row));
    let base = &clash.base.row;
    let unfit = |index: usize| clash.unfit.iter().find(|(field, _)| *field == index).map(|(_, value)| value);
    let differing = match (local, remote) {
        (Some(local), Some(remote)) => object.differing(local, remote),
        (Some(changed), None) | (None, Some(changed)) => object.differing(base, changed),
        (None, None) => Vec::new(),
    };
    let fields = object.local.iter().enumerate().map(|(index, field)| ConflictField {
        field: field.name.clone(),
        base: at(Some(base), index),
        local: unfit(index).cloned().unwrap_or_else(|| at(local, index)),
        remote: at(remote, index),
        differs: differing.contains(&index) || unfit(index).is_some(),
    });
    ConflictEntry {
        object: object.name.clone(),
        kind: clash.kind,
        local: clash.base.pair.local,
        remote: clash.base.pair.remote.id.clone(),
        fields: fields.collect(),
    }
}

/// Whether the record is in an open conflict, so that nothing else is done with it.
pub(super) fn is_open(plan: &Plan, local: LocalId) -> bool {
    plan.open.iter().any(|open| open.clash.base.pair.local == local)
}
