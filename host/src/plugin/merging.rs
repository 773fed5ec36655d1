//! The optional interface `merging`, found by its export's name: a plugin that settles its own conflicts
//! (decision 24).

use super::limits::Meter;
use super::v0_1::{self, Row};
use sync_core::conflict::{Choice, Sides};
use wasmtime::component::{ComponentType, InstancePre, Lift, Lower};
use wasmtime::{Result, Store};

/// Its name among a component's exports, without the version.
const INTERFACE: &str = "crm:sync-object/merging@0.1.";

/// `merging.conflict`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Conflict {
    base: Option<Row>,
    local: Row,
    remote: Row,
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
    Merged(Row),
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
    let conflict = Conflict {
        base: Some(v0_1::to_plugin(sides.base.clone())),
        local: v0_1::to_plugin(sides.local.clone()),
        remote: v0_1::to_plugin(sides.remote.clone()),
    };
    let instance = plugin.instantiate(&mut *store)?;
    let missing = || wasmtime::Error::msg(format!("{interface} has no function `resolve`"));
    let merging = instance.get_export_index(&mut *store, None, interface).ok_or_else(missing)?;
    let resolve = instance.get_export_index(&mut *store, Some(&merging), "resolve").ok_or_else(missing)?;
    let resolve = instance.get_typed_func::<(Vec<Conflict>,), (Vec<Resolution>,)>(&mut *store, &resolve)?;
    Ok(resolve.call(&mut *store, (vec![conflict],))?.0)
}
