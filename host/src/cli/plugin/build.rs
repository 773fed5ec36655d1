//! `host plugin build`: from projects to components.

use crate::cli::args::{Args, Format};
use crate::cli::{Failure, json, say};
use crate::plugin::{BuildError, Step, build};
use crate::shown::shown;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// `host plugin build`.
pub(super) fn build_all(args: &Args, paths: &[PathBuf], out: &Path) -> Result<(), Failure> {
    let built = build(paths, out, &mut |step| report(&step)).map_err(|error| not_built(&error))?;
    say(&match args.format {
        Format::Json => json(&built)?,
        Format::Text => built.iter().map(|it| format!("{it}\n")).collect(),
    });
    Ok(())
}

/// Why there is no component, with the remedy.
pub(super) fn not_built(error: &BuildError) -> Failure {
    let help = error.help().map_or(String::new(), |help| format!("\n  help: {help}"));
    let message = format!("{error}{help}");
    match error {
        BuildError::NoProject(_) | BuildError::NoProjects(_) => Failure::Usage(message),
        _ => Failure::Failed(message),
    }
}

/// Says what is going on, on the error stream.
pub(in crate::cli) fn report(step: &Step<'_>) {
    let mut err = std::io::stderr().lock();
    let _ = match step {
        Step::AddTarget { target } => writeln!(err, "adding the Rust target {target}"),
        Step::Compile { packages } => writeln!(err, "compiling {}", packages.join(", ")),
        Step::Run { command, folder } => writeln!(err, "running `{command}` in {}", shown(folder)),
        Step::Wrote(it) if !it.grants.is_empty() => writeln!(
            err,
            "{} imports WASI, and runs only with `grants = [\"wasi\"]` under `[objects.{}]`",
            shown(&it.path),
            it.object
        ),
        Step::Wrote(_) => Ok(()),
    };
}
