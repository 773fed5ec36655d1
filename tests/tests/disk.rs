//! Faults of the disk and of the file: a clear error, the other side untouched while nothing can be remembered, and
//! nothing half-written. Mended, the next run ends as if nothing had been.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use tests::{Json, Output, Scene, host_binary, json, root};

/// Twenty accounts on both sides, then twenty more on either, an edit and a delete on either.
fn scene() -> Scene {
    let scene = Scene::new(&["account"]);
    let crm = scene.crm();
    let insert =
        |name: &str| crm.insert("Account", &[("Name", name), ("Description", &"x".repeat(900))]).unwrap();
    let ids: Vec<String> = (0..20).map(|index| insert(&format!("Old {index}"))).collect();
    scene.run().exits(0);
    (0..20).for_each(|index| drop(insert(&format!("There {index}"))));
    crm.update("Account", &ids[0], &[("City", "Lyon")]).unwrap();
    crm.delete("Account", &ids[1]).unwrap();
    let new: Vec<String> = (0..20).map(|index| format!("('Here {index}', '{}')", "y".repeat(900))).collect();
    scene.sql(&format!(
        "INSERT INTO account(name, description) VALUES {};
         UPDATE account SET city = 'Oslo' WHERE name = 'Old 2';
         DELETE FROM account WHERE name = 'Old 3'",
        new.join(", ")
    ));
    scene.forget_requests();
    scene
}

/// Asserts that a run now ends with 0, and that each side then has what it should: all once.
fn heals(scene: &Scene, when: &str) {
    let run = scene.run();
    assert_eq!(run.code, 0, "{when}: {}{}", run.out, run.err);
    let mut expected: BTreeSet<String> = (0..20)
        .flat_map(|index| [format!("Old {index}"), format!("Here {index}"), format!("There {index}")])
        .collect();
    expected.remove("Old 1");
    expected.remove("Old 3");
    let remote = scene.crm().list("Account");
    let here = scene.rows("SELECT name FROM account ORDER BY name");
    let names: BTreeSet<String> = remote.iter().map(|record| record["Name"].clone()).collect();
    assert_eq!(names, expected, "{when}");
    assert_eq!(remote.len(), expected.len(), "nothing is doubled on the remote, {when}");
    assert_eq!(here, expected.iter().map(|name| json!([name])).collect::<Vec<Json>>(), "{when}");
    let city = |name: &str| scene.value(&format!("SELECT city FROM account WHERE name = '{name}'"));
    let city_there = |name: &str| remote.iter().find(|it| it["Name"] == name).unwrap()["City"].clone();
    assert_eq!((city("Old 0"), city("Old 2")), (json!("Lyon"), json!("Oslo")), "{when}");
    assert_eq!((&*city_there("Old 0"), &*city_there("Old 2")), ("Lyon", "Oslo"), "{when}");
    assert_eq!(scene.value("PRAGMA integrity_check"), "ok", "{when}");
    let quiet = scene.run().exits(0).object("account");
    assert_eq!(
        (&quiet["requests"]["details"], &quiet["requests"]["write"]),
        (&json!(0), &json!(0)),
        "{when}"
    );
}

/// Asserts that a run fails with one error that has these words, and that nothing was sent to be written.
fn refused(scene: &Scene, words: &[&str]) {
    let run = scene.host(&["run"]).exits(1);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", run.err);
    assert!(errors[0].contains("crm.db"), "it names the file: {}", run.err);
    assert!(words.iter().all(|word| run.err.contains(word)), "{words:?}: {}", run.err);
    assert_eq!(scene.writes(), [""; 0], "{words:?}");
}

/// Runs with no file longer than so many KiB, as on a disk that is full: no more is written, and that is an error.
fn run_on_a_full_disk(scene: &Scene, kib: u64) -> Output {
    // The shell counts in halves; the signal that goes with the error is ignored.
    let script = "trap '' XFSZ; ulimit -f $(($1 * 2)); shift; exec \"$@\"";
    let mut host = Command::new("sh");
    host.args(["-c", script, "sh", &kib.to_string()]).arg(host_binary());
    host.args(["run", "--format", "json", "--config"]).arg(scene.config()).current_dir(scene.path("."));
    let output = host.output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_disk_that_is_full_at_any_moment_of_a_run_heals() {
    let (mut before, mut during) = (0, 0);
    for kib in (4..).step_by(24) {
        let scene = scene();
        let run = run_on_a_full_disk(&scene, kib);
        let when = format!("with {kib} KiB");
        if run.code == 0 {
            break;
        }
        assert_eq!((run.code, run.json()["outcome"].as_str()), (1, Some("failed")), "{when}");
        let report = run.json();
        let error = report["error"].as_str().unwrap();
        assert!(error.contains("make room") && error.contains("crm.db"), "{when}: {error}");
        let written = scene.writes().len();
        if written == 0 {
            before += 1
        } else {
            during += 1
        }
        heals(&scene, &when);
    }
    assert!(
        before > 2 && during > 5,
        "it struck {before} times before the first push, {during} times after it"
    );
}

#[test]
fn what_was_done_before_the_disk_was_full_is_told() {
    let told = (4..).step_by(24).find_map(|kib| {
        let scene = scene();
        let run = run_on_a_full_disk(&scene, kib);
        assert_eq!(run.code, 1, "it is full before the run is through");
        let report = run.json();
        report["objects"].get(0).filter(|object| object["push"]["insert"] == 20).cloned()
    });
    assert_eq!(told.unwrap()["outcome"], "failed");
}

#[test]
fn an_older_store_on_a_full_disk_stays_as_it_was() {
    for kib in [4, 16, 28] {
        let scene = Scene::new(&["account", "opportunity"]);
        let fixture = root().join("tests/fixtures/store-v1.sql");
        scene.sql(&std::fs::read_to_string(fixture).unwrap());
        let dump = |scene: &Scene| {
            let version = scene.value("SELECT value FROM _sync_meta WHERE key = 'version'");
            (
                version,
                scene.rows("SELECT name, sql FROM sqlite_schema"),
                scene.rows("SELECT * FROM _sync_baseline"),
            )
        };
        let before = dump(&scene);
        let run = run_on_a_full_disk(&scene, kib);
        assert_eq!(run.code, 1);
        assert!(run.err.contains("make room"), "{}", run.err);
        assert_eq!(dump(&scene), before);
        assert!(scene.server.as_ref().unwrap().requests().is_empty());
    }
}

/// Whether this user is held to permissions. One who is not, as root, sees no fault where they are the fault.
fn permissions_hold(scene: &Scene) -> bool {
    let probe = scene.path("probe");
    std::fs::write(&probe, "").unwrap();
    std::fs::set_permissions(&probe, Permissions::from_mode(0o444)).unwrap();
    std::fs::OpenOptions::new().write(true).open(&probe).is_err()
}

#[test]
fn a_store_that_may_not_be_written_is_said_to_be_so() {
    let scene = scene();
    std::fs::set_permissions(scene.path("crm.db"), Permissions::from_mode(0o444)).unwrap();
    if permissions_hold(&scene) {
        refused(&scene, &["read-only", "writable"]);
        scene.host(&["plan"]).exits(0);
    }
    // What only read it may have left files beside it, with the same permissions.
    for name in
        ["crm.db", "crm.db-wal", "crm.db-shm"].map(|name| scene.path(name)).iter().filter(|it| it.exists())
    {
        std::fs::set_permissions(name, Permissions::from_mode(0o644)).unwrap();
    }
    heals(&scene, "after the file could be written again");
}

#[test]
fn a_folder_that_may_not_be_written_is_said_to_be_so() {
    let scene = scene();
    let hold = permissions_hold(&scene);
    std::fs::remove_file(scene.path("crm.db.lock")).unwrap();
    std::fs::set_permissions(scene.path("."), Permissions::from_mode(0o555)).unwrap();
    if hold {
        refused(&scene, &["crm.db.lock", "writable"]);
    }
    std::fs::set_permissions(scene.path("."), Permissions::from_mode(0o755)).unwrap();
    heals(&scene, "after the folder could be written again");
}

/// As on a medium that is mounted for reading only. SQLite wants to make a file beside the store even to read it.
#[test]
fn a_store_that_can_only_be_read_is_read() {
    let scene = scene();
    let elsewhere = tempfile::tempdir().unwrap();
    let program = elsewhere.path().join("host");
    std::fs::copy(host_binary(), &program).unwrap();
    std::fs::set_permissions(elsewhere.path(), Permissions::from_mode(0o755)).unwrap();
    let folder = |mode| std::fs::set_permissions(scene.path("."), Permissions::from_mode(mode)).unwrap();
    let read = ["status", "conflicts", "issues", "plan", "undo", "explain account 1"];
    let names = || std::fs::read_dir(scene.path(".")).unwrap().map(|entry| entry.unwrap().file_name());

    // One who is held to permissions: where this user is not, nobody.
    let somebody = permissions_hold(&scene);
    let host = |arguments: &[&str]| {
        let mut host = Command::new(&program);
        host.args(arguments).arg("--config").arg(scene.config()).env("XDG_CACHE_HOME", "/nowhere");
        if !somebody {
            host.uid(65_534).gid(65_534);
        }
        Output::of(&mut host)
    };
    let before: BTreeSet<_> = names().collect();
    folder(0o555);
    for arguments in read {
        host(&arguments.split(' ').collect::<Vec<_>>()).exits(0);
    }
    let plan = host(&["plan", "--format", "json"]).exits(0).object("account");
    assert_eq!(plan["push"], json!({"insert": 20, "update": 1, "delete": 1}));
    assert_eq!(names().collect::<BTreeSet<_>>(), before);

    // What was committed last is in the log alone, and to read without it would tell what is no longer so.
    folder(0o755);
    let other = scene.store();
    other.execute_batch("UPDATE account SET city = 'Rome'").unwrap();
    let (file, log) =
        (std::fs::read(scene.path("crm.db")).unwrap(), std::fs::read(scene.path("crm.db-wal")).unwrap());
    drop(other);
    std::fs::write(scene.path("crm.db"), file).unwrap();
    std::fs::write(scene.path("crm.db-wal"), log).unwrap();
    folder(0o555);
    let refused = host(&["status"]).exits(1);
    assert!(refused.err.contains("may write to it"), "{}", refused.err);
    folder(0o755);
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE city <> 'Rome'"), 0);
}

#[test]
fn files_beside_the_store_that_cannot_be_made_are_said_to_be_so() {
    for (name, words) in
        [("crm.db-wal", ["unable to open", "folder"]), ("crm.db.lock", ["lock file", "writable"])]
    {
        let scene = scene();
        // A folder of that name stops every user, root included.
        let _ = std::fs::remove_file(scene.path(name));
        std::fs::create_dir(scene.path(name)).unwrap();
        refused(&scene, &words);
        std::fs::remove_dir(scene.path(name)).unwrap();
        heals(&scene, name);
    }
}

/// Changes the bytes of the store's file; nobody has it open, and all is in it.
fn overwrite(scene: &Scene, change: impl FnOnce(&mut Vec<u8>)) {
    assert!(!scene.path("crm.db-wal").exists());
    let mut bytes = std::fs::read(scene.path("crm.db")).unwrap();
    change(&mut bytes);
    std::fs::write(scene.path("crm.db"), bytes).unwrap();
}

#[test]
fn a_damaged_page_stops_the_run_before_the_remote_is_written_to() {
    let scene = scene();
    let sound = std::fs::read(scene.path("crm.db")).unwrap();
    let size = usize::try_from(scene.value("PRAGMA page_size").as_u64().unwrap()).unwrap();
    // One page of every table and index but for the images, which a run only adds to and undo reads.
    let pages = "SELECT name, min(pageno) FROM dbstat WHERE name NOT LIKE '%_sync_image%' GROUP BY name";
    let inner = "SELECT name, max(pageno) FROM dbstat WHERE pagetype = 'leaf' \
                 AND name IN ('account', '_sync_baseline', '_sync_baseline_remote') GROUP BY name";
    let pages = [scene.rows(pages), scene.rows(inner)].concat();
    assert!(pages.len() > 18, "{pages:?}");
    for page in &pages {
        let start = size * (usize::try_from(page[1].as_u64().unwrap()).unwrap() - 1);
        overwrite(&scene, |bytes| bytes[start..start + size].fill(0xAB));
        if page[0] == "sqlite_schema" {
            refused(&scene, &["not a database"]);
        } else {
            refused(&scene, &["malformed", "PRAGMA integrity_check", "backup"]);
        }
        std::fs::write(scene.path("crm.db"), &sound).unwrap();
    }
    heals(&scene, "restored");
}

#[test]
fn an_entry_that_is_rubbish_stops_the_run_before_the_remote_is_written_to() {
    let scene = scene();
    let sound = std::fs::read(scene.path("crm.db")).unwrap();
    // The baseline's entry of a record that was edited here.
    let entry = b"[\"Old 2\",";
    overwrite(&scene, |bytes| {
        // Wherever it stands: free space may still have an older one.
        let places: Vec<usize> = bytes
            .windows(entry.len())
            .enumerate()
            .filter_map(|(at, window)| (window == entry).then_some(at))
            .collect();
        assert!(!places.is_empty());
        places.into_iter().for_each(|at| bytes[at..at + entry.len()].fill(0xAB));
    });
    refused(&scene, &["read the baseline of account", "PRAGMA integrity_check"]);
    std::fs::write(scene.path("crm.db"), &sound).unwrap();
    heals(&scene, "restored");
}

#[test]
fn a_truncated_file_stops_the_run_before_the_remote_is_written_to() {
    let scene = scene();
    let sound = std::fs::read(scene.path("crm.db")).unwrap();
    for length in
        [1, 50, 99, 100, 1000, 4095, 4096, 10_000, sound.len() / 2, sound.len() - 4096, sound.len() - 1]
    {
        overwrite(&scene, |bytes| bytes.truncate(length));
        refused(&scene, &["help: "]);
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(scene.path(&format!("crm.db{suffix}")));
        }
        std::fs::write(scene.path("crm.db"), &sound).unwrap();
    }
    heals(&scene, "restored");
}

#[test]
fn an_older_copy_of_the_store_makes_no_duplicates() {
    let scene = scene();
    // What a person restores who has a backup of last night.
    let backup = std::fs::read(scene.path("crm.db")).unwrap();
    heals(&scene, "at first");
    std::fs::write(scene.path("crm.db"), backup).unwrap();
    assert!(Connection::open(scene.path("crm.db")).is_ok());
    heals(&scene, "restored");
}
