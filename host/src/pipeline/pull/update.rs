//! Pull update: fetch the details of changed remote records, map them, overwrite all mapped fields (decision 1).

use super::ahead::{Ahead, Wanted};
use super::parents::{fates, is_settled, unmade, waits_for_parent};
use super::{Mapped, link, map, moved_locally, pages};
use crate::pipeline::judge::unlike;
use crate::pipeline::operations::{Learned, OpenLink, PullUpdate, Work};
use crate::pipeline::push::update::Sending;
use crate::pipeline::{Event, Stop, Subject};
use crate::ports::{Baseline, Change, Changed, Store};
use crate::report::ObjectReport;
use futures_util::TryStreamExt;
use std::collections::HashMap;
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteKey, RemoteToken};
use sync_core::compare::is_another_record;
use sync_core::object::Object;
use sync_core::operation::Operation;

/// Begins to fetch the details.
pub(in crate::pipeline) fn fetch(work: &Work<'_>, updates: &[PullUpdate]) -> Ahead {
    let ids = updates.iter().map(|it| it.pair.remote.id.clone()).collect();
    Ahead::start(work, Wanted::Each { ids, reserved: Vec::new(), with_the_rest: false })
}

/// Pull update: the details are fetched and mapped; overwrite all mapped fields (decision 1). Content that is the
/// baseline's only refreshes the token (decision 2). Between the batches, those that are sent go on.
pub(in crate::pipeline) async fn updates(
    work: &Work<'_>,
    store: &mut dyn Store,
    report: &mut ObjectReport,
    learned: &mut Learned,
    updates: Vec<PullUpdate>,
    mut batches: Ahead,
    sending: &mut Sending<'_>,
) -> Result<(), Stop> {
    work.step(Operation::PullUpdate, updates.len());
    let object = work.object();
    let by_id: HashMap<&RemoteId, &PullUpdate> = updates.iter().map(|it| (&it.pair.remote.id, it)).collect();
    // Those that are the records which were listed.
    let mut read = 0;
    sending.go_on(work, store, report, learned).await?;
    while let Some(batch) = batches.next().await? {
        work.observer.event(Event::Progress(batch.records.len() as u64));
        let (mapped, failed) = link(work, store, batch.records)?;
        let pair_of = |id: &RemoteId| by_id.get(id).map(|it| it.pair.local);
        let mut failures: Vec<_> = failed
            .into_iter()
            .map(|(key, failure)| (Subject { local: pair_of(&key.id), remote: Some(key.id) }, failure))
            .collect();
        let fates = fates(work, store, mapped.iter().flat_map(|it| &it.unlinked)).await?;
        store.note_unmade(&object.name, &unmade(work, mapped.iter(), &fates))?;
        let pairs = mapped.iter().filter_map(|it| Some(by_id.get(&it.key.id)?.pair.clone())).collect();
        let baselines: HashMap<LocalId, Baseline> =
            store.agreed(object, pairs)?.into_iter().map(|base| (base.pair.local, base)).collect();
        let (mut changes, mut written) = (Vec::new(), Vec::new());
        for Mapped { key, row, unlinked } in mapped {
            let Some(update) = by_id.get(&key.id) else { continue };
            let local = update.pair.local;
            // Since it was listed, its id has come back as another record: the next run lists it anew (decision 14).
            if is_another_record(&update.pair.remote, &key) {
                continue;
            }
            read += 1;
            if let Some(waits) = waits_for_parent(&unlinked, &fates) {
                failures.push((Subject::pair(local, &key.id), waits));
                continue;
            }
            let settled = is_settled(&unlinked, &fates);
            if !settled {
                learned.open_links.push(OpenLink { local, remote: key.clone() });
            }
            let remote = if settled { key } else { RemoteKey { token: RemoteToken::unsettled(), ..key } };
            match baselines.get(&local) {
                Some(base) if unlike(object, &base.row, &row).is_empty() => {
                    let pair = Pair { local, remote, revision: update.revision };
                    let baseline =
                        Baseline { pair, row: base.row.clone(), beyond_filter: base.beyond_filter };
                    changes.push(Change::Link { baseline, fields: Vec::new() });
                    written.push(None);
                }
                Some(_) | None => {
                    written.push(Some((local, remote.id.clone())));
                    changes.push(Change::Update { local, expected: update.revision, row, remote });
                }
            }
        }
        let answers = work.commit(store, changes, &mut failures)?;
        for (answer, written) in answers.into_iter().zip(written) {
            match (answer, written) {
                (Changed::Done(_), Some(_)) => report.count(Operation::PullUpdate),
                (Changed::Moved, Some((local, remote))) => {
                    failures.push((Subject::pair(local, &remote), moved_locally()));
                }
                (Changed::Done(_) | Changed::Moved, None) | (Changed::Refused { .. }, _) => {}
            }
        }
        learned.unread |= !failures.is_empty();
        work.log(store, Operation::PullUpdate, failures)?;
        sending.go_on(work, store, report, learned).await?;
    }
    learned.unread |= read < updates.len();
    Ok(())
}

/// The fields that pulled updates would change, for a plan: those without any are dropped.
pub(in crate::pipeline) async fn foresee_updates(
    work: &Work<'_>,
    store: &dyn Store,
    updates: Vec<PullUpdate>,
) -> Result<Vec<(PullUpdate, Vec<String>)>, Stop> {
    let object: &Object = work.object();
    let ids: Vec<RemoteId> = updates.iter().map(|it| it.pair.remote.id.clone()).collect();
    let mut rows = HashMap::new();
    let mut pages = pages(&**work.remote, work.object(), &ids);
    while let Some(page) = pages.try_next().await? {
        let (mapped, _) = map(work, store, page)?;
        rows.extend(mapped.into_iter().map(|it| (it.key.id, it.row)));
    }
    let mut foreseen = Vec::new();
    for update in updates {
        let base = store.baselines(object, &[update.pair.local])?.pop();
        let fields = match (&base, rows.get(&update.pair.remote.id)) {
            (Some(base), Some(row)) => unlike(object, &base.row, row),
            (None, _) | (_, None) => Vec::new(),
        };
        let unreadable = !rows.contains_key(&update.pair.remote.id);
        if !fields.is_empty() || unreadable {
            let names = fields.into_iter().filter_map(|index| Some(object.local.get(index)?.name.clone()));
            foreseen.push((update, names.collect()));
        }
    }
    Ok(foreseen)
}
