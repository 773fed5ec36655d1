//! Mistakes in descriptions, each with its place and what to do.

use host::remote::rest::description::Description;
use std::path::Path;

const SOUND: &str = r#"[list]
path = "/{resource}"
items = "/data"
[get]
path = "/{resource}/{id}"
"#;

fn mistakes(text: &str) -> String {
    match Description::parse(Path::new("my-server.toml"), text) {
        Ok(_) => "none".into(),
        Err(error) => error.plain(),
    }
}

#[test]
fn the_least_description_is_a_list_and_a_way_to_read_one() {
    assert_eq!(mistakes(SOUND), "none");
}

#[test]
fn every_mistake_is_told_with_line_and_column() {
    for (more, expected) in [
        ("[lists]\n", "6:2: unknown key `lists`; did you mean `list`?"),
        (
            "[find]\npath = \"/f/{value}\"\nitems = \"\"\nitem = \"/x\"\n",
            "9:1: unknown key `find.item`; did you mean `items`?",
        ),
        ("[find]\npath = \"/f\"\nitems = \"/x\"\n", "6:2: `find` does not say what is looked for"),
        ("[find]\npath = \"/f/{conditions}\"\nitems = \"/x\"\n", "6:2: `{conditions}` needs `condition`"),
        (
            "[find]\npath = \"/f\"\nitems = \"/x\"\neach = { \"{fild}\" = \"{value}\" }\n",
            "has an unknown placeholder `{fild}`; did you mean `field`?",
        ),
        ("[count]\npath = \"/c\"\n", "6:2: a count stands in one place: `header` or `at`"),
        (
            "[count]\npath = \"/c\"\nat = \"/n\"\n[changes]\npath = \"/c\"\nitems = \"/x\"\nmark = { path = \"/m\", at = \"/m\" }\n",
            "9:2: nothing here has the placeholder `{since}`",
        ),
        (
            "[count]\npath = \"/c\"\nat = \"/n\"\n[changes]\npath = \"/c/{since}\"\nitems = \"/x\"\n",
            "9:2: `mark` is missing in `changes`",
        ),
        (
            "[changes]\npath = \"/c/{since}\"\nitems = \"/x\"\nmark = { path = \"/m\", at = \"/m\" }\n",
            "6:2: `changes` needs `count`: a delete that is not told shows in the count alone",
        ),
        (
            "[count]\npath = \"/c\"\nat = \"/n\"\n[changes]\npath = \"/c/{since}\"\nitems = \"/x\"\nmark = { path = \"/m\" }\n",
            "12:1: a mark stands in one place: `header`, `at`, or in the newest of the `items`",
        ),
        ("[count]\npath = \"c\"\nat = \"/x\"\n", "7:8: `count.path` must begin with `/`"),
        (
            "[count]\npath = \"/c?x=1\"\nat = \"/x\"\n",
            "7:8: `count.path` is more than a path; parameters are a table",
        ),
        (
            "[count]\npath = \"/c\"\nat = \"meta.total\"\n",
            "8:6: `count.at` is no JSON pointer: it must begin with `/`; did you mean \"/meta/total\"?",
        ),
        (
            "[update]\npath = \"/u/{id}\"\nbody = \"{recrod}\"\n",
            "8:8: `update.body` has an unknown placeholder `{recrod}`; did you mean `record`?",
        ),
        ("[update]\npath = \"/u\"\n", "6:2: nothing here has the placeholder `{id}`"),
        ("[insert]\npath = \"/i\"\n", "6:2: `insert` does not say where the id of the new record stands"),
        (
            "[insert]\npath = \"/i\"\nbody = \"{}\"\nid = \"/id\"\n",
            "6:2: nothing here has the placeholder `{record}`",
        ),
        (
            "[insert]\nmethod = \"Post\"\npath = \"/i\"\nid = \"/id\"\n",
            "7:10: `insert.method` cannot be \"Post\"; did you mean `POST`?",
        ),
        ("[lock]\nkind = \"etag\"\n", "7:8: `lock.kind` cannot be \"etag\""),
        ("[lock]\nkind = \"if-match\"\n", "6:2: `value` is missing in `lock`"),
        ("[lock]\nkind = \"if-match\"\nvalue = \"*\"\n", "8:9: `lock.value` is the same for all versions"),
        ("[lock]\nkind = \"field\"\nvalue = \"x\"\n", "8:1: `lock.value` goes with `kind = \"if-match\"`"),
        ("[lock]\nkind = \"field\"\n[delete]\npath = \"/d/{id}\"\n", "6:2: nothing guards deletes"),
        (
            "[headers]\nAuthorization = \"Bearer x\"\n",
            "`headers.Authorization` is no header of a description; logging in is the business of `auth`",
        ),
        ("[headers]\n\"a b\" = \"x\"\n", "\"a b\" is no name of a header"),
        ("[errors]\n[[errors.rules]]\nmeans = \"moved\"\n", "a rule that fits every answer; name a `status`"),
        (
            "[errors]\n[[errors.rules]]\nstatus = 99\nmeans = \"moved\"\n",
            "8:10: `errors.rules.status` must be from 200 to 599",
        ),
        (
            "[errors]\n[[errors.rules]]\nstatus = 409\nmeans = \"mooved\"\n",
            "9:9: `errors.rules.means` cannot be \"mooved\"; did you mean `moved`?",
        ),
        (
            "[errors]\n[[errors.rules]]\non = \"write\"\nstatus = 409\nmeans = \"moved\"\n",
            "8:6: `errors.rules.on` cannot be \"write\"",
        ),
        ("[values]\ntimestamps = \"iso\"\n", "7:14: `values.timestamps` cannot be \"iso\""),
        (
            "[values]\ntimestamps = \"%H:%M\"\n",
            "7:14: `values.timestamps` is no pattern that can be written and read",
        ),
        ("[values]\nbooleans = [\"Y\"]\n", "7:12: `values.booleans` must be two texts"),
        ("[record]\ntick = \"1\"\n", "7:8: `record.tick` is no duration"),
    ] {
        let found = mistakes(&format!("{SOUND}{more}"));
        assert!(found.starts_with("my-server.toml:"), "{more}: {found}");
        assert!(found.contains(expected), "{more}: {found}");
        assert_eq!(found.lines().count(), 1, "{more}: {found}");
    }
}

#[test]
fn mistakes_of_the_list_and_of_its_paging() {
    for (from, to, expected) in [
        ("[list]", "[lst]", "1:2: unknown key `lst`; did you mean `list`?"),
        ("items = \"/data\"", "", "1:2: `items` is missing in `list`"),
        ("[get]\npath = \"/{resource}/{id}\"", "", "`get` or `get-many` is missing"),
        (
            "{resource}/{id}",
            "{resource}/{ids}",
            "5:8: `get.path` has an unknown placeholder `{ids}`; did you mean `id`?",
        ),
        (
            "items",
            "paging = { kind = \"pages\" }\nitems",
            "3:19: `list.paging.kind` cannot be \"pages\"; did you mean `page`?",
        ),
        (
            "items",
            "paging = { kind = \"page\" }\nitems",
            "3:1: nothing asks for the next page: neither `parameter` nor `{page}`",
        ),
        (
            "items",
            "paging = { kind = \"cursor\", parameter = \"c\" }\nitems",
            "3:1: `next` is missing in `list.paging`",
        ),
        (
            "items",
            "paging = { kind = \"link\", next = \"/x\" }\nitems",
            "3:27: unknown key `list.paging.next`",
        ),
        (
            "items",
            "query = { p = \"{page}\" }\nitems",
            "3:15: `list.query.p` has an unknown placeholder `{page}`",
        ),
        (
            "items",
            "query = { p = \"{page}\" }\npaging = { kind = \"page\", parameter = \"p\" }\nitems",
            "the next page is asked for twice",
        ),
        (
            "items",
            "method = \"POST\"\npaging = { kind = \"link\" }\nitems",
            "addresses of next pages are followed with GET",
        ),
        ("items", "filter = true\nitems", "3:10: `list.filter` must be a text"),
        ("path", "path = 1\nfoo", "`list.path` must be a text"),
        ("[list]", "[list", "this is not TOML"),
    ] {
        let found = mistakes(&SOUND.replacen(from, to, 1));
        assert!(found.contains(expected), "{to}: {found}");
    }
}
