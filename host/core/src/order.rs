//! Step 6: which object comes next. Parents are written before children, deletes go children first
//! (decision 16).

use crate::object::{Object, ObjectName};
use std::collections::BTreeSet;

/// The objects in the order in which they are written; deletes go the other way round.
///
/// An object comes after all objects that it links to. Where links run in a circle, the object with
/// the fewest open parents comes first (by name among equals), and the link that points forward is
/// filled in later. The result does not depend on the order of the input.
pub fn dependency_order(objects: &[&Object]) -> Vec<ObjectName> {
    let known: BTreeSet<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let mut waiting: Vec<(&ObjectName, BTreeSet<&str>)> = objects
        .iter()
        .map(|object| (&object.name, object.parents().filter(|parent| known.contains(parent)).collect()))
        .collect();
    waiting.sort_by_key(|(name, _)| *name);
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(next) = (0..waiting.len()).min_by_key(|&index| (waiting[index].1.len(), waiting[index].0))
    {
        let (name, _) = waiting.remove(next);
        for (_, parents) in &mut waiting {
            parents.remove(name.as_str());
        }
        order.push(name.clone());
    }
    order
}
