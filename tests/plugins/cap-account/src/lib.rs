//! The object `cap-account` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct CapAccount;

impl SyncObject for CapAccount {
    fn describe() -> Object {
        mapping::CAP_ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::CAP_ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::CAP_ACCOUNT.to_remote(local)
    }
}

export_object!(CapAccount);
