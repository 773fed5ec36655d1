//! An account of an endpoint that has stamps and no version numbers.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct Versionless;

impl SyncObject for Versionless {
    fn describe() -> Object {
        let mut object = base::ACCOUNT.describe();
        object.resource.version = None;
        object
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local)
    }
}

export_object!(Versionless);
