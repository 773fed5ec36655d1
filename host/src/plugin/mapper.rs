//! A plugin at work: batches of records, each batch in a sandbox of its own.

use super::failure::{Failure, rejected};
use super::inspect::Inspection;
use super::limits::{Limits, Meter};
use super::merging;
use super::pace::Pace;
use super::sandbox::{Sandbox, Spent};
use super::v0_1::{self, Mapping, Rejection};
use crate::ports::{MapError, Mapper};
use std::path::{Path, PathBuf};
use sync_core::conflict::{Resolution, Sides};
use sync_core::object::{Field, Object, RowMisfit, conform_row};
use sync_core::value::{Row, Value};
use wasmtime::Store;

/// One direction of `mapping`.
type Call<T> = fn(&Mapping, &mut Store<Meter>, &[v0_1::Row]) -> wasmtime::Result<Vec<T>>;
/// A mapped row, or the plugin's own refusal.
type Mapped = Result<v0_1::Row, Rejection>;

const TO_LOCAL: Call<Mapped> = |mapping, store, rows| mapping.call_to_local(store, rows);
const TO_REMOTE: Call<Mapped> = |mapping, store, rows| mapping.call_to_remote(store, rows);
const VALIDATE: Call<Vec<Rejection>> = |mapping, store, rows| mapping.call_validate(store, rows);

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

/// One record, run alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// What a run would get; `None` for an accepted record of [`Function::Validate`].
    pub outcome: Result<Option<Row>, MapError>,
    /// What it took.
    pub spent: Spent,
}

/// The mapping of one object, done by its plugin.
///
/// **A record's verdict is that of running it alone** in a fresh instance, with the fuel and memory of one
/// record: a batch gets no more than that, so where it succeeds, so would each of its records. Where it fails
/// it is halved, down to the records that fail alone. How records are batched therefore changes the speed and
/// nothing else.
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
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
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

    /// Runs one record alone, as a run would, and tells what it took.
    pub fn measure(&self, function: Function, row: Row) -> Measured {
        let rows = [v0_1::to_plugin(row)];
        let (input, output) = (self.input(function), self.output(function));
        let (outcome, spent) = match function {
            Function::Validate => {
                let (answer, spent) = self.attempt(&rows, VALIDATE);
                (self.first(answer).and_then(|it| self.accept(it, input)).map(|()| None), spent)
            }
            Function::ToLocal | Function::ToRemote => {
                let call = if function == Function::ToLocal { TO_LOCAL } else { TO_REMOTE };
                let (answer, spent) = self.attempt(&rows, call);
                (self.first(answer).and_then(|it| self.conform(it, input, output)).map(Some), spent)
            }
        };
        Measured { outcome, spent }
    }

    fn first<T>(&self, answer: Result<Vec<T>, Failure>) -> Result<T, MapError> {
        answer
            .and_then(|rows| rows.into_iter().next().ok_or(Failure::Count { asked: 1, found: 0 }))
            .map_err(|failure| self.failed(failure))
    }

    fn input(&self, function: Function) -> (&'static str, &[Field]) {
        match function {
            Function::ToLocal => ("remote", &self.object.remote),
            Function::ToRemote | Function::Validate => ("local", &self.object.local),
        }
    }

    fn output(&self, function: Function) -> (&'static str, &[Field]) {
        match function {
            Function::ToRemote => ("remote", &self.object.remote),
            Function::ToLocal | Function::Validate => ("local", &self.object.local),
        }
    }

    /// One call for these rows.
    fn attempt<T>(&self, rows: &[v0_1::Row], call: Call<T>) -> (Result<Vec<T>, Failure>, Spent) {
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
    fn run<T>(&self, function: Function, rows: &[v0_1::Row], call: Call<T>) -> Vec<Result<T, Failure>> {
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

    fn halve<T>(&self, rows: &[v0_1::Row], call: Call<T>, pace: &Pace, out: &mut Vec<Result<T, Failure>>) {
        match self.attempt(rows, call) {
            (Ok(answers), spent) => {
                pace.went_well(rows.len(), spent.fuel, self.sandbox.limits.fuel_per_record);
                out.extend(answers.into_iter().map(Ok));
            }
            (Err(failure), _) if rows.len() == 1 => out.push(Err(failure)),
            (Err(_), _) => {
                pace.failed();
                let (first, second) = rows.split_at(rows.len() / 2);
                self.halve(first, call, pace, out);
                self.halve(second, call, pace, out);
            }
        }
    }

    fn map(&self, function: Function, rows: Vec<Row>, call: Call<Mapped>) -> Vec<Result<Row, MapError>> {
        let rows: Vec<_> = rows.into_iter().map(v0_1::to_plugin).collect();
        let (input, output) = (self.input(function), self.output(function));
        self.run(function, &rows, call)
            .into_iter()
            .map(|answer| match answer {
                Ok(mapped) => self.conform(mapped, input, output),
                Err(failure) => Err(self.failed(failure)),
            })
            .collect()
    }

    fn failed(&self, failure: Failure) -> MapError {
        failure.into_map_error(&self.file, self.object.name.as_str())
    }

    /// A row that keeps what the description promises, or whose fault it is.
    fn conform(
        &self,
        mapped: Mapped,
        (_, input): (&str, &[Field]),
        (side, output): (&str, &[Field]),
    ) -> Result<Row, MapError> {
        let mut row = v0_1::from_plugin(mapped.map_err(|rejection| self.rejected(&rejection, input))?);
        conform_row(&mut row, output).map_err(|(at, misfit)| {
            let file = &self.file;
            let (code, message) = match (at.and_then(|at| output.get(at)), &misfit) {
                (Some(field), RowMisfit::Value(value)) => (
                    value.code(),
                    format!(
                        "{file} gave a value that does not fit: the {side} field {} {misfit}",
                        field.name
                    ),
                ),
                _ => ("plugin-row", format!("{file} made no {side} row: {misfit}")),
            };
            MapError { code: code.into(), message, field: None }
        })?;
        Ok(row)
    }

    fn accept(&self, rejections: Vec<Rejection>, (_, input): (&str, &[Field])) -> Result<(), MapError> {
        let mut errors = rejections.iter().map(|rejection| self.rejected(rejection, input));
        let Some(mut first) = errors.next() else { return Ok(()) };
        // An issue is one entry: it takes code and field of the first, and the words of all.
        for error in errors.take(MOST_REJECTIONS) {
            first.message.push_str("; ");
            first.message.push_str(&error.message);
        }
        Err(first)
    }

    fn rejected(&self, rejection: &Rejection, input: &[Field]) -> MapError {
        let field = rejection.field.and_then(|at| input.get(at as usize)).map(|field| field.name.as_str());
        rejected(&self.file, &rejection.code, &rejection.message, field)
    }
}

/// Further rejections of one record that its issue repeats: the person mends some and tries again.
const MOST_REJECTIONS: usize = 4;

impl WasmMapper {
    /// What the plugin's own `merging` says of a conflict. What a merged row leaves out stays as it is locally.
    fn settled(&self, interface: &str, sides: Sides<'_>) -> Result<Option<Resolution>, MapError> {
        let (answer, _) = self
            .sandbox
            .metered(|store| merging::resolve(self.sandbox.pre.instance_pre(), store, interface, sides));
        let resolution = self.first(answer)?;
        if let Some(choice) = merging::kept(&resolution) {
            return Ok(Some(Resolution::Keep(choice)));
        }
        let merging::Resolution::Merged(row) = resolution else { return Ok(None) };
        let local = ("local", self.object.local.as_slice());
        let mut row = self.conform(Ok(row), local, local)?;
        for (value, ours) in row.iter_mut().zip(sides.local) {
            if *value == Value::Absent {
                value.clone_from(ours);
            }
        }
        Ok(Some(Resolution::Merged(row)))
    }
}

impl Mapper for WasmMapper {
    fn object(&self) -> &Object {
        &self.object
    }

    fn to_local(&self, remote: Vec<Row>) -> Vec<Result<Row, MapError>> {
        self.map(Function::ToLocal, remote, TO_LOCAL)
    }

    fn to_remote(&self, local: Vec<Row>) -> Vec<Result<Row, MapError>> {
        self.map(Function::ToRemote, local, TO_REMOTE)
    }

    fn validate(&self, local: Vec<Row>) -> Vec<Result<(), MapError>> {
        let rows: Vec<_> = local.into_iter().map(v0_1::to_plugin).collect();
        self.run(Function::Validate, &rows, VALIDATE)
            .into_iter()
            .map(|answer| {
                answer
                    .map_err(|failure| self.failed(failure))
                    .and_then(|rejections| self.accept(rejections, self.input(Function::Validate)))
            })
            .collect()
    }

    fn merge(&self, sides: Sides<'_>) -> Option<Result<Option<Resolution>, MapError>> {
        let interface = merging::export(&self.inspection.exports)?;
        Some(self.settled(interface, sides))
    }
}
