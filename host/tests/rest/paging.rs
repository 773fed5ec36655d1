//! Every way from page to page, over its boundaries, and everything that must not become an endless or a short list.

use crate::server::{Answer, Asked, Server, answer, ok, thing};
use futures_util::TryStreamExt;
use host::ports::{Remote, RemoteError, Scope, View};
use sync_core::object::Object;
use sync_core::value::Kind;

fn object() -> Object {
    thing(None, &[("name", Kind::Text(99))])
}

async fn listed(
    server: &Server,
    description: &str,
    filter: Option<&str>,
) -> Result<Vec<String>, RemoteError> {
    let object = object();
    let rest = server.rest(description);
    let keys: Vec<_> = rest.change_keys(View { object: &object, filter }).try_concat().await?;
    Ok(keys.into_iter().map(|key| key.id.0).collect())
}

fn description(paging: &str) -> String {
    format!(
        "[list]\npath = \"/{{resource}}\"\nquery = {{ fields = \"{{fields}}\" }}\nitems = \"/data\"\npaging = {{ {paging} }}\n\
         [get]\npath = \"/{{resource}}/{{id}}\"\n"
    )
}

/// Ids from `from` on, at most `size` of `total`, and what stands beside them.
fn page(from: usize, size: usize, total: usize, beside: &str) -> Answer {
    let records: Vec<String> =
        (from..total.min(from + size)).map(|id| format!(r#"{{"id":{id},"updated":"s"}}"#)).collect();
    ok(format!(r#"{{"data":[{}]{beside}}}"#, records.join(",")))
}

fn number(asked: &Asked, name: &str) -> Option<usize> {
    asked.parameter(name).map(|text| text.parse().unwrap())
}

#[tokio::test]
async fn each_kind_lists_all_over_its_boundaries() {
    for total in [0, 1, 2, 3, 4, 5] {
        let expected: Vec<String> = (0..total).map(|id| id.to_string()).collect();
        type Serve = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;
        let more = move |end: usize| format!(r#","meta":{{"more":{}}}"#, end < total);
        let kinds: Vec<(&str, usize, Serve)> = vec![
            ("kind = \"none\"", 1, Box::new(move |_| page(0, 99, total, ""))),
            (
                "kind = \"page\", parameter = \"p\"",
                total.div_ceil(2) + 1,
                Box::new(move |it| page((number(it, "p").unwrap() - 1) * 2, 2, total, "")),
            ),
            (
                "kind = \"page\", parameter = \"p\", first = 0, full = 2",
                total / 2 + 1,
                Box::new(move |it| page(number(it, "p").unwrap() * 2, 2, total, "")),
            ),
            (
                "kind = \"page\", parameter = \"p\", more = \"/meta/more\"",
                total.div_ceil(2).max(1),
                Box::new(move |it| {
                    let from = (number(it, "p").unwrap() - 1) * 2;
                    page(from, 2, total, &more(from + 2))
                }),
            ),
            (
                "kind = \"offset\", parameter = \"skip\"",
                total.div_ceil(2) + 1,
                Box::new(move |it| page(number(it, "skip").unwrap(), 2, total, "")),
            ),
            (
                "kind = \"last-id\", parameter = \"after\"",
                total.div_ceil(2) + 1,
                Box::new(move |it| page(number(it, "after").map_or(0, |last| last + 1), 2, total, "")),
            ),
            (
                "kind = \"cursor\", parameter = \"c\", next = \"/next\"",
                total.div_ceil(2).max(1),
                Box::new(move |it| {
                    let from =
                        it.parameter("c").map_or(0, |c| c.trim_start_matches("to%2F").parse().unwrap());
                    let next = if from + 2 < total { format!("\"to/{}\"", from + 2) } else { "null".into() };
                    page(from, 2, total, &format!(r#","next":{next}"#))
                }),
            ),
            (
                "kind = \"next-url\", next = \"/links/next\"",
                total.div_ceil(2).max(1),
                Box::new(move |it| {
                    let from = number(it, "from").unwrap_or(0);
                    let next = format!(r#","links":{{"next":"/api/things?from={}"}}"#, from + 2);
                    page(from, 2, total, if from + 2 < total { &next } else { "" })
                }),
            ),
            (
                "kind = \"link\"",
                total.div_ceil(2).max(1),
                Box::new(move |it| {
                    let from = number(it, "from").unwrap_or(0);
                    let link = format!(r#"</x>; rel="prev", <things?from={}>; rel="next""#, from + 2);
                    let page = page(from, 2, total, "");
                    if from + 2 < total { page.with("link", link) } else { page }
                }),
            ),
            (
                "kind = \"header\", name = \"X-Next\"",
                total.div_ceil(2).max(1),
                Box::new(move |it| {
                    let from = number(it, "from").unwrap_or(0);
                    let page = page(from, 2, total, "");
                    let next = format!("http://{}/api/things?from={}", it.header("host"), from + 2);
                    if from + 2 < total { page.with("x-next", next) } else { page }
                }),
            ),
        ];
        for (paging, requests, serve) in kinds {
            let server = Server::start(serve).await;
            assert_eq!(listed(&server, &description(paging), None).await.unwrap(), expected, "{paging}");
            assert_eq!(server.asked().len(), requests, "{paging}, {total} records");
            assert_eq!(server.asked()[0].header("authorization"), "Bearer hunter2");
        }
    }
}

/// A server may send smaller pages than it is asked for: only an empty one is the end.
#[tokio::test]
async fn a_short_page_is_not_the_last() {
    let server = Server::start(|it| match number(it, "skip").unwrap() {
        0 => page(0, 3, 9, ""),
        3 => page(3, 1, 9, ""),
        4 => page(4, 5, 9, ""),
        _ => page(9, 1, 9, ""),
    })
    .await;
    let ids = listed(&server, &description("kind = \"offset\", parameter = \"skip\""), None).await.unwrap();
    assert_eq!(ids.len(), 9);
}

#[tokio::test]
async fn a_listing_that_does_not_advance_is_an_error_of_the_object() {
    for (paging, beside) in [
        ("kind = \"page\", parameter = \"p\"", ""),
        ("kind = \"offset\", parameter = \"skip\"", ""),
        ("kind = \"last-id\", parameter = \"after\"", ""),
        ("kind = \"cursor\", parameter = \"c\", next = \"/next\"", r#","next":"same""#),
        ("kind = \"next-url\", next = \"/next\"", r#","next":"/api/things?again""#),
        ("kind = \"page\", parameter = \"p\", more = \"/next\"", r#","next":true"#),
    ] {
        let server = Server::start(move |_| page(0, 2, 9, beside)).await;
        let error = listed(&server, &description(paging), None).await.unwrap_err();
        assert_eq!(error.scope, Scope::Object);
        assert!(error.message.contains("the listing of `thing` does not advance"), "{error}");
        assert!(error.help.unwrap().contains("`paging`"));
        assert!(server.asked().len() < 4, "{paging}");
    }
}

#[tokio::test]
async fn a_listing_of_nothing_but_empty_pages_ends_and_one_of_deleted_records_does_not_count_as_such() {
    let paging = description("kind = \"cursor\", parameter = \"c\", next = \"/next\"");
    let paging = format!("{paging}[record]\ndeleted = \"dead\"\n");
    for (data, is_endless) in [("", true), (r#"{"id":1,"updated":"s","dead":true}"#, false)] {
        let server = Server::start(move |asked| {
            let pages = number(asked, "c").unwrap_or(0) + 1;
            let next = if pages < 1100 { format!("\"{pages}\"") } else { "null".to_owned() };
            ok(format!(r#"{{"data":[{data}],"next":{next}}}"#))
        })
        .await;
        let ended = listed(&server, &paging, None).await;
        assert_eq!(ended.is_err(), is_endless, "{ended:?}");
        assert_eq!(server.asked().len(), if is_endless { 1001 } else { 1100 });
    }
}

fn origin(server: &Server) -> &str {
    server.url.trim_end_matches("/api/")
}

/// Not even to one that the same machine has by another name, scheme or port.
#[tokio::test]
async fn a_next_page_at_another_name_is_explained() {
    for (next, told) in [
        ("https://user:hunter2@crm.example/api?page=2&key=hunter2", "to https://crm.example for"),
        ("//crm.example/api", "to http://crm.example for"),
        ("mailto:someone", "to mailto: for"),
        ("http://[", "is led to an address that is none"),
    ] {
        let server = Server::start(move |_| page(0, 2, 9, &format!(r#","next":"{next}""#))).await;
        let error =
            listed(&server, &description("kind = \"next-url\", next = \"/next\""), None).await.unwrap_err();
        assert!(error.message.contains(told), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn the_login_goes_to_no_other_server() {
    let other = Server::start(|_| page(0, 2, 2, "")).await;
    let there = other.url.clone();
    let server = Server::start(move |_| page(0, 2, 9, &format!(r#","next":"{there}things""#))).await;
    let description = description("kind = \"next-url\", next = \"/next\"");
    let error = listed(&server, &description, None).await.unwrap_err();
    let led = format!(
        "the listing of `thing` is led from {} to {} for its next page",
        origin(&server),
        origin(&other)
    );
    assert!(error.message.contains(&led), "{error}");
    assert!(error.help.unwrap().contains("the name by which it calls itself into `url`"));
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_no_empty_list() {
    let paging = "kind = \"page\", parameter = \"p\", more = \"/more\"";
    for (body, message) in [
        (r#"{"data":[]}"#, "cannot tell whether there is more: there is no boolean at /more"),
        (r#"{"data":[],"more":true}"#, "has an empty page that says there are more"),
        (r#"{"dat":[],"more":false}"#, "was answered with nothing at /data"),
        (r#"{"data":[{"key":1}],"more":false}"#, "JSON of an unknown form"),
        (r#"{"data":[{"id":1}"#, "not whole JSON"),
        ("<html>", "a web page"),
        ("", "not whole JSON"),
    ] {
        let server = Server::start(move |_| ok(body)).await;
        let error = listed(&server, &description(paging), None).await.unwrap_err();
        assert_eq!(error.scope, Scope::Object);
        assert!(error.message.contains(message), "{body}: {error}");
    }
    // A null is a list of nothing, and so is no content.
    for nothing in [ok(r#"{"data":null}"#), answer(204, "")] {
        let server = Server::start(move |_| nothing.clone()).await;
        assert_eq!(listed(&server, &description("kind = \"none\""), None).await.unwrap(), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_filter_goes_where_the_description_has_a_place_for_it() {
    let server = Server::start(|_| page(0, 2, 2, "")).await;
    let error = listed(&server, &description("kind = \"none\""), Some("a=1")).await.unwrap_err();
    assert!(error.message.contains("`thing` has a `filter`"), "{error}");
    let raw = description("kind = \"none\"").replace("items", "filter = \"query\"\nitems");
    listed(&server, &raw, Some("stage=won&name=A%26B C")).await.unwrap();
    let placed = description("kind = \"none\"").replace("query = {", "query = { q = \"({filter})\", ");
    listed(&server, &placed, Some("a > 1")).await.unwrap();
    listed(&server, &placed, None).await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /api/things?fields=id%2Cupdated&stage=won&name=A%26B%20C",
            "GET /api/things?fields=id%2Cupdated&q=%28a%20%3E%201%29",
            "GET /api/things?fields=id%2Cupdated",
        ]
    );
}

#[tokio::test]
async fn counts_stand_in_a_header_or_in_the_answer_and_only_of_what_is_listed() {
    let object = object();
    let view = View { object: &object, filter: None };
    let server = Server::start(|_| ok(r#"{"meta":{"total":7}}"#).with("x-total", "8")).await;
    for (count, expected) in [
        ("", None),
        ("[count]\npath = \"/{resource}\"\nat = \"/meta/total\"", Some(7)),
        ("[count]\nmethod = \"HEAD\"\npath = \"/{resource}\"\nheader = \"X-Total\"", Some(8)),
        ("[count]\npath = \"/{resource}\"\nheader = \"X-Nothing\"", None),
    ] {
        let rest = server.rest(&(description("kind = \"none\"") + count));
        assert_eq!(rest.count(view).await.unwrap(), expected, "{count}");
        assert_eq!(rest.capabilities().counts, !count.is_empty());
        let filtered = View { filter: Some("a=1"), ..view };
        assert_eq!(rest.count(filtered).await.unwrap(), None, "what it counts is not what is listed");
    }
}
