//! Allocates a few kibibytes at a time, without end, for a record named `creep`.

use std::hint::black_box;
use std::mem::forget;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct CreepingGrowth;

impl SyncObject for CreepingGrowth {
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
    while base::is_named(&row, "creep") {
        forget(black_box(Vec::<u8>::with_capacity(16 << 10)));
    }
    row
}

export_object!(CreepingGrowth);
