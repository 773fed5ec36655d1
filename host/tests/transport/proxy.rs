//! A proxy that records what it is asked. It lets tunnels through to this machine, and answers all else itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Answers every request with this: to a tunnel, `200` opens it.
    pub(crate) async fn start(answer: &'static str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let log = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, log.clone()));
            }
        });
        Proxy { address, heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests so far, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, answer: &str, log: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    log.lock().unwrap().push(head.to_lowercase());
    let body = "{\"items\":[]}";
    let opens = answer.starts_with("200") && head.starts_with("CONNECT");
    let rest = match opens {
        true => "\r\n".to_owned(),
        false => format!(
            "connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    };
    stream.write_all(format!("HTTP/1.1 {answer}\r\n{rest}").as_bytes()).await.ok()?;
    if opens {
        let port = head.split_whitespace().nth(1)?.rsplit_once(':')?.1.parse::<u16>().ok()?;
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        copy_bidirectional(&mut stream, &mut server).await.ok()?;
    }
    Some(())
}
