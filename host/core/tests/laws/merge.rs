//! The laws of settling a conflict: nothing is made up, nothing that only one side changed is lost, and the rules
//! come in their order (`behaviour.md`, decision 24).

use crate::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use sync_core::conflict::{Choice, Policy, Resolution, Rule, Rules, Sides, Verdict, merge};
use sync_core::object::{Descriptor, Field, Object, Resource, Traits};
use sync_core::value::{Kind, Row, Value};

const FIELDS: usize = 5;

/// Fields that people write on both sides, and a last one that is the server's.
fn object() -> Object {
    let field = |index: usize| Field {
        name: format!("f{index}"),
        kind: Kind::Integer,
        traits: Traits { computed: index == FIELDS - 1, ..Traits::default() },
    };
    let text = str::to_owned;
    let descriptor = Descriptor {
        name: text("thing"),
        mapping_version: 1,
        local: (0..FIELDS).map(field).collect(),
        remote: (0..FIELDS).map(field).collect(),
        resource: Resource {
            path: text("Thing"),
            id: text("Id"),
            updated: text("Updated"),
            version: None,
            created: None,
        },
        user_keys: Vec::new(),
    };
    Object::try_from(descriptor).unwrap()
}

/// Few values, so that sides often agree.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 3 => (0..3_i64).prop_map(Value::Integer)]
}

fn row() -> impl Strategy<Value = Row> {
    vec(value(), FIELDS)
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Rule::Ask), choice().prop_map(Rule::Keep)]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![Just(Choice::KeepLocal), Just(Choice::KeepRemote)]
}

fn policy() -> impl Strategy<Value = Option<Policy>> {
    prop_oneof![
        Just(None),
        Just(Some(Policy::Ask)),
        Just(Some(Policy::Merge)),
        choice().prop_map(|choice| Some(Policy::Keep(choice))),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    (proptest::option::weighted(0.2, rule()), vec(proptest::option::of(rule()), FIELDS), policy()).prop_map(
        |(command_line, fields, object)| {
            let fields = fields.into_iter().enumerate();
            let fields: BTreeMap<usize, Rule> = fields.filter_map(|(at, rule)| Some((at, rule?))).collect();
            Rules { command_line, fields, object }
        },
    )
}

proptest! {
    #![proptest_config(cases(2_000))]

    /// A field has the value of the side that changed it; where both did, to different values, it is in conflict.
    #[test]
    fn a_merge_takes_each_change_from_its_side(base in row(), local in row(), remote in row()) {
        let merged = merge(&object(), Sides { base: &base, local: &local, remote: &remote });
        prop_assert_eq!(merged.row.len(), FIELDS);
        for index in 0..FIELDS - 1 {
            let (b, l, r, m) = (&base[index], &local[index], &remote[index], &merged.row[index]);
            prop_assert_eq!(merged.in_conflict.contains(&index), l != b && r != b && l != r);
            if r == b {
                prop_assert_eq!(m, l);
            } else if l == b {
                prop_assert_eq!(m, r);
            } else {
                prop_assert!(m == l || m == r);
            }
        }
        prop_assert_eq!(&merged.row[FIELDS - 1], &remote[FIELDS - 1], "the server's own is the server's");
    }

    /// Which side is called local changes nothing but which value stands in for a conflict.
    #[test]
    fn a_merge_is_symmetric(base in row(), local in row(), remote in row()) {
        let object = object();
        let there = merge(&object, Sides { base: &base, local: &local, remote: &remote });
        let back = merge(&object, Sides { base: &base, local: &remote, remote: &local });
        prop_assert_eq!(&there.in_conflict, &back.in_conflict);
        for index in (0..FIELDS - 1).filter(|index| !there.in_conflict.contains(index)) {
            prop_assert_eq!(&there.row[index], &back.row[index]);
        }
    }

    /// Merging what was merged changes nothing.
    #[test]
    fn a_merge_is_settled(base in row(), local in row(), remote in row()) {
        let object = object();
        let merged = merge(&object, Sides { base: &base, local: &local, remote: &remote }).row;
        let again = merge(&object, Sides { base: &remote, local: &merged, remote: &remote });
        prop_assert!(again.in_conflict.is_empty());
        prop_assert_eq!(again.row, merged);
    }

    /// What a side did not send is taken from the other, and is never in conflict.
    #[test]
    fn what_is_absent_is_taken_from_the_other_side(base in row(), local in row(), remote in row(), at in 0..FIELDS - 1) {
        let object = object();
        let mut sparse = remote.clone();
        sparse[at] = Value::Absent;
        let merged = merge(&object, Sides { base: &base, local: &local, remote: &sparse });
        prop_assert_eq!(&merged.row[at], &local[at]);
        prop_assert!(!merged.in_conflict.contains(&at));
    }

    /// The command line settles everything; a settled row has each field from one of the sides; a rule that asks,
    /// asks; and nothing is settled that neither a rule nor a merge covers.
    #[test]
    fn rules_come_in_their_order(rules in rules(), base in row(), local in row(), remote in row()) {
        let object = object();
        let sides = Sides { base: &base, local: &local, remote: &remote };
        let differing = object.differing(&local, &remote);
        prop_assume!(!differing.is_empty());
        let verdict = rules.of_update(&object, sides);
        match rules.command_line {
            Some(Rule::Keep(choice)) => {
                prop_assert_eq!(verdict, Verdict::Settled(Resolution::Keep(choice)));
                return Ok(());
            }
            Some(Rule::Ask) => {
                prop_assert_eq!(verdict, Verdict::Ask);
                return Ok(());
            }
            None => {}
        }
        let merging = rules.object == Some(Policy::Merge);
        let contested = if merging { merge(&object, sides).in_conflict } else { differing };
        let asks = contested.iter().any(|at| rules.fields.get(at) == Some(&Rule::Ask));
        let covered = !contested.is_empty() && contested.iter().all(|at| rules.fields.contains_key(at));
        match (&verdict, rules.object) {
            (Verdict::Ask, _) => prop_assert!(asks || (!covered && rules.object == Some(Policy::Ask))),
            (Verdict::Settled(Resolution::Keep(choice)), object) => {
                prop_assert!(!asks && !covered);
                prop_assert_eq!(object, Some(Policy::Keep(*choice)));
            }
            (Verdict::Settled(Resolution::Merged(row)), _) => {
                prop_assert!(covered && !asks);
                for at in contested {
                    let kept = match rules.fields[&at] {
                        Rule::Keep(Choice::KeepLocal) => &local[at],
                        Rule::Keep(Choice::KeepRemote) | Rule::Ask => &remote[at],
                    };
                    prop_assert_eq!(&row[at], kept);
                }
            }
            (Verdict::Plugin(otherwise), object) => {
                prop_assert!(!asks && !covered);
                prop_assert!(matches!(object, None | Some(Policy::Merge)));
                prop_assert_eq!(otherwise.is_some(), merging && contested.is_empty());
            }
        }
    }

    /// Rules of fields say nothing of a delete.
    #[test]
    fn a_delete_is_settled_by_rules_for_whole_records_only(rules in rules()) {
        let expected = match (rules.command_line, rules.object) {
            (Some(Rule::Keep(choice)), _) | (None, Some(Policy::Keep(choice))) => {
                Verdict::Settled(Resolution::Keep(choice))
            }
            _ => Verdict::Ask,
        };
        prop_assert_eq!(rules.of_delete(), expected);
    }
}
