//! The kit can fail: each mistake breaks the checks that are about it, and no other.

use crate::memory::{Memory, Mistake, PAGE, object};
use host::conformance::{Options, Report, Subject, Verdict, check};
use std::sync::atomic::AtomicBool;

fn checked(memory: &Memory, write: bool) -> Report {
    let object = object(true);
    let subject = Subject { remote: memory, object: &object, filter: None };
    let options = Options { write, records: 3 * PAGE, marker: "sync-check 0a1b2c".into() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(check(subject, &options, &AtomicBool::new(false), &mut |_| {}))
}

/// Asserts that exactly these checks are broken, of a server with some records.
fn breaks(mistake: Mistake, write: bool, expected: &[&str]) -> Report {
    let report = checked(&Memory::with(2 * PAGE + 1, Some(mistake)), write);
    assert_eq!(report.broken(), expected, "{mistake:?}: {:#?}", report.findings);
    report
}

#[test]
fn an_honest_remote_passes_whatever_it_has() {
    for records in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1] {
        let memory = Memory::with(records, None);
        let report = checked(&memory, true);
        assert_eq!(report.broken(), [] as [&str; 0], "{records}: {:#?}", report.findings);
        assert_eq!(memory.count(), records, "the server is as it was");
        assert!(report.left_behind.is_empty());
        if records > PAGE {
            let notes: Vec<_> = report.findings.iter().filter(|it| it.verdict == Verdict::Note).collect();
            assert!(notes.iter().all(|it| it.check.ends_with("while-listing")), "{notes:#?}");
        }
    }
}

#[test]
fn the_reading_part_writes_nothing() {
    let memory = Memory::with(5, None);
    let report = checked(&memory, false);
    assert_eq!((report.requests.write, report.verdict), (0, Verdict::Holds), "{:#?}", report.findings);
    breaks(Mistake::WritesWhileReading, false, &["reads-only"]);
}

#[test]
fn listings_that_are_not_whole() {
    breaks(Mistake::LosesAnIdAtTheEndOfAPage, false, &["listing-complete"]);
    breaks(Mistake::ListsAnIdTwice, false, &["ids-once", "listing-complete"]);
    breaks(Mistake::SkipsARecordNowAndThen, false, &["listing-repeats"]);
    breaks(Mistake::ClaimsToCount, false, &["counts"]);
    breaks(Mistake::MiscountsStretches, false, &["stretches"]);
    breaks(Mistake::LeavesOutTheVersion, false, &["tokens"]);
}

#[test]
fn details_that_are_not_those_that_were_asked_for() {
    breaks(Mistake::ReadsOtherTokens, false, &["details"]);
    breaks(Mistake::AnswersHalfABatch, false, &["details"]);
    breaks(Mistake::FailsOnUnknownIds, false, &["unknown-ids"]);
    breaks(Mistake::AnswersEverythingForNoIds, false, &["no-ids"]);
}

#[test]
fn look_ups_that_find_too_little_or_too_much() {
    breaks(Mistake::LooksUpWithWildcards, false, &["wildcards"]);
    breaks(Mistake::LooksUpWithWildcards, true, &["wildcards", "keys-with-wildcards"]);
    breaks(Mistake::IgnoresQuotes, false, &["user-keys"]);
    breaks(Mistake::FailsOnAmpersands, false, &["nobodys-keys"]);
    breaks(Mistake::FindsTheFirstWord, false, &["user-keys", "wildcards"]);
}

#[test]
fn feeds_that_leave_something_out() {
    breaks(Mistake::LeavesOutTiesOfItsFeed, true, &["feed-since"]);
    breaks(Mistake::AnswersLittleToNonsense, false, &["nonsense-marks"]);
}

#[test]
fn updates_that_overwrite() {
    breaks(Mistake::ForgetsTheLock, true, &["update-moved", "update-race"]);
    breaks(Mistake::ChecksTheLockBeforeWaiting, true, &["update-race"]);
    breaks(Mistake::ClaimsWhatDoesNotStand, true, &["update-race"]);
    let unguarded = ["update", "update-moved", "update-race", "quick-edits", "delete-moved", "feed-since"];
    breaks(Mistake::UpdatesWithoutMovingTheToken, true, &unguarded);
    breaks(Mistake::AnswersStaleTokens, true, &["update", "quick-edits"]);
    breaks(Mistake::Upserts, true, &["update-gone"]);
    breaks(Mistake::ReplacesTheRecord, true, &["update"]);
}

#[test]
fn deletes_that_take_too_much_or_too_little() {
    breaks(Mistake::DeletesWhateverItIs, true, &["delete-moved"]);
    breaks(Mistake::FailsToDeleteAgain, true, &["delete-again"]);
    let report = checked(&Memory::with(0, Some(Mistake::PagesByOffset)), true);
    assert_eq!(report.broken(), ["deletes-while-listing"], "{:#?}", report.findings);
    breaks(Mistake::KeepsDeletedRecords, true, &["delete", "leaves-nothing"]);
}

#[test]
fn values_that_are_lost_on_their_way() {
    breaks(Mistake::StripsUnicode, true, &["text-unicode", "text-long"]);
    breaks(Mistake::EscapesQuotes, true, &["text-quotes"]);
    breaks(Mistake::CutsTexts, true, &["text-long"]);
    breaks(Mistake::RoundsNumbers, true, &["numbers"]);
    breaks(Mistake::IgnoresNulls, true, &["nulls"]);
}

#[test]
fn what_cannot_be_removed_is_named() {
    let memory = Memory::with(2, Some(Mistake::CannotDelete));
    let report = checked(&memory, true);
    assert!(report.broken().contains(&"leaves-nothing"), "{:#?}", report.findings);
    assert_eq!(
        (report.left_behind.len(), memory.count()),
        (1, 3),
        "no more is made of what cannot be removed"
    );
    assert!(
        report.left_behind.iter().all(|it| it.why.contains("nobody may delete")),
        "{:?}",
        report.left_behind
    );
    let last = report.findings.last().unwrap();
    assert!(last.found.contains(&report.left_behind[0].id.0), "{}", last.found);
    assert!(last.means.contains("sync-check 0a1b2c"), "{}", last.means);
}

#[test]
fn a_check_that_is_stopped_removes_what_it_made() {
    let memory = Memory::with(2, None);
    let (object, stop) = (object(true), AtomicBool::new(false));
    let subject = Subject { remote: &memory, object: &object, filter: None };
    let options = Options { write: true, records: 5, marker: "sync-check 0a1b2c".into() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut made = 0;
    let report = runtime.block_on(check(subject, &options, &stop, &mut |finding| {
        made = made.max(memory.count());
        stop.store(
            finding.check == "update" || stop.load(std::sync::atomic::Ordering::Relaxed),
            std::sync::atomic::Ordering::Relaxed,
        );
    }));
    assert!(made > 2, "records were made before it was stopped");
    assert_eq!(memory.count(), 2);
    assert_eq!(report.findings.last().unwrap().check, "leaves-nothing");
    assert!(report.findings.iter().all(|it| it.check != "update-moved"));
}
