//! REST servers, described in metadata.

use crate::{assert_mistake, drawn, parse, refused, remote};
use host::metadata::{ProblemKind, RestDescription};

/// The minimal file with a REST server and these lines at its end.
fn rest(in_remote: &str, at_the_end: &str) -> String {
    format!("{}\n{at_the_end}", remote(in_remote).replace("\"siebel\"", "\"rest\""))
}

#[test]
fn a_rest_server_is_described_once() {
    use ProblemKind::{InvalidValue, Misplaced, MissingKey};
    let file = parse(&rest("description = \"my-server.toml\"", "")).unwrap();
    assert_eq!(file.remote.rest, Some(RestDescription::File("conf/my-server.toml".into())));
    let inline =
        "[remote.rest.list]\npath = \"/{resource}\"\nitems = \"\"\n[remote.rest.get]\npath = \"/{id}\"\n";
    assert!(matches!(parse(&rest("", inline)).unwrap().remote.rest, Some(RestDescription::Inline(_))));
    assert_mistake(&rest("", ""), MissingKey, &["`description` is missing in `remote`", "kinto, hubspot"]);
    assert_mistake(
        &rest("description = \"kintoo\"", ""),
        InvalidValue,
        &["`remote.description` cannot be \"kintoo\"", "did you mean `kinto`?"],
    );
    assert_mistake(&rest("description = \"kinto\"", inline), Misplaced, &["a server is described once"]);
    assert_mistake(
        &remote("description = \"kinto\""),
        Misplaced,
        &["`remote.description` is for `kind = \"rest\"` only"],
    );
}

#[test]
fn mistakes_of_a_description_are_shown_but_its_headers_are_not() {
    let inline = "[remote.rest]\nheaders = { X-Key = \"s3cret\" }\napi-key = \"s3cret\"\n\
                  list = { path = \"/{resorce}\", items = \"/a\", headers = { X-Key = \"s3cret\" } }\n\
                  get = { path = \"/{id}\" }\n";
    let drawn = drawn(&refused(&rest("", inline)));
    assert!(!drawn.contains("s3cret"), "{drawn}");
    assert!(drawn.contains("path = \"/{resorce}\", items = \"/a\""), "{drawn}");
}
