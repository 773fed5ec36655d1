//! The optional interface `merging`, found by its export's name: a plugin that settles its own conflicts
//! (decision 24).

use super::limits::Meter;
use super::v0_1::{RowResult, ValueParam, lend};
use sync_core::conflict::{Choice, Sides};
use wasmtime::component::{ComponentType, InstancePre, Lift, Lower};
use wasmtime::{Result, Store};

/// Its name among a component's exports, without the version.
const INTERFACE: &str = "crm:sync-object/merging@0.1.";

/// `merging.conflict`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Conflict<'a> {
    base: Option<&'a [ValueParam<'a>]>,
    local: &'a [ValueParam<'a>],
    remote: &'a [ValueParam<'a>],
}

/// `merging.resolution`.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum Resolution {
    #[component(name = "keep-local")]
    KeepLocal,
    #[component(name = "keep-remote")]
    KeepRemote,
    #[component(name = "merged")]
    Merged(RowResult),
    #[component(name = "ask")]
    Ask,
}

/// A side that the plugin keeps whole.
pub(super) fn kept(resolution: &Resolution) -> Option<Choice> {
    match resolution {
        Resolution::KeepLocal => Some(Choice::KeepLocal),
        Resolution::KeepRemote => Some(Choice::KeepRemote),
        Resolution::Merged(_) | Resolution::Ask => None,
    }
}

/// The interface among a component's exports.
pub(super) fn export(exports: &[String]) -> Option<&str> {
    exports.iter().map(String::as_str).find(|name| name.starts_with(INTERFACE))
}

/// Asks a fresh instance about one conflict.
pub(super) fn resolve(
    plugin: &InstancePre<Meter>,
    store: &mut Store<Meter>,
    interface: &str,
    sides: Sides<'_>,
) -> Result<Vec<Resolution>> {
    let instance = plugin.instantiate(&mut *store)?;
    let missing = || wasmtime::Error::msg(format!("{interface} has no function `resolve`"));
    let merging = instance.get_export_index(&mut *store, None, interface).ok_or_else(missing)?;
    let resolve = instance.get_export_index(&mut *store, Some(&merging), "resolve").ok_or_else(missing)?;
    let resolve = instance.get_typed_func::<(&[Conflict<'_>],), (Vec<Resolution>,)>(&mut *store, &resolve)?;
    lend(&[sides.base, sides.local, sides.remote], |rows| {
        let &[base, local, remote] = rows else { return Ok(Vec::new()) };
        let conflict = Conflict { base: Some(base), local, remote };
        Ok(resolve.call(&mut *store, (&[conflict],))?.0)
    })
}
