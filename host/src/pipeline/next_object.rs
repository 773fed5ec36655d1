//! Step 6: one object after the other, in the order of their links; deletes last, children before parents.

use super::compare::compare;
use super::foresee::{foresee, foresee_pending};
use super::listing::list;
use super::operations::{Doomed, Journey, Learned, Plan, PushUpdate, Work};
use super::push::update::Sending;
use super::recovery::Unsettled;
use super::{
    Event, Failure, Participant, Run, Stop, Subject, conflicts, followers, full_compare, links, pull, push,
    with_help,
};
use crate::ports::{Change, ConflictEntry, Store};
use crate::report::{ObjectReport, Outcome, Report, Tally};
use std::collections::HashSet;
use sync_core::change_key::{LocalId, Pair};
use sync_core::object::Object;
use sync_core::operation::Operation;
use sync_core::order::dependency_order;

/// Carries out one synchronization, or with `dry_run` everything up to the compare.
///
/// Never fails: what went wrong is in the report. Every object is in it, in the order of the links.
pub async fn synchronize(run: Run<'_>) -> Report {
    let Run { id, remote, server, store, mut participants, others, options, observer, person } = run;
    in_order(&mut participants);
    let journeys = participants.iter().map(|it| Journey {
        report: ObjectReport::new(it.mapper.object().name.clone()),
        plan: Plan::default(),
        learned: Learned::default(),
        stopped: false,
    });
    let mut journeys: Vec<Journey> = journeys.collect();
    let work = |index| Work {
        run: id,
        remote: &remote,
        server,
        observer,
        person,
        options,
        participants: &participants,
        others: &others,
        index,
    };
    let error = match steps(&work, store, &mut journeys).await {
        Ok(()) => None,
        Err(stop) => Some(stop.message().to_owned()),
    };
    let mut operations = Vec::new();
    for (journey, participant) in journeys.iter_mut().zip(&participants) {
        if journey.stopped || error.is_some() {
            after_failure(store, journey, error.as_deref());
        }
        journey.report.requests = remote.requests(&participant.mapper.object().name);
        operations.append(&mut journey.plan.planned);
    }
    let mut report = Report {
        run: id.to_owned(),
        dry_run: options.dry_run,
        outcome: Outcome::Synced,
        error,
        objects: journeys.into_iter().map(|journey| journey.report).collect(),
        operations: options.dry_run.then_some(operations),
    };
    report.conclude();
    report
}

/// Parents before children.
pub(super) fn in_order(participants: &mut [Participant]) {
    let order = {
        let objects: Vec<&Object> = participants.iter().map(|it| it.mapper.object()).collect();
        dependency_order(&objects)
    };
    participants.sort_by_key(|it| order.iter().position(|name| *name == it.mapper.object().name));
}

/// What is pending of an object that did not get through is what the store says. One that was under way when the
/// run failed has failed, too.
fn after_failure(store: &dyn Store, journey: &mut Journey, error: Option<&str>) {
    let report = &mut journey.report;
    if matches!(report.outcome, Outcome::Failed | Outcome::Skipped) {
        (report.conflicts, report.issues) = store.pending(&report.object).unwrap_or_default();
        report.held_deletes = store.held_deletes(&report.object).unwrap_or_default();
    }
    let touched = report.pull != Tally::default() || report.push != Tally::default() || report.adopted > 0;
    if report.outcome == Outcome::Skipped && touched {
        report.outcome = Outcome::Failed;
        report.error = error.map(str::to_owned);
    }
}

/// All steps of all objects. An error here is the run's.
async fn steps<'a>(
    work: &impl Fn(usize) -> Work<'a>,
    store: &mut dyn Store,
    journeys: &mut [Journey],
) -> Result<(), Stop> {
    if journeys.is_empty() {
        return Ok(());
    }
    if let Err(error) = work(0).remote.connect().await {
        return Err(Stop::Run(Stop::from(error).message().to_owned()));
    }
    // All objects pass steps 1 to 3 before anything is written.
    for (index, journey) in journeys.iter_mut().enumerate() {
        let work = work(index);
        let result = match &work.participant().state.refused {
            Some(error) => Err(Stop::Object(with_help(&error.message, error.help.as_deref()))),
            None => look(&work, store, journey).await,
        };
        conclude_step(&work, journey, result)?;
    }
    if work(0).options.dry_run {
        for (index, journey) in journeys.iter_mut().enumerate().filter(|(_, journey)| !journey.stopped) {
            let work = work(index);
            let result = match foresee(&work, store, journey).await {
                Ok(()) => foresee_pending(&work, store, journey),
                Err(stop) => Err(stop),
            };
            conclude_step(&work, journey, result)?;
        }
        return Ok(());
    }
    for (index, journey) in journeys.iter_mut().enumerate().filter(|(_, journey)| !journey.stopped) {
        // From here on, links lead to the record that has an id now. For the compare, a link is what it was.
        store.set_aside(&journey.report.object, std::mem::take(&mut journey.plan.outlived));
        // Before any object is written: that may enter something else of another's records.
        store.commit(work(index).object(), std::mem::take(&mut journey.plan.bookkeeping))?;
    }
    for index in 0..journeys.len() {
        let work = work(index);
        skip_after_parent(&work, journeys, index);
        if !journeys[index].stopped {
            let result = write(&work, store, &mut journeys[index]).await;
            conclude_step(&work, &mut journeys[index], result)?;
        }
        for it in std::mem::take(&mut journeys[index].learned.revised) {
            if let Some(other) = journeys.get_mut(it.object) {
                other.plan.revised(it.record, it.before, it.after);
            }
        }
    }
    // Links that pointed forward, now that everything is there (decision 16): first the pulled ones, so that a link
    // that is sent knows its record's present token.
    for (index, journey) in journeys.iter_mut().enumerate().filter(|(_, journey)| !journey.stopped) {
        let work = work(index);
        let open = std::mem::take(&mut journey.learned.open_links);
        let result = pull::parents::fill_links(&work, store, open).await;
        conclude_step(&work, journey, result)?;
    }
    for index in 0..journeys.len() {
        let followers = std::mem::take(&mut journeys[index].learned.followers);
        let result = followers::resend(&work(index), store, journeys, followers).await;
        conclude_step(&work(index), &mut journeys[index], result)?;
    }
    for (index, journey) in journeys.iter_mut().enumerate().filter(|(_, journey)| !journey.stopped) {
        let work = work(index);
        let result = send_links(&work, store, journey).await;
        conclude_step(&work, journey, result)?;
    }
    let deletes = |(index, journey): (usize, &Journey)| -> Vec<(usize, LocalId)> {
        journey.plan.pull_deletes.iter().map(|it| (index, it.pair.local)).collect()
    };
    let doomed: Doomed =
        journeys.iter().enumerate().filter(|(_, journey)| !journey.stopped).flat_map(deletes).collect();
    for (index, journey) in journeys.iter_mut().enumerate().rev().filter(|(_, journey)| !journey.stopped) {
        let work = work(index);
        let result = delete(&work, store, journey, &doomed).await;
        conclude_step(&work, journey, result)?;
    }
    for (index, journey) in journeys.iter_mut().enumerate() {
        finish(&work(index), store, journey)?;
    }
    Ok(())
}

/// Notes how a step ended. A failure of the object stops the object, one of the run everything.
fn conclude_step(work: &Work<'_>, journey: &mut Journey, result: Result<(), Stop>) -> Result<(), Stop> {
    let Err(stop) = result else { return Ok(()) };
    journey.stopped = true;
    journey.report.outcome = Outcome::Failed;
    journey.report.error = Some(stop.message().to_owned());
    match stop {
        Stop::Object(_) => {
            work.observer.event(Event::Finished(&journey.report));
            Ok(())
        }
        // Said once, for the run.
        Stop::Run(_) => Err(stop),
    }
}

/// A child is not written when its parent failed: its links would have nothing to point at.
fn skip_after_parent(work: &Work<'_>, journeys: &mut [Journey], index: usize) {
    let parents: HashSet<&str> = work.object().parents().collect();
    let failed = journeys
        .iter()
        .find(|it| it.stopped && parents.contains(it.report.object.as_str()))
        .map(|it| it.report.object.clone());
    if let (Some(parent), journey) = (failed, &mut journeys[index])
        && !journey.stopped
    {
        journey.stopped = true;
        journey.report.outcome = Outcome::Skipped;
        journey.report.error = Some(format!("skipped, because {parent} failed before it"));
        work.observer.event(Event::Finished(&journey.report));
    }
}

/// Steps 1 to 3.
async fn look(work: &Work<'_>, store: &mut dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let mut listed = list(work, store, &mut journey.report).await?;
    let unsettled = std::mem::take(&mut listed.unsettled);
    journey.plan = compare(work, store, listed).await?;
    // They are issues, and not sent again.
    let Journey { plan, learned, .. } = journey;
    let sent: HashSet<LocalId> = unsettled.iter().map(|it| it.local).collect();
    plan.push_inserts.retain(|key| !sent.contains(&key.id));
    for Unsettled { local, failure, keys } in unsettled {
        learned.not_looked_up = true;
        learned.reserved.extend(keys);
        plan.issues.push(failure.issue(work.object(), Operation::PushInsert, Subject::local(local)));
    }
    Ok(())
}

/// Step 4, without the deletes, and step 5.
async fn write(work: &Work<'_>, store: &mut dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let plan = &mut journey.plan;
    let open: Vec<ConflictEntry> = plan.open.iter().map(|open| open.entry.clone()).collect();
    store.record_conflicts(work.run, &open)?;
    store.record_issues(work.run, &plan.issues)?;
    let settled = std::mem::take(&mut plan.settlements);
    conflicts::adopt(work, store, journey, settled)?;
    operate(work, store, journey).await?;
    let settled = conflicts::ask(work, store, &mut journey.plan)?;
    if settled.is_empty() {
        return Ok(());
    }
    conflicts::adopt(work, store, journey, settled)?;
    operate(work, store, journey).await
}

/// Inserts and updates. New local records come first: their look-up decides which new remote records are their
/// twins (decision 4).
async fn operate(work: &Work<'_>, store: &mut dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let Journey { report, plan, learned, .. } = journey;
    // What is pulled arrives while new records are sent.
    let fetched = pull::update::fetch(work, &plan.pull_updates);
    push::insert::inserts(work, store, report, learned, std::mem::take(&mut plan.push_inserts)).await?;
    if learned.not_looked_up {
        learned.twins.extend(store.open_twins(&work.object().name)?);
    }
    let new = std::mem::take(&mut plan.pull_inserts);
    pull::insert::inserts(work, store, report, learned, new, std::mem::take(&mut plan.reading)).await?;
    followers::relink(work, store, journey)?;
    let Journey { report, plan, learned, .. } = journey;
    let (pulled, pushed) = (std::mem::take(&mut plan.pull_updates), std::mem::take(&mut plan.push_updates));
    // What was edited here goes out while what came in is entered: they are other records.
    let mut sending = Sending::begin(work, store, &pushed)?;
    let entered = pull::update::updates(work, store, report, learned, pulled, fetched, &mut sending).await;
    sending.end(work, store, report, learned, entered.err()).await
}

/// Sends the links of pushed records that pointed forward, and those that follow a record created anew.
async fn send_links(work: &Work<'_>, store: &mut dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let Journey { report, learned, .. } = journey;
    let updates = |store: &dyn Store, ids: &[LocalId]| -> Result<Vec<PushUpdate>, Stop> {
        let bases = store.baselines(work.object(), ids)?.into_iter().map(|base| base.pair);
        Ok(bases.map(|pair| PushUpdate { expected: pair.remote.token.clone(), pair }).collect())
    };
    let relinked = updates(store, &std::mem::take(&mut learned.relinked))?;
    push::update::updates(work, store, report, learned, relinked).await?;
    let refill = updates(store, &std::mem::take(&mut learned.refill))?;
    // The record was counted when it was inserted or updated; its link is part of that.
    let counted = report.push;
    push::update::updates(work, store, report, learned, refill).await?;
    report.push = counted;
    // What still cannot be sent waits, and says for what.
    let waiting = std::mem::take(&mut learned.refill).into_iter().map(|local| {
        let message = "a link waits for a record that is not on the remote yet; the rest was sent";
        (Subject::local(local), Failure::new("waits-for-parent", message))
    });
    work.log(store, Operation::PushUpdate, waiting.collect())
}

async fn delete(
    work: &Work<'_>,
    store: &mut dyn Store,
    journey: &mut Journey,
    doomed: &Doomed,
) -> Result<(), Stop> {
    let Journey { report, plan, .. } = journey;
    links::clear(work, store, &plan.forgotten.iter().collect::<Vec<&Pair>>(), doomed, true)?;
    let forget = plan.forgotten.drain(..).map(|pair| Change::Forget { local: pair.local });
    store.commit(work.object(), forget.collect())?;
    let deletes = push::delete::without_awaited(work, store, std::mem::take(&mut plan.push_deletes))?;
    for level in push::delete::levels(work, store, deletes)? {
        push::delete::deletes(work, store, report, level, doomed).await?;
    }
    pull::delete::deletes(work, store, report, std::mem::take(&mut plan.pull_deletes), doomed).await
}

/// Remembers the object's state, and counts what is pending.
fn finish(work: &Work<'_>, store: &mut dyn Store, journey: &mut Journey) -> Result<(), Stop> {
    let report = &mut journey.report;
    if !journey.stopped {
        let complete = !journey.learned.unread;
        let state = |outcome: Outcome| full_compare::state(work, &journey.plan, complete, outcome.name());
        store.finish(work.run, work.object(), &state(Outcome::Synced))?;
        settle_outcome(report, store, journey.plan.held_deletes)?;
        if report.outcome != Outcome::Synced {
            store.finish(work.run, work.object(), &state(report.outcome))?;
        }
        work.observer.event(Event::Finished(report));
    }
    Ok(())
}

fn settle_outcome(report: &mut ObjectReport, store: &dyn Store, held_deletes: u64) -> Result<(), Stop> {
    (report.conflicts, report.issues) = store.pending(&report.object)?;
    report.held_deletes = held_deletes;
    report.settle();
    Ok(())
}
