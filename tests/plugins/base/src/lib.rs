//! A small, well-behaved account, for the plugins of the tests to misbehave with.

use sync_object_sdk::Value;
use sync_object_sdk::table::Kind::Text;
use sync_object_sdk::table::{Resource, Table, field};

/// An account of two fields.
pub const ACCOUNT: Table = Table {
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
    fields: &[field("name", Text(100), "Name").required(), field("location", Text(50), "Location")],
};

/// Whether this is the record, local or remote, that the plugin misbehaves on.
pub fn is_named(row: &[Value], name: &str) -> bool {
    matches!(row.first(), Some(Value::Text(text)) if text == name)
}
