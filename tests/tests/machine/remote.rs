//! The server as the host sees it: an implementation of [`Remote`] on the machine's records, with the faults that
//! the turn has for it. Every write is conditional, as on a server that checks the version in the request.

use crate::sides::Kept;
use crate::steps::Fault;
use crate::things::{Cells, Field, Thing, cell};
use crate::turn::{Fortune, Write};
use crate::world::World;
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use host::ports::{
    Capabilities, Feed, IdsFrom, Lock, Mark, Remote, RemoteError, RemoteRecord, Requests, Scope, Stretch,
    View, WriteError, Written,
};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use sync_core::change_feed::Changes;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Object, ObjectName, UserKey};
use sync_core::value::{Row, Value};
use tests::Moment;

/// Records on a page of a listing, and in a request for details: few, so that there are several.
const PAGE: usize = 3;

/// The server, as a remote.
pub(crate) struct Fake(pub(crate) Arc<Mutex<World>>);

impl Fake {
    /// One request: others may come between it and the last, it may be the one in which the process dies, and
    /// something may be wrong with it.
    async fn ask<T>(&self, sends: bool, answer: impl FnOnce(&mut World, Option<Fault>) -> T) -> T {
        tokio::task::yield_now().await;
        let answer = {
            let mut world = self.0.lock().unwrap();
            let fortune = if world.turn.dead { Fortune::DEAD } else { world.arrives(sends) };
            world.turn.dead |= fortune.death.is_some();
            match fortune.death {
                None => Some(answer(&mut world, fortune.fault)),
                Some(Moment::Before) => None,
                Some(Moment::After) => {
                    answer(&mut world, fortune.fault);
                    None
                }
            }
        };
        match answer {
            Some(answer) => answer,
            None => {
                let process = self.0.lock().unwrap().turn.process.take();
                process.inspect(Waker::wake_by_ref);
                std::future::pending().await
            }
        }
    }

    /// A request that reads.
    async fn read<T>(&self, answer: impl FnOnce(&mut World, Option<Fault>) -> T) -> Result<T, RemoteError> {
        self.ask(false, |world, fault| match fault {
            Some(Fault::Fails(all)) => Err(failure(all)),
            Some(Fault::AnswerLost(_) | Fault::NeverArrived(_) | Fault::Slow(_)) => Err(failure(false)),
            fault => Ok(answer(world, fault)),
        })
        .await
    }

    /// A request that writes; the record as it is then.
    async fn write(&self, write: Write) -> Result<(String, Kept), WriteError> {
        let unknown = |may_still_run| {
            Err(WriteError::FateUnknown { message: "the answer was lost".to_owned(), may_still_run })
        };
        self.ask(true, |world, fault| {
            let refused = || WriteError::Refused { code: "refused".into(), message: "not this one".into() };
            match fault {
                Some(Fault::Fails(all)) => return Err(failure(all).into()),
                Some(Fault::Refused) => return Err(refused()),
                Some(Fault::NoVersion) if !matches!(write, Write::Insert(..)) => {
                    return Err(WriteError::NoVersion);
                }
                Some(Fault::NeverArrived(may_still_run)) => return unknown(may_still_run),
                _ => {}
            }
            world.turn.writes += 1;
            match fault {
                Some(Fault::Slow(requests)) => {
                    world.later(requests, write);
                    unknown(true)
                }
                Some(Fault::AnswerLost(may_still_run)) => {
                    world.carry_out(write);
                    unknown(may_still_run)
                }
                _ => world.carry_out(write).ok_or(WriteError::Moved),
            }
        })
        .await
    }

    /// The record as it is, if it has the token that the host compared with.
    async fn compared(
        &self,
        thing: Thing,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<Kept, WriteError> {
        self.read(|world, _| match world.server.get(thing, &id.0) {
            None => Err(WriteError::Gone),
            Some(kept) => {
                let found = token(kept);
                let same_version = expected.version.is_none() || expected.version == found.version;
                let same_stamp = expected.updated.is_empty() || expected.updated == found.updated;
                let settled = *expected != RemoteToken::unsettled();
                if settled && same_version && same_stamp { Ok(kept.clone()) } else { Err(WriteError::Moved) }
            }
        })
        .await?
    }

    /// What a write is answered with: the record as read back, if it is still its result (decision 8).
    async fn read_back(&self, thing: Thing, (id, ours): (String, Kept)) -> Result<Written, WriteError> {
        let read =
            self.read(|world, _| world.server.get(thing, &id).filter(|kept| **kept == ours).cloned()).await;
        let kept = read.ok().flatten();
        let version = || RemoteToken::of_version(Some(ours.version.to_string()));
        Ok(Written {
            id: RemoteId(id),
            created: Some(ours.created.to_string()),
            token: kept.as_ref().map_or_else(version, token),
            row: kept.map(|kept| thing.row(&kept.cells)),
        })
    }
}

fn failure(all: bool) -> RemoteError {
    let scope = if all { Scope::Run } else { Scope::Object };
    RemoteError { scope, message: "the request failed".to_owned(), help: None }
}

fn token(kept: &Kept) -> RemoteToken {
    RemoteToken { updated: format!("second {}", kept.updated), version: Some(kept.version.to_string()) }
}

fn key(id: &str, kept: &Kept) -> RemoteKey {
    RemoteKey {
        id: RemoteId(id.to_owned()),
        token: token(kept),
        created: Some(kept.created.to_string()),
        fresh: false,
    }
}

fn record(thing: Thing, id: &str, kept: &Kept) -> RemoteRecord {
    RemoteRecord { key: key(id, kept), row: thing.row(&kept.cells) }
}

fn of(object: &Object) -> Thing {
    Thing::of(object.name.as_str())
}

impl World {
    /// The records of a view, in the order of their ids.
    fn viewed(&self, view: View<'_>) -> impl Iterator<Item = (&str, &Kept)> {
        let (thing, filtered) = (of(view.object), view.filter.is_some());
        let of_view =
            move |((it, _), kept): &(&(Thing, String), &Kept)| *it == thing && (!filtered || kept.passes());
        self.server.records.iter().filter(of_view).map(|((_, id), kept)| (id.as_str(), kept))
    }

    fn page(&self, view: View<'_>, after: Option<&str>, fault: Option<Fault>) -> Vec<RemoteKey> {
        let beyond = self.viewed(view).filter(|(id, _)| after.is_none_or(|after| *id > after));
        let mut page: Vec<RemoteKey> = beyond.map(|(id, kept)| key(id, kept)).take(PAGE).collect();
        match fault {
            Some(Fault::Incomplete) if page.len() > 1 => {
                page.remove(0);
            }
            Some(Fault::Twice) => page.extend(page.first().cloned()),
            _ => {}
        }
        page.sort_by(|a, b| a.id.cmp(&b.id));
        page
    }
}

#[async_trait]
impl Remote for Fake {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            counts: true,
            lock: Lock::ConditionalWrite,
            details_batch: PAGE,
            in_flight: 2,
            write_batch: 2,
            write_batches: 2,
            ids: IdsFrom::Server,
            change_feed: true,
        }
    }

    async fn connect(&self) -> Result<(), RemoteError> {
        self.read(|_, _| ()).await
    }

    async fn count(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        self.read(|world, fault| {
            let count = world.viewed(view).count() as u64;
            Some(if fault == Some(Fault::Miscounts) { count + 1 } else { count })
        })
        .await
    }

    fn change_keys<'a>(&'a self, view: View<'a>) -> BoxStream<'a, Result<Vec<RemoteKey>, RemoteError>> {
        let first: Option<Option<String>> = Some(None);
        stream::try_unfold(first, move |state| async move {
            let Some(after) = state else { return Ok(None) };
            let page = self.read(|world, fault| world.page(view, after.as_deref(), fault)).await?;
            let next = page.last().map(|key| Some(key.id.0.clone()));
            Ok(next.map(|next| (page, Some(next))))
        })
        .boxed()
    }

    async fn mark(&self, view: View<'_>) -> Result<Option<Mark>, RemoteError> {
        let thing = of(view.object);
        self.read(|world, _| {
            let all = world.server.records.iter().filter(|((it, _), _)| *it == thing);
            all.map(|(_, kept)| kept.updated).max().map(|newest| Mark(newest.to_string()))
        })
        .await
    }

    async fn changes(&self, view: View<'_>, since: &Mark) -> Result<Feed, RemoteError> {
        self.read(|world, fault| {
            let since = match since.0.parse() {
                Ok(since) if fault != Some(Fault::Incomplete) => since,
                _ => return Feed::Expired,
            };
            let changed = world.viewed(view).filter(|(_, kept)| kept.updated >= since);
            let changed = changed.map(|(id, kept)| key(id, kept)).collect();
            Feed::Changes(Changes { changed, gone: Vec::new() })
        })
        .await
    }

    async fn count_each(
        &self,
        view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Option<Vec<u64>>, RemoteError> {
        let lists = self.ids_each(view, stretches).await?;
        Ok(Some(lists.iter().map(|list| list.len() as u64).collect()))
    }

    async fn ids_each(
        &self,
        view: View<'_>,
        stretches: &[Stretch<'_>],
    ) -> Result<Vec<Vec<RemoteId>>, RemoteError> {
        let mut lists = Vec::with_capacity(stretches.len());
        for stretch in stretches {
            let list = self.read(|world, fault| {
                let lost = usize::from(matches!(fault, Some(Fault::Incomplete | Fault::Miscounts)));
                let ids = world.viewed(view).filter(|(id, _)| stretch.contains(id));
                ids.map(|(id, _)| RemoteId(id.to_owned())).skip(lost).collect()
            });
            lists.push(list.await?);
        }
        Ok(lists)
    }

    async fn details(&self, object: &Object, ids: &[RemoteId]) -> Result<Vec<RemoteRecord>, RemoteError> {
        let thing = of(object);
        self.read(|world, _| {
            let found = |id: &RemoteId| Some(record(thing, &id.0, world.server.get(thing, &id.0)?));
            ids.iter().filter_map(found).collect()
        })
        .await
    }

    async fn find(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        let thing = of(object);
        let wanted: Vec<(Field, Option<String>)> =
            key.parts.iter().map(|(index, value)| (thing.remote_field(*index), cell(value))).collect();
        self.read(|world, _| {
            let named =
                |kept: &Kept| wanted.iter().all(|(field, value)| kept.cells.get(field) == value.as_ref());
            let found = world.server.records.iter().filter(|((it, _), kept)| *it == thing && named(kept));
            found.map(|((_, id), kept)| record(thing, id, kept)).collect()
        })
        .await
    }

    async fn insert(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        let thing = of(object);
        let cells: Cells = row
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Some((thing.remote_field(index), cell(value)?)))
            .filter(|(field, _)| *field != Field::Number)
            .collect();
        let written = self.write(Write::Insert(thing, cells)).await?;
        self.read_back(thing, written).await
    }

    async fn update(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        let thing = of(object);
        let over = self.compared(thing, id, expected).await?;
        let changes: Vec<_> =
            changes.iter().map(|(index, value)| (thing.remote_field(*index), cell(value))).collect();
        assert!(!changes.is_empty(), "an update that changes nothing");
        let written = self.write(Write::Update { thing, id: id.0.clone(), over, changes }).await?;
        self.read_back(thing, written).await
    }

    async fn delete(&self, object: &Object, id: &RemoteId, expected: &RemoteToken) -> Result<(), WriteError> {
        let thing = of(object);
        let over = match self.compared(thing, id, expected).await {
            Err(WriteError::Gone) => return Ok(()),
            other => other?,
        };
        self.write(Write::Delete { thing, id: id.0.clone(), over }).await.map(|_| ())
    }

    fn requests(&self, _: &ObjectName) -> Requests {
        Requests::default()
    }
}
