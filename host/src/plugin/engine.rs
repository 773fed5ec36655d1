//! The one configuration under which all plugins are compiled and run, and the clock of those that fuel alone does not
//! stop.

use super::inspect::Inspection;
use super::limits::TICK;
use std::sync::{Mutex, PoisonError};
use wasmtime::{Cache, CacheConfig, Config, Engine, EngineWeak, OptLevel};

/// Stack of a plugin. A mapping is shallow; recursion this deep is a fault, and the smallest stack of a
/// thread that maps (2 MiB) leaves the host three times as much.
pub(super) const STACK: usize = 512 << 10;

/// What compiles and runs the plugins of a process.
pub(super) struct Engines {
    cached: bool,
    plain: Engine,
    /// For components whose parts may call each other, made for the first of them: its clock costs a tenth of their
    /// speed, and the others do without.
    clocked: Mutex<Option<Engine>>,
}

impl Engines {
    /// Makes the engine. One serves all plugins of a process: it holds the compiler and, where it is not to be measured
    /// itself, its cache.
    ///
    /// # Errors
    /// When the machine's processor is not supported.
    pub(super) fn new(cached: bool) -> Result<Engines, wasmtime::Error> {
        Ok(Engines { cached, plain: engine(cached, false)?, clocked: Mutex::default() })
    }

    /// The engine for a component.
    ///
    /// # Errors
    /// When the system starts no further thread.
    pub(super) fn of(&self, inspection: &Inspection) -> Result<Engine, wasmtime::Error> {
        if !inspection.composed {
            return Ok(self.plain.clone());
        }
        let mut clocked = self.clocked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*clocked {
            return Ok(engine.clone());
        }
        let engine = engine(self.cached, true)?;
        let clock = engine.weak();
        std::thread::Builder::new().name("plugin clock".into()).spawn(move || tick(&clock))?;
        Ok(clocked.insert(engine).clone())
    }
}

/// Counts the time of an engine, for as long as a plugin needs it.
fn tick(engine: &EngineWeak) {
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        std::thread::sleep(TICK);
    }
}

fn engine(cached: bool, clocked: bool) -> Result<Engine, wasmtime::Error> {
    let mut config = Config::new();
    config
        .cache(if cached { cache() } else { None })
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
        .epoch_interruption(clocked)
        .max_wasm_stack(STACK)
        // Equal input gives equal output on every machine, so nothing whose result a processor may choose.
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        // The canonical ABI of 0.1 is a 32-bit one.
        .wasm_memory64(false)
        // Plugins cannot block, so there is nothing to run beside a call.
        .concurrency_support(false)
        // Components are built stripped: a trace would name nothing.
        .wasm_backtrace_max_frames(None);
    Engine::new(&config)
}

/// wasmtime's own cache in the user's cache folder: a hit costs 0.4 ms where compiling costs 30 to 70.
fn cache() -> Option<Cache> {
    let mut config = CacheConfig::new();
    // What was used often would be compressed once more and harder: 200 MB of memory in some run or other, to save a few
    // kilobytes.
    config.with_optimized_compression_usage_counter_threshold(u64::MAX);
    Cache::new(config)
        .inspect_err(|error| tracing::warn!("plugins are compiled anew each time: {error:#}"))
        .ok()
}
