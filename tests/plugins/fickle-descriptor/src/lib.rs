//! Describes itself differently at every call to the same instance.

use std::sync::atomic::{AtomicU32, Ordering};
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct FickleDescriptor;

impl SyncObject for FickleDescriptor {
    fn describe() -> Object {
        let mapping_version = CALLS.fetch_add(1, Ordering::Relaxed);
        Object { mapping_version, ..base::ACCOUNT.describe() }
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local)
    }
}

static CALLS: AtomicU32 = AtomicU32::new(1);

export_object!(FickleDescriptor);
