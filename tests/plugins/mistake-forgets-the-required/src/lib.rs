//! Leaves the name out where it is the location, too.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "forgets-the-required", ..base::ACCOUNT };

/// The component's entry points.
pub struct ForgetsTheRequired;

impl SyncObject for ForgetsTheRequired {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        OBJECT.to_local(remote)
    }

    fn to_remote(mut local: Row) -> Result<Row, Rejection> {
        if local[0] == local[1] || base::is_named(&local, "N/A") {
            local[0] = Value::Null;
        }
        OBJECT.to_remote(local)
    }
}

export_object!(ForgetsTheRequired);
