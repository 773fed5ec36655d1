//! What is accepted.

use crate::{FULL, MINIMAL, account, and, assert_mistake, parse, remote};
use host::metadata::{
    Auth, Deletes, FieldRule, Grant, Limits, Local, LocalKind, Metadata, ObjectMetadata, Policy, ProblemKind,
    RemoteKind, SiebelOptions, Undo,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
        ("\"5GiB\"", 5 << 30),
        ("\"64KiB\"", 64 << 10),
        ("1", 1),
        ("\"2048KiB\"", 2 << 20),
        ("1048576", 1 << 20),
        ("0x200000", 2 << 20),
    ] {
        let metadata = parse(&account(&format!("limits.memory = {value}"))).unwrap();
        assert_eq!(metadata.objects["account"].limits.memory, expected);
    }
    for fuel in [1, 9_999, u64::MAX >> 1] {
        let metadata = parse(&account(&format!("limits.fuel-per-record = {fuel}"))).unwrap();
        assert_eq!(metadata.objects["account"].limits.fuel_per_record, fuel);
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
