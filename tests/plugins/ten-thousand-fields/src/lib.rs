//! An account of ten thousand fields on either side, mapped one to one.

use sync_object_sdk::{Field, Kind, Traits};
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct TenThousandFields;

impl SyncObject for TenThousandFields {
    fn describe() -> Object {
        let mut object = base::ACCOUNT.describe();
        extend(&mut object.local);
        extend(&mut object.remote);
        object
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        Ok(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        Ok(local)
    }
}

fn extend(fields: &mut Vec<Field>) {
    let more = fields.len()..10_000;
    fields.extend(more.map(|at| Field {
        name: format!("field_{at}"),
        kind: Kind::Text(10),
        traits: Traits::empty(),
    }));
}

export_object!(TenThousandFields);
