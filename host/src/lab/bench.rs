//! How fast a plugin is, through the batches and the limits of a run.

use super::laws::Over;
use super::rows::Rows;
use super::{CaseError, Options, case};
use crate::plugin::{EngineError, Function, Loader, Refusal, WasmMapper};
use crate::ports::Mapper;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use sync_core::value::Row;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Bench {
    /// The object that it describes.
    pub object: String,
    /// Bytes of the component.
    pub size: u64,
    /// To machine code, without wasmtime's cache: milliseconds.
    pub compile_ms: f64,
    /// To a plugin that is ready, from wasmtime's cache where it has one: milliseconds.
    pub load_ms: f64,
    /// Records of each measurement.
    pub records: usize,
    /// The functions.
    pub rates: Vec<Rate>,
    /// Whether the host itself was built without optimization, and the figures mean little.
    pub debug_build: bool,
}

/// One function.
#[derive(Debug, Clone, Serialize)]
pub struct Rate {
    /// `to-local`, `to-remote` or `validate`.
    pub function: &'static str,
    /// Whole records through the host's side and the plugin's.
    pub records_per_second: f64,
    /// The same, the other way round.
    pub microseconds_per_record: f64,
    /// Of the dearest record alone: the plugin's start is part of it.
    pub fuel_per_record: u64,
    /// Of the dearest record alone, bytes.
    pub memory_per_record: u64,
    /// Records that it refused or failed on; they cost, too.
    pub refused: usize,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// No plugin can run here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// This one cannot be used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A case file is none.
    #[error(transparent)]
    Case(#[from] CaseError),
}

/// Measures the component of a loaded plugin with `records` records: those of the cases over and over, or, where
/// there are none, rows made from the descriptor.
///
/// # Errors
/// When the component cannot be loaded again, or a case file cannot be read.
pub fn bench(
    plugin: &WasmMapper,
    cases: Option<&Path>,
    records: usize,
    load: &dyn Fn(&Loader) -> Result<WasmMapper, Refusal>,
) -> Result<Bench, BenchError> {
    let cold = Loader::without_cache()?;
    let (compile, _) = timed(|| load(&cold));
    let warm = Loader::new()?;
    load(&warm)?;
    let (loading, loaded) = timed(|| load(&warm));
    loaded?;
    let cases = match cases {
        Some(folder) => case::read_all(folder, plugin.object())?,
        None => Vec::new(),
    };
    let options = Options { cases: None, bless: false, rows: 256, seed: 0 };
    let rows = Rows::new(plugin, &cases, &options);
    let functions = [
        (Function::ToLocal, "to-local", Over::Remote),
        (Function::ToRemote, "to-remote", Over::Local),
        (Function::Validate, "validate", Over::Local),
    ];
    Ok(Bench {
        object: plugin.object().name.to_string(),
        size: plugin.inspection().size,
        compile_ms: milliseconds(compile),
        load_ms: milliseconds(loading),
        records,
        rates: functions
            .map(|(function, name, over)| rate(plugin, function, name, &rows, over, records))
            .into(),
        debug_build: cfg!(debug_assertions),
    })
}

/// Records of one call to the plugin's mapper, as the pipeline's batches are.
const BATCH: usize = 1_000;

fn rate(
    plugin: &WasmMapper,
    function: Function,
    name: &'static str,
    rows: &Rows,
    over: Over,
    records: usize,
) -> Rate {
    let mut pool: Vec<Row> = rows.known(over).to_vec();
    if pool.is_empty() {
        pool = rows.samples(over).into_iter().flatten().collect();
    }
    let spent = |row: &Row| plugin.measure(function, row).spent;
    let dearest =
        pool.iter().map(spent).fold((0, 0), |(fuel, memory), it| (fuel.max(it.fuel), memory.max(it.memory)));
    // Once untimed: the first batches are small.
    plugin.ask(function, &pool.iter().cycle().take(BATCH).collect::<Vec<_>>());
    let (mut taken, mut refused, mut left) = (Duration::ZERO, 0, records);
    while left > 0 {
        let batch: Vec<&Row> = pool.iter().cycle().take(left.min(BATCH)).collect();
        left -= batch.len();
        let (time, answers) = timed(|| plugin.ask(function, &batch));
        taken += time;
        refused += answers.iter().filter(|it| it.is_err()).count();
    }
    let seconds = taken.as_secs_f64().max(f64::EPSILON);
    Rate {
        function: name,
        records_per_second: records as f64 / seconds,
        microseconds_per_record: seconds * 1e6 / (records.max(1)) as f64,
        fuel_per_record: dearest.0,
        memory_per_record: dearest.1,
        refused,
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
