//! The conformance kit: what the pipeline relies on of a [`Remote`](crate::ports::Remote), as checks that any remote
//! can be put to.
//!
//! The reading part writes nothing. The writing part works on records that it makes, each with a marker in its name,
//! and removes them again whatever became of the checks; what it could not remove is named. Every claim of the
//! [`Capabilities`](crate::ports::Capabilities) is tried, and every finding says what the runtime does about it.
//!
//! `trial` holds what the checks look at, `workshop` makes and removes records, `odd_values` knows what servers do to
//! values, `reading` and `writing` have the checks.

mod odd_values;
mod outcome;
mod reading;
mod report;
mod trial;
mod workshop;
mod writing;

pub use report::{Finding, LeftBehind, Part, Report, Verdict};
pub use trial::Subject;

use crate::ports::Requests;
use outcome::{Check, Outcome, Trouble, broken, holds};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use sync_core::change_key::RemoteId;
use trial::Trial;
use workshop::Workshop;

/// How thoroughly a remote is checked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the writing part is done, too.
    pub write: bool,
    /// Records that are made at once, for the checks of listings: more than a page of the server's tells most.
    pub records: usize,
    /// What the names of the records begin with. No other record of the server may have it in its name.
    pub marker: String,
}

/// Checks a remote on one object, and tells of each finding as it is made. Once `stop` is set, no further check
/// begins; what was made is removed in any case.
pub async fn check(
    subject: Subject<'_>,
    options: &Options,
    stop: &AtomicBool,
    found: &mut (dyn FnMut(&Finding) + Send),
) -> Report {
    let mut examination = Examination::new(subject, stop, found);
    examination.carry_out(options).await;
    examination.report()
}

/// A report in the making.
struct Examination<'a, 'f> {
    subject: Subject<'a>,
    stop: &'f AtomicBool,
    told: &'f mut (dyn FnMut(&Finding) + Send),
    findings: Vec<Finding>,
    left_behind: Vec<LeftBehind>,
    before: Requests,
}

impl<'a, 'f> Examination<'a, 'f> {
    fn new(subject: Subject<'a>, stop: &'f AtomicBool, told: &'f mut (dyn FnMut(&Finding) + Send)) -> Self {
        let before = subject.remote.requests(&subject.object.name);
        Examination { subject, stop, told, findings: Vec::new(), left_behind: Vec::new(), before }
    }

    async fn carry_out(&mut self, options: &Options) {
        match self.subject.remote.connect().await {
            Ok(()) => self.add(
                "connects",
                Part::Reading,
                holds("the server is there, and takes the login", "a run begins with this"),
            ),
            Err(error) => return self.add("connects", Part::Reading, Trouble::from(error).outcome()),
        }
        let workshop = Workshop::new(options.marker.clone(), options.records);
        let trial = match Trial::open(self.subject, workshop).await {
            Ok(trial) => trial,
            Err(trouble) => return self.add("listing-complete", Part::Reading, trouble.outcome()),
        };
        if self.all(reading::CHECKS, Part::Reading, &trial).await && options.write {
            self.write(&trial).await;
        }
    }

    async fn write(&mut self, trial: &Trial<'_>) {
        let before: HashSet<RemoteId> = match self.subject.look(self.subject.everything()).await {
            Ok(look) => look.keys.into_iter().map(|key| key.id).collect(),
            Err(error) => return self.add("insert", Part::Writing, Trouble::from(error).outcome()),
        };
        match trial.begin_writing().await {
            Ok(()) => {
                self.all(writing::CHECKS, Part::Writing, trial).await;
            }
            Err((check, why)) => self.add(
                check,
                Part::Writing,
                broken(why, "such a write of a run's is an issue of its record; nothing else is written by this check"),
            ),
        }
        let (made, left) = trial.workshop.clear(&self.subject, &before).await;
        let outcome = match left.len() {
            0 => holds(format!("{made} records were made, and all are removed"), "the server is as it was"),
            count => broken(
                format!(
                    "{count} of {made} records that were made are still there: {}",
                    left.iter().map(|it| it.id.to_string()).collect::<Vec<_>>().join(", ")
                ),
                format!("remove them by hand: they have `{}` in their names", trial.workshop.marker()),
            ),
        };
        self.left_behind = left;
        self.add("leaves-nothing", Part::Writing, outcome);
    }

    /// Carries checks out; whether more may follow.
    async fn all(&mut self, checks: &[Check], part: Part, trial: &Trial<'_>) -> bool {
        for check in checks {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            match (check.run)(trial).await {
                Ok(Some(outcome)) => self.add(check.name, part, outcome),
                Ok(None) => {}
                Err(trouble) => {
                    self.add(check.name, part, trouble.outcome());
                    if trouble.ends_all() {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn add(&mut self, check: &'static str, part: Part, outcome: Outcome) {
        let Outcome { verdict, found, means } = outcome;
        let finding = Finding { check, part, verdict, found, means };
        (self.told)(&finding);
        self.findings.push(finding);
    }

    fn report(self) -> Report {
        let (now, before) = (self.subject.remote.requests(&self.subject.object.name), self.before);
        Report {
            object: self.subject.object.name.clone(),
            resource: self.subject.object.resource.path.clone(),
            filter: self.subject.filter.map(str::to_owned),
            verdict: self.findings.iter().map(|it| it.verdict).max().unwrap_or(Verdict::Holds),
            findings: self.findings,
            left_behind: self.left_behind,
            requests: Requests {
                count: now.count.saturating_sub(before.count),
                keys: now.keys.saturating_sub(before.keys),
                details: now.details.saturating_sub(before.details),
                query: now.query.saturating_sub(before.query),
                write: now.write.saturating_sub(before.write),
            },
        }
    }
}
