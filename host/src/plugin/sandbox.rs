//! One call of a plugin, metered: fuel, memory, and an instance of its own.

use super::declared::Declared;
use super::failure::Failure;
use super::limits::{Limits, Meter, OVERRUNS};
use super::v0_1::{ObjectPlugin, ObjectPluginPre};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::Store;

/// A compiled plugin and what it may use up.
pub(super) struct Sandbox {
    pub(super) pre: ObjectPluginPre<Meter>,
    pub(super) limits: Limits,
    /// What an instance is told before it is called, where the object is declared.
    pub(super) declared: Option<Arc<Declared>>,
    /// Calls that ran out of time.
    overruns: AtomicUsize,
}

/// What a call used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Fuel, in wasmtime's units.
    pub fuel: u64,
    /// Bytes of linear memory, the plugin's own start included.
    pub memory: u64,
}

impl Sandbox {
    pub(super) fn new(
        pre: ObjectPluginPre<Meter>,
        limits: Limits,
        declared: Option<Arc<Declared>>,
    ) -> Sandbox {
        Sandbox { pre, limits, declared, overruns: AtomicUsize::new(0) }
    }

    /// One call in a fresh instance (13–25 µs), with the limits of one record. The instance is thrown away:
    /// nothing that one call leaves behind reaches another.
    pub(super) fn call<T>(
        &self,
        call: impl FnOnce(&ObjectPlugin, &mut Store<Meter>) -> wasmtime::Result<T>,
    ) -> (Result<T, Failure>, Spent) {
        self.metered(|store| {
            let plugin = match &self.declared {
                Some(declared) => declared.instantiate(self.pre.instance_pre(), store)?,
                None => self.pre.instantiate(&mut *store)?,
            };
            call(&plugin, store)
        })
    }

    /// Work in a fresh store, with the limits of one record.
    pub(super) fn metered<T>(
        &self,
        work: impl FnOnce(&mut Store<Meter>) -> wasmtime::Result<T>,
    ) -> (Result<T, Failure>, Spent) {
        if self.overruns.load(Ordering::Relaxed) >= OVERRUNS {
            return (Err(Failure::GivenUp), Spent::default());
        }
        let mut store = Store::new(self.pre.engine(), Meter::new(self.limits));
        store.limiter(|meter| meter);
        // A plugin can name the same bytes many times over in its answer; what is copied out of it is limited
        // too.
        store.set_hostcall_fuel(usize::try_from(self.limits.memory).unwrap_or(usize::MAX));
        // Only a composed component looks at it.
        store.set_epoch_deadline(self.limits.ticks());
        let answer = store.set_fuel(self.limits.fuel_per_record).and_then(|()| work(&mut store));
        let left = store.get_fuel().unwrap_or(0);
        let spent =
            Spent { fuel: self.limits.fuel_per_record.saturating_sub(left), memory: store.data().memory() };
        let answer = answer.map_err(|error| Failure::of(&error, store.data(), self.limits));
        if matches!(answer, Err(Failure::Time(_))) {
            self.overruns.fetch_add(1, Ordering::Relaxed);
        }
        (answer, spent)
    }
}
