//! What the pipeline needs from the outside world: a [`Remote`], a [`Store`] (the local records,
//! the baseline and the logs, in one file so that one transaction covers them), and a [`Mapper`].
//!
//! The pipeline imports these traits and the core, never an adapter.

mod mapper;
mod person;
mod remote;
mod store;

pub use mapper::{MapError, Mapper};
pub use person::{Answer, Person};
pub use remote::{
    Capabilities, Feed, FieldDescription, Holds, IdsFrom, Lock, Mark, Pages, Remote, RemoteDelete,
    RemoteError, RemoteRecord, RemoteUpdate, Requests, ResourceDescription, Scope, Stretch, View, WriteError,
    Written, side_by_side,
};
pub use store::{
    Baseline, Change, Changed, ConflictEntry, ConflictField, Intent, IssueEntry, LocalRecord, LocalStatus,
    ObjectState, Snapshot, Store, StoreError, Unfit, Unmade,
};
