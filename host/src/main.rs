//! The command line: see [`host::cli`].

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Records pass from the thread that reads them to the one that writes them, and the allocator of many systems is slow
/// at that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    host::cli::main()
}
