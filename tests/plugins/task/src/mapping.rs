//! Tasks: a well-behaved fifth object, every field one remote field.

use sync_object_sdk::table::Kind::{Boolean, Reference, Text, Timestamp};
use sync_object_sdk::table::{Resource, Table, field};

/// What a task is.
pub const TASK: Table = Table {
    name: "task",
    mapping_version: 1,
    resource: Resource {
        path: "Task/Task",
        id: "Id",
        updated: "Updated",
        version: Some("Mod Id"),
        created: Some("Created"),
    },
    user_keys: &[&["Name", "Account Id"], &["Name"]],
    fields: &[
        field("name", Text(100), "Name").required(),
        field("description", Text(2000), "Description"),
        field("priority", Text(30), "Priority"),
        field("due", Timestamp, "Due"),
        field("done", Boolean, "Done Flag"),
        field("account_id", Reference("account"), "Account Id"),
    ],
};

#[cfg(test)]
mod tests {
    use super::TASK;
    use sync_object_sdk::Value;
    use sync_object_sdk::fixture::{reference, row, text};

    #[test]
    fn maps_there_and_back() {
        let object = TASK.describe();
        let remote = row(
            &object.remote,
            &[
                ("Name", text("Send the offer")),
                ("Due", Value::Timestamp(1_774_085_400_000_000)),
                ("Done Flag", Value::Boolean(false)),
                ("Account Id", reference("1-AB")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("name", text("Send the offer")),
                ("due", Value::Timestamp(1_774_085_400_000_000)),
                ("done", Value::Boolean(false)),
                ("account_id", reference("1-AB")),
            ],
        );
        assert_eq!(TASK.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(TASK.to_remote(local), Ok(remote));
    }
}
