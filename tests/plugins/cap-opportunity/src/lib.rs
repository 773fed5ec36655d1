//! The object `cap-opportunity` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct CapOpportunity;

impl SyncObject for CapOpportunity {
    fn describe() -> Object {
        mapping::CAP_OPPORTUNITY.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::CAP_OPPORTUNITY.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::CAP_OPPORTUNITY.to_remote(local)
    }
}

export_object!(CapOpportunity);
