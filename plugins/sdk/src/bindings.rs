//! Generated from `wit/object.wit`. A plugin uses the crate's own names for these types; the modules are public only
//! because [`export_object!`](crate::export_object) must reach them.
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated: the canonical ABI passes pointers")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "object-plugin",
    pub_export_macro: true,
    export_macro_name: "export_object_plugin",
    default_bindings_module: "sync_object_sdk::bindings",
    additional_derives: [Clone, PartialEq, Eq],
});
