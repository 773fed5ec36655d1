//! The log of requests.

use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A request that reached the data, as the server saw it.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Counts the requests from 1; clearing the log does not start it over.
    pub sequence: u64,
    /// The method.
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Path and query in plain text.
    pub decoded: String,
    /// The body, empty where there is none.
    pub body: String,
    /// The status of the answer. `None`: not answered yet, or never.
    pub status: Option<u16>,
    /// How many requests were being handled when this one came, itself included.
    pub concurrent: usize,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    handled: usize,
    requests: Vec<Request>,
}

impl Log {
    /// Enters a request and answers its number.
    pub(crate) fn begin(&self, method: &str, target: &str, decoded: &str, body: &[u8]) -> u64 {
        let mut entries = lock(&self.0);
        entries.last += 1;
        entries.handled += 1;
        let request = Request {
            sequence: entries.last,
            method: method.to_owned(),
            target: target.to_owned(),
            decoded: decoded.to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
            status: None,
            concurrent: entries.handled,
        };
        entries.requests.push(request);
        entries.last
    }

    /// Enters what became of a request.
    pub(crate) fn end(&self, sequence: u64, status: Option<u16>) {
        let mut entries = lock(&self.0);
        entries.handled = entries.handled.saturating_sub(1);
        let place = entries.requests.binary_search_by_key(&sequence, |entry| entry.sequence);
        if let Ok(place) = place {
            entries.requests[place].status = status;
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.0).requests.clone()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).requests.clear();
    }
}

/// Locks, also after a panic elsewhere: what is kept here is never half-done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
