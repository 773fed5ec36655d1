//! What is to happen in a run, request by request.

use crate::sides::Kept;
use crate::steps::{Act, Death, Fault, Plan};
use crate::things::{Field, Thing};
use crate::world::World;
use host::ports::StoreError;
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
    /// Requests so far.
    requests: u32,
    /// Changes of the store so far.
    changes: u32,
    /// Writes that the server carried out for the host, or will.
    pub(crate) writes: u32,
    slow: Vec<(u32, Write)>,
    /// A run is under way.
    pub(crate) running: bool,
    /// The process is dead.
    pub(crate) dead: bool,
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

    /// Whether the process dies at this request or change, and when.
    fn death(&self, of: Death, now: u32) -> Option<Moment> {
        let (death, at, moment) = self.plan.kill?;
        (death == of && u32::from(at) == now).then_some(moment)
    }

    /// A change of the store begins or is done. A dead process makes no further one.
    pub(crate) fn changes(&mut self, moment: Moment) -> Result<(), StoreError> {
        self.changes += u32::from(moment == Moment::Before);
        self.dead |= self.death(Death::Change, self.changes - 1) == Some(moment);
        let dead = || StoreError { message: "the process is dead".to_owned(), help: None };
        if self.dead { Err(dead()) } else { Ok(()) }
    }
}

impl World {
    /// A request arrives: what happens before it happens now.
    pub(crate) fn arrives(&mut self) -> Fortune {
        let now = self.turn.requests;
        self.turn.requests += 1;
        self.land(now);
        let plan = &self.turn.plan;
        // A record too many must not make up for one that a page leaves out: then nobody could tell.
        let incomplete = plan.faults.iter().any(|(.., fault)| *fault == Fault::Incomplete);
        let adds = |act: &Act| matches!(act, Act::Insert(..) | Act::InsertBoth(..) | Act::Recreate(..));
        let now_due = |(at, act): &&(u8, Act)| u32::from(*at) == now && !(incomplete && adds(act));
        let behind: Vec<Act> = plan.behind.iter().filter(now_due).map(|(_, act)| act.clone()).collect();
        behind.iter().for_each(|act| self.act(act));
        let faults = self.turn.plan.faults.iter();
        let covers = |(at, times, _): &&(u8, u8, Fault)| {
            (u32::from(*at)..u32::from(*at) + u32::from(*times)).contains(&now)
        };
        let fault = faults.clone().find(covers).map(|(.., fault)| *fault);
        let death = self.turn.death(Death::Request, now);
        Fortune { fault, death }
    }

    /// Leaves a write for later.
    pub(crate) fn later(&mut self, requests: u8, write: Write) {
        self.turn.slow.push((self.turn.requests + u32::from(requests), write));
    }

    /// Carries out what is due.
    fn land(&mut self, now: u32) {
        let (due, slow) = std::mem::take(&mut self.turn.slow).into_iter().partition(|(due, _)| *due <= now);
        self.turn.slow = slow;
        for (_, write) in Vec::<(u32, Write)>::into_iter(due) {
            self.carry_out(write);
        }
    }

    /// The run is over: whatever is still on its way arrives.
    pub(crate) fn settle(&mut self) {
        self.land(u32::MAX);
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
