//! Settles every conflict for the local side, also where only the remote side changed.

use bindings::exports::crm::sync_object::merging::{Conflict, Guest, Resolution};
use sync_object_sdk::table::Table;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]

    // Only what the sdk's world lacks. The two worlds are joined when the component is linked.
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package crm:optional;
            world settles-conflicts {
                export crm:sync-object/types@0.1.0;
                export crm:sync-object/merging@0.1.0;
            }
        ",
        with: { "crm:sync-object/types@0.1.0/value": sync_object_sdk::Value },
        generate_all,
    });
}

const OBJECT: Table = Table { name: "keeps-its-own", ..base::ACCOUNT };

/// The component's entry points.
pub struct KeepsItsOwn;

impl SyncObject for KeepsItsOwn {
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

impl Guest for KeepsItsOwn {
    fn resolve(conflicts: Vec<Conflict>) -> Vec<Resolution> {
        conflicts.into_iter().map(|_| Resolution::KeepLocal).collect()
    }
}

export_object!(KeepsItsOwn);
#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
const _: () = {
    bindings::export!(KeepsItsOwn with_types_in bindings);
};
