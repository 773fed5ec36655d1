//! Objects are WebAssembly components that import nothing. Here they are inspected, compiled, asked what they
//! are, and run in a sandbox that turns any misbehaviour into one record's issue (`behaviour.md`, decision
//! 21).
//!
//! [`Catalog`] loads a folder of them, [`WasmMapper`] is one of them at work, [`build()`] makes them from
//! projects; `declared` is for objects that are a file of data. One file adapts one version of the interface:
//! `v0_1` for 0.1.x.

mod build;
mod catalog;
mod declared;
mod engine;
mod failure;
mod fault;
mod grant;
mod inspect;
mod limits;
mod load;
mod loops;
mod mapper;
mod merging;
mod nesting;
mod pace;
mod parallel;
mod refusal;
mod sandbox;
mod survey;
mod v0_1;
mod wasi;

pub use build::{BuildError, Built, ProjectError, Step, build};
pub use catalog::{Catalog, CatalogError};
pub use declared::{NAME as DECLARED_NAME, declared_object};
pub use failure::Failure;
pub(crate) use failure::clean;
pub use fault::{Fault, Rejection};
pub use grant::Grant;
pub use inspect::{Inspection, inspect};
pub use limits::Limits;
pub use load::{EngineError, Loader, Terms, read};
pub use mapper::{Answer, Function, Measured, WasmMapper};
pub use refusal::{Reason, Refusal};
pub use sandbox::Spent;
pub use survey::{LeftOut, PluginOverride, Survey};
