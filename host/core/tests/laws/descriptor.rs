//! What two rows differ in, and in which order objects are written.

use crate::cases;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use sync_core::change_key::LocalId;
use sync_core::object::{Descriptor, Field, Object, Resource, Traits, conform_row};
use sync_core::order::{children_first, dependency_order};
use sync_core::value::{Kind, Row, Value};

fn field(name: String, kind: Kind, traits: Traits) -> Field {
    Field { name, kind, traits }
}

/// An object with these local fields; the remote ones are the same.
fn object(name: &str, fields: Vec<Field>, user_keys: Vec<Vec<String>>) -> Object {
    let resource = Resource {
        path: "path".into(),
        id: "Id".into(),
        updated: "Updated".into(),
        version: None,
        created: None,
    };
    let remote = fields.clone();
    let raw =
        Descriptor { name: name.into(), mapping_version: 1, local: fields, remote, resource, user_keys };
    Object::try_from(raw).unwrap()
}

const FIELDS: usize = 6;

fn traits() -> impl Strategy<Value = Traits> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(required, read_only, computed, create_only, not_compared)| Traits {
            required,
            read_only,
            computed,
            create_only,
            not_compared,
        },
    )
}

fn integers() -> impl Strategy<Value = Object> {
    prop::collection::vec(traits(), FIELDS).prop_map(|traits| {
        let fields = (0..).zip(traits).map(|(n, traits)| field(format!("f{n}"), Kind::Integer, traits));
        object("account", fields.collect(), vec![vec!["f0".into(), "f1".into()], vec!["f2".into()]])
    })
}

fn row() -> impl Strategy<Value = Row> {
    let value = prop_oneof![Just(Value::Absent), Just(Value::Null), (0..2_i64).prop_map(Value::Integer)];
    prop::collection::vec(value, FIELDS)
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn rows_differ_where_compared_values_that_both_sides_sent_differ(
        object in integers(), a in row(), b in row()
    ) {
        let mut expected = Vec::new();
        for index in 0..FIELDS {
            let sent = a[index] != Value::Absent && b[index] != Value::Absent;
            if sent && a[index] != b[index] && !object.local[index].traits.not_compared {
                expected.push(index);
            }
        }
        prop_assert_eq!(object.differing(&a, &b), expected.clone());
        prop_assert_eq!(object.differing(&b, &a), expected.clone(), "either way");
        prop_assert_eq!(object.differing(&a, &a), Vec::<usize>::new());
        expected.retain(|&index| {
            !object.local[index].traits.read_only && !object.local[index].traits.computed
        });
        prop_assert_eq!(object.differing_in_content(&a, &b), expected);
    }

    #[test]
    fn a_row_with_the_differing_values_taken_over_differs_no_more(
        object in integers(), a in row(), mut b in row()
    ) {
        for index in object.differing(&a, &b) {
            b[index] = a[index].clone();
        }
        prop_assert_eq!(object.differing(&a, &b), Vec::<usize>::new());
    }

    #[test]
    fn a_user_key_counts_when_all_its_parts_are_filled(object in integers(), row in row()) {
        let filled = |index: usize| matches!(row[index], Value::Integer(_));
        let mut expected = Vec::new();
        if filled(0) && filled(1) {
            expected.push(vec![(0, row[0].clone()), (1, row[1].clone())]);
        }
        if filled(2) {
            expected.push(vec![(2, row[2].clone())]);
        }
        let found: Vec<_> = object.filled_user_keys(&row).map(|key| key.parts).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_row_is_refused_at_its_first_misfit(
        object in integers(), mut row in row(), bad in prop::collection::btree_set(0..FIELDS, 0..3)
    ) {
        for &index in &bad {
            row[index] = Value::Boolean(true);
        }
        let first = conform_row(&mut row, &object.local).err().map(|(index, _)| index);
        prop_assert_eq!(first, bad.first().map(|&index| Some(index)));
        row.pop();
        let too_short = conform_row(&mut row, &object.local).err().map(|(index, _)| index);
        prop_assert_eq!(too_short, Some(None));
    }
}

/// By object, which objects it links to.
type Links = BTreeMap<usize, BTreeSet<usize>>;

const OBJECTS: usize = 6;

fn links() -> impl Strategy<Value = Links> {
    let linked = prop::collection::btree_set(0..OBJECTS, 0..3);
    prop::collection::vec(linked, OBJECTS).prop_map(|links| links.into_iter().enumerate().collect())
}

/// A graph without circles: in a random order, links go to earlier objects only.
fn links_without_circles() -> impl Strategy<Value = Links> {
    (links(), Just((0..OBJECTS).collect::<Vec<_>>()).prop_shuffle()).prop_map(|(mut links, rank)| {
        for (child, parents) in &mut links {
            parents.retain(|parent| rank[*parent] < rank[*child]);
        }
        links
    })
}

fn objects(links: &Links) -> Vec<Object> {
    links
        .iter()
        .map(|(id, parents)| {
            let mut fields = vec![field("name".into(), Kind::Integer, Traits::default())];
            fields.extend(parents.iter().map(|parent| {
                field(format!("link{parent}"), Kind::Reference(format!("o{parent}")), Traits::default())
            }));
            object(&format!("o{id}"), fields, Vec::new())
        })
        .collect()
}

/// The order, as numbers.
fn order<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Vec<usize> {
    let objects: Vec<&Object> = objects.into_iter().collect();
    let number = |name: &str| name[1..].parse().unwrap();
    dependency_order(&objects).iter().map(|name| number(name.as_str())).collect()
}

/// Whether following links from one object, at least one, ever leads to the other.
fn reaches(links: &Links, from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(object) = open.pop() {
        for &parent in &links[&object] {
            if parent == to {
                return true;
            }
            if seen.insert(parent) {
                open.push(parent);
            }
        }
    }
    false
}

fn place(order: &[usize], object: usize) -> usize {
    order.iter().position(|&other| other == object).unwrap()
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn parents_come_before_children(links in links_without_circles()) {
        let order = order(&objects(&links));
        for (child, parents) in &links {
            for parent in parents {
                prop_assert!(place(&order, *parent) < place(&order, *child), "{:?}", order);
            }
        }
    }

    // Only a link on a circle may point forward: one that merely leads to a circle may not.
    #[test]
    fn only_links_on_a_circle_point_forward(links in links()) {
        let order = order(&objects(&links));
        for (child, parents) in &links {
            for parent in parents.iter().filter(|&parent| !reaches(&links, *parent, *child)) {
                prop_assert!(place(&order, *parent) < place(&order, *child), "{:?}", order);
            }
        }
    }

    // A record cannot go without such a link: the circle is opened at another one.
    #[test]
    fn no_required_link_points_forward_where_these_alone_make_no_circle(
        optional in links(), required in links_without_circles()
    ) {
        let mut all = objects(&optional);
        for (object, parents) in all.iter_mut().zip(required.values()) {
            let link = |parent: &usize| {
                let traits = Traits { required: true, ..Traits::default() };
                field(format!("required{parent}"), Kind::Reference(format!("o{parent}")), traits)
            };
            object.local.extend(parents.iter().map(link));
        }
        let order = order(&all);
        for (child, parents) in &required {
            for parent in parents {
                prop_assert!(place(&order, *parent) < place(&order, *child), "{:?}", order);
            }
        }
    }

    #[test]
    fn every_object_comes_once_even_in_circles(links in links()) {
        let mut order = order(&objects(&links));
        order.sort_unstable();
        prop_assert_eq!(order, (0..OBJECTS).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_does_not_depend_on_that_of_the_input(
        (links, shuffled) in links().prop_flat_map(|links| {
            let all = objects(&links);
            (Just(links), Just(all).prop_shuffle())
        })
    ) {
        prop_assert_eq!(order(&shuffled), order(&objects(&links)));
    }

    #[test]
    fn links_to_objects_that_are_not_there_are_left_out(
        links in links_without_circles(), left in 0..OBJECTS
    ) {
        let all = objects(&links);
        let present = order(all.iter().take(left));
        prop_assert_eq!(present.len(), left);
        for (child, parents) in links.range(..left) {
            for parent in parents.range(..left) {
                prop_assert!(place(&present, *parent) < place(&present, *child), "{:?}", present);
            }
        }
    }

    #[test]
    fn no_record_is_deleted_before_those_that_link_to_it(links in links()) {
        let id = |number: &usize| LocalId(*number as i64);
        let records: Vec<_> =
            links.iter().map(|(child, parents)| (id(child), parents.iter().map(id).collect())).collect();
        let levels = children_first(&records);
        let level_of = |number: &usize| levels.iter().position(|level| level.contains(&id(number))).unwrap();
        let mut all: Vec<LocalId> = levels.iter().flatten().copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, links.keys().map(id).collect::<Vec<_>>());
        let circular = |number: &usize| links.keys().any(|it| {
            reaches(&links, *it, *it) && links[it].iter().any(|other| other != it)
                && (it == number || reaches(&links, *it, *number))
        });
        for (child, parents) in &links {
            for parent in parents.iter().filter(|parent| *parent != child && !circular(parent)) {
                prop_assert!(level_of(child) < level_of(parent), "{:?}", levels);
            }
        }
    }
}
