//! `sync.toml`: what is accepted, what is refused, and how a refusal reads.

// A test that cannot go on is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accepted;
mod errors;
mod files;
mod refused;
mod rest;
mod secrets;
mod transport;

use host::metadata::{Metadata, MetadataError, ProblemKind};
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

const FULL: &str = include_str!("full.toml");
const MINIMAL: &str = include_str!("minimal.toml");
const MISTAKES: &str = include_str!("mistakes.toml");

/// Parses `text` as `conf/sync.toml`, with one variable in the environment.
fn parse(text: &str) -> Result<Metadata, MetadataError> {
    let environment = |name: &str| match name {
        "CRM_PASSWORD" => Some("hunter2".into()),
        "EMPTY" => Some(OsString::new()),
        "LATIN_1" => Some(OsString::from_vec(vec![0xfc])),
        _ => None,
    };
    Metadata::parse(Path::new("conf/sync.toml"), text, &environment)
}

fn refused(text: &str) -> MetadataError {
    match parse(text) {
        Ok(metadata) => panic!("accepted: {metadata:?}"),
        Err(error) => error,
    }
}

/// The one mistake in `text`: its kind, and its message and help in one line.
fn mistake(text: &str) -> (ProblemKind, String) {
    let error = refused(text);
    assert_eq!(error.problems().count(), 1, "{}", error.plain());
    let kind = error.problems().next().unwrap().kind();
    (kind, error.plain())
}

/// Asserts that `text` has one mistake, of this kind, and that its text contains each of `parts`.
#[track_caller]
fn assert_mistake(text: &str, kind: ProblemKind, parts: &[&str]) {
    let (actual, plain) = mistake(text);
    assert_eq!(actual, kind, "{plain}");
    for part in parts {
        assert!(plain.contains(part), "{part:?} is not in: {plain}");
    }
}

/// The minimal file with `lines` added to `[remote]`.
fn remote(lines: &str) -> String {
    MINIMAL.replace("v1.0\"\n", &format!("v1.0\"\n{lines}\n"))
}

/// The minimal file with `url` in place of its own.
fn url(url: &str) -> String {
    MINIMAL.replace("http://127.0.0.1:8080/siebel/v1.0", url)
}

/// The minimal file with `lines` at its end.
fn and(lines: &str) -> String {
    format!("{MINIMAL}\n{lines}\n")
}

/// The minimal file with `lines` in `[objects.account]`, which begins in line 14.
fn account(lines: &str) -> String {
    and(&format!("[objects.account]\n{lines}"))
}

fn drawn(error: &MetadataError) -> String {
    let mut out = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut out, error)
        .unwrap();
    // Spaces at line ends would not survive in the files to compare with.
    out.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// All that may be printed of an error.
fn printed(error: &MetadataError) -> String {
    format!("{error} {error:?} {} {}", error.plain(), drawn(error))
}
