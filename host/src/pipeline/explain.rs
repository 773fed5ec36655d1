//! What a run would do with one record, and why: the very steps of a run, for that record alone, and nothing written.

use super::compare::compare;
use super::conflicts::{Settlement, Then};
use super::foresee::foresee;
use super::listing::{Listed, list};
use super::next_object::in_order;
use super::operations::{Journey, Learned, Plan, Work};
use super::{Run, Stop, links};
use crate::ports::{ConflictEntry, ConflictField, Store};
use crate::report::ObjectReport;
use serde::Serialize;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey};
use sync_core::compare::{Finding, Side, compare as compare_keys};
use sync_core::object::Field;
use sync_core::value::{Row, Value};

/// Which record. Ids of the two sides may look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordId {
    /// Of the local store.
    Local(LocalId),
    /// Of the remote.
    Remote(RemoteId),
}

/// How a side of a record stands against the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its change key is the baseline's.
    Same,
    /// Its change key is another.
    Changed,
    /// It is linked, and not listed.
    Gone,
    /// It is listed, and not linked.
    New,
    /// There is no such record, and none was linked.
    None,
}

/// What is known of one record, and what a run would do with it.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The pair as of the last success.
    pub baseline: Option<Pair>,
    /// The local change key.
    pub local: Option<LocalKey>,
    /// The remote change key.
    pub remote: Option<RemoteKey>,
    /// How the local side stands.
    pub local_side: Standing,
    /// How the remote side stands.
    pub remote_side: Standing,
    /// The rule that applies, in words.
    pub rule: &'static str,
    /// What comes of it: the operations that a run would carry out (`push-update`), `conflict`, `issue`,
    /// `held-delete`, `refresh` or `nothing`.
    pub outcome: Vec<String>,
    /// All local fields, side by side; `differs` where the two sides, or the one that is left and the baseline, do.
    pub fields: Vec<ConflictField>,
    /// The conflict that a run finds, settled or not.
    pub conflict: Option<ConflictEntry>,
    /// Why a run could not do it, as far as that shows before it writes.
    pub issue: Option<String>,
}

/// Why a record could not be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// Neither side nor the baseline has it.
    #[error("neither side lists a {object} {id}, and none is linked (a filter may leave it out)")]
    Unknown {
        /// The object.
        object: String,
        /// The id as it was asked for.
        id: String,
    },
    /// It is the id of two records.
    #[error(
        "{id} is a local {object}, and another one on the remote: say which with `--side local` or `--side remote`"
    )]
    Ambiguous {
        /// The object.
        object: String,
        /// The id as it was asked for.
        id: String,
    },
    /// A listing failed.
    #[error("{0}")]
    Failed(String),
}

impl From<Stop> for ExplainError {
    fn from(stop: Stop) -> ExplainError {
        ExplainError::Failed(stop.message().to_owned())
    }
}

/// Looks at one record as a run would. The run's options should be those of a dry run.
///
/// `candidates` are the readings of one id: where more than one of them is a record, and not the same, it is
/// ambiguous.
///
/// # Errors
/// There is no such record, or more than one, or a side cannot be listed.
pub async fn explain(
    run: Run<'_>,
    object: &str,
    candidates: &[RecordId],
) -> Result<Explanation, ExplainError> {
    let Run { id, remote, server, store, mut participants, others, options, observer, person } = run;
    in_order(&mut participants);
    let asked = || match candidates.first() {
        Some(RecordId::Local(id)) => id.to_string(),
        Some(RecordId::Remote(id)) => id.to_string(),
        None => String::new(),
    };
    let unknown = || ExplainError::Unknown { object: object.to_owned(), id: asked() };
    let index =
        participants.iter().position(|it| it.mapper.object().name.as_str() == object).ok_or_else(unknown)?;
    let work = Work {
        run: id,
        remote: &remote,
        server,
        observer,
        person,
        options,
        participants: &participants,
        others: &others,
        index,
    };
    remote.connect().await.map_err(Stop::from)?;
    let mut report = ObjectReport::new(work.object().name.clone());
    let listed = list(&work, store, &mut report).await?;
    let mut found: Vec<Listed> = Vec::new();
    for id in candidates {
        let of = match id {
            RecordId::Local(local) => listed.of(&work, store, Some(*local), None)?,
            RecordId::Remote(remote) => listed.of(&work, store, None, Some(remote))?,
        };
        found.extend(of);
    }
    found.dedup_by(|a, b| (&a.baseline, &a.local, &a.remote) == (&b.baseline, &b.local, &b.remote));
    if found.len() > 1 {
        return Err(ExplainError::Ambiguous { object: object.to_owned(), id: asked() });
    }
    let record = found.pop().ok_or_else(unknown)?;
    let (local_side, remote_side) = standings(&record);
    let (baseline, local, key) =
        (record.baseline.first().cloned(), record.local.first().copied(), record.remote.first().cloned());
    let rows = rows(&work, store, &record).await?;
    let mut plan = compare(&work, store, record).await?;
    hold(&work, store, listed, &mut plan).await?;
    let mut journey = Journey { report, plan, learned: Learned::default(), stopped: false };
    let Plan { open, settlements, .. } = &journey.plan;
    let conflict = open.first().or(settlements.first().map(|it| &it.open)).map(|open| open.entry.clone());
    let outcome = outcome(&work, store, &mut journey).await?;
    Ok(Explanation {
        baseline,
        local,
        remote: key,
        local_side,
        remote_side,
        rule: rule(local_side, remote_side),
        outcome,
        fields: side_by_side(&work, rows),
        conflict,
        issue: journey.plan.issues.first().map(|issue| issue.message.clone()),
    })
}

/// Holds the record's delete where a run would (decision 23), which shows only beside all others of the object.
async fn hold(work: &Work<'_>, store: &mut dyn Store, listed: Listed, plan: &mut Plan) -> Result<(), Stop> {
    let deletes = |it: &Settlement| {
        matches!(it.steps(work.object()), Some((_, Then::PullDelete(_) | Then::PushDelete(_))))
    };
    let waits = plan.pull_deletes.iter().any(|it| !it.departed) || !plan.push_deletes.is_empty();
    if !waits && !plan.settlements.iter().any(deletes) {
        return Ok(());
    }
    let whole = compare(work, store, listed).await?;
    let before = plan.pull_deletes.len() + plan.push_deletes.len() + plan.settlements.len();
    plan.pull_deletes.retain(|it| whole.pull_deletes.iter().any(|other| other.pair == it.pair));
    plan.push_deletes.retain(|it| whole.push_deletes.iter().any(|other| other.pair == it.pair));
    let is_open = |it: &mut Settlement| whole.open.iter().any(|open| open.entry == it.open.entry);
    plan.open.extend(plan.settlements.extract_if(.., is_open).map(|it| it.open));
    let after = plan.pull_deletes.len() + plan.push_deletes.len() + plan.settlements.len();
    plan.held_deletes += (before - after) as u64;
    Ok(())
}

fn standings(record: &Listed) -> (Standing, Standing) {
    fn of<T>(side: &Side<T>) -> Standing {
        match side {
            Side::Same => Standing::Same,
            Side::Changed(_) => Standing::Changed,
            Side::Gone => Standing::Gone,
        }
    }
    let mut findings = compare_keys(record.baseline.clone(), &record.local, record.remote.clone());
    match findings.next() {
        Some(Finding::NewLocal(_)) => (Standing::New, Standing::None),
        Some(Finding::NewRemote(_)) => (Standing::None, Standing::New),
        Some(Finding::Linked { local, remote, .. }) => (of(&local), of(&remote)),
        None => (Standing::Same, Standing::Same),
    }
}

fn rule(local: Standing, remote: Standing) -> &'static str {
    use Standing::{Changed, Gone, New, None, Same};
    match (local, remote) {
        (Same, Same) => "neither side changed since both agreed: nothing to do",
        (New, None) => {
            "only the local side has it: it is looked up by its user key and inserted on the remote \
                        (decision 4)"
        }
        (None, New) => {
            "only the remote has it: it is pulled, unless an open issue holds it as a twin (decision 4)"
        }
        (Changed, Same) => {
            "only the local key changed: its content is compared, and what differs is pushed \
                            (decision 2)"
        }
        (Same, Changed) => {
            "only the remote key changed: its content is compared, and what differs is pulled \
                            (decisions 1 and 2)"
        }
        (Changed, Changed) => {
            "both keys changed: equal content is refreshed (decision 18), an edit of both sides \
                               is a conflict, settled by choice or rule (decisions 17 and 24)"
        }
        (Gone, Same) => {
            "deleted locally: the delete is pushed (decision 11), unless it is held (decision 23)"
        }
        (Same, Gone) => {
            "gone on the remote, or out of the filter: deleted locally (decision 12), unless a link \
                         needs it or the delete is held (decision 23)"
        }
        (Gone, Gone) => "gone on both sides: the pair is dropped (decision 11)",
        (Changed, Gone) => {
            "changed locally and gone on the remote: a conflict, or out of the filter with an \
                            unsent edit (decisions 12 and 19)"
        }
        (Gone, Changed) => "deleted locally and changed on the remote: a conflict (decisions 11 and 19)",
        (New | None, _) | (_, New | None) => "the id came back as another record (decision 14)",
    }
}

/// The record as baseline, local side and remote have it, each where it is there and can be read.
struct Rows {
    base: Option<Row>,
    local: Option<Row>,
    remote: Option<Row>,
}

async fn rows(work: &Work<'_>, store: &dyn Store, record: &Listed) -> Result<Rows, Stop> {
    let object = work.object();
    let locals: Vec<LocalId> = record.baseline.iter().map(|pair| pair.local).collect();
    let base = store.baselines(object, &locals)?.pop().map(|base| base.row);
    let locals: Vec<LocalId> = record.local.iter().map(|key| key.id).collect();
    let local = store.local_records(object, &locals)?.pop().and_then(|record| record.row.ok());
    let ids: Vec<RemoteId> = record.remote.iter().map(|key| key.id.clone()).collect();
    let mut remote = None;
    if !ids.is_empty()
        && let Some(found) = work.remote.details(object, &ids).await?.pop()
        && let Some(Ok(mut row)) = work.participant().mapper.to_local(&[&found.row]).pop()
    {
        links::to_local(store, object, &mut row)?;
        remote = Some(row);
    }
    Ok(Rows { base, local, remote })
}

fn side_by_side(work: &Work<'_>, Rows { base, local, remote }: Rows) -> Vec<ConflictField> {
    let object = work.object();
    let differing = match (&base, &local, &remote) {
        (_, Some(local), Some(remote)) => object.differing(local, remote),
        (Some(base), Some(left), None) | (Some(base), None, Some(left)) => object.differing(base, left),
        _ => Vec::new(),
    };
    let at = |row: &Option<Row>, index: usize| {
        row.as_ref().and_then(|row| row.get(index)).cloned().unwrap_or(Value::Absent)
    };
    let field = |(index, field): (usize, &Field)| ConflictField {
        field: field.name.clone(),
        base: at(&base, index),
        local: at(&local, index),
        remote: at(&remote, index),
        differs: differing.contains(&index),
    };
    object.local.iter().enumerate().map(field).collect()
}

/// What the plan comes to, in the words of plans and logs.
async fn outcome(work: &Work<'_>, store: &dyn Store, journey: &mut Journey) -> Result<Vec<String>, Stop> {
    let plan = &mut journey.plan;
    let refreshed = !plan.bookkeeping.is_empty();
    foresee(work, store, journey).await?;
    let plan = &journey.plan;
    let mut outcome: Vec<String> =
        plan.planned.iter().map(|planned| planned.operation.name().to_owned()).collect();
    let pending = [
        (!plan.open.is_empty(), "conflict"),
        (!plan.issues.is_empty(), "issue"),
        (plan.held_deletes > 0, "held-delete"),
    ];
    outcome.extend(pending.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()));
    if outcome.is_empty() {
        outcome.push(if refreshed { "refresh" } else { "nothing" }.to_owned());
    }
    Ok(outcome)
}
