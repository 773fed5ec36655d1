//! The conformance kit: every remote passes it against its real server, it finds the mistakes that a remote can make,
//! and `host remote check` shows what it finds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;
mod memory;
mod mistakes;
mod servers;
