//! How fast whole runs are, each beside its floor: the same work done by a simple client with the same libraries.
//!
//! `cargo bench --workspace --bench end_to_end -- --help`. The reference CRM is a process of its own on the same cores;
//! floor and product are processes, too, measured in turn from start to end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../floor/mod.rs"]
mod floor;
mod machine;
mod measure;
mod server;
mod site;
mod table;
mod works;

use clap::{Parser, Subcommand};
use floor::Floor;
use std::ffi::OsString;
use std::path::PathBuf;
use table::Table;
use works::Work;

/// Whole runs of the host beside their floors.
#[derive(Debug, Parser)]
struct Options {
    /// How many records.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    sizes: Vec<u64>,
    /// Only these works; default: all.
    #[arg(long, value_enum, value_delimiter = ',')]
    works: Vec<Work>,
    /// How often floor and product are measured in turn; the best of each counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Writes the table into this file, too, as Markdown.
    #[arg(long)]
    out: Option<PathBuf>,
    /// What to measure, instead of the binary that cargo builds.
    #[arg(long)]
    host: Option<PathBuf>,
    /// Leaves the folder with the metadata and stores of the last size behind, and says where.
    #[arg(long)]
    keep: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What this program starts itself as.
#[derive(Debug, Subcommand)]
enum Part {
    /// Does one work's floor.
    #[command(subcommand)]
    Floor(Floor),
    /// Runs a command and tells what it took.
    #[command(hide = true)]
    Measured {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> Result<(), floor::Error> {
    let options = Options::parse();
    match options.part {
        Some(Part::Floor(floor)) => return floor.run(),
        Some(Part::Measured { command }) => return measure::measured(&command),
        None => {}
    }
    let host = options.host.unwrap_or_else(|| tests::host_binary().to_owned());
    let mut table = Table::default();
    for &size in &options.sizes {
        let works = if options.works.is_empty() { Work::all() } else { options.works.clone() };
        works::run(&host, size, &works, options.rounds, options.keep, &mut |row| {
            eprintln!("{}", row.line());
            table.add(row);
            // What is known so far, should the rest never come.
            if let Some(out) = &options.out {
                std::fs::write(out, table.markdown()).expect("the table can be written");
            }
        });
    }
    print(&table.markdown());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn print(text: &str) {
    println!("{text}");
}
