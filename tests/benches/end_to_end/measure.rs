//! Time, CPU time and peak memory of a whole process.
//!
//! A process of its own starts the one that is measured and waits for it, so that what the operating system tells of
//! its children is about this one alone.

use crate::floor::Error;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a process took, and what it said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// From before its start until after its end.
    pub(crate) wall: Duration,
    /// In user and system mode, of all its threads.
    pub(crate) cpu: Duration,
    /// Most memory that was resident at once, bytes.
    pub(crate) peak: u64,
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its error stream.
    pub(crate) err: String,
}

/// Runs a command and prints what it took.
pub(crate) fn measured(command: &[OsString]) -> Result<(), Error> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let start = Instant::now();
    let output = Command::new(program).args(arguments).output()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    let taken = Taken {
        wall,
        cpu: time(usage.user_time()) + time(usage.system_time()),
        peak: usage.max_rss().unsigned_abs() << 10,
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    crate::print(&serde_json::to_string(&taken)?);
    Ok(())
}

/// What a command takes that ends with one of these codes.
pub(crate) fn measure(program: &Path, arguments: &[OsString], codes: &[i32]) -> Taken {
    let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
    command.args(["measured", "--"]).arg(program).args(arguments);
    let output = command.output().expect("this program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let taken: Taken = serde_json::from_slice(&output.stdout).expect("it says what was taken");
    assert!(codes.contains(&taken.code), "{program:?} {arguments:?}: {}\n{}", taken.out, taken.err);
    taken
}
