//! Objects without code: a file `NAME.object.toml` says what the object is and how its records map, and one
//! component carries out all of them.
//!
//! The file is read and checked here: `file` has the rules of the whole, `field` those of a field, `way` those of how it maps, `kind`
//! and `format` those of values; `assemble` puts the fields together. What comes out is typed (`wit`), and `component` hands it to an instance of the component
//! before each call, so that the component itself reads no text.

mod assemble;
mod component;
mod field;
mod file;
mod format;
mod kind;
mod way;
mod wit;

use std::path::Path;

pub use component::NAME;
pub(super) use component::{Checked, Generics, check, checked, export, load};
use file::declaration;
pub(super) use wit::Declared;

/// Largest declaration that is taken. A thousand fields, each with a short lookup, fit.
pub(super) const LARGEST_DECLARATION: u64 = 1 << 20;
/// How the name of a declaration ends.
pub(super) const SUFFIX: &str = ".object.toml";

/// The object that a file declares, by its name; none where it is no declaration.
pub fn declared_object(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(SUFFIX)
}
