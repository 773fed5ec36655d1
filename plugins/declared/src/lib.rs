//! The one component that carries out every object that is declared in a file `NAME.object.toml`. The host reads and
//! checks the file, and hands it in as data before it calls; what becomes of a record stands in [`mapping`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod bindings;
mod calendar;
mod checks;
mod date;
mod decimal;
#[cfg(test)]
mod laws;
pub mod mapping;
mod parts;
mod text;

use bindings::exports::crm::declared_object::declaration;
use bindings::exports::crm::sync_object::{descriptor, mapping as contract};
use bindings::{Object, ObjectDeclaration, Rejection, Row};
use mapping::Mapping;
use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    /// What this instance was told. The host makes an instance for each call.
    static DECLARED: RefCell<Option<Rc<Mapping>>> = const { RefCell::new(None) };
}

/// The component's entry points.
pub struct Declared;

impl declaration::Guest for Declared {
    fn declare(declaration: ObjectDeclaration) {
        DECLARED.set(Some(Rc::new(Mapping::new(declaration))));
    }
}

impl descriptor::Guest for Declared {
    #[expect(clippy::panic, reason = "nothing can be described, and the host never asks")]
    fn describe() -> Object {
        match declared() {
            Some(mapping) => mapping.describe(),
            None => panic!("nothing was declared"),
        }
    }
}

impl contract::Guest for Declared {
    fn to_local(remote: Vec<Row>) -> Vec<Result<Row, Rejection>> {
        each(remote, Mapping::to_local)
    }

    fn to_remote(local: Vec<Row>) -> Vec<Result<Row, Rejection>> {
        each(local, Mapping::to_remote)
    }

    fn validate(local: Vec<Row>) -> Vec<Vec<Rejection>> {
        let mapping = declared();
        let verdict = |row: Row| match &mapping {
            Some(mapping) => mapping.validate(&row),
            None => vec![undeclared()],
        };
        local.into_iter().map(verdict).collect()
    }
}

fn declared() -> Option<Rc<Mapping>> {
    DECLARED.with_borrow(Clone::clone)
}

fn each(rows: Vec<Row>, map: fn(&Mapping, Row) -> Result<Row, Rejection>) -> Vec<Result<Row, Rejection>> {
    match declared() {
        Some(mapping) => rows.into_iter().map(|row| map(&mapping, row)).collect(),
        None => rows.iter().map(|_| Err(undeclared())).collect(),
    }
}

fn undeclared() -> Rejection {
    Rejection { field: None, code: "undeclared".into(), message: "no object was declared".into() }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
const _: () = {
    bindings::export!(Declared with_types_in bindings);
};
