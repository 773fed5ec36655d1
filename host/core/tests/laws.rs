//! The laws of the core, tested with generated input against a reference model.
//!
//! [`world`] is the model: two sides and a baseline in memory, edits as people make them, and a small
//! interpreter of the core's decisions. [`oracle`] says what must come out, from the contents alone.
//! The other files hold the laws.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::test_runner::{Config, RngSeed};

#[path = "laws/decide.rs"]
mod decide;
#[path = "laws/descriptor.rs"]
mod descriptor;
#[path = "laws/guard.rs"]
mod guard;
#[path = "laws/merge.rs"]
mod merge;
#[path = "laws/oracle.rs"]
mod oracle;
#[path = "laws/sync.rs"]
mod sync;
#[path = "laws/values.rs"]
mod values;
#[path = "laws/world.rs"]
mod world;

/// The same cases in every run, so that a red test is red again; nothing is written beside the sources.
fn cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(42), failure_persistence: None, ..Config::default() }
}
