//! `sync.toml`: what is accepted, what is refused, and how a refusal reads.

// A test that cannot go on is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::metadata::{
    Auth, ClientAuth, Deletes, FieldRule, Grant, Limits, Local, LocalKind, Metadata, MetadataError,
    ObjectMetadata, Policy, ProblemKind, RemoteKind, RestDescription, SiebelOptions, Undo, suggestion,
};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

const FULL: &str = include_str!("metadata/full.toml");
const MINIMAL: &str = include_str!("metadata/minimal.toml");
const MISTAKES: &str = include_str!("metadata/mistakes.toml");

/// Parses `text` as `conf/sync.toml`, with one variable in the environment.
fn parse(text: &str) -> Result<Metadata, MetadataError> {
    let environment = |name: &str| match name {
        "CRM_PASSWORD" => Some("hunter2".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    Metadata::parse(Path::new("conf/sync.toml"), text, &environment)
}

fn refused(text: &str) -> MetadataError {
    match parse(text) {
        Ok(metadata) => panic!("accepted: {metadata:?}"),
        Err(error) => error,
    }
}

/// The one mistake in `text`: its kind, and its message and help in one line.
fn mistake(text: &str) -> (ProblemKind, String) {
    let error = refused(text);
    assert_eq!(error.problems().count(), 1, "{}", error.plain());
    let kind = error.problems().next().unwrap().kind();
    (kind, error.plain())
}

/// Asserts that `text` has one mistake, of this kind, and that its text contains each of `parts`.
#[track_caller]
fn assert_mistake(text: &str, kind: ProblemKind, parts: &[&str]) {
    let (actual, plain) = mistake(text);
    assert_eq!(actual, kind, "{plain}");
    for part in parts {
        assert!(plain.contains(part), "{part:?} is not in: {plain}");
    }
}

/// The minimal file with `lines` added to `[remote]`.
fn remote(lines: &str) -> String {
    MINIMAL.replace("v1.0\"\n", &format!("v1.0\"\n{lines}\n"))
}

/// The minimal file with `url` in place of its own.
fn url(url: &str) -> String {
    MINIMAL.replace("http://127.0.0.1:8080/siebel/v1.0", url)
}

/// The minimal file with `lines` at its end.
fn and(lines: &str) -> String {
    format!("{MINIMAL}\n{lines}\n")
}

/// The minimal file with `lines` in `[objects.account]`, which begins in line 14.
fn account(lines: &str) -> String {
    and(&format!("[objects.account]\n{lines}"))
}

fn drawn(error: &MetadataError) -> String {
    let mut out = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut out, error)
        .unwrap();
    // Spaces at line ends would not survive in the files to compare with.
    out.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// All that may be printed of an error.
fn printed(error: &MetadataError) -> String {
    format!("{error} {error:?} {} {}", error.plain(), drawn(error))
}

// What is accepted

#[test]
fn every_key_is_read() {
    let metadata = parse(FULL).unwrap();
    assert_eq!(metadata.file, Path::new("conf/sync.toml"));
    assert_eq!(metadata.remote.kind, RemoteKind::Siebel);
    assert_eq!(metadata.remote.url.as_str(), "http://127.0.0.1:8080/siebel/v1.0");
    assert_eq!(metadata.remote.transport.timeout, Duration::from_secs(10));
    assert_eq!(metadata.remote.transport.retry_for, Duration::from_secs(120));
    let siebel = SiebelOptions {
        view_mode: "Manager".to_owned(),
        user_key_view_mode: "All".to_owned(),
        timezone: "UTC".to_owned(),
    };
    assert_eq!(metadata.remote.siebel, siebel);
    match &metadata.remote.auth {
        Some(Auth::Basic { username, password }) => {
            assert_eq!((username.as_str(), password.expose()), ("SADMIN", "hunter2"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(metadata.local, Local { kind: LocalKind::Sqlite, path: "conf/crm.db".into() });
    assert_eq!(metadata.plugins_dir, Path::new("conf/plugins"));
    assert_eq!(metadata.deletes, Deletes { count: 7, percent: 25 });
    assert_eq!(metadata.undo, Undo { keep: Duration::from_secs(7 * 86_400), size: 1 << 30 });

    let rule = FieldRule { on_conflict: Policy::KeepLocal };
    let opportunity = ObjectMetadata {
        enabled: false,
        plugin: Some("opportunity.wasm".to_owned()),
        sha256: Some("0123456789abcdef".repeat(4)),
        filter: Some("[Sales Stage] <> 'Lost'".to_owned()),
        on_conflict: Some(Policy::Merge),
        fields: [("description".to_owned(), rule)].into(),
        limits: Limits { memory: 128 << 20, fuel_per_record: 3_000_000 },
        grants: vec![Grant::Wasi],
    };
    assert_eq!(metadata.objects, [("opportunity".to_owned(), opportunity)].into());
}

#[test]
fn what_is_left_out_has_its_default() {
    let metadata = parse(MINIMAL).unwrap();
    assert_eq!(metadata.remote.auth, None);
    assert_eq!(metadata.remote.transport.timeout, Duration::from_secs(30));
    assert_eq!(metadata.remote.transport.retry_for, Duration::from_secs(30));
    assert_eq!(metadata.remote.siebel.view_mode, "Sales Rep");
    assert_eq!(metadata.remote.siebel.user_key_view_mode, "Sales Rep");
    assert_eq!(metadata.remote.siebel.timezone, "UTC");
    assert_eq!(metadata.deletes, Deletes { count: 5, percent: 10 });
    assert!(metadata.objects.is_empty());

    assert_eq!(parse(&and("[deletes]\npercent = 0")).unwrap().deletes, Deletes { count: 5, percent: 0 });
    assert_eq!(parse(&account("")).unwrap().objects["account"], ObjectMetadata::default());
    let object = ObjectMetadata::default();
    assert!(object.enabled);
    assert_eq!(object.on_conflict, None);
    assert_eq!(object.limits, Limits { memory: 64 * 1024 * 1024, fuel_per_record: 2_000_000 });
}

#[test]
fn the_user_key_view_mode_follows_the_view_mode() {
    let metadata = parse(&remote("view-mode = \"Manager\"")).unwrap();
    assert_eq!(metadata.remote.siebel.user_key_view_mode, "Manager");
}

#[test]
fn every_kind_of_remote_is_known_here() {
    for (name, kind) in [
        ("odata", RemoteKind::Odata),
        ("tryton", RemoteKind::Tryton),
        ("rest", RemoteKind::Rest),
        ("siebel", RemoteKind::Siebel),
    ] {
        let more = if name == "rest" { "\ndescription = \"kinto\"" } else { "" };
        let text = MINIMAL.replace("kind = \"siebel\"", &format!("kind = {name:?}{more}"));
        assert_eq!(parse(&text).unwrap().remote.kind, kind);
        assert_eq!(kind.name(), name);
    }
}

#[test]
fn durations_and_sizes_have_units() {
    for (text, expected) in [
        ("500ms", Duration::from_millis(500)),
        ("10s", Duration::from_secs(10)),
        ("2m", Duration::from_secs(120)),
        ("1440m", Duration::from_secs(86_400)),
        ("2h", Duration::from_secs(7_200)),
        ("1d", Duration::from_secs(86_400)),
    ] {
        assert_eq!(
            parse(&remote(&format!("timeout = {text:?}"))).unwrap().remote.transport.timeout,
            expected
        );
    }
    assert_eq!(parse(&remote("retry-for = \"0s\"")).unwrap().remote.transport.retry_for, Duration::ZERO);

    for (value, expected) in [
        ("\"64MiB\"", 64 << 20),
        ("\"1GiB\"", 1 << 30),
        ("\"4GiB\"", 1 << 32),
        ("\"2048KiB\"", 2 << 20),
        ("1048576", 1 << 20),
        ("0x200000", 2 << 20),
    ] {
        let metadata = parse(&account(&format!("limits.memory = {value}"))).unwrap();
        assert_eq!(metadata.objects["account"].limits.memory, expected);
    }
}

#[test]
fn what_is_kept_for_undo_is_bounded() {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    assert_eq!(parse(MINIMAL).unwrap().undo, Undo { keep: days(30), size: 64 << 20 });
    for (lines, expected) in [
        ("keep = \"7d\"", Undo { keep: days(7), size: 64 << 20 }),
        ("keep = \"0s\"\nsize = \"1GiB\"", Undo { keep: Duration::ZERO, size: 1 << 30 }),
        ("size = 0", Undo { keep: days(30), size: 0 }),
    ] {
        assert_eq!(parse(&and(&format!("[undo]\n{lines}"))).unwrap().undo, expected);
    }
    use ProblemKind::{InvalidValue, UnknownKey};
    assert_mistake(&and("[undo]\nkeeps = \"1d\""), UnknownKey, &["did you mean `keep`?"]);
    assert_mistake(&and("[undos]\nkeep = \"1d\""), UnknownKey, &["did you mean `undo`?"]);
    assert_mistake(&and("[undo]\nkeep = 30"), InvalidValue, &["`undo.keep`", "is no duration", "\"30d\""]);
    assert_mistake(&and("[undo]\nkeep = \"3651d\""), InvalidValue, &["ten years"]);
    assert_mistake(&and("[undo]\nsize = \"64MB\""), InvalidValue, &["`undo.size`", "is no size"]);
}

#[test]
fn absolute_paths_stay() {
    let metadata = parse(&MINIMAL.replace("\"crm.db\"", "\"/var/lib/crm.db\"")).unwrap();
    assert_eq!(metadata.local.path, Path::new("/var/lib/crm.db"));
}

#[test]
fn relative_paths_of_a_bare_file_name_start_here() {
    let metadata = Metadata::parse(Path::new("sync.toml"), MINIMAL, &|_| None).unwrap();
    assert_eq!(metadata.local.path, PathBuf::from("crm.db"));
}

// How requests get to the server

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
    let lines = |name: &str| (name == "LINES").then(|| "hunter2\nhunter3".to_owned());
    let error = Metadata::parse(Path::new("sync.toml"), &text, &lines).unwrap_err();
    assert!(error.plain().contains("`remote.auth.token` holds a line break"), "{}", error.plain());
    assert!(!printed(&error).contains("hunter"));
}

// What is refused

#[test]
fn an_unknown_key_names_the_nearest() {
    use ProblemKind::UnknownKey;
    assert_mistake(
        &remote("timout = \"1s\""),
        UnknownKey,
        &["conf/sync.toml:6:1: unknown key `remote.timout`; did you mean `timeout`?"],
    );
    assert_mistake(&remote("retry_for = \"1s\""), UnknownKey, &["did you mean `retry-for`?"]);
    assert_mistake(&and("[delets]"), UnknownKey, &[":14:2: unknown key `delets`", "`deletes`?"]);
    assert_mistake(&and("[deletes]\ncuont = 1"), UnknownKey, &["`deletes.cuont`", "`count`?"]);
    assert_mistake(&account("on-conflit = \"ask\""), UnknownKey, &["`on-conflict`?"]);
    assert_mistake(
        &account("limits = { memroy = 1 }"),
        UnknownKey,
        &[":15:12: unknown key `objects.account.limits.memroy`", "`memory`?"],
    );
    let fields = "fields = { name = { on-conflict = \"ask\", colour = 1 } }";
    assert_mistake(&account(fields), UnknownKey, &["known here, the nearest first: `on-conflict`"]);
    assert_mistake(
        &and("[local2]").replace("[local2]", "[deletes]\nmaximum = 3"),
        UnknownKey,
        &["known here, the nearest first: `", "`count`", "`percent`"],
    );
}

#[test]
fn suggestions() {
    assert_eq!(suggestion("acount", ["contact", "account"]), "did you mean `account`?");
    assert_eq!(
        suggestion("invoice", ["contact", "account"]),
        "known here, the nearest first: `account`, `contact`"
    );
    assert_eq!(suggestion("invoice", []), "there is none to choose from");
}

#[test]
fn the_version_must_be_one_that_is_understood() {
    use ProblemKind::{InvalidValue, MissingKey, Version};
    // Nothing else is said about a file of another version: its keys may have other meanings.
    let text = MINIMAL.replace("version = 1", "version = 2\nnews = true");
    assert_mistake(&text, Version, &["conf/sync.toml:1:11:", "version that this host", "version 1"]);
    assert_mistake(&MINIMAL.replace("version = 1", ""), MissingKey, &[":1:1: `version` is missing"]);
    let text = MINIMAL.replace("version = 1", "version = \"1\"");
    assert_mistake(&text, InvalidValue, &["`version` must be a whole number, and is a text"]);
}

#[test]
fn what_must_be_there_is_named_when_missing() {
    use ProblemKind::MissingKey;
    assert_mistake(
        &MINIMAL.replace("kind = \"siebel\"\n", ""),
        MissingKey,
        &[":3:2: `kind` is missing in `remote`"],
    );
    assert_mistake(&MINIMAL.replace("url =", "#"), MissingKey, &["`url` is missing in `remote`"]);
    assert_mistake(&MINIMAL.replace("path =", "#"), MissingKey, &["`path` is missing in `local`"]);
    assert_mistake(&MINIMAL.replace("dir =", "#"), MissingKey, &["`dir` is missing in `plugins`"]);
    assert_mistake(
        &MINIMAL.replace("kind = \"sqlite\"", ""),
        MissingKey,
        &[":7:2: `kind` is missing in `local`"],
    );
    let error = refused("");
    assert!(error.problems().all(|problem| problem.kind() == MissingKey));
    assert_eq!(error.problems().count(), 4, "{}", error.plain());
    drawn(&error);
}

#[test]
fn types_are_checked() {
    use ProblemKind::InvalidValue;
    assert_mistake(&MINIMAL.replace("\"crm.db\"", "7"), InvalidValue, &["text in quotes, and is an integer"]);
    assert_mistake(&MINIMAL.replace("\"crm.db\"", "\"\""), InvalidValue, &["`local.path` must not be empty"]);
    assert_mistake(
        &account("enabled = \"yes\""),
        InvalidValue,
        &["must be `true` or `false`, and is a text"],
    );
    assert_mistake(&and("[objects]\naccount = true"), InvalidValue, &["must be a table, and is a boolean"]);
    assert_mistake(&and("[[objects]]"), InvalidValue, &["must be a table, and is a list"]);
    assert_mistake(&account("fields = 1.5"), InvalidValue, &["and is a number with a fraction"]);
    assert_mistake(&account("filter = 2026-01-01"), InvalidValue, &["and is a date or time"]);
}

#[test]
fn words_are_checked() {
    use ProblemKind::InvalidValue;
    let text = MINIMAL.replace("\"siebel\"", "\"seibel\"");
    assert_mistake(&text, InvalidValue, &[":4:8: `remote.kind` cannot be \"seibel\"", "`siebel`?"]);
    assert_mistake(&MINIMAL.replace("\"sqlite\"", "\"oracle\""), InvalidValue, &["`sqlite`"]);
    assert_mistake(&account("on-conflict = \"newest\""), InvalidValue, &["`keep-remote`", "`merge`"]);
    assert_mistake(&account("on-conflict = \"skip\""), InvalidValue, &["`ask`"]);
    assert_mistake(
        &account("grants = [\"wasy\"]"),
        InvalidValue,
        &[":15:11: `objects.account.grants` cannot be \"wasy\"", "`wasi`?"],
    );
    assert_mistake(&account("grants = [1]"), InvalidValue, &["must be a text in quotes"]);
    assert_mistake(&account("grants = \"wasi\""), InvalidValue, &["must be a list"]);
}

#[test]
fn numbers_have_ranges() {
    use ProblemKind::InvalidValue;
    assert_mistake(&and("[deletes]\npercent = 101"), InvalidValue, &["must be from 0 to 100"]);
    assert_mistake(&and("[deletes]\npercent = 2.5"), InvalidValue, &["must be a whole number"]);
    assert_mistake(&and("[deletes]\ncount = -1"), InvalidValue, &["must be at least 0"]);
    let fuel = "limits.fuel-per-record = 9_999";
    assert_mistake(&account(fuel), InvalidValue, &["must be at least 10000"]);
    for memory in ["1048575", "\"1023KiB\"", "\"5GiB\"", "0"] {
        let text = account(&format!("limits.memory = {memory}"));
        assert_mistake(&text, InvalidValue, &["memory` must be from 1MiB to 4GiB"]);
    }
    for memory in ["\"64MB\"", "\"64 MiB\"", "\"MiB\"", "\"64\"", "\"-1MiB\"", "\"99999999999999GiB\""] {
        let text = account(&format!("limits.memory = {memory}"));
        assert_mistake(&text, InvalidValue, &["is no size", "\"64MiB\""]);
    }
}

#[test]
fn durations_have_ranges() {
    use ProblemKind::InvalidValue;
    assert_mistake(&remote("timeout = \"0ms\""), InvalidValue, &["must be longer than zero"]);
    assert_mistake(&remote("timeout = \"1441m\""), InvalidValue, &["a day"]);
    for text in [
        "\"10\"",
        "10",
        "\"1.5s\"",
        "\"10 s\"",
        "\"s\"",
        "\"-1s\"",
        "\"99999999999999999999s\"",
        "\"\"",
        "\"1w\"",
    ] {
        assert_mistake(&remote(&format!("retry-for = {text}")), InvalidValue, &["is no duration", "\"10s\""]);
    }
}

#[test]
fn siebel_keys_are_for_siebel_only() {
    for line in ["view-mode = \"All\"", "user-key-view-mode = \"All\"", "timezone = \"UTC\""] {
        let text = remote(line).replace("\"siebel\"", "\"tryton\"");
        let parts = [":6:1: ", "is for `kind = \"siebel\"` only, and this remote is \"tryton\""];
        assert_mistake(&text, ProblemKind::Misplaced, &parts);
    }
    // With an unknown kind there is one mistake, not two.
    let text = remote("timezone = \"UTC\"").replace("\"siebel\"", "\"sap\"");
    assert_mistake(&text, ProblemKind::InvalidValue, &["`remote.kind`"]);
}

#[test]
fn time_zones_must_exist() {
    let text = remote("timezone = \"Europe/Atlantis\"");
    assert_mistake(&text, ProblemKind::InvalidValue, &["\"Europe/Atlantis\" is not known", "IANA"]);
}

#[test]
fn addresses_are_http_without_credentials() {
    use ProblemKind::InvalidValue;
    assert_mistake(&url("ftp://127.0.0.1/"), InvalidValue, &["`remote.url` must begin with `http://`"]);
    assert_mistake(&url("127.0.0.1:8080"), InvalidValue, &["is no address"]);
    for address in [
        "http://SADMIN:hunter2@127.0.0.1/",
        "http://hunter2@127.0.0.1/",
        "https://:hunter2@127.0.0.1/",
        "http:SADMIN:hunter2@127.0.0.1/",
        "ftp://SADMIN:hunter2@127.0.0.1/",
        r"http://SADMIN:hunter2\u0040127.0.0.1/",
    ] {
        let error = refused(&url(address));
        assert!(error.to_string().contains("must not contain a user name"), "{error}");
        assert!(!printed(&error).contains("hunter2"), "{}", printed(&error));
    }
    // An address that cannot be parsed may have credentials all the same.
    for address in
        ["http://SADMIN:hunter2/x@127.0.0.1/", "http://SADMIN:hunter2@:x/", "SADMIN:hunter2@127.0.0.1"]
    {
        let error = refused(&url(address));
        assert!(!printed(&error).contains("hunter2"), "{}", printed(&error));
    }
}

#[test]
fn object_names_are_kebab_case() {
    for name in ["Account", "sales_order", "\"sales order\"", "sales--order", "-x", "\"\"", "7up"] {
        let text = and(&format!("[objects.{name}]"));
        assert_mistake(&text, ProblemKind::InvalidValue, &[":14:10: ", "is no name of an object"]);
    }
    assert!(parse(&and("[objects.sales-order2]")).is_ok());
}

#[test]
fn digests_have_64_digits() {
    for digest in ["abc".to_owned(), "g".repeat(64), "0".repeat(63), "é".repeat(32)] {
        let text = account(&format!("sha256 = {digest:?}"));
        assert_mistake(&text, ProblemKind::InvalidValue, &["is no SHA-256 digest", "64"]);
    }
}

#[test]
fn fields_have_one_of_three_rules() {
    use ProblemKind::{InvalidValue, MissingKey};
    let merge = account("fields.name.on-conflict = \"merge\"");
    assert_mistake(&merge, InvalidValue, &["nothing to merge", "`keep-local` or `keep-remote`"]);
    let other = account("fields.name.on-conflict = \"keep\"");
    assert_mistake(&other, InvalidValue, &["`keep-local`"]);
    assert_mistake(&account("fields.name = {}"), MissingKey, &["`on-conflict` is missing"]);
    for (text, policy) in [("ask", Policy::Ask), ("keep-remote", Policy::KeepRemote)] {
        let metadata = parse(&account(&format!("fields.name.on-conflict = {text:?}"))).unwrap();
        assert_eq!(metadata.objects["account"].fields["name"].on_conflict, policy);
    }
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    let error =
        refused(&account("enabld = true").replace("dir = ", "folder = ").replace("\"siebel\"", "\"sap\""));
    let positions: Vec<_> = error.problems().map(|problem| problem.position().unwrap()).collect();
    assert_eq!(positions, [(4, 8), (11, 2), (12, 1), (15, 1)]);
    assert!(error.to_string().starts_with("conf/sync.toml:4:8: "), "{error}");
    assert!(error.to_string().ends_with(" (and 3 more)"), "{error}");
    assert_eq!(error.related().unwrap().count(), 3);
    assert_eq!(error.plain().lines().count(), 4);
}

#[test]
fn what_is_not_toml_says_where() {
    let (kind, plain) = mistake(&MINIMAL.replace("[local]", "[local"));
    assert_eq!(kind, ProblemKind::Syntax);
    assert!(plain.starts_with("conf/sync.toml:7:7: this is not TOML: "), "{plain}");
    let error = refused(&MINIMAL.replace("[local]", "[local").replace("url =", "url"));
    assert_eq!(error.problems().count(), 2, "{}", error.plain());
    assert_mistake(&remote("kind = \"odata\""), ProblemKind::Syntax, &[":6:1: ", "duplicate key"]);
    drawn(&refused("a = \""));
    drawn(&refused("[a"));
}

#[test]
fn columns_count_characters() {
    let text = account("filter = \"é\"\nfields = { \"é\" = { x = 1, on-conflict = \"ask\" } }");
    assert_mistake(&text, ProblemKind::UnknownKey, &["conf/sync.toml:16:20: unknown key"]);
    let crlf = remote("timout = \"1s\"").replace('\n', "\r\n");
    assert_mistake(&crlf, ProblemKind::UnknownKey, &["conf/sync.toml:6:1: "]);
}

// Secrets

/// The minimal file with basic authentication, `password` being the TOML for the password.
fn basic(password: &str) -> String {
    remote(&format!("auth = {{ kind = \"basic\", username = \"SADMIN\", password = {password} }}"))
}

#[test]
fn secrets_come_from_the_environment_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "hunter2\r\n").unwrap();
    std::fs::write(folder.path().join("blank"), "\n").unwrap();
    let file = folder.path().join("sync.toml");
    let token = |source: &str| remote(&format!("auth = {{ kind = \"bearer\", token = {{ {source} }} }}"));
    let read = |source: &str| Metadata::parse(&file, &token(source), &|_| None);

    match read("file = \"token\"").unwrap().remote.auth {
        Some(Auth::Bearer { token }) => assert_eq!(token.expose(), "hunter2"),
        other => panic!("{other:?}"),
    }
    for (source, reason) in [("file = \"tokn\"", "No such file"), ("file = \"blank\"", "it is empty")] {
        let error = read(source).unwrap_err();
        assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::UnreadableSecret);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let metadata = parse(&token("env = \"CRM_PASSWORD\"")).unwrap();
    assert!(!format!("{metadata:?}").contains("hunter2"));
    assert!(format!("{metadata:?}").contains("***"));
}

#[test]
fn a_missing_variable_is_an_error_of_its_own() {
    use ProblemKind::MissingVariable;
    assert_mistake(
        &basic("{ env = \"CRM_PASWORD\" }"),
        MissingVariable,
        &["the environment variable `CRM_PASWORD` is not set, and `remote.auth.password.env` needs it"],
    );
    assert_mistake(&basic("{ env = \"EMPTY\" }"), MissingVariable, &["`EMPTY` is empty"]);
}

#[test]
fn secrets_name_one_source() {
    use ProblemKind::{Misplaced, MissingKey, UnknownKey};
    let both = "{ env = \"CRM_PASSWORD\", file = \"token\" }";
    assert_mistake(&basic(both), Misplaced, &["both `env` and `file`"]);
    assert_mistake(&basic("{}"), MissingKey, &["names no source", "`env = ", "`file = "]);
    let text = basic("{ env = \"CRM_PASSWORD\", fiel = \"x\" }");
    assert_mistake(&text, UnknownKey, &["did you mean `file`?"]);
}

#[test]
fn auth_has_the_keys_of_its_kind() {
    use ProblemKind::{InvalidValue, Misplaced, MissingKey};
    let auth = |inner: &str| remote(&format!("auth = {{ {inner} }}"));
    let secret = "{ env = \"CRM_PASSWORD\" }";
    let text = auth(&format!("kind = \"bearer\", username = \"x\", token = {secret}"));
    assert_mistake(&text, Misplaced, &["`remote.auth.username` only goes with `kind = \"basic\"`"]);
    let text = auth(&format!("kind = \"basic\", username = \"x\", password = {secret}, token = {secret}"));
    assert_mistake(&text, Misplaced, &["`remote.auth.token` only goes with `kind = \"bearer\"`"]);
    assert_mistake(&auth("kind = \"bearer\""), MissingKey, &["`token` is missing in `remote.auth`"]);
    let text = auth(&format!("kind = \"basic\", password = {secret}"));
    assert_mistake(&text, MissingKey, &["`username` is missing in `remote.auth`"]);
    assert_mistake(&auth("kind = \"digest\""), InvalidValue, &["`basic`", "`bearer`"]);
    let text = auth(&format!("kind = \"basic\", username = \"a:b\", password = {secret}"));
    assert_mistake(&text, InvalidValue, &["must not contain a colon"]);
}

#[test]
fn a_secret_in_plain_text_is_refused_and_never_repeated() {
    let plain = [
        basic("\"hunter2\""),
        basic("'hunter2'"),
        basic("\"\"\"\nhunter2\"\"\""),
        basic("[\"hunter2\"]"),
        remote("auth = { kind = \"bearer\", token = \"hunter2\" }"),
    ];
    for text in plain {
        assert_mistake(
            &text,
            ProblemKind::PlainSecret,
            &["conf/sync.toml:6:", "`env`", "`file`", "{ env = \"CRM_"],
        );
        assert!(!printed(&refused(&text)).contains("hunter2"), "{}", printed(&refused(&text)));
    }
}

#[test]
fn no_other_error_repeats_a_secret_either() {
    let texts = [
        // Next to another mistake.
        format!("{}\ncolour = 1", basic("\"hunter2\"")),
        basic("\"hunter2\"").replace("kind = \"basic\"", "kynd = \"basic\""),
        basic("\"hunter2\"").replace("version = 1", "version = 2"),
        basic("\"hunter2\"").replace("version = 1", ""),
        // Where it does not belong.
        remote("pasword = \"hunter2\""),
        remote("passwrd = \"hunter2\""),
        remote("[remote.auth]\nkind = \"basic\"\nusername = \"x\"\nanything = \"hunter2\""),
        remote("auth = \"hunter2\""),
        remote("auth = [\"hunter2\"]"),
        remote("password = { value = \"hunter2\" }"),
        basic("{ value = \"hunter2\" }"),
        basic("{ env = \"hunter2!\" }"),
        account("token = \"hunter2\""),
        // In a comment beside the mistake.
        remote("# password = \"hunter2\"\ntimout = \"1s\""),
        remote("# password = \"a\\\"hunter2\"\ntimout = \"1s\""),
        remote("# password = { \"hunter2\" }\ntimout = \"1s\""),
        remote("# http://SADMIN:hunter2@127.0.0.1\ntimout = \"1s\""),
        // Where the text cannot be parsed.
        basic("\"hunter2\"").replace(" }", ""),
        basic("\"hunter2\"").replace("username =", "username"),
        basic("\"hunter2"),
        basic("hunter2"),
        basic("\"x\"hunter2\""),
        basic("\"\"\"\nhunter2\""),
        basic("{ \"hunter2\" }"),
        basic("[\n\"hunter2\"\n").replace(" }", ""),
        remote("password \"hunter2\""),
        remote("password: hunter2"),
        remote("password =\n\"hunter2\""),
        remote("auth.password = = \"hunter2\""),
        url("http://SADMIN:hunter2@127.0.0.1").replace("[local]", "[local"),
        url("http://SADMIN:hunter2@127.0.0.1").replace("127.0.0.1\"", "127.0.0.1"),
    ];
    for text in texts {
        let printed = printed(&refused(&text));
        assert!(!printed.contains("hunter2"), "{text}\n{printed}");
    }
}

#[test]
fn no_slip_of_the_keyboard_gives_a_secret_away() {
    let texts = [
        basic("\"hunter2\""),
        remote("[remote.auth]\nkind = \"bearer\"\ntoken = 'hunter2'"),
        url("http://SADMIN:hunter2@127.0.0.1/"),
    ];
    for text in texts {
        let secret = text.find("hunter2").unwrap();
        for at in (0..text.len()).filter(|at| !(secret..secret + 7).contains(at)) {
            let (before, after) = text.split_at(at);
            // A character left out, one typed twice, one typed in its place, and a file that ends early.
            for slip in [
                format!("{before}{}", &after[1..]),
                format!("{before}{}{after}", &after[..1]),
                format!("{before}x{}", &after[1..]),
                format!("{before}\"{after}"),
                format!("{before}\n{after}"),
                format!("{before}#{after}"),
                before.to_owned(),
            ] {
                if let Err(error) = parse(&slip) {
                    let printed = printed(&error);
                    assert!(!printed.contains("hunter2"), "{slip}\n{printed}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_secret_stays_readable() {
    let error = refused(&basic("{ env = \"MISSING_PASSWORD\" }"));
    let line =
        "auth = { kind = \"basic\", username = \"SADMIN\", password = { env = \"MISSING_PASSWORD\" } }";
    assert!(drawn(&error).contains(line), "{}", drawn(&error));
    let line = "fields = { token = { on-conflict = \"kep-local\" } }";
    assert!(drawn(&refused(&account(line))).contains(line));
}

#[test]
fn redaction_keeps_places_right() {
    let text = remote("auth = { kind = \"bearer\", token = \"pässwörd\", username = \"x\" }");
    let error = refused(&text);
    let positions: Vec<_> = error.problems().map(|problem| problem.position().unwrap()).collect();
    assert_eq!(positions, [(6, 27), (6, 47)]);
    assert!(drawn(&error).contains("token = \"**********\", username = \"x\""), "{}", drawn(&error));
}

// Errors as they are seen

#[test]
fn several_mistakes_as_they_are_drawn() {
    let expected = include_str!("metadata/mistakes.txt");
    assert_eq!(drawn(&refused(MISTAKES)), expected);
}

#[test]
fn several_mistakes_as_plain_text() {
    let expected = "\
conf/sync.toml:6:47: `remote.auth.password` must not be in the file itself: name its source with `env` or `file`; \
`password = { env = \"CRM_PASSWORD\" }` takes it from an environment variable, \
`password = { file = \"secret.txt\" }` from a file
conf/sync.toml:7:1: unknown key `remote.timout`; did you mean `timeout`?
conf/sync.toml:9:2: `path` is missing in `local`";
    assert_eq!(refused(MISTAKES).plain(), expected);
}

#[test]
fn what_is_found_later_is_drawn_alike() {
    let metadata = parse(FULL).unwrap();
    let at = metadata.location(&["objects", "opportunity"]);
    let help = suggestion("opportunity", ["account", "contact"]);
    let error = metadata.error_at(at, "no plugin describes an object `opportunity`", Some(help));
    assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::Reference);
    let expected = include_str!("metadata/later.txt");
    assert_eq!(drawn(&error), expected);
}

#[test]
fn keys_are_found_again() {
    let metadata = parse(FULL).unwrap();
    let line = |path: &[&str]| {
        let error = metadata.error_at(metadata.location(path), "x", None);
        error.problems().next().unwrap().position().unwrap()
    };
    assert_eq!(line(&["objects", "opportunity", "plugin"]), (26, 10));
    assert_eq!(line(&["objects", "opportunity", "fields", "description"]), (30, 12));
    assert_eq!(line(&["plugins", "dir"]), (18, 7));
    // What is not in the file: the table around it, or the start.
    assert_eq!(line(&["objects", "opportunity", "fields", "nothing"]), (30, 1));
    assert_eq!(line(&["nothing"]), (1, 1));
}

// Files

#[test]
fn a_file_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sync.toml");
    std::fs::write(&file, MINIMAL).unwrap();
    let metadata = Metadata::load(&file).unwrap();
    assert_eq!(metadata.local.path, folder.path().join("crm.db"));
}

#[test]
fn a_missing_file_says_how_to_name_another() {
    let error = Metadata::load(Path::new("nowhere/sync.toml")).unwrap_err();
    assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::Unreadable);
    let expected = "nowhere/sync.toml: there is no such file; `--config FILE` names the metadata file; \
                    without it, it is `sync.toml` in the current folder";
    assert_eq!(error.plain(), expected);
    drawn(&error);
}

#[test]
fn a_folder_or_a_binary_is_no_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let error = Metadata::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    let file = folder.path().join("sync.toml");
    std::fs::write(&file, b"version = 1\nx = \"\xff\"").unwrap();
    let error = Metadata::load(&file).unwrap_err();
    assert!(error.to_string().ends_with("sync.toml:2:6: this is not UTF-8 text"), "{error}");
}

/// The minimal file with a REST server and these lines at its end.
fn rest(in_remote: &str, at_the_end: &str) -> String {
    format!("{}\n{at_the_end}", remote(in_remote).replace("\"siebel\"", "\"rest\""))
}

#[test]
fn a_rest_server_is_described_once() {
    use ProblemKind::{InvalidValue, Misplaced, MissingKey};
    let file = parse(&rest("description = \"my-server.toml\"", "")).unwrap();
    assert_eq!(file.remote.rest, Some(RestDescription::File("conf/my-server.toml".into())));
    let inline =
        "[remote.rest.list]\npath = \"/{resource}\"\nitems = \"\"\n[remote.rest.get]\npath = \"/{id}\"\n";
    assert!(matches!(parse(&rest("", inline)).unwrap().remote.rest, Some(RestDescription::Inline(_))));
    assert_mistake(&rest("", ""), MissingKey, &["`description` is missing in `remote`", "kinto, hubspot"]);
    assert_mistake(
        &rest("description = \"kintoo\"", ""),
        InvalidValue,
        &["`remote.description` cannot be \"kintoo\"", "did you mean `kinto`?"],
    );
    assert_mistake(&rest("description = \"kinto\"", inline), Misplaced, &["a server is described once"]);
    assert_mistake(
        &remote("description = \"kinto\""),
        Misplaced,
        &["`remote.description` is for `kind = \"rest\"` only"],
    );
}

#[test]
fn mistakes_of_a_description_are_shown_but_its_headers_are_not() {
    let inline = "[remote.rest]\nheaders = { X-Key = \"s3cret\" }\napi-key = \"s3cret\"\n\
                  list = { path = \"/{resorce}\", items = \"/a\", headers = { X-Key = \"s3cret\" } }\n\
                  get = { path = \"/{id}\" }\n";
    let drawn = drawn(&refused(&rest("", inline)));
    assert!(!drawn.contains("s3cret"), "{drawn}");
    assert!(drawn.contains("path = \"/{resorce}\", items = \"/a\""), "{drawn}");
}
