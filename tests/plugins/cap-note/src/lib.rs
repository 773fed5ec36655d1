//! The object `cap-note` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct CapNote;

impl SyncObject for CapNote {
    fn describe() -> Object {
        mapping::CAP_NOTE.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::CAP_NOTE.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::CAP_NOTE.to_remote(local)
    }
}

export_object!(CapNote);
