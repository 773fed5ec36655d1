//! Activities of Siebel: every field is one remote field, and a plan ends after it starts.

use sync_object_sdk::table::Kind::{Boolean, Reference, Text, Timestamp};
use sync_object_sdk::table::{Resource, Table, field};
use sync_object_sdk::{Rejection, Value};

/// What an activity is.
pub const ACTIVITY: Table = Table {
    name: "activity",
    mapping_version: 1,
    resource: Resource {
        path: "Action/Action",
        id: "Id",
        updated: "Updated",
        version: Some("Mod Id"),
        created: Some("Created"),
    },
    user_keys: &[&["Activity UID"], &["Type", "Description", "Planned"]],
    fields: &[
        field("type", Text(30), "Type"),
        field("subject", Text(250), "Description").required(),
        field("notes", Text(2000), "Comment"),
        field("planned_start", Timestamp, "Planned"),
        field("planned_end", Timestamp, "Planned Completion"),
        field("due", Timestamp, "Due"),
        field("status", Text(30), "Status"),
        field("priority", Text(30), "Priority"),
        field("done", Boolean, "Done Flag"),
        field("uid", Text(30), "Activity UID").create_only(),
        field("account_id", Reference("account"), "Account Id"),
        field("opportunity_id", Reference("opportunity"), "Opportunity Id"),
        field("contact_id", Reference("contact"), "Primary Contact Id"),
    ],
};

const START: usize = ACTIVITY.local("planned_start");
const END: usize = ACTIVITY.local("planned_end");

/// What is planned does not end before it starts.
pub fn validate(local: &[Value]) -> Vec<Rejection> {
    match (local.get(START), local.get(END)) {
        (Some(Value::Timestamp(start)), Some(Value::Timestamp(end))) if end < start => {
            vec![Rejection::of_field(END, "ends-before-start", "planned end is before planned start")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ACTIVITY, END, validate};
    use sync_object_sdk::Value;
    use sync_object_sdk::fixture::{reference, row, text};

    #[test]
    fn maps_there_and_back() {
        let object = ACTIVITY.describe();
        let remote = row(
            &object.remote,
            &[
                ("Type", text("Call")),
                ("Description", text("Discuss the offer")),
                ("Comment", text("Ask for the date")),
                ("Planned", Value::Timestamp(1_774_085_400_000_000)),
                ("Done Flag", Value::Boolean(false)),
                ("Activity UID", text("A-1")),
                ("Opportunity Id", reference("1-EF")),
                ("Primary Contact Id", reference("1-CD")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("type", text("Call")),
                ("subject", text("Discuss the offer")),
                ("notes", text("Ask for the date")),
                ("planned_start", Value::Timestamp(1_774_085_400_000_000)),
                ("done", Value::Boolean(false)),
                ("uid", text("A-1")),
                ("opportunity_id", reference("1-EF")),
                ("contact_id", reference("1-CD")),
            ],
        );
        assert_eq!(ACTIVITY.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(ACTIVITY.to_remote(local), Ok(remote));
    }

    #[test]
    fn a_plan_ends_after_it_starts() {
        let plan =
            |start, end| row(&ACTIVITY.describe().local, &[("planned_start", start), ("planned_end", end)]);
        assert_eq!(validate(&plan(Value::Timestamp(1), Value::Timestamp(1))), []);
        assert_eq!(validate(&plan(Value::Timestamp(1), Value::Null)), []);
        let rejections = validate(&plan(Value::Timestamp(2), Value::Timestamp(1)));
        assert_eq!(rejections.len(), 1);
        assert_eq!(rejections[0].field, u32::try_from(END).ok());
    }
}
