//! The object of the benchmarks: accounts with twenty fields. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct WideAccount;

impl SyncObject for WideAccount {
    fn describe() -> Object {
        mapping::WIDE_ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::WIDE_ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::WIDE_ACCOUNT.to_remote(local)
    }
}

export_object!(WideAccount);
