//! The process is killed in the middle of a run with all six operations: at every request ([`requests`]), and at
//! every change of the store ([`commits`]). Then it runs again: nothing is doubled, nothing is lost, and both sides
//! are equal (decision 15).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "crash/commits.rs"]
mod commits;
#[path = "crash/requests.rs"]
mod requests;
#[path = "crash/scene.rs"]
mod scene;
