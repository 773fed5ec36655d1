//! `host plugin`: the objects. One file a command.

mod bench;
mod build;
mod consequence;
mod inspect;
mod list;
mod new;
mod subject;
mod test;

use super::Failure;
use super::args::{Args, PluginCommand};
use crate::plugin::Refusal;
use std::process::ExitCode;

pub(super) use build::report;

/// `host plugin`.
pub(super) fn plugin(args: &Args, command: &PluginCommand) -> Result<ExitCode, Failure> {
    match command {
        PluginCommand::List => list::list(args)?,
        PluginCommand::Inspect { file, against } => inspect::inspect(args, file, against.as_deref())?,
        PluginCommand::Test(options) => return test::test(args, options),
        PluginCommand::Bench { path, cases, records } => {
            bench::bench(args, path, cases.as_deref(), *records)?
        }
        PluginCommand::New(options) => new::new(args, options)?,
        PluginCommand::Build { paths, out } => build::build_all(args, paths, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A component that is not taken, with the remedy.
fn refused(refusal: &Refusal) -> Failure {
    Failure::Usage(format!("{refusal}\n  help: {}", refusal.reason.help()))
}
