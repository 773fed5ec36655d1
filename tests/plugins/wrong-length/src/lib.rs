//! Returns a row one value short for a record named `short`.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct WrongLength;

impl SyncObject for WrongLength {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_local(remote).map(meet)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local).map(meet)
    }
}

fn meet(mut row: Row) -> Row {
    if base::is_named(&row, "short") {
        row.pop();
    }
    row
}

export_object!(WrongLength);
