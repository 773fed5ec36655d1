//! Records that may change again without their stamp moving (decision 3).
//!
//! An endpoint without a version hides a second edit within one tick of its clock. Which records were stamped within a
//! tick of being read follows from the stamps alone: whatever was read, the server's clock stood at the newest of
//! them or later. No clock is read, and a server whose clock is wrong is none the worse for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use sync_core::change_key::RemoteKey;
use sync_core::object::{Object, ObjectName};

/// The newest stamp read so far, by object, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Newest(Mutex<HashMap<ObjectName, i64>>);

impl Newest {
    /// Marks the keys of one answer. `instant` reads a stamp; one that it cannot read is no time, and has no ticks.
    pub(super) fn mark<'k>(
        &self,
        object: &Object,
        keys: impl Iterator<Item = &'k mut RemoteKey>,
        tick: Duration,
        instant: impl Fn(&str) -> Option<i64>,
    ) {
        if object.resource.version.is_some() {
            return;
        }
        let stamped: Vec<(&mut RemoteKey, i64)> =
            keys.filter_map(|key| instant(&key.token.updated).map(|at| (key, at))).collect();
        let Some(newest) = stamped.iter().map(|(_, at)| *at).max() else { return };
        let newest = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = all.entry(object.name.clone()).or_insert(newest);
            *known = newest.max(*known);
            *known
        };
        let tick = i64::try_from(tick.as_micros()).unwrap_or(i64::MAX);
        for (key, at) in stamped {
            key.fresh = at > newest.saturating_sub(tick);
        }
    }
}
