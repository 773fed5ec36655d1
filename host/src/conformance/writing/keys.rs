//! Records whose user key has characters that query languages are particular about.

use super::super::outcome::{Checked, Gathered, broken, holds, note, told};
use super::super::reading::{ODD_NAMES, WILDCARDS, has, key_with, shown};
use super::super::trial::Trial;
use crate::ports::WriteError;

pub(super) async fn odd_names(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let mut found = Gathered::default();
    let mut asked = 0;
    for odd in ODD_NAMES {
        let name = format!("{} {odd}", trial.workshop.next_name());
        let row = trial.workshop.named(&subject, &trial.sample, &name);
        let Some(key) = key_with(trial, &name) else { return Ok(None) };
        let written = match trial.workshop.insert(&subject, &row).await {
            Ok(written) => written,
            Err(WriteError::Refused { message, .. }) => {
                found.add(note(
                    format!("{} is refused: {message}", shown(&key)),
                    "a local record of such a name is an issue",
                ));
                continue;
            }
            Err(error) => {
                found.add(broken(
                    format!("{}: {}", shown(&key), told(&error)),
                    "a local record of such a name is an issue",
                ));
                continue;
            }
        };
        asked += 1;
        let matches = subject.remote.find(subject.object, &key).await?;
        let itself = matches.iter().any(|it| it.key.id == written.id);
        let kept = trial.read(&written.id).await?;
        if !itself && !has(&kept, &key) {
            found.add(note(
                format!("{} is kept in another form, and not found by the one it was sent in", shown(&key)),
                "an insert whose answer is lost is looked for in vain, and sent again (decision 15)",
            ));
        } else if !itself {
            found.add(broken(
                format!("{} does not find the record that has this key", shown(&key)),
                "a record that is on both sides is inserted a second time",
            ));
        }
        if let Some(other) = matches.iter().find(|it| it.key.id != written.id) {
            found.add(broken(
                format!("{} finds {}, too", shown(&key), other.key.id),
                "a new record of such a name is an issue (decision 4)",
            ));
        }
    }
    Ok(Some(found.or(holds(
        format!("{asked} records with odd names are found by their user keys, and nothing else is"),
        "such names are looked up like any other",
    ))))
}

/// A name with a letter that stands for others elsewhere must not find those others.
pub(super) async fn wildcards(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let name = trial.workshop.next_name();
    let row = trial.workshop.named(&subject, &trial.sample, &format!("{name} abc"));
    let written = trial.workshop.insert(&subject, &row).await?;
    let mut found = Gathered::default();
    for wildcard in WILDCARDS {
        for ending in [format!("a{wildcard}c"), format!("ab{wildcard}"), wildcard.to_string()] {
            let Some(key) = key_with(trial, &format!("{name} {ending}")) else { return Ok(None) };
            let matches = subject.remote.find(subject.object, &key).await?;
            found.expect(
                matches.iter().all(|it| it.key.id != written.id),
                format!("{} finds {}", shown(&key), written.id),
                "a new record of such a name is an issue (decision 4)",
            );
        }
    }
    Ok(Some(found.or(holds(
        "`*`, `%`, `_` and `?` in a user key find no other record",
        "such names are looked up like any other",
    ))))
}
