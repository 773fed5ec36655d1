//! A store in a folder that may not be written. Its log is shared through a file beside it, which SQLite makes even to
//! read; where that cannot be made, the file alone is read.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use std::path::Path;

/// Whether the file alone has all that there is: SQLite could not make the files beside it, and none of them holds
/// anything. A log or journal with something in it belongs to the content.
pub(super) fn is_whole(path: &Path, error: &Error) -> bool {
    let is_unwritable =
        matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen));
    let is_empty = |suffix: &str| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        std::fs::metadata(beside).map_or_else(
            |error| error.kind() == std::io::ErrorKind::NotFound,
            |found| found.is_file() && found.len() == 0,
        )
    };
    is_unwritable && ["-wal", "-journal"].into_iter().all(is_empty)
}

/// Opens a file for reading, as one that does not change meanwhile: it is neither locked nor looked at for changes.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Encoded as a whole, so that nothing in the name means anything in an address.
    let name = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{Mode, SqliteStore};
    use rusqlite::ffi;

    #[test]
    fn a_file_of_any_name_is_read_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["crm.db", "a b?mode=rwc#c%41&'é.db"] {
            let path = folder.path().join(name);
            drop(SqliteStore::open(&path, Mode::ReadWrite).unwrap());
            let connection = connect(&path).unwrap();
            let version = "SELECT value FROM _sync_meta WHERE key = 'version'";
            assert!(connection.query_row(version, [], |row| row.get::<_, i64>(0)).unwrap() > 0);
            assert!(connection.execute_batch("CREATE TABLE t(x)").is_err());
            drop(connection);
            std::fs::remove_file(&path).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left beside them");
    }

    #[test]
    fn what_a_log_holds_is_never_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        let is_whole = |code| is_whole(&path, &Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_READONLY_CANTINIT, ffi::SQLITE_CANTOPEN] {
            assert!(is_whole(code));
        }
        assert!(!is_whole(ffi::SQLITE_BUSY) && !is_whole(ffi::SQLITE_CORRUPT));
        for name in ["crm.db-wal", "crm.db-journal"] {
            let beside = folder.path().join(name);
            std::fs::write(&beside, "").unwrap();
            assert!(is_whole(ffi::SQLITE_READONLY));
            std::fs::write(&beside, "content").unwrap();
            assert!(!is_whole(ffi::SQLITE_READONLY));
            std::fs::remove_file(&beside).unwrap();
            std::fs::create_dir(&beside).unwrap();
            assert!(!is_whole(ffi::SQLITE_CANTOPEN));
            std::fs::remove_dir(&beside).unwrap();
        }
    }
}
