//! `host undo`: what a run overwrote or deleted locally comes back, and goes to the server with the next run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Output, Scene, json};

/// Two accounts, the first with an opportunity and a column that is nobody's, synchronized.
fn scene() -> (Scene, String, String) {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Location", "Paris")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    scene.sql("ALTER TABLE account ADD COLUMN note; UPDATE account SET note = x'00ff' WHERE name = 'Acme'");
    scene.run().exits(0);
    (scene, acme, deal)
}

/// Runs, and answers the run's id.
fn run(scene: &Scene) -> String {
    scene.run().exits(0).json()["run"].as_str().unwrap().to_owned()
}

/// `host undo RUN`.
fn undo(scene: &Scene, run: &str, more: &[&str], code: i32) -> Output {
    scene.host(&[&["undo", run, "--format", "json"], more].concat()).exits(code)
}

/// The runs that can be undone.
fn listed(scene: &Scene) -> Vec<Json> {
    scene.list(&["undo", "--list"])
}

/// Asserts that both sides are equal and nothing is left to do.
fn settled(scene: &Scene) {
    scene.forget_requests();
    scene.run().exits(0);
    assert_eq!(scene.writes(), [""; 0]);
}

/// What is edited and deleted on the remote, and pulled: the run's id.
fn pull_an_edit(scene: &Scene, acme: &str) -> String {
    scene.crm().update("Account", acme, &[("Location", "Lyon"), ("Main Phone Number", "1")]).unwrap();
    run(scene)
}

#[test]
fn an_update_comes_back_and_is_pushed() {
    let (scene, acme, _) = scene();
    let id = pull_an_edit(&scene, &acme);
    assert_eq!(
        listed(&scene),
        [json!({"run": id, "objects": [{"object": "account", "updates": 1, "deletes": 0}]})]
    );
    scene.forget_requests();
    let undone = undo(&scene, &id, &[], 0).json();
    let restored = json!([{"object": "account", "local_id": 1, "former_id": null, "without": []}]);
    assert_eq!((&undone["restored"], &undone["left"]), (&restored, &json!([])));
    assert!(scene.server.as_ref().unwrap().requests().is_empty(), "no server is contacted");
    let row = "SELECT location, phone, hex(note) FROM account WHERE name = 'Acme'";
    assert_eq!(scene.rows(row), [json!(["Paris", null, "00FF"])]);

    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
    let remote = scene.crm().get("Account", &acme).unwrap();
    assert_eq!((&*remote["Location"], &*remote["Main Phone Number"]), ("Paris", ""));
    settled(&scene);
}

#[test]
fn a_delete_comes_back_with_its_own_column_and_the_links_of_its_children() {
    let (scene, acme, deal) = scene();
    scene.crm().delete("Account", &acme).unwrap();
    let id = run(&scene);
    assert_eq!(scene.rows("SELECT account_id FROM opportunity"), [json!([null])]);
    let counts =
        |object: &str, updates, deletes| json!({"object": object, "updates": updates, "deletes": deletes});
    assert_eq!(listed(&scene)[0]["objects"], json!([counts("account", 0, 1), counts("opportunity", 1, 0)]));
    undo(&scene, &id, &[], 0);
    assert_eq!(
        scene.rows("SELECT id, location, hex(note) FROM account WHERE name = 'Acme'"),
        [json!([3, "Paris", "00FF"])]
    );
    assert_eq!(scene.value("SELECT account_id FROM opportunity"), 3);

    let report = scene.run().exits(0);
    assert_eq!(report.object("account")["push"]["insert"], 1);
    assert_eq!(report.object("opportunity")["push"]["update"], 1);
    let anew = scene.crm().list("Account").into_iter().find(|it| it["Name"] == "Acme").unwrap();
    assert_eq!((&*anew["Location"], anew["Id"] == acme), ("Paris", false));
    assert_eq!(scene.crm().get("Opportunity", &deal).unwrap()["Account Id"], anew["Id"]);
    settled(&scene);
}

#[test]
fn records_that_were_deleted_together_are_linked_again() {
    let (scene, acme, deal) = scene();
    scene.crm().delete("Opportunity", &deal).unwrap();
    scene.crm().delete("Account", &acme).unwrap();
    scene.crm().insert("Opportunity", &[("Name", "Other")]).unwrap();
    let id = run(&scene);
    undo(&scene, &id, &[], 0);
    let linked = "SELECT o.name, a.name FROM opportunity o JOIN account a ON a.id = o.account_id";
    assert_eq!(scene.rows(linked), [json!(["Deal", "Acme"])]);
    scene.run().exits(0);
    assert_eq!((scene.crm().count("Account"), scene.crm().count("Opportunity")), (2, 2));
    settled(&scene);
}

#[test]
fn what_was_edited_since_is_left_alone_unless_forced() {
    let (scene, acme, _) = scene();
    let id = pull_an_edit(&scene, &acme);
    scene.sql("UPDATE account SET phone = '2', fax = '3' WHERE name = 'Acme'");
    let undone = undo(&scene, &id, &[], 3).json();
    assert_eq!(
        (&undone["left"][0]["object"], &undone["left"][0]["local_id"]),
        (&json!("account"), &json!(1))
    );
    let row = "SELECT location, phone, fax FROM account WHERE name = 'Acme'";
    assert_eq!(scene.rows(row), [json!(["Lyon", "2", "3"])]);
    let text = scene.host(&["undo", &id]).exits(3).out;
    assert!(text.contains("was edited since that run") && text.contains("--force"), "{text}");

    undo(&scene, &id, &["--force"], 0);
    // What the run did not touch keeps the edit.
    assert_eq!(scene.rows(row), [json!(["Paris", null, "3"])]);
    settled_after_push(&scene);
}

fn settled_after_push(scene: &Scene) {
    scene.run().exits(0);
    settled(scene);
}

#[test]
fn an_edit_of_a_later_run_counts_as_an_edit() {
    let (scene, acme, _) = scene();
    let first = pull_an_edit(&scene, &acme);
    scene.crm().update("Account", &acme, &[("Location", "Nice")]).unwrap();
    let second = run(&scene);
    let runs: Vec<Json> = listed(&scene).into_iter().map(|run| run["run"].clone()).collect();
    assert_eq!(runs, [json!(second), json!(first)], "the last one first");
    undo(&scene, &first, &[], 3);
    undo(&scene, &second, &[], 0);
    assert_eq!(scene.value("SELECT location FROM account WHERE id = 1"), "Lyon");
}

#[test]
fn nothing_comes_back_twice_and_an_unknown_run_is_said_to_be_none() {
    let (scene, acme, _) = scene();
    scene.crm().delete("Account", &acme).unwrap();
    let id = run(&scene);
    undo(&scene, &id, &[], 0);
    let again = undo(&scene, &id, &[], 1);
    assert!(again.err.contains(&id) && again.err.contains("host undo --list"), "{}", again.err);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 2);
    undo(&scene, "20000101T000000.000Z", &["--force"], 1);
    assert_eq!(scene.host(&["undo"]).exits(0).out, "no run can be undone\n");
    scene.host(&["undo", &id, "--list"]).exits(2);
    scene.host(&["undo", "--force"]).exits(2);
}

#[test]
fn a_list_makes_no_store() {
    let scene = Scene::new(&["account"]);
    assert_eq!(listed(&scene), [json!(null); 0]);
    undo(&scene, "a", &[], 1);
    assert!(!scene.path("crm.db").exists() && !scene.path("crm.db.lock").exists());
}

#[test]
fn plans_and_runs_that_change_no_value_keep_nothing() {
    let (scene, acme, _) = scene();
    scene.crm().update("Account", &acme, &[("Location", "Lyon")]).unwrap();
    for arguments in [&["plan"][..], &["run", "--dry-run"]] {
        scene.host(arguments).exits(0);
    }
    assert_eq!(listed(&scene), [json!(null); 0]);
    run(&scene);
    assert_eq!(listed(&scene).len(), 1);
    // Another token with the same content, and edits and new records of our own.
    scene.crm().update("Account", &acme, &[("Location", "Lyon")]).unwrap();
    scene.sql("UPDATE account SET fax = '1'; INSERT INTO opportunity(name, account_id) VALUES('New', 1)");
    run(&scene);
    assert_ne!(scene.value("SELECT number FROM opportunity WHERE name = 'New'"), Json::Null, "it was filled");
    assert_eq!(listed(&scene).len(), 1);
}

#[test]
fn an_edit_that_a_push_put_back_can_be_had_again() {
    let (scene, _, _) = scene();
    scene.sql("UPDATE opportunity SET number = 'mine', stage = 'Won'");
    let id = run(&scene);
    assert_ne!(scene.value("SELECT number FROM opportunity"), "mine");
    undo(&scene, &id, &[], 0);
    assert_eq!(scene.rows("SELECT number, stage FROM opportunity"), [json!(["mine", "Won"])]);
}

#[test]
fn the_choice_of_the_remote_side_in_a_conflict_can_be_undone() {
    let (scene, acme, _) = scene();
    scene.sql("UPDATE account SET location = 'Nice', fax = '1' WHERE id = 1");
    scene.crm().update("Account", &acme, &[("Location", "Lyon")]).unwrap();
    let run = scene.host(&["run", "--on-conflict", "keep-remote", "--format", "json"]).exits(0);
    let id = run.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(scene.rows("SELECT location, fax FROM account WHERE id = 1"), [json!(["Lyon", null])]);
    undo(&scene, &id, &[], 0);
    settled_after_push(&scene);
    let remote = scene.crm().get("Account", &acme).unwrap();
    assert_eq!((&*remote["Location"], &*remote["Main Fax Number"]), ("Nice", "1"));
}

#[test]
fn a_record_that_left_the_filter_comes_back_and_is_adopted() {
    let scene = Scene::new(&["account"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Account Status", "Active")]).unwrap();
    scene.run().exits(0);
    scene.crm().update("Account", &acme, &[("Account Status", "Closed")]).unwrap();
    let id = run(&scene);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 0);
    undo(&scene, &id, &[], 0);
    // It is what it was when it left, and no duplicate of what the remote has since.
    assert_eq!(scene.run().exits(3).object("account")["issues"], 1);
    assert_eq!((scene.crm().count("Account"), &scene.issues()[0]["code"]), (1, &json!("user-key-match")));
    scene.sql("UPDATE account SET status = 'Closed'");
    assert_eq!(scene.run().exits(0).object("account")["adopted"], 1);
    assert_eq!(scene.crm().count("Account"), 1);
}

/// Adds to the metadata what is kept.
fn kept(lines: &str) -> (Scene, String) {
    let (scene, acme, _) = scene();
    scene.configure(&format!("[undo]\n{lines}"));
    (scene, acme)
}

#[test]
fn the_oldest_runs_go_when_it_is_too_much() {
    // One image of an account has some 500 bytes.
    let (scene, acme) = kept("size = 1200");
    let mut runs = Vec::new();
    for location in ["Lyon", "Nice", "Metz", "Brest"] {
        scene.crm().update("Account", &acme, &[("Location", location)]).unwrap();
        runs.push(json!(run(&scene)));
    }
    let left: Vec<Json> = listed(&scene).into_iter().map(|run| run["run"].clone()).collect();
    assert!(!left.is_empty() && left.len() < 4, "{left:?}");
    runs.reverse();
    assert_eq!(left, runs[..left.len()], "the last ones stay");
}

#[test]
fn a_run_that_alone_is_too_much_cannot_be_undone_and_works() {
    let (scene, acme) = kept("size = 100");
    scene.crm().update("Account", &acme, &[("Location", "Lyon")]).unwrap();
    let run = scene.run().exits(0);
    assert!(run.err.contains("cannot be undone"), "{}", run.err);
    assert_eq!(scene.value("SELECT location FROM account WHERE id = 1"), "Lyon");
    assert_eq!(listed(&scene), [json!(null); 0]);
}

#[test]
fn images_may_be_switched_off_and_old_ones_go() {
    let (scene, acme, _) = scene();
    pull_an_edit(&scene, &acme);
    assert_eq!(listed(&scene).len(), 1);
    scene.configure("[undo]\nkeep = \"0s\"");
    scene.crm().update("Account", &acme, &[("Location", "Nice")]).unwrap();
    run(&scene);
    assert_eq!(listed(&scene), [json!(null); 0]);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_image"), 0);
}

#[test]
fn images_go_with_age() {
    let (scene, acme, _) = scene();
    pull_an_edit(&scene, &acme);
    scene.sql("UPDATE _sync_undo SET taken = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-29 days')");
    run(&scene);
    assert_eq!(listed(&scene).len(), 1);
    scene.sql("UPDATE _sync_undo SET taken = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-31 days')");
    run(&scene);
    assert_eq!(listed(&scene), [json!(null); 0]);
}

#[test]
fn no_undo_during_a_run() {
    let (scene, acme, _) = scene();
    let id = pull_an_edit(&scene, &acme);
    let lock = std::fs::File::create(scene.path("crm.db.lock")).unwrap();
    lock.lock().unwrap();
    let refused = undo(&scene, &id, &[], 1);
    assert!(refused.err.contains("is being synchronized"), "{}", refused.err);
    assert_eq!(listed(&scene).len(), 1, "a list only reads");
}
