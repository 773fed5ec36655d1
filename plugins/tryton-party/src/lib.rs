//! The object `tryton-party` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct TrytonParty;

impl SyncObject for TrytonParty {
    fn describe() -> Object {
        mapping::TRYTON_PARTY.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::TRYTON_PARTY.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::TRYTON_PARTY.to_remote(local)
    }
}

export_object!(TrytonParty);
