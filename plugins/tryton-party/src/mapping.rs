//! Parties of Tryton, which are both its accounts and its contacts. `contact_mechanism:phone` names the party's
//! contact mechanism of that type, a record of its own that the remote's protocol reads and writes.

use sync_object_sdk::table::Kind::{Boolean, Text};
use sync_object_sdk::table::{Resource, Table, field};

/// What a party is.
pub const TRYTON_PARTY: Table = Table {
    name: "tryton-party",
    mapping_version: 1,
    // `_timestamp` also guards writes, so there is no version beside it.
    resource: Resource {
        path: "party.party",
        id: "id",
        updated: "_timestamp",
        version: None,
        created: Some("create_date"),
    },
    // The code identifies a party too, but the server assigns it: a new party has none.
    user_keys: &[&["name"]],
    fields: &[
        field("name", Text(200), "name").required(),
        field("code", Text(50), "code").read_only().computed(),
        field("active", Boolean, "active"),
        field("phone", Text(200), "contact_mechanism:phone"),
        field("email", Text(200), "contact_mechanism:email"),
        field("website", Text(200), "contact_mechanism:website"),
    ],
};

#[cfg(test)]
mod tests {
    use super::TRYTON_PARTY;
    use sync_object_sdk::Value;
    use sync_object_sdk::fixture::{row, text};

    #[test]
    fn maps_there_and_back() {
        let object = TRYTON_PARTY.describe();
        let remote = row(
            &object.remote,
            &[
                ("name", text("Acme")),
                ("code", text("17")),
                ("active", Value::Boolean(true)),
                ("contact_mechanism:email", text("info@example.com")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("name", text("Acme")),
                ("code", text("17")),
                ("active", Value::Boolean(true)),
                ("email", text("info@example.com")),
            ],
        );
        assert_eq!(TRYTON_PARTY.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(TRYTON_PARTY.to_remote(local), Ok(remote));
    }
}
