//! What the tests of a plugin came to.

use super::{Options, Usage};
use crate::plugin::WasmMapper;
use crate::ports::Mapper;
use serde::Serialize;
use std::path::PathBuf;

/// All tests of one plugin.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The object that it describes.
    pub object: String,
    /// The component.
    pub file: PathBuf,
    /// Its digest.
    pub sha256: String,
    /// With which the rows can be made again.
    pub seed: u64,
    /// Rows of each side on which laws were checked.
    pub rows: usize,
    /// In the order in which they ran.
    pub tests: Vec<Test>,
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// What a record costs.
    pub usage: Option<Usage>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Test {
    /// Such as `case filled.json`, `law remote-round-trip`, `limit fuel`.
    pub name: String,
    /// Whether it passed.
    pub outcome: Outcome,
    /// A few words beside a test that passed.
    pub detail: Option<String>,
    /// What is wrong.
    pub message: Option<String>,
    /// The case file that the failing row was saved to.
    pub saved: Option<PathBuf>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should.
    Ok,
    /// Its case file now expects what the plugin does.
    Blessed,
    /// Otherwise.
    Failed,
}

impl Test {
    pub(super) fn ok(name: String, detail: Option<String>) -> Test {
        Test { name, outcome: Outcome::Ok, detail, message: None, saved: None }
    }

    pub(super) fn failed(name: String, message: String) -> Test {
        Test { name, outcome: Outcome::Failed, detail: None, message: Some(message), saved: None }
    }
}

impl Report {
    pub(super) fn of(plugin: &WasmMapper, options: &Options) -> Report {
        Report {
            object: plugin.object().name.to_string(),
            file: plugin.path().to_owned(),
            sha256: plugin.inspection().sha256.clone(),
            seed: options.seed,
            rows: options.rows,
            tests: Vec::new(),
            passed: 0,
            failed: 0,
            usage: None,
        }
    }

    pub(super) fn add(&mut self, test: Test, ended: &mut dyn FnMut(&Test)) {
        match test.outcome {
            Outcome::Ok | Outcome::Blessed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
        }
        ended(&test);
        self.tests.push(test);
    }
}
