//! Leaks one mebibyte with each record, whatever its name: harmless for one, too much for a long-lived instance.

use std::hint::black_box;
use std::mem::forget;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct SlowGrowth;

impl SyncObject for SlowGrowth {
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
    forget(black_box(Vec::<u8>::with_capacity(1 << 20)));
    row
}

export_object!(SlowGrowth);
