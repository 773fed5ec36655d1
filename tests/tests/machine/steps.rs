//! What can happen: what persons do on either side, what the server does wrong, and runs.
//!
//! Steps name records by their place among those that there are, so that a step still means something when others
//! before it are taken away.

use crate::sides::Side;
use crate::things::{Field, Thing};
use proptest::prelude::*;
use sync_core::conflict::Choice;
use tests::Moment;

/// One step of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A person does something.
    Do(Act),
    /// The objects are synchronized.
    Run(Plan),
    /// What a run would do is asked for.
    DryRun,
    /// A person chooses for a pending conflict.
    Choose(u8, Choice),
    /// The metadata gets a filter for the object, or loses it.
    Filter(Thing),
}

/// What a person does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Makes a record.
    Insert(Side, Thing, Draft),
    /// Makes the same record on both sides.
    InsertBoth(Thing, Draft),
    /// Writes a field.
    Write(Side, Thing, u8, Put),
    /// Writes the same into a field on both sides.
    WriteBoth(Thing, u8, Put),
    /// Deletes a record.
    Delete(Side, Thing, u8),
    /// Deletes a record and makes another one of the same name.
    Recreate(Side, Thing, u8),
    /// Deletes a remote record, and another one gets its id.
    Reuse(Thing, u8),
    /// A second passes on the server.
    Tick,
}

/// A new record. Names are few, so that they meet; a link is to the record at the place, 0 to none.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) name: u8,
    pub(crate) note: bool,
    pub(crate) out: bool,
    pub(crate) links: [u8; 2],
}

/// What is written into a field.
#[derive(Clone, Debug)]
pub(crate) enum Put {
    Named(u8),
    /// A text that was never there.
    Fresh(Field),
    Cleared(Field),
    Leaves(bool),
    Linked(Field, u8),
    /// What is there already.
    Unchanged,
}

/// A run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Only this object.
    pub(crate) only: Option<Thing>,
    pub(crate) rule: Option<Choice>,
    pub(crate) confirm_deletes: bool,
    /// What goes wrong, from where on, and how many times over.
    pub(crate) faults: Vec<(At, u8, Fault)>,
    /// What persons do before it.
    pub(crate) behind: Vec<(At, Act)>,
    /// Where the process dies, before or after it.
    pub(crate) kill: Option<(At, Moment)>,
}

/// A place in a run; the first of each is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// A request.
    Request(u8),
    /// A request that writes.
    Send(u8),
    /// A change of the store; for kills only.
    Change(u8),
}

/// What goes wrong with a request. One that does not fit the request does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and is not carried out; `true`: the whole server.
    Fails(bool),
    /// A write is carried out, and its answer is lost; `true`: it could still be running, as far as one can tell.
    AnswerLost(bool),
    /// A write is not carried out, and there is no answer.
    NeverArrived(bool),
    /// A write is carried out so many requests later, at the end of the run at the latest.
    Slow(u8),
    /// The server does not want this record.
    Refused,
    /// The version of the record cannot be told.
    NoVersion,
    /// A page leaves out a record.
    Incomplete,
    /// A page has a record twice.
    Twice,
    /// The count is one too high.
    Miscounts,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Local), Just(Side::Remote)]
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![1 => Just(Thing::Parent), 2 => Just(Thing::Child)]
}

fn text() -> impl Strategy<Value = Field> {
    prop_oneof![Just(Field::Note), Just(Field::Memo)]
}

fn link() -> impl Strategy<Value = Field> {
    prop_oneof![Just(Field::Under), Just(Field::Next)]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![Just(Choice::KeepLocal), Just(Choice::KeepRemote)]
}

fn draft() -> impl Strategy<Value = Draft> {
    (0..6_u8, any::<bool>(), proptest::bool::weighted(0.1), [0..6_u8, 0..6_u8])
        .prop_map(|(name, note, out, links)| Draft { name, note, out, links })
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        2 => (0..6_u8).prop_map(Put::Named),
        6 => text().prop_map(Put::Fresh),
        2 => text().prop_map(Put::Cleared),
        2 => any::<bool>().prop_map(Put::Leaves),
        4 => (link(), 0..6_u8).prop_map(|(field, to)| Put::Linked(field, to)),
        1 => Just(Put::Unchanged),
        1 => Just(Put::Fresh(Field::Number)),
    ]
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    let pick = 0..6_u8;
    prop_oneof![
        4 => (side(), thing(), draft()).prop_map(|(side, thing, draft)| Act::Insert(side, thing, draft)),
        1 => (thing(), draft()).prop_map(|(thing, draft)| Act::InsertBoth(thing, draft)),
        8 => (side(), thing(), pick.clone(), put()).prop_map(|(side, thing, pick, put)| Act::Write(side, thing, pick, put)),
        1 => (thing(), pick.clone(), put()).prop_map(|(thing, pick, put)| Act::WriteBoth(thing, pick, put)),
        3 => (side(), thing(), pick.clone()).prop_map(|(side, thing, pick)| Act::Delete(side, thing, pick)),
        1 => (side(), thing(), pick.clone()).prop_map(|(side, thing, pick)| Act::Recreate(side, thing, pick)),
        1 => (thing(), pick).prop_map(|(thing, pick)| Act::Reuse(thing, pick)),
        1 => Just(Act::Tick),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        any::<bool>().prop_map(Fault::Fails),
        any::<bool>().prop_map(Fault::AnswerLost),
        any::<bool>().prop_map(Fault::NeverArrived),
        (1..6_u8).prop_map(Fault::Slow),
        Just(Fault::Refused),
        Just(Fault::NoVersion),
        Just(Fault::Incomplete),
        Just(Fault::Twice),
        Just(Fault::Miscounts),
    ]
}

fn at() -> impl Strategy<Value = At> {
    prop_oneof![(0..40_u8).prop_map(At::Request), (0..4_u8).prop_map(At::Send)]
}

fn plan() -> impl Strategy<Value = Plan> {
    let only = prop_oneof![6 => Just(None), 1 => thing().prop_map(Some)];
    let rule = prop_oneof![4 => Just(None), 1 => choice().prop_map(Some)];
    let times = prop_oneof![4 => Just(1_u8), 1 => 2..5_u8];
    let faults = proptest::collection::vec((at(), times, fault()), 0..3);
    let behind = proptest::collection::vec((at(), act()), 0..3);
    let moment = prop_oneof![Just(Moment::Before), Just(Moment::After)];
    let death = prop_oneof![at(), (0..30_u8).prop_map(At::Change)];
    let kill = proptest::option::weighted(0.25, (death, moment));
    (only, rule, any::<bool>(), faults, behind, kill).prop_map(
        |(only, rule, confirm_deletes, faults, behind, kill)| Plan {
            only,
            rule,
            confirm_deletes,
            faults,
            behind,
            kill,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => act().prop_map(Step::Do),
        6 => plan().prop_map(Step::Run),
        1 => Just(Step::DryRun),
        2 => (any::<u8>(), choice()).prop_map(|(which, choice)| Step::Choose(which, choice)),
        1 => thing().prop_map(Step::Filter),
    ]
}

/// A sequence of steps; many short ones find more than few long ones.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..=2 * MEAN - 1)
}

/// Mean length of a sequence.
pub(crate) const MEAN: usize = 8;
