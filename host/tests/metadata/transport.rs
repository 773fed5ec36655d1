//! How requests get to the server.

use crate::{MINIMAL, assert_mistake, parse, printed, refused, remote};
use host::metadata::{Auth, ClientAuth, Metadata, ProblemKind};
use std::path::Path;
use std::time::Duration;

#[test]
fn the_keys_of_the_transport_are_read() {
    let transport = parse(&remote(
        "timeout = \"10s\"\nconnect-timeout = \"3s\"\nfirst-byte-timeout = \"10s\"\nrate = 2.5\nin-flight = 4\n\
         proxy = { url = \"http://proxy:3128\", username = \"me\", password = { env = \"CRM_PASSWORD\" } }",
    ));
    let transport = transport.unwrap().remote.transport;
    assert_eq!(transport.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(transport.first_byte_timeout, Some(Duration::from_secs(10)));
    assert_eq!(transport.interval, Some(Duration::from_millis(400)));
    assert_eq!(transport.in_flight.map(|most| most.get()), Some(4));
    let proxy = transport.proxy.unwrap();
    let (username, password) = proxy.login.unwrap();
    assert_eq!(
        (proxy.url.as_str(), username.as_str(), password.expose()),
        ("http://proxy:3128/", "me", "hunter2")
    );

    let short = parse(&remote("proxy = \"https://proxy\"\nrate = 10")).unwrap().remote.transport;
    assert_eq!(
        short.proxy.map(|proxy| (proxy.url.to_string(), proxy.login)),
        Some(("https://proxy/".into(), None))
    );
    assert_eq!(short.interval, Some(Duration::from_millis(100)));

    let none = parse(MINIMAL).unwrap().remote.transport;
    assert_eq!((none.connect_timeout, none.first_byte_timeout, none.interval), (None, None, None));
    assert_eq!((none.in_flight, none.proxy, none.ca), (None, None, None));
}

#[test]
fn the_keys_of_the_transport_have_ranges() {
    use ProblemKind::{InvalidValue, MissingKey, PlainSecret, UnknownKey};
    for key in ["connect-timeout", "first-byte-timeout"] {
        let text = remote(&format!("timeout = \"10s\"\n{key} = \"11s\""));
        assert_mistake(&text, InvalidValue, &[":7:", key, "must not be longer than `timeout`"]);
        assert_mistake(&remote(&format!("{key} = \"0s\"")), InvalidValue, &["longer than zero"]);
    }
    for rate in ["0", "0.0", "-0.5", "nan", "inf", "-inf", "0.000001", "1e400"] {
        assert_mistake(&remote(&format!("rate = {rate}")), InvalidValue, &[":6:8: `remote.rate` must be"]);
    }
    assert_mistake(&remote("rate = -1"), InvalidValue, &["`remote.rate` must be at least 0"]);
    assert_mistake(
        &remote("rate = \"10\""),
        InvalidValue,
        &["`remote.rate` must be a number, and is a text"],
    );
    for in_flight in ["0", "1001", "-1"] {
        let text = remote(&format!("in-flight = {in_flight}"));
        assert_mistake(&text, InvalidValue, &["`remote.in-flight` must be from 1 to 1000"]);
    }
    assert_mistake(&remote("rates = 1"), UnknownKey, &["did you mean `rate`?"]);
    assert_mistake(&remote("in_flight = 1"), UnknownKey, &["did you mean `in-flight`?"]);

    assert_mistake(
        &remote("proxy = \"proxy:3128\""),
        InvalidValue,
        &["`remote.proxy` must begin with `http://`"],
    );
    assert_mistake(&remote("proxy = \"socks5://proxy\""), InvalidValue, &["must begin with `http://`"]);
    assert_mistake(&remote("proxy = 1"), InvalidValue, &["`remote.proxy` must be a text"]);
    assert_mistake(
        &remote("proxy.uri = \"http://proxy\"\nproxy.url = \"http://proxy\""),
        UnknownKey,
        &["`url`?"],
    );
    let login = |rest: &str| remote(&format!("proxy = {{ url = \"http://proxy\", {rest} }}"));
    assert_mistake(&login("username = \"me\""), MissingKey, &["`password` is missing in `remote.proxy`"]);
    assert_mistake(&login("password = { env = \"CRM_PASSWORD\" }"), MissingKey, &["`username` is missing"]);
    let plain = login("username = \"me\", password = \"hunter2\"");
    assert_mistake(&plain, PlainSecret, &[":6:50: `remote.proxy.password` must not be in the file itself"]);
    assert!(!printed(&refused(&plain)).contains("hunter2"));
    let in_address = remote("proxy = \"http://me:hunter2@proxy\"");
    assert_mistake(&in_address, InvalidValue, &["must not contain a user name or password"]);
    assert!(!printed(&refused(&in_address)).contains("hunter2"));
}

#[test]
fn an_authority_is_a_file_of_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["crm".to_owned()]).unwrap().self_signed(&key).unwrap();
    file("ca.pem", &format!("# Ours\n{}", certificate.pem()));
    file("key.pem", &key.serialize_pem());
    file("half.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
    file("odd.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    let read = |name: &str| {
        Metadata::parse(&folder.path().join("sync.toml"), &remote(&format!("ca = {name:?}")), &|_| None)
    };
    let ca = read("ca.pem").unwrap().remote.transport.ca.unwrap();
    assert_eq!(ca.file, folder.path().join("ca.pem"));
    assert!(String::from_utf8(ca.pem).unwrap().contains(&certificate.pem()));
    for (name, reason) in [
        ("key.pem", "there is no certificate in it"),
        ("half.pem", "it is not whole PEM"),
        ("odd.pem", "none of an authority"),
        ("missing.pem", "No such file"),
    ] {
        let error = read(name).unwrap_err();
        let plain = error.plain();
        assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::UnreadableCertificate);
        assert!(plain.contains(":6:6: `remote.ca` cannot be had from") && plain.contains(reason), "{plain}");
        assert!(plain.contains("BEGIN CERTIFICATE"), "{plain}");
    }
}

#[test]
fn the_other_kinds_of_auth_are_read() {
    let auth = |inner: &str| parse(&remote(&format!("auth = {{ {inner} }}"))).unwrap().remote.auth.unwrap();
    match auth("kind = \"api-key\", header = \"X-Api-Key\", key = { env = \"CRM_PASSWORD\" }") {
        Auth::ApiKey { header, key } => assert_eq!((header.as_str(), key.expose()), ("x-api-key", "hunter2")),
        other => panic!("{other:?}"),
    }
    let client = "kind = \"oauth2\", token-url = \"https://login.example/token\", client-id = \"host\", \
                  client-secret = { env = \"CRM_PASSWORD\" }";
    match auth(client) {
        Auth::OAuth2 { token_url, client_id, client_secret, scope, client_auth, refresh_token, scheme } => {
            assert_eq!((refresh_token, scheme), (None, None));
            assert_eq!((token_url.as_str(), client_id.as_str()), ("https://login.example/token", "host"));
            assert_eq!((client_secret.expose(), scope, client_auth), ("hunter2", None, ClientAuth::Basic));
        }
        other => panic!("{other:?}"),
    }
    match auth(&format!("{client}, scope = \"a b\", client-auth = \"body\"")) {
        Auth::OAuth2 { scope, client_auth, .. } => {
            assert_eq!((scope.as_deref(), client_auth), (Some("a b"), ClientAuth::Body));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_other_kinds_of_auth_have_their_keys() {
    use ProblemKind::{InvalidValue, Misplaced, MissingKey, PlainSecret};
    let auth = |inner: &str| remote(&format!("auth = {{ {inner} }}"));
    let env = "{ env = \"CRM_PASSWORD\" }";
    let key = |header: &str| auth(&format!("kind = \"api-key\", header = {header:?}, key = {env}"));
    assert_mistake(
        &key("X Api Key"),
        InvalidValue,
        &["`remote.auth.header` is no name of a header", "`X-Api-Key`"],
    );
    for reserved in ["Content-Type", "host", "Transfer-Encoding"] {
        assert_mistake(&key(reserved), InvalidValue, &["is a header that the host sets itself"]);
    }
    assert_mistake(&auth(&format!("kind = \"api-key\", key = {env}")), MissingKey, &["`header` is missing"]);
    let text = auth("kind = \"api-key\", header = \"X-Api-Key\", key = \"hunter2\"");
    assert_mistake(&text, PlainSecret, &["`remote.auth.key` must not be in the file itself"]);
    assert!(!printed(&refused(&text)).contains("hunter2"));
    let text = auth(&format!("kind = \"bearer\", token = {env}, scope = \"a\""));
    assert_mistake(&text, Misplaced, &["`remote.auth.scope` only goes with `kind = \"oauth2\"`"]);

    let client = |rest: &str| auth(&format!("kind = \"oauth2\", client-id = \"host\", {rest}"));
    let secret = format!("client-secret = {env}");
    assert_mistake(&client(&secret), MissingKey, &["`token-url` is missing in `remote.auth`"]);
    let text = client(&format!("token-url = \"http://me:hunter2@login.example/\", {secret}"));
    assert_mistake(
        &text,
        InvalidValue,
        &["`remote.auth.token-url` must not contain a user name or password"],
    );
    assert!(!printed(&refused(&text)).contains("hunter2"));
    let text = client(&format!("token-url = \"login\", {secret}"));
    assert_mistake(&text, InvalidValue, &["`remote.auth.token-url` is no address"]);
    let text = client("token-url = \"https://login.example/\", client-secret = \"hunter2\"");
    assert_mistake(&text, PlainSecret, &["`remote.auth.client-secret` must not be in the file itself"]);
    assert!(!printed(&refused(&text)).contains("hunter2"));
    let text = client(&format!(
        "token-url = \"https://login.example/\", {secret}, scheme = \"Zoho-oauthtoken\", refresh-token = {env}"
    ));
    match parse(&text).unwrap().remote.auth.unwrap() {
        Auth::OAuth2 { refresh_token, scheme, .. } => {
            assert_eq!(
                (refresh_token.unwrap().expose(), scheme.as_deref()),
                ("hunter2", Some("Zoho-oauthtoken"))
            );
        }
        other => panic!("{other:?}"),
    }
    let text =
        client(&format!("token-url = \"https://login.example/\", {secret}, refresh-token = \"hunter2\""));
    assert_mistake(&text, PlainSecret, &["`remote.auth.refresh-token` must not be in the file itself"]);
    assert!(!printed(&refused(&text)).contains("hunter2"));
    let text = client(&format!("token-url = \"https://login.example/\", {secret}, scheme = \"a b\""));
    assert_mistake(&text, InvalidValue, &["`remote.auth.scheme` is no one word", "`Bearer`"]);
    let text = client(&format!("token-url = \"https://login.example/\", {secret}, client-auth = \"header\""));
    assert_mistake(
        &text,
        InvalidValue,
        &["`remote.auth.client-auth` cannot be \"header\"", "`basic`", "`body`"],
    );
}

#[test]
fn a_secret_that_no_request_can_carry_is_refused() {
    let text = remote("auth = { kind = \"bearer\", token = { env = \"LINES\" } }");
    let lines = |name: &str| (name == "LINES").then(|| "hunter2\nhunter3".into());
    let error = Metadata::parse(Path::new("sync.toml"), &text, &lines).unwrap_err();
    assert!(error.plain().contains("`remote.auth.token` holds a line break"), "{}", error.plain());
    assert!(!printed(&error).contains("hunter"));
}
