//! Maps well, but imports an interface that the contract does not know.

use bindings::crm::elsewhere::clock;
use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct Imports;

impl SyncObject for Imports {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        clock::now();
        base::ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local)
    }
}

mod bindings {
    #![allow(missing_docs, unsafe_code, reason = "generated")]

    wit_bindgen::generate!({
        inline: "
            package crm:elsewhere;
            interface clock { now: func() -> u64; }
            world outside { import clock; }
        ",
        generate_all,
    });
}

export_object!(Imports);
