//! The diff-and-apply pipeline: count → change keys → compare → operations → conflicts → next object, one
//! file each, against the traits of [`crate::ports`].
//!
//! Data flows one way. `count` and `change_keys` list both sides, and `listing` makes pairs of what is not as it was;
//! `compare` turns these into a `Plan`, with
//! `contents` reading nothing but what the decision needs and `judge` saying how both sides stand; `conflicts` settles
//! what both sides changed; `pull` and `push` carry a plan out, or `foresee` tells what they would do; `next_object`
//! drives the objects in their order. The baseline is written after the side confirmed. The local store belongs to the
//! run's own thread; a `task` reads, maps or sends beside it.

mod change_keys;
mod compare;
mod conflicts;
mod contents;
mod count;
mod explain;
mod feed;
mod followers;
mod foresee;
mod full_compare;
mod judge;
mod links;
mod listing;
mod missing;
mod next_object;
mod operations;
mod pull;
mod push;
mod recovery;
mod task;

pub use explain::{ExplainError, Explanation, RecordId, Standing, explain};
pub use next_object::synchronize;

use crate::ports::{
    IssueEntry, MapError, Mapper, ObjectState, Person, Remote, RemoteError, Scope, Store, StoreError,
};
use crate::report::ObjectReport;
use std::sync::Arc;
use sync_core::change_key::{LocalId, RemoteId};
use sync_core::conflict::Rules;
use sync_core::count::DeleteGuard;
use sync_core::object::Object;
use sync_core::operation::Operation;

/// One object that takes part in a run.
pub struct Participant {
    /// Its mapping.
    pub mapper: Arc<dyn Mapper>,
    /// Its filter, in the remote's own query language.
    pub filter: Option<String>,
    /// What settles its conflicts without a question (decision 24).
    pub rules: Rules,
    /// What the store knows of it from earlier runs: its answer to [`Store::attach`].
    pub state: ObjectState,
}

/// How a run behaves.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Compare only, and write nothing anywhere.
    pub dry_run: bool,
    /// Carry out deletes that would be held.
    pub confirm_deletes: bool,
    /// When deletes are held.
    pub guard: DeleteGuard,
    /// Everything is listed at least once in so many runs, also where a change feed tells what changed.
    pub list_every: u32,
}

/// What a run works with.
pub struct Run<'a> {
    /// Id of the run.
    pub id: &'a str,
    /// The remote side. Shared: what is pulled is read ahead by a task of its own.
    pub remote: Arc<dyn Remote>,
    /// Which server that is and as which user, without a secret: another one is another remote.
    pub server: &'a str,
    /// The local side, the baseline and the logs.
    pub store: &'a mut dyn Store,
    /// The objects, in any order.
    pub participants: Vec<Participant>,
    /// Objects that take part in other runs, but not in this one; the store has them attached.
    pub others: Vec<Object>,
    /// How to behave.
    pub options: Options,
    /// Told what happens.
    pub observer: &'a dyn Observer,
    /// Asked about conflicts that no rule settles; with nobody to ask they stay pending.
    pub person: Option<&'a dyn Person>,
}

/// Told what happens while it happens; a progress bar, for one.
pub trait Observer {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// What happens during a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A step of an object begins; `total` is the number of records that it will work on, where known.
    Step {
        /// The object.
        object: &'a str,
        /// What is done: `count`, `list`, `compare`, `pull-insert` and so on.
        step: &'a str,
        /// Records to come.
        total: Option<u64>,
    },
    /// So many more records of the step are done.
    Progress(u64),
    /// An operation could not be carried out.
    Issue(&'a IssueEntry),
    /// An object is through.
    Finished(&'a ObjectReport),
}

/// Why an object or the run cannot go on (decision 22). One record's failure is never a `Stop`.
#[derive(Debug)]
enum Stop {
    /// This object; the others proceed.
    Object(String),
    /// Everything.
    Run(String),
}

impl Stop {
    fn message(&self) -> &str {
        match self {
            Stop::Object(message) | Stop::Run(message) => message,
        }
    }
}

impl From<RemoteError> for Stop {
    fn from(error: RemoteError) -> Stop {
        let message = with_help(&error.message, error.help.as_deref());
        match error.scope {
            Scope::Run => Stop::Run(message),
            Scope::Object => Stop::Object(message),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Run(with_help(&error.message, error.help.as_deref()))
    }
}

fn with_help(message: &str, help: Option<&str>) -> String {
    match help {
        Some(help) => format!("{message} ({help})"),
        None => message.to_owned(),
    }
}

/// The record that an issue is about.
#[derive(Debug, Clone, Default)]
struct Subject {
    local: Option<LocalId>,
    remote: Option<RemoteId>,
}

impl Subject {
    fn local(id: LocalId) -> Subject {
        Subject { local: Some(id), remote: None }
    }

    fn remote(id: &RemoteId) -> Subject {
        Subject { local: None, remote: Some(id.clone()) }
    }

    fn pair(local: LocalId, remote: &RemoteId) -> Subject {
        Subject { local: Some(local), remote: Some(remote.clone()) }
    }
}

/// Records that failed, each with its reason.
type Failed<Id> = Vec<(Id, Failure)>;

/// Why one record's operation was not carried out; becomes an issue.
#[derive(Debug, Clone)]
struct Failure {
    code: String,
    message: String,
    twins: Vec<RemoteId>,
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure { code: code.to_owned(), message: message.into(), twins: Vec::new() }
    }

    /// The local table does not take the record; `message` is the store's.
    fn local_refused(message: &str) -> Failure {
        Failure::new("local-refused", message)
    }

    fn issue(self, object: &Object, operation: Operation, subject: Subject) -> IssueEntry {
        IssueEntry {
            object: object.name.clone(),
            operation,
            local: subject.local,
            remote: subject.remote,
            code: self.code,
            message: self.message,
            twins: self.twins,
        }
    }
}

impl From<MapError> for Failure {
    fn from(error: MapError) -> Failure {
        let message = match &error.field {
            Some(field) => format!("{field}: {}", error.message),
            None => error.message,
        };
        Failure { code: error.code, message, twins: Vec::new() }
    }
}
