//! The object `activity` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

/// The component's entry points.
pub struct Activity;

impl SyncObject for Activity {
    fn describe() -> Object {
        mapping::ACTIVITY.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::ACTIVITY.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::ACTIVITY.to_remote(local)
    }

    fn validate(local: &[Value]) -> Vec<Rejection> {
        mapping::validate(local)
    }
}

export_object!(Activity);
