//! The machine: a world, the store's file, and runs of the real pipeline between them.

use crate::ledger::{Chosen, Ledger, Settling};
use crate::remote::Fake;
use crate::sides::{Desk, Local, Server, Shown, Side};
use crate::steps::{Act, Draft, Plan, Step};
use crate::things::{Cells, FILTER, Field, Native, Thing, cell};
use crate::turn::Turn;
use crate::world::World;
use host::local::{Mode, SqliteStore, StoredConflict};
use host::pipeline::{Event, Observer, Options, Participant, Run, synchronize};
use host::ports::Store;
use host::report::{Outcome, Report};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::Poll;
use sync_core::conflict::{Choice, ConflictKind, Policy, Rules};
use sync_core::count::DeleteGuard;
use sync_core::object::Object;
use sync_core::value::{Row, Value};
use tempfile::TempDir;
use tests::Watched;

/// A world with a store.
pub(crate) struct Machine {
    world: Arc<Mutex<World>>,
    folder: TempDir,
    runs: u32,
    runtime: tokio::runtime::Runtime,
}

/// Where every sequence begins: a few records, synchronized.
struct Beginning {
    store: Vec<u8>,
    server: Server,
    ledger: Ledger,
    written: u32,
}

struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

impl Machine {
    /// A machine in which a few records are synchronized.
    pub(crate) fn new() -> Machine {
        static BEGINNING: OnceLock<Beginning> = OnceLock::new();
        let beginning = BEGINNING.get_or_init(Machine::beginning);
        let folder = folder();
        std::fs::write(folder.path().join("crm.db"), &beginning.store).unwrap();
        let (server, ledger) = (beginning.server.clone(), beginning.ledger.clone());
        Machine::with(folder, server, ledger, beginning.written)
    }

    fn with(folder: TempDir, server: Server, ledger: Ledger, written: u32) -> Machine {
        let local = Local::open(&folder.path().join("crm.db"));
        let turn = Turn::default();
        let filtered = [false; 2];
        let world = World { server, local, ledger, filtered, written, turn };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Machine { world: Arc::new(Mutex::new(world)), folder, runs: 0, runtime }
    }

    fn beginning() -> Beginning {
        let mut machine = Machine::with(folder(), Server::default(), Ledger::default(), 0);
        let draft = |name, links| Draft { name, note: true, out: false, links };
        for thing in Thing::ALL {
            machine.store().attach(&thing.object(1)).unwrap();
        }
        for (thing, draft) in [
            (Thing::Parent, draft(0, [0, 0])),
            (Thing::Parent, draft(1, [0, 0])),
            (Thing::Child, draft(0, [1, 0])),
            (Thing::Child, draft(1, [2, 1])),
        ] {
            machine.world().act(&Act::Insert(Side::Remote, thing, draft));
        }
        machine.clean_run().unwrap();
        let path = machine.path();
        let Machine { world, folder, .. } = machine;
        let World { server, local, ledger, written, .. } =
            Arc::into_inner(world).unwrap().into_inner().unwrap();
        local.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(local);
        let store = std::fs::read(&path).unwrap();
        drop(folder);
        Beginning { store, server, ledger, written }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("crm.db")
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), Mode::ReadWrite).unwrap()
    }

    /// Both sides.
    pub(crate) fn sides(&self) -> (Shown, Shown) {
        let world = self.world();
        (world.local.shown(), world.server.shown())
    }

    /// Carries out one step, and checks what must hold after it.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Do(act) => {
                self.world().act(act);
                Ok(())
            }
            Step::Run(plan) => self.run(plan, false).map(|_| ()),
            Step::DryRun => self.dry_run(),
            Step::Choose(which, choice) => {
                let mut store = self.store();
                let conflicts = store.conflicts().unwrap();
                if let Some(conflict) = conflicts.get(usize::from(*which) % conflicts.len().max(1)) {
                    store.set_choice(conflict.id, *choice).unwrap();
                }
                Ok(())
            }
            Step::Filter(thing) => {
                let mut world = self.world();
                world.filtered[*thing as usize] ^= true;
                let tags: Vec<String> = world.server.shown().records.into_keys().collect();
                tags.iter()
                    .filter(|tag| Thing::of_tag(tag) == *thing)
                    .for_each(|tag| world.look_at_filter(*thing, tag));
                Ok(())
            }
        }
    }

    /// A run in which nothing goes wrong.
    pub(crate) fn clean_run(&mut self) -> Result<Report, String> {
        let report = self.run(&Plan { confirm_deletes: true, ..Plan::default() }, false)?;
        let report = report.ok_or("the run was cut off")?;
        if report.outcome == Outcome::Failed {
            return Err(format!("a run failed, and nothing was wrong: {report:?}"));
        }
        Ok(report)
    }

    /// What a run would do; it changes nothing anywhere.
    fn dry_run(&mut self) -> Result<(), String> {
        let state = |world: &World| (world.server.clone(), world.local.dump());
        let before = state(&self.world());
        self.run(&Plan::default(), true)?;
        if state(&self.world()) == before { Ok(()) } else { Err("a dry run changed something".to_owned()) }
    }

    /// A run; `None` where it was cut off.
    fn run(&mut self, plan: &Plan, dry_run: bool) -> Result<Option<Report>, String> {
        self.runs += 1;
        let id = format!("run {}", self.runs);
        let filtered = {
            let mut world = self.world();
            world.turn = Turn::of(plan.clone());
            world.ledger.begin_run();
            world.filtered
        };
        let mode = if dry_run { Mode::ReadOnly } else { Mode::ReadWrite };
        let mut store = SqliteStore::open(&self.path(), mode).unwrap();
        let takes_part = |thing: &Thing| plan.only.is_none_or(|only| only == *thing);
        let participant = |thing: Thing| {
            let object = thing.object(1);
            Participant {
                state: store.attach(&object).unwrap(),
                mapper: Arc::new(Native { object }),
                filter: filtered[thing as usize].then(|| FILTER.to_owned()),
                rules: Rules { object: plan.rule.map(Policy::Keep), ..Rules::default() },
            }
        };
        let participants = Thing::ALL.into_iter().filter(takes_part).map(participant).collect();
        let settling = self.settling(&store, plan);
        let others = Thing::ALL.into_iter().filter(|it| !takes_part(it)).map(|thing| thing.object(1));
        let others: Vec<Object> = others.collect();
        others.iter().for_each(|object| drop(store.attach(object).unwrap()));
        let guard = DeleteGuard { count: 5, percent: 10 };
        let remote = Arc::new(Fake(Arc::clone(&self.world)));
        let world = Arc::clone(&self.world);
        let mut store =
            Watched::new(store, Box::new(move |moment| world.lock().unwrap().turn.changes(moment)));
        let report = {
            let mut run = Box::pin(synchronize(Run {
                id: &id,
                remote,
                store: &mut store,
                participants,
                others,
                options: Options { dry_run, confirm_deletes: plan.confirm_deletes, guard, list_every: 20 },
                observer: &Silent,
                person: None,
                server: "the one",
            }));
            // Dropping the run where the process dies leaves what a kill leaves: commits are whole or not there.
            self.runtime.block_on(std::future::poll_fn(|context| {
                self.world().turn.process = Some(context.waker().clone());
                match run.as_mut().poll(context) {
                    _ if self.world().turn.dead => Poll::Ready(None),
                    Poll::Ready(report) => Poll::Ready(Some(report)),
                    Poll::Pending => Poll::Pending,
                }
            }))
        };
        drop(store);
        if std::env::var_os("MACHINE_TRACE").is_some() {
            let brief = report.as_ref().map(Report::to_text);
            eprintln!("---- {id} {plan:?}\n{}\n{}", brief.unwrap_or_default(), self.world().trace());
        }
        self.world().settle();
        if dry_run {
            return Ok(report);
        }
        let untold: Vec<String> = Thing::ALL.iter().flat_map(|it| self.world().local.untold(*it)).collect();
        if !untold.is_empty() {
            return Err(format!("the store does not tell of {}", untold.join(", ")));
        }
        let (local, remote) = self.sides();
        // A run of one object cannot see to its links, and may leave a record open that is equal.
        let report_of_all = report.as_ref().filter(|_| plan.only.is_none());
        self.conflicts_are_real(&ended(report_of_all, &[Outcome::Synced, Outcome::Pending]))?;
        let synced = ended(report_of_all, &[Outcome::Synced]);
        let mut world = self.world();
        let World { ledger, server, filtered, .. } = &mut *world;
        // Of a record that leaves the filter the host does not look at the content.
        let seen = |tag: &str| {
            let thing = Thing::of_tag(tag);
            let there = remote.get(tag).and_then(|it| server.get(thing, &it.id));
            synced.contains(&thing) && !(filtered[thing as usize] && there.is_some_and(|it| !it.passes()))
        };
        ledger.check(&local, &remote, &settling, &seen)?;
        Ok(report)
    }

    /// What was chosen, and what the rule of this run says.
    fn settling(&self, store: &SqliteStore, plan: &Plan) -> Settling {
        let chosen = store.conflicts().unwrap().iter().filter_map(chosen).collect();
        let things = Thing::ALL.into_iter().filter(|thing| plan.only.is_none_or(|only| only == *thing));
        let rules = plan.rule.map(|rule| things.map(|thing| (thing, rule)).collect()).unwrap_or_default();
        Settling { chosen, rules }
    }

    /// A person is asked only where persons changed both sides.
    fn conflicts_are_real(&self, through: &[Thing]) -> Result<(), String> {
        let (_, remote) = self.sides();
        for conflict in self.store().conflicts().unwrap() {
            let tag = tag_of(&conflict);
            let world = self.world();
            let reused = remote.get(&tag).is_some_and(|it| world.links_to_reused(it));
            if through.contains(&Thing::of_tag(&tag)) && !world.ledger.is_contested(&tag) && !reused {
                return Err(format!("a conflict that persons had no part in: {tag} {conflict:?}"));
            }
        }
        Ok(())
    }
}

/// The objects that a run ended like this for.
fn ended(report: Option<&Report>, like: &[Outcome]) -> Vec<Thing> {
    let objects = report.iter().flat_map(|report| &report.objects);
    objects.filter(|it| like.contains(&it.outcome)).map(|it| Thing::of(it.object.as_str())).collect()
}

/// On a file system in memory where there is one: a store waits for the disk with every commit.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.unwrap()
}

/// The tag of a conflict's record.
pub(crate) fn tag_of(conflict: &StoredConflict) -> String {
    let tag = conflict.fields.iter().find(|it| it.field == Field::Tag.local_name()).unwrap();
    cell(&tag.base).unwrap()
}

/// A conflict with a choice, as the ledger wants it.
fn chosen(conflict: &StoredConflict) -> Option<Chosen> {
    let (loser, is_deleted) = match (conflict.choice?, conflict.kind) {
        (Choice::KeepLocal, kind) => (Side::Remote, kind == ConflictKind::UpdateDelete),
        (Choice::KeepRemote, kind) => (Side::Local, kind == ConflictKind::DeleteUpdate),
    };
    let thing = Thing::of(&conflict.object);
    let value = |index: usize| match loser {
        Side::Local => &conflict.fields[index].local,
        Side::Remote => &conflict.fields[index].remote,
    };
    let values: Row = (0..thing.fields().len()).map(|index| value(index).clone()).collect::<Vec<Value>>();
    let cells = |values: &Row| -> Cells {
        let pairs: Vec<(Field, Option<String>)> =
            thing.fields().iter().copied().zip(values.iter().map(cell)).collect();
        pairs.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
    };
    Some(Chosen { tag: tag_of(conflict), loser, values: (!is_deleted).then(|| cells(&values)) })
}
