//! Cuts names off after ten characters.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "truncates", ..base::ACCOUNT };

/// The component's entry points.
pub struct Truncates;

impl SyncObject for Truncates {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(mut remote: Row) -> Result<Row, Rejection> {
        if let Some(Value::Text(name)) = remote.first_mut() {
            *name = name.chars().take(10).collect();
        }
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        OBJECT.to_remote(local)
    }
}

export_object!(Truncates);
