//! Looking records up by what identifies them to people (decision 4).

use super::super::outcome::{Checked, Gathered, Outcome, broken, holds, note};
use super::super::trial::Trial;
use crate::ports::{RemoteError, RemoteRecord};
use sync_core::object::UserKey;
use sync_core::value::Value;

/// Records that are looked up.
const SAMPLED: usize = 10;

/// What nobody's name is, apart from the marker before it.
pub(in super::super) const ODD_NAMES: [&str; 12] = [
    "O'Neill",
    "\"quoted\"",
    "a*b",
    "a%b",
    "a_b?",
    "R&D",
    "1+1=2",
    "50% #1",
    "back\\slash",
    "Zoë 中文",
    "e\u{301}😀",
    "(a,b;c)",
];

/// Letters that stand for others in some query languages.
pub(in super::super) const WILDCARDS: [char; 4] = ['*', '%', '_', '?'];

const COLLIDES: &str =
    "a new local record whose look-up finds others becomes an issue instead of being inserted (decision 4)";

pub(super) async fn user_keys(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    if subject.object.user_keys.is_empty() {
        return Ok(Some(note(
            "the object has no user key",
            "no new record is ever inserted: each is an issue (decision 4)",
        )));
    }
    let (mut looked, mut keyless, mut ambiguous) = (0, 0, Vec::new());
    let mut found = Gathered::default();
    for record in trial.sample.iter().take(SAMPLED) {
        let Some(key) = subject.object.filled_user_keys(&record.row).next() else {
            keyless += 1;
            continue;
        };
        looked += 1;
        let matches = subject.remote.find(subject.object, &key).await?;
        let itself = matches.iter().any(|it| it.key.id == record.key.id);
        if matches.len() > 1 {
            ambiguous.push(shown(&key));
        } else if !itself && subject.one(&record.key.id).await?.is_some_and(|now| now.row == record.row) {
            found.add(broken(
                format!("{} is not found by {}", record.key.id, shown(&key)),
                "a record that is on both sides is inserted a second time",
            ));
        }
        for other in matches.iter().filter(|it| !has(it, &key)) {
            found.add(loosely(&key, other));
        }
    }
    if let Some(key) = ambiguous.first() {
        found.add(note(
            format!(
                "{} of {looked} share their user key with another record, such as {key}",
                ambiguous.len()
            ),
            "a local record with such a key is an issue when it is new (decision 4)",
        ));
    }
    if keyless > 0 {
        found.add(note(
            format!("{keyless} of {} have no user key with all parts filled", looked + keyless),
            "such a record cannot be inserted when it is new here (decision 4)",
        ));
    }
    if looked + keyless == 0 {
        return Ok(Some(note("there is no record to look up", "checked as soon as there is one")));
    }
    Ok(Some(found.or(holds(
        format!("{looked} records are found by their user keys, and by no other's"),
        "this look-up comes right before each insert, so that nothing is doubled (decision 4)",
    ))))
}

/// Keys that nobody has, of characters that query languages are particular about.
pub(super) async fn nobodys_keys(trial: &Trial<'_>) -> Checked {
    let mut found = Gathered::default();
    let mut asked = 0;
    for odd in ODD_NAMES {
        let Some(key) = key_with(trial, &format!("{} {odd}", trial.workshop.marker())) else { break };
        asked += 1;
        match trial.subject.remote.find(trial.subject.object, &key).await {
            Ok(records) => {
                for other in &records {
                    found.add(broken(format!("{} finds {}", shown(&key), other.key.id), COLLIDES));
                }
            }
            Err(error) => found.add(fails(&key, &error)),
        }
    }
    if asked == 0 {
        return Ok(Some(note("no user key has a text that could be varied", "nothing")));
    }
    let well = format!(
        "{asked} keys with quotes, wildcards, `&`, `+`, `%` and Unicode that nobody has find nothing"
    );
    Ok(Some(found.or(holds(well, "such names are looked up like any other"))))
}

/// A letter that stands for others must not find them.
pub(super) async fn wildcards(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let mut found = Gathered::default();
    let mut asked = 0;
    let keys = trial.sample.iter().filter_map(|it| subject.object.filled_user_keys(&it.row).next());
    for key in keys.take(2) {
        for wildcard in WILDCARDS {
            let Some(wild) = with_wildcard(&key, wildcard) else { continue };
            asked += 1;
            match subject.remote.find(subject.object, &wild).await {
                Ok(records) => {
                    for other in records.iter().filter(|it| !has(it, &wild)) {
                        found.add(loosely(&wild, other));
                    }
                }
                Err(error) => found.add(fails(&wild, &error)),
            }
        }
    }
    if asked == 0 {
        return Ok(None);
    }
    Ok(Some(found.or(holds(
        "`*`, `%`, `_` and `?` in a user key stand for themselves",
        "a name with such a letter finds its own record and no other",
    ))))
}

fn fails(key: &UserKey, error: &RemoteError) -> Outcome {
    broken(
        format!("looking up {} fails: {error}", shown(key)),
        "one local record with such a name fails its whole object in every run",
    )
}

/// A match that does not have the key.
fn loosely(key: &UserKey, other: &RemoteRecord) -> Outcome {
    let told = format!("{} finds {}, whose key is another", shown(key), other.key.id);
    let folded = |value: &Value| match value {
        Value::Text(text) => Value::Text(text.to_lowercase().trim().to_owned()),
        other => other.clone(),
    };
    let alike =
        |(index, value): &(usize, Value)| other.row.get(*index).is_some_and(|it| folded(it) == folded(value));
    match key.parts.iter().all(alike) {
        true => note(format!("{told} in case or blanks alone"), COLLIDES),
        false => broken(told, COLLIDES),
    }
}

/// Whether a record has this key.
pub(in super::super) fn has(record: &RemoteRecord, key: &UserKey) -> bool {
    key.parts.iter().all(|(index, value)| record.row.get(*index) == Some(value))
}

/// The user key of a record of the workshop, if it has this name.
pub(in super::super) fn key_with(trial: &Trial<'_>, name: &str) -> Option<UserKey> {
    let row = trial.workshop.named(&trial.subject, &trial.sample, name);
    let object = trial.subject.object;
    let marked = trial.workshop.marks(&trial.subject);
    object.filled_user_keys(&row).find(|key| key.parts.iter().any(|(index, _)| marked.contains(index)))
}

/// The key with its longest text ending in a wildcard.
fn with_wildcard(key: &UserKey, wildcard: char) -> Option<UserKey> {
    let mut key = key.clone();
    let texts = key.parts.iter_mut().filter_map(|(_, value)| match value {
        Value::Text(text) => Some(text),
        _ => None,
    });
    let text = texts.max_by_key(|text| text.len())?;
    text.pop()?;
    text.push(wildcard);
    Some(key)
}

/// A key as messages show it.
pub(in super::super) fn shown(key: &UserKey) -> String {
    let part = |(_, value): &(usize, Value)| match value {
        Value::Text(text) | Value::Decimal(text) | Value::Date(text) | Value::Reference(text) => {
            format!("{text:?}")
        }
        other => format!("{other:?}"),
    };
    format!("({})", key.parts.iter().map(part).collect::<Vec<_>>().join(", "))
}
