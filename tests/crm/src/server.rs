//! Starting and stopping the server.

use crate::clock::Clock;
use crate::connection::{Peer, Switchboard};
use crate::faults::{Fault, Faults};
use crate::handle::Store;
use crate::log::{Log, Request};
use crate::{admin, service};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long a stop waits for requests: one that hangs on a fault must not hold a test up.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The user of the basic login.
    pub username: String,
    /// The password of the basic login.
    pub password: String,
    /// A token that is accepted as `Bearer`.
    pub token: Option<String>,
    /// The clock of a new store.
    pub clock: Clock,
    /// How long every request takes at least, as over a network.
    pub latency: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            username: "SADMIN".to_owned(),
            password: "SADMIN".to_owned(),
            token: None,
            clock: Clock::Real,
            latency: Duration::ZERO,
        }
    }
}

/// What the handlers of requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    /// `http://127.0.0.1:8080`
    pub(crate) origin: String,
    /// `http://127.0.0.1:8080/siebel/v1.0`
    pub(crate) base: String,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
}

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts a server with an empty store on the present runtime.
    pub async fn start(config: Config) -> io::Result<Server> {
        let store = Store::new(config.clock);
        Server::start_on(config, store).await
    }

    /// Starts a server on a store, for instance that of one that was stopped.
    pub async fn start_on(config: Config, store: Store) -> io::Result<Server> {
        Server::launch(config, store).await.map(|(server, _ended)| server)
    }

    /// Starts a server on a thread of its own, for callers that are not async.
    pub fn start_blocking(config: Config) -> io::Result<Server> {
        let store = Store::new(config.clock);
        Server::start_blocking_on(config, store)
    }

    /// [`start_blocking`](Self::start_blocking) on a store.
    pub fn start_blocking_on(config: Config, store: Store) -> io::Result<Server> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build()?;
        let (server, ended) = runtime.block_on(Server::launch(config, store))?;
        // The thread keeps the runtime for as long as the server runs. A sender that is dropped
        // says the same as one that sends.
        std::thread::spawn(move || runtime.block_on(ended).is_ok());
        Ok(server)
    }

    async fn launch(config: Config, store: Store) -> io::Result<(Server, oneshot::Receiver<()>)> {
        let listener = TcpListener::bind(config.address).await?;
        let address = listener.local_addr()?;
        let origin = format!("http://{address}");
        let base = format!("{origin}/siebel/v1.0");
        let (faults, log) = (Faults::default(), Log::default());
        let app = Arc::new(App { config, origin, base, store, faults, log });
        let routes = admin::router().fallback(service::serve).with_state(app.clone());
        let routes = routes.into_make_service_with_connect_info::<Peer>();
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel::<()>();
        let serving = axum::serve(Switchboard(listener), routes);
        let serving = serving.with_graceful_shutdown(async { stopped.await.unwrap_or(()) });
        let task = tokio::spawn(async move {
            let result = serving.await;
            drop(end);
            result
        });
        Ok((Server { address, app, stop, task }, ended))
    }

    /// The base of the interface, `http://127.0.0.1:PORT/siebel/v1.0`.
    pub fn url(&self) -> String {
        self.app.base.clone()
    }

    /// The root of the server, under which `/admin` is.
    pub fn origin(&self) -> String {
        self.app.origin.clone()
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The data, from the CRM's own side.
    pub fn store(&self) -> Store {
        self.app.store.clone()
    }

    /// The requests to the data so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.app.log.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.app.log.clear();
    }

    /// Sets a fault, besides those that are set already.
    pub fn fault(&self, fault: Fault) {
        self.app.faults.add(fault);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// Finishes the requests that are being handled and stops.
    pub async fn stop(self) {
        let Server { stop, mut task, .. } = self;
        drop(stop);
        if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
            task.abort();
        }
    }
    /// [`stop`](Self::stop) for callers that are not async.
    pub fn stop_blocking(self) {
        let Server { stop, task, .. } = self;
        drop(stop);
        for _ in 0..PATIENCE.as_millis() {
            if task.is_finished() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        task.abort();
    }
}
