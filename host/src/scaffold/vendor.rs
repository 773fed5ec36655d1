//! The SDK and the contract, so that a project outside a checkout builds from nothing but this program.

/// Path in the project, and content. The folders are the checkout's, so that the SDK's own path to the contract holds.
pub(super) const FILES: &[(&str, &str)] = &[
    (".rustfmt.toml", include_str!("../../../.rustfmt.toml")),
    // The versions that this host was tested with. cargo drops what the project does not need.
    ("Cargo.lock", include_str!("../../../Cargo.lock")),
    ("vendor/Cargo.toml", include_str!("template/vendor.toml.in")),
    ("vendor/LICENSE-APACHE", include_str!("../../../LICENSE-APACHE")),
    ("vendor/LICENSE-MIT", include_str!("../../../LICENSE-MIT")),
    ("vendor/plugins/sdk/Cargo.toml", include_str!("../../../plugins/sdk/Cargo.toml")),
    ("vendor/plugins/sdk/src/bindings.rs", include_str!("../../../plugins/sdk/src/bindings.rs")),
    ("vendor/plugins/sdk/src/fixture.rs", include_str!("../../../plugins/sdk/src/fixture.rs")),
    ("vendor/plugins/sdk/src/lib.rs", include_str!("../../../plugins/sdk/src/lib.rs")),
    ("vendor/plugins/sdk/src/object.rs", include_str!("../../../plugins/sdk/src/object.rs")),
    ("vendor/plugins/sdk/src/table.rs", include_str!("../../../plugins/sdk/src/table.rs")),
    ("vendor/wit/object.wit", include_str!("../../../wit/object.wit")),
];

/// The packages of a checkout's workspace: a plugin's package of the same name would be one too many.
pub(super) const TAKEN: [&str; 5] = ["crm", "host", "sync-core", "sync-object-sdk", "tests"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_source_of_the_sdk_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let listed = std::fs::read_dir(root.join("plugins/sdk/src")).unwrap();
        for file in listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let path = format!("vendor/plugins/sdk/src/{file}");
            assert!(FILES.iter().any(|(it, _)| *it == path), "{path}");
        }
    }

    /// What the SDK inherits is said twice, and must be the same.
    #[test]
    fn the_sdk_inherits_what_it_does_in_the_checkout() {
        let keys = |text: &str| {
            let document: toml::Table = text.parse().unwrap();
            document["workspace"]["package"].clone()
        };
        assert_eq!(keys(include_str!("template/vendor.toml.in")), keys(include_str!("../../../Cargo.toml")));
    }
}
