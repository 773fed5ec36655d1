//! Connections that can break off on command.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: u8 = 0;
const CUT: u8 = 1;
const CLOSED: u8 = 2;

/// Says what a connection does with what is written to it next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<AtomicU8>);

impl Line {
    /// Nothing more is written; the connection ends.
    pub(crate) fn close(&self) {
        self.0.store(CLOSED, Ordering::SeqCst);
    }

    /// The next answer ends in the middle of its body, and the connection with it.
    pub(crate) fn cut(&self) {
        self.0.store(CUT, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst) == CLOSED
    }
}

/// The other end of a connection, and the line to it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) line: Line,
}

impl Connected<IncomingStream<'_, Switchboard>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Switchboard>) -> Self {
        Peer { address: *stream.remote_addr(), line: stream.io().line.clone() }
    }
}

/// Accepts connections.
#[derive(Debug)]
pub(crate) struct Switchboard(pub(crate) TcpListener);

impl Listener for Switchboard {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without it, small answers wait for the client's acknowledgement. Slow is not wrong.
        let _ = stream.set_nodelay(true);
        (Connection { stream, line: Line::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A TCP stream that obeys its [`Line`].
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let part = match self.line.0.load(Ordering::SeqCst) {
            WHOLE => bytes,
            CUT => half_the_body(bytes),
            _ => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        };
        let cut = part.len() < bytes.len();
        let written = Pin::new(&mut self.stream).poll_write(context, part);
        if cut && written.is_ready() {
            self.line.close();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// As this stream takes no list of buffers, head and body of an answer come in one write.
fn half_the_body(answer: &[u8]) -> &[u8] {
    let end_of_head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = end_of_head.map_or(0, |at| at + 4);
    &answer[..body + (answer.len() - body) / 2]
}
