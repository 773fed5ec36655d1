//! The questions of a run on a terminal: which side of a conflict to keep.

use super::progress::Progress;
use super::sides::{Detail, side_by_side};
use crate::ports::{Answer, ConflictEntry, Person};
use console::style;
use std::io::{BufRead, IsTerminal, Write};
use sync_core::conflict::{Choice, ConflictKind};

/// Somebody at a terminal.
pub(super) struct Dialogue<'a> {
    progress: &'a Progress,
}

impl<'a> Dialogue<'a> {
    /// A dialogue, where there is somebody to have it with. Questions go to the error stream, as the progress does:
    /// standard output is for data.
    pub(super) fn on_terminal(progress: &'a Progress) -> Option<Dialogue<'a>> {
        let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        somebody.then_some(Dialogue { progress })
    }
}

impl Person for Dialogue<'_> {
    fn choose(&self, conflict: &ConflictEntry, left: usize) -> Answer {
        self.progress.suspend(|| {
            let mut terminal = std::io::stderr().lock();
            let _ = write!(terminal, "\n{}", question(conflict, left));
            let input = std::io::stdin();
            loop {
                let _ = write!(terminal, "{}", prompt(conflict));
                let _ = terminal.flush();
                let mut line = String::new();
                match input.lock().read_line(&mut line) {
                    // The end of the input, or a terminal that went away: nobody chooses anything any more.
                    Ok(0) | Err(_) => return Answer { choice: None, for_the_rest: true },
                    Ok(_) => {}
                }
                if let Some(answer) = answer(line.trim()) {
                    return answer;
                }
            }
        })
    }
}

fn question(conflict: &ConflictEntry, left: usize) -> String {
    let what = match conflict.kind {
        ConflictKind::UpdateUpdate => "edited here and on the remote",
        ConflictKind::UpdateDelete => "edited here, deleted on the remote",
        ConflictKind::DeleteUpdate => "deleted here, edited on the remote",
    };
    let title = format!("{} (local {}, remote {}): {what}", conflict.object, conflict.local, conflict.remote);
    let more = match left {
        0 => String::new(),
        left => format!("; {left} more of this object"),
    };
    format!("{}{more}\n{}", style(title).bold().for_stderr(), side_by_side(&conflict.fields, Detail::Column))
}

fn prompt(conflict: &ConflictEntry) -> String {
    format!(
        "keep [l]ocal, keep [r]emote, [s]kip; in capitals, the same for the rest of {}: ",
        conflict.object
    )
}

/// What a line means; `None` asks again.
fn answer(line: &str) -> Option<Answer> {
    let for_the_rest = matches!(line, "L" | "R" | "S");
    let choice = match line.to_ascii_lowercase().as_str() {
        "l" | "local" | "keep local" => Some(Choice::KeepLocal),
        "r" | "remote" | "keep remote" => Some(Choice::KeepRemote),
        "s" | "skip" => None,
        _ => return None,
    };
    Some(Answer { choice, for_the_rest })
}
