//! The keys of `[remote]` that every kind of server has, from the metadata to the wire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Config, Server};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;
use tests::{Disturbed, Output, Scene, host_binary, json, stock_plugin};

const BASIC: &str = "auth = { kind = \"basic\", username = \"SADMIN\", password = { file = \"password\" } }";

/// A scene with a reference CRM that has one account, and these lines in `[remote]`.
fn scene(lines: &str) -> (Scene, Server) {
    let server = Server::start_blocking(Config { token: Some("t0k3n".into()), ..Config::default() }).unwrap();
    server.store().insert("Account", &[("Name", "Acme")]).unwrap();
    let scene = Scene::with_remote(&format!("kind = \"siebel\"\nurl = \"{}\"\n{lines}\n", server.url()));
    scene.install(&stock_plugin("account"));
    (scene, server)
}

fn is_pulled(scene: &Scene, run: Output) {
    run.exits(0);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Acme"])]);
}

/// A proxy before nothing but the server that a request names: here that is always the same one.
fn proxy(server: &Server) -> Disturbed {
    Disturbed::before(server.address(), |_| true)
}

#[test]
fn requests_go_through_the_proxy_of_the_metadata() {
    let (scene, server) = scene(BASIC);
    let proxy = proxy(&server);
    let text = std::fs::read_to_string(scene.config()).unwrap();
    let with_proxy = format!("[remote]\nproxy = \"http://{}\"\nrate = 200\nin-flight = 1\n", proxy.address());
    std::fs::write(scene.config(), text.replace("[remote]\n", &with_proxy)).unwrap();
    is_pulled(&scene, scene.run());
    assert_eq!(proxy.calm(), server.requests().len());
}

#[test]
fn requests_go_through_the_proxy_of_the_environment() {
    let (scene, server) = scene(BASIC);
    let proxy = proxy(&server);
    let run = |exceptions: &str| {
        let mut host = Command::new(host_binary());
        host.args(["run", "--format", "json", "--config"]).arg(scene.config());
        host.env("HTTP_PROXY", format!("http://{}", proxy.address())).env("NO_PROXY", exceptions);
        Output::of(&mut host)
    };
    is_pulled(&scene, run(""));
    let requests = proxy.calm();
    assert_eq!(requests, server.requests().len());
    is_pulled(&scene, run("127.0.0.1"));
    assert_eq!(proxy.calm(), requests, "the second run went straight");
}

/// A token endpoint that gives everybody the token of the reference CRM, once for every connection.
fn tokens() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut host in listener.incoming().flatten() {
            let mut request = Vec::new();
            while !request.ends_with(b"grant_type=client_credentials") {
                let mut byte = [0];
                host.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            let body = r#"{"access_token":"t0k3n","token_type":"Bearer","expires_in":3600}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close", body.len());
            host.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_run_logs_in_with_a_token_of_another_server() {
    let address = tokens();
    let (scene, _server) = scene(&format!(
        "auth = {{ kind = \"oauth2\", token-url = \"http://{address}/token\", client-id = \"host\", \
         client-secret = {{ file = \"password\" }} }}"
    ));
    is_pulled(&scene, scene.run());
}

#[test]
fn a_token_that_is_not_to_be_had_fails_the_run_before_anything_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (scene, server) = scene(&format!(
        "retry-for = \"0s\"\nauth = {{ kind = \"oauth2\", token-url = \"http://{address}/token\", client-id = \"host\", \
         client-secret = {{ file = \"password\" }} }}"
    ));
    let run = scene.host(&["run"]).exits(1);
    assert!(run.err.contains(&format!("failed to reach http://{address}")), "{}", run.err);
    assert!(run.err.contains("check `token-url`"), "{}", run.err);
    assert_eq!(server.requests().len(), 0);
}
