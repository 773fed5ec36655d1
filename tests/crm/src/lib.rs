//! The reference CRM: a small server that speaks the Siebel REST dialect with all its quirks.
//!
//! Tests start one, look at what reached it, and make it fail in the ways real servers do;
//! `host demo` starts one with sample data.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admin;
mod answer;
mod clock;
mod connection;
mod faults;
mod handle;
mod like;
mod log;
mod plan;
mod query;
mod random;
mod record;
mod refusal;
mod routes;
mod schema;
mod searchspec;
mod seed;
mod server;
mod service;
mod store;
mod table;
mod value;
mod words;

pub use clock::{Clock, stamp};
pub use faults::{Action, Change, Fault};
pub use handle::{Fields, Store};
pub use log::Request;
pub use record::Visibility;
pub use refusal::Refusal;
pub use schema::{COMPONENTS, Component, Field, Kind, SYSTEM, Write};
pub use seed::Seed;
pub use server::{Config, Server};

use server::App;
