//! Sequences that once failed, of conflicts that a choice or a rule settles, each as short as it was found.

use crate::replay;
use crate::sides::Side::{Local, Remote};
use crate::steps::Act::{Delete, Insert, Recreate, Reuse, Write, WriteBoth};
use crate::steps::At::Request;
use crate::steps::Put::{Fresh, Leaves, Linked, Named};
use crate::steps::Step::{Choose, Do, Filter, Run};
use crate::steps::{Act, Draft, Plan, Step};
use crate::things::Field::{Next, Note, Under};
use crate::things::Thing::{Child, Parent};
use sync_core::conflict::Choice::{self, KeepLocal, KeepRemote};

fn named(name: u8, links: [u8; 2]) -> Draft {
    Draft { name, note: false, out: false, links }
}

fn run() -> Step {
    Run(Plan::default())
}

fn run_while(at: u8, act: Act) -> Step {
    Run(Plan { behind: vec![(Request(at), act)], ..Plan::default() })
}

fn run_keeping(side: Choice) -> Step {
    Run(Plan { rule: Some(side), ..Plan::default() })
}

fn holds(steps: &[Step]) {
    replay(steps).unwrap();
}

#[test]
fn an_edit_between_the_listing_and_the_reading_is_not_written_over() {
    holds(&[
        Do(Write(Local, Child, 2, Named(1))),
        Do(Delete(Remote, Child, 5)),
        Do(Recreate(Local, Parent, 0)),
        Do(Delete(Local, Parent, 1)),
        run_while(6, Write(Remote, Child, 0, Named(2))),
    ]);
}

#[test]
fn an_edit_is_kept_against_an_id_that_comes_back_during_the_run() {
    holds(&[
        Do(Reuse(Parent, 0)),
        Run(Plan {
            rule: Some(KeepLocal),
            behind: vec![(Request(0), WriteBoth(Parent, 0, Fresh(Note)))],
            ..Plan::default()
        }),
    ]);
}

#[test]
fn a_link_to_an_id_that_came_back_is_no_edit_of_its_record() {
    holds(&[
        Do(Write(Local, Child, 2, Named(1))),
        Do(Reuse(Parent, 0)),
        Do(Write(Remote, Child, 2, Leaves(false))),
        run_keeping(KeepRemote),
        Do(Insert(Local, Parent, named(0, [0, 0]))),
    ]);
}

#[test]
fn a_new_link_to_an_id_that_came_back_leads_to_the_new_record() {
    holds(&[
        Do(Delete(Remote, Parent, 1)),
        Do(Write(Local, Child, 2, Named(1))),
        Do(Reuse(Child, 2)),
        Do(Write(Local, Parent, 1, Named(0))),
        Do(Insert(Remote, Child, named(0, [0, 5]))),
    ]);
}

#[test]
fn a_refreshed_record_still_follows_one_that_is_created_anew() {
    holds(&[
        Do(Write(Local, Child, 2, Linked(Under, 1))),
        Do(Delete(Remote, Parent, 0)),
        Do(Write(Local, Parent, 2, Named(1))),
        run_keeping(KeepLocal),
    ]);
}

#[test]
fn a_link_that_somebody_took_off_stays_off() {
    holds(&[
        Do(Write(Remote, Child, 1, Linked(Under, 0))),
        Do(Recreate(Remote, Parent, 1)),
        Do(Write(Local, Parent, 1, Named(2))),
        run_keeping(KeepLocal),
    ]);
}

#[test]
fn keeping_the_local_side_keeps_it_without_a_link_that_leads_ahead() {
    holds(&[
        Do(Write(Local, Child, 2, Named(2))),
        Do(Insert(Remote, Child, named(0, [0, 0]))),
        Do(Insert(Remote, Child, named(0, [0, 0]))),
        Do(Write(Remote, Child, 4, Linked(Next, 3))),
    ]);
}

#[test]
fn a_record_that_moved_before_it_was_deleted_keeps_its_links() {
    holds(&[
        Do(Delete(Remote, Child, 2)),
        Do(Insert(Local, Child, named(0, [0, 0]))),
        Filter(Child),
        run_while(7, Write(Local, Child, 3, Named(1))),
        run_while(0, Write(Local, Child, 1, Named(2))),
    ]);
}

#[test]
fn a_link_that_waits_does_not_stand_against_an_edit() {
    holds(&[
        Do(Write(Local, Child, 0, Fresh(Note))),
        Do(Insert(Local, Child, named(1, [0, 0]))),
        run_while(0, Recreate(Remote, Child, 2)),
        Choose(0, KeepLocal),
        run(),
        Run(Plan {
            rule: Some(KeepLocal),
            behind: vec![(Request(0), Write(Remote, Child, 0, Named(2)))],
            ..Plan::default()
        }),
    ]);
}

#[test]
fn a_link_that_waits_gives_way_to_another() {
    holds(&[
        Do(Recreate(Remote, Parent, 0)),
        run(),
        Do(WriteBoth(Child, 2, Named(1))),
        Do(Reuse(Child, 2)),
        run(),
        Choose(0, KeepLocal),
        run(),
        Do(Write(Remote, Child, 1, Linked(Next, 2))),
    ]);
}

#[test]
fn a_link_goes_on_waiting_where_its_own_record_is_settled_too() {
    holds(&[
        Do(Write(Remote, Child, 1, Named(0))),
        Do(Write(Local, Child, 0, Fresh(Note))),
        Do(Recreate(Remote, Child, 2)),
        run_while(0, Write(Local, Child, 1, Named(2))),
        run_keeping(KeepLocal),
    ]);
}
