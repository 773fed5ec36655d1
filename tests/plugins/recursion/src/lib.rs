//! Recurses without end on a record named `deep`. Only the stack limit stops it.

use std::hint::black_box;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct Recursion;

impl SyncObject for Recursion {
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
    black_box(depth(&row));
    row
}

/// Not a tail call, or the compiler would make a loop of it.
fn depth(row: &Row) -> u64 {
    if base::is_named(black_box(row), "deep") { depth(row) + 1 } else { 0 }
}

export_object!(Recursion);
