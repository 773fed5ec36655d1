//! Contacts of Siebel: every field is one remote field.

use sync_object_sdk::table::Kind::{Boolean, Date, Reference, Text};
use sync_object_sdk::table::{Resource, Table, field};

/// What a contact is.
pub const CONTACT: Table = Table {
    name: "contact",
    mapping_version: 1,
    resource: Resource {
        path: "Contact/Contact",
        id: "Id",
        updated: "Updated",
        version: Some("Mod Id"),
        created: Some("Created"),
    },
    user_keys: &[&["First Name", "Last Name", "Email Address"], &["First Name", "Last Name", "Account Id"]],
    fields: &[
        field("first_name", Text(50), "First Name"),
        field("last_name", Text(50), "Last Name").required(),
        field("email", Text(100), "Email Address"),
        field("work_phone", Text(40), "Work Phone #"),
        field("mobile", Text(40), "Cellular Phone #"),
        field("job_title", Text(75), "Job Title"),
        field("birth_date", Date, "Birth Date"),
        field("no_email", Boolean, "Suppress All Emails"),
        field("account_id", Reference("account"), "Account Id"),
    ],
};

#[cfg(test)]
mod tests {
    use super::CONTACT;
    use sync_object_sdk::Value;
    use sync_object_sdk::fixture::{date, reference, row, text};

    #[test]
    fn maps_there_and_back() {
        let object = CONTACT.describe();
        let remote = row(
            &object.remote,
            &[
                ("First Name", text("Ada")),
                ("Last Name", text("Byron")),
                ("Email Address", text("ada@example.com")),
                ("Cellular Phone #", text("+44 20 1234")),
                ("Birth Date", date("1985-12-10")),
                ("Suppress All Emails", Value::Boolean(true)),
                ("Account Id", reference("1-AB")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("first_name", text("Ada")),
                ("last_name", text("Byron")),
                ("email", text("ada@example.com")),
                ("mobile", text("+44 20 1234")),
                ("birth_date", date("1985-12-10")),
                ("no_email", Value::Boolean(true)),
                ("account_id", reference("1-AB")),
            ],
        );
        assert_eq!(CONTACT.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(CONTACT.to_remote(local), Ok(remote));
    }
}
