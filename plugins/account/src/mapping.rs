//! Accounts of Siebel: every field is one remote field.

use sync_object_sdk::table::Kind::{Decimal, Integer, Reference, Text};
use sync_object_sdk::table::{Resource, Table, field};

/// What an account is.
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
    ],
};

#[cfg(test)]
mod tests {
    use super::ACCOUNT;
    use sync_object_sdk::Value;
    use sync_object_sdk::fixture::{decimal, reference, row, text};

    #[test]
    fn maps_there_and_back() {
        let object = ACCOUNT.describe();
        let remote = row(
            &object.remote,
            &[
                ("Name", text("Acme")),
                ("Account Status", text("Active")),
                ("Main Phone Number", text("+49 30 1234")),
                ("Street Address", text("Main Street 1")),
                ("Number of Employees", Value::Integer(250)),
                ("Annual Revenue", decimal("1200000.5")),
                ("Parent Account Id", reference("1-AB")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("name", text("Acme")),
                ("status", text("Active")),
                ("phone", text("+49 30 1234")),
                ("street", text("Main Street 1")),
                ("employees", Value::Integer(250)),
                ("revenue", decimal("1200000.5")),
                ("parent_id", reference("1-AB")),
            ],
        );
        assert_eq!(ACCOUNT.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(ACCOUNT.to_remote(local), Ok(remote));
    }
}
