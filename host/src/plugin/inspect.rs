//! What can be said of a file before it is compiled: whether it is a component, for which interface version,
//! and what it imports.

use super::grant::Grant;
use super::loops::Loops;
use super::nesting::Nesting;
use super::refusal::Reason;
use super::wasi::is_wasi;
use serde::Serialize;
use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload};

/// Largest file that is taken. Rust makes plugins of 50 KB, JavaScript of 1.6 MB, Python of 18 MB.
pub(super) const LARGEST_FILE: u64 = 64 << 20;
/// The interface versions that this host runs, for people.
pub(super) const MAPPED_VERSIONS: &str = "0.1.x";
/// The contract, without the version.
const PACKAGE: &str = "crm:sync-object/";
/// What every plugin exports, without the version.
const EXPORTS: [&str; 2] = ["crm:sync-object/descriptor", "crm:sync-object/mapping"];

/// What a component says on its surface. There is one for refused components too, as long as they parse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    /// Version of `crm:sync-object` that it was built for.
    pub interface_version: Option<String>,
    /// Everything that it asks of the host; a plugin asks nothing, or WASI where that is granted.
    pub imports: Vec<String>,
    /// Everything that it offers.
    pub exports: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// Of the whole file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Whether it is made of more parts than any toolchain makes, or of functions that no compiler gets done with.
    #[serde(skip)]
    pub(super) excessive: bool,
    /// Whether parts of it may call each other, which takes time without taking fuel.
    #[serde(skip)]
    pub(super) composed: bool,
}

/// Reads the surface of a component.
///
/// # Errors
/// When it is no component at all.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, Reason> {
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Reason::TooLarge);
    }
    const MAGIC: &[u8] = b"\0asm";
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) || bytes.is_empty() {
        return Err(Reason::NotWasm);
    }
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    // Components and modules nest; only the outermost one's surface counts.
    let (mut nesting, mut loops) = (Nesting::default(), Loops::default());
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| broken(&error))?;
        nesting.take(&payload).map_err(|error| broken(&error))?;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if nesting.depth() == 1 => {
                return Err(Reason::CoreModule);
            }
            Payload::ComponentImportSection(section) if nesting.depth() == 1 => {
                for import in section {
                    imports.push(import.map_err(|error| broken(&error))?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if nesting.depth() == 1 => {
                for export in section {
                    exports.push(export.map_err(|error| broken(&error))?.name.name.to_owned());
                }
            }
            Payload::CodeSectionEntry(body) => loops.take(&body).map_err(|error| broken(&error))?,
            _ => {}
        }
    }
    let interface_version = EXPORTS.iter().find_map(|wanted| version_of(wanted, &exports)).map(str::to_owned);
    let sha256 = digest(&[bytes]);
    Ok(Inspection {
        interface_version,
        imports,
        exports,
        size: bytes.len() as u64,
        sha256,
        excessive: nesting.is_excessive() || loops.is_excessive(),
        composed: nesting.is_composed(),
    })
}

impl Inspection {
    /// What metadata must grant before this host runs the component.
    pub fn needs(&self) -> &'static [Grant] {
        if self.imports.iter().any(|it| is_wasi(it)) { &[Grant::Wasi] } else { &[] }
    }

    /// Whether this host runs the component under these grants.
    ///
    /// # Errors
    /// The first reason why it does not.
    pub fn check(&self, grants: &[Grant]) -> Result<(), Reason> {
        self.check_imports(grants)?;
        let versions = EXPORTS.map(|wanted| version_of(wanted, &self.exports));
        // Told before what is missing, which another version explains.
        if let Some(found) = self.other_version() {
            return Err(Reason::Version { found: found.to_owned() });
        }
        let missing: Vec<String> = EXPORTS
            .iter()
            .zip(versions)
            .filter(|(_, version)| version.is_none())
            .map(|(name, _)| (*name).to_owned())
            .collect();
        if !missing.is_empty() {
            return Err(Reason::OtherWorld(missing));
        }
        if self.excessive { Err(Reason::Excessive) } else { Ok(()) }
    }

    /// The version of the contract that it was built for, where that is none of this host's.
    fn other_version(&self) -> Option<&str> {
        let mut versions = EXPORTS.iter().filter_map(|wanted| version_of(wanted, &self.exports));
        versions.find(|version| !is_mapped(version))
    }

    /// Whether all that it imports is granted. Looked at before anything else, so that every refusal of a component that
    /// imports something names it; but that another version of the contract has its types imported is that version's affair.
    pub(super) fn check_imports(&self, grants: &[Grant]) -> Result<(), Reason> {
        let is_of_the_contract = |import: &str| self.other_version().is_some() && import.starts_with(PACKAGE);
        let is_granted = |import: &&String| {
            (is_wasi(import) && grants.contains(&Grant::Wasi)) || is_of_the_contract(import)
        };
        let refused: Vec<String> = self.imports.iter().filter(|it| !is_granted(it)).cloned().collect();
        match refused.iter().all(|it| is_wasi(it)) {
            _ if refused.is_empty() => Ok(()),
            true => Err(Reason::Wasi(refused)),
            false => Err(Reason::Imports(refused)),
        }
    }
}

fn version_of<'a>(wanted: &str, exports: &'a [String]) -> Option<&'a str> {
    exports.iter().find_map(|name| name.strip_prefix(wanted)?.strip_prefix('@'))
}

fn is_mapped(version: &str) -> bool {
    version.strip_prefix("0.1.").is_some_and(|patch| patch.bytes().all(|b| b.is_ascii_digit()))
}

fn broken(error: &wasmparser::Error) -> Reason {
    if error.message().starts_with("unexpected end") {
        Reason::Truncated(error.offset())
    } else {
        Reason::Malformed(error.to_string())
    }
}

/// The SHA-256 of these bytes one after the other, in lower-case hexadecimal digits.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let digest = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part)).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![id, u8::try_from(body.len()).unwrap()];
        bytes.extend(body);
        bytes
    }

    fn name(text: &str) -> Vec<u8> {
        let mut bytes = vec![0, u8::try_from(text.len()).unwrap()];
        bytes.extend(text.as_bytes());
        bytes
    }

    /// A component of one empty instance, exported and imported under the names.
    fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
        let mut bytes = COMPONENT.to_vec();
        bytes.extend(section(7, &[1, 0x42, 0])); // type 0: an instance without members
        for import in imports {
            bytes.extend(section(10, &[vec![1], name(import), vec![5, 0]].concat()));
        }
        bytes.extend(section(5, &[1, 1, 0])); // an instance without members
        for export in exports {
            bytes.extend(section(11, &[vec![1], name(export), vec![5, 0, 0]].concat()));
        }
        bytes
    }

    const GOOD: [&str; 2] = ["crm:sync-object/descriptor@0.1.4", "crm:sync-object/mapping@0.1.4"];

    #[test]
    fn a_plugin_passes() {
        let inspection = inspect(&component(&[], &GOOD)).unwrap();
        assert_eq!(inspection.check(&[]), Ok(()));
        assert_eq!(inspection.interface_version.as_deref(), Some("0.1.4"));
        assert_eq!(inspection.exports, GOOD);
        assert_eq!(inspection.sha256.len(), 64);
    }

    #[test]
    fn an_import_is_named() {
        let inspection = inspect(&component(&["crm:elsewhere/clock"], &GOOD)).unwrap();
        assert_eq!(inspection.check(&Grant::ALL), Err(Reason::Imports(vec!["crm:elsewhere/clock".into()])));
    }

    #[test]
    fn an_import_is_named_whatever_else_is_wrong() {
        for exports in [&["wasi:cli/run@0.2.0"][..], &["crm:sync-object/descriptor@0.2.0"], &[GOOD[0]], &[]] {
            for (import, reason) in [
                ("crm:elsewhere/clock", Reason::Imports as fn(Vec<String>) -> Reason),
                ("wasi:cli/environment@0.2.0", Reason::Wasi),
            ] {
                let inspection = inspect(&component(&[import], exports)).unwrap();
                assert_eq!(inspection.check(&[]), Err(reason(vec![import.into()])));
            }
        }
    }

    #[test]
    fn wasi_is_a_matter_of_the_grant() {
        let wasi = "wasi:cli/environment@0.2.0";
        let inspection = inspect(&component(&[wasi], &GOOD)).unwrap();
        assert_eq!(inspection.needs(), [Grant::Wasi]);
        assert_eq!(inspection.check(&[]), Err(Reason::Wasi(vec![wasi.into()])));
        assert_eq!(inspection.check(&[Grant::Wasi]), Ok(()));
        let mixed = inspect(&component(&[wasi, "wasi:cli/environment@0.3.0"], &GOOD)).unwrap();
        assert_eq!(
            mixed.check(&[Grant::Wasi]),
            Err(Reason::Imports(vec!["wasi:cli/environment@0.3.0".into()]))
        );
        assert_eq!(mixed.check(&[]), Err(Reason::Imports(mixed.imports.clone())));
    }

    #[test]
    fn another_version_that_has_its_types_imported_is_named() {
        let exports = ["crm:sync-object/descriptor@0.2.0"];
        let imports = ["crm:sync-object/types@0.2.0", "crm:elsewhere/clock"];
        let check = |imports: &[&str]| inspect(&component(imports, &exports)).unwrap().check(&[]);
        assert_eq!(check(&imports[..1]), Err(Reason::Version { found: "0.2.0".into() }));
        assert_eq!(check(&imports), Err(Reason::Imports(vec!["crm:elsewhere/clock".into()])));
    }

    #[test]
    fn another_version_is_named() {
        for version in ["0.2.0", "1.0.0", "0.10.0", "0.1.0-rc.1"] {
            let exports = [format!("crm:sync-object/descriptor@{version}")];
            let inspection = inspect(&component(&[], &[&exports[0]])).unwrap();
            assert_eq!(inspection.check(&[]), Err(Reason::Version { found: version.into() }));
        }
    }

    #[test]
    fn another_world_is_told_from_what_is_missing() {
        let inspection = inspect(&component(&[], &[GOOD[0], "wasi:cli/run@0.2.0"])).unwrap();
        assert_eq!(inspection.check(&[]), Err(Reason::OtherWorld(vec!["crm:sync-object/mapping".into()])));
    }

    /// A component around these sections.
    fn around(sections: &[u8]) -> Vec<u8> {
        let mut bytes = COMPONENT.to_vec();
        bytes.push(4);
        bytes.extend(leb(sections.len() + COMPONENT.len()));
        bytes.extend(COMPONENT);
        bytes.extend(sections);
        bytes
    }

    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number > 127 {
            bytes.push(u8::try_from(number & 127).unwrap() | 128);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
        bytes
    }

    #[test]
    fn deep_nesting_is_refused_before_anything_is_compiled() {
        let good = component(&[], &GOOD);
        let nested = |levels: usize| {
            let inner = (0..levels).fold(Vec::new(), |inner, _| around(&inner)[COMPONENT.len()..].to_vec());
            inspect(&[&good[..], &inner].concat()).unwrap().check(&[])
        };
        assert_eq!(nested(3), Ok(()));
        assert_eq!(nested(8), Err(Reason::Excessive));
        assert_eq!(nested(10_000), Err(Reason::Excessive));
    }

    #[test]
    fn a_component_that_multiplies_is_refused_before_anything_is_compiled() {
        let twenty = section(5, &[&[20][..], &[0; 60]].concat());
        // Each level holds the one before, and twenty instances of it.
        let multiplied = |levels: usize| {
            let inner = (0..levels)
                .fold(Vec::new(), |inner, _| [&around(&inner)[COMPONENT.len()..], &twenty].concat());
            inspect(&[COMPONENT, &inner].concat()).unwrap().excessive
        };
        assert!(!multiplied(1) && !multiplied(2) && multiplied(3));
        // The same side by side: each of the others names the one before it from outside.
        let alias = |index: u8| section(6, &[1, 4, 2, 1, index]);
        let beside = (0..6).fold(around(&[])[COMPONENT.len()..].to_vec(), |before, index| {
            [&before[..], &around(&[alias(index), twenty.clone()].concat())[COMPONENT.len()..]].concat()
        });
        assert!(inspect(&[COMPONENT, &beside].concat()).unwrap().excessive);
        assert!(!inspect(&component(&[], &GOOD)).unwrap().excessive);
    }

    #[test]
    fn parts_with_functions_are_told_from_parts_that_only_name() {
        let functions = section(8, &[0]);
        let is_composed =
            |parts: &[Vec<u8>]| inspect(&[COMPONENT, &parts.concat()].concat()).unwrap().composed;
        assert!(!is_composed(&[around(&[])[COMPONENT.len()..].to_vec(), functions.clone()]));
        assert!(is_composed(&[around(&functions)[COMPONENT.len()..].to_vec()]));
        assert!(is_composed(&[around(&around(&functions)[COMPONENT.len()..])[COMPONENT.len()..].to_vec()]));
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        let whole = component(&[], &GOOD);
        assert_eq!(inspect(b"\0asm\x01\0\0\0"), Err(Reason::CoreModule));
        for cut in [1, 3, 4, 6, 9, whole.len() - 1] {
            assert!(matches!(inspect(&whole[..cut]), Err(Reason::Truncated(_))), "{cut} bytes");
        }
        for garbage in [&b""[..], b"#!/bin/sh\n", b"(component)"] {
            assert_eq!(inspect(garbage), Err(Reason::NotWasm));
        }
        assert!(matches!(
            inspect(&[COMPONENT, &section(11, &[1, 9, 0])].concat()),
            Err(Reason::Malformed(_))
        ));
        assert!(inspect(COMPONENT).unwrap().check(&[]).is_err());
    }
}
