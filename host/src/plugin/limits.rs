//! What a plugin may use up, and the record of what it was refused.
//!
//! Fuel and memory are the limits, and their verdicts repeat exactly. One thing escapes them: where the parts of a
//! composed component hand each other texts, the runtime copies, and asks no fuel for that. One copy is no
//! larger than the memory, but two million units pay for tens of thousands of them, which is hours. So a composed
//! component also has a limit of time. It is a backstop: hundreds of times what its fuel takes to burn, so that nothing but
//! such copying should meet it, on a busy machine as well.

use super::wasi::Random;
use std::time::Duration;
use wasmtime::ResourceLimiter;

/// What one plugin may use for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory, and of an answer.
    pub memory: u64,
    /// Fuel, in wasmtime's units: about one an instruction, and one a byte that is copied in bulk.
    pub fuel_per_record: u64,
}

impl Default for Limits {
    /// 64 MiB hold thousands of records; 2 000 000 units are some two hundred times what a record of 17
    /// fields takes, and pass in about a millisecond.
    fn default() -> Self {
        Limits { memory: 64 << 20, fuel_per_record: 2_000_000 }
    }
}

impl Limits {
    /// What describing an object may take, before its own limits are known. Generous: an interpreter brought
    /// along starts up within it, and a loop ends after some tens of milliseconds.
    pub const DESCRIBE: Limits = Limits { memory: 256 << 20, fuel_per_record: 50_000_000 };

    /// What a component takes that maps next to nothing, its start included: nobody is advised to give it less.
    pub(super) const SMALL: Limits = Limits { memory: 2 << 20, fuel_per_record: 20_000 };
}

/// How finely the time of a composed component is counted: the clock wakes up so often while one is loaded.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Seconds that any call of a composed component may take, and the fuel for which there is one more: a slow machine burns
/// a hundred times that in a second.
const PATIENCE: u64 = 5;
const FUEL_PER_SECOND: u64 = 20_000_000;
/// Calls of a plugin that may run out of time, before it is not called any more: each of them keeps the run waiting.
pub(super) const OVERRUNS: usize = 6;

impl Limits {
    /// Seconds that a call of a composed component may take.
    pub(super) fn seconds(self) -> u64 {
        PATIENCE + self.fuel_per_record / FUEL_PER_SECOND
    }

    /// The same in ticks.
    pub(super) fn ticks(self) -> u64 {
        u64::try_from(Duration::from_secs(self.seconds()).as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Entries of all tables: a large C program has tens of thousands of functions it calls through pointers.
const TABLE_ENTRIES: usize = 100_000;
/// Core instances, memories and tables of a component. A Rust plugin has a handful; the room is for toolchains
/// that bring each library as a module of its own.
pub(super) const INSTANCES: usize = 200;

/// Which limit a plugin ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Linear memory.
    Memory,
    /// Table entries.
    Table,
}

/// Grants and refuses what a plugin asks for, and remembers: a refusal shows as any trap, or as none at all.
#[derive(Debug)]
pub(super) struct Meter {
    limit: u64,
    memory: u64,
    table: usize,
    refused: Option<Refused>,
    /// For a plugin with WASI.
    pub(super) random: Random,
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Meter {
        Meter { limit: limits.memory, memory: 0, table: 0, refused: None, random: Random::default() }
    }

    /// Linear memory in use, which never shrinks.
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// The first thing that was refused.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory + wanted.saturating_sub(now) as u64;
        if total > self.limit {
            self.refused.get_or_insert(Refused::Memory);
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table.saturating_add(wanted.saturating_sub(now));
        if total > TABLE_ENTRIES {
            self.refused.get_or_insert(Refused::Table);
            return Ok(false);
        }
        self.table = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_share_one_limit_and_the_first_refusal_is_kept() {
        let mut meter = Meter::new(Limits { memory: 3 << 16, ..Limits::default() });
        assert!(meter.memory_growing(0, 2 << 16, None).unwrap());
        assert!(meter.memory_growing(0, 1 << 16, None).unwrap());
        assert!(!meter.memory_growing(2 << 16, 3 << 16, None).unwrap());
        assert!(!meter.table_growing(0, TABLE_ENTRIES + 1, None).unwrap());
        assert_eq!((meter.memory(), meter.refused()), (3 << 16, Some(Refused::Memory)));
    }
}
