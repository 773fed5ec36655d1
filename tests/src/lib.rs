//! What the black-box tests share: the binary, the components, and a scene with a server, a store and metadata.
//!
//! Everything goes through the binary `host`, as a person would use it; the server's side is looked at through
//! the reference CRM's own handle, the local side with SQLite itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binary;
mod cap;
mod composed;
mod disturbed;
mod examples;
mod kinto;
mod proxy;
mod records;
mod scene;
mod server;
mod tryton;
mod watched;

pub use binary::{
    build_plugins, core_module, host_binary, hostile_plugin, hostile_plugins, refused_plugin, root,
    stock_plugin,
};
pub use cap::Cap;
pub use composed::{composed, crowded};
pub use disturbed::{Disturbance, Disturbed, Plan};
pub use examples::example_plugin;
pub use kinto::Kinto;
pub use records::{Records, heals, heals_again_and_again, heals_everywhere, heals_in_turn};
pub use scene::{Output, Scene};
pub use serde_json::{Value as Json, json};
pub use tryton::{Tryton, scene_without_tryton};
pub use watched::{Moment, Watched, Watcher};
