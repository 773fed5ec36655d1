//! The person at the terminal.

use super::ConflictEntry;
use sync_core::conflict::Choice;

/// Whoever is asked about conflicts while a run is under way (step 5).
pub trait Person {
    /// Which side to keep; `left` more conflicts of the object are to come.
    fn choose(&self, conflict: &ConflictEntry, left: usize) -> Answer;
}

/// What a person says of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The side to keep; `None` leaves the conflict pending.
    pub choice: Option<Choice>,
    /// The same for the rest of the object.
    pub for_the_rest: bool,
}
