//! What a plugin written in Rust depends on: the bindings of `wit/object.wit`, the trait [`SyncObject`] that maps one
//! record at a time, and [`table`] for objects whose fields map one to one. Nothing else.
//!
//! Everything compiles natively as well, so that a plugin's mapping is tested with `cargo test`.

pub mod bindings;
pub mod fixture;
mod object;
pub mod table;

pub use bindings::exports::crm::sync_object::descriptor::{Field, Kind, Object, Resource, Traits};
pub use bindings::exports::crm::sync_object::types::{Rejection, Row, Value};
pub use object::SyncObject;

/// Memory is not given back in a component: the host makes a fresh instance for each call and throws it away, which gives
/// all of it back at once. Giving back each value took a quarter of a call's time. Where there is a WASI, its C library
/// has an allocator already.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
#[global_allocator]
static ALLOCATOR: lol_alloc::LockedAllocator<lol_alloc::LeakingAllocator> =
    lol_alloc::LockedAllocator::new(lol_alloc::LeakingAllocator::new());
