//! A state machine: sequences of whatever can happen, between the real pipeline with a real store and a server in
//! memory.
//!
//! Persons edit both sides, also during a run; requests fail in every way; processes die. After every run nothing
//! that anybody wrote is gone that need not be, nothing is there twice, and nobody is asked about what only the host
//! did. In the end both sides are equal, everything that anybody wrote last is there, and a further run does nothing.
//! What that means exactly is in [`ledger`], and how it ends in [`finale`].
//!
//! | variable | |
//! |---|---|
//! | `MACHINE_STEPS` | steps to go; 10,000 by default, `MACHINE_STEPS=1000000` for a long run |
//! | `MACHINE_SEED` | another number, other sequences; the same ones in every run by default |
//! | `MACHINE_TRACE` | set: after every run, both sides and the store's tables |
//!
//! A failure prints the shortest sequence found, as Rust, to be put into [`replay`]: see [`found`] and [`settled`].
//!
//! Nothing is promised where nobody can tell. A record that the host inserted and has not entered yet is known by its
//! name and content only: somebody who renames or deletes it on the server in that moment makes it another one. So
//! does one who edits one of two equal records, made by persons on either side, before they are linked. A link to an
//! id that comes back as another record may lead nowhere until its record is edited. And a write of unknown fate is
//! carried out before the next run begins, or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "machine/finale.rs"]
mod finale;
#[path = "machine/found.rs"]
mod found;
#[path = "machine/ledger.rs"]
mod ledger;
#[path = "machine/machine.rs"]
mod machine;
#[path = "machine/remote.rs"]
mod remote;
#[path = "machine/settled.rs"]
mod settled;
#[path = "machine/sides.rs"]
mod sides;
#[path = "machine/steps.rs"]
mod steps;
#[path = "machine/things.rs"]
mod things;
#[path = "machine/turn.rs"]
mod turn;
#[path = "machine/world.rs"]
mod world;

use machine::Machine;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::cell::Cell;
use steps::{MEAN, Step, steps};

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Carries a sequence out, and brings it to its end.
fn replay(steps: &[Step]) -> Result<(), String> {
    let mut machine = Machine::new();
    steps.iter().try_for_each(|step| machine.step(step))?;
    machine.finish()
}

#[test]
fn nothing_is_lost_and_nothing_is_doubled_whatever_happens() {
    let wanted = setting("MACHINE_STEPS", 10_000);
    let config = Config {
        cases: u32::try_from(wanted.div_ceil(MEAN as u64)).unwrap(),
        rng_seed: RngSeed::Fixed(setting("MACHINE_SEED", 42)),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let taken = Cell::new(0);
    let result = TestRunner::new(config).run(&steps(), |steps| {
        taken.set(taken.get() + steps.len());
        replay(&steps).map_err(TestCaseError::fail)
    });
    eprintln!("{} steps", taken.get());
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => {
            let rust = |step: &Step| {
                let step = format!("    {step:?},\n");
                step.replace("faults: [", "faults: vec![").replace("behind: [", "behind: vec![")
            };
            panic!("{reason}\nreplay(&[\n{}])", steps.iter().map(rust).collect::<String>());
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
