//! The adapter for described REST servers, against servers that do one thing each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod describe;
mod descriptions;
mod errors;
mod feed;
mod locks;
mod paging;
mod ready;
mod server;
mod values;
