//! From the entries of a declaration to the fields of both sides and the rules that make them: each local field and
//! each remote field that is written is made exactly once.

use super::field::{Entry, Name};
use super::way::Way;
use super::wit::{Check, Condition, Constant, Pair, Parts, Rule, Side};
use crate::toml_file::error::ProblemKind;
use crate::toml_file::found::Found;
use crate::toml_file::nearest::suggestion;
use sync_core::object::{Field, Traits};
use sync_core::value::{Kind, Value};

/// Both sides, and how they come from each other.
#[derive(Default)]
pub(super) struct Assembled {
    pub(super) local: Vec<Field>,
    pub(super) remote: Vec<Field>,
    pub(super) rules: Vec<Rule>,
    pub(super) checks: Vec<Check>,
    /// The entry that makes each remote field.
    makers: Vec<usize>,
}

/// Puts the entries together.
pub(super) fn assemble(entries: &[Entry], found: &mut Found<'_>) -> Assembled {
    let mut all = Assembled::default();
    for (index, entry) in entries.iter().enumerate() {
        all.add_local(entry, found);
        all.add_remote(index, entry, entries, found);
    }
    for (index, entry) in entries.iter().enumerate() {
        all.add_rule(index, entry, found);
        all.add_checks(entry, found);
    }
    all
}

/// Whether the entry only shows what it reads.
fn only_reads(entry: &Entry) -> bool {
    entry.traits.read_only || entry.traits.computed
}

/// What is required of several is required of the first: what is empty stands last.
fn traits_of(entry: &Entry, at: usize) -> Traits {
    Traits { required: entry.traits.required && at == 0, ..entry.traits }
}

impl Assembled {
    fn add_local(&mut self, entry: &Entry, found: &mut Found<'_>) {
        for (at, name) in entry.local.iter().enumerate() {
            if position(&self.local, &name.text).is_some() {
                let message = format!("the local field `{}` is there twice", name.text);
                found.problem(ProblemKind::InvalidValue, name.at, message, None);
                continue;
            }
            let mut traits = traits_of(entry, at);
            if matches!(entry.way, Way::Constant(_)) {
                // Nothing of it is sent, and an edit of it is put back.
                traits.read_only = true;
            }
            self.local.push(Field { name: name.text.clone(), kind: entry.local_kind.clone(), traits });
        }
    }

    fn add_remote(&mut self, index: usize, entry: &Entry, entries: &[Entry], found: &mut Found<'_>) {
        for (at, name) in entry.remote.iter().enumerate() {
            let traits = traits_of(entry, at);
            let Some(known) = position(&self.remote, &name.text) else {
                let field = Field { name: name.text.clone(), kind: entry.remote_kind.clone(), traits };
                self.remote.push(field);
                self.makers.push(index);
                continue;
            };
            let (Some(field), Some(maker)) = (self.remote.get_mut(known), self.makers.get_mut(known)) else {
                continue;
            };
            let other = entries.get(*maker);
            let twice = *maker == index || !(only_reads(entry) || other.is_some_and(only_reads));
            let (message, help) = if twice {
                let help = "of several that read it, all but one are `read-only = true`".to_owned();
                (format!("the remote field `{}` is made by two fields", name.text), Some(help))
            } else if field.kind != entry.remote_kind {
                (format!("the remote field `{}` is of another kind elsewhere", name.text), None)
            } else {
                if !only_reads(entry) {
                    (field.traits, *maker) = (traits, index);
                }
                continue;
            };
            found.problem(ProblemKind::InvalidValue, name.at, message, help);
        }
    }

    fn add_rule(&mut self, index: usize, entry: &Entry, found: &mut Found<'_>) {
        let (Some(local), Some(remote)) =
            (indices(&self.local, &entry.local), indices(&self.remote, &entry.remote))
        else {
            return;
        };
        let elsewhere = |at: &&u32| self.makers.get(**at as usize).is_some_and(|maker| *maker != index);
        let made_elsewhere = remote.iter().filter(elsewhere).count();
        if made_elsewhere > 0 && made_elsewhere < remote.len() {
            let message = "some of these remote fields are made elsewhere, and the others nowhere".to_owned();
            let help = "give each of them a field of its own".to_owned();
            found.problem(ProblemKind::InvalidValue, entry.at, message, Some(help));
            return;
        }
        let to_local_only = made_elsewhere > 0;
        let one = |indices: &[u32]| indices.first().copied().unwrap_or(0);
        self.rules.push(match &entry.way {
            Way::Pair(form) => Rule::Pair(Pair {
                local: one(&local),
                remote: one(&remote),
                form: form.clone(),
                to_local_only,
            }),
            Way::Parts { separator, form } => {
                let (whole_side, whole, parts) = match remote[..] {
                    [whole] => (Side::Remote, whole, local),
                    _ => (Side::Local, one(&local), remote),
                };
                let separator = separator.clone();
                Rule::Parts(Parts { whole_side, whole, parts, separator, form: *form, to_local_only })
            }
            Way::Constant(value) => {
                let (side, field) =
                    if local.is_empty() { (Side::Remote, one(&remote)) } else { (Side::Local, one(&local)) };
                let only = !entry.traits.create_only;
                Rule::Constant(Constant { side, field, value: value.clone().into(), only })
            }
        });
    }

    fn add_checks(&mut self, entry: &Entry, found: &mut Found<'_>) {
        let Some(name) = entry.local.first() else { return };
        let Some(field) = indices(&self.local, std::slice::from_ref(name)).map(|at| at[0]) else { return };
        let said = name.text.replace('_', " ");
        let (least, most) = &entry.range;
        let message = match (least, most) {
            (Some(least), Some(most)) => {
                Some(format!("{said} is not between {} and {}", shown(least), shown(most)))
            }
            (Some(least), None) => Some(format!("{said} is less than {}", shown(least))),
            (None, Some(most)) => Some(format!("{said} is more than {}", shown(most))),
            (None, None) => None,
        };
        if let Some(message) = message {
            let bound = |bound: &Option<Value>| bound.clone().map(Into::into);
            let condition = Condition::Range((bound(least), bound(most)));
            self.checks.push(Check { field, condition, message });
        }
        let Some(other) = &entry.not_before else { return };
        let mut refuse = |message: String, help: Option<String>| {
            found.problem(ProblemKind::Reference, other.at, message, help);
        };
        let Some(start) = position(&self.local, &other.text) else {
            let help = suggestion(&other.text, self.local.iter().map(|field| field.name.as_str()));
            return refuse(format!("there is no local field `{}`", other.text), Some(help));
        };
        let kind = self.local.get(start).map(|field| &field.kind);
        if !matches!(entry.local_kind, Kind::Date | Kind::Timestamp) || kind != Some(&entry.local_kind) {
            return refuse("`not-before` goes with two dates, or with two timestamps".to_owned(), None);
        }
        let message = format!("{said} is before {}", other.text.replace('_', " "));
        let condition = Condition::NotBefore(u32::try_from(start).unwrap_or(u32::MAX));
        self.checks.push(Check { field, condition, message });
    }
}

fn position(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}

fn indices(fields: &[Field], names: &[Name]) -> Option<Vec<u32>> {
    let index = |name: &Name| position(fields, &name.text).and_then(|at| u32::try_from(at).ok());
    names.iter().map(index).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Decimal(text) | Value::Date(text) => text.clone(),
        _ => "its bound".to_owned(),
    }
}
