//! An account that settles its own conflicts: where both sides changed it, the local one keeps the name and the remote
//! one the location. A person decides at a first meeting, or of a record named `ask`. It fails on records named `panic`
//! and `short`.

use bindings::exports::crm::sync_object::merging::{Conflict, Guest, Resolution};
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

/// The component's entry points.
pub struct Merging;

impl SyncObject for Merging {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_local(remote)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local)
    }
}

impl Guest for Merging {
    fn resolve(conflicts: Vec<Conflict>) -> Vec<Resolution> {
        conflicts.into_iter().map(settle).collect()
    }
}

fn settle(conflict: Conflict) -> Resolution {
    assert!(!base::is_named(&conflict.local, "panic"), "a record named panic");
    if base::is_named(&conflict.local, "short") {
        return Resolution::Merged(Vec::new());
    }
    if base::is_named(&conflict.local, "ask") {
        return Resolution::Ask;
    }
    let Some(base) = conflict.base else { return Resolution::Ask };
    // What only the other side changed is the other side's.
    let pick = |at: usize, preferred: &Row, other: &Row| {
        if preferred[at] == base[at] { other[at].clone() } else { preferred[at].clone() }
    };
    let (local, remote) = (&conflict.local, &conflict.remote);
    Resolution::Merged(vec![pick(0, local, remote), pick(1, remote, local)])
}

export_object!(Merging);
#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
const _: () = {
    bindings::export!(Merging with_types_in bindings);
};
