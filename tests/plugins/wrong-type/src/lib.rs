//! Returns an integer where text is declared, for a record named `type`.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

/// The component's entry points.
pub struct WrongType;

impl SyncObject for WrongType {
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
    if base::is_named(&row, "type") {
        row[0] = Value::Integer(1);
    }
    row
}

export_object!(WrongType);
