//! Opportunities of SAP CAP, unique by name and account.

use sync_object_sdk::table::Kind::{Date, Decimal, Reference, Text};
use sync_object_sdk::table::{Resource, Table, field};

/// What an opportunity is.
pub const CAP_OPPORTUNITY: Table = Table {
    name: "cap-opportunity",
    mapping_version: 1,
    resource: Resource {
        path: "Opportunities",
        id: "ID",
        updated: "modifiedAt",
        version: Some("@odata.etag"),
        created: Some("createdAt"),
    },
    user_keys: &[&["name", "account_ID"], &["name"]],
    fields: &[
        field("name", Text(100), "name").required(),
        field("stage", Text(30), "stage"),
        field("amount", Decimal(2), "amount"),
        field("close_date", Date, "closeDate"),
        field("account_id", Reference("cap-account"), "account_ID"),
    ],
};
