//! An account of an endpoint that does not tell when a record was created: an id that means another record is only
//! known by its content.

use sync_object_sdk::table::{Resource, Table};
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

const ACCOUNT: Table =
    Table { resource: Resource { created: None, ..base::ACCOUNT.resource }, ..base::ACCOUNT };

/// The component's entry points.
pub struct NoCreatedStamp;

impl SyncObject for NoCreatedStamp {
    fn describe() -> Object {
        ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        ACCOUNT.to_remote(local)
    }
}

export_object!(NoCreatedStamp);
