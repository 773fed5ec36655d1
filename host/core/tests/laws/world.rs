//! The reference model: two sides, a baseline, and an interpreter of the core's decisions.
//!
//! What belongs to the pipeline (user keys, the journal, the race between check and write) is left
//! out: here every insert is one step, and nobody edits in the middle of a run.

use proptest::prelude::*;
use std::collections::BTreeMap;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::compare::{Decision, Finding, Needs, Side, compare, decide, needs};
use sync_core::conflict::ConflictKind;
use sync_core::operation::Operation;

/// What a record says. Few values, so that edits often agree, and often come back to what was.
pub(crate) type Content = u8;

const CONTENTS: std::ops::Range<Content> = 0..4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalRecord {
    pub(crate) revision: Revision,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteRecord {
    pub(crate) token: RemoteToken,
    pub(crate) content: Content,
    pub(crate) created: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) pair: Pair,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) local: BTreeMap<LocalId, LocalRecord>,
    pub(crate) remote: BTreeMap<RemoteId, RemoteRecord>,
    pub(crate) baseline: BTreeMap<LocalId, Linked>,
    /// Whether the endpoint tells when a record was created.
    stamps: bool,
    ticks: i64,
}

/// What somebody does to a side. A number picks the record, modulo how many there are.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    InsertLocal(Content),
    InsertRemote(Content),
    UpdateLocal(usize, Content),
    UpdateRemote(usize, Content),
    /// The same edit on both sides of a pair.
    UpdateBoth(usize, Content),
    /// Another token, the content as it was.
    TouchLocal(usize),
    TouchRemote(usize),
    DeleteLocal(usize),
    DeleteRemote(usize),
    DeleteBoth(usize),
    /// Deleted, and another record with the same id in its place.
    Recreate(usize, Content),
}

#[derive(Debug, Clone)]
pub(crate) enum Event {
    Edit(Edit),
    /// A run that fails after so many steps. `torn`: the next step wrote its side, but the baseline
    /// never heard of it.
    FailedRun {
        steps: usize,
        torn: bool,
    },
    Run,
}

/// What the plan says about a record or a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Do(Operation),
    Refresh,
    Forget,
    Conflict(ConflictKind),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) local: Option<LocalId>,
    pub(crate) remote: Option<RemoteId>,
}

impl Step {
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self.action, Action::Conflict(_))
    }

    fn is_insert(&self) -> bool {
        matches!(self.action, Action::Do(Operation::PullInsert | Operation::PushInsert))
    }
}

/// A number of its own for every tick, in no order: nothing may depend on one token or id being
/// "newer" than another.
fn scrambled(tick: i64) -> i64 {
    const PRIME: i64 = 10_007;
    tick * 7_919 % PRIME
}

impl World {
    pub(crate) fn new(stamps: bool) -> World {
        World { stamps, ..World::default() }
    }

    fn tick(&mut self) -> i64 {
        self.ticks += 1;
        scrambled(self.ticks)
    }

    fn next_revision(&mut self) -> Revision {
        Revision(self.tick())
    }

    /// Every other edit falls into the same second, so that only the version tells (decision 3).
    fn next_token(&mut self) -> RemoteToken {
        let number = self.tick().to_string();
        match self.ticks % 2 {
            0 => RemoteToken { updated: number, version: Some("1".into()) },
            _ => RemoteToken { updated: "this second".into(), version: Some(number) },
        }
    }

    fn insert_local(&mut self, content: Content) -> LocalId {
        let id = LocalId(self.tick());
        let revision = self.next_revision();
        self.local.insert(id, LocalRecord { revision, content });
        id
    }

    fn insert_remote(&mut self, content: Content) -> RemoteId {
        let id = RemoteId(self.tick().to_string());
        let token = self.next_token();
        let created = self.stamps.then(|| self.tick().to_string());
        self.remote.insert(id.clone(), RemoteRecord { token, content, created });
        id
    }

    fn update_local(&mut self, id: LocalId, content: Content) {
        let revision = self.next_revision();
        self.local.insert(id, LocalRecord { revision, content });
    }

    fn update_remote(&mut self, id: &RemoteId, content: Content) {
        let token = self.next_token();
        let record = self.remote.get_mut(id).unwrap();
        (record.token, record.content) = (token, content);
    }

    fn recreate(&mut self, id: &RemoteId, content: Content) {
        // The worst case: a fresh record often has the same version, say 1. Only its stamp tells.
        let token = if self.stamps { self.remote[id].token.clone() } else { self.next_token() };
        let created = self.stamps.then(|| self.tick().to_string());
        self.remote.insert(id.clone(), RemoteRecord { token, content, created });
    }

    fn some_local(&self, pick: usize) -> Option<LocalId> {
        self.local.keys().nth(pick % self.local.len().max(1)).copied()
    }

    fn some_remote(&self, pick: usize) -> Option<RemoteId> {
        self.remote.keys().nth(pick % self.remote.len().max(1)).cloned()
    }

    /// Both ids of a pair whose records are both there.
    fn some_pair(&self, pick: usize) -> Option<(LocalId, RemoteId)> {
        let linked = self.baseline.values().nth(pick % self.baseline.len().max(1))?;
        let (local, remote) = (linked.pair.local, linked.pair.remote.id.clone());
        (self.local.contains_key(&local) && self.remote.contains_key(&remote)).then_some((local, remote))
    }

    /// Carries the edit out; one that finds no record does nothing.
    pub(crate) fn edit(&mut self, edit: &Edit) -> Option<()> {
        match *edit {
            Edit::InsertLocal(content) => drop(self.insert_local(content)),
            Edit::InsertRemote(content) => drop(self.insert_remote(content)),
            Edit::UpdateLocal(pick, content) => self.update_local(self.some_local(pick)?, content),
            Edit::UpdateRemote(pick, content) => self.update_remote(&self.some_remote(pick)?, content),
            Edit::UpdateBoth(pick, content) => {
                let (local, remote) = self.some_pair(pick)?;
                self.update_local(local, content);
                self.update_remote(&remote, content);
            }
            Edit::TouchLocal(pick) => {
                let id = self.some_local(pick)?;
                self.update_local(id, self.local[&id].content);
            }
            Edit::TouchRemote(pick) => {
                let id = self.some_remote(pick)?;
                self.update_remote(&id, self.remote[&id].content);
            }
            Edit::DeleteLocal(pick) => drop(self.local.remove(&self.some_local(pick)?)),
            Edit::DeleteRemote(pick) => drop(self.remote.remove(&self.some_remote(pick)?)),
            Edit::DeleteBoth(pick) => {
                let (local, remote) = self.some_pair(pick)?;
                self.local.remove(&local);
                self.remote.remove(&remote);
            }
            Edit::Recreate(pick, content) => self.recreate(&self.some_remote(pick)?, content),
        }
        Some(())
    }

    pub(crate) fn happen(&mut self, event: &Event) {
        match event {
            Event::Edit(edit) => drop(self.edit(edit)),
            Event::FailedRun { steps, torn } => self.run_and_fail(*steps, *torn),
            Event::Run => drop(self.run()),
        }
    }

    pub(crate) fn pairs(&self) -> Vec<Pair> {
        self.baseline.values().map(|linked| linked.pair.clone()).collect()
    }

    pub(crate) fn local_keys(&self) -> Vec<LocalKey> {
        self.local.iter().map(|(&id, record)| LocalKey { id, revision: record.revision }).collect()
    }

    pub(crate) fn remote_keys(&self) -> Vec<RemoteKey> {
        self.remote.keys().map(|id| self.remote_key(id)).collect()
    }

    fn remote_key(&self, id: &RemoteId) -> RemoteKey {
        let record = &self.remote[id];
        RemoteKey {
            id: id.clone(),
            token: record.token.clone(),
            created: record.created.clone(),
            fresh: false,
        }
    }

    /// Compares and decides. Deletes come last, the rest in the order of the findings.
    pub(crate) fn plan(&self) -> Vec<Step> {
        let locals = self.local_keys();
        let findings = compare(self.pairs(), &locals, self.remote_keys());
        let mut plan: Vec<Step> = findings.map(|finding| self.step(finding)).collect();
        plan.sort_by_key(|step| {
            matches!(step.action, Action::Do(Operation::PullDelete | Operation::PushDelete))
        });
        plan
    }

    fn step(&self, finding: Finding) -> Step {
        match finding {
            Finding::NewLocal(key) => {
                Step { action: Action::Do(Operation::PushInsert), local: Some(key.id), remote: None }
            }
            Finding::NewRemote(key) => {
                Step { action: Action::Do(Operation::PullInsert), local: None, remote: Some(key.id) }
            }
            Finding::Linked { pair, local, remote } => {
                let action = self.decide(&pair, local, remote);
                Step { action, local: Some(pair.local), remote: Some(pair.remote.id) }
            }
        }
    }

    fn decide(&self, pair: &Pair, local: Side<Revision>, remote: Side<RemoteKey>) -> Action {
        let agreed = self.baseline[&pair.local].content;
        let local_content = self.local.get(&pair.local).map(|record| record.content);
        let remote_content = self.remote.get(&pair.remote.id).map(|record| record.content);
        let asked = needs(&local, &remote);
        // Only what is asked for is looked at: what `needs` leaves out must not matter.
        let local = match local {
            Side::Changed(_) if asks_local(asked) && local_content == Some(agreed) => Side::Same,
            side => side,
        };
        let remote = match remote {
            Side::Changed(_) if asks_remote(asked) && remote_content == Some(agreed) => Side::Same,
            side => side,
        };
        match decide(&local, &remote, asked == Needs::Both && local_content == remote_content) {
            // The details of a pull update are fetched when it is applied, and compared there.
            Decision::PullUpdate if remote_content == Some(agreed) => Action::Refresh,
            Decision::PullUpdate => Action::Do(Operation::PullUpdate),
            Decision::PullDelete => Action::Do(Operation::PullDelete),
            Decision::PushUpdate => Action::Do(Operation::PushUpdate),
            Decision::PushDelete => Action::Do(Operation::PushDelete),
            Decision::Refresh => Action::Refresh,
            Decision::Forget => Action::Forget,
            Decision::Conflict(kind) => Action::Conflict(kind),
        }
    }

    /// Plans and applies everything; conflicts stay.
    pub(crate) fn run(&mut self) -> Vec<Step> {
        let plan = self.plan();
        for step in &plan {
            self.apply(step);
        }
        plan
    }

    pub(crate) fn run_and_fail(&mut self, steps: usize, torn: bool) {
        let plan = self.plan();
        let steps = steps % (plan.len() + 1);
        for step in &plan[..steps] {
            self.apply(step);
        }
        // An insert that was cut in two is healed by the journal (decision 15), not by the core.
        if let Some(step) = plan.get(steps).filter(|step| torn && !step.is_insert()) {
            let baseline = self.baseline.clone();
            self.apply(step);
            self.baseline = baseline;
        }
    }

    pub(crate) fn apply(&mut self, step: &Step) {
        let local = || step.local.unwrap();
        let remote = || step.remote.as_ref().unwrap();
        match step.action {
            Action::Do(Operation::PullInsert) => {
                let id = self.insert_local(self.remote[remote()].content);
                self.link(id, remote());
            }
            Action::Do(Operation::PushInsert) => {
                let id = self.insert_remote(self.local[&local()].content);
                self.link(local(), &id);
            }
            Action::Do(Operation::PullUpdate) => {
                self.update_local(local(), self.remote[remote()].content);
                self.link(local(), remote());
            }
            Action::Do(Operation::PushUpdate) => {
                self.update_remote(remote(), self.local[&local()].content);
                self.link(local(), remote());
            }
            Action::Do(Operation::PullDelete) => {
                self.local.remove(&local()).unwrap();
                self.baseline.remove(&local());
            }
            Action::Do(Operation::PushDelete) => {
                self.remote.remove(remote()).unwrap();
                self.baseline.remove(&local());
            }
            Action::Refresh => self.link(local(), remote()),
            Action::Forget => drop(self.baseline.remove(&local())),
            Action::Conflict(_) => {}
        }
    }

    /// Carries out a person's choice. The record that one side deleted is created anew, with a new id
    /// (decision 19).
    pub(crate) fn choose(&mut self, step: &Step, keep_local: bool) {
        let Action::Conflict(kind) = step.action else { return };
        let operation = match (kind, keep_local) {
            (ConflictKind::UpdateUpdate, true) => Operation::PushUpdate,
            (ConflictKind::UpdateUpdate, false) => Operation::PullUpdate,
            (ConflictKind::UpdateDelete, true) => Operation::PushInsert,
            (ConflictKind::UpdateDelete, false) => Operation::PullDelete,
            (ConflictKind::DeleteUpdate, true) => Operation::PushDelete,
            (ConflictKind::DeleteUpdate, false) => Operation::PullInsert,
        };
        let step = Step { action: Action::Do(operation), ..step.clone() };
        if step.is_insert() {
            self.baseline.remove(&step.local.unwrap());
        }
        self.apply(&step);
    }

    /// Enters the pair with the keys that both records have now.
    fn link(&mut self, local: LocalId, remote: &RemoteId) {
        let content = self.local[&local].content;
        assert_eq!(content, self.remote[remote].content, "only what both sides agree on is entered");
        let pair = Pair { local, remote: self.remote_key(remote), revision: self.local[&local].revision };
        self.baseline.insert(local, Linked { pair, content });
    }

    /// As after writes whose result is not known to be ours (decision 8).
    pub(crate) fn unsettle(&mut self) {
        for linked in self.baseline.values_mut() {
            linked.pair.revision = Revision::UNSETTLED;
            linked.pair.remote.token = RemoteToken::unsettled();
        }
    }

    /// All contents of both sides, sorted: what is left when ids are left out.
    pub(crate) fn contents(&self) -> (Vec<Content>, Vec<Content>) {
        let mut local: Vec<_> = self.local.values().map(|record| record.content).collect();
        let mut remote: Vec<_> = self.remote.values().map(|record| record.content).collect();
        local.sort_unstable();
        remote.sort_unstable();
        (local, remote)
    }

    /// The same world seen from the other side. Only for a world without stamps, which local records
    /// do not have. Tokens become 1 where they are the baseline's and 2 where not.
    pub(crate) fn mirrored(&self) -> World {
        assert!(!self.stamps);
        let token = |number: i64| RemoteToken { updated: number.to_string(), version: None };
        let number = |same: bool| if same { 1 } else { 2 };
        let mut mirror = World::new(false);
        for (id, record) in &self.local {
            let same = self.baseline.get(id).is_none_or(|linked| linked.pair.revision == record.revision);
            let record = RemoteRecord { token: token(number(same)), content: record.content, created: None };
            mirror.remote.insert(mirrored_local(*id), record);
        }
        for (id, record) in &self.remote {
            let linked = self.baseline.values().find(|linked| linked.pair.remote.id == *id);
            let same = linked.is_none_or(|linked| linked.pair.remote.token == record.token);
            let record = LocalRecord { revision: Revision(number(same)), content: record.content };
            mirror.local.insert(mirrored_remote(id), record);
        }
        for linked in self.baseline.values() {
            let local = mirrored_remote(&linked.pair.remote.id);
            let remote = RemoteKey {
                id: mirrored_local(linked.pair.local),
                token: token(1),
                created: None,
                fresh: false,
            };
            let pair = Pair { local, remote, revision: Revision(1) };
            mirror.baseline.insert(local, Linked { pair, content: linked.content });
        }
        mirror
    }
}

pub(crate) fn mirrored_local(id: LocalId) -> RemoteId {
    RemoteId(id.to_string())
}

pub(crate) fn mirrored_remote(id: &RemoteId) -> LocalId {
    LocalId(id.0.parse().unwrap())
}

fn asks_local(asked: Needs) -> bool {
    matches!(asked, Needs::Local | Needs::Both)
}

fn asks_remote(asked: Needs) -> bool {
    matches!(asked, Needs::Remote | Needs::Both)
}

fn edit() -> impl Strategy<Value = Edit> {
    let pick = 0..12_usize;
    prop_oneof![
        2 => CONTENTS.prop_map(Edit::InsertLocal),
        2 => CONTENTS.prop_map(Edit::InsertRemote),
        3 => (pick.clone(), CONTENTS).prop_map(|(pick, content)| Edit::UpdateLocal(pick, content)),
        3 => (pick.clone(), CONTENTS).prop_map(|(pick, content)| Edit::UpdateRemote(pick, content)),
        1 => (pick.clone(), CONTENTS).prop_map(|(pick, content)| Edit::UpdateBoth(pick, content)),
        2 => pick.clone().prop_map(Edit::TouchLocal),
        2 => pick.clone().prop_map(Edit::TouchRemote),
        2 => pick.clone().prop_map(Edit::DeleteLocal),
        2 => pick.clone().prop_map(Edit::DeleteRemote),
        1 => pick.clone().prop_map(Edit::DeleteBoth),
        2 => (pick, CONTENTS).prop_map(|(pick, content)| Edit::Recreate(pick, content)),
    ]
}

pub(crate) fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        12 => edit().prop_map(Event::Edit),
        1 => (0..12_usize, any::<bool>()).prop_map(|(steps, torn)| Event::FailedRun { steps, torn }),
        1 => Just(Event::Run),
    ];
    prop::collection::vec(event, 0..most)
}

/// A world in which six pairs were once in step, and much has happened since.
pub(crate) fn world() -> impl Strategy<Value = World> {
    any::<bool>().prop_flat_map(world_with)
}

pub(crate) fn world_with(stamps: bool) -> impl Strategy<Value = World> {
    (prop::collection::vec(CONTENTS, 6), events(24)).prop_map(move |(contents, events)| {
        let mut world = World::new(stamps);
        for content in contents {
            world.edit(&Edit::InsertRemote(content));
        }
        world.run();
        for event in &events {
            world.happen(event);
        }
        world
    })
}
