//! One run at a time on a store (decision 25).

use crate::ports::StoreError;
use crate::shown::shown;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The right to run on a store. Given back when dropped, and by the operating system when the
/// process dies. The lock file itself stays: removing it would let two processes lock two files of
/// one name.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of the store at this path: a file beside it, with `.lock` after its name.
    ///
    /// # Errors
    /// Another process holds it (the message names that process), or the file cannot be made.
    pub fn acquire(store: &Path) -> Result<RunLock, StoreError> {
        let path = lock_path(store);
        let failed = |doing: &str, error: std::io::Error| StoreError {
            message: format!("failed to {doing} {}: {error}", shown(&path)),
            help: Some(format!("the folder of {} must exist and be writable", shown(store))),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed("open the lock file", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(store, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        written
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|error| failed("write the lock file", error))?;
        Ok(RunLock { _file: file })
    }
}

/// Two ways to one store, such as a symbolic link, come to one lock.
fn lock_path(store: &Path) -> PathBuf {
    let mut path = store.canonicalize().unwrap_or_else(|_| store.to_owned()).into_os_string();
    path.push(".lock");
    path.into()
}

fn taken(store: &Path, file: &mut File) -> StoreError {
    let mut content = String::new();
    // The holder may be between locking and writing, or the system may deny reading a locked file.
    let holder = match file.read_to_string(&mut content) {
        Ok(_) if !content.trim().is_empty() => format!("process {}", content.trim()),
        _ => "another process".to_owned(),
    };
    StoreError {
        message: format!("{} is being synchronized by {holder}", shown(store)),
        help: Some("one run at a time on a store: wait for it to end, or end it, then run again".to_owned()),
    }
}
