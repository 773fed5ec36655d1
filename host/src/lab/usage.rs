//! What a record costs, against what it may.

use super::laws::Over;
use super::report::Test;
use super::rows::Rows;
use crate::plugin::{Failure, Fault, Function, Spent, WasmMapper};
use serde::Serialize;

/// What the dearest record took, alone in an instance of its own: the plugin's start is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Fuel, in wasmtime's units.
    pub fuel: u64,
    /// The most that a record may take.
    pub fuel_limit: u64,
    /// Bytes of linear memory.
    pub memory: u64,
    /// The most that a record may take.
    pub memory_limit: u64,
    /// Whether a record was refused one of them.
    #[serde(skip)]
    over: [bool; 2],
}

/// Measures the records of the cases, and records with every field as long as it may be.
pub(super) fn measure(plugin: &WasmMapper, rows: &Rows) -> Usage {
    let limits = plugin.limits();
    let mut most = Usage {
        fuel: 0,
        fuel_limit: limits.fuel_per_record,
        memory: 0,
        memory_limit: limits.memory,
        over: [false; 2],
    };
    let sides = [
        (Function::ToLocal, Over::Remote),
        (Function::ToRemote, Over::Local),
        (Function::Validate, Over::Local),
    ];
    for (function, over) in sides {
        for row in rows.largest(over).into_iter().chain(rows.known(over).iter().cloned()) {
            let measured = plugin.measure(function, &row);
            let Spent { fuel, memory } = measured.spent;
            (most.fuel, most.memory) = (most.fuel.max(fuel), most.memory.max(memory));
            match measured.answer {
                Err(Fault::Failed(Failure::Fuel(_))) => most.over[0] = true,
                Err(Fault::Failed(Failure::Memory(_))) => most.over[1] = true,
                _ => {}
            }
        }
    }
    most
}

impl Usage {
    /// How many tests it makes.
    pub(super) const TESTS: usize = 2;

    pub(super) fn tests(&self) -> [Test; Self::TESTS] {
        let [over_fuel, over_memory] = self.over;
        let test = |name: &str, over: bool, used: String, key: &str| {
            let name = format!("limit {name}");
            if over {
                Test::failed(
                    name,
                    format!(
                        "a record needs more than it may: {used}; make it cheaper, or run it with `[objects.NAME] limits = {{ {key} = … }}`"
                    ),
                )
            } else {
                Test::ok(name, Some(used))
            }
        };
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
        [
            test(
                "fuel",
                over_fuel,
                format!("{} of {} a record", self.fuel, self.fuel_limit),
                "fuel-per-record",
            ),
            test(
                "memory",
                over_memory,
                format!("{} of {}", mib(self.memory), mib(self.memory_limit)),
                "memory",
            ),
        ]
    }
}
