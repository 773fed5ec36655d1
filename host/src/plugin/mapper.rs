//! A plugin at work: batches of records, each batch in a sandbox of its own.

use super::failure::Failure;
use super::fault::{Called, Fault, Rejection};
use super::inspect::Inspection;
use super::limits::{Limits, Meter};
use super::merging;
use super::pace::Pace;
use super::sandbox::{Sandbox, Spent};
use super::v0_1::{self, Mapping, ValueParam};
use crate::ports::{MapError, Mapper};
use crate::shown::shown;
use std::borrow::Borrow;
use std::path::{Path, PathBuf};
use sync_core::conflict::{Resolution, Sides};
use sync_core::object::{Field, Object, conform_row};
use sync_core::value::{Row, Value};
use wasmtime::Store;

/// One direction of `mapping`.
type Call<T> = fn(&Mapping, &mut Store<Meter>, &[&[ValueParam<'_>]]) -> wasmtime::Result<Vec<T>>;
/// A mapped row, or the plugin's own refusal.
type Mapped = Result<v0_1::RowResult, v0_1::Rejection>;

const TO_LOCAL: Call<Mapped> = |mapping, store, rows| mapping.call_to_local(store, rows);
const TO_REMOTE: Call<Mapped> = |mapping, store, rows| mapping.call_to_remote(store, rows);
const VALIDATE: Call<Vec<v0_1::Rejection>> = |mapping, store, rows| mapping.call_validate(store, rows);

/// Which function of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Remote shape to local shape.
    ToLocal,
    /// Local shape to remote shape.
    ToRemote,
    /// Business rules on the local shape.
    Validate,
}

/// What a plugin says of a record: its row, or `None` for a record that [`Function::Validate`] accepts.
pub type Answer = Result<Option<Row>, Fault>;

/// One record, run alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// What a run would get.
    pub answer: Answer,
    /// What it took.
    pub spent: Spent,
}

/// The mapping of one object, done by its plugin.
///
/// **A record's verdict is that of running it alone** in a fresh instance, with the fuel and memory of one
/// record: a batch gets no more than that, so where it succeeds, so would each of its records. Where it fails
/// it is halved, down to the records that fail alone. How records are batched therefore changes the speed and
/// nothing else. The one exception is a composed component that runs out of time again and again: it is not called any
/// more.
pub struct WasmMapper {
    path: PathBuf,
    /// The component's file name, for messages.
    file: String,
    inspection: Inspection,
    object: Object,
    sandbox: Sandbox,
    pace: [Pace; 3],
}

impl WasmMapper {
    pub(super) fn new(path: PathBuf, inspection: Inspection, object: Object, sandbox: Sandbox) -> WasmMapper {
        let file = shown(path.file_name().unwrap_or(path.as_os_str()));
        WasmMapper { path, file, inspection, object, sandbox, pace: [Pace::new(), Pace::new(), Pace::new()] }
    }

    /// The component's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The component's surface.
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// What it may use for one record.
    pub fn limits(&self) -> Limits {
        self.sandbox.limits
    }

    /// The same plugin under other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> WasmMapper {
        self.sandbox.limits = limits;
        self
    }

    /// Whether it settles conflicts of its own object.
    pub fn merges(&self) -> bool {
        merging::export(&self.inspection.exports).is_some()
    }

    /// What the plugin says of these records, in as many calls as a run would take.
    pub fn ask(&self, function: Function, rows: &[impl Borrow<Row>]) -> Vec<Answer> {
        v0_1::lend(rows, |rows| match function {
            Function::ToLocal => self.rows(function, rows, TO_LOCAL),
            Function::ToRemote => self.rows(function, rows, TO_REMOTE),
            Function::Validate => self
                .run(function, rows, VALIDATE)
                .into_iter()
                .map(|answer| accepted(answer.map_err(Fault::Failed)?))
                .collect(),
        })
    }

    /// Runs one record alone, as a run would, and tells what it took.
    pub fn measure(&self, function: Function, row: &Row) -> Measured {
        let (answer, spent) = v0_1::lend(&[row], |rows| match function {
            Function::Validate => {
                let (answer, spent) = self.attempt(rows, VALIDATE);
                (first(answer).and_then(accepted), spent)
            }
            Function::ToLocal | Function::ToRemote => {
                let call = if function == Function::ToLocal { TO_LOCAL } else { TO_REMOTE };
                let (answer, spent) = self.attempt(rows, call);
                (first(answer).and_then(|it| conform(it, self.output(function).1)).map(Some), spent)
            }
        });
        Measured { answer, spent }
    }

    /// What the plugin says of one conflict of its object, where it settles them.
    pub fn resolve(&self, sides: Sides<'_>) -> Option<Result<Option<Resolution>, Fault>> {
        let interface = merging::export(&self.inspection.exports)?;
        Some(self.settled(interface, sides))
    }

    /// The fields that a function takes.
    pub fn input(&self, function: Function) -> &[Field] {
        match function {
            Function::ToLocal => &self.object.remote,
            Function::ToRemote | Function::Validate => &self.object.local,
        }
    }

    /// The side that a function answers for, and its fields; for [`Function::Validate`], those of the local side.
    pub fn output(&self, function: Function) -> (&'static str, &[Field]) {
        match function {
            Function::ToRemote => ("remote", &self.object.remote),
            Function::ToLocal | Function::Validate => ("local", &self.object.local),
        }
    }

    /// One call for these rows.
    fn attempt<T>(&self, rows: &[&[ValueParam<'_>]], call: Call<T>) -> (Result<Vec<T>, Failure>, Spent) {
        let (answer, spent) = self.sandbox.call(|plugin, store| {
            let answers = call(plugin.crm_sync_object_mapping(), store, rows)?;
            Ok((answers, store.data().refused()))
        });
        let checked = answer.and_then(|(answers, refused)| match refused {
            _ if answers.len() != rows.len() => {
                Err(Failure::Count { asked: rows.len(), found: answers.len() })
            }
            // A plugin may answer in spite of a refused allocation. With another batch size it would have
            // answered something else, so only what it says of a record alone counts.
            Some(_) if rows.len() > 1 => Err(Failure::Memory(self.sandbox.limits.memory)),
            _ => Ok(answers),
        });
        (checked, spent)
    }

    /// Answers for all rows, in their order.
    fn run<T>(
        &self,
        function: Function,
        rows: &[&[ValueParam<'_>]],
        call: Call<T>,
    ) -> Vec<Result<T, Failure>> {
        let pace = &self.pace[function as usize];
        let mut answers = Vec::with_capacity(rows.len());
        let mut rest = rows;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(pace.size().min(rest.len()));
            self.halve(batch, call, pace, &mut answers);
            rest = later;
        }
        answers
    }

    fn halve<T>(
        &self,
        rows: &[&[ValueParam<'_>]],
        call: Call<T>,
        pace: &Pace,
        out: &mut Vec<Result<T, Failure>>,
    ) {
        match self.attempt(rows, call) {
            (Ok(answers), spent) => {
                pace.went_well(rows.len(), spent.fuel, self.sandbox.limits.fuel_per_record);
                out.extend(answers.into_iter().map(Ok));
            }
            (Err(failure), _) if rows.len() == 1 => out.push(Err(failure)),
            // The halves would take as long again, each of them down to the one record.
            (Err(Failure::Time(_) | Failure::GivenUp), _) => {
                pace.failed();
                rows.chunks(1).for_each(|row| self.halve(row, call, pace, out));
            }
            (Err(_), _) => {
                pace.failed();
                let (first, second) = rows.split_at(rows.len() / 2);
                self.halve(first, call, pace, out);
                self.halve(second, call, pace, out);
            }
        }
    }

    fn rows(&self, function: Function, rows: &[&[ValueParam<'_>]], call: Call<Mapped>) -> Vec<Answer> {
        let (_, output) = self.output(function);
        let answers = self.run(function, rows, call).into_iter();
        answers.map(|answer| conform(answer.map_err(Fault::Failed)?, output).map(Some)).collect()
    }

    fn issue(&self, function: Function, fault: Fault) -> MapError {
        let (output_side, output) = self.output(function);
        let (file, object, input) = (&self.file, self.object.name.as_str(), self.input(function));
        fault.issue(Called { file, object, input, output_side, output })
    }

    fn map(&self, function: Function, rows: &[&Row]) -> Vec<Result<Row, MapError>> {
        let answers = self.ask(function, rows).into_iter();
        // Both mappings answer with a row.
        answers
            .map(|it| it.map(Option::unwrap_or_default).map_err(|fault| self.issue(function, fault)))
            .collect()
    }

    /// What the plugin's own `merging` says of a conflict. What a merged row leaves out stays as it is locally.
    fn settled(&self, interface: &str, sides: Sides<'_>) -> Result<Option<Resolution>, Fault> {
        let (answer, _) = self
            .sandbox
            .metered(|store| merging::resolve(self.sandbox.pre.instance_pre(), store, interface, sides));
        let resolution = first(answer)?;
        if let Some(choice) = merging::kept(&resolution) {
            return Ok(Some(Resolution::Keep(choice)));
        }
        let merging::Resolution::Merged(row) = resolution else { return Ok(None) };
        let mut row = conform(Ok(row), &self.object.local)?;
        for (value, ours) in row.iter_mut().zip(sides.local) {
            if *value == Value::Absent {
                value.clone_from(ours);
            }
        }
        Ok(Some(Resolution::Merged(row)))
    }
}

/// The one answer to one record.
fn first<T>(answers: Result<Vec<T>, Failure>) -> Result<T, Fault> {
    answers
        .and_then(|rows| rows.into_iter().next().ok_or(Failure::Count { asked: 1, found: 0 }))
        .map_err(Fault::Failed)
}

/// A row that keeps what the description promises, or whose fault it is.
fn conform(mapped: Mapped, output: &[Field]) -> Result<Row, Fault> {
    let rejected = |it: v0_1::Rejection| Fault::Rejected(it.into(), Vec::new());
    let mut row = v0_1::from_plugin(mapped.map_err(rejected)?);
    conform_row(&mut row, output).map_err(|(field, misfit)| Fault::Misfit { field, misfit })?;
    Ok(row)
}

/// What `validate` says of a record: nothing, or why not.
fn accepted(rejections: Vec<v0_1::Rejection>) -> Answer {
    let mut rejections = rejections.into_iter().map(Rejection::from);
    match rejections.next() {
        None => Ok(None),
        Some(first) => Err(Fault::Rejected(first, rejections.collect())),
    }
}

impl Mapper for WasmMapper {
    fn object(&self) -> &Object {
        &self.object
    }

    fn to_local(&self, remote: &[&Row]) -> Vec<Result<Row, MapError>> {
        self.map(Function::ToLocal, remote)
    }

    fn to_remote(&self, local: &[&Row]) -> Vec<Result<Row, MapError>> {
        self.map(Function::ToRemote, local)
    }

    fn validate(&self, local: &[&Row]) -> Vec<Result<(), MapError>> {
        let answers = self.ask(Function::Validate, local).into_iter();
        answers.map(|it| it.map(|_| ()).map_err(|fault| self.issue(Function::Validate, fault))).collect()
    }

    fn merge(&self, sides: Sides<'_>) -> Option<Result<Option<Resolution>, MapError>> {
        // A merged row is a local one, as the output of `to-local` is.
        Some(self.resolve(sides)?.map_err(|fault| self.issue(Function::ToLocal, fault)))
    }
}
