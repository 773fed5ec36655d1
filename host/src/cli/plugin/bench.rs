//! `host plugin bench`: how fast a plugin is.

use super::subject::Subject;
use crate::cli::args::{Args, Format};
use crate::cli::{Failure, json, say};
use crate::lab::{self, Bench};
use std::fmt::Write as _;
use std::path::Path;

/// `host plugin bench`.
pub(super) fn bench(args: &Args, path: &Path, cases: Option<&Path>, records: u32) -> Result<(), Failure> {
    let subject = Subject::at(path, cases, args)?;
    let load = |loader: &_| subject.load(loader);
    let bench = lab::bench(&subject.plugin, subject.cases.as_deref(), records as usize, &load)
        .map_err(|error| Failure::Failed(error.to_string()))?;
    say(&match args.format {
        Format::Json => json(&bench)?,
        Format::Text => text(&bench),
    });
    if bench.debug_build {
        tracing::warn!(
            "this host was built without optimization; one built with `--release` is many times faster"
        );
    }
    Ok(())
}

fn text(bench: &Bench) -> String {
    let mut text = format!(
        "{} ({} bytes): compiled in {:.1} ms, loaded from the cache in {:.1} ms\n{:10} {:>12} {:>10} {:>12} {:>10} {:>8}\n",
        bench.object,
        bench.size,
        bench.compile_ms,
        bench.load_ms,
        "FUNCTION",
        "RECORDS/S",
        "µs",
        "FUEL",
        "MEMORY",
        "REFUSED"
    );
    for it in &bench.rates {
        let _ = writeln!(
            text,
            "{:10} {:>12.0} {:>10.2} {:>12} {:>10} {:>8}",
            it.function,
            it.records_per_second,
            it.microseconds_per_record,
            it.fuel_per_record,
            format!("{} KiB", it.memory_per_record >> 10),
            it.refused
        );
    }
    let _ = write!(text, "{} records each; fuel and memory of the dearest record alone", bench.records);
    text
}
