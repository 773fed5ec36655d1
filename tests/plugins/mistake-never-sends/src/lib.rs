//! Says of the remote location that it is read-only, and of the local one that it may be edited.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, Traits, export_object};

/// The component's entry points.
pub struct NeverSends;

impl SyncObject for NeverSends {
    fn describe() -> Object {
        let mut object = base::ACCOUNT.describe();
        object.name = "never-sends".to_owned();
        object.remote[1].traits |= Traits::READ_ONLY;
        object
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local)
    }
}

export_object!(NeverSends);
