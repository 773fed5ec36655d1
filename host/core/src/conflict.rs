//! Step 5: conflicts, and what settles them without a question (decision 24).

use crate::object::Object;
use crate::value::{Row, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What the two sides did; the local side is named first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConflictKind {
    /// Both changed it.
    #[serde(rename = "update/update")]
    UpdateUpdate,
    /// Changed locally, deleted on the remote.
    #[serde(rename = "update/delete")]
    UpdateDelete,
    /// Deleted locally, changed on the remote.
    #[serde(rename = "delete/update")]
    DeleteUpdate,
}

impl ConflictKind {
    /// The name that logs and reports use.
    pub fn name(self) -> &'static str {
        match self {
            ConflictKind::UpdateUpdate => "update/update",
            ConflictKind::UpdateDelete => "update/delete",
            ConflictKind::DeleteUpdate => "delete/update",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<ConflictKind> {
        [ConflictKind::UpdateUpdate, ConflictKind::UpdateDelete, ConflictKind::DeleteUpdate]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which side of a conflict to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The local record, or its delete.
    KeepLocal,
    /// The remote record, or its delete.
    KeepRemote,
}

impl Choice {
    /// The word that `--keep` takes.
    pub fn name(self) -> &'static str {
        match self {
            Choice::KeepLocal => "local",
            Choice::KeepRemote => "remote",
        }
    }

    /// The choice of a word.
    pub fn from_name(name: &str) -> Option<Choice> {
        [Choice::KeepLocal, Choice::KeepRemote].into_iter().find(|choice| choice.name() == name)
    }
}

/// A rule for conflicts: of a field, or of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A person is asked.
    Ask,
    /// A side is kept.
    Keep(Choice),
}

/// The rule for the conflicts of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// A person is asked.
    Ask,
    /// A side is kept.
    Keep(Choice),
    /// What only one side changed is merged; for the rest, a person is asked.
    Merge,
}

/// Everything that settles an object's conflicts without a question, the strongest first. Only a recorded choice
/// is stronger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// The command line's.
    pub command_line: Option<Rule>,
    /// Those of single fields, by index of the local field.
    pub fields: BTreeMap<usize, Rule>,
    /// The object's. Where it has none, its plugin may settle its conflicts; else a person is asked.
    pub object: Option<Policy>,
}

/// How a conflict is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// One side is kept, whole.
    Keep(Choice),
    /// This row replaces both.
    Merged(Row),
}

/// What the rules say of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is settled.
    Settled(Resolution),
    /// The plugin decides, if it can; else this stands.
    Plugin(Option<Resolution>),
    /// A person is asked.
    Ask,
}

/// The three states of a record that both sides changed, in local shape.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What both agreed on last.
    pub base: &'a Row,
    /// The local record.
    pub local: &'a Row,
    /// The remote record.
    pub remote: &'a Row,
}

impl Rules {
    /// What the rules say of a record that was changed on one side and deleted on the other. Rules of fields say
    /// nothing of a delete, which concerns the whole record.
    pub fn of_delete(&self) -> Verdict {
        match (self.command_line, self.object) {
            (Some(Rule::Keep(choice)), _) | (None, Some(Policy::Keep(choice))) => {
                Verdict::Settled(Resolution::Keep(choice))
            }
            (Some(Rule::Ask), _) | (None, Some(Policy::Ask | Policy::Merge) | None) => Verdict::Ask,
        }
    }

    /// What the rules say of a record that was changed on both sides.
    ///
    /// Under [`Policy::Merge`] a field is in conflict if both sides changed it, to different values; otherwise
    /// every field in which the sides differ is. The rules of fields settle the record if they cover every field
    /// in conflict, and one of them that asks, asks.
    pub fn of_update(&self, object: &Object, sides: Sides<'_>) -> Verdict {
        match self.command_line {
            Some(Rule::Keep(choice)) => return Verdict::Settled(Resolution::Keep(choice)),
            Some(Rule::Ask) => return Verdict::Ask,
            None => {}
        }
        let whole = match self.object {
            Some(Policy::Keep(choice)) => Some(Verdict::Settled(Resolution::Keep(choice))),
            Some(Policy::Ask) => Some(Verdict::Ask),
            Some(Policy::Merge) => None,
            None => Some(Verdict::Plugin(None)),
        };
        // Where no field has a rule, nothing has to be merged to know.
        if let Some(verdict) = &whole
            && self.fields.is_empty()
        {
            return verdict.clone();
        }
        let merged = merge(object, sides);
        let in_conflict = match self.object {
            Some(Policy::Merge) => merged.in_conflict.clone(),
            Some(Policy::Ask | Policy::Keep(_)) | None => object.differing(sides.local, sides.remote),
        };
        let rules: Vec<Option<Rule>> =
            in_conflict.iter().map(|index| self.fields.get(index).copied()).collect();
        if rules.contains(&Some(Rule::Ask)) {
            return Verdict::Ask;
        }
        let sides_kept: Option<Vec<Choice>> = rules
            .into_iter()
            .map(|rule| match rule {
                Some(Rule::Keep(choice)) => Some(choice),
                Some(Rule::Ask) | None => None,
            })
            .collect();
        if let Some(choices) = sides_kept.filter(|choices| !choices.is_empty()) {
            let mut row = merged.row;
            for (index, choice) in in_conflict.into_iter().zip(choices) {
                let kept = match choice {
                    Choice::KeepLocal => sides.local,
                    Choice::KeepRemote => sides.remote,
                };
                if let (Some(value), Some(kept)) = (row.get_mut(index), kept.get(index)) {
                    value.clone_from(kept);
                }
            }
            return Verdict::Settled(Resolution::Merged(row));
        }
        whole.unwrap_or_else(|| {
            Verdict::Plugin(merged.in_conflict.is_empty().then_some(Resolution::Merged(merged.row)))
        })
    }
}

/// What a three-way merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Each field as the one side has it that changed it. A field in conflict is as the local side has it.
    pub row: Row,
    /// The fields that both sides changed, to different values.
    pub in_conflict: Vec<usize>,
}

/// Merges two sides field by field against what they agreed on. What the remote owns comes from the remote
/// (decision 9); what a side did not send, from the other; a field that was never agreed on, from the side that
/// has it filled.
pub fn merge(object: &Object, sides: Sides<'_>) -> Merged {
    let Sides { base, local, remote } = sides;
    let mut merged = Merged { row: Vec::with_capacity(object.local.len()), in_conflict: Vec::new() };
    let at = |row: &Row, index: usize| row.get(index).cloned().unwrap_or(Value::Absent);
    for (index, field) in object.local.iter().enumerate() {
        let (base, local, remote) = (at(base, index), at(local, index), at(remote, index));
        let unchanged = |side: &Value| *side == base || (base == Value::Absent && !side.is_filled());
        let value = if remote == Value::Absent {
            local
        } else if local == Value::Absent || field.traits.is_remote_owned() || unchanged(&local) {
            remote
        } else if local == remote || unchanged(&remote) {
            local
        } else if field.traits.not_compared {
            remote
        } else {
            merged.in_conflict.push(index);
            local
        };
        merged.row.push(value);
    }
    merged
}
