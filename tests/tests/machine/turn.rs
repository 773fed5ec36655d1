//! What is to happen in a run, request by request.

use crate::sides::Kept;
use crate::steps::{Act, At, Fault, Plan};
use crate::things::{Field, Thing};
use crate::world::World;
use host::ports::StoreError;
use std::task::Waker;
use tests::Moment;

/// A write that the server carries out when nobody waits for it any more.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Insert(Thing, crate::things::Cells),
    Update { thing: Thing, id: String, over: Kept, changes: Vec<(Field, Option<String>)> },
    Delete { thing: Thing, id: String, over: Kept },
}

/// The present run.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    plan: Plan,
    /// Requests so far, and those that write.
    requests: u8,
    sends: u8,
    /// Changes of the store so far.
    changes: u8,
    /// Writes that the server carried out for the host, or will.
    pub(crate) writes: u32,
    slow: Vec<(u8, Write)>,
    /// A run is under way.
    pub(crate) running: bool,
    /// The process is dead.
    pub(crate) dead: bool,
    /// Wakes the process: it may die in a request that one of its tasks made.
    pub(crate) process: Option<Waker>,
}

/// What is to become of a request.
pub(crate) struct Fortune {
    pub(crate) fault: Option<Fault>,
    pub(crate) death: Option<Moment>,
}

impl Fortune {
    /// Nobody asks any more.
    pub(crate) const DEAD: Fortune = Fortune { fault: None, death: Some(Moment::Before) };
}

impl Turn {
    pub(crate) fn of(plan: Plan) -> Turn {
        Turn { plan, running: true, ..Turn::default() }
    }

    /// Whether the process dies here, and when.
    fn death(&self, is_here: impl Fn(At) -> bool) -> Option<Moment> {
        self.plan.kill.filter(|(at, _)| is_here(*at)).map(|(_, moment)| moment)
    }

    /// A change of the store begins or is done. A dead process makes no further one.
    pub(crate) fn changes(&mut self, moment: Moment) -> Result<(), StoreError> {
        let now = self.changes;
        self.changes += u8::from(moment == Moment::After);
        self.dead |= self.death(|at| at == At::Change(now)) == Some(moment);
        let dead = || StoreError { message: "the process is dead".to_owned(), help: None };
        if self.dead { Err(dead()) } else { Ok(()) }
    }
}

impl World {
    /// A request arrives: what happens before it happens now.
    pub(crate) fn arrives(&mut self, sends: bool) -> Fortune {
        let turn = &mut self.turn;
        let (request, send) = (turn.requests, turn.sends);
        turn.requests = turn.requests.saturating_add(1);
        turn.sends = turn.sends.saturating_add(u8::from(sends));
        self.land(request);
        let plan = &self.turn.plan;
        // How far behind the place of something this request is.
        let since = |at: At| match at {
            At::Request(at) => request.checked_sub(at),
            At::Send(at) if sends => send.checked_sub(at),
            At::Send(_) | At::Change(_) => None,
        };
        // A record too many must not make up for one that a page leaves out: then nobody could tell.
        let incomplete = plan.faults.iter().any(|(.., fault)| *fault == Fault::Incomplete);
        let adds = |act: &Act| matches!(act, Act::Insert(..) | Act::InsertBoth(..) | Act::Recreate(..));
        let now_due = |(at, act): &&(At, Act)| since(*at) == Some(0) && !(incomplete && adds(act));
        let behind: Vec<Act> = plan.behind.iter().filter(now_due).map(|(_, act)| act.clone()).collect();
        let covers = |(at, times, _): &&(At, u8, Fault)| since(*at).is_some_and(|since| since < *times);
        let fault = plan.faults.iter().find(covers).map(|(.., fault)| *fault);
        let death = self.turn.death(|at| since(at) == Some(0));
        behind.iter().for_each(|act| self.act(act));
        Fortune { fault, death }
    }

    /// Leaves a write for later.
    pub(crate) fn later(&mut self, requests: u8, write: Write) {
        self.turn.slow.push((self.turn.requests.saturating_add(requests), write));
    }

    /// Carries out what is due.
    fn land(&mut self, now: u8) {
        let (due, slow) = std::mem::take(&mut self.turn.slow).into_iter().partition(|(due, _)| *due <= now);
        self.turn.slow = slow;
        for (_, write) in Vec::<(u8, Write)>::into_iter(due) {
            self.carry_out(write);
        }
    }

    /// The run is over: whatever is still on its way arrives.
    pub(crate) fn settle(&mut self) {
        self.land(u8::MAX);
        self.turn.running = false;
    }

    /// Carries out a write of the host's if it is over the record that was asked for; the record
    /// as it is then.
    pub(crate) fn carry_out(&mut self, write: Write) -> Option<(String, Kept)> {
        match write {
            Write::Insert(thing, cells) => {
                let tag = cells[&Field::Tag].clone();
                *self.ledger.inserts.entry(tag.clone()).or_default() += 1;
                let id = crate::sides::Desk::insert(&mut self.server, thing, cells);
                self.look_at_filter(thing, &tag);
                let kept = self.server.get(thing, &id)?.clone();
                Some((id, kept))
            }
            Write::Update { thing, id, over, changes } => {
                self.server.get(thing, &id).filter(|kept| **kept == over)?;
                self.server.change(thing, &id, &changes);
                let tag = self.server.get(thing, &id)?.cells[&Field::Tag].clone();
                self.look_at_filter(thing, &tag);
                let kept = self.server.get(thing, &id)?.clone();
                Some((id, kept))
            }
            Write::Delete { thing, id, over } => {
                self.server.get(thing, &id).filter(|kept| **kept == over)?;
                self.server.records.remove(&(thing, id.clone()));
                Some((id, over))
            }
        }
    }
}
