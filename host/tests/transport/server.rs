//! Servers that say what a test wants, over TLS or without, and remember what they were asked.

use axum::body::to_bytes;
use axum::extract::Request as Incoming;
use axum::http::{HeaderMap, Version};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A running server; it ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers each request, the first of which has the number 0.
    pub(crate) async fn start<R, F>(
        answer: impl Fn(usize, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Server
    where
        R: IntoResponse,
        F: Future<Output = R> + Send + 'static,
    {
        Server::start_with(None, answer).await
    }

    /// The same, over TLS.
    pub(crate) async fn start_with<R, F>(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(usize, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Server
    where
        R: IntoResponse,
        F: Future<Output = R> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let log = requests.clone();
        let service = axum::Router::new().fallback(move |incoming: Incoming| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let request = arrived(incoming).await;
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                let response: Response = answer(number, request).await.into_response();
                response
            }
        });
        let listener = Counting { listener, tls, connections: connections.clone() };
        tokio::spawn(async move { axum::serve(listener, service).await });
        Server { address, requests, connections }
    }

    /// The address, by this name for the machine.
    pub(crate) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/v1", self.address.port())
    }

    /// What it was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How many requests of this method there were.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.requests().iter().filter(|request| request.method == method).count()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn arrived(incoming: Incoming) -> Request {
    let (parts, body) = incoming.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Request {
        method: parts.method.to_string(),
        version: parts.version,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

struct Counting {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    connections: Arc<AtomicUsize>,
}

/// A connection of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl Stream for TcpStream {}
impl Stream for TlsStream<TcpStream> {}

impl Listener for Counting {
    type Io = Box<dyn Stream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Box<dyn Stream>, SocketAddr) {
        loop {
            let (stream, from) = self.listener.accept().await.unwrap();
            self.connections.fetch_add(1, Ordering::SeqCst);
            match &self.tls {
                None => return (Box::new(stream), from),
                // A client that does not like the certificate is gone again.
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => return (Box::new(stream), from),
                    Err(_) => continue,
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
