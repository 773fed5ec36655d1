//! The CRM servers, over HTTP: one folder a protocol, and what all of them share.
//!
//! A request's way: the adapter builds it → `token` has the login, where another server gives it out → `gate` lets it
//! through when the server's limits allow → `http` sends it and counts it → `retry` repeats it where that is safe →
//! `decode` turns the answer straight into rows. `client` knows of proxies and certificates; `failure` and `unreachable`
//! put into words what went wrong. A new protocol is a folder that implements [`Remote`](crate::ports::Remote) on top of
//! these.

mod client;
mod decode;
mod failure;
mod freshness;
mod gate;
mod http;
mod message;
pub mod odata;
mod percent;
pub mod rest;
mod retry;
mod sample;
mod settings;
pub mod siebel;
mod tally;
mod token;
mod totals;
pub mod tryton;
mod unreachable;

pub use settings::{ClientAuth, Credentials, OAuth2, Proxy, Settings};

/// Pages of a listing that may have no record, one after the other, until it counts as one that never ends.
const MOST_EMPTY_PAGES: u32 = 1_000;
