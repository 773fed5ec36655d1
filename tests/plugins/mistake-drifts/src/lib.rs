//! Takes one blank off the end of the name each time it is sent: after each synchronization there is one more change.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "drifts", ..base::ACCOUNT };

/// The component's entry points.
pub struct Drifts;

impl SyncObject for Drifts {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        OBJECT.to_local(remote)
    }

    fn to_remote(mut local: Row) -> Result<Row, Rejection> {
        if let Some(Value::Text(name)) = local.first_mut()
            && name.len() > 1
            && name.ends_with(' ')
        {
            name.pop();
        }
        OBJECT.to_remote(local)
    }
}

export_object!(Drifts);
