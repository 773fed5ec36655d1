//! Reading records by their ids.

use super::super::outcome::{Checked, Gathered, broken, holds, note};
use super::super::trial::Trial;
use futures_util::future::join_all;
use std::collections::HashSet;
use sync_core::change_key::{RemoteId, RemoteKey};
use sync_core::object::conform_row;
use sync_core::value::Value;

/// Most requests that are sent at once.
const MOST_AT_ONCE: usize = 8;

pub(super) async fn full_batch(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let batch = subject.remote.capabilities().details_batch;
    let (asked, sample) = (&trial.asked, &trial.sample);
    if batch == 0 {
        return Ok(Some(broken("it claims batches of no record", "nothing is ever read")));
    }
    if asked.is_empty() {
        return Ok(Some(note("there is no record to read", "checked as soon as there is one")));
    }
    let mut found = Gathered::default();
    let unread = "a record that is listed and not read is taken for one that went meanwhile, and waits for the next run";
    let mut seen = HashSet::new();
    if let Some(twice) = sample.iter().find(|it| !seen.insert(&it.key.id)) {
        found.add(broken(format!("{} is answered twice", twice.key.id), "it would be written twice"));
    }
    let uncalled = sample.iter().find(|it| !asked.contains(&it.key.id));
    if let Some(record) = uncalled {
        found.add(broken(
            format!("{} is answered, which was not asked for", record.key.id),
            "it is overlooked",
        ));
    }
    let missing: Vec<&RemoteId> = asked.iter().filter(|id| !seen.contains(id)).collect();
    let otherwise = differing(trial.listed(), trial);
    if !missing.is_empty() || !otherwise.is_empty() {
        // Somebody may have written between the listing and the reading.
        let now = subject.look(subject.view()).await?;
        let now_by_id = now.by_id();
        let lost: Vec<_> = missing.iter().filter(|id| now_by_id.contains_key(**id)).collect();
        if let Some(id) = lost.first() {
            let told = format!(
                "{} of {} are not answered, such as {id}, although they are listed",
                lost.len(),
                asked.len()
            );
            found.add(broken(told, unread));
        }
        if let Some((id, read, listed)) = differing(&now.keys, trial).first() {
            found.add(broken(
                format!("{id} is read as {read} and listed as {listed}"),
                "the baseline gets the token as read, so that every run takes the record for changed",
            ));
        }
    }
    let whole = match asked.len() < batch {
        true => format!("all there are, where up to {batch} fit"),
        false => "a full batch".to_owned(),
    };
    Ok(Some(found.or(holds(
        format!("{} records in one call ({whole}), each with the key that the listing has", asked.len()),
        format!("records are read {batch} at a time"),
    ))))
}

/// Records whose token as read is another than listed: id, as read, as listed.
fn differing(listed: &[RemoteKey], trial: &Trial<'_>) -> Vec<(RemoteId, String, String)> {
    let by_id: std::collections::HashMap<_, _> = listed.iter().map(|key| (&key.id, key)).collect();
    let other = |key: &RemoteKey| {
        let listed = by_id.get(&key.id)?;
        let differs = listed.token != key.token || listed.created != key.created;
        differs.then(|| (key.id.clone(), key.token.to_string(), listed.token.to_string()))
    };
    trial.sample.iter().filter_map(|record| other(&record.key)).collect()
}

/// Whether the values are what the descriptor says, and whether every field comes at all.
pub(super) async fn fields(trial: &Trial<'_>) -> Checked {
    let fields = &trial.subject.object.remote;
    let mut found = Gathered::default();
    for record in &trial.sample {
        if let Err((index, misfit)) = conform_row(&mut record.row.clone(), fields) {
            let name = index.map_or("the row", |index| trial.subject.field(index));
            let outcome = if index.is_some() { note } else { broken };
            found.add(outcome(
                format!("{}: {name} {misfit}", record.key.id),
                "such a record is an issue when it is pulled, and stays as it is locally",
            ));
        }
    }
    for (index, field) in fields.iter().enumerate() {
        let absent = |row: &Vec<Value>| row.get(index).is_none_or(|value| *value == Value::Absent);
        if !trial.sample.is_empty() && trial.sample.iter().all(|record| absent(&record.row)) {
            found.add(note(
                format!("`{}` comes with no record", field.name),
                "what does not come is neither compared nor written; is the name right?",
            ));
        }
    }
    if trial.sample.is_empty() {
        return Ok(None);
    }
    Ok(Some(found.or(holds(
        format!("the {} fields of {} records are as the descriptor says", fields.len(), trial.sample.len()),
        "they can be mapped",
    ))))
}

pub(super) async fn unknown_ids(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let Some(known) = trial.asked.first() else {
        return Ok(Some(note(
            "there is no record whose id shows what ids look like",
            "checked as soon as there is one",
        )));
    };
    let listed: HashSet<&str> = trial.listed().iter().map(|key| key.id.0.as_str()).collect();
    let Some(unknown) = made_up(known, &listed) else { return Ok(None) };
    let means =
        "a record that goes between listing and reading is left out, and the others of its batch are read";
    let found = match subject.remote.details(subject.object, &[unknown.clone(), known.clone()]).await {
        Ok(found) => found,
        Err(error) => {
            let told = format!("one id that does not exist ({unknown}) fails the whole batch: {error}");
            return Ok(Some(broken(told, "a record that goes between listing and reading fails the object")));
        }
    };
    let ids: Vec<&RemoteId> = found.iter().map(|record| &record.key.id).collect();
    Ok(Some(if ids.contains(&&unknown) {
        note(format!("the id that was made up, {unknown}, exists"), means)
    } else if ids == [known] {
        holds(format!("{unknown}, which does not exist, is left out"), means)
    } else if ids.is_empty() && trial.is_still() {
        broken(
            format!("beside an id that does not exist, {known} is not answered either"),
            "a record that goes between listing and reading takes others of its batch along",
        )
    } else {
        note(
            format!("asked for {known} and an id that does not exist, it answers {} records", ids.len()),
            means,
        )
    }))
}

/// An id of the same form as a known one, which no record has.
fn made_up(known: &RemoteId, listed: &HashSet<&str>) -> Option<RemoteId> {
    if known.0.parse::<i64>().is_ok() {
        let greatest = listed.iter().filter_map(|id| id.parse::<i64>().ok()).max()?;
        return Some(RemoteId(greatest.checked_add(1_000_003)?.to_string()));
    }
    // The letters of hexadecimal digits stay such letters.
    let other = |letter: char| match letter {
        '0'..='9' => char::from(b'9' - (letter as u8 - b'0')),
        'a'..='f' => char::from(b'f' - (letter as u8 - b'a')),
        'A'..='F' => char::from(b'F' - (letter as u8 - b'A')),
        _ => letter,
    };
    let mut letters: Vec<char> = known.0.chars().collect();
    for at in (0..letters.len()).rev() {
        letters[at] = other(letters[at]);
        let id: String = letters.iter().collect();
        // A few letters, so that a record that was made since has it hardly.
        if letters.len() - at >= letters.len().min(4) && !listed.contains(id.as_str()) {
            return Some(RemoteId(id));
        }
    }
    None
}

pub(super) async fn no_ids(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let found = subject.remote.details(subject.object, &[]).await?;
    Ok(Some(match found.len() {
        0 => holds("asked for no record, it answers none", "nothing"),
        count => broken(format!("asked for no record, it answers {count}"), "they are overlooked"),
    }))
}

/// As many requests at once as are claimed: each is answered for itself.
pub(super) async fn in_flight(trial: &Trial<'_>) -> Checked {
    let subject = trial.subject;
    let claimed = subject.remote.capabilities().in_flight;
    if claimed == 0 {
        return Ok(Some(broken("it claims that no request may be in flight", "nothing is ever asked")));
    }
    let ids: Vec<&RemoteId> = trial.asked.iter().take(claimed.min(MOST_AT_ONCE)).collect();
    let answers = join_all(ids.iter().map(|id| subject.one(id))).await;
    let mut missing = Vec::new();
    for (id, answer) in ids.iter().zip(answers) {
        if answer?.is_none() && trial.is_still() {
            missing.push(*id);
        }
    }
    Ok(Some(match missing.first() {
        _ if ids.is_empty() => note("there is no record to ask for", "checked as soon as there is one"),
        None => holds(
            format!("{} requests at once, each with its own answer", ids.len()),
            format!("up to {claimed} requests are in flight"),
        ),
        Some(id) => broken(
            format!("of {} requests at once, that for {id} is not answered with it", ids.len()),
            "records are overlooked; lower `in-flight` in the metadata",
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_id_has_the_form_of_a_known_one_and_is_nobodys() {
        for (known, expected) in
            [("17", "1000042"), ("88-3DS000", "88-3DS999"), ("0a1b2c3d-77", "0a1b2c3c-22")]
        {
            let listed = HashSet::from([known, "39"]);
            assert_eq!(made_up(&RemoteId(known.into()), &listed).unwrap().0, expected);
        }
    }
}
