//! What holds for a plugin that settles the conflicts of its own object.

use super::{Law, Over, Sample, Verdict, told};
use crate::plugin::{Fault, Function, WasmMapper};
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
            each(plugin, samples, |_, answer| match answer {
                Err(fault) => {
                    Verdict::Broken(told(plugin, Function::ToLocal, &fault).replace("to-local", "resolve"))
                }
                Ok(_) => Verdict::Holds,
            })
        },
    },
    Law {
        name: "merge-deterministic",
        says: "the same conflict is settled in the same way twice",
        over: &[Over::Conflicts],
        needs_one: false,
        check: |plugin, _, samples| {
            each(plugin, samples, |[base, local, remote], answer| {
                if plugin.resolve(Sides { base, local, remote }) == Some(answer) {
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
            each(plugin, samples, |[base, local, _], _| {
                let answer = plugin.resolve(Sides { base, local, remote: local });
                answer.map_or(Verdict::DoesNotApply, |it| becomes(plugin, [local, local], it, local))
            })
        },
    },
    Law {
        name: "merge-of-one-side",
        says: "where only one side changed, its change is not lost",
        over: &[Over::Conflicts],
        needs_one: false,
        check: |plugin, _, samples| {
            each(plugin, samples, |[base, local, remote], _| {
                let sides = [[base, local, base], [base, base, remote]];
                let verdicts = sides.map(|[base, ours, theirs]| {
                    let changed = if theirs == base { ours } else { theirs };
                    let answer = plugin.resolve(Sides { base, local: ours, remote: theirs });
                    answer.map_or(Verdict::DoesNotApply, |it| becomes(plugin, [ours, theirs], it, changed))
                });
                let [first, second] = verdicts;
                if matches!(first, Verdict::Broken(_)) { first } else { second }
            })
        },
    },
];

type Answer = Result<Option<Resolution>, Fault>;

fn each(
    plugin: &WasmMapper,
    samples: &[Sample],
    check: impl Fn(&[Row; 3], Answer) -> Verdict,
) -> Vec<Verdict> {
    let verdict = |sample: &Sample| {
        let Ok(sides) = <&[Row; 3]>::try_from(sample.as_slice()) else { return Verdict::DoesNotApply };
        let [base, local, remote] = sides;
        plugin.resolve(Sides { base, local, remote }).map_or(Verdict::DoesNotApply, |it| check(sides, it))
    };
    samples.iter().map(verdict).collect()
}

/// Whether what becomes of the record is this row, or is left to a person.
fn becomes(plugin: &WasmMapper, [local, remote]: [&Row; 2], answer: Answer, wanted: &Row) -> Verdict {
    let row = match &answer {
        Ok(Some(Resolution::Keep(Choice::KeepLocal))) => local,
        Ok(Some(Resolution::Keep(Choice::KeepRemote))) => remote,
        Ok(Some(Resolution::Merged(row))) => row,
        Ok(None) | Err(_) => return Verdict::DoesNotApply,
    };
    match plugin.object().differing(row, wanted).first().and_then(|at| plugin.object().local.get(*at)) {
        Some(field) => Verdict::Broken(format!("resolve gives another value for {}", field.name)),
        None => Verdict::Holds,
    }
}
