//! Files.

use crate::{MINIMAL, drawn};
use host::metadata::{Metadata, ProblemKind};
use std::path::Path;

#[test]
fn a_file_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sync.toml");
    std::fs::write(&file, MINIMAL).unwrap();
    let metadata = Metadata::load(&file).unwrap();
    assert_eq!(metadata.local.path, folder.path().join("crm.db"));
}

#[test]
fn a_missing_file_says_how_to_name_another() {
    let error = Metadata::load(Path::new("nowhere/sync.toml")).unwrap_err();
    assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::Unreadable);
    let expected = "nowhere/sync.toml: there is no such file; `--config FILE` names the metadata file; \
                    without it, it is `sync.toml` in the current folder";
    assert_eq!(error.plain(), expected);
    drawn(&error);
}

#[test]
fn a_folder_or_a_binary_is_no_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let error = Metadata::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    let file = folder.path().join("sync.toml");
    std::fs::write(&file, b"version = 1\nx = \"\xff\"").unwrap();
    let error = Metadata::load(&file).unwrap_err();
    assert!(error.to_string().ends_with("sync.toml:2:6: this is not UTF-8 text"), "{error}");
}
