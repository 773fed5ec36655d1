//! Brings what the write-ahead log holds into the file, and that to the disk, while the run goes on: waiting for the disk
//! is another thread's. What it does not get to is done when the store is closed.

use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes of the log that are worth it: a thousand pages, as SQLite itself has it.
const PORTION: u64 = 4 << 20;

/// Pages of the log from which on SQLite does it by itself and at once: 64 MiB. With all of it in the file the log begins
/// anew.
pub(super) const LONGEST_LOG: u32 = 16_384;

/// The log of one store.
pub(super) struct Log {
    store: PathBuf,
    /// The store's file.
    file: Arc<File>,
    /// The log's own file.
    path: PathBuf,
    /// How long it was when somebody was last told.
    told: u64,
    thread: Option<Thread>,
}

/// Who brings it into the file; begun when there is first something to do.
struct Thread {
    wake: Option<SyncSender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Log {
    /// Of the store at this path, which is this file. The caller closes it after all connections of its own: where a
    /// process closes a file, it gives up the locks that SQLite has on it.
    pub(super) fn new(store: &Path, file: Arc<File>) -> Log {
        let mut path = store.as_os_str().to_owned();
        path.push("-wal");
        Log { store: store.to_owned(), file, path: path.into(), told: 0, thread: None }
    }

    /// After a transaction.
    pub(super) fn grew(&mut self) {
        let length = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        // It has begun anew.
        self.told = self.told.min(length);
        if length - self.told >= PORTION {
            self.told = length;
            let start = || Thread::start(self.store.clone(), Arc::clone(&self.file));
            self.thread.get_or_insert_with(start).wake();
        }
    }
}

impl Thread {
    fn start(store: PathBuf, file: Arc<File>) -> Thread {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new().name("checkpoint".into());
        // Without it the log is as long as SQLite lets it be.
        let handle = thread.spawn(move || work(&store, &file, &woken)).ok();
        Thread { wake: Some(wake), handle }
    }

    /// Whoever is awake looks at all there is.
    fn wake(&self) {
        self.wake.iter().for_each(|wake| _ = wake.try_send(()));
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.wake = None;
        self.handle.take().into_iter().for_each(|handle| _ = handle.join());
    }
}

fn work(store: &Path, file: &File, woken: &Receiver<()>) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let done = Connection::open_with_flags(store, flags).and_then(|connection| {
        // Passive: whoever writes is not kept waiting.
        let mut checkpoint = connection.prepare("PRAGMA wal_checkpoint(PASSIVE)")?;
        woken.iter().try_for_each(|()| {
            checkpoint.query_row([], |_| Ok(()))?;
            // SQLite waits for the disk when it has all of the log. Then there is less to wait for, and where this fails
            // it says so.
            file.sync_data().ok();
            Ok(())
        })
    });
    if let Err(error) = done {
        // What is in the log is safe there; the store's own connection meets the same trouble, and says so.
        tracing::debug!(%error, "the log was not brought into the store");
    }
}
