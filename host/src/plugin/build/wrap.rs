//! From a core module to a component: what some toolchains leave is a module with the types of its interface embedded.

use crate::plugin::failure::clean;
use crate::plugin::inspect::{Inspection, inspect};
use crate::plugin::load::read_bytes;
use crate::plugin::refusal::{Reason, Refusal};
use std::path::Path;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Longest text of the encoder that a message repeats, in characters.
const LONGEST_CAUSE: usize = 300;
/// How the names of the custom sections begin that hold an interface's types.
const TYPES: &str = "component-type";

/// Reads a file as [`crate::plugin::load::read`] does, and makes a component of it where it is a core module.
///
/// # Errors
/// When it cannot be read, and is neither a component nor a module with types.
pub(super) fn read_any(path: &Path) -> Result<(Vec<u8>, Inspection), Refusal> {
    let refuse = |reason| Refusal { file: path.to_owned(), object: None, reason };
    let mut bytes = read_bytes(path)?;
    let inspection = match inspect(&bytes) {
        Err(Reason::CoreModule) => {
            bytes = component(&bytes).map_err(refuse)?;
            inspect(&bytes)
        }
        surface => surface,
    };
    Ok((bytes, inspection.map_err(refuse)?))
}

fn component(module: &[u8]) -> Result<Vec<u8>, Reason> {
    if !has_types(module) {
        return Err(Reason::NoTypes);
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| Reason::NotWrapped(clean(&format!("{error:#}"), LONGEST_CAUSE)))
}

fn has_types(module: &[u8]) -> bool {
    // What does not parse any further is the encoder's to refuse.
    Parser::new(0).parse_all(module).map_while(Result::ok).any(
        |payload| matches!(payload, Payload::CustomSection(section) if section.name().starts_with(TYPES)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn a_module_without_types_is_told_from_one_with_broken_types() {
        assert_eq!(component(MODULE), Err(Reason::NoTypes));
        let name = b"component-type:x";
        let section = [&[0, 18, 16][..], name, &[7]].concat();
        assert!(matches!(component(&[MODULE, &section].concat()), Err(Reason::NotWrapped(_))));
    }
}
