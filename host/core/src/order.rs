//! Step 6: which object comes next. Parents are written before children, deletes go children first
//! (decision 16).

use crate::change_key::LocalId;
use crate::object::{Object, ObjectName};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The objects in the order in which they are written; deletes go the other way round.
///
/// An object comes after all objects that it links to. Only a link on a circle may point forward, and of those one that
/// is required only where the circle has no others: of the objects on it, the one with the fewest open parents that it
/// requires comes first (then with the fewest open parents, then by name), and its links are filled in later. The result
/// does not depend on the order of the input.
pub fn dependency_order(objects: &[&Object]) -> Vec<ObjectName> {
    let known: BTreeSet<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let mut waiting: Waiting<'_> = objects
        .iter()
        .map(|object| {
            let parents = object.parents().filter(|parent| known.contains(parent)).map(|it| (it, false));
            let required = object.required_parents().filter(|it| known.contains(it)).map(|it| (it, true));
            (object.name.as_str(), (&object.name, parents.chain(required).collect()))
        })
        .collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(next) = next(&waiting) {
        if let Some((name, _)) = waiting.remove(next) {
            order.push(name.clone());
        }
        for (_, parents) in waiting.values_mut() {
            parents.remove(next);
        }
    }
    order
}

/// Objects that are not in the order yet, each with its open parents, and whether it requires them.
type Waiting<'a> = BTreeMap<&'a str, (&'a ObjectName, BTreeMap<&'a str, bool>)>;

/// Records of one object that are to be deleted, each with those that its links to the same object lead to: level by
/// level, children before their parents (decision 16). What is on one level may go in any order. Records on a circle,
/// and those that they link to, make the last level.
pub fn children_first(records: &[(LocalId, Vec<LocalId>)]) -> Vec<Vec<LocalId>> {
    let parents: HashMap<LocalId, &[LocalId]> =
        records.iter().map(|(id, parents)| (*id, parents.as_slice())).collect();
    // How many each still has, of those that are not on a level.
    let mut children: HashMap<LocalId, usize> = records.iter().map(|(id, _)| (*id, 0)).collect();
    for (id, parents) in records {
        for parent in parents.iter().filter(|parent| *parent != id) {
            children.entry(*parent).and_modify(|count| *count += 1);
        }
    }
    let childless = |(id, _): &&(LocalId, Vec<LocalId>)| children.get(id) == Some(&0);
    let mut level: Vec<LocalId> = records.iter().filter(childless).map(|(id, _)| *id).collect();
    let mut levels = Vec::new();
    while !level.is_empty() {
        let mut next = Vec::new();
        for id in &level {
            children.remove(id);
        }
        for parent in level.iter().filter_map(|id| parents.get(id)).copied().flatten() {
            if let Some(left) = children.get_mut(parent) {
                *left -= 1;
                next.extend((*left == 0).then_some(*parent));
            }
        }
        levels.push(std::mem::replace(&mut level, next));
    }
    let circular: Vec<LocalId> =
        records.iter().map(|(id, _)| *id).filter(|id| children.contains_key(id)).collect();
    levels.extend((!circular.is_empty()).then_some(circular));
    levels
}

/// The object to write next: one without open parents, or, where all have some, one on a circle that no other
/// circle leads to.
fn next<'a>(waiting: &Waiting<'a>) -> Option<&'a str> {
    let ancestors = |name: &'a str| {
        let mut found = BTreeSet::new();
        let mut open = vec![name];
        while let Some((_, parents)) = open.pop().and_then(|name| waiting.get(name)) {
            open.extend(parents.keys().filter(|parent| found.insert(**parent)));
        }
        found
    };
    let leads_only_back =
        |name: &'a str| ancestors(name).into_iter().all(|ancestor| ancestors(ancestor).contains(name));
    waiting
        .iter()
        .filter(|(name, (_, parents))| parents.is_empty() || leads_only_back(name))
        .min_by_key(|(name, (_, parents))| {
            (parents.values().filter(|required| **required).count(), parents.len(), **name)
        })
        .map(|(name, _)| *name)
}
