//! The two sides as a person sees them: the local tables in any SQLite tool, the server's records in its own
//! client.

use crate::things::{Cells, Field, OUT, Thing};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// Which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    Local,
    Remote,
}

/// What a person does to one side.
pub(crate) trait Desk {
    /// The ids of all records, in one order.
    fn ids(&self, thing: Thing) -> Vec<String>;
    /// A record.
    fn read(&self, thing: Thing, id: &str) -> Option<Cells>;
    /// Inserts a record and answers its id.
    fn insert(&mut self, thing: Thing, cells: Cells) -> String;
    /// Writes one field.
    fn write(&mut self, thing: Thing, id: &str, field: Field, value: Option<String>);
    /// Deletes a record.
    fn delete(&mut self, thing: Thing, id: &str);

    /// All records by their tag, links given as tags; one to a record that is not there is none.
    fn shown(&self) -> Shown {
        let mut shown = Shown::default();
        let mut tags = BTreeMap::new();
        for thing in Thing::ALL {
            for id in self.ids(thing) {
                let cells = self.read(thing, &id).unwrap();
                let tag = cells
                    .get(&Field::Tag)
                    .unwrap_or_else(|| panic!("{} {id} has lost its tag", thing.name()));
                tags.insert((thing, id.clone()), tag.clone());
                shown.records.entry(tag.clone()).or_default().push(Record { thing, id, cells });
            }
        }
        for record in shown.records.values_mut().flatten() {
            record.cells = record
                .cells
                .iter()
                .filter_map(|(field, value)| match field.target() {
                    Some(target) => Some((*field, tags.get(&(target, value.clone()))?.clone())),
                    None => Some((*field, value.clone())),
                })
                .collect();
        }
        shown
    }
}

/// One side's records by tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) records: BTreeMap<String, Vec<Record>>,
}

/// A record with its links as tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) thing: Thing,
    pub(crate) id: String,
    pub(crate) cells: Cells,
}

impl Shown {
    /// The record with this tag; the first where there are several.
    pub(crate) fn get(&self, tag: &str) -> Option<&Record> {
        self.records.get(tag)?.first()
    }
}

/// The local tables, through a connection of the person's own.
pub(crate) struct Local {
    pub(crate) connection: Connection,
}

impl Local {
    pub(crate) fn open(path: &Path) -> Local {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        Local { connection }
    }

    /// Everything in the file, table by table.
    pub(crate) fn dump(&self) -> String {
        let tables = self.column("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        tables.iter().map(|table| self.dump_of(table)).collect()
    }

    /// Everything in one table.
    pub(crate) fn dump_of(&self, table: &str) -> String {
        let mut statement = self.connection.prepare_cached(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns)
                .map(|index| row.get::<_, rusqlite::types::Value>(index))
                .collect::<Result<Vec<_>, _>>()
        });
        let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
        format!("{table}: {rows:?}\n")
    }

    /// The texts of a query's one column.
    pub(crate) fn column(&self, query: &str) -> Vec<String> {
        let mut statement = self.connection.prepare_cached(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Whether the baseline knows a remote record.
    pub(crate) fn is_linked(&self, thing: Thing, remote: &str) -> bool {
        let sql = "SELECT count(*) FROM _sync_baseline \
                   WHERE remote_id = ?1 AND object = (SELECT id FROM _sync_object WHERE name = ?2)";
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        self.connection.prepare_cached(sql).unwrap().query_row((remote, thing.name()), count).unwrap() > 0
    }

    /// Whether the journal has a write of a local record.
    pub(crate) fn is_journalled(&self, thing: Thing, id: &str) -> bool {
        let sql = "SELECT count(*) FROM _sync_journal \
                   WHERE local_id = ?1 AND object = (SELECT id FROM _sync_object WHERE name = ?2)";
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        self.connection.prepare_cached(sql).unwrap().query_row((id, thing.name()), count).unwrap() > 0
    }

    /// What the store does not tell a run that lists nothing, though it should: records and pairs that are not as they
    /// were and not entered as touched, and pairs that are not counted.
    pub(crate) fn untold(&self, thing: Thing) -> Vec<String> {
        let name = thing.name();
        self.column(&format!(
            "WITH o AS (SELECT * FROM _sync_object WHERE name = '{name}'), \
                  b AS (SELECT * FROM _sync_baseline WHERE object = (SELECT id FROM o)), \
                  t AS (SELECT local_id FROM _sync_touched WHERE object = (SELECT id FROM o)) \
             SELECT '{name} ' || id FROM {name} AS r WHERE id NOT IN t AND NOT EXISTS \
               (SELECT 1 FROM b WHERE b.local_id = r.id AND b.revision = r.revision AND b.updated <> '') \
             UNION ALL SELECT '{name} ' || local_id || ', which is gone' FROM b \
               WHERE local_id NOT IN (SELECT id FROM {name}) AND local_id NOT IN t \
             UNION ALL SELECT '{name}: ' || linked || ' are linked' FROM o WHERE linked <> (SELECT count(*) FROM b)"
        ))
    }

    /// What both sides agreed on for a field last, links as local ids; `None` where the record is not linked.
    pub(crate) fn agreed(&self, side: Side, thing: Thing, id: &str, field: Field) -> Option<Option<String>> {
        let index = thing.fields().iter().position(|it| *it == field)?;
        let column = match side {
            Side::Local => "local_id",
            Side::Remote => "remote_id",
        };
        let sql = format!(
            "SELECT json_extract(\"row\", '$[' || ?3 || ']') FROM _sync_baseline JOIN _sync_agreed USING (object, local_id) \
                   WHERE {column} = ?1 AND object = (SELECT id FROM _sync_object WHERE name = ?2) \
                   ORDER BY local_id DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql).unwrap();
        let mut rows = statement.query((id, thing.name(), index as i64)).unwrap();
        rows.next().unwrap().map(|row| row.get(0).unwrap())
    }

    fn execute(&self, sql: &str, values: &[&Option<String>]) {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        statement.execute(rusqlite::params_from_iter(values.iter())).unwrap();
    }
}

impl Desk for Local {
    fn ids(&self, thing: Thing) -> Vec<String> {
        self.column(&format!("SELECT CAST(id AS TEXT) FROM {} ORDER BY id", thing.name()))
    }

    fn read(&self, thing: Thing, id: &str) -> Option<Cells> {
        let columns: Vec<String> =
            thing.fields().iter().map(|field| format!("CAST({} AS TEXT)", field.local_name())).collect();
        let sql = format!("SELECT {} FROM {} WHERE id = ?1", columns.join(", "), thing.name());
        let mut statement = self.connection.prepare_cached(&sql).unwrap();
        let mut rows = statement.query([id]).unwrap();
        let row = rows.next().unwrap()?;
        let cell =
            |(index, field): (usize, &Field)| Some((*field, row.get::<_, Option<String>>(index).unwrap()?));
        Some(thing.fields().iter().enumerate().filter_map(cell).collect())
    }

    fn insert(&mut self, thing: Thing, cells: Cells) -> String {
        let columns: Vec<&str> = cells.keys().map(|field| field.local_name()).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", thing.name(), columns.join(", "));
        let values: Vec<Option<String>> = cells.into_values().map(Some).collect();
        self.execute(&sql, &values.iter().collect::<Vec<_>>());
        self.connection.last_insert_rowid().to_string()
    }

    fn write(&mut self, thing: Thing, id: &str, field: Field, value: Option<String>) {
        let sql = format!("UPDATE {} SET {} = ? WHERE id = ?", thing.name(), field.local_name());
        self.execute(&sql, &[&value, &Some(id.to_owned())]);
    }

    fn delete(&mut self, thing: Thing, id: &str) {
        self.execute(&format!("DELETE FROM {} WHERE id = ?", thing.name()), &[&Some(id.to_owned())]);
    }
}

/// A record of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) created: u32,
    pub(crate) updated: u32,
    pub(crate) version: u32,
    pub(crate) cells: Cells,
}

/// The server's records. Its clock moves when it is told to, so that edits share a stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) records: BTreeMap<(Thing, String), Kept>,
    pub(crate) clock: u32,
    made: u32,
}

impl Server {
    /// Inserts a record under an id.
    pub(crate) fn put(&mut self, thing: Thing, id: String, mut cells: Cells) {
        cells.insert(Field::Number, format!("N{id}"));
        self.made += 1;
        // No two records are made at one instant, however coarse the clock of the edits.
        let kept = Kept { created: self.made, updated: self.clock, version: 0, cells };
        self.records.insert((thing, id), kept);
    }

    /// Writes fields of a record.
    pub(crate) fn change(&mut self, thing: Thing, id: &str, changes: &[(Field, Option<String>)]) {
        let clock = self.clock;
        let Some(kept) = self.records.get_mut(&(thing, id.to_owned())) else { return };
        for (field, value) in changes.iter().cloned() {
            match value {
                Some(value) => kept.cells.insert(field, value),
                None => kept.cells.remove(&field),
            };
        }
        kept.version += 1;
        kept.updated = clock;
        kept.cells.insert(Field::Number, format!("N{id}.{}", kept.version));
    }

    pub(crate) fn get(&self, thing: Thing, id: &str) -> Option<&Kept> {
        self.records.get(&(thing, id.to_owned()))
    }
}

impl Kept {
    /// Whether it passes the filter.
    pub(crate) fn passes(&self) -> bool {
        self.cells.get(&Field::State).is_none_or(|state| state != OUT)
    }
}

impl Desk for Server {
    fn ids(&self, thing: Thing) -> Vec<String> {
        self.records.keys().filter(|(it, _)| *it == thing).map(|(_, id)| id.clone()).collect()
    }

    fn read(&self, thing: Thing, id: &str) -> Option<Cells> {
        self.get(thing, id).map(|kept| kept.cells.clone())
    }

    fn insert(&mut self, thing: Thing, cells: Cells) -> String {
        let id = format!("{}-{:03}", thing.name(), self.made);
        self.put(thing, id.clone(), cells);
        id
    }

    fn write(&mut self, thing: Thing, id: &str, field: Field, value: Option<String>) {
        self.change(thing, id, &[(field, value)]);
    }

    fn delete(&mut self, thing: Thing, id: &str) {
        self.records.remove(&(thing, id.to_owned()));
    }
}
