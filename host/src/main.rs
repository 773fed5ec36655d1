//! The command line: see [`host::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    host::cli::main()
}
