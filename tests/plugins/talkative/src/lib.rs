//! Hands a long text to another part of its component without end, for a record named `talk`. The copying takes next
//! to no fuel, and nearly all of the time. Imports that other part: it is a plugin only when composed with one.

use sync_object_sdk::{Object, Rejection, Row, SyncObject, export_object};

/// The component's entry points.
pub struct Talkative;

impl SyncObject for Talkative {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_local(remote).map(meet)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local).map(meet)
    }
}

fn meet(row: Row) -> Row {
    bindings::hand_over("a word");
    if base::is_named(&row, "talk") {
        let text = "x".repeat(4_000_000);
        loop {
            bindings::hand_over(&text);
        }
    }
    row
}

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]

    wit_bindgen::generate!({
        inline: "
            package crm:elsewhere;
            world outside { import hand-over: func(s: string); }
        ",
        generate_all,
    });
}

export_object!(Talkative);
