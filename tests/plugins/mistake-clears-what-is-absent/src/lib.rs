//! Takes a value that was not sent for an empty one.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "clears-what-is-absent", ..base::ACCOUNT };

/// The component's entry points.
pub struct ClearsWhatIsAbsent;

impl SyncObject for ClearsWhatIsAbsent {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(mut remote: Row) -> Result<Row, Rejection> {
        for value in &mut remote {
            if *value == Value::Absent {
                *value = Value::Null;
            }
        }
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        OBJECT.to_remote(local)
    }
}

export_object!(ClearsWhatIsAbsent);
