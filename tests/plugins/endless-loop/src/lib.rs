//! Never returns from a record named `loop`. Only fuel stops it.

use std::hint::black_box;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct EndlessLoop;

impl SyncObject for EndlessLoop {
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

fn meet(row: Row) -> Row {
    while base::is_named(black_box(&row), "loop") {}
    row
}

export_object!(EndlessLoop);
