//! A TOML file that a person wrote, read so that every mistake in it is found and told with its place.
//!
//! One file, one job: `read` walks over the TOML tree and `found` collects the mistakes; `units` has durations and
//! sizes; `error` and `nearest` are what a person sees. Which keys there are is for those who read such a file to
//! say: `metadata` for `sync.toml`, `plugin` for the declarations of objects.

pub(crate) mod error;
pub(crate) mod found;
pub(crate) mod nearest;
pub(crate) mod read;
mod units;
