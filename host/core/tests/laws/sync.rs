//! The laws of a whole run, in the model.

use crate::world::{Action, Event, Step, World, events, mirrored_local, mirrored_remote, world, world_with};
use crate::{cases, oracle};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use sync_core::compare::compare;
use sync_core::conflict::ConflictKind;
use sync_core::operation::Operation;

/// Every record of each side is linked to one of the other, and both say the same.
fn assert_in_step(world: &World) -> TestCaseResult {
    prop_assert_eq!(world.plan(), Vec::new());
    prop_assert_eq!(world.local.len(), world.baseline.len());
    prop_assert_eq!(world.remote.len(), world.baseline.len());
    for linked in world.baseline.values() {
        let local = world.local[&linked.pair.local].content;
        let remote = world.remote[&linked.pair.remote.id].content;
        prop_assert_eq!((local, remote), (linked.content, linked.content));
    }
    Ok(())
}

/// Runs, settles every conflict, and runs again for what a choice may have left.
fn finish(world: &mut World, keep_local: bool) {
    world.run();
    for step in world.plan() {
        world.choose(&step, keep_local);
    }
}

/// Every value that one step takes away is named by that step, and was no unsent edit.
fn assert_nothing_vanishes(world: &World, step: &Step) -> TestCaseResult {
    let mut after = world.clone();
    after.apply(step);
    for (id, record) in &world.local {
        if after.local.get(id).map(|record| record.content) != Some(record.content) {
            let named = matches!(step.action, Action::Do(Operation::PullUpdate | Operation::PullDelete));
            prop_assert!(named && step.local == Some(*id), "{:?} took local {}", step, id);
            prop_assert_eq!(record.content, world.baseline[id].content, "an unsent edit of {}", id);
        }
    }
    for (id, record) in &world.remote {
        if after.remote.get(id).map(|record| record.content) != Some(record.content) {
            let named = matches!(step.action, Action::Do(Operation::PushUpdate | Operation::PushDelete));
            prop_assert!(named && step.remote.as_ref() == Some(id), "{:?} took remote {}", step, id);
            let linked = &world.baseline[&step.local.unwrap()];
            prop_assert_eq!(record.content, linked.content, "an unseen edit of {}", id);
            prop_assert_eq!(&record.created, &linked.pair.remote.created, "another record than {}", id);
        }
    }
    Ok(())
}

fn mirrored_step(step: &Step) -> Step {
    let action = match step.action {
        Action::Do(Operation::PullInsert) => Action::Do(Operation::PushInsert),
        Action::Do(Operation::PullUpdate) => Action::Do(Operation::PushUpdate),
        Action::Do(Operation::PullDelete) => Action::Do(Operation::PushDelete),
        Action::Do(Operation::PushInsert) => Action::Do(Operation::PullInsert),
        Action::Do(Operation::PushUpdate) => Action::Do(Operation::PullUpdate),
        Action::Do(Operation::PushDelete) => Action::Do(Operation::PullDelete),
        Action::Refresh => Action::Refresh,
        Action::Forget => Action::Forget,
        Action::Conflict(ConflictKind::UpdateUpdate) => Action::Conflict(ConflictKind::UpdateUpdate),
        Action::Conflict(ConflictKind::UpdateDelete) => Action::Conflict(ConflictKind::DeleteUpdate),
        Action::Conflict(ConflictKind::DeleteUpdate) => Action::Conflict(ConflictKind::UpdateDelete),
    };
    let local = step.remote.as_ref().map(mirrored_remote);
    Step { action, local, remote: step.local.map(mirrored_local) }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn the_plan_is_what_the_contents_ask_for(world in world()) {
        prop_assert_eq!(oracle::sorted(world.plan()), oracle::plan(&world));
    }

    #[test]
    fn an_applied_plan_converges_and_leaves_only_conflicts(mut world in world()) {
        let plan = world.run();
        let pending: Vec<_> = plan.into_iter().filter(Step::is_conflict).collect();
        prop_assert_eq!(world.plan(), pending, "the second plan has the same conflicts, nothing else");
    }

    #[test]
    fn settled_conflicts_converge_too(mut world in world(), keep_local: bool) {
        finish(&mut world, keep_local);
        assert_in_step(&world)?;
    }

    #[test]
    fn the_order_of_input_is_irrelevant(
        (world, pairs, local, remote) in world().prop_flat_map(|world| {
            let pairs = Just(world.pairs()).prop_shuffle();
            let local = Just(world.local_keys()).prop_shuffle();
            let remote = Just(world.remote_keys()).prop_shuffle();
            (Just(world), pairs, local, remote)
        })
    ) {
        let locals = world.local_keys();
        let sorted: Vec<_> = compare(world.pairs(), &locals, world.remote_keys()).collect();
        prop_assert_eq!(compare(pairs, &local, remote).collect::<Vec<_>>(), sorted);
    }

    #[test]
    fn swapping_the_sides_swaps_the_operations(world in world_with(false)) {
        let swapped = world.plan().iter().map(mirrored_step).collect();
        prop_assert_eq!(oracle::sorted(world.mirrored().plan()), oracle::sorted(swapped));
    }

    #[test]
    fn a_failure_after_any_prefix_and_a_new_run_converge(world in world(), keep_local: bool) {
        let mut whole = world.clone();
        finish(&mut whole, keep_local);
        for steps in 0..=world.plan().len() {
            for torn in [false, true] {
                let mut failed = world.clone();
                failed.run_and_fail(steps, torn);
                finish(&mut failed, keep_local);
                assert_in_step(&failed)?;
                prop_assert_eq!(failed.contents(), whole.contents(), "failed after {}, {}", steps, torn);
            }
        }
    }

    #[test]
    fn no_value_vanishes_without_a_named_operation(mut world in world()) {
        for step in world.plan() {
            assert_nothing_vanishes(&world, &step)?;
            world.apply(&step);
        }
    }

    #[test]
    fn an_unsettled_key_costs_a_look_and_no_operation(mut world in world()) {
        finish(&mut world, true);
        world.unsettle();
        let pairs = world.baseline.len();
        let plan = world.run();
        prop_assert!(plan.iter().all(|step| step.action == Action::Refresh));
        prop_assert_eq!(plan.len(), pairs);
        assert_in_step(&world)?;
    }

    // The state machine: edits, runs and failed runs in any order, checked after each.
    #[test]
    fn any_history_keeps_the_laws(stamps: bool, events in events(60), keep_local: bool) {
        let mut world = World::new(stamps);
        for event in &events {
            world.happen(event);
            prop_assert_eq!(oracle::sorted(world.plan()), oracle::plan(&world), "after {:?}", event);
            if matches!(event, Event::Run) {
                prop_assert!(world.plan().iter().all(Step::is_conflict), "after {:?}", event);
            }
        }
        finish(&mut world, keep_local);
        assert_in_step(&world)?;
    }
}
