//! The folder that both work in: the host's metadata and plugin, its store, the floor's, and snapshots of both.

use rusqlite::Connection;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Whether a run lists everything or asks for what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finds {
    /// It lists.
    Listed,
    /// It asks.
    Fed,
}

/// The folder.
pub(crate) struct Site {
    folder: TempDir,
}

/// What SQLite keeps beside a store.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

impl Site {
    /// A folder for a server at this address.
    pub(crate) fn new(url: &str) -> Site {
        let site = Site { folder: tempfile::tempdir().expect("a folder can be made") };
        std::fs::create_dir(site.path("plugins")).unwrap();
        std::fs::copy(tests::hostile_plugin("wide-account"), site.path("plugins/account.wasm")).unwrap();
        std::fs::write(site.path("password"), "SADMIN\n").unwrap();
        let config = |more: &str| {
            format!(
                "version = 1\n\n[remote]\nkind = \"siebel\"\nurl = \"{url}\"\n\
                 auth = {{ kind = \"basic\", username = \"SADMIN\", password = {{ file = \"password\" }} }}\n{more}\n\
                 [local]\nkind = \"sqlite\"\npath = \"crm.db\"\n\n[plugins]\ndir = \"plugins\"\n"
            )
        };
        std::fs::write(site.config(Finds::Listed), config("")).unwrap();
        std::fs::write(site.config(Finds::Fed), config("change-feed = true\n")).unwrap();
        site
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Leaves the folder behind.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    fn config(&self, finds: Finds) -> PathBuf {
        self.path(if finds == Finds::Listed { "sync.toml" } else { "feed.toml" })
    }

    /// The host's store.
    pub(crate) fn product(&self) -> PathBuf {
        self.path("crm.db")
    }

    /// The floor's store.
    pub(crate) fn floor(&self) -> PathBuf {
        self.path("floor.db")
    }

    /// The arguments of a run.
    pub(crate) fn run(&self, finds: Finds) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["run", "--format", "json", "--config"].map(Into::into).into();
        arguments.push(self.config(finds).into());
        arguments
    }

    /// Deletes a store.
    pub(crate) fn clear(&self, store: &Path) {
        for suffix in SUFFIXES {
            let file = beside(store, suffix);
            if file.exists() {
                std::fs::remove_file(file).expect("a store can be deleted");
            }
        }
    }

    /// Makes one store as the other is.
    pub(crate) fn copy(&self, from: &Path, to: &Path) {
        self.clear(to);
        for suffix in SUFFIXES {
            if beside(from, suffix).exists() {
                std::fs::copy(beside(from, suffix), beside(to, suffix)).expect("a store can be copied");
            }
        }
    }
}

fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut file = store.as_os_str().to_owned();
    file.push(suffix);
    file.into()
}

/// The number of the reference CRM's account, as SQL over the columns that both stores have: it ends its web site.
const NUMBER: &str =
    "CAST(ltrim(replace(website, '.example', ''), 'abcdefghijklmnopqrstuvwxyz:/.') AS INTEGER)";

/// Gives the accounts of these numbers another phone number, deletes those, and inserts so many new ones.
pub(crate) fn edit(store: &Path, update: &[u64], delete: &[u64], new: u64) {
    let mut store = Connection::open(store).expect("the store opens");
    let transaction = store.transaction().unwrap();
    transaction
        .execute_batch("CREATE TEMP TABLE number_update (n INTEGER PRIMARY KEY); CREATE TEMP TABLE number_delete (n INTEGER PRIMARY KEY);")
        .unwrap();
    for (table, numbers) in [("number_update", update), ("number_delete", delete)] {
        let mut insert = transaction.prepare(&format!("INSERT INTO {table} VALUES (?1)")).unwrap();
        for number in numbers {
            insert.execute([number.cast_signed()]).unwrap();
        }
    }
    let edited = transaction
        .execute(
            &format!(
                "UPDATE account SET phone = '+49 30 1001' WHERE {NUMBER} IN (SELECT n FROM number_update)"
            ),
            [],
        )
        .unwrap();
    assert_eq!(edited, update.len());
    let deleted = transaction
        .execute(&format!("DELETE FROM account WHERE {NUMBER} IN (SELECT n FROM number_delete)"), [])
        .unwrap();
    assert_eq!(deleted, delete.len());
    transaction
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
             INSERT INTO account (name, location, type, status, phone, fax, website, street, city, state, postal_code, \
             country, employees, revenue, currency, description) SELECT 'New here ' || i, 'Location ' || (i % 50), \
             'Customer', 'Active', '+49 30 ' || i, '+49 31 ' || i, 'https://www.example/new', i || ' Street', 'Lyon', \
             'RA', '69001', 'France', i, '1200000.5', 'EUR', 'Met at the trade fair; wants a follow-up.' FROM n \
             WHERE ?1 > 0",
            [new.cast_signed()],
        )
        .unwrap();
    transaction.commit().unwrap();
}

/// The numbers of the accounts that no other points at.
pub(crate) fn childless(store: &Path) -> Vec<u64> {
    let store = Connection::open(store).expect("the store opens");
    let query = format!(
        "SELECT {NUMBER} FROM account WHERE id NOT IN (SELECT parent_id FROM account WHERE parent_id IS NOT NULL) ORDER BY 1"
    );
    let mut statement = store.prepare(&query).unwrap();
    let numbers = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    numbers.map(|number| number.unwrap().unsigned_abs()).collect()
}
