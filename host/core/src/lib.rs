//! The pure core of the synchronization: what a value is, when two are equal, what a pair of
//! change keys means, and which operation follows from it.
//!
//! No I/O, no clock, no WebAssembly: everything here is a function of its arguments, so its laws
//! can be tested with generated input (`tests/laws.rs`). The folder reads like the steps of a run:
//! [`count`] → [`change_key`] → [`sieve`] → [`compare`] → [`operation`] → [`conflict`] → [`order`]; they share
//! [`value`] and [`object`]. Where a change feed takes the place of a listing, [`change_feed`] and [`missing`] do that of
//! [`sieve`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod calendar;
pub mod change_feed;
pub mod change_key;
pub mod compare;
pub mod conflict;
pub mod count;
pub mod difference;
pub mod harmless;
pub mod missing;
pub mod object;
pub mod operation;
pub mod order;
pub mod sieve;
pub mod value;
