//! The trait that a plugin implements, and the glue from batches to single records.

use crate::bindings::exports::crm::sync_object::{descriptor, mapping};
use crate::{Object, Rejection, Row, Value};

/// One object of the CRM: what it is, and how one record of it maps.
///
/// The functions must be pure. The host calls them for whole batches and throws the instance away when it likes.
pub trait SyncObject {
    /// What the object is. Must be the same at every call.
    fn describe() -> Object;

    /// Maps a remote record to a local one.
    ///
    /// # Errors
    /// Why this record cannot be kept locally. It becomes an issue, the others of its batch go on.
    fn to_local(remote: Row) -> Result<Row, Rejection>;

    /// Maps a local record to a remote one.
    ///
    /// # Errors
    /// Why this record cannot be sent. It becomes an issue, the others of its batch go on.
    fn to_remote(local: Row) -> Result<Row, Rejection>;

    /// Business rules on a local record before it is sent; an empty list accepts it. Required fields, lengths and
    /// canonical forms are checked by the host.
    fn validate(_local: &[Value]) -> Vec<Rejection> {
        Vec::new()
    }
}

impl<T: SyncObject> descriptor::Guest for T {
    fn describe() -> Object {
        <T as SyncObject>::describe()
    }
}

impl<T: SyncObject> mapping::Guest for T {
    fn to_local(remote: Vec<Row>) -> Vec<Result<Row, Rejection>> {
        remote.into_iter().map(<T as SyncObject>::to_local).collect()
    }

    fn to_remote(local: Vec<Row>) -> Vec<Result<Row, Rejection>> {
        local.into_iter().map(<T as SyncObject>::to_remote).collect()
    }

    fn validate(local: Vec<Row>) -> Vec<Vec<Rejection>> {
        local.iter().map(|row| <T as SyncObject>::validate(row)).collect()
    }
}

impl Rejection {
    /// Refuses the record as a whole. The code is stable and kebab-case; the message is a lowercase fragment without
    /// the record's data.
    pub fn of_record(code: &str, message: &str) -> Self {
        Self { field: None, code: code.into(), message: message.into() }
    }

    /// Refuses the record for its field number `field`, counted on the input side.
    pub fn of_field(field: usize, code: &str, message: &str) -> Self {
        Self { field: u32::try_from(field).ok(), ..Self::of_record(code, message) }
    }
}

/// Exports a type that implements [`SyncObject`] as the crate's component. Goes once into `lib.rs`.
#[macro_export]
macro_rules! export_object {
    ($object:ident) => {
        // The crate's only unsafe code: the entry points of the canonical ABI. Their names are no symbols that a native
        // linker would take.
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
    $crate::bindings::export_object_plugin!($object with_types_in $crate::bindings);
        };
    };
}
