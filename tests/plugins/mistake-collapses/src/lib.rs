//! Sends the location `N/A` as the location `0`: another record comes back.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "collapses", ..base::ACCOUNT };

/// The component's entry points.
pub struct Collapses;

impl SyncObject for Collapses {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        OBJECT.to_local(remote)
    }

    fn to_remote(mut local: Row) -> Result<Row, Rejection> {
        if local[1] == Value::Text("N/A".into()) {
            local[1] = Value::Text("0".into());
        }
        OBJECT.to_remote(local)
    }
}

export_object!(Collapses);
