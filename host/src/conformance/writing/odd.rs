//! Odd values in every field that they fit: kept, refused in words, or changed in a way that can be named.

use super::super::odd_values::{Family, Fate, fate};
use super::super::outcome::{Checked, Gathered, Outcome, Trouble, broken, holds, note, told};
use super::super::trial::{Subject, Trial};
use super::super::workshop::usual;
use crate::ports::WriteError;
use sync_core::change_key::RemoteId;
use sync_core::value::{Kind, Row, Value};

/// How often a write is tried that others get in the way of.
const ATTEMPTS: usize = 3;

const REFUSED: &str =
    "a local record with such a value is an issue that has the server's words, until it is corrected";
const CHANGED: &str = "the value is written, the difference counted and named in the report (decision 9)";
const LOST: &str = "the next run has the server's value in place of what was typed here; the report names it as a difference";

pub(super) async fn values(trial: &Trial<'_>, family: &Family) -> Checked {
    let fields = trial.free_fields();
    let all: Vec<(usize, Vec<Value>)> = fields
        .into_iter()
        .map(|index| (index, (family.values)(&trial.subject.object.remote[index].kind)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let rounds = all.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    if rounds == 0 {
        return Ok(None);
    }
    let id = trial.make_and_read().await?.key.id;
    let mut found = Gathered::default();
    let mut picky: Vec<usize> = Vec::new();
    for round in 0..rounds {
        let of_round = all.iter().filter(|(index, _)| !picky.contains(index));
        let values =
            of_round.filter_map(|(index, values)| Some((*index, values.get(round)?.clone()))).collect();
        let fates = trial.write_all(&id, values).await?;
        // What takes one text only as a choice from a list takes no other either.
        let refused = fates.iter().filter(|(_, _, fate)| matches!(fate, Fate::Refused(_)));
        picky.extend(refused.map(|(index, ..)| *index));
        observations(&trial.subject, &fates).into_iter().for_each(|it| found.add(it));
    }
    let count: usize = all.iter().map(|(_, values)| values.len()).sum();
    Ok(Some(found.or(holds(
        format!("{}: {count} values in {} fields come back as they were sent", family.name, all.len()),
        "nothing is lost or counted as a difference",
    ))))
}

/// Null after a value clears it.
pub(super) async fn nulls(trial: &Trial<'_>) -> Checked {
    let object = trial.subject.object;
    let record = trial.make_and_read().await?;
    let free = trial.free_fields().into_iter().filter(|index| !object.remote[*index].traits.required);
    let fill = |index: usize| match record.row.get(index) {
        Some(value) if value.is_filled() => value.clone(),
        _ => usual(&object.remote[index].kind),
    };
    let filled: Vec<(usize, Value)> =
        free.map(|index| (index, fill(index))).filter(|(_, it)| it.is_filled()).collect();
    let id = &record.key.id;
    let kept = trial.write_all(id, filled).await?;
    let kept = kept.into_iter().filter(|(_, _, fate)| matches!(fate, Fate::Kept | Fate::Changed(_)));
    let nulls: Vec<(usize, Value)> = kept.map(|(index, ..)| (index, Value::Null)).collect();
    if nulls.is_empty() {
        return Ok(None);
    }
    let count = nulls.len();
    let mut found = Gathered::default();
    let fates = trial.write_all(id, nulls).await?;
    observations(&trial.subject, &fates).into_iter().for_each(|it| found.add(it));
    Ok(Some(found.or(holds(
        format!("{count} fields that had a value are cleared by null"),
        "a value that is cleared here is cleared there",
    ))))
}

/// What became of values: one observation for all fields that have the same to tell of a value.
fn observations(subject: &Subject<'_>, fates: &[(usize, Value, Fate)]) -> Vec<Outcome> {
    let mut all: Vec<(String, &Fate, Vec<&str>)> = Vec::new();
    for (index, value, fate) in fates.iter().filter(|(_, _, fate)| *fate != Fate::Kept) {
        let (value, field) = (shown(value), subject.field(*index));
        match all.iter_mut().find(|(other, known, _)| *other == value && *known == fate) {
            Some((_, _, fields)) => fields.push(field),
            None => all.push((value, fate, vec![field])),
        }
    }
    let outcome = |(value, fate, fields): (String, &Fate, Vec<&str>)| {
        let told = |how: &str| format!("`{}` = {value}: {how}", fields.join("`, `"));
        match fate {
            Fate::Kept => None,
            Fate::Refused(message) => Some(note(told(&format!("refused, {message}")), REFUSED)),
            Fate::Changed(how) => Some(note(told(how), CHANGED)),
            Fate::Lost(how) => Some(broken(told(how), LOST)),
        }
    };
    all.into_iter().filter_map(outcome).collect()
}

/// A value as messages show it, not too long.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    let text = match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Decimal(text) | Value::Date(text) | Value::Reference(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Null => "null".into(),
        Value::Timestamp(micros) => sync_core::calendar::format_timestamp(*micros).unwrap_or_default(),
        Value::Choices(choices) => choices.join(" | "),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Absent => "absent".into(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

impl Trial<'_> {
    /// The fields that any value may be written to: not those that records of the check are known by.
    fn free_fields(&self) -> Vec<usize> {
        let marks = self.workshop.marks(&self.subject);
        let fields = self.subject.object.remote.iter().enumerate();
        let free = fields.filter(|(index, field)| {
            !field.traits.is_remote_owned()
                && !marks.contains(index)
                && !matches!(field.kind, Kind::Reference(_))
        });
        free.map(|(index, _)| index).collect()
    }

    /// Gives every field of a record a value, as far as the server takes one: something that could be lost.
    pub(super) async fn fill(&self, id: &RemoteId) -> Result<(), Trouble> {
        let row = self.read(id).await?.row;
        let empty =
            self.free_fields().into_iter().filter(|index| !row.get(*index).is_some_and(Value::is_filled));
        let values = empty.map(|index| (index, usual(&self.subject.object.remote[index].kind)));
        self.write_all(id, values.filter(|(_, value)| value.is_filled()).collect()).await.map(|_| ())
    }

    /// Writes values into a record, all at once or, where that is refused, in ever smaller parts; what became of each.
    async fn write_all(
        &self,
        id: &RemoteId,
        values: Vec<(usize, Value)>,
    ) -> Result<Vec<(usize, Value, Fate)>, Trouble> {
        let mut fates = Vec::with_capacity(values.len());
        let mut open = vec![values];
        while let Some(mut part) = open.pop() {
            if part.is_empty() {
                continue;
            }
            match self.write_some(id, &part).await? {
                Ok((before, after)) => {
                    for (index, value) in part {
                        let absent = Value::Absent;
                        let (old, new) =
                            (before.get(index).unwrap_or(&absent), after.get(index).unwrap_or(&absent));
                        let fate = fate(old, &value, new);
                        fates.push((index, value, fate));
                    }
                }
                Err(_) if part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    open.extend([rest, part]);
                }
                Err(error) => {
                    let fate = match &error {
                        WriteError::Refused { message, .. } => Fate::Refused(message.clone()),
                        other => Fate::Lost(told(other)),
                    };
                    fates.extend(part.into_iter().map(|(index, value)| (index, value, fate.clone())));
                }
            }
        }
        Ok(fates)
    }

    /// The record before and after one update.
    async fn write_some(
        &self,
        id: &RemoteId,
        part: &[(usize, Value)],
    ) -> Result<Result<(Row, Row), WriteError>, Trouble> {
        let mut attempt = 0;
        loop {
            let before = self.read(id).await?;
            // What is there already would prove nothing, and is no edit that a run would send.
            let new: Vec<_> =
                part.iter().filter(|(index, value)| before.row.get(*index) != Some(value)).cloned().collect();
            if new.is_empty() {
                return Ok(Ok((before.row.clone(), before.row)));
            }
            attempt += 1;
            match self.subject.remote.update(self.subject.object, id, &before.key.token, &new).await {
                Ok(_) => return Ok(Ok((before.row, self.read(id).await?.row))),
                Err(WriteError::Moved) if attempt < ATTEMPTS => {}
                Err(WriteError::Remote(error)) if error.scope == crate::ports::Scope::Run => {
                    return Err(error.into());
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}
