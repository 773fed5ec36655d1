//! What holds for every plugin, whatever its object is.

mod answers;
mod description;
mod merging;
mod purity;
mod round_trip;

use super::cases::written;
use super::rows::Rows;
use super::shrink::shrink;
use crate::natural::natural_json;
use crate::plugin::{Fault, Function, WasmMapper, clean};
use crate::ports::Mapper;
use sync_core::object::Field;
use sync_core::value::{Row, Value};

/// Samples of one check.
const AT_ONCE: usize = 200;

/// What a law is checked on: one row, or base, local and remote of a conflict.
pub(super) type Sample = Vec<Row>;

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Remote rows.
    Remote,
    /// Local rows.
    Local,
    /// Base, local and remote of records that both sides changed, in local shape.
    Conflicts,
}

/// A law.
pub(super) struct Law {
    pub(super) name: &'static str,
    /// One sentence.
    pub(super) says: &'static str,
    pub(super) over: &'static [Over],
    /// Whether some sample has to be one that it applies to, or it would hold for want of trying.
    pub(super) needs_one: bool,
    pub(super) check: Check,
}

/// Checks all samples at once: verdict i is that of sample i.
pub(super) type Check = fn(&WasmMapper, Over, &[Sample]) -> Vec<Verdict>;

/// What a law says of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// The sample is none that it speaks of.
    DoesNotApply,
    /// Why not.
    Broken(String),
}

/// A law that does not hold.
#[derive(Debug)]
pub(super) struct Broken {
    /// The smallest sample that was found; none where no sample is one that the law speaks of.
    pub(super) sample: Option<(Over, Sample)>,
    pub(super) message: String,
}

impl Law {
    pub(super) fn test_name(&self) -> String {
        format!("law {}", self.name)
    }
}

/// The laws for this plugin.
pub(super) fn all(plugin: &WasmMapper) -> impl Iterator<Item = &'static Law> {
    let merges = plugin.merges();
    let rows = [answers::LAWS, purity::LAWS, round_trip::LAWS, description::LAWS].into_iter().flatten();
    rows.chain(merging::LAWS.iter().filter(move |_| merges))
}

/// Checks a law on all rows. What it came to in a few words, or the smallest row that breaks it.
pub(super) fn run(law: &Law, plugin: &WasmMapper, rows: &Rows) -> Result<Option<String>, Broken> {
    let mut applied = 0;
    for over in law.over.iter().copied() {
        let samples = rows.samples(over);
        // A law may make many rows of each.
        let verdicts = samples.chunks(AT_ONCE).flat_map(|some| (law.check)(plugin, over, some));
        for (sample, verdict) in samples.iter().zip(verdicts) {
            match verdict {
                Verdict::Holds => applied += 1,
                Verdict::DoesNotApply => {}
                Verdict::Broken(first) => {
                    let (sample, message) = shrink(plugin, over, sample, first, law.check);
                    let row = shown_sample(plugin, over, &sample);
                    let message = format!("{}\n  but {message}\n  row: {row}", law.says);
                    return Err(Broken { sample: Some((over, sample)), message });
                }
            }
        }
        if law.needs_one && applied == 0 && !samples.is_empty() {
            let message = format!(
                "{}: no row of {} was accepted, so nothing is known; add a case file with a record that is",
                law.says,
                samples.len()
            );
            return Err(Broken { sample: None, message });
        }
    }
    Ok(Some(format!("{applied} rows")))
}

/// Checks a law on the sample of a case.
pub(super) fn check_one(plugin: &WasmMapper, law: &str, over: Over, sample: &Sample) -> Result<(), String> {
    let law = all(plugin)
        .find(|it| it.name == law && it.over.contains(&over))
        .ok_or_else(|| format!("there is no law {law:?} on such a row"))?;
    match (law.check)(plugin, over, std::slice::from_ref(sample)).pop() {
        Some(Verdict::Broken(message)) => Err(format!("{}\n  but {message}", law.says)),
        _ => Ok(()),
    }
}

/// The functions that take rows of a side.
fn functions(over: Over) -> &'static [Function] {
    match over {
        Over::Remote => &[Function::ToLocal],
        Over::Local | Over::Conflicts => &[Function::ToRemote, Function::Validate],
    }
}

/// The mapping that takes rows of a side, and the one back.
fn there_and_back(over: Over) -> (Function, Function) {
    match over {
        Over::Remote => (Function::ToLocal, Function::ToRemote),
        Over::Local | Over::Conflicts => (Function::ToRemote, Function::ToLocal),
    }
}

/// A function's name in the contract.
fn name(function: Function) -> &'static str {
    match function {
        Function::ToLocal => "to-local",
        Function::ToRemote => "to-remote",
        Function::Validate => "validate",
    }
}

/// Longest words of a plugin's own that a message repeats, in characters.
const LONGEST_WORDS: usize = 300;

/// A plugin's own words, fit for a terminal.
pub(super) fn words(text: &str) -> String {
    clean(text, LONGEST_WORDS)
}

/// A fault in words.
pub(super) fn told(plugin: &WasmMapper, function: Function, fault: &Fault) -> String {
    let call = name(function);
    match fault {
        Fault::Failed(failure) => format!("{call} {failure}"),
        Fault::Rejected(it, _) => {
            let field = it.field.and_then(|at| plugin.input(function).get(at as usize));
            let of = field.map(|field| format!(" of {}", field.name)).unwrap_or_default();
            format!("{call} refuses the record: {}{of}: {}", words(&it.code), words(&it.message))
        }
        Fault::Misfit { field, misfit } => match field.and_then(|at| plugin.output(function).1.get(at)) {
            Some(field) => format!("{call} gave a row whose field {} {misfit}", field.name),
            None => format!("{call} gave a row that is none: {misfit}"),
        },
    }
}

/// A value as messages show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Absent => "absent".to_owned(),
        value => natural_json(value).to_string(),
    }
}

fn shown_sample(plugin: &WasmMapper, over: Over, sample: &Sample) -> String {
    let fields = fields(plugin, over);
    let rows: Vec<String> = sample.iter().map(|row| written(fields, row)).collect();
    match rows.as_slice() {
        [base, local, remote] => format!("base {base}, local {local}, remote {remote}"),
        rows => rows.concat(),
    }
}

/// The fields of a sample's rows.
pub(super) fn fields(plugin: &WasmMapper, over: Over) -> &[Field] {
    match over {
        Over::Remote => &plugin.object().remote,
        Over::Local | Over::Conflicts => &plugin.object().local,
    }
}

/// The one row of a sample that is not a conflict.
fn rows(samples: &[Sample]) -> Vec<Row> {
    samples.iter().map(|sample| sample.first().cloned().unwrap_or_default()).collect()
}
