//! The contract as it stands, as a later patch version would have it: the same, and one optional interface more.

use std::path::Path;
use std::{env, fs};

fn main() {
    let wit = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../wit/object.wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    let now = fs::read_to_string(wit).unwrap();
    let later = now.replace("package crm:sync-object@0.1.0;", "package crm:sync-object@0.1.7;")
        + "interface greeting { greet: func() -> string; }
           world later { include merging-object-plugin; export greeting; }";
    assert_ne!(now.len(), later.len());
    let bindings =
        format!("wit_bindgen::generate!({{ inline: {later:?}, world: \"later\", pub_export_macro: true }});");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("bindings.rs"), bindings).unwrap();
}
