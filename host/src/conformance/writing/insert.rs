//! Inserting a record.

use super::super::odd_values::{Fate, fate};
use super::super::outcome::{Checked, Gathered, broken, holds, note};
use super::super::trial::Trial;
use super::Made;
use crate::ports::Written;
use sync_core::change_key::{RemoteKey, RemoteToken};
use sync_core::value::Value;

pub(super) const AGAIN: &str =
    "every run takes the record for changed, reads it, and finds it equal (decision 2)";

pub(super) async fn insert(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let before = subject.look(subject.everything()).await?;
    let Made { written, sent } = trial.make().await?;
    let mut found = Gathered::default();
    let read = trial.read(&written.id).await?;
    for index in trial.others(&sent, &read.row) {
        let (Some(sent), Some(read)) = (sent.get(index), read.row.get(index)) else { continue };
        let name = subject.field(index);
        match fate(&Value::Absent, sent, read) {
            // A default of the server's.
            _ if !sent.is_filled() => found.add(note(
                format!("`{name}` is filled by the server"),
                "the difference is counted and named in the report; declare the field computed to have it locally (decision 9)",
            )),
            Fate::Lost(how) => found.add(broken(format!("`{name}`: {how}"), "the edit is lost on its way; the report names it")),
            Fate::Changed(how) => found.add(note(format!("`{name}`: {how}"), "counted and named in the report (decision 9)")),
            Fate::Kept | Fate::Refused(_) => {}
        }
    }
    if let Some(row) = &written.row {
        found.expect(
            row == &read.row,
            "what the insert answers is not what is read afterwards",
            "the baseline is wrong",
        );
    }
    let after = subject.look(subject.everything()).await?;
    let listed = after.keys.iter().find(|key| key.id == written.id);
    found.expect(
        listed.is_some(),
        format!("{} is not listed after its insert", written.id),
        "the next run takes it for deleted on the server",
    );
    if let Some(listed) = listed {
        token_of(&written, listed, &mut found);
    }
    if let (Some(before), Some(after), true) = (before.counted, after.counted, trial.is_still()) {
        found.expect(
            after == before + 1,
            format!("{before} records are counted before the insert and {after} after it"),
            "the listing never agrees with the count, and the object fails (decision 13)",
        );
    }
    if let Some(key) = subject.object.filled_user_keys(&read.row).next() {
        let matches = subject.remote.find(subject.object, &key).await?;
        found.expect(
            matches.iter().any(|it| it.key.id == written.id),
            format!("{} is not found by its user key", written.id),
            "an insert whose answer is lost is sent a second time (decision 15)",
        );
        found.expect(
            matches.len() <= 1,
            format!("the user key of a new record finds {} records", matches.len()),
            "every insert becomes an issue (decision 4)",
        );
    }
    Ok(Some(found.or(holds(
        "an id and a token; read back, listed, counted, and found by its user key",
        "the new record enters the baseline with its id and token",
    ))))
}

/// The token that a write answers must be the one that is listed, or own up to not being known (decision 8).
pub(super) fn token_of(written: &Written, listed: &RemoteKey, found: &mut Gathered) {
    let known_by_version = written.token.updated.is_empty() && written.token.version == listed.token.version;
    if written.token == listed.token {
        return;
    }
    if written.token == RemoteToken::unsettled() {
        found.add(note(
            "the token of our own write is not told for certain",
            "the record is read once more in the next run, and found equal (decision 8)",
        ));
    } else if !known_by_version {
        found.add(broken(
            format!("the write answers the token {}, and {} is listed", written.token, listed.token),
            AGAIN,
        ));
    }
}
