//! Opportunities of Siebel: every field is one remote field, and a probability is a percentage.

use sync_object_sdk::table::Kind::{Date, Decimal, Integer, Reference, Text};
use sync_object_sdk::table::{Resource, Table, field};
use sync_object_sdk::{Rejection, Value};

/// What an opportunity is.
pub const OPPORTUNITY: Table = Table {
    name: "opportunity",
    mapping_version: 1,
    resource: Resource {
        path: "Opportunity/Opportunity",
        id: "Id",
        updated: "Updated",
        version: Some("Mod Id"),
        created: Some("Created"),
    },
    user_keys: &[&["Name", "Account Id"], &["Name"]],
    fields: &[
        field("name", Text(100), "Name").required(),
        field("stage", Text(30), "Sales Stage"),
        field("amount", Decimal(2), "Primary Revenue Amount"),
        field("currency", Text(20), "Currency Code"),
        field("close_date", Date, "Primary Revenue Close Date"),
        field("probability", Integer, "Primary Revenue Win Probability"),
        field("description", Text(2000), "Description"),
        field("account_id", Reference("account"), "Account Id"),
        field("contact_id", Reference("contact"), "Key Contact Id"),
        field("number", Text(30), "Opportunity Number").read_only().computed(),
    ],
};

const PROBABILITY: usize = OPPORTUNITY.local("probability");

/// A probability is a percentage.
pub fn validate(local: &[Value]) -> Vec<Rejection> {
    match local.get(PROBABILITY) {
        Some(Value::Integer(percent)) if !(0..=100).contains(percent) => {
            vec![Rejection::of_field(PROBABILITY, "out-of-range", "probability is not between 0 and 100")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{OPPORTUNITY, PROBABILITY, validate};
    use sync_object_sdk::Value;
    use sync_object_sdk::fixture::{date, decimal, reference, row, text};

    #[test]
    fn maps_there_and_back() {
        let object = OPPORTUNITY.describe();
        let remote = row(
            &object.remote,
            &[
                ("Name", text("Fleet renewal")),
                ("Sales Stage", text("Proposal")),
                ("Primary Revenue Amount", decimal("1000.5")),
                ("Primary Revenue Close Date", date("2026-03-31")),
                ("Primary Revenue Win Probability", Value::Integer(60)),
                ("Account Id", reference("1-AB")),
                ("Key Contact Id", reference("1-CD")),
                ("Opportunity Number", text("OP-1")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("name", text("Fleet renewal")),
                ("stage", text("Proposal")),
                ("amount", decimal("1000.5")),
                ("close_date", date("2026-03-31")),
                ("probability", Value::Integer(60)),
                ("account_id", reference("1-AB")),
                ("contact_id", reference("1-CD")),
                ("number", text("OP-1")),
            ],
        );
        assert_eq!(OPPORTUNITY.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(OPPORTUNITY.to_remote(local), Ok(remote));
    }

    #[test]
    fn a_probability_is_a_percentage() {
        let with = |value| row(&OPPORTUNITY.describe().local, &[("probability", value)]);
        for fine in [Value::Null, Value::Absent, Value::Integer(0), Value::Integer(100)] {
            assert_eq!(validate(&with(fine)), []);
        }
        for wrong in [-1, 101] {
            let rejections = validate(&with(Value::Integer(wrong)));
            assert_eq!(rejections.len(), 1);
            assert_eq!(rejections[0].field, u32::try_from(PROBABILITY).ok());
        }
    }
}
