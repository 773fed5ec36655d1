//! Sequences that once failed, each as short as it was found, with what was wrong.

use crate::machine::{Machine, tag_of};
use crate::replay;
use crate::sides::Shown;
use crate::sides::Side::{Local, Remote};
use crate::steps::Act::{Delete, Insert, InsertBoth, Recreate, Reuse, Write};
use crate::steps::At::Request;
use crate::steps::Fault::{AnswerLost, Fails, Refused, Slow};
use crate::steps::Put::{Fresh, Leaves, Linked, Named, Unchanged};
use crate::steps::Step::{Choose, Do, Filter, Run};
use crate::steps::{Act, Draft, Fault, Plan, Step};
use crate::things::Field::{Next, Note, Under};
use crate::things::Thing::{Child, Parent};
use sync_core::conflict::Choice::KeepLocal;
use tests::Moment::After;

/// A new record of this name, with these links.
fn named(name: u8, links: [u8; 2]) -> Draft {
    Draft { name, note: false, out: false, links }
}

/// A run in which nothing else happens.
fn run() -> Step {
    Run(Plan::default())
}

/// A run in which somebody does something before a request.
fn run_while(at: u8, act: Act) -> Step {
    Run(Plan { behind: vec![(Request(at), act)], ..Plan::default() })
}

/// A run with a request that something is wrong with.
fn run_despite(at: u8, fault: Fault) -> Step {
    Run(Plan { faults: vec![(Request(at), 1, fault)], ..Plan::default() })
}

fn holds(steps: &[Step]) {
    replay(steps).unwrap();
}

/// A machine after these steps.
fn after(steps: &[Step]) -> Machine {
    let mut machine = Machine::new();
    steps.iter().try_for_each(|step| machine.step(step)).unwrap();
    machine
}

/// In the end both sides are equal, also in what the machine is lenient with.
fn equals(steps: &[Step]) {
    let mut machine = after(steps);
    machine.finish().unwrap();
    let (local, remote) = machine.sides();
    let cells =
        |shown: Shown| -> Vec<_> { shown.records.into_values().flatten().map(|it| it.cells).collect() };
    assert_eq!(cells(local), cells(remote));
}

/// Nobody is asked anything.
fn asks_nothing(steps: &[Step]) {
    let mut machine = after(steps);
    machine.clean_run().unwrap();
    assert_eq!(machine.store().conflicts().unwrap(), []);
    machine.finish().unwrap();
}

#[test]
fn a_link_to_an_id_that_came_back_means_the_new_record() {
    equals(&[Do(Reuse(Parent, 0))]);
}

#[test]
fn a_link_to_a_record_deleted_here_is_no_remote_change() {
    asks_nothing(&[
        Do(Delete(Local, Child, 2)),
        run(),
        run_while(0, Write(Local, Child, 0, Named(2))),
        Do(Write(Remote, Child, 0, Named(1))),
    ]);
}

#[test]
fn a_link_to_a_record_deleted_on_both_sides_goes() {
    equals(&[Do(Delete(Local, Child, 2)), Do(Insert(Local, Parent, named(0, [0, 0]))), Do(Reuse(Child, 2))]);
}

#[test]
fn a_record_whose_id_came_back_leaves_the_filter() {
    let machine = after(&[
        Do(Reuse(Child, 2)),
        Filter(Child),
        run_while(0, Write(Local, Child, 2, Named(1))),
        Do(Write(Local, Child, 2, Leaves(true))),
        run_while(0, Write(Remote, Child, 2, Leaves(true))),
    ]);
    let asked: Vec<String> = machine.store().conflicts().unwrap().iter().map(tag_of).collect();
    assert_eq!(asked, ["child5"], "child9 only left the filter");
}

#[test]
fn what_the_server_computed_is_no_conflict_when_its_answer_could_not_be_read() {
    holds(&[
        Do(Insert(Local, Child, named(0, [0, 0]))),
        Do(Delete(Local, Child, 2)),
        Do(Recreate(Local, Child, 0)),
        run(),
        run_despite(9, Fails(false)),
        Do(Write(Local, Child, 1, Fresh(Note))),
    ]);
}

#[test]
fn what_the_server_computed_is_no_conflict_after_a_kill() {
    holds(&[
        run_while(0, Recreate(Local, Child, 0)),
        Run(Plan { only: Some(Child), kill: Some((Request(5), After)), ..Plan::default() }),
        Do(Write(Local, Child, 1, Leaves(true))),
    ]);
}

#[test]
fn an_update_whose_answer_was_lost_is_no_conflict_with_itself() {
    let lost = [
        Do(Write(Local, Child, 2, Fresh(Note))),
        Do(Delete(Local, Child, 5)),
        Do(Insert(Local, Parent, named(2, [0, 0]))),
        run_despite(12, AnswerLost(false)),
    ];
    holds(&[&lost[..], &[Do(Write(Local, Child, 0, Named(1)))]].concat());
    holds(&[&lost[..], &[Do(Write(Remote, Child, 0, Named(1)))]].concat());
}

#[test]
fn an_update_with_a_link_that_goes_is_no_conflict_with_itself() {
    holds(&[
        Do(Recreate(Remote, Child, 0)),
        Do(Write(Local, Child, 1, Fresh(Note))),
        run_despite(9, Slow(1)),
        Do(Write(Local, Child, 2, Named(0))),
    ]);
}

#[test]
fn a_lost_update_is_not_taken_for_one_of_the_record_that_has_the_id_now() {
    holds(&[
        Do(Write(Local, Child, 5, Named(2))),
        run_despite(9, Slow(1)),
        Do(Write(Local, Child, 2, Linked(Next, 1))),
        Do(Reuse(Child, 1)),
        Do(Delete(Remote, Child, 2)),
        Do(Write(Local, Child, 1, Linked(Next, 2))),
    ]);
}

#[test]
fn an_insert_whose_answer_was_lost_is_found_among_others_of_its_name() {
    for at in 5..15 {
        holds(&[
            Do(Insert(Local, Child, named(3, [0, 0]))),
            run_despite(at, Slow(1)),
            Do(Delete(Local, Child, 2)),
            Do(Write(Remote, Child, 0, Named(3))),
        ]);
    }
}

#[test]
fn a_twin_is_not_pulled_beside_a_record_that_could_not_be_looked_up() {
    holds(&[Do(InsertBoth(Parent, named(0, [0, 0]))), run_despite(7, AnswerLost(false))]);
}

#[test]
fn a_twin_is_not_adopted_for_a_record_that_is_deleted_meanwhile() {
    for at in 0..20 {
        holds(&[Do(InsertBoth(Child, named(2, [0, 0]))), run_while(at, Delete(Local, Child, 2))]);
    }
}

#[test]
fn an_id_that_comes_back_after_the_listing_is_no_change_of_the_old_record() {
    for at in 0..12 {
        holds(&[
            Do(Write(Remote, Child, 0, Unchanged)),
            Do(Delete(Local, Child, 0)),
            Run(Plan {
                rule: Some(KeepLocal),
                behind: vec![(Request(at), Reuse(Child, 0))],
                ..Plan::default()
            }),
        ]);
    }
}

#[test]
fn an_unsent_link_to_a_record_deleted_here_was_never_agreed_on() {
    holds(&[
        Do(Delete(Local, Child, 0)),
        Do(Insert(Local, Child, named(2, [1, 0]))),
        run(),
        Do(Write(Local, Child, 1, Named(4))),
        Do(Write(Local, Child, 5, Linked(Under, 2))),
        Do(Delete(Local, Parent, 1)),
        Do(Insert(Local, Child, named(4, [0, 0]))),
    ]);
}

#[test]
fn an_unsent_link_to_a_record_deleted_there_was_never_agreed_on() {
    for at in 5..15 {
        holds(&[
            Do(Write(Local, Child, 0, Linked(Under, 2))),
            Do(Delete(Remote, Parent, 1)),
            run_despite(at, Refused),
        ]);
    }
}

#[test]
fn a_link_that_led_to_a_deleted_record_is_no_remote_change() {
    for at in 5..15 {
        asks_nothing(&[
            Do(Write(Local, Child, 0, Linked(Under, 2))),
            Do(Delete(Remote, Parent, 0)),
            run_despite(at, Refused),
            Do(Write(Remote, Child, 0, Unchanged)),
        ]);
    }
}

#[test]
fn a_run_of_one_object_leaves_records_that_others_may_link_to() {
    holds(&[
        Do(Write(Remote, Parent, 0, Leaves(true))),
        Filter(Parent),
        Run(Plan { only: Some(Parent), ..Plan::default() }),
    ]);
}

#[test]
fn a_link_to_a_record_that_is_not_pulled_yet_survives_a_push() {
    holds(&[
        Do(InsertBoth(Child, named(5, [0, 0]))),
        Do(Insert(Remote, Child, named(0, [0, 3]))),
        Do(Write(Remote, Child, 4, Named(5))),
        Do(Write(Local, Child, 0, Named(1))),
        run_while(0, Delete(Remote, Child, 5)),
        run(),
        Do(Write(Local, Child, 2, Fresh(Note))),
    ]);
}

#[test]
fn a_link_to_a_record_that_is_adopted_in_the_same_run_survives_a_choice() {
    holds(&[
        Do(Write(Remote, Child, 2, Fresh(Note))),
        run_while(0, Write(Local, Child, 0, Named(1))),
        Do(Delete(Local, Child, 1)),
        run_while(7, InsertBoth(Child, named(2, [0, 0]))),
        Do(Write(Remote, Child, 0, Linked(Next, 2))),
        Choose(0, KeepLocal),
        Do(Insert(Local, Parent, named(0, [0, 0]))),
    ]);
}
