//! The local side: one SQLite file that holds a table per object, the baseline, the journal and the
//! logs, so that one transaction covers a local write and its baseline entry.
//!
//! [`SqliteStore`] implements [`Store`](crate::ports::Store). The rest of the folder is what it
//! delegates to: `schema` makes the `_sync_` tables and `table` those of the objects (`shape` looks
//! at what is there, `refusal` says how to mend it); `columns` and `json` are the two forms of a
//! value, `clash` is that of a conflict's; `records`, `pairs`, `baseline`, `journal`, `logs` and `runs`
//! own one kind of entry each; `commit` carries out the pipeline's changes, where `writing` writes the records, past the
//! triggers of `watch`, and `attempt` keeps one record's refusal from the others; `images` keeps what a run overwrites (`cells` is a row as it stands), `undo`
//! brings it back (`restore` is one record of that); `damage` looks the file over before a run,
//! `checkpoint` brings the write-ahead log into it, and `immutable` reads one in a folder that may not be written. [`RunLock`] keeps two runs apart (decision 25).

mod attempt;
mod baseline;
mod cells;
mod checkpoint;
mod clash;
mod columns;
mod commit;
mod damage;
mod error;
mod images;
mod immutable;
mod journal;
mod json;
mod lock;
mod logs;
mod pairs;
mod pointers;
mod records;
mod refusal;
mod restore;
mod runs;
mod schema;
mod shape;
mod sqlite;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod undo;
mod unmade;
mod watch;
mod writing;

pub use images::Keep;
pub use lock::RunLock;
pub use logs::{SideBySide, StoredConflict, StoredIssue, differing_fields};
pub use runs::{StoredObject, StoredRun};
pub use shape::column_keeps;
pub use sqlite::{Mode, SqliteStore};
pub use undo::{Left, Restored, UndoableObject, UndoableRun, Undone};
