//! Connections: reused, by HTTP/2 where there is TLS, through a proxy, and explained where there is none.

use crate::proxy::Proxy;
use crate::server::Server;
use crate::tls::Authority;
use crate::{EMPTY, count, failure, once, remote, says, settings};
use axum::http::Version;
use futures_util::future::join_all;
use host::ports::{RemoteError, Scope, WriteError};
use host::remote::{Proxy as Through, Settings};
use std::time::Duration;
use tokio::net::TcpListener;

fn through(settings: Settings, proxy: &Proxy, login: Option<(&str, &str)>) -> Settings {
    let login = login.map(|(username, password)| (username.to_owned(), password.to_owned()));
    Settings { proxy: Some(Through { url: proxy.url().parse().unwrap(), login }), ..settings }
}

fn trusting(settings: Settings, authority: &Authority) -> Settings {
    Settings { ca: Some(authority.pem.clone().into_bytes()), ..settings }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(async |_, _| EMPTY).await;
    let remote = remote(settings(&server.url("http", "127.0.0.1")));
    for _ in 0..10 {
        count(&remote).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (10, 1));
}

#[tokio::test]
async fn over_tls_many_requests_share_one_connection() {
    let authority = Authority::new("ours");
    let server = Server::start_with(Some(authority.server("localhost", 2999)), async |_, _| EMPTY).await;
    let remote = remote(trusting(settings(&server.url("https", "localhost")), &authority));
    count(&remote).await.unwrap();
    join_all((0..8).map(|_| count(&remote))).await.into_iter().for_each(|counted| counted.unwrap());
    assert!(server.requests().iter().all(|request| request.version == Version::HTTP_2));
    assert_eq!((server.requests().len(), server.connections()), (9, 1));
}

#[tokio::test]
async fn a_certificate_that_will_not_do_is_explained() {
    let ours = Authority::new("ours");
    let good = Server::start_with(Some(ours.server("localhost", 2999)), async |_, _| EMPTY).await;
    let url = good.url("https", "localhost");
    let stranger = failure(&remote(once(&url))).await;
    says(
        &stranger,
        &["failed to reach https://localhost:", "authority that this machine does not know"],
        "ca = ",
    );
    for other in ["theirs", "ours"] {
        let wrong_ca = failure(&remote(trusting(once(&url), &Authority::new(other)))).await;
        says(&wrong_ca, &["neither this machine nor `ca` knows"], "`ca` must hold");
    }

    let expired = Server::start_with(Some(ours.server("localhost", 2001)), async |_, _| EMPTY).await;
    let expired = failure(&remote(trusting(once(&expired.url("https", "localhost")), &ours))).await;
    says(&expired, &["no longer valid"], "renewed");

    let other = Server::start_with(Some(ours.server("crm.example", 2999)), async |_, _| EMPTY).await;
    let other = failure(&remote(trusting(once(&other.url("https", "localhost")), &ours))).await;
    says(&other, &["not for `localhost`, but for crm.example"], "let `url` have the name");

    let plain = Server::start(async |_, _| EMPTY).await;
    let plain = failure(&remote(once(&plain.url("https", "localhost")))).await;
    says(&plain, &["does not speak TLS"], "http://");
    assert_eq!(good.requests().len(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_explained() {
    let unknown = remote(once("http://crm.invalid/v1"));
    says(
        &failure(&unknown).await,
        &["failed to reach http://crm.invalid", "`crm.invalid` has no address"],
        "`url`",
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let closed = remote(once(&url));
    let error = count(&closed).await.unwrap_err();
    assert_eq!(error.scope, Scope::Run);
    says(&failure(&closed).await, &["Connection refused"], "that the server is up");
    let insert = crate::insert(&closed).await;
    assert!(matches!(insert, Err(WriteError::Remote(RemoteError { scope: Scope::Run, .. }))), "{insert:?}");
}

#[tokio::test]
async fn a_proxy_is_sent_everything() {
    let proxy = Proxy::start("200 OK").await;
    // The name has no address here: the proxy is to find it.
    let plain =
        through(once("http://crm.invalid/v1").basic("me", "hunter2"), &proxy, Some(("us", "pr0xy-pass")));
    count(&remote(plain)).await.unwrap();
    let head = proxy.heads().remove(0);
    assert!(head.starts_with("get http://crm.invalid/v1/data/account/account"), "{head}");
    assert!(
        head.contains("proxy-authorization: basic dxm6chiwehktcgfzcw==")
            && head.contains("\r\nauthorization:")
    );

    let authority = Authority::new("ours");
    let server = Server::start_with(Some(authority.server("crm.invalid", 2999)), async |_, _| EMPTY).await;
    let secure = trusting(once(&server.url("https", "crm.invalid")).basic("me", "hunter2"), &authority);
    count(&remote(through(secure, &proxy, Some(("us", "pr0xy-pass"))))).await.unwrap();
    let head = proxy.heads().remove(1);
    assert!(head.starts_with("connect crm.invalid:") && head.contains("proxy-authorization:"), "{head}");
    assert!(!head.contains("\r\nauthorization:"), "the proxy is no business of the server's login");
    assert_eq!(server.requests()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_that_does_not_let_us_through_is_explained() {
    let wants_login = Proxy::start("407 Who?").await;
    let login = Some(("us", "pr0xy-pass"));
    for url in ["http://crm.invalid/v1", "https://crm.invalid/v1"] {
        let settings = through(once(url), &wants_login, login);
        let error = failure(&remote(settings)).await;
        says(&error, &["the proxy http://127.0.0.1:", "wants a login"], "proxy = {");
        assert!(!format!("{error:?}").contains("pr0xy-pass"), "{error:?}");
    }
    let insert = crate::insert(&remote(through(once("http://crm.invalid/v1"), &wants_login, None))).await;
    assert!(matches!(insert, Err(WriteError::Remote(RemoteError { scope: Scope::Run, .. }))), "{insert:?}");

    let refuses = Proxy::start("403 No").await;
    let refused = failure(&remote(through(once("https://crm.invalid/v1"), &refuses, None))).await;
    says(&refused, &["does not let connections to `crm.invalid` through"], "the proxy's rules");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let proxy = Some(Through { url: url.parse().unwrap(), login: None });
    let gone = failure(&remote(Settings { proxy, ..once("http://crm.invalid/v1") })).await;
    says(&gone, &[&format!("the proxy {url} cannot be reached"), "refused"], "check `proxy`");
}

#[tokio::test]
async fn an_answer_that_does_not_begin_or_end_in_time_is_told_apart() {
    let silent = Server::start(async |_, _| std::future::pending::<&str>().await).await;
    let short = Duration::from_millis(50);
    let settings = Settings { first_byte_timeout: Some(short), ..once(&silent.url("http", "127.0.0.1")) };
    says(&failure(&remote(settings)).await, &["had no answer within 50ms"], "");

    // It begins at once, so what is little time for that does no harm.
    let endless = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", endless.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = endless.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
        std::future::pending::<()>().await;
    });
    let settings = once(&url).patience(Duration::from_millis(400), Duration::ZERO);
    let settings = Settings { first_byte_timeout: Some(Duration::from_millis(300)), ..settings };
    says(&failure(&remote(settings)).await, &["had no whole answer within 400ms"], "");
}
