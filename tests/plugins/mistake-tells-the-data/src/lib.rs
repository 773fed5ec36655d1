//! Puts the record's data into its refusals, from where they reach the logs.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "tells-the-data", ..base::ACCOUNT };

/// The component's entry points.
pub struct TellsTheData;

impl SyncObject for TellsTheData {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        match local.first() {
            Some(Value::Text(name)) if name.contains('"') => {
                Err(Rejection::of_field(0, "quoted", &format!("the name {name} has quotes")))
            }
            _ => OBJECT.to_remote(local),
        }
    }
}

export_object!(TellsTheData);
