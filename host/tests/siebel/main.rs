//! The Siebel adapter against the reference CRM: every method, and every quirk that it has to know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod listing;

use crm::{Action, Change, Config, Fault, Server, Visibility};
use futures_util::TryStreamExt;
use host::ports::{Remote, RemoteError, Scope, View, WriteError};
use host::remote::Settings;
use host::remote::siebel::{Siebel, SiebelOptions};
use std::time::Duration;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::{Descriptor, Field, Object, Resource, Traits, UserKey};
use sync_core::value::{Kind, Row, Value};

const SUBJECT: usize = 0;
const DUE: usize = 1;
const DONE: usize = 2;
const UID: usize = 3;

fn object(name: &str, path: &str, fields: &[(&str, Kind)]) -> Object {
    let field = |(name, kind): &(&str, Kind)| {
        let create_only = *name == "Activity UID";
        let computed = *name == "Opportunity Number";
        let traits = Traits { create_only, computed, read_only: computed, ..Traits::default() };
        Field { name: (*name).into(), kind: kind.clone(), traits }
    };
    let remote: Vec<Field> = fields.iter().map(field).collect();
    let local = remote.iter().map(|field| Field { name: column(&field.name), ..field.clone() }).collect();
    let resource = Resource {
        path: path.into(),
        id: "Id".into(),
        updated: "Updated".into(),
        version: Some("Mod Id".into()),
        created: Some("Created".into()),
    };
    let user_keys = vec![vec![fields[0].0.into()]];
    Descriptor { name: name.into(), mapping_version: 1, local, remote, resource, user_keys }
        .try_into()
        .unwrap()
}

fn column(name: &str) -> String {
    name.to_lowercase().replace([' ', '#'], "_")
}

fn activity() -> Object {
    let fields = [
        ("Description", Kind::Text(250)),
        ("Due", Kind::Timestamp),
        ("Done Flag", Kind::Boolean),
        ("Activity UID", Kind::Text(30)),
    ];
    object("activity", "Action/Action", &fields)
}

fn account() -> Object {
    object("account", "Account/Account", &[("Name", Kind::Text(100)), ("Annual Revenue", Kind::Decimal(2))])
}

fn view(object: &Object) -> View<'_> {
    View { object, filter: None }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

async fn start() -> (Server, Siebel) {
    let server = Server::start(Config::default()).await.unwrap();
    let siebel = siebel(&server.url(), SiebelOptions::default());
    (server, siebel)
}

fn siebel(url: &str, options: SiebelOptions) -> Siebel {
    let settings = Settings::new(url.parse().unwrap())
        .basic("SADMIN", "SADMIN")
        .patience(Duration::from_millis(400), Duration::from_millis(300));
    Siebel::new(settings, options).unwrap()
}

async fn keys(siebel: &Siebel, view: View<'_>) -> Result<Vec<RemoteKey>, RemoteError> {
    siebel.change_keys(view).try_concat().await
}

async fn token(siebel: &Siebel, object: &Object, id: &RemoteId) -> RemoteToken {
    siebel.details(object, std::slice::from_ref(id)).await.unwrap().remove(0).key.token
}

/// A server with one activity, and what is known of it.
async fn one_activity() -> (Server, Siebel, Object, RemoteId, RemoteToken) {
    let (server, siebel) = start().await;
    let id =
        RemoteId(server.store().insert("Action", &[("Description", "Call"), ("Done Flag", "N")]).unwrap());
    let object = activity();
    let token = token(&siebel, &object, &id).await;
    (server, siebel, object, id, token)
}

#[tokio::test]
async fn counts_and_lists_by_key_set() {
    let (server, siebel) = start().await;
    let object = activity();
    assert_eq!(siebel.count(view(&object)).await.unwrap(), Some(0));
    assert_eq!(keys(&siebel, view(&object)).await.unwrap(), []);
    for number in 0..230 {
        server.store().insert("Action", &[("Description", &format!("Call {number}"))]).unwrap();
    }
    assert_eq!(siebel.count(view(&object)).await.unwrap(), Some(230));
    let listed = keys(&siebel, view(&object)).await.unwrap();
    assert_eq!(listed.len(), 230);
    assert_eq!(listed[0].token.version.as_deref(), Some("0"));
    assert!(listed[0].created.is_some());
    let requests = siebel.requests(&object.name);
    assert_eq!((requests.count, requests.keys), (2, 4));

    let filtered =
        View { object: &object, filter: Some("[Description] = 'Call 7' OR [Description] = 'Call 8'") };
    assert_eq!(siebel.count(filtered).await.unwrap(), Some(2));
    assert_eq!(keys(&siebel, filtered).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_count_without_a_total_is_unknown_and_a_wrong_object_is_no_emptiness() {
    let (server, siebel) = start().await;
    let wrong = object("account", "Acount/Acount", &[("Name", Kind::Text(9))]);
    let error = siebel.count(view(&wrong)).await.unwrap_err();
    assert_eq!(error.scope, Scope::Object);
    assert!(error.message.contains("SBL-DAT-00222"), "{error}");
    server.fault(Fault::new("GET", "", Action::Status(200, r#"{"items":[]}"#.into())));
    assert_eq!(siebel.count(view(&account())).await.unwrap(), None);
}

#[tokio::test]
async fn an_address_that_is_too_long_says_what_to_shorten() {
    let (_server, siebel) = start().await;
    let names: Vec<String> = (0..400).map(|number| format!("A Rather Long Field {number}")).collect();
    let fields: Vec<(&str, Kind)> = names.iter().map(|name| (name.as_str(), Kind::Text(10))).collect();
    let wide = object("wide", "Action/Action", &fields);
    let error = siebel.details(&wide, &[RemoteId("1-A".into())]).await.unwrap_err();
    assert!(error.message.ends_with("bytes: the object has too many fields for one request"), "{error}");
    assert_eq!(error.help.unwrap(), "leave some of the remote fields out of its plugin");

    let filter = format!("[Description] = '{}'", "a".repeat(9_000));
    let object = activity();
    let error = siebel.count(View { object: &object, filter: Some(&filter) }).await.unwrap_err();
    assert!(error.message.ends_with("bytes") && error.help.unwrap().contains("`filter`"));
}

#[tokio::test]
async fn details_leave_out_what_is_gone_and_split_long_addresses() {
    let (server, siebel) = start().await;
    let object = activity();
    let insert =
        |n: usize| server.store().insert("Action", &[("Description", &*format!("Call {n}"))]).unwrap();
    let mut ids: Vec<RemoteId> = (0..60).map(|number| RemoteId(insert(number))).collect();
    ids.push(RemoteId("88-GONE".into()));
    assert_eq!(siebel.details(&object, &ids).await.unwrap().len(), 60);
    assert_eq!(siebel.requests(&object.name).details, 2, "what is missing is asked for again");
    ids.extend((0..39).map(|number| RemoteId(format!("{number}-{}", "ä".repeat(40)))));
    assert_eq!(siebel.details(&object, &ids).await.unwrap().len(), 60);
    assert_eq!(
        siebel.requests(&object.name).details,
        6,
        "halved, and one half again, and what is missing in that"
    );
    assert!(server.requests().iter().all(|request| server.origin().len() + request.target.len() < 8192));
    assert_eq!(siebel.details(&object, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn values_have_their_kinds_and_wrong_ones_do_not_fail_the_page() {
    let (server, siebel) = start().await;
    let fields = [("Description", "O'Hara"), ("Due", "02/29/2024 10:00:01"), ("Done Flag", "Y")];
    let id = RemoteId(server.store().insert("Action", &fields).unwrap());
    let due = Value::Timestamp(1_709_200_801_000_000);
    let expected: Row = vec![text("O'Hara"), due, Value::Boolean(true), Value::Null];
    assert_eq!(siebel.details(&activity(), std::slice::from_ref(&id)).await.unwrap()[0].row, expected);
    let odd = object("activity", "Action/Action", &[("Description", Kind::Integer)]);
    assert_eq!(siebel.details(&odd, &[id]).await.unwrap()[0].row, [text("O'Hara")]);
}

#[tokio::test]
async fn a_user_key_is_looked_up_in_its_own_view() {
    let (server, narrow) = start().await;
    let options = SiebelOptions { user_key_view_mode: "All".into(), ..SiebelOptions::default() };
    let wide = siebel(&server.url(), options);
    let fields = [("Description", "It's *"), ("Due", "02/29/2024 10:00:01")];
    server.store().insert_visible("Action", Visibility::All, &fields).unwrap();
    let object = activity();
    let key = UserKey {
        parts: vec![
            (SUBJECT, text("It's *")),
            (DUE, Value::Timestamp(1_709_200_801_000_000)),
            (UID, Value::Null),
        ],
    };
    assert_eq!(narrow.find(&object, &key).await.unwrap(), []);
    assert_eq!(wide.find(&object, &key).await.unwrap().len(), 1);
    assert_eq!(wide.requests(&object.name).query, 1);
}

#[tokio::test]
async fn an_insert_is_read_back() {
    let (server, siebel) = start().await;
    let fields = [("Name", Kind::Text(100)), ("Opportunity Number", Kind::Text(30))];
    let object = object("opportunity", "Opportunity/Opportunity", &fields);
    let written = siebel.insert(&object, &vec![text("Deal  "), text("mine")]).await.unwrap();
    assert_eq!(written.row, Some(vec![text("Deal"), text("OPP-000001")]));
    assert_eq!(written.token.version.as_deref(), Some("0"));
    assert!(written.created.is_some());
    assert_eq!(server.requests()[0].body, r#"{"Name":"Deal  "}"#);
    let requests = siebel.requests(&object.name);
    assert_eq!((requests.write, requests.query), (1, 1));
}

#[tokio::test]
async fn an_insert_that_somebody_edits_at_once_keeps_our_version() {
    let (server, siebel) = start().await;
    let edit = Change::update("Account", "", &[("Name", "Theirs")]);
    server.fault(Fault::new("POST", "", Action::After(edit)));
    let written = siebel.insert(&account(), &vec![text("Ours"), Value::Null]).await.unwrap();
    assert_eq!(written.row, None);
    assert_eq!(written.token, RemoteToken::of_version(Some("0".into())));
}

#[tokio::test]
async fn the_fate_of_an_insert() {
    let (server, siebel) = start().await;
    let (object, row) = (account(), vec![text("Acme"), Value::Null]);
    for (action, may_still) in [
        (Action::DropAfter, false),
        (Action::DropBefore, false),
        (Action::StatusAfter(502, String::new()), false),
        (Action::StatusAfter(504, String::new()), true),
        (Action::Delay(Duration::from_secs(1)), true),
        // Done, says the server, and not with which record.
        (Action::Status(200, "{}".into()), true),
        (Action::Status(202, String::new()), true),
        (Action::StatusAfter(201, "oops".into()), true),
    ] {
        server.fault(Fault::new("POST", "", action.clone()));
        match siebel.insert(&object, &row).await {
            Err(WriteError::FateUnknown { may_still_run, .. }) => {
                assert_eq!(may_still_run, may_still, "{action:?}")
            }
            other => panic!("{action:?}: {other:?}"),
        }
    }
    assert_eq!(server.requests().len(), 8, "an insert is never repeated");
    // A data error: the server's words are kept.
    match siebel.insert(&object, &vec![text(&"x".repeat(101)), Value::Null]).await {
        Err(WriteError::FateUnknown { message, may_still_run: false }) => {
            assert!(message.contains("SBL-DAT-00523"))
        }
        other => panic!("{other:?}"),
    }
    server.fault(Fault::new("POST", "", Action::Status(406, r#"{"ERROR":"SBL-DAT-1: no"}"#.into())));
    let refused = WriteError::Refused { code: "SBL-DAT-1".into(), message: "SBL-DAT-1: no".into() };
    assert_eq!(siebel.insert(&object, &row).await, Err(refused));
}

#[tokio::test]
async fn an_update_sends_the_changes_alone() {
    let (server, siebel, object, id, token) = one_activity().await;
    server.clear_requests();
    let changes = [(DONE, Value::Boolean(true)), (DUE, Value::Null), (UID, text("late"))];
    let written = siebel.update(&object, &id, &token, &changes).await.unwrap();
    assert_eq!(written.row, Some(vec![text("Call"), Value::Null, Value::Boolean(true), Value::Null]));
    assert_eq!(written.token.version.as_deref(), Some("1"));
    let requests = server.requests();
    assert_eq!(
        requests.iter().map(|request| request.method.as_str()).collect::<Vec<_>>(),
        ["GET", "PUT", "GET"]
    );
    assert_eq!(requests[1].body, r#"{"Done Flag":"Y","Due":""}"#);
    // Our own write is the next expectation, also when only its version is known.
    let ours = RemoteToken::of_version(Some("1".into()));
    assert!(siebel.update(&object, &id, &ours, &[(SUBJECT, text("Call again"))]).await.is_ok());
}

#[tokio::test]
async fn an_update_never_overwrites_and_never_brings_back() {
    let (server, siebel, object, id, token) = one_activity().await;
    let changes = [(SUBJECT, text("Ours"))];
    assert_eq!(
        siebel.update(&object, &id, &RemoteToken::unsettled(), &changes).await,
        Err(WriteError::Moved)
    );
    server.store().update("Action", &id.0, &[("Description", "Theirs")]).unwrap();
    assert_eq!(siebel.update(&object, &id, &token, &changes).await, Err(WriteError::Moved));
    let token = self::token(&siebel, &object, &id).await;
    // Deleted between the read and the write.
    server.store().advance(1);
    server.fault(Fault::new("PUT", "", Action::Before(Change::delete("Action", ""))));
    assert_eq!(siebel.update(&object, &id, &token, &changes).await, Err(WriteError::Gone));
    assert_eq!(server.store().count("Action"), 0);
    assert_eq!(siebel.update(&object, &id, &token, &changes).await, Err(WriteError::Gone));
    assert_eq!(server.requests().iter().filter(|request| request.method == "PUT").count(), 1);
}

/// An answer of a server that lags behind: the record as it was at a version before.
fn earlier(id: &RemoteId, created: &str) -> Action {
    let key = format!(r#""Id":"{}","Created":"{created}","Updated":"{created}","Mod Id":"0""#, id.0);
    Action::Status(200, format!(r#"{{{key},"Description":"Call","Done Flag":"N"}}"#))
}

#[tokio::test]
async fn an_older_version_of_the_same_record_does_not_make_it_another() {
    let (server, siebel, object, id, _) = one_activity().await;
    let created = server.store().get("Action", &id.0).unwrap()["Created"].clone();
    server.store().update("Action", &id.0, &[("Due", "02/29/2024 10:00:01")]).unwrap();
    let token = token(&siebel, &object, &id).await;
    server.fault(Fault::new("GET", "", earlier(&id, &created)).skip(1));
    let written = siebel.update(&object, &id, &token, &[(DONE, Value::Boolean(true))]).await.unwrap();
    assert_eq!((written.token, written.row), (RemoteToken::of_version(Some("2".into())), None));
    assert_eq!(server.store().get("Action", &id.0).unwrap()["Done Flag"], "Y");
}

#[tokio::test]
async fn what_an_update_has_brought_back_is_deleted_only_if_it_is_certain() {
    let theirs = Change::update("Action", "", &[("Due", "02/29/2024 10:00:01")]);
    let changes = [(SUBJECT, text("Ours"))];
    // Another read shows that nothing was brought back, or that somebody has filled it since.
    for is_there in [true, false] {
        let (server, siebel, object, id, token) = one_activity().await;
        if is_there {
            server.fault(Fault::new("GET", "", earlier(&id, "01/01/2001 00:00:00")).skip(1));
        } else {
            server.store().advance(1);
            server.fault(Fault::new("PUT", "", Action::Before(Change::delete("Action", ""))));
            server.fault(Fault::new("PUT", "", Action::After(theirs.clone())));
        }
        let update = siebel.update(&object, &id, &token, &changes).await;
        assert!(matches!(update, Err(WriteError::FateUnknown { .. })), "{update:?}");
        assert_eq!(server.store().get("Action", &id.0).unwrap()["Description"], "Ours");
        assert!(server.requests().iter().all(|request| request.method != "DELETE"));
    }
}

#[tokio::test]
async fn a_version_that_is_not_there_stops_the_write() {
    let (server, siebel, object, id, token) = one_activity().await;
    let body = format!(r#"{{"Id":"{}","Updated":"01/01/2024 00:00:00"}}"#, id.0);
    server.fault(Fault::new("GET", "", Action::Status(200, body)).times(2));
    let update = siebel.update(&object, &id, &token, &[(DONE, Value::Boolean(true))]).await;
    assert_eq!(update, Err(WriteError::NoVersion));
    assert_eq!(siebel.delete(&object, &id, &token).await, Err(WriteError::NoVersion));
}

#[tokio::test]
async fn the_query_after_an_update_is_a_race_too() {
    let (server, siebel, object, id, token) = one_activity().await;
    let edit = Change::update("Action", "", &[("Description", "Theirs")]);
    server.fault(Fault::new("PUT", "", Action::After(edit)));
    let written = siebel.update(&object, &id, &token, &[(DONE, Value::Boolean(true))]).await.unwrap();
    assert_eq!((written.token, written.row), (RemoteToken::of_version(Some("1".into())), None));
}

#[tokio::test]
async fn an_update_without_an_answer_is_looked_up() {
    let (server, siebel, object, id, token) = one_activity().await;
    server.fault(Fault::new("PUT", "", Action::DropAfter));
    let written = siebel.update(&object, &id, &token, &[(SUBJECT, text("Ours"))]).await.unwrap();
    assert_eq!(written.token.version.as_deref(), Some("1"));
    server.fault(Fault::new("PUT", "", Action::DropBefore));
    let lost = siebel.update(&object, &id, &written.token, &[(SUBJECT, text("Later"))]).await;
    assert!(matches!(lost, Err(WriteError::FateUnknown { may_still_run: false, .. })), "{lost:?}");
    // A data error that left the version alone is a refusal.
    match siebel.update(&object, &id, &written.token, &[(SUBJECT, Value::Null)]).await {
        Err(WriteError::Refused { code, .. }) => assert_eq!(code, "SBL-DAT-00498"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_delete_is_guarded_and_gone_is_success() {
    let (server, siebel, object, id, token) = one_activity().await;
    server.store().update("Action", &id.0, &[("Done Flag", "Y")]).unwrap();
    assert_eq!(siebel.delete(&object, &id, &token).await, Err(WriteError::Moved));
    let token = self::token(&siebel, &object, &id).await;
    server.fault(Fault::new("DELETE", "", Action::DropBefore));
    let lost = siebel.delete(&object, &id, &token).await;
    assert!(matches!(lost, Err(WriteError::FateUnknown { .. })), "{lost:?}");
    server.fault(Fault::new("DELETE", "", Action::DropAfter));
    assert_eq!(siebel.delete(&object, &id, &token).await, Ok(()));
    assert_eq!(siebel.delete(&object, &id, &token).await, Ok(()));
    assert_eq!(server.store().count("Action"), 0);
}

#[tokio::test]
async fn reads_are_repeated() {
    let (server, siebel) = start().await;
    server.store().insert("Account", &[("Name", "Acme")]).unwrap();
    let object = account();
    for action in [Action::DropBefore, Action::TruncateBody, Action::Status(503, String::new())] {
        server.fault(Fault::new("GET", "", action.clone()));
        assert_eq!(keys(&siebel, view(&object)).await.map(|keys| keys.len()), Ok(1), "{action:?}");
    }
    server.fault(Fault::new("GET", "", Action::Status(503, String::new())).always());
    let error = siebel.count(view(&object)).await.unwrap_err();
    assert_eq!((error.scope, error.message.contains("503")), (Scope::Object, true));
}

#[tokio::test]
async fn failures_name_the_request_and_no_secret() {
    let (server, siebel) = start().await;
    let object = account();
    server.fault(Fault::new("GET", "", Action::Html));
    let error = siebel.count(view(&object)).await.unwrap_err();
    assert_eq!(error.scope, Scope::Object);
    assert!(error.message.contains("web page") && error.message.contains("Account/Account"), "{error}");
    server.fault(Fault::new("GET", "", Action::Garbage));
    assert!(keys(&siebel, view(&object)).await.unwrap_err().message.contains("not whole JSON"));

    let settings = Settings::new(server.url().parse().unwrap()).basic("SADMIN", "wr0ng-pass");
    let stranger = Siebel::new(settings, SiebelOptions::default()).unwrap();
    server.fault(Fault::new("GET", "", Action::Status(401, "wr0ng-pass is wrong".into())));
    let error = stranger.count(view(&object)).await.unwrap_err();
    assert_eq!(error.scope, Scope::Run);
    assert!(!error.message.contains("wr0ng-pass"), "{error}");
    let update = stranger.insert(&object, &vec![text("Acme"), Value::Null]).await;
    assert!(matches!(update, Err(WriteError::Remote(RemoteError { scope: Scope::Run, .. }))), "{update:?}");

    server.stop().await;
    let error = siebel.count(view(&object)).await.unwrap_err();
    assert_eq!(
        (error.scope, error.message.starts_with("failed to reach http://127.0.0.1")),
        (Scope::Run, true)
    );
    let insert = siebel.insert(&object, &vec![text("Acme"), Value::Null]).await;
    assert!(matches!(insert, Err(WriteError::Remote(_))), "{insert:?}");
}
