//! Opportunities of Tryton. Its probability is a share between 0 and 1, kept as a decimal because there is no
//! floating point in a row.

use sync_object_sdk::table::Kind::{Date, Decimal, Reference, Text};
use sync_object_sdk::table::{Resource, Table, field};

/// What an opportunity is.
pub const TRYTON_OPPORTUNITY: Table = Table {
    name: "tryton-opportunity",
    mapping_version: 1,
    // `_timestamp` also guards writes, so there is no version beside it.
    resource: Resource {
        path: "sale.opportunity",
        id: "id",
        updated: "_timestamp",
        version: None,
        created: Some("create_date"),
    },
    user_keys: &[&["description", "party"], &["description"]],
    fields: &[
        field("description", Text(250), "description").required(),
        field("party_id", Reference("tryton-party"), "party"),
        field("amount", Decimal(2), "amount"),
        // Moved by the server's buttons only: a `write` of it is refused.
        field("state", Text(20), "state").read_only(),
        field("start_date", Date, "start_date"),
        field("end_date", Date, "end_date"),
        field("conversion_probability", Decimal(4), "conversion_probability"),
    ],
};

#[cfg(test)]
mod tests {
    use super::TRYTON_OPPORTUNITY;
    use sync_object_sdk::fixture::{date, decimal, reference, row, text};

    #[test]
    fn maps_there_and_back() {
        let object = TRYTON_OPPORTUNITY.describe();
        let remote = row(
            &object.remote,
            &[
                ("description", text("Big deal")),
                ("party", reference("3")),
                ("amount", decimal("1000.5")),
                ("state", text("lead")),
                ("start_date", date("2026-03-21")),
                ("conversion_probability", decimal("0.5")),
            ],
        );
        let local = row(
            &object.local,
            &[
                ("description", text("Big deal")),
                ("party_id", reference("3")),
                ("amount", decimal("1000.5")),
                ("state", text("lead")),
                ("start_date", date("2026-03-21")),
                ("conversion_probability", decimal("0.5")),
            ],
        );
        assert_eq!(TRYTON_OPPORTUNITY.to_local(remote.clone()), Ok(local.clone()));
        assert_eq!(TRYTON_OPPORTUNITY.to_remote(local), Ok(remote));
    }
}
