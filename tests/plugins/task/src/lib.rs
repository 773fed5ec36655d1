//! The object `task` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct Task;

impl SyncObject for Task {
    fn describe() -> Object {
        mapping::TASK.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::TASK.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::TASK.to_remote(local)
    }
}

export_object!(Task);
