//! Logins that the transport has: a key in a header, and tokens that another server gives out.

use crate::server::{Request, Server};
use crate::{DAY, EMPTY, count, failure, insert, remote, says, settings};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use host::ports::{Remote, Scope, WriteError};
use host::remote::tryton::Tryton;
use host::remote::{ClientAuth, Credentials, OAuth2, Settings};
use std::time::Duration;

const SECRET: &str = "s3cret & more";

#[tokio::test]
async fn a_key_goes_into_its_header_and_into_no_message() {
    let server = Server::start(async |number, _| match number {
        0 => EMPTY.into_response(),
        _ => (StatusCode::UNAUTHORIZED, r#"{"error":"no such key: k3y-k3y"}"#).into_response(),
    })
    .await;
    let key = Credentials::ApiKey { header: "x-api-key".parse().unwrap(), key: "k3y-k3y".into() };
    let remote = remote(settings(&server.url("http", "127.0.0.1")).identified(key));
    count(&remote).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!((request.header("x-api-key"), request.header("authorization")), (Some("k3y-k3y"), None));
    let error = failure(&remote).await;
    says(&error, &["failed to log in", "no such key: ***"], "`header`");
    assert!(!format!("{error:?}").contains("k3y-k3y"));
}

/// Tryton's session is a login as good as the password.
#[tokio::test]
async fn a_session_that_the_server_repeats_is_in_no_message() {
    let server = Server::start(async |_, request| match request.body.contains("common.db.login") {
        true => r#"{"id":1,"result":[1,"s3ss10n",null]}"#.into_response(),
        false => (StatusCode::INTERNAL_SERVER_ERROR, format!("s3ss10n, sent as {}", token(&request)))
            .into_response(),
    })
    .await;
    let login = Credentials::Basic { username: "me".into(), password: "hunter2".into() };
    let remote = Tryton::new(settings(&server.url("http", "127.0.0.1")).identified(login)).unwrap();
    let error = remote.connect().await.unwrap_err();
    assert!(error.message.contains("***, sent as Session ***"), "{error}");
}

fn client(tokens: &Server) -> OAuth2 {
    OAuth2 {
        token_url: format!("http://{}/token", tokens.address).parse().unwrap(),
        client_id: "host:1".into(),
        client_secret: SECRET.into(),
        scope: Some("crm.read crm.write".into()),
        client_auth: ClientAuth::Basic,
        refresh_token: None,
        scheme: None,
    }
}

fn with(server: &Server, client: OAuth2) -> Settings {
    settings(&server.url("http", "127.0.0.1")).identified(Credentials::OAuth2(client))
}

/// A token endpoint: its tokens are `t0k3n-0`, `t0k3n-1` and so on, with this lifetime.
async fn tokens(expires_in: &'static str) -> Server {
    Server::start(move |number, _| async move {
        format!(r#"{{"access_token":"t0k3n-{number}","token_type":"bearer"{expires_in}}}"#)
    })
    .await
}

/// The token of a request.
fn token(request: &Request) -> String {
    request.header("authorization").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_token_is_fetched_once_and_sent_with_every_request() {
    let (server, tokens) = (Server::start(async |_, _| EMPTY).await, tokens(r#","expires_in":3600"#).await);
    let remote = remote(with(&server, client(&tokens)));
    join_all((0..8).map(|_| count(&remote))).await.into_iter().for_each(|counted| counted.unwrap());
    assert_eq!(server.requests().len(), 8);
    assert!(server.requests().iter().all(|request| token(request) == "Bearer t0k3n-0"));
    let asked = tokens.requests();
    assert_eq!(asked.len(), 1, "whoever needs it meanwhile waits");
    assert_eq!(asked[0].method, "POST");
    assert_eq!(asked[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked[0].body, "grant_type=client_credentials&scope=crm.read+crm.write");
    // `host%3A1:s3cret+%26+more`: the colon of the name is no end of it.
    assert_eq!(token(&asked[0]), "Basic aG9zdCUzQTE6czNjcmV0KyUyNittb3Jl");
}

#[tokio::test]
async fn a_client_can_identify_itself_in_the_body() {
    let (server, tokens) = (Server::start(async |_, _| EMPTY).await, tokens("").await);
    let client = OAuth2 { scope: None, client_auth: ClientAuth::Body, ..client(&tokens) };
    remote(with(&server, client)).connect().await.unwrap();
    let asked = &tokens.requests()[0];
    assert_eq!(asked.body, "grant_type=client_credentials&client_id=host%3A1&client_secret=s3cret+%26+more");
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(server.requests().len(), 0, "to connect is to have a token");
}

/// As Zoho has it: a user's refresh token, a word of its own before the token, and errors that are called a success.
#[tokio::test]
async fn a_users_refresh_token_gets_tokens_under_any_scheme_and_its_refusal_is_told() {
    let (server, granting) = (Server::start(async |_, _| EMPTY).await, tokens("").await);
    let user = |tokens: &Server| OAuth2 {
        refresh_token: Some("1000.r3fresh/+".into()),
        scheme: Some("Zoho-oauthtoken".into()),
        client_auth: ClientAuth::Body,
        scope: None,
        ..client(tokens)
    };
    count(&remote(with(&server, user(&granting)))).await.unwrap();
    assert_eq!(token(&server.requests()[0]), "Zoho-oauthtoken t0k3n-0");
    assert_eq!(
        granting.requests()[0].body,
        "grant_type=refresh_token&refresh_token=1000.r3fresh%2F%2B&client_id=host%3A1&client_secret=s3cret+%26+more"
    );
    let refusing = Server::start(async |_, request| {
        format!(r#"{{"error":"invalid_code","error_description":"not {} or 1000.r3fresh/+"}}"#, request.body)
    })
    .await;
    let error = failure(&remote(with(&server, user(&refusing)))).await;
    says(&error, &["failed to log in: no token from", "invalid_code"], "let a user give a new one");
    for secret in ["r3fresh", "s3cret"] {
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

/// RFC 6749, section 6: a new refresh token ends the old one.
#[tokio::test]
async fn a_new_refresh_token_takes_the_place_of_the_old_one() {
    let server = Server::start(async |_, request| match token(&request).as_str() {
        "Bearer t0k3n-2" => EMPTY.into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    })
    .await;
    let tokens = Server::start(async |number, request| {
        let (next, now) = (number + 1, format!("refresh_token=r3fresh-{number}&"));
        match request.body.contains(&now) {
            true => format!(r#"{{"access_token":"t0k3n-{next}","refresh_token":"r3fresh-{next}"}}"#),
            false => r#"{"error":"invalid_grant","error_description":"r3fresh-1 it is"}"#.to_owned(),
        }
    })
    .await;
    let user = OAuth2 { refresh_token: Some("r3fresh-0".into()), ..client(&tokens) };
    count(&remote(with(&server, user.clone()))).await.unwrap();
    assert_eq!(tokens.requests().len(), 2);
    // Whoever still has the old one is refused, and the new one is a secret like it.
    let error = failure(&remote(with(&server, user))).await;
    says(&error, &["failed to log in: no token from", "invalid_grant"], "let a user give a new one");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let (server, tokens) = (Server::start(async |_, _| EMPTY).await, tokens(r#","expires_in":"3600""#).await);
    let remote = remote(with(&server, client(&tokens)));
    for seconds in [0, 3500, 50] {
        // No request is under way while the clock moves.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        count(&remote).await.unwrap();
    }
    let sent: Vec<String> = server.requests().iter().map(token).collect();
    assert_eq!(sent, ["Bearer t0k3n-0", "Bearer t0k3n-0", "Bearer t0k3n-1"]);
}

#[tokio::test]
async fn a_token_whose_life_is_unknown_is_used_until_the_server_refuses_it() {
    let server = Server::start(async |_, request| match token(&request).as_str() {
        "Bearer t0k3n-0" if request.method == "POST" => StatusCode::UNAUTHORIZED.into_response(),
        _ => EMPTY.into_response(),
    })
    .await;
    let tokens = tokens("").await;
    let remote = remote(with(&server, client(&tokens)));
    count(&remote).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(DAY * 365).await;
    tokio::time::resume();
    count(&remote).await.unwrap();
    assert_eq!(tokens.requests().len(), 1);
    // A write that was refused for its token was not carried out.
    let inserted = insert(&remote).await;
    assert!(matches!(inserted, Err(WriteError::FateUnknown { .. })), "{inserted:?}");
    assert_eq!((server.count("POST"), tokens.requests().len()), (2, 2));
    assert_eq!(token(&server.requests()[3]), "Bearer t0k3n-1");
}

#[tokio::test]
async fn many_requests_that_are_refused_at_once_get_one_new_token() {
    let server = Server::start(async |_, request| match token(&request).as_str() {
        "Bearer t0k3n-0" => StatusCode::UNAUTHORIZED.into_response(),
        _ => EMPTY.into_response(),
    })
    .await;
    let tokens = tokens("").await;
    let remote = remote(with(&server, client(&tokens)));
    join_all((0..8).map(|_| count(&remote))).await.into_iter().for_each(|counted| counted.unwrap());
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn a_server_that_refuses_every_token_is_asked_twice_and_told_of() {
    let server = Server::start(async |_, request| {
        (StatusCode::UNAUTHORIZED, format!(r#"{{"error":"what is {}?"}}"#, token(&request)))
    })
    .await;
    let tokens = tokens("").await;
    let remote = remote(with(&server, client(&tokens)));
    let error = failure(&remote).await;
    says(&error, &["failed to log in", "what is Bearer ***?"], "`scope`");
    assert_eq!((server.requests().len(), tokens.requests().len()), (2, 2));
}

/// What is said of a token endpoint with this answer.
async fn refusal(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (String, String) {
    let server = Server::start(async |_, _| EMPTY).await;
    let tokens = Server::start(move |_, _| {
        let answer = answer();
        async move { answer }
    })
    .await;
    let remote = remote(with(&server, client(&tokens)));
    let error = remote.connect().await.unwrap_err();
    assert_eq!(error.scope, Scope::Run);
    assert_eq!(server.requests().len(), 0);
    assert!(!error.message.contains("s3cret") && !error.message.contains("t0k3n"), "{error}");
    let failed = insert(&remote).await;
    assert!(matches!(failed, Err(WriteError::Remote(_))), "{failed:?}");
    (error.message, error.help.unwrap_or_default())
}

#[tokio::test]
async fn a_token_endpoint_that_gives_no_token_is_explained() {
    let said = |status: StatusCode, body: &'static str| move || (status, body).into_response();
    let client = said(
        StatusCode::UNAUTHORIZED,
        r#"{"error":"invalid_client","error_description":"host%3A1 has not s3cret & more or s3cret+%26+more"}"#,
    );
    let client = refusal(client).await;
    says(
        &client,
        &["no token from http://127.0.0.1:", "/token: invalid_client (host%3A1 has not ***"],
        "client-secret",
    );
    says(&client, &[], "client-auth = \"body\"");
    let scope = said(StatusCode::BAD_REQUEST, r#"{"error":"invalid_scope"}"#);
    says(&refusal(scope).await, &["invalid_scope"], "`scope`");
    let grant = said(StatusCode::BAD_REQUEST, r#"{"error":"unauthorized_client"}"#);
    says(&refusal(grant).await, &["unauthorized_client"], "client_credentials");
    let page = said(StatusCode::OK, "<html>Log in</html>");
    says(&refusal(page).await, &["web page"], "");
    let odd = said(StatusCode::OK, r#"{"access_token":"t0k3n","token_type":"mac"}"#);
    says(&refusal(odd).await, &["unknown kind `mac`"], "");
    let elsewhere = || (StatusCode::FOUND, [("location", "http://login.invalid/")]).into_response();
    says(&refusal(elsewhere).await, &["redirected to http://login.invalid"], "`token-url`");
}
