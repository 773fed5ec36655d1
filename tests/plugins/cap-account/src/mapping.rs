//! Accounts of SAP CAP: a field of every kind, a link to their own kind, a number that the server assigns, and a
//! source that the insert fixes.

use sync_object_sdk::table::Kind::{Boolean, Date, Decimal, Integer, Reference, Text, Timestamp};
use sync_object_sdk::table::{Resource, Table, field};

/// What an account is.
pub const CAP_ACCOUNT: Table = Table {
    name: "cap-account",
    mapping_version: 1,
    resource: Resource {
        path: "Accounts",
        id: "ID",
        updated: "modifiedAt",
        version: Some("@odata.etag"),
        created: Some("createdAt"),
    },
    user_keys: &[&["name", "location"], &["name"]],
    fields: &[
        field("number", Integer, "number").computed(),
        field("name", Text(100), "name").required(),
        field("location", Text(60), "location"),
        field("phone", Text(40), "phone"),
        field("revenue", Decimal(2), "revenue"),
        field("active", Boolean, "active"),
        field("employees", Integer, "employees"),
        field("followers", Integer, "followers"),
        field("rating", Decimal(4), "rating"),
        field("founded", Date, "founded"),
        field("last_call", Timestamp, "lastCall"),
        field("verified_at", Timestamp, "verifiedAt"),
        field("source", Text(20), "source").create_only(),
        field("parent_id", Reference("cap-account"), "parent_ID"),
    ],
};
