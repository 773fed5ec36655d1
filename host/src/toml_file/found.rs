//! The mistakes of one file, as they are found.

use super::error::{Location, MetadataError, Problem, ProblemKind, Source};

/// Most mistakes of one file that are told: nobody mends more at once, and the place of each is counted from the top.
const MOST: usize = 100;

/// The mistakes found so far in one file.
pub(crate) struct Found<'a> {
    source: &'a Source,
    text: &'a str,
    problems: Vec<(Location, Problem)>,
}

impl<'a> Found<'a> {
    pub(crate) fn new(source: &'a Source, text: &'a str) -> Self {
        Self { source, text, problems: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes a mistake.
    pub(crate) fn problem(&mut self, kind: ProblemKind, at: Location, message: String, help: Option<String>) {
        if self.problems.len() < MOST {
            self.problems.push((at, Problem::new(kind, self.source, self.text, at, message, help)));
        }
    }

    /// Notes what the TOML parser says, the first mistake of each line: the others mostly follow from it.
    pub(crate) fn syntax(&mut self, errors: &[toml::de::Error]) {
        let mut lines = Vec::new();
        for error in errors.iter().take(MOST) {
            let end = self.text.len();
            let at = error.span().unwrap_or(end..end).into();
            let message = format!("this is not TOML: {}", error.message());
            let problem = Problem::new(ProblemKind::Syntax, self.source, self.text, at, message, None);
            let line = problem.position().map(|(line, _)| line);
            if !lines.contains(&line) {
                lines.push(line);
                self.problems.push((at, problem));
            }
        }
    }

    /// All mistakes, in the order of the file.
    pub(crate) fn into_error(mut self) -> MetadataError {
        self.problems.sort_by_key(|(at, _)| at.start());
        let mut problems = self.problems.into_iter().map(|(_, problem)| problem);
        match problems.next() {
            Some(first) => MetadataError::new(first, problems.collect()),
            // A section was given up without a note: a fault in this module, but no reason to fall over.
            None => {
                let message = "the file could not be checked".to_owned();
                let at = Location::default();
                Problem::new(ProblemKind::InvalidValue, self.source, self.text, at, message, None).into()
            }
        }
    }
}
