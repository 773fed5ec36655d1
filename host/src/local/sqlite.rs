//! [`SqliteStore`]: opens the file, and answers the command line's questions about logs and runs.
//! What the pipeline asks is in `store`.

use super::checkpoint::{LONGEST_LOG, Log};
use super::damage;
use super::error::{failed, unfit};
use super::images::{self, Images, Keep};
use super::immutable;
use super::logs::{self, StoredConflict, StoredIssue};
use super::runs::{self, StoredObject, StoredRun};
use super::schema;
use super::table::Attached;
use super::undo::{self, UndoableRun, Undone};
use super::watch::PassBy;
use crate::ports::StoreError;
use crate::shown::shown;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, ffi};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use sync_core::change_key::LocalId;
use sync_core::conflict::Choice;
use sync_core::object::ObjectName;

/// How long another program's transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A run: the file and its tables are made when missing.
    ReadWrite,
    /// A plan or a list: nothing is written, and what is missing reads as empty.
    ReadOnly,
}

/// The local store in one SQLite file.
pub struct SqliteStore {
    /// SQLite's write-ahead log, where it could be had: with it a transaction that is lost takes none before it with it.
    /// Closed before the connection is, which then has all to itself.
    pub(super) log: Option<Log>,
    pub(super) connection: Connection,
    /// The file, for the log; closed after the connection.
    _file: Option<Arc<File>>,
    pub(super) path: PathBuf,
    pub(super) mode: Mode,
    /// Whether the last transaction was written lazily.
    lazy: bool,
    pub(super) pass_by: PassBy,
    pub(super) attached: HashMap<ObjectName, Arc<Attached>>,
    /// The images of the run under way.
    pub(super) images: Option<Images>,
    pub(super) aside: HashMap<ObjectName, HashSet<LocalId>>,
}

impl SqliteStore {
    /// Opens the store.
    ///
    /// # Errors
    /// The folder is missing, the file is no SQLite file, damaged, not writable (for
    /// [`Mode::ReadWrite`]), or was written by a newer host.
    pub fn open(path: &Path, mode: Mode) -> Result<SqliteStore, StoreError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| mode == Mode::ReadWrite && !folder.is_dir()) {
            let message = format!("the folder of the store {} does not exist", shown(path));
            let help = format!("make it with `mkdir -p {}`, or change `path` in [local]", shown(folder));
            return Err(unfit(message, help));
        }
        // Alone, `:memory:` and `file:crm.db` would mean something else to SQLite than the files of these names.
        let path = &Path::new(".").join(path);
        let mut connection = connect(path, mode).map_err(|error| failed(path, "open the store", error))?;
        if mode == Mode::ReadWrite && connection.is_readonly("main").unwrap_or(false) {
            let readonly = ffi::Error::new(ffi::SQLITE_READONLY);
            let error = rusqlite::Error::SqliteFailure(readonly, Some("the file is read-only".to_owned()));
            return Err(failed(path, "open the store", error));
        }
        let mut prepared = prepare(&mut connection, mode);
        if mode == Mode::ReadOnly && prepared.as_ref().is_err_and(|error| immutable::is_whole(path, error)) {
            connection = immutable::connect(path).map_err(|error| failed(path, "open the store", error))?;
            prepared = prepare(&mut connection, mode);
        }
        let version = prepared.map_err(|error| {
            let mut error = failed(path, "make the tables of the store or bring them up to date", error);
            error.help.get_or_insert_with(|| {
                "nothing was changed; names that begin with `_sync_` are the host's own: rename or drop what is \
                 in their way"
                    .to_owned()
            });
            error
        })?;
        if version > schema::VERSION {
            let message = format!(
                "{} was written by a newer host: its tables are of version {version}, this host knows {}",
                shown(path),
                schema::VERSION
            );
            return Err(unfit(message, "use the newer host for this store".to_owned()));
        }
        if mode == Mode::ReadWrite {
            damage::look(&connection).map_err(|error| failed(path, "find the store sound", error))?;
        }
        let journal_mode = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
        let logs_ahead = journal_mode.is_ok_and(|mode| mode.eq_ignore_ascii_case("wal"));
        let logs_ahead = logs_ahead && mode == Mode::ReadWrite;
        // Opened only where it is kept: closing it would give the connection's locks up.
        let file = if logs_ahead { File::options().write(true).open(path).ok().map(Arc::new) } else { None };
        let log = file.clone().map(|file| Log::new(path, file));
        let (attached, aside) = (HashMap::new(), HashMap::new());
        Ok(SqliteStore {
            connection,
            path: path.to_owned(),
            mode,
            log,
            _file: file,
            lazy: false,
            pass_by: PassBy::default(),
            attached,
            images: None,
            aside,
        })
    }

    /// All issues that are not dismissed, by number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn issues(&self) -> Result<Vec<StoredIssue>, StoreError> {
        logs::issues(&self.connection, None).map_err(self.failed("read the issues"))
    }

    /// One issue, if it is there and not dismissed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn issue(&self, id: i64) -> Result<Option<StoredIssue>, StoreError> {
        let found = logs::issues(&self.connection, Some(id)).map_err(self.failed("read the issues"))?;
        Ok(found.into_iter().next())
    }

    /// Takes an issue off the list until its operation fails again; false where there is none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn dismiss_issue(&mut self, id: i64) -> Result<bool, StoreError> {
        self.write("dismiss an issue", |connection| logs::dismiss(connection, id))
    }

    /// All conflicts, by number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn conflicts(&self) -> Result<Vec<StoredConflict>, StoreError> {
        logs::conflicts(&self.connection, None).map_err(self.failed("read the conflicts"))
    }

    /// One conflict, if it is there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn conflict(&self, id: i64) -> Result<Option<StoredConflict>, StoreError> {
        let found = logs::conflicts(&self.connection, Some(id)).map_err(self.failed("read the conflicts"))?;
        Ok(found.into_iter().next())
    }

    /// Remembers which side of a conflict to keep; false where there is no such conflict.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_choice(&mut self, id: i64, choice: Choice) -> Result<bool, StoreError> {
        self.write("record a choice", |connection| logs::set_choice(connection, id, choice))
    }

    /// Enters a run that begins. From here on, images are kept of what it overwrites and deletes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin_run(&mut self, run: &str, keep: Keep) -> Result<(), StoreError> {
        // Not waited for: whatever the run writes that must stay takes this with it.
        self.write_lazily("enter the run", |connection| runs::begin(connection, run))?;
        self.images = Some(Images::new(run, keep));
        Ok(())
    }

    /// Enters how a run ended, with its report.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end_run(&mut self, run: &str, outcome: &str, report_json: &str) -> Result<(), StoreError> {
        // Not waited for, either: closing the store is, and brings all to the disk.
        self.write_lazily("enter the end of the run", |connection| {
            runs::end(connection, run, outcome, report_json)
        })?;
        if let Some(keep) = self.images.take().map(|images| images.keep())
            && let Err(error) =
                self.write_lazily("prune images", |connection| images::prune(connection, keep))
        {
            // What the run did stands; the next run prunes.
            tracing::warn!("{error}");
        }
        Ok(())
    }

    /// The runs of which something can be brought back, the last one first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn undoable_runs(&self) -> Result<Vec<UndoableRun>, StoreError> {
        undo::runs(&self.connection).map_err(self.failed("read the images"))
    }

    /// Brings back what a run overwrote or deleted, as local edits in one transaction; `None` where there is no
    /// such run. Records that are no longer as the run left them are left alone, unless `force`.
    ///
    /// # Errors
    /// The file cannot be written, or a table answers with the end of the whole transaction.
    pub fn undo(&mut self, run: &str, force: bool) -> Result<Option<Undone>, StoreError> {
        // Whatever this store did before: these are edits like a person's.
        let doing = "bring records back";
        self.pass_by.end(&self.connection).map_err(self.failed(doing))?;
        self.write(doing, |connection| undo::undo(connection, run, force))
    }

    /// The run that began last.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_run(&self) -> Result<Option<StoredRun>, StoreError> {
        runs::last(&self.connection).map_err(self.failed("read the last run"))
    }

    /// What is known of every object, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn object_states(&self) -> Result<Vec<StoredObject>, StoreError> {
        runs::objects(&self.connection).map_err(self.failed("read the objects' states"))
    }

    /// Says which file a call failed on; `doing` completes "failed to …".
    pub(super) fn failed(&self, doing: &str) -> impl Fn(rusqlite::Error) -> StoreError {
        move |error| failed(&self.path, doing, error)
    }

    /// The table of an object that was attached.
    pub(super) fn table(&self, object: &ObjectName) -> Result<&Arc<Attached>, StoreError> {
        self.attached.get(object).ok_or_else(|| StoreError {
            message: format!("the table of {object} was used before it was attached"),
            help: None,
        })
    }

    /// Carries out a change in one transaction, which is on the disk when this returns.
    pub(super) fn write<T>(
        &mut self,
        doing: &str,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.transact(doing, false, change)
    }

    /// As [`SqliteStore::write`], but a power cut may undo the transaction as long as no later one is on the disk: for
    /// what the next run would do again. It costs no waiting for the disk.
    pub(super) fn write_lazily<T>(
        &mut self,
        doing: &str,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.transact(doing, self.log.is_some(), change)
    }

    fn transact<T>(
        &mut self,
        doing: &str,
        lazy: bool,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let SqliteStore { connection, path, mode, log, .. } = self;
        if *mode == Mode::ReadOnly {
            let message = format!("failed to {doing} in {}: it was opened for reading only", shown(path));
            return Err(StoreError { message, help: None });
        }
        if lazy != self.lazy {
            let synchronous = if lazy { "NORMAL" } else { "FULL" };
            let set = connection.pragma_update(None, "synchronous", synchronous);
            set.map_err(|error| failed(path, doing, error))?;
            self.lazy = lazy;
        }
        let answer = transact(connection, change).map_err(|error| failed(path, doing, error))?;
        log.iter_mut().for_each(Log::grew);
        Ok(answer)
    }
}

/// Pages of the file that are kept in memory: 8 MiB. A batch of records that lie anywhere in the file is compared, read and
/// written by several statements in turn, and should not be read from the file by each.
const PAGES: i64 = 2048;

/// The write lock is taken at once: a transaction that begins with reading and finds that another
/// program wrote meanwhile fails instead of waiting.
fn transact<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = change(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// A store that is only read and not there yet is an empty one in memory.
fn connect(path: &Path, mode: Mode) -> rusqlite::Result<Connection> {
    damage::cut_off(path)?;
    let access = match mode {
        Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Mode::ReadOnly if !path.try_exists().unwrap_or(true) => return Connection::open_in_memory(),
        Mode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    // A store has one user at a time, so SQLite's own locks between threads are left out.
    Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Sets the connection up, and sees to the `_sync_` tables; the answer is their version.
fn prepare(connection: &mut Connection, mode: Mode) -> rusqlite::Result<i64> {
    connection.busy_timeout(PATIENCE)?;
    // A plan that looked at a bound value is made anew for each further one, which costs far more than the query.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "cache_size", PAGES)?;
    match mode {
        Mode::ReadWrite => {
            let found = schema::version(connection)?;
            if found > schema::VERSION {
                return Ok(found);
            }
            // Readers do not block the run, nor the run them. Where the file system cannot do it,
            // SQLite answers with the mode that it keeps, which is as safe.
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            connection.pragma_update_and_check(None, "wal_autocheckpoint", LONGEST_LOG, |_| Ok(()))?;
            // A log that begins anew is as long as what is in it.
            connection.pragma_update_and_check(None, "journal_size_limit", 0, |_| Ok(()))?;
            // The journal of remote writes must survive a power cut (decision 15).
            connection.pragma_update(None, "synchronous", "FULL")?;
            schema::migrate(connection)
        }
        Mode::ReadOnly => {
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            schema::stand_in(connection)
        }
    }
}
