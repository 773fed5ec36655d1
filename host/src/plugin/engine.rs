//! The one configuration under which all plugins are compiled and run.

use wasmtime::{Cache, CacheConfig, Config, Engine, OptLevel};

/// Stack of a plugin. A mapping is shallow; recursion this deep is a fault, and the smallest stack of a
/// thread that maps (2 MiB) leaves the host three times as much.
pub(super) const STACK: usize = 512 << 10;

/// Makes the engine. One serves all plugins of a process: it holds the compiler and, where it is not to be measured
/// itself, its cache.
///
/// # Errors
/// When the machine's processor is not supported.
pub(super) fn engine(cached: bool) -> Result<Engine, wasmtime::Error> {
    let mut config = Config::new();
    config
        .cache(if cached { cache() } else { None })
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
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
    Cache::new(CacheConfig::new())
        .inspect_err(|error| tracing::warn!("plugins are compiled anew each time: {error:#}"))
        .ok()
}
