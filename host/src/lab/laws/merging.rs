//! What holds for a plugin that settles the conflicts of its own object.

use super::{Law, Over, Sample, Verdict, told};
use crate::plugin::{Function, WasmMapper};
use crate::ports::Mapper;
use sync_core::conflict::{Choice, Resolution, Sides};
use sync_core::value::Row;

pub(super) const LAWS: &[Law] = &[
    Law {
        name: "merge-total",
        says: "every conflict is settled or left to a person, and a merged row is a local row",
        over: &[Over::Conflicts],
        needs_one: false,
        check: |plugin, _, samples| {
            each(samples, |[base, local, remote]| match plugin.resolve(Sides { base, local, remote }) {
                Some(Err(fault)) => {
                    Verdict::Broken(told(plugin, Function::ToLocal, &fault).replace("to-local", "resolve"))
                }
                Some(Ok(_)) => Verdict::Holds,
                None => Verdict::DoesNotApply,
            })
        },
    },
    Law {
        name: "merge-deterministic",
        says: "the same conflict is settled in the same way twice",
        over: &[Over::Conflicts],
        needs_one: false,
        check: |plugin, _, samples| {
            each(samples, |[base, local, remote]| {
                let sides = Sides { base, local, remote };
                if plugin.resolve(sides) == plugin.resolve(sides) {
                    Verdict::Holds
                } else {
                    Verdict::Broken("resolve answers differently the second time".into())
                }
            })
        },
    },
    Law {
        name: "merge-of-equals",
        says: "where both sides are the same, that is what becomes of them",
        over: &[Over::Conflicts],
        needs_one: false,
        check: |plugin, _, samples| {
            each(samples, |[base, local, _]| becomes(plugin, Sides { base, local, remote: local }, local))
        },
    },
    Law {
        name: "merge-of-one-side",
        says: "where only one side changed, its change is not lost",
        over: &[Over::Conflicts],
        needs_one: false,
        check: |plugin, _, samples| {
            each(samples, |[base, local, remote]| {
                match becomes(plugin, Sides { base, local, remote: base }, local) {
                    broken @ Verdict::Broken(_) => broken,
                    _ => becomes(plugin, Sides { base, local: base, remote }, remote),
                }
            })
        },
    },
];

/// Base, local and remote of each sample.
fn each(samples: &[Sample], check: impl Fn(&[Row; 3]) -> Verdict) -> Vec<Verdict> {
    let verdict =
        |sample: &Sample| <&[Row; 3]>::try_from(sample.as_slice()).map_or(Verdict::DoesNotApply, &check);
    samples.iter().map(verdict).collect()
}

/// Whether what becomes of the record is this row, or is left to a person.
fn becomes(plugin: &WasmMapper, sides: Sides<'_>, wanted: &Row) -> Verdict {
    let answer = plugin.resolve(sides);
    let row = match &answer {
        Some(Ok(Some(Resolution::Keep(Choice::KeepLocal)))) => sides.local,
        Some(Ok(Some(Resolution::Keep(Choice::KeepRemote)))) => sides.remote,
        Some(Ok(Some(Resolution::Merged(row)))) => row,
        Some(Ok(None) | Err(_)) | None => return Verdict::DoesNotApply,
    };
    match plugin.object().differing(row, wanted).first().and_then(|at| plugin.object().local.get(*at)) {
        Some(field) => Verdict::Broken(format!("resolve gives another value for {}", field.name)),
        None => Verdict::Holds,
    }
}
