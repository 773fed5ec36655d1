//! Its one user key is a number that the server gives, and a new record has none.

use sync_object_sdk::table::Kind::Text;
use sync_object_sdk::table::{Table, field};
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

const OBJECT: Table = Table {
    name: "keyless",
    user_keys: &[&["Number"]],
    fields: &[
        field("name", Text(100), "Name").required(),
        field("number", Text(30), "Number").read_only().computed(),
    ],
    ..base::ACCOUNT
};

/// The component's entry points.
pub struct Keyless;

impl SyncObject for Keyless {
    fn describe() -> Object {
        OBJECT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        OBJECT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        OBJECT.to_remote(local)
    }
}

export_object!(Keyless);
