//! Declares two texts, and gives rows that are none: an integer to the local side, one value more to the remote.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

/// The component's entry points.
pub struct Liar;

impl SyncObject for Liar {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        let mut row = base::ACCOUNT.to_local(remote)?;
        row[1] = Value::Integer(1);
        Ok(row)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        let mut row = base::ACCOUNT.to_remote(local)?;
        row.push(Value::Boolean(true));
        Ok(row)
    }
}

export_object!(Liar);
