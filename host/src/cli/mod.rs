//! What a person types: one file a command. Only this folder knows metadata, adapters and pipeline at once.
//!
//! Data goes to standard output, everything else to the error stream. Exit codes: 0 all equal, nothing pending
//! · 1 the run or an object failed · 2 usage or invalid metadata · 3 done, but something is pending.

mod args;
mod catalog;
mod demo;
mod dialogue;
mod explain;
mod logs;
mod plugin;
mod progress;
mod remote;
mod run;
mod setup;
mod sides;
mod status;
mod table;
mod undo;

use args::{Args, Command};
use clap::Parser;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// Why a command ended early, with what a person needs to know.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Usage, invalid metadata, an unusable plugin: found before anything was contacted. Exit code 2.
    Usage(String),
    /// Anything that failed while working. Exit code 1.
    Failed(String),
}

impl Failure {
    fn message(&self) -> &str {
        match self {
            Failure::Usage(message) | Failure::Failed(message) => message,
        }
    }

    fn code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Failed(_) => ExitCode::from(1),
        }
    }
}

impl From<crate::ports::StoreError> for Failure {
    fn from(error: crate::ports::StoreError) -> Failure {
        let message = match &error.help {
            Some(help) => format!("{}\n  help: {help}", error.message),
            None => error.message,
        };
        Failure::Failed(message)
    }
}

/// Parses the arguments, carries the command out, and answers the process's exit code.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let level = match args.verbose {
        0 => "warn",
        1 => "host=info",
        2 => "host=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(console::colors_enabled_stderr()).init();
    let result = match &args.command {
        Command::Run(options) => run::run(&args, options),
        Command::Plan { objects } => run::plan(&args, objects),
        Command::Status => status::status(&args),
        Command::Conflicts { command } => logs::conflicts(&args, command.as_ref()),
        Command::Issues { command } => logs::issues(&args, command.as_ref()),
        Command::Explain(options) => explain::explain_record(&args, options),
        Command::Undo(options) => undo::undo(&args, options),
        Command::Plugin { command } => plugin::plugin(&args, command),
        Command::Remote { command } => remote::remote(&args, command),
        Command::Demo(options) => demo::demo(&args, options),
    };
    let code = result.unwrap_or_else(|failure| {
        complain(failure.message());
        failure.code()
    });
    let Some(error) = UNSAID.get() else { return code };
    complain(&format!("failed to write to standard output: {error}"));
    ExitCode::from(1)
}

/// Why not all was printed. What a command does goes on to its end, and only then fails.
static UNSAID: OnceLock<std::io::Error> = OnceLock::new();

/// Writes to standard output. A reader that went away (`host status | head -1`) is no error.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let said =
        [text, end].iter().try_for_each(|part| out.write_all(part.as_bytes())).and_then(|()| out.flush());
    if let Err(error) = said
        && error.kind() != ErrorKind::BrokenPipe
    {
        UNSAID.get_or_init(|| error);
    }
}

/// Writes to the error stream.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {}", message.trim_end());
}

/// A JSON document, indented.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Failed(format!("failed to write JSON: {error}")))
}
