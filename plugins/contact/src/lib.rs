//! The object `contact` as a component. What it is stands in [`mapping`].

pub mod mapping;

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct Contact;

impl SyncObject for Contact {
    fn describe() -> Object {
        mapping::CONTACT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        mapping::CONTACT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        mapping::CONTACT.to_remote(local)
    }
}

export_object!(Contact);
