//! Takes it for granted that a location is there.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "panics-on-null", ..base::ACCOUNT };

/// The component's entry points.
pub struct PanicsOnNull;

impl SyncObject for PanicsOnNull {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        let Some(Value::Text(_)) = remote.get(1) else { panic!("every account has a location") };
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        OBJECT.to_remote(local)
    }
}

export_object!(PanicsOnNull);
