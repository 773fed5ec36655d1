//! How every sequence ends: nothing goes wrong any more, and a person answers everything that is asked. Then both
//! sides are equal, and everything that anybody wrote is there.

use crate::machine::Machine;
use crate::sides::{Desk, Record, Server, Side};
use crate::things::{Cells, Field, Thing};
use crate::world::World;
use host::local::{StoredConflict, StoredIssue};
use host::report::Outcome;
use sync_core::conflict::Choice;

/// Runs after which everything must be settled: what is put right may bring up further things.
const ROUNDS: u32 = 20;

impl Machine {
    /// Brings everything to its end: a run that finds nothing to do, and nothing pending.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let before = self.kept();
            let report = self.clean_run()?;
            let store = self.store();
            let (conflicts, issues) = (store.conflicts().unwrap(), store.issues().unwrap());
            drop(store);
            let quiet = self.kept() == before && self.world().turn.writes == 0;
            if quiet && conflicts.is_empty() && issues.is_empty() {
                if report.outcome != Outcome::Synced {
                    return Err(format!("nothing is pending, and the run says otherwise: {report:?}"));
                }
                return self.is_equal();
            }
            conflicts.iter().for_each(|conflict| self.choose(conflict));
            issues.iter().try_for_each(|issue| self.mend(issue))?;
        }
        let store = self.store();
        Err(format!("still not settled: {:?} {:?}", store.conflicts(), store.issues()))
    }

    /// What a run with nothing to do leaves alone.
    fn kept(&self) -> (Server, [String; 4]) {
        let world = self.world();
        let tables = ["parent", "child", "_sync_baseline", "_sync_journal"];
        (world.server.clone(), tables.map(|table| world.local.dump_of(table)))
    }

    /// Sometimes this side, sometimes that.
    fn choose(&self, conflict: &StoredConflict) {
        let keep = if conflict.id % 2 == 0 { Choice::KeepLocal } else { Choice::KeepRemote };
        assert!(self.store().set_choice(conflict.id, keep).unwrap(), "{conflict:?}");
    }

    /// A person does what an issue asks for.
    fn mend(&self, issue: &StoredIssue) -> Result<(), String> {
        let mut world = self.world();
        let thing = Thing::of(&issue.object);
        let local = issue.local_id.map(|id| id.to_string()).unwrap_or_default();
        let Some(cells) = world.local.read(thing, &local) else { return Ok(()) };
        let rename = |world: &mut World| {
            world.written += 1;
            let name = format!("unlike {}", world.written);
            world.set(Side::Local, thing, &local, Field::Name, Some(name));
        };
        match issue.code.as_str() {
            "required" | "no-user-key" | "user-key-taken" => rename(&mut world),
            "user-key-match" => {
                let same = |id: &String| {
                    let twin = world.server.read(thing, id);
                    twin.filter(|twin| twin[&Field::Tag] == cells[&Field::Tag]).map(|twin| (id.clone(), twin))
                };
                match issue.twins.iter().map(|id| &id.0).find_map(same) {
                    Some((id, twin)) if !world.ledger.is_spoiled(&cells[&Field::Tag]) => {
                        make_equal(&mut world, thing, (&local, &cells), (&id, &twin));
                        for other in issue.twins.iter().filter(|other| other.0 != id) {
                            // Its delete may have been on its way.
                            if world.server.get(thing, &other.0).is_none() {
                                continue;
                            }
                            world.written += 1;
                            let name = format!("unlike {}", world.written);
                            world.set(Side::Remote, thing, &other.0, Field::Name, Some(name));
                        }
                    }
                    _ => rename(&mut world),
                }
            }
            "left-filter" => {
                let id = issue.remote_id.clone().unwrap().0;
                world.set(Side::Remote, thing, &id, Field::State, None);
            }
            "dangling-link" => {
                for field in thing.fields() {
                    let Some(target) = field.target() else { continue };
                    if cells.get(field).is_some_and(|id| world.local.read(target, id).is_none()) {
                        world.set(Side::Local, thing, &local, *field, None);
                    }
                }
            }
            "waits-for-parent" | "moved" | "gone" | "refused" | "fate-unknown" | "no-version"
            | "remote-failed" => {}
            other => return Err(format!("nobody knows what to do about {other}: {issue:?}")),
        }
        Ok(())
    }

    /// Both sides have the same records, and no write is left open.
    fn is_equal(&self) -> Result<(), String> {
        let (local, remote) = self.sides();
        let world = self.world();
        let spoiled = |tag: &&String| !world.ledger.is_spoiled(tag);
        for tag in local.records.keys().filter(spoiled) {
            if remote.get(tag).is_none() {
                return Err(format!("{tag} is on the local side only: {:?}", local.get(tag)));
            }
        }
        for tag in remote.records.keys().filter(spoiled) {
            let there = remote.get(tag).unwrap();
            let filtered = world.filtered[there.thing as usize]
                && !world.server.get(there.thing, &there.id).unwrap().passes();
            match local.get(tag) {
                None if filtered => {}
                None => return Err(format!("{tag} is on the remote side only: {there:?}")),
                // A link to an id that came back as another record may lead nowhere until its record is edited.
                Some(here) if without_reused(&world, here) == without_reused(&world, there) => {}
                Some(here) => {
                    return Err(format!("not equal: {here:?} and {there:?}"));
                }
            }
        }
        let journal = world.local.dump_of("_sync_journal");
        if journal != "_sync_journal: []\n" {
            return Err(format!("left over: {journal}"));
        }
        world.ledger.check_end(&local, &remote)
    }
}

fn without_reused(world: &World, record: &Record) -> Cells {
    let leads_there =
        |field: &Field, value: &String| field.target().is_some() && world.ledger.reused.contains(value);
    let cells = record.cells.iter().filter(|(field, value)| !leads_there(field, value));
    cells.map(|(field, value)| (*field, value.clone())).collect()
}

/// Makes a local record what its remote twin is; links are taken off both.
fn make_equal(
    world: &mut World,
    thing: Thing,
    (local, here): (&str, &Cells),
    (remote, there): (&str, &Cells),
) {
    for field in thing.fields() {
        if *field == Field::Number || here.get(field) == there.get(field) {
            continue;
        }
        if field.target().is_some() {
            world.set(Side::Remote, thing, remote, *field, None);
            world.set(Side::Local, thing, local, *field, None);
        } else {
            world.set(Side::Local, thing, local, *field, there.get(field).cloned());
        }
    }
}
