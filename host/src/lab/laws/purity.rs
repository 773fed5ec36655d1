//! A mapping depends on its row and on nothing else.

use super::{Law, Over, Sample, Verdict, functions, name, rows};
use crate::plugin::WasmMapper;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "deterministic",
        says: "the same row gives the same answer, at the same cost, in two fresh instances",
        over: &[Over::Remote, Over::Local],
        needs_one: false,
        check: deterministic,
    },
    Law {
        name: "batches",
        says: "a row gives the same answer in any batch as alone, also beside itself",
        over: &[Over::Remote, Over::Local],
        needs_one: false,
        check: batches,
    },
];

fn deterministic(plugin: &WasmMapper, over: Over, samples: &[Sample]) -> Vec<Verdict> {
    rows(samples)
        .into_iter()
        .map(|row| {
            for function in functions(over) {
                let (first, second) = (plugin.measure(*function, &row), plugin.measure(*function, &row));
                if first.answer != second.answer {
                    return Verdict::Broken(format!(
                        "{} answers differently the second time",
                        name(*function)
                    ));
                }
                if first.spent != second.spent {
                    return Verdict::Broken(format!(
                        "{} costs something else the second time",
                        name(*function)
                    ));
                }
            }
            Verdict::Holds
        })
        .collect()
}

fn batches(plugin: &WasmMapper, over: Over, samples: &[Sample]) -> Vec<Verdict> {
    let rows = rows(samples);
    let mut verdicts = vec![Verdict::Holds; rows.len()];
    let doubled: Vec<_> = rows.iter().flat_map(|row| [row, row]).collect();
    for function in functions(over) {
        let in_batches = plugin.ask(*function, &doubled);
        for ((row, verdict), answers) in rows.iter().zip(&mut verdicts).zip(in_batches.chunks(2)) {
            let alone = plugin.measure(*function, row).answer;
            if answers.iter().any(|answer| *answer != alone) {
                *verdict = Verdict::Broken(format!(
                    "{} answers differently in a batch than alone: it remembers other rows",
                    name(*function)
                ));
            }
        }
    }
    verdicts
}
