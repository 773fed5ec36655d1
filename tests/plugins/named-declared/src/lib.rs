//! Maps well, but its file would take the place of the component behind declared objects.

use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

const DECLARED: Table = Table { name: "declared", ..base::ACCOUNT };

/// The component's entry points.
pub struct NamedDeclared;

impl SyncObject for NamedDeclared {
    fn describe() -> Object {
        DECLARED.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        DECLARED.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        DECLARED.to_remote(local)
    }
}

export_object!(NamedDeclared);
