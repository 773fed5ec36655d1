//! How fast pages are served: `cargo bench -p crm`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/client/mod.rs"]
mod client;

use client::Client;
use crm::Seed;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const RECORDS: usize = 100_000;

/// Reads one answer off a connection that stays open.
fn exchange(stream: &mut TcpStream, buffer: &mut [u8], target: &str, login: &str) -> usize {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut length = 0;
    let mut whole = usize::MAX;
    while length < whole {
        length += stream.read(&mut buffer[length..]).unwrap();
        if whole == usize::MAX
            && let Some(end) = buffer[..length].windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let (_, size) = head.split_once("content-length: ").unwrap();
            whole = end + 4 + size.lines().next().unwrap().parse::<usize>().unwrap();
        }
    }
    length
}

/// The time for all pages of a component, by keyset.
fn pages(client: &Client, component: &str, options: &str) -> Duration {
    let records = client.server.store().list(component);
    let ids: Vec<&str> = records.iter().map(|record| &*record["Id"]).collect();
    let mut stream = TcpStream::connect(client.server.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let start = Instant::now();
    for first in (0..ids.len()).step_by(100) {
        let after = if first == 0 { "0" } else { ids[first - 1] };
        let target = format!(
            "/siebel/v1.0/data/{component}/{component}?PageSize=100&sortspec=Id:asc&childlinks=None&uniformresponse=Y\
             &searchspec=%5BId%5D%20%3E%20'{after}'{options}"
        );
        exchange(&mut stream, &mut buffer, &target, &client.login);
    }
    start.elapsed()
}

fn main() {
    let client = Client::new();
    let start = Instant::now();
    let seed = Seed { accounts: RECORDS, opportunities: RECORDS, ..Seed::default() };
    client.server.store().seed(seed);
    eprintln!("seeding {} records: {:?}", 2 * RECORDS, start.elapsed());
    for component in ["Account", "Opportunity"] {
        for (what, options) in [
            ("all fields", ""),
            ("change keys", "&fields=Id,Updated,Mod%20Id"),
            ("change keys, filtered", "%20AND%20%5BName%5D%20LIKE%20'*e*'&fields=Id,Updated,Mod%20Id"),
        ] {
            let time = pages(&client, component, options);
            eprintln!("{component}, {what}: {:.2?} a record", time / RECORDS as u32);
        }
    }
    let name = client.server.store().list("Account").pop().unwrap().remove("Name").unwrap();
    let name = name.replace(' ', "%20").replace('&', "%26");
    let target = format!(
        "/siebel/v1.0/data/Account/Account?searchspec=[Name]='{name}'%20AND%20[Location]%20IS%20NOT%20NULL"
    );
    let mut stream = TcpStream::connect(client.server.address()).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let start = Instant::now();
    for _ in 0..1000 {
        exchange(&mut stream, &mut buffer, &target, &client.login);
    }
    eprintln!("a query by user key: {:.2?}", start.elapsed() / 1000);
}
