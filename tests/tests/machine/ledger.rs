//! What every person wrote, on either side, and whether it may be gone.
//!
//! An edit stands until a person who sees its value writes another one over it or deletes the record, on whichever
//! side, or until it loses a conflict: one that was in the log and that somebody chose for, or one that a rule
//! settled. As long as it stands, its value is on one side at least; in the end it is on both. A delete stands in the
//! same way, and in the end the record is on neither side.

use crate::sides::{Record, Shown, Side};
use crate::things::{Cells, Field, Thing};
use std::collections::{BTreeMap, BTreeSet};
use sync_core::conflict::Choice;

/// A value that a person wrote. That of the tag stands for the record itself: it was made.
#[derive(Clone, Debug)]
struct Edit {
    side: Side,
    tag: String,
    field: Field,
    /// What was there before.
    old: Option<String>,
    value: Option<String>,
    fate: Fate,
    /// A choice or a rule gave it up: it may go, in that run or when what is left to do succeeds.
    given_up: bool,
    /// Both sides have been equal since.
    synced: bool,
}

/// A record that a person deleted.
#[derive(Clone, Debug)]
struct Delete {
    side: Side,
    tag: String,
    /// It need not come to pass: it lost a conflict, or was of a record outside the filter.
    waived: bool,
    synced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stands,
    /// A person who saw it put something else there, or it was there before.
    Superseded,
    /// It lost a conflict.
    Lost,
}

/// A conflict that somebody chose for, with the values of the side that is to be given up.
pub(crate) struct Chosen {
    pub(crate) tag: String,
    pub(crate) loser: Side,
    /// `None` where that side deleted the record.
    pub(crate) values: Option<Cells>,
}

/// What may settle conflicts in a run.
#[derive(Default)]
pub(crate) struct Settling {
    pub(crate) chosen: Vec<Chosen>,
    pub(crate) rules: Vec<(Thing, Choice)>,
}

/// Everything that persons did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    edits: Vec<Edit>,
    deletes: Vec<Delete>,
    /// What was there when the present run began: edits and deletes.
    before: (usize, usize),
    /// How often the host inserted the record on the server.
    pub(crate) inserts: BTreeMap<String, u32>,
    /// Records of which persons took away what the host could know them by, while it could not know them
    /// otherwise. Nothing is promised for them.
    spoiled: BTreeSet<String>,
    /// Records whose link led to one that was deleted: what the link means has changed without anybody's edit.
    grazed: BTreeSet<String>,
    /// Records that have the id of another one: what links to them may mean the other one for a while.
    pub(crate) reused: BTreeSet<String>,
    /// Records that somebody edited on the server after the host had inserted them, and before it knew.
    pub(crate) in_limbo: BTreeSet<String>,
}

impl Ledger {
    /// A run begins: what persons do from here on, it may not see.
    pub(crate) fn begin_run(&mut self) {
        self.before = (self.edits.len(), self.deletes.len());
    }

    /// A person made a record.
    pub(crate) fn inserted(&mut self, side: Side, tag: &str, cells: &Cells) {
        for (field, value) in cells.iter().filter(|(field, _)| **field != Field::Number) {
            self.push(side, tag, *field, (None, Some(value.clone())));
        }
    }

    /// A person wrote a field. `paired` tells whether the two sides' records of this tag are one record, as far
    /// as the host can know; `counts`, whether the new value is another than both sides agreed on last.
    pub(crate) fn edited(
        &mut self,
        (side, tag, field): (Side, &str, Field),
        (old, new): (Option<String>, Option<String>),
        paired: bool,
        counts: bool,
    ) {
        self.supersede((side, tag, field), &old, paired);
        self.push(side, tag, field, (old, new));
        if let (false, Some(edit)) = (counts, self.edits.last_mut()) {
            edit.fate = Fate::Superseded;
        }
    }

    /// A person deleted a record.
    pub(crate) fn deleted(&mut self, side: Side, record: &Record, paired: bool) {
        let tag = record.cells[&Field::Tag].as_str();
        for field in record.thing.fields() {
            self.supersede((side, tag, *field), &record.cells.get(field).cloned(), paired);
        }
        self.deletes.push(Delete { side, tag: tag.to_owned(), waived: false, synced: false });
    }

    fn push(&mut self, side: Side, tag: &str, field: Field, (old, value): (Option<String>, Option<String>)) {
        let fate = Fate::Stands;
        self.edits.push(Edit {
            side,
            tag: tag.to_owned(),
            field,
            old,
            value,
            fate,
            given_up: false,
            synced: false,
        });
    }

    fn supersede(&mut self, (side, tag, field): (Side, &str, Field), old: &Option<String>, paired: bool) {
        for edit in &mut self.edits {
            let seen = edit.tag == tag && edit.field == field && edit.value == *old;
            if seen && (paired || edit.side == side) && edit.fate == Fate::Stands {
                edit.fate = Fate::Superseded;
            }
        }
    }

    /// The record is out of the filter: a local delete of it goes no further (decision 12).
    pub(crate) fn out_of_filter(&mut self, tag: &str) {
        self.waive_deletes(Side::Local, tag);
    }

    /// A side's deletes of the record need not come to pass.
    pub(crate) fn waive_deletes(&mut self, side: Side, tag: &str) {
        self.deletes.iter_mut().filter(|it| it.side == side && it.tag == tag).for_each(|it| it.waived = true);
    }

    /// Nothing is promised for this record any more.
    pub(crate) fn spoil(&mut self, tag: &str) {
        self.spoiled.insert(tag.to_owned());
    }

    pub(crate) fn is_spoiled(&self, tag: &str) -> bool {
        self.spoiled.contains(tag)
    }

    /// The record links to one that was deleted.
    pub(crate) fn graze(&mut self, tag: &str) {
        self.grazed.insert(tag.to_owned());
    }

    /// Whether persons changed the record on both sides since they were equal, or what it links to.
    pub(crate) fn is_contested(&self, tag: &str) -> bool {
        let both = self.touched(Side::Local, tag) && self.touched(Side::Remote, tag);
        both || self.grazed.contains(tag) || self.is_spoiled(tag)
    }

    /// Whether a person changed or deleted the record on a side since both were equal.
    fn touched(&self, side: Side, tag: &str) -> bool {
        self.edits.iter().any(|it| it.side == side && it.tag == tag && !it.synced)
            || self.deletes.iter().any(|it| it.side == side && it.tag == tag && !it.synced)
    }

    /// After a run that these records got through: what stands is there.
    pub(crate) fn check(
        &mut self,
        local: &Shown,
        remote: &Shown,
        settling: &Settling,
        through: &dyn Fn(&str) -> bool,
    ) -> Result<(), String> {
        for (side, shown) in [("local", local), ("remote", remote)] {
            for (tag, records) in &shown.records {
                if records.len() > 1 && !self.is_spoiled(tag) {
                    return Err(format!("{tag} is {} times on the {side} side", records.len()));
                }
            }
        }
        self.enter_losses(local, remote, settling);
        let too_often = |(tag, count): &(&String, &u32)| **count > self.allowed(tag) && !self.is_spoiled(tag);
        if let Some((tag, count)) = self.inserts.iter().find(too_often) {
            return Err(format!("{tag} was inserted {count} times on the remote"));
        }
        for edit in self.edits.iter().filter(|it| it.fate == Fate::Stands && !self.is_spoiled(&it.tag)) {
            if !self.is_on(local, edit) && !self.is_on(remote, edit) && !self.links_nowhere(edit) {
                return Err(format!("vanished from both sides: {edit:?}"));
            }
        }
        self.note_synced(local, remote, through);
        Ok(())
    }

    /// Inserts that a record may have: one, and one more for each remote delete that an edit was kept against
    /// (decision 19).
    fn allowed(&self, tag: &str) -> u32 {
        let anew = self.deletes.iter().filter(|it| it.side == Side::Remote && it.tag == tag && it.waived);
        1 + u32::try_from(anew.count()).unwrap()
    }

    /// In the end: whatever stands is on both sides.
    pub(crate) fn check_end(&self, local: &Shown, remote: &Shown) -> Result<(), String> {
        for delete in self.deletes.iter().filter(|it| !it.waived && !self.is_spoiled(&it.tag)) {
            if local.get(&delete.tag).is_some() || remote.get(&delete.tag).is_some() {
                return Err(format!("came back: {delete:?}"));
            }
        }
        for edit in self.edits.iter().filter(|it| it.fate == Fate::Stands && !self.is_spoiled(&it.tag)) {
            if !self.is_on(remote, edit) && !self.links_nowhere(edit) {
                return Err(format!("did not come through: {edit:?}"));
            }
        }
        Ok(())
    }

    fn is_on(&self, shown: &Shown, edit: &Edit) -> bool {
        shown.get(&edit.tag).is_some_and(|record| record.cells.get(&edit.field) == edit.value.as_ref())
    }

    /// A link to a deleted record becomes null (decision 12), whether or not somebody takes it off.
    fn links_nowhere(&self, edit: &Edit) -> bool {
        let target = edit.value.as_ref().or(edit.old.as_ref());
        let gone = |target: &String| {
            self.is_spoiled(target)
                || self.reused.contains(target)
                || self.deletes.iter().any(|it| it.tag == *target)
        };
        edit.field.target().is_some() && target.is_some_and(gone)
    }

    /// What a choice or a rule may have cost, and has.
    fn enter_losses(&mut self, local: &Shown, remote: &Shown, settling: &Settling) {
        let (mut given_up, mut lost) = (Vec::new(), Vec::new());
        for (index, edit) in self.edits.iter().enumerate().filter(|(_, it)| it.fate == Fate::Stands) {
            let chosen = settling.chosen.iter().any(|it| {
                let named = |values: &Cells| {
                    edit.field.target().is_some()
                        || edit.field == Field::Tag
                        || values.get(&edit.field) == edit.value.as_ref()
                };
                it.tag == edit.tag && it.loser == edit.side && it.values.as_ref().is_some_and(named)
            });
            let ruled = !edit.synced && self.gives_up(edit.side, &edit.tag, settling);
            if edit.given_up || chosen || ruled {
                given_up.push(index);
                if !self.is_on(local, edit) && !self.is_on(remote, edit) {
                    lost.push(index);
                }
            }
        }
        let mut deletes = Vec::new();
        for (index, delete) in self.deletes.iter().enumerate() {
            let chosen = settling
                .chosen
                .iter()
                .any(|it| it.tag == delete.tag && it.loser == delete.side && it.values.is_none());
            let ruled = !delete.synced && self.gives_up(delete.side, &delete.tag, settling);
            if chosen || ruled {
                deletes.push(index);
            }
        }
        given_up.into_iter().for_each(|index| self.edits[index].given_up = true);
        lost.into_iter().for_each(|index| self.edits[index].fate = Fate::Lost);
        deletes.into_iter().for_each(|index| self.deletes[index].waived = true);
    }

    /// Whether a rule of the run gives up this side of the record, where both sides changed.
    fn gives_up(&self, side: Side, tag: &str, settling: &Settling) -> bool {
        let (other, keeps) = match side {
            Side::Local => (Side::Remote, Choice::KeepRemote),
            Side::Remote => (Side::Local, Choice::KeepLocal),
        };
        let changed = self.touched(other, tag) || self.grazed.contains(tag);
        changed && settling.rules.contains(&(Thing::of_tag(tag), keeps))
    }

    fn note_synced(&mut self, local: &Shown, remote: &Shown, through: &dyn Fn(&str) -> bool) {
        let (edits, deletes) = self.before;
        let mut late: BTreeSet<String> = self.edits[edits..].iter().map(|it| it.tag.clone()).collect();
        late.extend(self.deletes[deletes..].iter().map(|it| it.tag.clone()));
        let equal = |tag: &str| {
            through(tag)
                && !late.contains(tag)
                && match (local.get(tag), remote.get(tag)) {
                    (Some(local), Some(remote)) => local.cells == remote.cells,
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                }
        };
        self.edits.iter_mut().filter(|it| !it.synced).for_each(|it| it.synced = equal(&it.tag));
        self.deletes.iter_mut().filter(|it| !it.synced).for_each(|it| it.synced = equal(&it.tag));
    }
}
