//! What SQLite reports, as a sentence that names the file and what was being done to it.

use crate::ports::StoreError;
use crate::shown::shown;
use rusqlite::{ErrorCode, ffi};
use std::path::Path;

/// What SQLite calls a failed write, where the system did not say that the disk is full: a quota and a limit of the
/// process have errors of their own.
const GROWING: [i32; 3] = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_TRUNCATE];

/// The store error for a failed SQLite call. `doing` completes "failed to …".
pub(super) fn failed(path: &Path, doing: &str, error: rusqlite::Error) -> StoreError {
    let help = match &error {
        // Text of ours that does not say what it should, or is no text.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => Some(damaged(path)),
        error => error.sqlite_error().and_then(|error| help(path, *error)),
    };
    StoreError { message: format!("failed to {doing} in {}: {}", shown(path), reason(&error)), help }
}

/// Says that the metadata and the store do not fit together, before anything is contacted.
pub(super) fn unfit(message: String, help: String) -> StoreError {
    StoreError { message, help: Some(help) }
}

/// The error for a value of ours, such as a journal entry, that cannot be turned into text.
pub(super) fn unwritable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}

/// The error for text of ours in the store that does not say what it should.
pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
}

/// What to do where the table refuses a write.
const REFUSAL_HELP: &str = "a constraint of the table's own (UNIQUE, NOT NULL, CHECK or a trigger) refuses it: \
                            make room for it, or drop the constraint; what may not be sent is an issue when it \
                            is sent";

/// Whether a constraint of the table refuses the write, so that other records may well be written.
pub(super) fn is_refusal(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// What a refusal says of one record.
pub(super) fn refusal(error: &rusqlite::Error) -> String {
    format!("{}: {REFUSAL_HELP}", reason(error))
}

/// The error for a write that SQLite takes and does not carry out, because the table says so: it would otherwise
/// pass for done.
pub(super) fn ignored() -> rusqlite::Error {
    let constraint = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT);
    let message = "the table ignores the write (ON CONFLICT IGNORE, or a trigger with RAISE(IGNORE))";
    rusqlite::Error::SqliteFailure(constraint, Some(message.to_owned()))
}

/// SQLite's own message where it has one; its code's text says less.
fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        // Without the statement, which is of no use to whoever reads it.
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

fn damaged(path: &Path) -> String {
    let file = shown(path);
    format!(
        "the file is damaged: `sqlite3 {file} \"PRAGMA integrity_check\"` shows where; restore it from a backup"
    )
}

fn help(path: &Path, error: ffi::Error) -> Option<String> {
    let file = shown(path);
    let text = match error.code {
        ErrorCode::DiskFull => {
            "the disk is full: make room and run again; nothing was half-written".to_owned()
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            format!(
                "{file}, {file}-wal and {file}-shm where they are there, and their folder must be writable by the \
                 user that runs the host"
            )
        }
        ErrorCode::CannotOpen => {
            format!("check that the folder of {file} exists and that this user may write to it")
        }
        ErrorCode::DatabaseCorrupt => damaged(path),
        ErrorCode::NotADatabase => {
            format!("{file} is not a SQLite file, or an encrypted one: check `path` in [local]")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another program holds the file with an open transaction: finish or close it, then run again"
                .to_owned()
        }
        ErrorCode::ConstraintViolation => REFUSAL_HELP.to_owned(),
        ErrorCode::SystemIoFailure if GROWING.contains(&error.extended_code) => {
            "the file could not grow: the disk, a quota or a limit on the size of files may be full; make room and \
             run again; nothing was half-written"
                .to_owned()
        }
        ErrorCode::SystemIoFailure => {
            "the disk or the network share reported an error: check it, then run again".to_owned()
        }
        _ => return None,
    };
    Some(text)
}
