//! Damage that SQLite does not see, or that is better found before a run than during it.

use rusqlite::{Connection, Error, ffi};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Refuses a file of which only a beginning is left. SQLite reads zeros where the last page is cut, and makes a new
/// database of a file with next to nothing in it.
///
/// A file beside it, from which SQLite restores what a crash cut off, leaves that to SQLite.
pub(super) fn cut_off(path: &Path) -> rusqlite::Result<()> {
    let mut head = Vec::new();
    let Ok(length) = read_head(path, &mut head) else { return Ok(()) };
    let restorable = ["-wal", "-journal"].iter().any(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        Path::new(&beside).exists()
    });
    let refuse =
        |code, reason: &str| Err(Error::SqliteFailure(ffi::Error::new(code), Some(reason.to_owned())));
    match (head.starts_with(b"SQLite format 3\0"), head.get(16..18)) {
        _ if length == 0 || restorable => Ok(()),
        (true, Some(&[high, low])) if length % page_size(high, low) == 0 => Ok(()),
        (true, _) => refuse(ffi::SQLITE_CORRUPT, "the file ends within a page"),
        // SQLite says that this is no database, if only it is long enough.
        (false, _) if length >= 512 => Ok(()),
        (false, _) => refuse(ffi::SQLITE_NOTADB, "file is not a database"),
    }
}

fn read_head(path: &Path, head: &mut Vec<u8>) -> std::io::Result<u64> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    file.take(18).read_to_end(head)?;
    Ok(length)
}

/// As the head of a file has it; 1 stands for the largest.
fn page_size(high: u8, low: u8) -> u64 {
    match u16::from_be_bytes([high, low]) {
        0 | 1 => 65_536,
        size => u64::from(size),
    }
}

/// The small tables that a run writes to when it has written to the remote already. They are read through, which
/// costs nothing. The objects' tables and the baseline are listed by the runs that list before they write anything.
const LATE: [&str; 7] = [
    "_sync_counter",
    "_sync_journal",
    "_sync_touched",
    "_sync_issue",
    "_sync_conflict",
    "_sync_undo",
    "sqlite_sequence",
];

/// Looks for damage where a run would find it too late. An error is what SQLite found.
pub(super) fn look(connection: &Connection) -> rusqlite::Result<()> {
    for table in LATE {
        let check = format!("PRAGMA main.quick_check('{table}')");
        let found: String = connection.query_row(&check, [], |row| row.get(0))?;
        if found != "ok" {
            let found = found.lines().next().unwrap_or_default();
            let reason = format!("database disk image is malformed: {table}: {found}");
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(reason)));
        }
    }
    Ok(())
}
