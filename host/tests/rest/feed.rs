//! What changed since a mark, as descriptions say how to ask for it.

use crate::server::{Answer, Asked, Server, answer, ok, thing};
use host::ports::{Feed, Mark, Remote, RemoteError, View};
use sync_core::change_feed::Changes;
use sync_core::object::Object;
use sync_core::value::Kind;

fn object() -> Object {
    thing(None, &[("name", Kind::Text(99))])
}

/// A description with these keys in `[changes]`, the second after `mark = {`, and these lines after it.
fn description(changes: &str, mark: &str, more: &str) -> String {
    format!(
        "[list]\npath = \"/{{resource}}\"\nitems = \"/data\"\n[get]\npath = \"/{{resource}}/{{id}}\"\n\
         [count]\npath = \"/{{resource}}\"\nat = \"/total\"\n\
         [changes]\npath = \"/{{resource}}\"\nquery = {{ since = \"{{since}}\", fields = \"{{fields}}\" }}\n\
         items = \"/data\"\n{changes}\nmark = {{ path = \"/{{resource}}/newest\", {mark} }}\n{more}"
    )
}

async fn mark(server: &Server, description: &str) -> Result<Option<String>, RemoteError> {
    let object = object();
    let view = View { object: &object, filter: None };
    Ok(server.rest(description).mark(view).await?.map(|mark| mark.0))
}

async fn changes(server: &Server, description: &str, since: &str) -> Result<Feed, RemoteError> {
    let object = object();
    let view = View { object: &object, filter: None };
    server.rest(description).changes(view, &Mark(since.into())).await
}

/// Ids and stamps of what changed, and the ids of what is gone, sorted.
fn told(feed: Feed) -> (Vec<String>, Vec<String>) {
    let Feed::Changes(Changes { changed, gone }) = feed else { panic!("the mark is good") };
    let mut changed: Vec<_> =
        changed.into_iter().map(|key| format!("{} {}", key.id.0, key.token.updated)).collect();
    let mut gone: Vec<_> = gone.into_iter().map(|id| id.0).collect();
    changed.sort();
    gone.sort();
    (changed, gone)
}

#[tokio::test]
async fn a_mark_stands_in_a_header_in_the_answer_or_in_the_newest_record() {
    let records = r#"{"data":[{"id":1,"updated":"2026-02-28T23:59:59Z"},{"id":2,"updated":"2026-03-01T00:00:01Z"}],"at":7}"#;
    let server = Server::start(move |_| ok(records).with("x-mark", "\"12\"")).await;
    let numbers = Server::start(|_| ok(r#"{"data":[{"id":1,"updated":9},{"id":2,"updated":10}]}"#)).await;
    let seconds = Server::start(|_| ok(r#"{"data":[{"id":1,"updated":1700000000}]}"#)).await;
    let odd = Server::start(|_| ok(r#"{"data":[{"id":1,"updated":"01.03.2026 00:00:01"}]}"#)).await;
    let nothing = Server::start(|_| ok(r#"{"data":[]}"#)).await;
    let newest = "items = \"/data\"";
    let pattern = "[values]\ntimestamps = \"%d.%m.%Y %H:%M:%S\"";
    for (server, changes, at, more, expected) in [
        (&server, "", "header = \"X-Mark\"", "", Some("\"12\"")),
        (&server, "", "at = \"/at\"", "", Some("7")),
        (&server, "", "at = \"/nothing\"", "", None),
        // As of a tick before it: another record may have been given the same stamp afterwards.
        (&server, "", newest, "", Some("2026-03-01T00:00:00.000000Z")),
        (&server, "", newest, "[record]\ntick = \"0s\"", Some("2026-03-01T00:00:01Z")),
        (&server, "overlap = \"2m\"", newest, "", Some("2026-02-28T23:58:01.000000Z")),
        (&numbers, "", newest, "", Some("10")),
        (&seconds, "overlap = \"1500ms\"", newest, "", Some("1699999998")),
        (&odd, "", newest, pattern, Some("01.03.2026 00:00:00")),
        (&nothing, "", newest, "", None),
    ] {
        let description = description(changes, at, more);
        assert_eq!(mark(server, &description).await.unwrap().as_deref(), expected, "{changes} {at} {more}");
        assert_eq!(server.asked()[0].target, "/api/things/newest");
    }
    let error = mark(&numbers, &description("overlap = \"1s\"", newest, "")).await.unwrap_err();
    assert!(error.message.contains("the mark of GET /api/things/newest for `thing` is no time"), "{error}");
}

#[tokio::test]
async fn changes_come_over_all_pages_and_the_last_word_on_a_record_counts() {
    let server = Server::start(|asked| match asked.parameter("page") {
        Some("1") => ok(r#"{"data":[
            {"id":"a","updated":"s1"}, {"id":"b","dead":true}, {"id":"c","updated":"s2"}, {"id":"d","updated":"s2"},
            {"id":"d","dead":true}, {"id":"e","dead":true}, {"id":"e","updated":"s3"}], "more":true}"#),
        _ => ok(r#"{"data":[{"id":"c","dead":1}, {"id":"a","updated":"s4"}, {"id":"f","dead":false,"updated":"s5"}],
            "more":false,"lost":["g",{"id":7}]}"#),
    })
    .await;
    let paging = "gone = \"/lost\"\npaging = { kind = \"page\", parameter = \"page\", more = \"/more\" }";
    let description = description(paging, "at = \"/x\"", "[record]\ndeleted = \"dead\"");
    let found = told(changes(&server, &description, "\"5\"").await.unwrap());
    assert_eq!(found.0, ["a s4", "e s3", "f s5"]);
    assert_eq!(found.1, ["7", "b", "c", "d", "g"]);
    assert_eq!(server.asked()[0].target, "/api/things?fields=id%2Cupdated%2Cdead&since=%225%22&page=1");
    assert_eq!(server.asked().len(), 2);
}

/// In a body the mark is JSON, as versions are sent.
#[tokio::test]
async fn a_mark_may_go_into_a_body() {
    let server = Server::start(|_| ok(r#"{"data":[]}"#)).await;
    let description = description("method = \"POST\"\nbody = '{\"after\":{since}}'", "at = \"/x\"", "");
    for since in ["12", "12:a"] {
        told(changes(&server, &description, since).await.unwrap());
    }
    let bodies: Vec<String> = server.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(bodies, [r#"{"after":12}"#, r#"{"after":"12:a"}"#]);
}

#[tokio::test]
async fn a_mark_that_is_too_old_or_of_another_history_has_expired() {
    async fn feed(answers: Answer, since: &str) -> Result<Feed, RemoteError> {
        let server = Server::start(move |_| answers.clone()).await;
        let rule = "[errors]\n[[errors.rules]]\nstatus = [400, 200]\nat = \"/code\"\nis = \"OLD\"\nmeans = \"expired\"";
        changes(&server, &description("", "header = \"X-Mark\"", rule), since).await
    }
    let nothing = || ok(r#"{"data":[]}"#);
    for (answers, expired) in [
        (answer(410, ""), true),
        (answer(400, r#"{"code":"OLD"}"#), true),
        (ok(r#"{"code":"OLD"}"#), true),
        (nothing(), false),
        (nothing().with("x-mark", "\"20\""), false),
        (nothing().with("x-mark", "\"21\""), false),
        // The server was put back to an earlier state.
        (nothing().with("x-mark", "\"9\""), true),
        (nothing().with("x-mark", "\"none\""), false),
    ] {
        let shown = format!("{answers:?}");
        assert_eq!(feed(answers, "20").await.unwrap() == Feed::Expired, expired, "{shown}");
    }
    for (answers, message) in [
        (answer(400, r#"{"message":"bad"}"#), "was answered with 400: bad"),
        (answer(404, ""), "there is no such thing"),
        (ok("{}"), "was answered with nothing at /data"),
        (ok(r#"{"data":[{"updated":"s"}]}"#), "JSON of an unknown form"),
    ] {
        let error = feed(answers, "20").await.unwrap_err();
        assert!(error.message.contains(message), "{error}");
    }
}

/// An expired mark is nobody's affair but the feed's.
#[tokio::test]
async fn a_rule_for_expired_marks_holds_for_no_other_request() {
    let server = Server::start(|_| answer(400, r#"{"message":"bad"}"#)).await;
    let rule = "[errors]\nmessage = \"/message\"\n[[errors.rules]]\nstatus = 400\nmeans = \"expired\"";
    let rest = server.rest(&description("", "at = \"/x\"", rule));
    let object = object();
    let error = rest.count(View { object: &object, filter: None }).await.unwrap_err();
    assert!(error.message.contains("was answered with 400: bad"), "{error}");
}

/// A record that leaves the filter could not be told.
#[tokio::test]
async fn there_is_no_feed_for_a_filter_that_cannot_be_asked_for_with_the_changes() {
    let server = Server::start(|_: &Asked| ok(r#"{"data":[],"at":7}"#)).await;
    let object = object();
    let filtered = View { object: &object, filter: Some("stage=won") };
    for (changes, mark) in [("", None), ("filter = \"query\"", Some(Mark("7".into())))] {
        let rest = server.rest(&description(changes, "at = \"/at\"", ""));
        assert!(rest.capabilities().change_feed);
        assert_eq!(rest.mark(filtered).await.unwrap(), mark, "{changes}");
        let feed = rest.changes(filtered, &Mark("7".into())).await.unwrap();
        assert_eq!(feed == Feed::Expired, mark.is_none());
    }
    let last = server.asked().pop().unwrap();
    assert_eq!(last.target, "/api/things?fields=id%2Cupdated&since=7&stage=won");
}

#[tokio::test]
async fn without_a_description_of_changes_there_is_no_feed() {
    let server = Server::start(|_| ok("{}")).await;
    let rest = server.rest("[list]\npath = \"/l\"\nitems = \"/data\"\n[get]\npath = \"/g/{id}\"\n");
    assert!(!rest.capabilities().change_feed);
    let object = object();
    let view = View { object: &object, filter: None };
    assert_eq!(rest.mark(view).await.unwrap(), None);
    assert_eq!(rest.changes(view, &Mark("1".into())).await.unwrap(), Feed::Expired);
    assert_eq!(server.asked().len(), 0);
}
