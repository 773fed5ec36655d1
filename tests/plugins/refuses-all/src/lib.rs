//! Refuses every record, in both directions.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct RefusesAll;

impl SyncObject for RefusesAll {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(_: Row) -> Result<Row, Rejection> {
        Err(Rejection::of_record("not-now", "no record is taken"))
    }

    fn to_remote(_: Row) -> Result<Row, Rejection> {
        Err(Rejection::of_record("not-now", "no record is taken"))
    }
}

export_object!(RefusesAll);
