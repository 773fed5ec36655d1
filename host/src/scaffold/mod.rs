//! `host plugin new`: the project of a plugin, from a template or from what a server tells of a resource.
//!
//! A [`Draft`] is an object as far as it is known, `guess` makes one of a server's answer, `render` writes it as
//! Rust, and [`Project`] puts the files into a new folder. Inside a checkout of this project the folder is a member of
//! its workspace; anywhere else it carries what it needs of one (`vendor`).

mod draft;
mod guess;
mod names;
mod project;
mod render;
mod vendor;

pub use draft::{Case, Draft, DraftField};
pub use guess::{Known, UnknownField, draft_of};
pub use project::{Made, Project, ScaffoldError, checkout_around};
