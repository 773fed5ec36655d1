//! The account of `older-mapping` in its next version: it lost the location and gained the city.

use sync_object_sdk::table::Kind::Text;
use sync_object_sdk::table::{Table, field};
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

const ACCOUNT: Table = Table {
    mapping_version: 2,
    user_keys: &[&["Name"]],
    fields: &[field("name", Text(100), "Name").required(), field("city", Text(50), "City")],
    ..base::ACCOUNT
};

/// The component's entry points.
pub struct NewerMapping;

impl SyncObject for NewerMapping {
    fn describe() -> Object {
        ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        ACCOUNT.to_remote(local)
    }
}

export_object!(NewerMapping);
