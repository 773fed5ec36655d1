//! Something between the host and a server, so that somebody else can be faster than the host.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// The port of a proxy before the server at `port`. `edit` happens when the first request that is `meant` (by its head
/// and body) has left the host and not yet reached the server.
pub(crate) fn proxy(
    port: u16,
    meant: impl Fn(&str, &str) -> bool + Send + 'static,
    edit: impl FnOnce() + Send + 'static,
) -> u16 {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let own = proxy.local_addr().expect("it is bound").port();
    let mut edit = Some(edit);
    // It ends with the test process. One request at a time: each says that its connection closes.
    std::thread::spawn(move || {
        for connection in proxy.incoming() {
            let Ok(host) = connection else { continue };
            let Some((head, body)) = request(&host) else { continue };
            if meant(&head, &body)
                && let Some(edit) = edit.take()
            {
                edit();
            }
            forward(host, port, &head, &body);
        }
    });
    own
}

/// A request's head, without the empty line after it, and its body.
fn request(from: &TcpStream) -> Option<(String, String)> {
    let mut from = BufReader::new(from);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

/// Sends a request on, and the answer back.
fn forward(mut host: TcpStream, port: u16, head: &str, body: &str) {
    let answer = TcpStream::connect(("127.0.0.1", port)).and_then(|mut server| {
        server.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    });
    // A failure shows on the other side, as a connection that closes without an answer.
    if let Ok(answer) = answer {
        let _ = host.write_all(&answer);
    }
}
