//! Notes of SAP CAP, which have no ETag.

use sync_object_sdk::table::Kind::{Reference, Text};
use sync_object_sdk::table::{Resource, Table, field};

/// What a note is.
pub const CAP_NOTE: Table = Table {
    name: "cap-note",
    mapping_version: 1,
    resource: Resource {
        path: "Notes",
        id: "ID",
        updated: "modifiedAt",
        version: None,
        created: Some("createdAt"),
    },
    user_keys: &[&["text"]],
    fields: &[
        field("text", Text(2000), "text").required(),
        field("account_id", Reference("cap-account"), "account_ID"),
    ],
};
