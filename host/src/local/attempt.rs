//! Writes that a table's own constraint may refuse: UNIQUE, CHECK, NOT NULL, or a trigger that a person made.

use super::error::is_refusal;
use rusqlite::Connection;

/// Carries something out of which nothing is left where the table refuses it; the inner error is then why.
///
/// A table may even end the whole transaction (`ON CONFLICT ROLLBACK`): the connection is then in none.
pub(super) fn attempt<T>(
    connection: &Connection,
    what: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<Result<T, rusqlite::Error>> {
    connection.execute_batch("SAVEPOINT attempt")?;
    match what() {
        Ok(answer) => {
            connection.execute_batch("RELEASE attempt")?;
            Ok(Ok(answer))
        }
        Err(error) if is_refusal(&error) => {
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK TO attempt; RELEASE attempt")?;
            }
            Ok(Err(error))
        }
        Err(error) => Err(error),
    }
}
