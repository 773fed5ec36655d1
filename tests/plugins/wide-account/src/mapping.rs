//! Accounts of the reference CRM with everything that it knows of them: twenty fields.

use sync_object_sdk::table::Kind::{Decimal, Integer, Reference, Text, Timestamp};
use sync_object_sdk::table::{Resource, Table, field};

/// What an account with twenty fields is.
pub const WIDE_ACCOUNT: Table = Table {
    name: "account",
    mapping_version: 1,
    resource: Resource {
        path: "Account/Account",
        id: "Id",
        updated: "Updated",
        version: Some("Mod Id"),
        created: Some("Created"),
    },
    user_keys: &[&["Name", "Location"], &["Name"]],
    fields: &[
        field("name", Text(100), "Name").required(),
        field("location", Text(50), "Location"),
        field("type", Text(30), "Type"),
        field("status", Text(30), "Account Status"),
        field("phone", Text(40), "Main Phone Number"),
        field("fax", Text(40), "Main Fax Number"),
        field("website", Text(100), "Home Page"),
        field("street", Text(200), "Street Address"),
        field("city", Text(50), "City"),
        field("state", Text(30), "State"),
        field("postal_code", Text(30), "Postal Code"),
        field("country", Text(30), "Country"),
        field("employees", Integer, "Number of Employees"),
        field("revenue", Decimal(2), "Annual Revenue"),
        field("currency", Text(20), "Currency Code"),
        field("description", Text(2000), "Description"),
        field("parent_id", Reference("account"), "Parent Account Id"),
        field("created", Timestamp, "Created").read_only().computed(),
        field("created_by", Text(15), "Created By").read_only().computed(),
        field("updated_by", Text(15), "Updated By").read_only().computed(),
    ],
};
