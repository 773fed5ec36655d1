//! Errors as they are seen.

use crate::{FULL, MISTAKES, drawn, parse, refused};
use host::metadata::{ProblemKind, suggestion};

#[test]
fn several_mistakes_as_they_are_drawn() {
    let expected = include_str!("mistakes.txt");
    assert_eq!(drawn(&refused(MISTAKES)), expected);
}

#[test]
fn several_mistakes_as_plain_text() {
    let expected = "\
conf/sync.toml:6:47: `remote.auth.password` must not be in the file itself: name its source with `env` or `file`; \
`password = { env = \"CRM_PASSWORD\" }` takes it from an environment variable, \
`password = { file = \"secret.txt\" }` from a file
conf/sync.toml:7:1: unknown key `remote.timout`; did you mean `timeout`?
conf/sync.toml:9:2: `path` is missing in `local`";
    assert_eq!(refused(MISTAKES).plain(), expected);
}

#[test]
fn what_is_found_later_is_drawn_alike() {
    let metadata = parse(FULL).unwrap();
    let at = metadata.location(&["objects", "opportunity"]);
    let help = suggestion("opportunity", ["account", "contact"]);
    let error = metadata.error_at(at, "no plugin describes an object `opportunity`", Some(help));
    assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::Reference);
    let expected = include_str!("later.txt");
    assert_eq!(drawn(&error), expected);
}

#[test]
fn keys_are_found_again() {
    let metadata = parse(FULL).unwrap();
    let line = |path: &[&str]| {
        let error = metadata.error_at(metadata.location(path), "x", None);
        error.problems().next().unwrap().position().unwrap()
    };
    assert_eq!(line(&["objects", "opportunity", "plugin"]), (26, 10));
    assert_eq!(line(&["objects", "opportunity", "fields", "description"]), (30, 12));
    assert_eq!(line(&["plugins", "dir"]), (18, 7));
    // What is not in the file: the table around it, or the start.
    assert_eq!(line(&["objects", "opportunity", "fields", "nothing"]), (30, 1));
    assert_eq!(line(&["nothing"]), (1, 1));
}
