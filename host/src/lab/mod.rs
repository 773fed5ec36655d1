//! A plugin tested alone: no server and no database, but the loader, the batches and the limits of a run.
//!
//! Three things are tested. **Cases** are examples that the author wrote: a record on both sides, a refusal, a merge.
//! **Laws** hold for every plugin, and are checked on rows made from its descriptor; a row that breaks one is
//! shrunk and saved as a case. **Limits** are what a record costs, against what it may.

mod bench;
mod case;
mod cases;
mod laws;
mod report;
mod rows;
mod shrink;
mod usage;

pub use bench::{Bench, BenchError, Rate, bench};
pub use case::CaseError;
pub use report::{Outcome, Report, Test};
pub use usage::Usage;

use crate::plugin::WasmMapper;
use crate::ports::Mapper;
use case::Case;
use laws::Law;
use rows::Rows;
use std::path::PathBuf;

/// What to test, and how thoroughly.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of case files; it is made for the first one.
    pub cases: Option<PathBuf>,
    /// Whether cases that fail, or that expect nothing yet, are rewritten to expect what the plugin does.
    pub bless: bool,
    /// Rows that are made for each side.
    pub rows: usize,
    /// Where the making of rows starts: the same seed makes the same rows.
    pub seed: u64,
}

/// A plugin and what it is tested with.
pub struct Lab<'a> {
    plugin: &'a WasmMapper,
    options: &'a Options,
    cases: Vec<Case>,
}

impl<'a> Lab<'a> {
    /// Reads the case files.
    ///
    /// # Errors
    /// When one of them cannot be read or is no case of this object.
    pub fn new(plugin: &'a WasmMapper, options: &'a Options) -> Result<Lab<'a>, CaseError> {
        let cases = match &options.cases {
            Some(folder) => case::read_all(folder, plugin.object())?,
            None => Vec::new(),
        };
        Ok(Lab { plugin, options, cases })
    }

    /// How many tests there are.
    pub fn tests(&self) -> usize {
        self.cases.len() + laws::all(self.plugin).count() + Usage::TESTS
    }

    /// Runs all tests, and tells of each as it ends.
    ///
    /// # Errors
    /// When a case file cannot be written.
    pub fn run(&self, ended: &mut dyn FnMut(&Test)) -> Result<Report, CaseError> {
        let Lab { plugin, options, cases } = self;
        let mut report = Report::of(plugin, options);
        for case in cases {
            report.add(cases::run(plugin, case, options.bless)?, ended);
        }
        let rows = Rows::new(plugin, cases, options);
        for law in laws::all(plugin) {
            report.add(self.check(law, &rows)?, ended);
        }
        let usage = usage::measure(plugin, &rows);
        for test in usage.tests() {
            report.add(test, ended);
        }
        report.usage = Some(usage);
        Ok(report)
    }

    fn check(&self, law: &Law, rows: &Rows) -> Result<Test, CaseError> {
        let name = law.test_name();
        let broken = match laws::run(law, self.plugin, rows) {
            Ok(detail) => return Ok(Test::ok(name, detail)),
            Err(broken) => broken,
        };
        let saved = match (&self.options.cases, &broken.sample) {
            (Some(folder), Some(sample)) => Some(case::save(folder, self.plugin.object(), law, sample)?),
            _ => None,
        };
        Ok(Test { saved, ..Test::failed(name, broken.message) })
    }
}
