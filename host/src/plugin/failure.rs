//! How a call of a plugin can go wrong, and what the person reads then.

use super::engine::STACK;
use super::limits::{INSTANCES, Limits, Meter, OVERRUNS, Refused};
use super::wasi::Stopped;
use crate::ports::MapError;
use crate::shown::is_harmless;
use wasmtime::Trap;

/// Longest message of wasmtime's that an issue repeats, in characters: some five lines.
const LONGEST_MESSAGE: usize = 500;

/// Why a call gave no answer. The fragments follow the plugin's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It ran too long.
    #[error("used up its {0} units of fuel")]
    Fuel(u64),
    /// It took too long for its fuel: the parts of a composed component handed data to each other.
    #[error("ran for more than {0} seconds within its fuel, handing data from one of its parts to another,")]
    Time(u64),
    /// It was not called, as too many calls before took too long.
    #[error("is not called any more: {OVERRUNS} calls ran out of time")]
    GivenUp,
    /// It wanted more memory than it may.
    #[error("needs more than its {} of memory", size(*.0))]
    Memory(u64),
    /// It wanted more table entries than any program has.
    #[error("needs too many table entries")]
    Table,
    /// It consists of more instances, memories or tables than any program has.
    #[error(
        "is put together from more than {INSTANCES} instances, memories or tables, the most that a plugin may have,"
    )]
    Instances,
    /// It recursed too deep.
    #[error("needs more than its {} KiB of stack (it recurses without end)", STACK >> 10)]
    Stack,
    /// It gave up.
    #[error("panicked")]
    Panic,
    /// Any other trap.
    #[error("trapped ({0})")]
    Trap(String),
    /// It wanted something of WASI that there is not.
    #[error("{0}")]
    Outside(String),
    /// What it handed over breaks the canonical ABI, or is more data than it may have memory.
    #[error("gave an answer that cannot be read ({0})")]
    Answer(String),
    /// Not one answer a record.
    #[error("gave {found} answers for {asked} record{}", if *.asked == 1 { "" } else { "s" })]
    Count {
        /// Records it was asked about.
        asked: usize,
        /// Answers it gave.
        found: usize,
    },
}

/// How wasmtime's words begin where a store would hold more than the meter allows; it has no type for that.
const TOO_MANY: &str = "resource limit exceeded: ";
/// What to do where a plugin has too many parts.
const FEWER: &str = "; build it as one component, with the fewest parts that its tools allow";
/// What to do where the record is not at fault.
pub(super) const MEND: &str =
    "; this is a fault of the plugin: mend it, or put a version without it in its place";

impl Failure {
    /// Reads wasmtime's error together with the meter's record: a refused allocation shows as any kind of
    /// trap.
    pub(super) fn of(error: &wasmtime::Error, meter: &Meter, limits: Limits) -> Failure {
        match (meter.refused(), error.downcast_ref::<Trap>()) {
            (Some(Refused::Memory), _) => Failure::Memory(limits.memory),
            (Some(Refused::Table), _) => Failure::Table,
            (None, Some(Trap::OutOfFuel)) => Failure::Fuel(limits.fuel_per_record),
            (None, Some(Trap::Interrupt)) => Failure::Time(limits.seconds()),
            (None, Some(Trap::StackOverflow)) => Failure::Stack,
            (None, Some(Trap::UnreachableCodeReached)) => Failure::Panic,
            (None, Some(trap)) => Failure::Trap(clean(&trap.to_string(), LONGEST_MESSAGE)),
            (None, None) if error.is::<Stopped>() => Failure::Outside(error.root_cause().to_string()),
            (None, None) if error.to_string().starts_with(TOO_MANY) => Failure::Instances,
            (None, None) => Failure::Answer(clean(&error.root_cause().to_string(), LONGEST_MESSAGE)),
        }
    }

    /// As the issue of one record.
    pub(super) fn into_map_error(self, file: &str, object: &str) -> MapError {
        let raise = |limit: String| {
            format!("; if the record is worth more, raise `[objects.{object}] limits = {{ {limit} }}`")
        };
        let on_this_record = if self == Failure::GivenUp { "" } else { " on this record" };
        let (code, remedy) = match self {
            Failure::Fuel(limit) => {
                let more = limit.saturating_mul(2).max(Limits::SMALL.fuel_per_record);
                ("plugin-fuel", raise(format!("fuel-per-record = {more}")))
            }
            Failure::Memory(limit) => {
                let more = limit.saturating_mul(2).max(Limits::SMALL.memory);
                ("plugin-memory", raise(format!("memory = \"{}\"", size(more))))
            }
            Failure::Time(_) | Failure::GivenUp => ("plugin-time", MEND.into()),
            Failure::Table => ("plugin-memory", MEND.into()),
            Failure::Instances => ("plugin-memory", FEWER.into()),
            Failure::Stack | Failure::Panic | Failure::Trap(_) | Failure::Outside(_) => {
                ("plugin-trap", MEND.into())
            }
            Failure::Answer(_) | Failure::Count { .. } => ("plugin-row", MEND.into()),
        };
        MapError { code: code.into(), message: format!("{file} {self}{on_this_record}{remedy}"), field: None }
    }
}

/// Without control characters or such as turn the direction of text around, and no longer than a log wants.
pub(crate) fn clean(text: &str, longest: usize) -> String {
    let mut shown = text.chars().map(|c| if is_harmless(c) { c } else { ' ' });
    let mut clean: String = shown.by_ref().take(longest).collect();
    if shown.next().is_some() {
        clean.push('…');
    }
    clean.trim().to_owned()
}

/// As `sync.toml` writes sizes.
pub(super) fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB && bytes.is_multiple_of(MIB) {
        format!("{}MiB", bytes / MIB)
    } else {
        format!("{}KiB", bytes.div_ceil(1 << 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_with_the_place_to_raise_it() {
        let told = |failure: Failure| failure.into_map_error("account.wasm", "account").message;
        assert!(told(Failure::Memory(1)).ends_with("limits = { memory = \"2MiB\" }`"));
        assert!(told(Failure::Fuel(1)).ends_with("limits = { fuel-per-record = 20000 }`"));
        let error = Failure::Memory(64 << 20).into_map_error("account.wasm", "account");
        assert_eq!(error.code, "plugin-memory");
        assert_eq!(
            error.message,
            "account.wasm needs more than its 64MiB of memory on this record; if the record is worth more, raise \
             `[objects.account] limits = { memory = \"128MiB\" }`"
        );
    }
}
