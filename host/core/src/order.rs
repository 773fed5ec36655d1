//! Step 6: which object comes next. Parents are written before children, deletes go children first
//! (decision 16).

use crate::object::{Object, ObjectName};
use std::collections::{BTreeMap, BTreeSet};

/// The objects in the order in which they are written; deletes go the other way round.
///
/// An object comes after all objects that it links to. Only a link on a circle may point forward: of the
/// objects on it, the one with the fewest open parents comes first (by name among equals), and that link is
/// filled in later. The result does not depend on the order of the input.
pub fn dependency_order(objects: &[&Object]) -> Vec<ObjectName> {
    let known: BTreeSet<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let mut waiting: BTreeMap<&str, (&ObjectName, BTreeSet<&str>)> = objects
        .iter()
        .map(|object| {
            let parents = object.parents().filter(|parent| known.contains(parent)).collect();
            (object.name.as_str(), (&object.name, parents))
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

/// The object to write next: one without open parents, or, where all have some, one on a circle that no other
/// circle leads to.
fn next<'a>(waiting: &BTreeMap<&'a str, (&ObjectName, BTreeSet<&'a str>)>) -> Option<&'a str> {
    let ancestors = |name: &'a str| {
        let mut found = BTreeSet::new();
        let mut open = vec![name];
        while let Some((_, parents)) = open.pop().and_then(|name| waiting.get(name)) {
            open.extend(parents.iter().filter(|parent| found.insert(**parent)));
        }
        found
    };
    let leads_only_back =
        |name: &'a str| ancestors(name).into_iter().all(|ancestor| ancestors(ancestor).contains(name));
    waiting
        .iter()
        .filter(|(name, (_, parents))| parents.is_empty() || leads_only_back(name))
        .min_by_key(|(name, (_, parents))| (parents.len(), **name))
        .map(|(name, _)| *name)
}
