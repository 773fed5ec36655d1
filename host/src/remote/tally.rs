//! Counts requests by object and purpose, as the report shows them.

use crate::ports::Requests;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use sync_core::object::ObjectName;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Counting.
    Count,
    /// Listing change keys.
    Keys,
    /// Reading records.
    Details,
    /// Looking up user keys and versions, reading back.
    Query,
    /// Inserts, updates and deletes.
    Write,
}

/// The requests so far. A repetition counts: it was sent.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<HashMap<ObjectName, Requests>>);

impl Tally {
    /// Counts one request.
    pub(super) fn add(&self, object: &ObjectName, purpose: Purpose) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Most requests are not the object's first: look before the name is copied.
        if !all.contains_key(object) {
            all.insert(object.clone(), Requests::default());
        }
        if let Some(requests) = all.get_mut(object) {
            *match purpose {
                Purpose::Count => &mut requests.count,
                Purpose::Keys => &mut requests.keys,
                Purpose::Details => &mut requests.details,
                Purpose::Query => &mut requests.query,
                Purpose::Write => &mut requests.write,
            } += 1;
        }
    }

    /// The object's requests so far.
    pub(super) fn of(&self, object: &ObjectName) -> Requests {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(object).copied().unwrap_or_default()
    }
}
