//! What each function of WASI answers.

use super::Nothing;
use crate::plugin::limits::Meter;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{Resource, Val};
use wasmtime::{Result, StoreContextMut, Trap};

/// Fuel of any call: leaving the sandbox and coming back costs about as much as this many instructions.
const CALL: u64 = 200;
/// Fuel of a value that holds others: it takes an allocation.
const WRAPPED: u64 = 8;
/// Most random bytes of one call, and most bytes that a stream says it takes.
const MOST_BYTES: u64 = 64 << 10;

/// Why the plugin is stopped, for the person who reads its issue.
#[derive(Debug, thiserror::Error)]
pub(in crate::plugin) enum Stopped {
    /// It called `exit`.
    #[error("exited")]
    Exit,
    /// It called what an empty system does not have.
    #[error("called {0}, and a plugin has no files, network or devices")]
    Missing(String),
    /// It would have filled the host's memory.
    #[error("asked for {0} random bytes at once")]
    Bytes(u64),
}

/// Answers one call. A function that is not known here fails inside the plugin where it can (`access-denied`), else it
/// stops the plugin.
pub(super) fn answer(
    called: (&str, &str),
    mut store: StoreContextMut<'_, Meter>,
    ty: &ComponentFunc,
    arguments: &[Val],
    results: &mut [Val],
) -> Result<()> {
    charge(&mut store, arguments.iter().map(weight).sum::<u64>().saturating_add(CALL))?;
    let value = value(called, &mut store, ty, arguments)?;
    drop_all(&mut store, arguments)?;
    if let (Some(result), Some(value)) = (results.first_mut(), value) {
        *result = value;
    }
    Ok(())
}

fn value(
    called: (&str, &str),
    store: &mut StoreContextMut<'_, Meter>,
    ty: &ComponentFunc,
    arguments: &[Val],
) -> Result<Option<Val>> {
    Ok(Some(match called {
        ("cli/environment", "get-environment" | "get-arguments")
        | ("filesystem/preopens", "get-directories") => Val::List(Vec::new()),
        ("cli/environment", "initial-cwd")
        | ("cli/terminal-stdin" | "cli/terminal-stdout" | "cli/terminal-stderr", _)
        | ("filesystem/types", "filesystem-error-code") => Val::Option(None),
        ("cli/exit", _) => return Err(Stopped::Exit.into()),
        ("cli/stdin", "get-stdin")
        | ("cli/stdout", "get-stdout")
        | ("cli/stderr", "get-stderr")
        | ("clocks/monotonic-clock", "subscribe-instant" | "subscribe-duration")
        | ("io/streams", "[method]input-stream.subscribe" | "[method]output-stream.subscribe")
        | ("sockets/instance-network", "instance-network") => handle(store)?,

        ("clocks/wall-clock", "now") => time(0, 0),
        ("clocks/wall-clock", "resolution") => time(0, 1),
        ("clocks/monotonic-clock", "now") => Val::U64(0),
        ("clocks/monotonic-clock", "resolution") => Val::U64(1),

        ("random/random", "get-random-bytes") | ("random/insecure", "get-insecure-random-bytes") => {
            bytes(store, arguments)?
        }
        ("random/random", "get-random-u64") | ("random/insecure", "get-insecure-random-u64") => {
            Val::U64(store.data_mut().random.next())
        }
        ("random/insecure-seed", _) => {
            let random = &mut store.data_mut().random;
            Val::Tuple(vec![Val::U64(random.next()), Val::U64(random.next())])
        }

        // Everything is ready at once: standing clocks have nothing to wait for.
        ("io/poll", "poll") => ready(arguments),
        ("io/poll", "[method]pollable.ready") => Val::Bool(true),
        ("io/poll", "[method]pollable.block") => return Ok(None),
        ("io/error", "[method]error.to-debug-string") => Val::String(String::new()),

        ("io/streams", "[method]output-stream.check-write") => ok(Some(Val::U64(MOST_BYTES))),
        (
            "io/streams",
            "[method]output-stream.write"
            | "[method]output-stream.blocking-write-and-flush"
            | "[method]output-stream.flush"
            | "[method]output-stream.blocking-flush"
            | "[method]output-stream.write-zeroes"
            | "[method]output-stream.blocking-write-zeroes-and-flush",
        ) => ok(None),
        // At its end.
        ("io/streams", _) => err(Val::Variant("closed".into(), None)),
        _ if can_be_denied(ty) => err(Val::Enum("access-denied".into())),
        (interface, function) => {
            return Err(Stopped::Missing(format!("wasi:{interface}#{function}")).into());
        }
    }))
}

/// Takes fuel as if the plugin had done the work itself.
fn charge(store: &mut StoreContextMut<'_, Meter>, fuel: u64) -> Result<()> {
    let left = store.get_fuel()?.checked_sub(fuel);
    store.set_fuel(left.unwrap_or(0))?;
    if left.is_none() { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
}

/// How much was handed over: bytes of texts, entries of lists. What is empty is a value that is made, too.
fn weight(value: &Val) -> u64 {
    match value {
        Val::String(text) => WRAPPED + text.len() as u64,
        Val::List(values) | Val::Tuple(values) => WRAPPED + values.iter().map(weight).sum::<u64>(),
        Val::Record(fields) => WRAPPED + fields.iter().map(|(_, value)| weight(value)).sum::<u64>(),
        Val::Variant(_, Some(value)) | Val::Option(Some(value)) => WRAPPED + weight(value),
        _ => 1,
    }
}

fn handle(store: &mut StoreContextMut<'_, Meter>) -> Result<Val> {
    Ok(Val::Resource(Resource::<Nothing>::new_own(0).try_into_resource_any(store)?))
}

/// The plugin's handles were lent or given for this call; nobody keeps them.
fn drop_all(store: &mut StoreContextMut<'_, Meter>, arguments: &[Val]) -> Result<()> {
    for argument in arguments {
        match argument {
            Val::Resource(handle) => handle.resource_drop(&mut *store)?,
            Val::List(handles) if matches!(handles.first(), Some(Val::Resource(_))) => {
                drop_all(store, handles)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn bytes(store: &mut StoreContextMut<'_, Meter>, arguments: &[Val]) -> Result<Val> {
    let Some(Val::U64(length)) = arguments.first() else { return Ok(Val::List(Vec::new())) };
    if *length > MOST_BYTES {
        return Err(Stopped::Bytes(*length).into());
    }
    charge(store, *length)?;
    let random = &mut store.data_mut().random;
    Ok(Val::List((0..*length).map(|_| Val::U8(random.next().to_le_bytes()[0])).collect()))
}

/// The indexes of all pollables.
fn ready(arguments: &[Val]) -> Val {
    let Some(Val::List(pollables)) = arguments.first() else { return Val::List(Vec::new()) };
    Val::List((0_u32..).zip(pollables).map(|(index, _)| Val::U32(index)).collect())
}

fn time(seconds: u64, nanoseconds: u32) -> Val {
    Val::Record(vec![("seconds".into(), Val::U64(seconds)), ("nanoseconds".into(), Val::U32(nanoseconds))])
}

fn ok(value: Option<Val>) -> Val {
    Val::Result(Ok(value.map(Box::new)))
}

fn err(value: Val) -> Val {
    Val::Result(Err(Some(Box::new(value))))
}

/// Whether the function can say `access-denied`, as those of files and sockets can.
fn can_be_denied(ty: &ComponentFunc) -> bool {
    let Some(Type::Result(result)) = ty.results().next() else { return false };
    matches!(result.err(), Some(Type::Enum(codes)) if codes.names().any(|code| code == "access-denied"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_handed_over_for_free() {
        let many = |value: Val| weight(&Val::List(vec![value; 1_000]));
        for empty in
            [Val::String(String::new()), Val::List(Vec::new()), Val::Tuple(Vec::new()), Val::Option(None)]
        {
            assert!(many(empty) >= 1_000);
        }
        assert!(weight(&Val::String("a".repeat(50))) >= 50);
    }
}
