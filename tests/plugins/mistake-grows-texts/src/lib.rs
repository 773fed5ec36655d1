//! Writes the location beside the name, which is then longer than its field.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "grows-texts", ..base::ACCOUNT };

/// The component's entry points.
pub struct GrowsTexts;

impl SyncObject for GrowsTexts {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(mut remote: Row) -> Result<Row, Rejection> {
        if let [Value::Text(name), Value::Text(location)] = remote.as_mut_slice() {
            name.push_str(&format!(" ({location})"));
        }
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        OBJECT.to_remote(local)
    }
}

export_object!(GrowsTexts);
