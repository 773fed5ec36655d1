//! Fills an empty location with that of the record before.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

const OBJECT: Table = Table { name: "remembers", ..base::ACCOUNT };

/// The component's entry points.
pub struct Remembers;

impl SyncObject for Remembers {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(mut remote: Row) -> Result<Row, Rejection> {
        LAST.with_borrow_mut(|last| {
            if remote[1] == Value::Null {
                remote[1] = last.clone();
            } else {
                *last = remote[1].clone();
            }
        });
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        OBJECT.to_remote(local)
    }
}

thread_local! {
    static LAST: std::cell::RefCell<Value> = const { std::cell::RefCell::new(Value::Null) };
}

export_object!(Remembers);
