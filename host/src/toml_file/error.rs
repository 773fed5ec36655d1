//! What is wrong with a metadata file, where, and what to do about it.

use crate::shown::shown;
use std::fmt::{self, Display};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// A place in a metadata file: bytes of its text. The default is the start of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location {
    start: usize,
    length: usize,
}

impl Location {
    /// The first byte.
    pub(crate) fn start(self) -> usize {
        self.start
    }
}

impl From<Range<usize>> for Location {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, length: range.end.saturating_sub(range.start) }
    }
}

/// The text that errors quote, secrets blanked out; shared by all errors of a file.
#[derive(Clone, Debug)]
pub(crate) struct Source(Arc<NamedSource<String>>);

impl Source {
    /// `redacted` must have the length and the lines of the file's text, or locations are off.
    pub(crate) fn new(file: &Path, redacted: String) -> Self {
        Self(Arc::new(NamedSource::new(shown(file), redacted)))
    }

    /// The text, without secrets.
    pub(crate) fn text(&self) -> &str {
        self.0.inner()
    }
}

/// What sort of mistake a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is missing or cannot be read.
    Unreadable,
    /// The file is not TOML, or not UTF-8.
    Syntax,
    /// The file is of a version that this host does not know.
    Version,
    /// A key that there is not, here.
    UnknownKey,
    /// A key that must be there and is not.
    MissingKey,
    /// A key that goes with another `kind` only.
    Misplaced,
    /// A value of the wrong type or outside its range.
    InvalidValue,
    /// A password or token in plain text.
    PlainSecret,
    /// An environment variable that is not set, or empty.
    MissingVariable,
    /// A file with a secret that cannot be read, or is empty.
    UnreadableSecret,
    /// A file of certificates that cannot be read, or that holds something else.
    UnreadableCertificate,
    /// The file is sound by itself, but names something that is not there.
    Reference,
}

impl ProblemKind {
    /// A stable name for scripts, shown as the code of the diagnostic.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "metadata::unreadable",
            Self::Syntax => "metadata::syntax",
            Self::Version => "metadata::version",
            Self::UnknownKey => "metadata::unknown-key",
            Self::MissingKey => "metadata::missing-key",
            Self::Misplaced => "metadata::misplaced-key",
            Self::InvalidValue => "metadata::invalid-value",
            Self::PlainSecret => "metadata::plain-secret",
            Self::MissingVariable => "metadata::missing-variable",
            Self::UnreadableSecret => "metadata::unreadable-secret",
            Self::UnreadableCertificate => "metadata::unreadable-certificate",
            Self::Reference => "metadata::reference",
        }
    }
}

/// One mistake. Its text begins with `file:line:column`, so that it says where without the drawing around it.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemKind,
    file: String,
    /// Line and column, absent when the file could not be read.
    position: Option<(usize, usize)>,
    message: String,
    help: Option<String>,
    marked: Option<(Source, Location)>,
}

impl Problem {
    /// `text` is what lines and columns are counted in: the file's own text where it is at hand, for a blanked-out
    /// letter may be several stars wide.
    pub(crate) fn new(
        kind: ProblemKind,
        source: &Source,
        text: &str,
        at: Location,
        message: String,
        help: Option<String>,
    ) -> Self {
        let before = text.get(..at.start).unwrap_or(text);
        Self {
            kind,
            file: source.0.name().to_owned(),
            position: Some(position_after(before)),
            message,
            help,
            marked: Some((source.clone(), at)),
        }
    }

    /// What sort of mistake it is.
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// Line and column, both from 1, the column in characters. None when the file could not be read at all.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    /// The message without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, where there is something to say.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// Line and column, from 1, of what follows `before`.
fn position_after(before: &str) -> (usize, usize) {
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, last_line.chars().count() + 1)
}

impl Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(out, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(out, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.kind.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.marked.as_ref().map(|(source, _)| &source.0 as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, at) = self.marked.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), at.start, at.length))))
    }
}

/// All that is wrong with a metadata file: at least one [`Problem`]. Means exit code 2.
///
/// As a [`Diagnostic`] it is its first problem, with the others related to it. As text it is the first problem and how
/// many more there are; [`MetadataError::plain`] is the whole of it as text.
#[derive(Clone, Debug)]
pub struct MetadataError {
    /// Boxed, so that results stay small.
    first: Box<Problem>,
    more: Vec<Problem>,
}

impl MetadataError {
    /// The file at `path` could not be read.
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        let help =
            "`--config FILE` names the metadata file; without it, it is `sync.toml` in the current folder";
        Self::from(Problem {
            kind: ProblemKind::Unreadable,
            file: shown(path),
            position: None,
            message,
            help: Some(help.to_owned()),
            marked: None,
        })
    }

    /// The file at `path` is no text. Nothing of it is quoted, for what cannot be read cannot be redacted either.
    pub(crate) fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Self {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        Self::from(Problem {
            kind: ProblemKind::Syntax,
            file: shown(path),
            position: Some(position_after(&String::from_utf8_lossy(valid))),
            message: "this is not UTF-8 text".to_owned(),
            help: None,
            marked: None,
        })
    }

    /// `first` and all the others, in the order of the file.
    pub(crate) fn new(first: Problem, more: Vec<Problem>) -> Self {
        Self { first: Box::new(first), more }
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&*self.first).chain(&self.more)
    }

    /// All problems as text, one a line, each with its place and its help.
    pub fn plain(&self) -> String {
        let line = |problem: &Problem| match &problem.help {
            Some(help) => format!("{problem}; {help}"),
            None => problem.to_string(),
        };
        self.problems().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl From<Problem> for MetadataError {
    fn from(problem: Problem) -> Self {
        Self::new(problem, Vec::new())
    }
}

impl Display for MetadataError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more.len() {
            0 => write!(out, "{}", self.first),
            more => write!(out, "{} (and {more} more)", self.first),
        }
    }
}

impl std::error::Error for MetadataError {}

impl Diagnostic for MetadataError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.first.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Diagnostic::help(&*self.first)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.first.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.first.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.more.is_empty() {
            return None;
        }
        Some(Box::new(self.more.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
