//! How often, how many at once, and when not.

use crate::server::Server;
use crate::{DAY, EMPTY, count, failure, insert, once, remote, says, settings};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use futures_util::future::{Either, join_all, select};
use host::ports::{RemoteError, Scope, WriteError};
use host::remote::Settings;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Asserts that a request is held back: that it is not answered while another client has twenty answers.
async fn is_held_back(request: impl Future<Output = Result<(), RemoteError>>) {
    let server = Server::start(async |_, _| EMPTY).await;
    let other = remote(settings(&server.url("http", "127.0.0.1")));
    let twenty = async {
        for _ in 0..20 {
            count(&other).await.unwrap();
        }
    };
    match select(pin!(twenty), pin!(request)).await {
        Either::Left(_) => {}
        Either::Right((answered, _)) => panic!("it was not held back: {answered:?}"),
    }
}

#[tokio::test]
async fn the_rate_holds_requests_back() {
    let server = Server::start(async |_, _| EMPTY).await;
    let url = server.url("http", "127.0.0.1");
    let remote = remote(Settings { interval: Some(DAY), ..settings(&url) });
    count(&remote).await.unwrap();
    is_held_back(count(&remote)).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_may_be() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let at_most = most.clone();
    let server = Server::start(move |_, _| {
        let (now, most) = (now.clone(), most.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Time for the others to come, if they may.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            EMPTY
        }
    })
    .await;
    let url = server.url("http", "127.0.0.1");
    let remote = remote(Settings { in_flight: NonZeroUsize::new(2), ..settings(&url) });
    join_all((0..8).map(|_| count(&remote))).await.into_iter().for_each(|counted| counted.unwrap());
    assert_eq!((server.requests().len(), at_most.load(Ordering::SeqCst)), (8, 2));
}

/// A server that has this status and `Retry-After` for the first request, and answers the others.
async fn not_now(status: StatusCode, retry_after: &'static str) -> Server {
    Server::start(move |number, _| async move {
        match number {
            0 => (status, [(RETRY_AFTER, retry_after)], "{}").into_response(),
            _ => EMPTY.into_response(),
        }
    })
    .await
}

#[tokio::test]
async fn a_pause_that_one_request_is_told_is_for_all() {
    let server = not_now(StatusCode::TOO_MANY_REQUESTS, "7200").await;
    let url = server.url("http", "127.0.0.1");
    let remote = remote(settings(&url).patience(Duration::from_secs(60), DAY));
    let mut first = pin!(count(&remote));
    is_held_back(first.as_mut()).await;
    assert_eq!(server.requests().len(), 1);
    is_held_back(count(&remote)).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_pause_that_is_too_long_to_be_waited_for_keeps_requests_from_being_sent() {
    let server = not_now(StatusCode::SERVICE_UNAVAILABLE, "7200").await;
    let remote = remote(settings(&server.url("http", "127.0.0.1")));
    says(&failure(&remote).await, &["was answered with 503"], "");
    says(&failure(&remote).await, &["was not sent", "left alone for 7"], "`rate`");
    let insert = insert(&remote).await;
    assert!(matches!(&insert, Err(WriteError::Remote(error)) if error.scope == Scope::Object), "{insert:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_pause_without_end_does_no_harm() {
    let server = not_now(StatusCode::TOO_MANY_REQUESTS, "18446744073709551615").await;
    let remote = remote(settings(&server.url("http", "127.0.0.1")));
    says(&failure(&remote).await, &["was answered with 429"], "");
}

#[tokio::test]
async fn a_write_that_came_too_often_is_sent_again_and_one_that_the_server_could_not_serve_is_not() {
    let too_many = not_now(StatusCode::TOO_MANY_REQUESTS, "0").await;
    let inserted = insert(&remote(settings(&too_many.url("http", "127.0.0.1")))).await;
    // The server then says nothing of an id, which is another matter.
    assert!(matches!(inserted, Err(WriteError::FateUnknown { .. })), "{inserted:?}");
    assert_eq!(too_many.count("POST"), 2);

    let unavailable = not_now(StatusCode::SERVICE_UNAVAILABLE, "0").await;
    let inserted = insert(&remote(settings(&unavailable.url("http", "127.0.0.1")))).await;
    assert!(matches!(inserted, Err(WriteError::FateUnknown { may_still_run: false, .. })), "{inserted:?}");
    assert_eq!(unavailable.count("POST"), 1);

    // A server that never has time has carried out nothing: this is no record's fault, and its fate is known.
    let never = Server::start(async |_, _| (StatusCode::TOO_MANY_REQUESTS, "{}")).await;
    let inserted = insert(&remote(once(&never.url("http", "127.0.0.1")))).await;
    assert!(matches!(inserted, Err(WriteError::Remote(_))), "{inserted:?}");
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_login_goes_anywhere_else() {
    let other = Server::start(async |_, _| EMPTY).await;
    let target = other.url("http", "127.0.0.1");
    let server = Server::start(move |number, _| {
        let target = target.clone();
        async move {
            let to = if number == 0 { target } else { "/v2/Account".to_owned() };
            (StatusCode::TEMPORARY_REDIRECT, [("location", to)])
        }
    })
    .await;
    let remote = remote(settings(&server.url("http", "127.0.0.1")).basic("me", "hunter2"));
    says(&failure(&remote).await, &["was redirected to http://127.0.0.1:", "not followed"], "login page");
    says(&failure(&remote).await, &["/v2/Account"], "into `url`");
    let insert = insert(&remote).await;
    assert!(matches!(insert, Err(WriteError::Remote(_))), "{insert:?}");
    assert_eq!((server.requests().len(), other.requests().len()), (3, 0));
}
