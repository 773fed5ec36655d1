//! Progress on the error stream: a bar on a terminal, plain lines elsewhere.

use crate::pipeline::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};

/// Shows a run's events.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new() -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg:40} {wide_bar} {pos}/{len}") {
                bar.set_style(style);
            }
            bar
        });
        Progress { bar }
    }

    /// Takes the bar away while something else is on the terminal.
    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => {
                let _ = writeln!(std::io::stderr().lock(), "{text}");
            }
        }
    }
}

/// Shows nothing.
pub(super) struct Quiet;

impl Observer for Quiet {
    fn event(&self, _: Event<'_>) {}
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        match (event, &self.bar) {
            (Event::Step { object, step, total }, Some(bar)) => {
                bar.set_message(format!("{object}: {step}"));
                bar.set_length(total.unwrap_or(0));
                bar.set_position(0);
            }
            (Event::Step { object, step, total: Some(total) }, None) => {
                self.line(&format!("{object}: {step} {total}"));
            }
            (Event::Progress(done), Some(bar)) => bar.inc(done),
            (Event::Issue(issue), _) => {
                let id = |id: Option<String>| id.unwrap_or_else(|| "new".into());
                self.line(&format!(
                    "issue: {} {} (local {}, remote {}): {}",
                    issue.object,
                    issue.operation,
                    id(issue.local.map(|id| id.to_string())),
                    id(issue.remote.as_ref().map(ToString::to_string)),
                    issue.message
                ));
            }
            // The report says how each ended, and the command why it failed.
            (Event::Finished(_), _) | (Event::Step { total: None, .. } | Event::Progress(_), None) => {}
        }
    }
}
