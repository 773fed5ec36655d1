//! Both sides and the persons who work on them. Whatever they do enters the ledger.

use crate::ledger::Ledger;
use crate::sides::{Desk, Local, Record, Server, Side};
use crate::steps::{Act, Draft, Put};
use crate::things::{Cells, Field, OUT, Thing};
use crate::turn::Turn;

/// Everything outside the host.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) local: Local,
    pub(crate) ledger: Ledger,
    /// Which objects are filtered.
    pub(crate) filtered: [bool; 2],
    /// Counts what must be unlike: texts and tags.
    pub(crate) written: u32,
    /// What is to happen in the present run.
    pub(crate) turn: Turn,
}

impl World {
    pub(crate) fn desk(&mut self, side: Side) -> &mut dyn Desk {
        match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.server,
        }
    }

    /// Both sides and what the store knows, for a person who looks for a failure's cause.
    pub(crate) fn trace(&self) -> String {
        let tables = ["parent", "child", "_sync_baseline", "_sync_journal", "_sync_issue", "_sync_conflict"];
        let rows = |table: &str| self.local.dump_of(table).replace("], [", "],\n    [");
        let server: Vec<String> = self.server.records.iter().map(|it| format!("{it:?}\n")).collect();
        tables.into_iter().map(rows).chain(server).collect()
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.written += 1;
        format!("{prefix}{}", self.written)
    }

    fn pick(&mut self, side: Side, thing: Thing, pick: u8) -> Option<String> {
        let ids = self.desk(side).ids(thing);
        ids.get(usize::from(pick) % ids.len().max(1)).cloned()
    }

    /// Somebody does something.
    pub(crate) fn act(&mut self, act: &Act) {
        match act {
            Act::Insert(side, thing, draft) => {
                let cells = self.draft(*side, *thing, draft);
                self.insert(*side, *thing, cells);
            }
            Act::InsertBoth(thing, draft) => {
                // The ids of links differ from side to side: this record has none.
                let cells = self.draft(Side::Local, *thing, &Draft { links: [0; 2], ..draft.clone() });
                self.insert(Side::Local, *thing, cells.clone());
                self.insert(Side::Remote, *thing, cells);
            }
            Act::Write(side, thing, pick, put) => {
                let Some(id) = self.pick(*side, *thing, *pick) else { return };
                let Some((field, value)) = self.value(*side, *thing, &id, put) else { return };
                self.set(*side, *thing, &id, field, value);
            }
            Act::WriteBoth(thing, pick, put) => {
                let Some(id) = self.pick(Side::Local, *thing, *pick) else { return };
                let Some((field, value)) = self.value(Side::Local, *thing, &id, put) else { return };
                let twin = self.counterpart(Side::Remote, &self.tag(Side::Local, *thing, &id));
                self.set(Side::Local, *thing, &id, field, value.clone());
                if let (Some(twin), None, true) = (twin, field.target(), field != Field::Number) {
                    self.set(Side::Remote, *thing, &twin, field, value);
                }
            }
            Act::Delete(side, thing, pick) => {
                let Some(id) = self.pick(*side, *thing, *pick) else { return };
                self.delete(*side, *thing, &id);
            }
            Act::Recreate(side, thing, pick) => {
                let Some(id) = self.pick(*side, *thing, *pick) else { return };
                let cells = self.anew(*side, *thing, &id);
                self.delete(*side, *thing, &id);
                self.insert(*side, *thing, cells);
            }
            Act::Reuse(thing, pick) => {
                let Some(id) = self.pick(Side::Remote, *thing, *pick) else { return };
                let cells = self.anew(Side::Remote, *thing, &id);
                self.delete(Side::Remote, *thing, &id);
                // Not within one second: the two would have the same token.
                self.server.clock += 1;
                self.ledger.reused.insert(cells[&Field::Tag].clone());
                self.server.put(*thing, id.clone(), cells);
                self.made(Side::Remote, *thing, &id);
            }
            Act::Tick => self.server.clock += 1,
        }
    }

    fn draft(&mut self, side: Side, thing: Thing, draft: &Draft) -> Cells {
        let mut cells =
            Cells::from([(Field::Name, format!("n{}", draft.name)), (Field::Tag, self.fresh(thing.name()))]);
        if draft.note {
            let text = self.fresh("w");
            cells.insert(Field::Note, text);
        }
        if draft.out {
            cells.insert(Field::State, OUT.into());
        }
        let links = thing.fields().iter().filter(|field| field.target().is_some());
        for (field, to) in links.zip(draft.links) {
            cells.extend(self.link(side, *field, to).map(|id| (*field, id)));
        }
        cells
    }

    /// A new record with the name of an old one.
    fn anew(&mut self, side: Side, thing: Thing, id: &str) -> Cells {
        let name = self.desk(side).read(thing, id).and_then(|mut cells| cells.remove(&Field::Name));
        let mut cells = Cells::from([(Field::Tag, self.fresh(thing.name()))]);
        cells.extend(name.map(|name| (Field::Name, name)));
        cells
    }

    fn link(&mut self, side: Side, field: Field, to: u8) -> Option<String> {
        self.pick(side, field.target()?, to.checked_sub(1)?)
    }

    /// The field that is written, and with what; `None` where the object has no such field.
    fn value(&mut self, side: Side, thing: Thing, id: &str, put: &Put) -> Option<(Field, Option<String>)> {
        let (field, value) = match put {
            Put::Named(name) => (Field::Name, Some(format!("n{name}"))),
            Put::Fresh(field) => (*field, Some(self.fresh("w"))),
            Put::Cleared(field) => (*field, None),
            Put::Leaves(out) => (Field::State, out.then(|| OUT.to_owned())),
            Put::Linked(field, to) => (*field, self.link(side, *field, *to)),
            Put::Unchanged => (Field::Note, self.desk(side).read(thing, id)?.remove(&Field::Note)),
        };
        // On the server nobody writes what it makes itself.
        let writable = field != Field::Number || side == Side::Local;
        (writable && thing.fields().contains(&field)).then_some((field, value))
    }

    fn tag(&self, side: Side, thing: Thing, id: &str) -> String {
        let cells = match side {
            Side::Local => self.local.read(thing, id),
            Side::Remote => self.server.read(thing, id),
        };
        cells.unwrap()[&Field::Tag].clone()
    }

    /// The id of the record with this tag on a side.
    fn counterpart(&mut self, side: Side, tag: &str) -> Option<String> {
        let thing = Thing::of_tag(tag);
        let desk = self.desk(side);
        let tagged = |id: &String| desk.read(thing, id).is_some_and(|cells| cells[&Field::Tag] == tag);
        desk.ids(thing).into_iter().find(tagged)
    }

    /// A person makes a record.
    pub(crate) fn insert(&mut self, side: Side, thing: Thing, cells: Cells) {
        let id = self.desk(side).insert(thing, cells);
        self.made(side, thing, &id);
    }

    fn made(&mut self, side: Side, thing: Thing, id: &str) {
        let cells = self.shown(side, thing, id);
        let tag = cells[&Field::Tag].clone();
        self.ledger.inserted(side, &tag, &cells);
    }

    /// A record's cells with links as tags.
    fn shown(&mut self, side: Side, thing: Thing, id: &str) -> Cells {
        let cells = self.desk(side).read(thing, id).unwrap();
        let shown = |(field, value): (Field, String)| match field.target() {
            Some(_) => Some((field, self.shown_link(side, field, &value)?)),
            None => Some((field, value)),
        };
        cells.into_iter().filter_map(shown).collect()
    }

    fn shown_link(&self, side: Side, field: Field, id: &str) -> Option<String> {
        let target = field.target()?;
        let cells = match side {
            Side::Local => self.local.read(target, id),
            Side::Remote => self.server.read(target, id),
        };
        Some(cells?[&Field::Tag].clone())
    }

    /// A person writes a field.
    pub(crate) fn set(&mut self, side: Side, thing: Thing, id: &str, field: Field, value: Option<String>) {
        let old = self.shown(side, thing, id);
        let (tag, paired) = self.known(side, thing, id, Some(field));
        let before = self.desk(side).read(thing, id);
        self.desk(side).write(thing, id, field, value);
        let moved = self.desk(side).read(thing, id) != before;
        let new = self.shown(side, thing, id);
        let (old, new) = (old.get(&field).cloned(), new.get(&field).cloned());
        if field == Field::Number {
            return;
        }
        if old != new {
            let counts = !self.is_agreed(side, thing, id, field, new.as_ref());
            self.ledger.edited((side, &tag, field), (old, new), paired, counts);
        } else if moved {
            // From a link that leads nowhere to another, or to none.
            self.ledger.edited((side, &tag, field), (old, new), paired, false);
        }
        self.look_at_filter(thing, &tag);
    }

    /// Whether a value is what both sides agreed on last: who puts it back has changed nothing.
    fn is_agreed(&self, side: Side, thing: Thing, id: &str, field: Field, value: Option<&String>) -> bool {
        let Some(agreed) = self.local.agreed(side, thing, id, field) else { return false };
        match (field.target(), agreed) {
            (Some(_), Some(id)) => self.shown_link(Side::Local, field, &id).as_ref() == value,
            (_, agreed) => agreed.as_ref() == value,
        }
    }

    /// A person deletes a record.
    pub(crate) fn delete(&mut self, side: Side, thing: Thing, id: &str) {
        let cells = self.shown(side, thing, id);
        let (tag, paired) = self.known(side, thing, id, None);
        for shown in [self.local.shown(), self.server.shown()] {
            for (other, records) in &shown.records {
                let links = |record: &Record| {
                    record.cells.iter().any(|(field, value)| field.target().is_some() && *value == tag)
                };
                if records.iter().any(links) {
                    self.ledger.graze(other);
                }
            }
        }
        self.desk(side).delete(thing, id);
        self.ledger.deleted(side, &Record { thing, id: id.to_owned(), cells }, paired);
        let other = match side {
            Side::Local => Side::Remote,
            Side::Remote => Side::Local,
        };
        if !paired && self.counterpart(other, &tag).is_some() {
            self.ledger.waive_deletes(side, &tag);
        }
        self.look_at_filter(thing, &tag);
    }

    /// A record's tag, and whether it is one with the other side's, when a field of it is written (or it is deleted).
    fn known(&mut self, side: Side, thing: Thing, id: &str, field: Option<Field>) -> (String, bool) {
        let tag = self.tag(side, thing, id);
        let remote = match side {
            Side::Local => self.counterpart(Side::Remote, &tag),
            Side::Remote => Some(id.to_owned()),
        };
        let linked = remote.is_some_and(|remote| self.local.is_linked(thing, &remote));
        let inserted = self.ledger.inserts.contains_key(&tag);
        // Between an insert of the host's and its entry in the baseline, the host knows the record by its name and
        // content only.
        if inserted && !linked && side == Side::Remote {
            self.ledger.in_limbo.insert(tag.clone());
            if field.is_none_or(|field| field == Field::Name) {
                self.ledger.spoil(&tag);
            }
        }
        // The same record on both sides, made by persons, is two records once it is no longer the same. The host may
        // take the remote one for its own all the same: it may have seen it just before it is deleted, or not
        // know any more whether it inserted it.
        let here = self.counterpart(Side::Local, &tag);
        let both = here.is_some() && self.counterpart(Side::Remote, &tag).is_some();
        let doubtful = match self.turn.running {
            true => side == Side::Remote,
            false => here.is_some_and(|id| self.local.is_journalled(thing, &id)),
        };
        if both && !linked && !inserted && (field.is_some() || doubtful) {
            self.ledger.spoil(&tag);
        }
        (tag, linked || inserted || !both)
    }

    /// Whether the record links to an id that came back as another record.
    pub(crate) fn links_to_reused(&self, record: &Record) -> bool {
        record
            .cells
            .iter()
            .any(|(field, value)| field.target().is_some() && self.ledger.reused.contains(value))
    }

    /// A record out of the filter is deleted on neither side by a local delete (decision 12).
    pub(crate) fn look_at_filter(&mut self, thing: Thing, tag: &str) {
        if !self.filtered[thing as usize] {
            return;
        }
        let Some(id) = self.counterpart(Side::Remote, tag) else { return };
        if !self.server.get(thing, &id).unwrap().passes() {
            self.ledger.out_of_filter(tag);
        }
    }
}
