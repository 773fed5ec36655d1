//! What the decisions of step 3 have to know of the records: read in batches, each record's in one place.

use super::links::{self, Unlinked};
use super::operations::Work;
use super::pull::ahead::{Ahead, Wanted};
use super::{Failure, Stop, full_compare, pull};
use crate::ports::{Baseline, Change, LocalRecord, Store, Unfit};
use std::collections::HashMap;
use sync_core::change_key::{LocalId, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::compare::{Needs, Side, is_another_record};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// A pair of which at least one side is not the same.
pub(super) struct Linked {
    pub(super) pair: Pair,
    pub(super) local: Side<Revision>,
    pub(super) remote: Side<RemoteKey>,
}

/// A remote record in local shape.
pub(super) struct Fetched {
    pub(super) row: Row,
    /// It links to a record that is not pulled yet: null in the row, and a change all the same.
    pub(super) ahead: bool,
    /// The links that are null in the row, and not on the remote.
    pub(super) unlinked: Vec<usize>,
}

/// The contents that a batch's decisions need, by id.
pub(super) struct Contents {
    base: HashMap<LocalId, Baseline>,
    local: HashMap<LocalId, LocalRecord>,
    remote: HashMap<RemoteId, (RemoteKey, Result<Fetched, Failure>)>,
}

impl Contents {
    /// What is known of one pair.
    pub(super) fn record<'a>(&'a self, linked: &'a Linked) -> Record<'a> {
        let pair = &linked.pair;
        Record {
            linked,
            base: self.base.get(&pair.local),
            local: self.local.get(&pair.local),
            remote: self.remote.get(&pair.remote.id),
        }
    }
}

/// One pair, with what was read of it.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) linked: &'a Linked,
    pub(super) base: Option<&'a Baseline>,
    local: Option<&'a LocalRecord>,
    remote: Option<&'a (RemoteKey, Result<Fetched, Failure>)>,
}

impl<'a> Record<'a> {
    /// Whether the remote record has gone since it was listed, or its id has come back as another record: the next
    /// run lists it anew.
    pub(super) fn is_overtaken(&self, needs: Needs) -> bool {
        match self.remote {
            Some((key, _)) => is_another_record(&self.linked.pair.remote, key),
            None => matches!(needs, Needs::Remote | Needs::Both),
        }
    }

    /// What both sides agreed on last.
    pub(super) fn base_row(&self) -> Option<&'a Row> {
        self.base.map(|base| &base.row)
    }

    /// The local record, if it can be read.
    pub(super) fn local_row(&self) -> Option<&'a Row> {
        self.local.and_then(|record| record.row.as_ref().ok())
    }

    /// What does not fit in the local record, where that cannot be read.
    pub(super) fn unfit(&self) -> Option<&'a Unfit> {
        self.local.and_then(|record| record.row.as_ref().err())
    }

    /// The remote record, where it changed and can be read.
    pub(super) fn fetched(&self) -> Option<&'a Fetched> {
        self.changed().and_then(|fetched| fetched.as_ref().ok())
    }

    /// Why the changed remote record cannot be read.
    pub(super) fn failure(&self) -> Option<&'a Failure> {
        self.changed().and_then(|fetched| fetched.as_ref().err())
    }

    fn changed(&self) -> Option<&'a Result<Fetched, Failure>> {
        match self.linked.remote {
            Side::Changed(_) => self.remote.map(|(_, fetched)| fetched),
            Side::Same | Side::Gone => None,
        }
    }

    /// The local record's revision: as it was read, else as the baseline has it.
    pub(super) fn revision(&self) -> Revision {
        self.local.map_or(self.linked.pair.revision, |record| record.key.revision)
    }

    /// The remote record's key: as it was read, else as the baseline has it.
    pub(super) fn remote_key(&self) -> RemoteKey {
        self.remote.map_or(&self.linked.pair.remote, |(key, _)| key).clone()
    }

    /// The token of that key.
    pub(super) fn token(&self) -> RemoteToken {
        self.remote_key().token
    }

    /// Enters the present keys; the content is equal already (decisions 2 and 18).
    pub(super) fn refresh(&self) -> Option<Change> {
        let base = self.base?;
        let local = self.linked.pair.local;
        let pair = Pair { local, remote: self.remote_key(), revision: self.revision() };
        let mut row = self.local_row().unwrap_or(&base.row).clone();
        for (value, before) in row.iter_mut().zip(&base.row) {
            if *value == Value::Absent {
                value.clone_from(before);
            }
        }
        let baseline = Baseline { pair, row, beyond_filter: base.beyond_filter };
        Some(Change::Link { baseline, fields: Vec::new() })
    }
}

/// A batch of pairs of which the remote's part is being read.
pub(super) struct Asked {
    batch: Vec<Linked>,
    remote: Option<Ahead>,
}

/// The pairs whose decisions need what is wanted.
fn wanted<'b>(
    work: &Work<'_>,
    batch: &'b [Linked],
    wants: fn(Needs) -> bool,
) -> impl Iterator<Item = &'b Pair> {
    let needs = move |it: &&Linked| wants(full_compare::needs_of(work, &it.pair, &it.local, &it.remote));
    batch.iter().filter(needs).map(|it| &it.pair)
}

/// Begins to read what a batch's decisions need of the remote, by [`sync_core::compare::needs`].
pub(super) fn ask(work: &Work<'_>, batch: Vec<Linked>) -> Asked {
    let remote = wanted(work, &batch, |it| matches!(it, Needs::Remote | Needs::Both));
    let ids: Vec<RemoteId> = remote.map(|pair| pair.remote.id.clone()).collect();
    let wanted = |ids| Wanted::Each { ids, reserved: Vec::new(), with_the_rest: false };
    let remote = (!ids.is_empty()).then(|| Ahead::start(work, wanted(ids)));
    Asked { batch, remote }
}

/// Reads the rest, and answers it with the batch. A changed local side is compared first: where its content is the
/// baseline's, the remote's content decides nothing.
pub(super) async fn read(
    work: &Work<'_>,
    store: &dyn Store,
    Asked { batch, remote }: Asked,
) -> Result<(Vec<Linked>, Contents), Stop> {
    let object = work.object();
    let local: Vec<LocalId> =
        wanted(work, &batch, |it| matches!(it, Needs::Local | Needs::Both)).map(|pair| pair.local).collect();
    let based = wanted(work, &batch, |it| matches!(it, Needs::Local | Needs::Remote | Needs::Both));
    // With their tokens as they are stored: those of the batch may have been taken away.
    let based: Vec<LocalId> = based.map(|pair| pair.local).collect();
    let base = store.baselines(object, &based)?;
    let local = store.local_records(object, &local)?;
    let mut contents = Contents {
        base: base.into_iter().map(|base| (base.pair.local, base)).collect(),
        local: local.into_iter().map(|record| (record.key.id, record)).collect(),
        remote: HashMap::new(),
    };
    let Some(mut remote) = remote else { return Ok((batch, contents)) };
    while let Some(arrived) = remote.next().await? {
        let mut linked = Vec::with_capacity(arrived.records.len());
        let snapshot = store.snapshot()?;
        for (key, mapped) in arrived.records {
            linked.push((key, mapped.map(|row| link(store, object, row)).map_err(Failure::from)));
        }
        drop(snapshot);
        for (key, row) in linked {
            let row = match row {
                Ok(linked) => {
                    let (fetched, unlinked) = linked?;
                    let ahead = pull::parents::still_expected(work, store, &unlinked).await?;
                    Ok(Fetched { ahead, ..fetched })
                }
                Err(failure) => Err(failure),
            };
            contents.remote.insert(key.id.clone(), (key, row));
        }
    }
    Ok((batch, contents))
}

/// Translates the links of a remote record that was mapped; what they lead to ahead is still to be asked.
fn link(store: &dyn Store, object: &Object, mut row: Row) -> Result<(Fetched, Vec<Unlinked>), Stop> {
    let is_link = |(_, value): &(usize, &Value)| matches!(value, Value::Reference(_));
    let linked: Vec<usize> = row.iter().enumerate().filter(is_link).map(|(index, _)| index).collect();
    let unlinked = links::to_local(store, object, &mut row)?;
    let lost = linked.into_iter().filter(|&it| row.get(it) == Some(&Value::Null)).collect();
    Ok((Fetched { row, unlinked: lost, ahead: false }, unlinked))
}
