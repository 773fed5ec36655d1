//! Allocates without end on a record named `bomb`. Only the memory limit stops it.

use std::hint::black_box;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct MemoryBomb;

impl SyncObject for MemoryBomb {
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
    let mut hoard = Vec::new();
    while base::is_named(&row, "bomb") {
        hoard.push(black_box(Vec::<u8>::with_capacity(1 << 20)));
    }
    row
}

export_object!(MemoryBomb);
