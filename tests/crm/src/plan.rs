//! Running a query without looking at every record where that can be avoided.

use crate::Refusal;
use crate::query::Query;
use crate::record::Record;
use crate::schema::position;
use crate::searchspec::{Comparison, Search, Test};
use crate::table::Table;
use crate::value;

/// Rows past this one are out of reach, except to a forward-only query.
const DEEPEST_ROW: usize = 9_900;

/// The answer to a query.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) records: Vec<&'a Record>,
    /// How many records the query finds in all, where that was asked for.
    pub(crate) total: Option<usize>,
}

/// Runs a query on a table.
pub(crate) fn run<'a>(table: &'a Table, query: &Query) -> Result<Page<'a>, Refusal> {
    let end = query.start.saturating_add(query.size);
    let conditions: Vec<&Search> = match &query.search {
        None => Vec::new(),
        Some(Search::All(parts)) => parts.iter().collect(),
        Some(one) => vec![one],
    };
    let (range, rest) = narrow(table.records(), conditions);
    let descending = matches!(query.sort.first(), Some(sort) if sort.by_id() && sort.descending);
    let in_order = query.sort.first().is_none_or(|sort| sort.by_id());

    if in_order && rest.is_empty() && table.all_visible(query.view) {
        check_depth(query, end.min(range.len()))?;
        let page = range.len().min(query.start)..range.len().min(end);
        let records = if descending {
            range.iter().rev().skip(page.start).take(page.len()).collect()
        } else {
            range[page].iter().collect()
        };
        return Ok(Page { records, total: query.count.then_some(range.len()) });
    }

    let found =
        |record: &&Record| record.visibility <= query.view && rest.iter().all(|part| part.matches(record));
    // Without an order of its own or a count, the query is over once its page is full.
    let enough = if in_order && !query.count { end } else { usize::MAX };
    let candidates = match shortest(rest.iter().filter_map(|part| candidates(table, part))) {
        None if rest.is_empty() && range.len() == table.records().len() => latest(table, query),
        found => found,
    };
    let mut records: Vec<&Record> = match candidates {
        Some(mut ids) => {
            let from = range.first().map_or("", Record::id);
            let to = range.last().map_or("", Record::id);
            ids.retain(|id| (from..=to).contains(id));
            ids.sort_unstable();
            ids.dedup();
            let records = ids.into_iter().filter_map(|id| table.get(id)).filter(found);
            if descending { records.rev().take(enough).collect() } else { records.take(enough).collect() }
        }
        None if descending => range.iter().rev().filter(found).take(enough).collect(),
        None => range.iter().filter(found).take(enough).collect(),
    };
    if !in_order {
        sort(table, query, &mut records);
    }
    check_depth(query, end.min(records.len()))?;
    let total = query.count.then_some(records.len());
    let records = records.into_iter().skip(query.start).take(query.size).collect();
    Ok(Page { records, total })
}

fn check_depth(query: &Query, reached: usize) -> Result<(), Refusal> {
    if reached > DEEPEST_ROW && !query.forward_only {
        return Err(Refusal::data(
            "SBL-DAT-00500: There were more rows than could be returned. Please refine your query to bring back fewer rows.",
        ));
    }
    Ok(())
}

/// The ids of the first records of a query that finds all of them and sorts them by the last update, that first.
/// `None`: it is another query.
fn latest<'a>(table: &'a Table, query: &Query) -> Option<Vec<&'a str>> {
    let is_it =
        query.sort.len() == 1 && query.sort.iter().all(|by| by.at == position::UPDATED && by.descending);
    if !is_it || query.count || !table.all_visible(query.view) {
        return None;
    }
    let (mut ids, mut reached) = (Vec::new(), None);
    let end = query.start.saturating_add(query.size);
    for (stamp, id) in table.updated_since("") {
        // All of one stamp, which sorts among itself.
        if ids.len() >= end && reached != Some(stamp) {
            break;
        }
        reached = Some(stamp);
        ids.push(id);
    }
    Some(ids)
}

/// Takes the bounds on the id out of the conditions: what is left of the records, and of them.
fn narrow<'a, 'q>(records: &'a [Record], conditions: Vec<&'q Search>) -> (&'a [Record], Vec<&'q Search>) {
    let (mut from, mut to) = (0, records.len());
    let mut rest = Vec::new();
    for condition in conditions {
        let Search::Field { at: position::ID, test: Test::Compare(comparison, id), .. } = condition else {
            rest.push(condition);
            continue;
        };
        let before = || records.partition_point(|record| record.id() < &**id);
        let through = || records.partition_point(|record| record.id() <= &**id);
        match comparison {
            _ if id.is_empty() => to = 0,
            Comparison::More => from = from.max(through()),
            Comparison::AtLeast => from = from.max(before()),
            Comparison::Less => to = to.min(before()),
            Comparison::AtMost => to = to.min(through()),
            Comparison::Equal => (from, to) = (from.max(before()), to.min(through())),
            Comparison::Unequal => rest.push(condition),
        }
    }
    (&records[from.min(to)..to], rest)
}

/// The ids of all records that a condition can possibly find. `None`: that takes a scan.
fn candidates<'a>(table: &'a Table, search: &'a Search) -> Option<Vec<&'a str>> {
    match search {
        Search::All(parts) => shortest(parts.iter().filter_map(|part| candidates(table, part))),
        Search::Any(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| candidates(table, part)).collect();
            parts.map(|parts| parts.concat())
        }
        Search::Field { at, test: Test::Compare(Comparison::Equal, value), .. } => {
            if *at == position::ID {
                return Some(vec![value]);
            }
            let ids = table.ids_with(*at, value)?;
            Some(ids.iter().map(|id| &**id).collect())
        }
        Search::Field {
            at: position::UPDATED,
            test: Test::Compare(Comparison::AtLeast | Comparison::More, stamp),
            ..
        } if !stamp.is_empty() => Some(table.updated_since(stamp).map(|(_, id)| id).collect()),
        Search::Field { .. } => None,
    }
}

fn shortest<'a>(sets: impl Iterator<Item = Vec<&'a str>>) -> Option<Vec<&'a str>> {
    sets.min_by_key(Vec::len)
}

/// Sorts by the query's criteria; ties stay in the order of the ids. Nulls come first.
fn sort(table: &Table, query: &Query, records: &mut [&Record]) {
    let kinds: Vec<_> = query.sort.iter().map(|by| table.component.field(by.at).kind).collect();
    records.sort_by(|left, right| {
        let criteria = query.sort.iter().zip(&kinds).map(|(by, kind)| {
            let order = value::compare(*kind, left.value(by.at), right.value(by.at));
            if by.descending { order.reverse() } else { order }
        });
        criteria.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
}
