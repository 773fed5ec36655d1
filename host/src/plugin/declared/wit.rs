//! The typed declaration, as the component takes it, and the call that hands it over.

use crate::plugin::limits::{Limits, Meter};
use crate::plugin::v0_1::{ObjectPlugin, ObjectPluginIndices};
use sync_core::object::{Field, Object};
use sync_core::value::{Kind, Value};
use wasmtime::Store;
use wasmtime::component::InstancePre;

/// Generated from `plugins/declared/wit/declared.wit`.
#[allow(missing_docs, reason = "documented in plugins/declared/wit/declared.wit")]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit", "../plugins/declared/wit"],
        world: "crm:declared-object/declared-object",
        additional_derives: [Clone, PartialEq],
    });
}

pub(super) use bindings::exports::crm::declared_object::declaration::{
    Check, Condition, Constant, DecimalForm, Form, LetterCase, Lookup, ObjectDeclaration, Pair, Parts, Piece,
    Rule, Side, TextForm,
};
pub(super) use bindings::exports::crm::sync_object::types::Value as WitValue;

use bindings::DeclaredObjectIndices;
use bindings::exports::crm::sync_object::descriptor as wit;

/// A declaration that is ready to be handed in.
pub(in crate::plugin) struct Declared {
    declaration: ObjectDeclaration,
    declares: DeclaredObjectIndices,
    maps: ObjectPluginIndices,
}

impl Declared {
    pub(super) fn new(
        declaration: ObjectDeclaration,
        component: &InstancePre<Meter>,
    ) -> wasmtime::Result<Declared> {
        let declares = DeclaredObjectIndices::new(component)?;
        Ok(Declared { declaration, declares, maps: ObjectPluginIndices::new(component)? })
    }

    /// Makes a fresh instance the plugin of this object. The declaration is the host's own: what it takes is charged
    /// to no record.
    pub(in crate::plugin) fn instantiate(
        &self,
        component: &InstancePre<Meter>,
        store: &mut Store<Meter>,
    ) -> wasmtime::Result<ObjectPlugin> {
        let of_the_call = store.get_fuel()?;
        store.set_fuel(Limits::DESCRIBE.fuel_per_record)?;
        let instance = component.instantiate(&mut *store)?;
        let generic = self.declares.load(&mut *store, &instance)?;
        generic.crm_declared_object_declaration().call_declare(&mut *store, &self.declaration)?;
        store.set_fuel(of_the_call)?;
        self.maps.load(store, &instance)
    }
}

/// What `describe` is to answer.
pub(super) fn object(object: &Object) -> wit::Object {
    let fields = |fields: &[Field]| fields.iter().map(field).collect();
    let names = |key: &Vec<usize>| {
        key.iter().filter_map(|index| object.remote.get(*index)).map(|field| field.name.clone()).collect()
    };
    wit::Object {
        name: object.name.as_str().to_owned(),
        mapping_version: object.mapping_version,
        local: fields(&object.local),
        remote: fields(&object.remote),
        resource: wit::Resource {
            path: object.resource.path.clone(),
            id: object.resource.id.clone(),
            updated: object.resource.updated.clone(),
            version: object.resource.version.clone(),
            created: object.resource.created.clone(),
        },
        user_keys: object.user_keys.iter().map(names).collect(),
    }
}

fn field(field: &Field) -> wit::Field {
    let kind = match &field.kind {
        Kind::Boolean => wit::Kind::Boolean,
        Kind::Integer => wit::Kind::Integer,
        Kind::Decimal(digits) => wit::Kind::Decimal(*digits),
        Kind::Text(length) => wit::Kind::Text(*length),
        Kind::Choices => wit::Kind::Choices,
        Kind::Date => wit::Kind::Date,
        Kind::Timestamp => wit::Kind::Timestamp,
        Kind::Bytes => wit::Kind::Bytes,
        Kind::Reference(object) => wit::Kind::Reference(object.clone()),
    };
    let it = field.traits;
    let traits = [
        (it.required, wit::Traits::REQUIRED),
        (it.read_only, wit::Traits::READ_ONLY),
        (it.computed, wit::Traits::COMPUTED),
        (it.create_only, wit::Traits::CREATE_ONLY),
        (it.not_compared, wit::Traits::NOT_COMPARED),
    ];
    let traits =
        traits.into_iter().filter(|(has, _)| *has).fold(wit::Traits::empty(), |all, (_, one)| all | one);
    wit::Field { name: field.name.clone(), kind, traits }
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
