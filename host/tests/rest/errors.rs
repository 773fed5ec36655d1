//! What answers mean: by the rules of the description, and by their status.

use crate::server::{Answer, Server, answer, ok, thing};
use host::ports::{Remote, RemoteError, Scope, View, WriteError};
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Kind, Value};

const DESCRIPTION: &str = r#"
[list]
path = "/{resource}"
items = "/data"
[count]
path = "/{resource}"
at = "/total"
[get]
path = "/{resource}/{id}"
record = "/data"
[insert]
path = "/{resource}"
record = "/data"
[update]
path = "/{resource}/{id}"
record = "/data"
[delete]
path = "/{resource}/{id}"
[lock]
kind = "if-match"
value = "{updated}"
[record]
tick = "0s"
[errors]
message = ["/error/text", "/message"]
code = "/error/code"
[[errors.rules]]
status = [200, 207]
at = "/ok"
is = false
means = "refused"
[[errors.rules]]
on = ["update", "delete"]
status = 422
at = "/error/code"
is = "STALE"
means = "moved"
[[errors.rules]]
status = 400
at = "/error/code"
is = "NOT_FOUND"
means = "gone"
[[errors.rules]]
at = "/session/expired"
means = "login"
[[errors.rules]]
status = 599
means = "refused"
"#;

fn object() -> Object {
    thing(None, &[("name", Kind::Text(99))])
}

fn token() -> RemoteToken {
    RemoteToken { updated: "s1".into(), version: None }
}

/// What an update, an insert and a delete come to that are answered like this, the record being found at a stamp.
async fn writes(write: Answer, stamp: Option<&'static str>) -> [WriteError; 3] {
    let server = Server::start(move |asked| match (asked.method.as_str(), stamp) {
        ("GET", Some(stamp)) => ok(format!(r#"{{"data":{{"id":"1","updated":"{stamp}","name":"old"}}}}"#)),
        ("GET", None) => answer(404, ""),
        _ => write.clone(),
    })
    .await;
    let rest = server.rest(DESCRIPTION);
    let (object, id, row) = (object(), RemoteId("1".into()), vec![Value::Text("new".into())]);
    let update = rest.update(&object, &id, &token(), &[(0, row[0].clone())]).await.unwrap_err();
    let insert = rest.insert(&object, &row).await.unwrap_err();
    let delete = rest.delete(&object, &id, &token()).await.err().unwrap_or(WriteError::NoVersion);
    [update, insert, delete]
}

/// Short for an error.
fn kind(error: &WriteError) -> String {
    match error {
        WriteError::Refused { code, message } => format!("{code}: {message}"),
        WriteError::Moved => "moved".into(),
        WriteError::Gone => "gone".into(),
        // What `writes` makes of success.
        WriteError::NoVersion => "done".into(),
        WriteError::FateUnknown { may_still_run, .. } => format!("unknown {may_still_run}"),
        WriteError::Remote(error) => format!("{:?}", error.scope),
    }
}

#[tokio::test]
async fn every_answer_to_a_write_has_a_meaning() {
    let stale = r#"{"error":{"code":"STALE","text":"newer"}}"#;
    let twice = r#"{"error":{"code":"TWICE","text":"there is\n such a name"}}"#;
    for (write, stamp, expected) in [
        (ok(r#"{"ok":false,"error":{"code":"E1","text":"no"}}"#), "s1", ["E1: no", "E1: no", "E1: no"]),
        (answer(400, r#"{"message":"bad"}"#), "s1", ["refused: bad"; 3]),
        (answer(422, stale), "s1", ["moved", "STALE: newer", "moved"]),
        (
            answer(412, ""),
            "s1",
            ["moved", "refused: POST /api/things for `thing` was answered with 412", "moved"],
        ),
        // A 409 is asked about.
        (answer(409, twice), "s1", ["TWICE: there is such a name"; 3]),
        (answer(409, twice), "s2", ["moved", "TWICE: there is such a name", "moved"]),
        (answer(404, ""), "s1", ["gone", "Object", "done"]),
        (answer(410, ""), "s1", ["gone", "Object", "done"]),
        (
            answer(400, r#"{"error":{"code":"NOT_FOUND","text":"no"}}"#),
            "s1",
            ["gone", "NOT_FOUND: no", "done"],
        ),
        (answer(401, ""), "s1", ["Run"; 3]),
        (answer(403, r#"{"message":"not you"}"#), "s1", ["refused: not you"; 3]),
        (ok(r#"{"session":{"expired":1}}"#), "s1", ["Run"; 3]),
        (answer(302, "").with("location", "/elsewhere"), "s1", ["Object"; 3]),
        (answer(599, r#"{"message":"never"}"#), "s1", ["refused: never"; 3]),
        (answer(503, ""), "s1", ["unknown false", "unknown false", "unknown false"]),
        (answer(504, ""), "s1", ["unknown true"; 3]),
    ] {
        let shown = format!("{write:?} {stamp}");
        let found = writes(write, Some(stamp)).await;
        assert_eq!(found.each_ref().map(kind), expected, "{shown}");
    }
}

/// A proxy or a login page may answer everything with success: nothing is known.
#[tokio::test]
async fn a_page_is_no_success() {
    let page = || ok("<!DOCTYPE html><title>Log in</title>").with("content-type", "text/html; charset=utf-8");
    let found = writes(page(), Some("s1")).await;
    assert_eq!(found.each_ref().map(kind), ["unknown true"; 3]);
    let WriteError::FateUnknown { message, .. } = &found[0] else { panic!("{found:?}") };
    assert!(message.contains("PATCH /api/things/1 for `thing` was answered with a web page"), "{message}");
    let server = Server::start(move |_| page()).await;
    let rest = server.rest(&format!("[connect]\npath = \"/me\"\n{DESCRIPTION}"));
    let object = object();
    for error in [
        rest.connect().await.unwrap_err(),
        rest.count(View { object: &object, filter: None }).await.unwrap_err(),
        rest.details(&object, &[RemoteId("1".into())]).await.unwrap_err(),
    ] {
        assert!(error.message.contains("was answered with a web page (text/html; charset=utf-8)"), "{error}");
        assert!(error.help.unwrap().contains("check `url`: a proxy or a login page"));
    }
}

/// Where the server wants another path, the description is what may have to follow.
#[tokio::test]
async fn a_redirect_names_where_to_go_and_what_to_change() {
    for (location, helps) in [
        ("/api/things/", "let `url`, or the `path` in the description, lead there"),
        ("https://crm.example/api/things", "put its address into `url`"),
    ] {
        let server = Server::start(move |_| answer(308, "").with("location", location)).await;
        let object = object();
        let error = server.rest(DESCRIPTION).count(View { object: &object, filter: None }).await.unwrap_err();
        assert!(error.message.contains("was redirected to http"), "{error}");
        assert!(error.help.as_ref().unwrap().contains(helps), "{error:?}");
    }
}

/// Whatever a server repeats of the login, and wherever it puts it, no message has it.
#[tokio::test]
async fn no_error_repeats_the_login() {
    let echo =
        r#"{"message":"Bearer hunter2","error":{"text":"token hunter2!","code":"hunter2"},"ok":false}"#;
    for status in [200, 400, 401, 403, 404, 409, 412, 422, 500, 503] {
        let server = Server::start(move |_| answer(status, echo).with("location", "/hunter2")).await;
        let rest = server.rest(DESCRIPTION);
        let (object, id, row) = (object(), RemoteId("1".into()), vec![Value::Text("new".into())]);
        let view = View { object: &object, filter: None };
        let told = [
            format!("{:?}", rest.count(view).await),
            format!("{:?}", rest.details(&object, std::slice::from_ref(&id)).await),
            format!("{:?}", rest.insert(&object, &row).await),
            format!("{:?}", rest.update(&object, &id, &token(), &[(0, row[0].clone())]).await),
            format!("{:?}", rest.delete(&object, &id, &token()).await),
        ];
        for told in told {
            assert!(!told.contains("hunter2"), "{status}: {told}");
        }
    }
    let server =
        Server::start(|_| answer(302, "").with("location", "https://hunter2.example/hunter2?hunter2")).await;
    let object = object();
    let error = server.rest(DESCRIPTION).count(View { object: &object, filter: None }).await.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// A 500 may have been carried out: the record tells, and where it does not, nobody knows.
#[tokio::test]
async fn after_a_500_the_record_is_asked() {
    let failed = || answer(500, r#"{"message":"oops"}"#);
    let [update, insert, delete] = writes(failed(), Some("s1")).await.map(|error| kind(&error));
    assert!(
        update.starts_with("refused: PATCH /api/things/1 for `thing` was answered with 500: oops"),
        "{update}"
    );
    assert_eq!((insert.as_str(), delete.as_str()), ("unknown false", "unknown false"));
    let [update, _, delete] = writes(failed(), Some("s2")).await.map(|error| kind(&error));
    assert_eq!((update.as_str(), delete.as_str()), ("unknown false", "unknown false"));
    let [update, _, delete] = writes(failed(), None).await.map(|error| kind(&error));
    assert_eq!((update.as_str(), delete.as_str()), ("unknown false", "done"));
}

#[tokio::test]
async fn an_insert_that_is_answered_without_an_id_is_not_sent_again() {
    for body in ["", "{}", r#"{"data":{"name":"x"}}"#, "<html>"] {
        let server = Server::start(move |_| ok(body)).await;
        let error =
            server.rest(DESCRIPTION).insert(&object(), &vec![Value::Text("x".into())]).await.unwrap_err();
        assert_eq!(kind(&error), "unknown true", "{body}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn every_answer_to_a_reading_request_has_a_meaning() {
    async fn count(answers: Answer) -> RemoteError {
        let server = Server::start(move |_| answers.clone()).await;
        let object = object();
        server.rest(DESCRIPTION).count(View { object: &object, filter: None }).await.unwrap_err()
    }
    for (answers, scope, message) in [
        (
            ok(r#"{"ok":false,"error":{"text":"no such view"}}"#),
            Scope::Object,
            "was answered with 200: no such view",
        ),
        (answer(401, r#"{"message":"hunter2 is wrong"}"#), Scope::Run, "failed to log in: GET /api/things"),
        (ok(r#"{"session":{"expired":true},"message":"again"}"#), Scope::Run, "with 200: again"),
        (answer(404, ""), Scope::Object, "there is no such thing"),
        (answer(500, r#"{"message":"oops"}"#), Scope::Object, "was answered with 500: oops"),
        (answer(500, r#"{"message":"oo\u202eps\u2028\u001bnow"}"#), Scope::Object, "with 500: oo ps now"),
        (
            answer(301, "").with("location", "http://elsewhere/x"),
            Scope::Object,
            "was redirected to http://elsewhere/x",
        ),
    ] {
        let error = count(answers).await;
        assert_eq!(error.scope, scope, "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_server_is_asked_whether_it_is_there_where_that_is_described() {
    for (answers, works) in [(ok("{}"), true), (answer(404, ""), false), (answer(401, ""), false)] {
        let server = Server::start(move |_| answers.clone()).await;
        assert!(server.rest(DESCRIPTION).connect().await.is_ok());
        let connected = server.rest(&format!("[connect]\npath = \"/me\"\n{DESCRIPTION}")).connect().await;
        assert_eq!(connected.is_ok(), works);
        assert!(connected.is_ok() || connected.unwrap_err().scope == Scope::Run);
        assert_eq!(server.lines(), ["GET /api/me"]);
    }
}
