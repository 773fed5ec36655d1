//! The works: what is prepared, what the floor and what the product does, and whether it did it.

use crate::floor::{self, Plan, remote_id};
use crate::machine;
use crate::measure::{Taken, measure};
use crate::server::Crm;
use crate::site::{Finds, Site, childless, edit};
use crate::table::{Goal, Row};
use clap::ValueEnum;
use serde_json::Value as Json;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Everything into a fresh store.
    InitialLoad,
    /// Nothing differs, and everything is listed to find out.
    NothingListed,
    /// Nothing differs, and the server is asked for what changed.
    NothingFed,
    /// 1 % changed, 0.1 % deleted and 0.5 % new on each side; everything is listed.
    ChangesListed,
    /// The same; the server is asked for what changed.
    ChangesFed,
    /// 1 % changed on both sides; everything is listed.
    ConflictsListed,
    /// The same; the server is asked for what changed.
    ConflictsFed,
    /// New records of the local side only; as many as there are, 10,000 at most.
    Push,
}

impl Work {
    /// All of them.
    pub(crate) fn all() -> Vec<Work> {
        Work::value_variants().to_vec()
    }

    fn name(self) -> &'static str {
        match self {
            Work::InitialLoad => "initial load",
            Work::NothingListed => "nothing to do, by listing",
            Work::NothingFed => "nothing to do, by change feed",
            Work::ChangesListed => "1 % changed, by listing",
            Work::ChangesFed => "1 % changed, by change feed",
            Work::ConflictsListed => "1 % in conflict, by listing",
            Work::ConflictsFed => "1 % in conflict, by change feed",
            Work::Push => "push of new records",
        }
    }

    fn goal(self) -> Goal {
        match self {
            Work::NothingListed => Goal::Times(2.0),
            Work::NothingFed => Goal::More(Duration::from_millis(10)),
            Work::Push => Goal::Times(1.5),
            _ => Goal::Times(2.5),
        }
    }
}

/// Records that a push takes at most.
const PUSHED: u64 = 10_000;

/// Everything at one size.
struct Bench<'a> {
    host: &'a Path,
    site: Site,
    crm: Crm,
    size: u64,
    rounds: usize,
    report: &'a mut dyn FnMut(Row),
}

/// Does these works at this size.
pub(crate) fn run(
    host: &Path,
    size: u64,
    works: &[Work],
    rounds: usize,
    keep: bool,
    report: &mut dyn FnMut(Row),
) {
    let crm = Crm::new(host.with_file_name("reference-crm"));
    let site = Site::new(&crm.url());
    let mut bench = Bench { host, site, crm, size, rounds, report };
    let has = |work: Work| works.contains(&work);
    if works.iter().any(|work| *work != Work::Push) {
        bench.load(has(Work::InitialLoad));
        if has(Work::NothingListed) {
            bench.nothing_listed();
        }
        if has(Work::NothingFed) {
            bench.nothing_fed();
        }
        for (work, finds) in [(Work::ChangesListed, Finds::Listed), (Work::ChangesFed, Finds::Fed)] {
            if has(work) {
                bench.few(work, finds, &Edits::changes(size, &bench.site));
            }
        }
        for (work, finds) in [(Work::ConflictsListed, Finds::Listed), (Work::ConflictsFed, Finds::Fed)] {
            if has(work) {
                bench.few(work, finds, &Edits::conflicts(size));
            }
        }
    }
    if has(Work::Push) {
        bench.push(size.min(PUSHED));
    }
    if keep {
        eprintln!("kept: {}", bench.site.keep().display());
    }
}

impl Bench<'_> {
    fn measure_floor(&self, work: &str, store: &Path, more: &[OsString]) -> Taken {
        self.crm.forget_requests();
        let mut arguments: Vec<OsString> = vec!["floor".into(), work.into(), self.crm.url().into()];
        arguments.push(store.into());
        arguments.extend_from_slice(more);
        let program = std::env::current_exe().expect("this program has a file");
        measure(&program, &arguments, &[0])
    }

    fn measure_run(&self, finds: Finds, code: i32) -> Taken {
        self.crm.forget_requests();
        measure(self.host, &self.site.run(finds), &[code])
    }

    fn add(&mut self, work: Work, name: &'static str, goal: Goal, records: u64, rounds: Vec<(Taken, Taken)>) {
        let requests = rounds.last().map_or((0, 0), |(floor, product)| {
            let floor = serde_json::from_str::<Json>(&floor.out).unwrap_or_default();
            let product = object(product);
            let all = product["requests"].as_object().into_iter().flatten();
            (floor["requests"].as_u64().unwrap_or(0), all.filter_map(|(_, count)| count.as_u64()).sum())
        });
        let name = if name.is_empty() { work.name() } else { name };
        (self.report)(Row { work: name, records, rounds, goal, requests, load: machine::load() });
    }

    /// The first run; also what all others start from.
    fn load(&mut self, report: bool) {
        self.crm.start(self.size);
        let rounds = if report { self.rounds } else { 1 };
        let rounds: Vec<_> = (0..rounds)
            .map(|_| {
                self.site.clear(&self.site.floor());
                let floor = self.measure_floor("load", &self.site.floor(), &[]);
                self.site.clear(&self.site.product());
                let product = self.measure_run(Finds::Listed, 0);
                assert_eq!(object(&product)["pull"]["insert"], self.size);
                (floor, product)
            })
            .collect();
        self.site.copy(&self.site.floor(), &self.site.path("floor-loaded.db"));
        self.site.copy(&self.site.product(), &self.site.path("loaded.db"));
        // The first run with a feed still lists, and takes a mark.
        self.measure_run(Finds::Fed, 0);
        self.site.copy(&self.site.product(), &self.site.path("fed.db"));
        if report {
            self.add(Work::InitialLoad, "", Work::InitialLoad.goal(), self.size, rounds);
        }
    }

    fn restore(&self, finds: Finds) {
        let snapshot = if finds == Finds::Listed { "loaded.db" } else { "fed.db" };
        self.site.copy(&self.site.path(snapshot), &self.site.product());
        self.site.copy(&self.site.path("floor-loaded.db"), &self.site.floor());
    }

    fn nothing_listed(&mut self) {
        self.restore(Finds::Listed);
        let rounds: Vec<_> = (0..self.rounds.max(5))
            .map(|_| {
                let floor = self.measure_floor("list", &self.site.floor(), &[]);
                (floor, self.measure_run(Finds::Listed, 0))
            })
            .collect();
        if self.size == 1_000 {
            let start = (0..self.rounds.max(10))
                .map(|_| {
                    (measure(self.host, &["--version".into()], &[0]), self.measure_run(Finds::Listed, 0))
                })
                .collect();
            let goal = Goal::Within(Duration::from_millis(20));
            self.add(Work::NothingListed, "process start and nothing to do", goal, self.size, start);
        }
        self.add(Work::NothingListed, "", Work::NothingListed.goal(), self.size, rounds);
    }

    /// The floor is the start of the process alone.
    fn nothing_fed(&mut self) {
        self.restore(Finds::Fed);
        let rounds = (0..self.rounds.max(10))
            .map(|_| (measure(self.host, &["--version".into()], &[0]), self.measure_run(Finds::Fed, 0)))
            .collect();
        self.add(Work::NothingFed, "", Work::NothingFed.goal(), self.size, rounds);
    }

    /// Some records differ. With a feed, the floor knows which; else it lists, too.
    fn few(&mut self, work: Work, finds: Finds, edits: &Edits) {
        let rounds = (0..self.rounds)
            .map(|_| {
                self.restore(finds);
                let plan = self.differ(edits, &self.site.floor());
                let file = self.site.path("plan.json");
                std::fs::write(&file, serde_json::to_vec(&plan).unwrap()).unwrap();
                let mut more: Vec<OsString> = vec![file.into()];
                more.extend((finds == Finds::Listed).then(|| "--list".into()));
                let floor = self.measure_floor("few", &self.site.floor(), &more);
                self.differ(edits, &self.site.product());
                let product = self.measure_run(finds, if edits.both.is_empty() { 0 } else { 3 });
                edits.check(&object(&product));
                (floor, product)
            })
            .collect();
        self.add(work, "", work.goal(), self.size, rounds);
    }

    /// Lets both sides differ, and says in what.
    fn differ(&mut self, edits: &Edits, store: &Path) -> Plan {
        self.crm.start(self.size);
        let there: Vec<u64> = edits.there.iter().chain(&edits.both).copied().collect();
        let here: Vec<u64> = edits.here.iter().chain(&edits.both).copied().collect();
        let new = self.crm.edit(&there, &edits.deleted_there, edits.new);
        edit(store, &here, &edits.deleted_here, edits.new);
        let ids = |numbers: &[u64]| numbers.iter().map(|number| remote_id(*number)).collect::<Vec<_>>();
        Plan {
            pull: [ids(&edits.there), new].concat(),
            delete: ids(&edits.deleted_there),
            update: ids(&edits.here).into_iter().map(|id| (id, "+49 30 1001".to_owned())).collect(),
            forget: ids(&edits.deleted_here),
            conflicts: ids(&edits.both),
        }
    }

    fn push(&mut self, records: u64) {
        self.crm.start(0);
        let (empty, product, floor) = (self.site.path("empty.db"), self.site.product(), self.site.floor());
        self.site.clear(&product);
        self.measure_run(Finds::Listed, 0);
        edit(&product, &[], &[], records);
        self.site.copy(&product, &empty);
        let rounds = (0..self.rounds)
            .map(|_| {
                self.crm.start(0);
                self.site.clear(&floor);
                drop(floor::create_store(&floor).expect("a store can be made"));
                edit(&floor, &[], &[], records);
                let of_floor = self.measure_floor("push", &floor, &[]);
                self.crm.start(0);
                self.site.copy(&empty, &product);
                let of_product = self.measure_run(Finds::Listed, 0);
                assert_eq!(object(&of_product)["push"]["insert"], records);
                (of_floor, of_product)
            })
            .collect();
        self.add(Work::Push, "", Work::Push.goal(), records, rounds);
    }
}

/// The one object of a run's report.
fn object(taken: &Taken) -> Json {
    serde_json::from_str::<Json>(&taken.out).unwrap_or_default()["objects"][0].clone()
}

/// What is done to the records before a run, by their numbers.
#[derive(Debug, Default)]
struct Edits {
    there: Vec<u64>,
    here: Vec<u64>,
    both: Vec<u64>,
    deleted_there: Vec<u64>,
    deleted_here: Vec<u64>,
    /// On each side.
    new: u64,
}

impl Edits {
    fn every(hundred: u64, of: u64) -> Vec<u64> {
        (0..of).filter(|number| number % 100 == hundred).collect()
    }

    /// 1 % changed, 0.1 % deleted and 0.5 % new on each side. What is deleted is nobody's parent.
    fn changes(size: u64, site: &Site) -> Edits {
        let childless = childless(&site.path("loaded.db"));
        let deleted = |ten: u64| {
            let mut some: Vec<u64> = childless
                .iter()
                .copied()
                .filter(|number| number % 1_000 / 10 == ten && number % 100 % 10 != 0)
                .collect();
            some.dedup_by_key(|number| *number / 1_000);
            some
        };
        Edits {
            there: Edits::every(10, size),
            here: Edits::every(20, size),
            deleted_there: deleted(33),
            deleted_here: deleted(44),
            new: size / 200,
            ..Edits::default()
        }
    }

    fn conflicts(size: u64) -> Edits {
        Edits { both: Edits::every(50, size), ..Edits::default() }
    }

    /// Whether a run did what was to be done.
    fn check(&self, object: &Json) {
        let done = |direction: &str, what: &str| object[direction][what].as_u64().unwrap_or(0);
        let expected = [
            (done("pull", "insert"), self.new),
            (done("pull", "update"), self.there.len() as u64),
            (done("pull", "delete"), self.deleted_there.len() as u64),
            (done("push", "insert"), self.new),
            (done("push", "update"), self.here.len() as u64),
            (done("push", "delete"), self.deleted_here.len() as u64),
            (object["conflicts"].as_u64().unwrap_or(0), self.both.len() as u64),
            (object["issues"].as_u64().unwrap_or(1), 0),
        ];
        assert!(expected.iter().all(|(done, expected)| done == expected), "{self:?}\n{object:#}");
    }
}
