//! The object `tryton-opportunity` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct TrytonOpportunity;

impl SyncObject for TrytonOpportunity {
    fn describe() -> Object {
        mapping::TRYTON_OPPORTUNITY.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::TRYTON_OPPORTUNITY.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::TRYTON_OPPORTUNITY.to_remote(local)
    }
}

export_object!(TrytonOpportunity);
