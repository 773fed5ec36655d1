//! The mapping of an object.

use sync_core::conflict::{Resolution, Sides};
use sync_core::object::Object;
use sync_core::value::Row;

/// Maps records between the two shapes: in production a WebAssembly component.
///
/// Answer *i* belongs to input *i*; one record's failure is that record's alone (decision 21).
/// Rows that come back are conformed to the descriptor.
pub trait Mapper: Send + Sync {
    /// What the object is.
    fn object(&self) -> &Object;

    /// Remote shape to local shape. References pass through untranslated.
    fn to_local(&self, remote: &[&Row]) -> Vec<Result<Row, MapError>>;

    /// Local shape to remote shape. References pass through untranslated.
    fn to_remote(&self, local: &[&Row]) -> Vec<Result<Row, MapError>>;

    /// The object's business rules; `Ok` accepts the record.
    fn validate(&self, local: &[&Row]) -> Vec<Result<(), MapError>>;

    /// The object's own way to settle a record that both sides changed, in local shape: `None` where it has none, an
    /// inner `None` where a person has to be asked.
    fn merge(&self, _sides: Sides<'_>) -> Option<Result<Option<Resolution>, MapError>> {
        None
    }
}

/// Why one record could not be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapError {
    /// Stable kebab-case code: the plugin's own, or `plugin-trap`, `plugin-fuel`, `plugin-time`,
    /// `plugin-memory`, `plugin-row`.
    pub code: String,
    /// What is wrong; names the plugin and, for a limit, the limit and where to raise it.
    pub message: String,
    /// Name of the field on the input side.
    pub field: Option<String>,
}
