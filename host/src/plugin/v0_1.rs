//! Interface version 0.1: its generated bindings, and the way between their types and the core's. Nothing is
//! cloned.

use sync_core::object::{Descriptor, Field, Resource, Traits};
use sync_core::value::{Kind, Value};

/// Generated from `wit/object.wit`.
#[allow(missing_docs, reason = "documented in wit/object.wit")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "object-plugin" });
}

pub(super) use bindings::exports::crm::sync_object::mapping::Guest as Mapping;
pub(super) use bindings::exports::crm::sync_object::types::{Rejection, Row};
pub(super) use bindings::{ObjectPlugin, ObjectPluginIndices, ObjectPluginPre};

use bindings::exports::crm::sync_object::descriptor as wit;
use bindings::exports::crm::sync_object::types::Value as WitValue;

/// The host's row as the plugin's.
pub(super) fn to_plugin(row: Vec<Value>) -> Row {
    row.into_iter().map(WitValue::from).collect()
}

/// The plugin's row as the host's.
pub(super) fn from_plugin(row: Row) -> Vec<Value> {
    row.into_iter().map(Value::from).collect()
}

impl From<Value> for WitValue {
    fn from(value: Value) -> WitValue {
        match value {
            Value::Absent => WitValue::Absent,
            Value::Null => WitValue::Null,
            Value::Boolean(it) => WitValue::Boolean(it),
            Value::Integer(it) => WitValue::Integer(it),
            Value::Decimal(it) => WitValue::Decimal(it),
            Value::Text(it) => WitValue::Text(it),
            Value::Choices(it) => WitValue::Choices(it),
            Value::Date(it) => WitValue::Date(it),
            Value::Timestamp(it) => WitValue::Timestamp(it),
            Value::Bytes(it) => WitValue::Bytes(it),
            Value::Reference(it) => WitValue::Reference(it),
        }
    }
}

impl From<WitValue> for Value {
    fn from(value: WitValue) -> Value {
        match value {
            WitValue::Absent => Value::Absent,
            WitValue::Null => Value::Null,
            WitValue::Boolean(it) => Value::Boolean(it),
            WitValue::Integer(it) => Value::Integer(it),
            WitValue::Decimal(it) => Value::Decimal(it),
            WitValue::Text(it) => Value::Text(it),
            WitValue::Choices(it) => Value::Choices(it),
            WitValue::Date(it) => Value::Date(it),
            WitValue::Timestamp(it) => Value::Timestamp(it),
            WitValue::Bytes(it) => Value::Bytes(it),
            WitValue::Reference(it) => Value::Reference(it),
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
        assert_eq!(from_plugin(to_plugin(row.clone())), row);
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
