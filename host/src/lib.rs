//! The host: metadata, adapters and the pipeline that keeps a local store and a CRM server equal.
//!
//! [`pipeline`] carries out the steps of a run against the traits of [`ports`]; [`remote`],
//! [`local`] and [`plugin`] implement them; [`lab`] tests a plugin alone, [`conformance`] a remote; only the [`cli`] knows everything.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cli;
pub mod conformance;
pub mod lab;
pub mod local;
pub mod metadata;
mod natural;
pub mod pipeline;
pub mod plugin;
pub mod ports;
pub mod remote;
pub mod report;
pub mod scaffold;
mod shown;
mod toml_file;
