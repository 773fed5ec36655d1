//! An account for version 0.1.7 of the contract, which has an optional interface that no host of today knows.

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

use bindings::exports::crm::sync_object::{descriptor, greeting, mapping, merging, types};
use descriptor::{Field, Kind, Object, Resource, Traits};
use types::{Rejection, Row};

/// The component's entry points.
pub struct LaterPatch;

impl descriptor::Guest for LaterPatch {
    fn describe() -> Object {
        let field = |name: &str| Field { name: name.into(), kind: Kind::Text(100), traits: Traits::REQUIRED };
        Object {
            name: "account".into(),
            mapping_version: 1,
            local: vec![field("name")],
            remote: vec![field("Name")],
            resource: Resource {
                path: "Account/Account".into(),
                id: "Id".into(),
                updated: "Updated".into(),
                version: Some("Mod Id".into()),
                created: Some("Created".into()),
            },
            user_keys: vec![vec!["Name".into()]],
        }
    }
}

impl mapping::Guest for LaterPatch {
    fn to_local(remote: Vec<Row>) -> Vec<Result<Row, Rejection>> {
        remote.into_iter().map(Ok).collect()
    }

    fn to_remote(local: Vec<Row>) -> Vec<Result<Row, Rejection>> {
        local.into_iter().map(Ok).collect()
    }

    fn validate(local: Vec<Row>) -> Vec<Vec<Rejection>> {
        local.into_iter().map(|_| Vec::new()).collect()
    }
}

impl merging::Guest for LaterPatch {
    fn resolve(conflicts: Vec<merging::Conflict>) -> Vec<merging::Resolution> {
        conflicts.into_iter().map(|_| merging::Resolution::KeepRemote).collect()
    }
}

impl greeting::Guest for LaterPatch {
    fn greet() -> String {
        "hello".into()
    }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
const _: () = {
    bindings::export!(LaterPatch with_types_in bindings);
};
