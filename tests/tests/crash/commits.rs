//! A kill at every change of the store: once before it is in the file, and once after.
//!
//! The run that dies is one of the library's, in a process of its own: this test binary, started anew with nothing
//! but [`the_run_that_dies`]. It does what `host run` does, with a store that has the process killed.

use crate::scene::survives;
use host::local::{Keep, Mode, RunLock, SqliteStore};
use host::metadata::{Auth, Metadata};
use host::pipeline::{Event, Observer, Options, Participant, Run, synchronize};
use host::plugin::Catalog;
use host::ports::{Mapper, Store, StoreError};
use host::remote::Settings;
use host::remote::siebel::{Siebel, SiebelOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use sync_core::conflict::{Choice, Policy, Rules};
use sync_core::count::DeleteGuard;
use tests::{Moment, Scene, Watched};

/// What the process that dies is told: the metadata, and the change at which it dies.
const CONFIG: &str = "CRASH_CONFIG";
const NUMBER: &str = "CRASH_NUMBER";
const MOMENT: &str = "CRASH_MOMENT";

const SIGKILL: i32 = 9;

struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

/// Dies by its own hand, as if by another's: nothing is closed, nothing is written.
fn die() -> Result<(), StoreError> {
    Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status().unwrap();
    loop {
        std::thread::park();
    }
}

/// The process that dies; nothing where nobody asked for it.
#[test]
fn the_run_that_dies() {
    let Ok(config) = std::env::var(CONFIG) else { return };
    let number: u32 = std::env::var(NUMBER).unwrap().parse().unwrap();
    let moment = std::env::var(MOMENT).unwrap();
    let mut calls = 0;
    let watcher = move |now: Moment| {
        calls += u32::from(now == Moment::Before);
        if calls == number && format!("{now:?}") == moment { die() } else { Ok(()) }
    };
    let metadata = Metadata::load(Path::new(&config)).unwrap();
    let _lock = RunLock::acquire(&metadata.local.path).unwrap();
    let mut store = SqliteStore::open(&metadata.local.path, Mode::ReadWrite).unwrap();
    let keep = Keep { age: metadata.undo.keep, size: metadata.undo.size };
    store.begin_run("the run that dies", keep).unwrap();
    let mut store = Watched::new(store, Box::new(watcher));
    let participants = participants(&metadata, &mut store);
    let server = participants[0].state.remote.clone().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let report = runtime.block_on(synchronize(Run {
        id: "the run that dies",
        remote: Arc::new(remote(&metadata)),
        participants,
        store: &mut store,
        others: Vec::new(),
        options: Options {
            dry_run: false,
            confirm_deletes: false,
            guard: DeleteGuard {
                count: metadata.deletes.count,
                percent: u64::from(metadata.deletes.percent),
            },
            list_every: 100,
        },
        observer: &Silent,
        person: None,
        server: &server,
    }));
    assert_eq!(report.outcome.name(), "synced", "{report:?}");
}

fn remote(metadata: &Metadata) -> Siebel {
    let Some(Auth::Basic { username, password }) = &metadata.remote.auth else {
        panic!("the scene has a password")
    };
    let options = &metadata.remote.siebel;
    let options = SiebelOptions {
        view_mode: options.view_mode.clone(),
        user_key_view_mode: options.user_key_view_mode.clone(),
        timezone: options.timezone.clone(),
        change_feed: false,
    };
    let settings = Settings::new(metadata.remote.url.clone()).basic(username, password.expose());
    Siebel::new(settings, options).unwrap()
}

fn participants(metadata: &Metadata, store: &mut dyn Store) -> Vec<Participant> {
    let catalog = Catalog::load(&metadata.plugins_dir, &[]).unwrap();
    let participant = |plugin: &Arc<host::plugin::WasmMapper>| Participant {
        mapper: Arc::clone(plugin) as Arc<dyn Mapper>,
        filter: None,
        rules: Rules { object: Some(Policy::Keep(Choice::KeepLocal)), ..Rules::default() },
        state: store.attach(plugin.object()).unwrap(),
    };
    catalog.objects().map(participant).collect()
}

/// Runs in a process that dies at its change `number`; false where the run ends before.
fn killed_at(scene: &Scene, number: u32, moment: Moment) -> bool {
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["commits::the_run_that_dies", "--exact", "--nocapture"])
        .env(CONFIG, scene.config())
        .env(NUMBER, number.to_string())
        .env(MOMENT, format!("{moment:?}"))
        .stdout(Stdio::null());
    let output = run.stderr(Stdio::piped()).output().unwrap();
    let killed = output.status.signal() == Some(SIGKILL);
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    killed
}

fn survives_every_kill(moment: Moment) {
    survives(
        "changes of the store",
        |scene, number| killed_at(scene, number, moment),
        &format!("{moment:?}"),
    );
}

#[test]
fn a_kill_before_any_change_of_the_store_heals() {
    survives_every_kill(Moment::Before);
}

#[test]
fn a_kill_after_any_change_of_the_store_heals() {
    survives_every_kill(Moment::After);
}
