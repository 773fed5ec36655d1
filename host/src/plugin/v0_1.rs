//! Interface version 0.1: its generated bindings, and the way between their types and the core's. Nothing is
//! cloned: what goes in is borrowed, what comes out is handed on.

use std::borrow::Borrow;
use sync_core::object::{Descriptor, Field, Resource, Traits};
use sync_core::value::{Kind, Row, Value};

/// Generated from `wit/object.wit`.
#[allow(missing_docs, reason = "documented in wit/object.wit")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "object-plugin",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

pub(super) use bindings::exports::crm::sync_object::mapping::Guest as Mapping;
pub(super) use bindings::exports::crm::sync_object::types::{Rejection, RowResult, ValueParam};
pub(super) use bindings::{ObjectPlugin, ObjectPluginIndices, ObjectPluginPre};

use bindings::exports::crm::sync_object::descriptor as wit;
use bindings::exports::crm::sync_object::types::ValueResult;

/// Lends the host's rows as the plugin's.
pub(super) fn lend<T>(rows: &[impl Borrow<Row>], to: impl FnOnce(&[&[ValueParam<'_>]]) -> T) -> T {
    let rows = rows.iter().map(Borrow::borrow);
    // What the plugin's multiple choices borrow.
    let choices: Vec<Vec<&str>> = rows.clone().flatten().filter_map(choices).collect();
    let mut choices = choices.iter();
    let rows: Vec<Vec<ValueParam<'_>>> =
        rows.map(|row| row.iter().map(|value| param(value, &mut choices)).collect()).collect();
    to(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn choices(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Choices(it) => Some(it.iter().map(String::as_str).collect()),
        _ => None,
    }
}

fn param<'v>(value: &'v Value, choices: &mut std::slice::Iter<'v, Vec<&'v str>>) -> ValueParam<'v> {
    match value {
        Value::Absent => ValueParam::Absent,
        Value::Null => ValueParam::Null,
        Value::Boolean(it) => ValueParam::Boolean(*it),
        Value::Integer(it) => ValueParam::Integer(*it),
        Value::Decimal(it) => ValueParam::Decimal(it),
        Value::Text(it) => ValueParam::Text(it),
        Value::Choices(_) => ValueParam::Choices(choices.next().map_or(&[], Vec::as_slice)),
        Value::Date(it) => ValueParam::Date(it),
        Value::Timestamp(it) => ValueParam::Timestamp(*it),
        Value::Bytes(it) => ValueParam::Bytes(it),
        Value::Reference(it) => ValueParam::Reference(it),
    }
}

/// The plugin's row as the host's.
pub(super) fn from_plugin(row: RowResult) -> Row {
    row.into_iter().map(Value::from).collect()
}

impl From<ValueResult> for Value {
    fn from(value: ValueResult) -> Value {
        match value {
            ValueResult::Absent => Value::Absent,
            ValueResult::Null => Value::Null,
            ValueResult::Boolean(it) => Value::Boolean(it),
            ValueResult::Integer(it) => Value::Integer(it),
            ValueResult::Decimal(it) => Value::Decimal(it),
            ValueResult::Text(it) => Value::Text(it),
            ValueResult::Choices(it) => Value::Choices(it),
            ValueResult::Date(it) => Value::Date(it),
            ValueResult::Timestamp(it) => Value::Timestamp(it),
            ValueResult::Bytes(it) => Value::Bytes(it),
            ValueResult::Reference(it) => Value::Reference(it),
        }
    }
}

impl From<wit::Object> for Descriptor {
    fn from(object: wit::Object) -> Descriptor {
        let fields = |fields: Vec<wit::Field>| fields.into_iter().map(Field::from).collect();
        Descriptor {
            name: object.name,
            mapping_version: object.mapping_version,
            local: fields(object.local),
            remote: fields(object.remote),
            resource: Resource {
                path: object.resource.path,
                id: object.resource.id,
                updated: object.resource.updated,
                version: object.resource.version,
                created: object.resource.created,
            },
            user_keys: object.user_keys,
        }
    }
}

impl From<wit::Field> for Field {
    fn from(field: wit::Field) -> Field {
        let has = |of| field.traits.contains(of);
        let traits = Traits {
            required: has(wit::Traits::REQUIRED),
            read_only: has(wit::Traits::READ_ONLY),
            computed: has(wit::Traits::COMPUTED),
            create_only: has(wit::Traits::CREATE_ONLY),
            not_compared: has(wit::Traits::NOT_COMPARED),
        };
        let kind = match field.kind {
            wit::Kind::Boolean => Kind::Boolean,
            wit::Kind::Integer => Kind::Integer,
            wit::Kind::Decimal(scale) => Kind::Decimal(scale),
            wit::Kind::Text(length) => Kind::Text(length),
            wit::Kind::Choices => Kind::Choices,
            wit::Kind::Date => Kind::Date,
            wit::Kind::Timestamp => Kind::Timestamp,
            wit::Kind::Bytes => Kind::Bytes,
            wit::Kind::Reference(object) => Kind::Reference(object),
        };
        Field { name: field.name, kind, traits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        let row = vec![
            Value::Absent,
            Value::Null,
            Value::Boolean(true),
            Value::Integer(-3),
            Value::Decimal("10.5".into()),
            Value::Text("Acme".into()),
            Value::Choices(vec!["a".into(), "b".into()]),
            Value::Date("2026-03-21".into()),
            Value::Timestamp(1),
            Value::Bytes(vec![0, 255]),
            Value::Reference("1-AB".into()),
        ];
        let back = vec![
            ValueResult::Absent,
            ValueResult::Null,
            ValueResult::Boolean(true),
            ValueResult::Integer(-3),
            ValueResult::Decimal("10.5".into()),
            ValueResult::Text("Acme".into()),
            ValueResult::Choices(vec!["a".into(), "b".into()]),
            ValueResult::Date("2026-03-21".into()),
            ValueResult::Timestamp(1),
            ValueResult::Bytes(vec![0, 255]),
            ValueResult::Reference("1-AB".into()),
        ];
        let shown = |values: &dyn std::fmt::Debug| format!("{values:?}").replace("ValueParam", "ValueResult");
        assert_eq!(lend(&[&row, &row], |rows| shown(&rows)), shown(&[&back, &back]));
        assert_eq!(from_plugin(back), row);
    }

    #[test]
    fn traits_are_told_apart() {
        let field =
            |traits| Field::from(wit::Field { name: "n".into(), kind: wit::Kind::Decimal(2), traits });
        let known = field(wit::Traits::REQUIRED | wit::Traits::CREATE_ONLY);
        assert_eq!(known.kind, Kind::Decimal(2));
        assert_eq!(known.traits, Traits { required: true, create_only: true, ..Traits::default() });
        assert_eq!(
            field(wit::Traits::READ_ONLY | wit::Traits::COMPUTED | wit::Traits::NOT_COMPARED).traits,
            Traits { read_only: true, computed: true, not_compared: true, ..Traits::default() }
        );
    }
}
