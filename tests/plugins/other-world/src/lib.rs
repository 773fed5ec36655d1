//! A component, but of another world: it exports nothing that the host knows.

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]

    wit_bindgen::generate!({
        inline: "
            package crm:elsewhere;
            world greeter { export greet: func(name: string) -> string; }
        ",
        pub_export_macro: true,
    });
}

/// The component's entry points.
pub struct Greeter;

impl bindings::Guest for Greeter {
    fn greet(name: String) -> String {
        name
    }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
const _: () = {
    bindings::export!(Greeter with_types_in bindings);
};
