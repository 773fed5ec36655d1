//! Built for a later minor version of the contract than the host knows.

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]

    wit_bindgen::generate!({
        inline: "
            package crm:sync-object@0.99.0;
            interface descriptor { describe: func() -> string; }
            world object-plugin { export descriptor; }
        ",
        pub_export_macro: true,
    });
}

/// The component's entry points.
pub struct NewerMinor;

impl bindings::exports::crm::sync_object::descriptor::Guest for NewerMinor {
    fn describe() -> String {
        "account".into()
    }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
const _: () = {
    bindings::export!(NewerMinor with_types_in bindings);
};
