//! The reading part: nothing is written, and every claim that reading alone can test is tested.

mod details;
mod feed;
mod listing;
mod look_up;
mod stretches;

pub(super) use look_up::{ODD_NAMES, WILDCARDS, has, key_with, shown};

use super::outcome::{Check, Checked, broken, holds};
use super::trial::Trial;

/// The checks, in the order in which they are done.
pub(super) const CHECKS: &[Check] = &[
    Check { name: "counts", run: |it| Box::pin(listing::counts(it)) },
    Check { name: "ids-once", run: |it| Box::pin(listing::ids_once(it)) },
    Check { name: "listing-complete", run: |it| Box::pin(listing::complete(it)) },
    Check { name: "listing-repeats", run: |it| Box::pin(listing::repeats(it)) },
    Check { name: "stretches", run: |it| Box::pin(stretches::counted(it)) },
    Check { name: "tokens", run: |it| Box::pin(listing::tokens(it)) },
    Check { name: "ties", run: |it| Box::pin(listing::ties(it)) },
    Check { name: "details", run: |it| Box::pin(details::full_batch(it)) },
    Check { name: "fields", run: |it| Box::pin(details::fields(it)) },
    Check { name: "unknown-ids", run: |it| Box::pin(details::unknown_ids(it)) },
    Check { name: "no-ids", run: |it| Box::pin(details::no_ids(it)) },
    Check { name: "in-flight", run: |it| Box::pin(details::in_flight(it)) },
    Check { name: "user-keys", run: |it| Box::pin(look_up::user_keys(it)) },
    Check { name: "nobodys-keys", run: |it| Box::pin(look_up::nobodys_keys(it)) },
    Check { name: "wildcards", run: |it| Box::pin(look_up::wildcards(it)) },
    Check { name: "change-feed", run: |it| Box::pin(feed::since_now(it)) },
    Check { name: "nonsense-marks", run: |it| Box::pin(feed::nonsense_marks(it)) },
    Check { name: "reads-only", run: |it| Box::pin(reads_only(it)) },
];

/// Whether reading has sent no write.
async fn reads_only(trial: &Trial<'_>) -> Checked {
    let all = trial.subject.remote.requests(&trial.subject.object.name);
    let read = format!("{} requests, none of them a write", all.count + all.keys + all.details + all.query);
    Ok(Some(match all.write {
        0 => holds(read, "a plan is safe to make at any time"),
        writes => broken(
            format!("{writes} of the requests that only read count as writes"),
            "the report's `requests` are wrong, or `host plan` writes",
        ),
    }))
}
