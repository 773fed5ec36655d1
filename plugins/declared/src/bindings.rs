//! Generated from `wit/declared.wit` and the contract with plugins.
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated: the canonical ABI passes pointers")]

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "crm:declared-object/declared-object",
    additional_derives: [Clone, PartialEq, Eq],
});

pub use exports::crm::declared_object::declaration::{
    Check, Condition, Constant, DecimalForm, Form, LetterCase, Lookup, ObjectDeclaration, Pair, Parts, Piece,
    Rule, Side, TextForm,
};
pub use exports::crm::sync_object::descriptor::{Field, Kind, Object};
pub use exports::crm::sync_object::types::{Rejection, Row, Value};
