//! Bad metadata, bad servers and bad stores: one clear error, the documented exit code, and nothing lost once the
//! cause is mended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Action, Config, Fault, Server};
use rusqlite::Connection;
use std::process::Command;
use tests::{Json, Output, Scene, host_binary, json, stock_plugin};

/// A scene with an account and a contact on the remote, nothing run yet.
fn fresh() -> Scene {
    let scene = Scene::new(&["account", "contact"]);
    scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Contact", &[("Last Name", "Doe"), ("First Name", "Jo")]).unwrap();
    scene
}

/// The text of a failed run: exit code and document are checked here.
fn fails(scene: &Scene, code: i32) -> String {
    let output = scene.run().exits(code);
    let document = output.json();
    let error = document["error"].as_str().unwrap_or_else(|| panic!("no error in {document}"));
    assert!(!error.trim().is_empty());
    if code == 2
        && let Some(server) = &scene.server
    {
        assert!(server.requests().is_empty(), "something was sent");
    }
    error.to_owned()
}

/// The next run leaves nothing behind.
fn is_complete(scene: &Scene) {
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Acme"])]);
    assert_eq!(scene.rows("SELECT last_name FROM contact"), [json!(["Doe"])]);
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

/// Replaces a text of the metadata, and answers the metadata before.
fn edit(scene: &Scene, from: &str, to: &str) -> String {
    let before = std::fs::read_to_string(scene.config()).unwrap();
    assert!(before.contains(from), "no {from} in {before}");
    std::fs::write(scene.config(), before.replace(from, to)).unwrap();
    before
}

fn restore(scene: &Scene, metadata: &str) {
    std::fs::write(scene.config(), metadata).unwrap();
}

/// Where a text begins in the metadata, as `sync.toml:line:column`.
fn place(scene: &Scene, text: &str) -> String {
    let metadata = std::fs::read_to_string(scene.config()).unwrap();
    let at = metadata.find(text).unwrap();
    let line = metadata[..at].matches('\n').count() + 1;
    let column = at - metadata[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
    format!("sync.toml:{line}:{column}")
}

const PASSWORD: &str = "{ file = \"password\" }";

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one_and_its_place() {
    let scene = fresh();
    let good = edit(&scene, "retry-for", "retry-fro");
    contains(&fails(&scene, 2), &["retry-fro", "`retry-for`", &place(&scene, "retry-fro")]);
    restore(&scene, &good);
    is_complete(&scene);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place() {
    let scene = fresh();
    let good = edit(&scene, "version = 1", "version = 1\ndeletes = { count = \"five\" }");
    contains(&fails(&scene, 2), &["count", &place(&scene, "\"five\"")]);
    restore(&scene, &good);
    is_complete(&scene);
}

#[test]
fn a_plain_text_password_is_refused_and_shown_nowhere() {
    let scene = fresh();
    let good = edit(&scene, PASSWORD, "\"hunter2-secret\"");
    for arguments in [&["run"][..], &["run", "--format", "json"], &["plan"], &["status"], &["run", "-vv"]] {
        let output = scene.host(arguments).exits(2);
        contains(&output.err, &["env", "file", "sync.toml:"]);
        assert!(!output.out.contains("hunter2") && !output.err.contains("hunter2"), "{}", output.err);
    }
    contains(&fails(&scene, 2), &["env", "file"]);
    restore(&scene, &good);
    is_complete(&scene);
}

#[test]
fn a_missing_environment_variable_is_named() {
    let scene = fresh();
    let good = edit(&scene, PASSWORD, "{ env = \"CRM_PASSWORD_THAT_NOBODY_SET\" }");
    contains(&fails(&scene, 2), &["CRM_PASSWORD_THAT_NOBODY_SET"]);
    restore(&scene, &good);
    is_complete(&scene);
}

#[test]
fn missing_metadata_are_named() {
    let scene = fresh();
    std::fs::rename(scene.config(), scene.path("elsewhere.toml")).unwrap();
    contains(&fails(&scene, 2), &["sync.toml"]);
    std::fs::rename(scene.path("elsewhere.toml"), scene.config()).unwrap();
    is_complete(&scene);
}

#[test]
fn a_missing_plugins_folder_is_named() {
    let scene = fresh();
    std::fs::rename(scene.path("plugins"), scene.path("elsewhere")).unwrap();
    contains(&fails(&scene, 2), &["plugins"]);
    std::fs::rename(scene.path("elsewhere"), scene.path("plugins")).unwrap();
    is_complete(&scene);
}

#[test]
fn a_missing_component_is_named() {
    let scene = fresh();
    scene.configure("[objects.account]\nplugin = \"nowhere.wasm\"");
    contains(&fails(&scene, 2), &["nowhere.wasm"]);
    edit(&scene, "nowhere.wasm", "account.wasm");
    is_complete(&scene);
}

#[test]
fn a_broken_component_is_named() {
    let scene = fresh();
    let whole = std::fs::read(scene.path("plugins/account.wasm")).unwrap();
    std::fs::write(scene.path("plugins/account.wasm"), &whole[..whole.len() / 2]).unwrap();
    contains(&fails(&scene, 2), &["account.wasm"]);
    std::fs::write(scene.path("plugins/account.wasm"), &whole).unwrap();
    is_complete(&scene);
}

/// What it switches off or pins would be neither: the place and the nearest name say what to mend.
#[test]
fn what_the_metadata_says_of_no_object_is_refused_at_its_place() {
    let scene = fresh();
    let good = std::fs::read_to_string(scene.config()).unwrap();
    let refused = |section: &str, marked: &str, words: &[&str]| {
        scene.configure(section);
        let error = fails(&scene, 2);
        contains(&error, words);
        assert!(error.contains(&format!("{}: ", place(&scene, marked))), "{error}");
        let text = scene.host(&["status"]).exits(2).err;
        assert!(text.contains(&place(&scene, marked)), "{text}");
        restore(&scene, &good);
    };
    refused("[objects.acount]\nenabled = false", "acount", &["`acount`", "did you mean `account`?"]);
    refused("[objects.account]\nplugin = \"no.wasm\"", "\"no.wasm\"", &["no.wasm", "no such plugin"]);
    refused("[objects.account]\nplugin = \"contact.wasm\"", "\"contact.wasm\"", &["describes contact"]);
    let digest = format!("\"{}\"", "0".repeat(64));
    refused(&format!("[objects.account]\nsha256 = {digest}"), &digest, &["account.wasm", "sha256"]);
    is_complete(&scene);
}

/// What is wrong with the metadata does not hide what is wrong with a component.
#[test]
fn all_that_is_wrong_with_plugins_is_told_at_once() {
    let scene = fresh();
    let whole = std::fs::read(scene.path("plugins/account.wasm")).unwrap();
    std::fs::write(scene.path("plugins/account.wasm"), "no component").unwrap();
    let good = edit(&scene, "version = 1", "version = 1\nobjects.acount.enabled = false");
    contains(&fails(&scene, 2), &["account.wasm", "help:", "`acount`", &place(&scene, "acount")]);
    std::fs::write(scene.path("plugins/account.wasm"), &whole).unwrap();
    restore(&scene, &good);
    is_complete(&scene);
}

#[test]
fn an_unknown_object_is_wrong_usage() {
    let scene = fresh();
    let output = scene.host(&["run", "acount", "--format", "json"]).exits(2);
    contains(output.json()["error"].as_str().unwrap(), &["acount", "account"]);
    let stands = |name: &str| scene.path(name).exists();
    assert!(!stands("crm.db") && !stands("crm.db.lock"), "usage is looked at before a store is made");
    let run = host::local::RunLock::acquire(&scene.path("crm.db")).unwrap();
    let output = scene.host(&["run", "acount"]).exits(2);
    contains(&output.err, &["did you mean `account`?"]);
    drop(run);
    is_complete(&scene);
}

#[test]
fn a_server_that_is_down_is_one_error_with_its_address() {
    let mut scene = fresh();
    let server = scene.server.take().unwrap();
    let (address, store) = (server.address(), server.store());
    server.stop_blocking();
    contains(&fails(&scene, 1), &[&format!("http://{address}")]);
    let output = scene.host(&["run"]).exits(1);
    assert_eq!(output.err.matches(&address.to_string()).count(), 1, "said once: {}", output.err);
    // Another server on the same data: the port of the first may be taken by now.
    let server = Server::start_blocking_on(Config::default(), store).unwrap();
    edit(&scene, &address.to_string(), &server.address().to_string());
    scene.server = Some(server);
    is_complete(&scene);
}

#[test]
fn a_refused_login_fails_the_run_and_does_not_show_the_password() {
    let scene = fresh();
    std::fs::write(scene.path("password"), "hunter2-secret\n").unwrap();
    let output = scene.run().exits(1);
    assert!(!output.out.contains("hunter2") && !output.err.contains("hunter2"), "{}", output.err);
    contains(&fails(&scene, 1), &["401"]);
    std::fs::write(scene.path("password"), "SADMIN\n").unwrap();
    is_complete(&scene);
}

/// The accounts fail with this fault, the contacts do not mind; answers the error of the accounts.
fn accounts_fail(scene: &Scene, fault: Fault) -> String {
    let server = scene.server.as_ref().unwrap();
    server.fault(fault.always());
    let output = scene.run().exits(1);
    let account = output.object("account");
    assert_eq!(account["outcome"], "failed");
    server.clear_faults();
    account["error"].as_str().expect("the account has an error").to_owned()
}

/// Scripts look at one place, whichever part of the run failed.
#[test]
fn the_report_of_a_run_with_a_failed_object_has_an_error_at_the_top() {
    let scene = fresh();
    scene.server.as_ref().unwrap().fault(on_accounts(Action::Garbage).always());
    fails(&scene, 1);
}

fn on_accounts(action: Action) -> Fault {
    Fault::new("GET", "Account/Account", action)
}

#[test]
fn an_answer_that_is_no_json_fails_the_object() {
    let scene = fresh();
    contains(&accounts_fail(&scene, on_accounts(Action::Garbage)), &["JSON"]);
    is_complete(&scene);
}

#[test]
fn a_web_page_instead_of_json_is_called_so() {
    let scene = fresh();
    contains(&accounts_fail(&scene, on_accounts(Action::Html)).to_uppercase(), &["HTML"]);
    is_complete(&scene);
}

#[test]
fn an_answer_that_breaks_off_fails_the_object() {
    let scene = fresh();
    accounts_fail(&scene, on_accounts(Action::TruncateBody));
    is_complete(&scene);
}

/// A 404 may mean "no records"; this one does not, and must not be taken for deletes.
#[test]
fn a_component_that_the_server_does_not_know_fails_the_object() {
    let scene = fresh();
    is_complete(&scene);
    let body = "{\"ERROR\":\"Business component 'Account' not found\"}";
    accounts_fail(&scene, on_accounts(Action::Status(404, body.into())));
    is_complete(&scene);
}

/// Nothing is deleted, and nothing half written.
#[test]
fn a_listing_that_fails_on_its_second_page_changes_nothing() {
    let scene = Scene::new(&["account"]);
    for number in 1..=150 {
        scene.crm().insert("Account", &[("Name", &format!("Account {number}"))]).unwrap();
    }
    scene.run().exits(0);
    let gone = scene.crm().list("Account")[0]["Id"].clone();
    scene.crm().delete("Account", &gone).unwrap();
    scene.crm().insert("Account", &[("Name", "New")]).unwrap();
    scene.sql("UPDATE account SET location = 'Oslo' WHERE name = 'Account 7'");
    let content = "SELECT id, name, location, revision FROM account ORDER BY id";
    let (local, remote) = (scene.rows(content), scene.crm().list("Account"));

    // The first is the count, the second the first page.
    accounts_fail(&scene, on_accounts(Action::Status(500, "{\"ERROR\":\"SBL-DAT-00393\"}".into())).skip(2));
    assert_eq!(scene.rows(content), local);
    assert_eq!(scene.crm().list("Account"), remote);

    let report = scene.run().exits(0).object("account");
    assert_eq!(report["pull"], json!({"insert": 1, "update": 0, "delete": 1}));
    assert_eq!(report["push"], json!({"insert": 0, "update": 1, "delete": 0}));
}

#[test]
fn an_object_that_fails_does_not_stop_another() {
    let scene = fresh();
    let server = scene.server.as_ref().unwrap();
    server.fault(Fault::new("GET", "Contact/Contact", Action::Garbage).always());
    let output = scene.run().exits(1);
    assert_eq!(output.object("contact")["outcome"], "failed");
    assert_eq!(output.object("account")["outcome"], "synced");
    assert_eq!(output.object("account")["pull"]["insert"], 1);
    server.clear_faults();
    is_complete(&scene);
}

/// The table can still be read, so links from it are told and the other object is synchronized, deletes and all.
#[test]
fn a_column_that_cannot_hold_its_field_stops_its_object_only() {
    let scene = fresh();
    let gone = scene.crm().insert("Account", &[("Name", "Gone")]).unwrap();
    scene.crm().insert("Contact", &[("Last Name", "Roe"), ("Account Id", &gone)]).unwrap();
    scene.run().exits(0);
    scene.sql("ALTER TABLE contact DROP COLUMN job_title; ALTER TABLE contact ADD COLUMN job_title REAL");
    scene.sql("UPDATE contact SET first_name = 'Joe' WHERE last_name = 'Doe'");
    scene.crm().delete("Account", &gone).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();

    for arguments in [&["run"][..], &["plan"]] {
        let output = scene.host(&[arguments, &["--format", "json"]].concat()).exits(1);
        let contact = output.object("contact");
        assert_eq!(contact["outcome"], "failed");
        let error = contact["error"].as_str().unwrap();
        contains(error, &["table contact", "\"job_title\" as REAL", "take a copy", "ALTER TABLE"]);
        if arguments == ["run"] {
            let account = output.object("account");
            assert_eq!(account["outcome"], "synced");
            assert_eq!(account["pull"], json!({"insert": 1, "update": 0, "delete": 1}));
        }
    }
    assert_eq!(scene.rows("SELECT name FROM account ORDER BY name"), [json!(["Acme"]), json!(["Bolt"])]);
    scene.host(&["status"]).exits(0);

    let error = scene.run().exits(1).object("contact")["error"].as_str().unwrap().to_owned();
    let (_, statements) = error.split_once("first:\n").unwrap();
    scene.sql(statements.trim_end_matches(')'));
    let report = scene.run().exits(0);
    assert_eq!(report.object("contact")["push"]["update"], 1);
    let names = scene.rows("SELECT last_name, first_name, account_id FROM contact ORDER BY last_name");
    assert_eq!(names, [json!(["Doe", "Joe", null]), json!(["Roe", null, null])]);
}

#[test]
fn a_folder_in_the_place_of_the_store_is_named() {
    let scene = fresh();
    std::fs::create_dir(scene.path("crm.db")).unwrap();
    contains(&fails(&scene, 1), &["crm.db"]);
    std::fs::remove_dir(scene.path("crm.db")).unwrap();
    is_complete(&scene);
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_alone() {
    let scene = fresh();
    let text = "This is no database, but somebody's notes.\n".repeat(100);
    std::fs::write(scene.path("crm.db"), &text).unwrap();
    contains(&fails(&scene, 1), &["crm.db"]);
    assert_eq!(std::fs::read_to_string(scene.path("crm.db")).unwrap(), text);
    std::fs::remove_file(scene.path("crm.db")).unwrap();
    is_complete(&scene);
}

#[test]
fn a_store_in_a_folder_that_is_missing_is_named() {
    let scene = fresh();
    let good = edit(&scene, "crm.db", "no/such/crm.db");
    contains(&fails(&scene, 1), &["no/such"]);
    restore(&scene, &good);
    is_complete(&scene);
}

/// SQLite knows names that are more than that, which only a path without a folder can be.
#[test]
fn a_store_is_the_file_of_its_name_from_its_own_folder_too() {
    for name in [":memory:", "file:crm.db"] {
        let scene = fresh();
        edit(&scene, "crm.db", name);
        for inserted in [1, 0] {
            let mut host = Command::new(host_binary());
            host.args(["run", "--format", "json"]).current_dir(scene.path(""));
            let run = Output::of(&mut host).exits(0);
            assert_eq!(run.object("account")["pull"]["insert"], inserted, "{name}");
        }
        assert!(scene.path(name).is_file() && !scene.path("crm.db").exists(), "{name}");
    }
}

/// The statements of a message: from the first line that is one, to the end.
fn statements(message: &str) -> String {
    let lines = message.lines().skip_while(|line| !line.trim_end().ends_with(';'));
    lines.collect::<Vec<_>>().join("\n")
}

fn refused_until_its_statements_are_executed(table: &str) {
    let scene = fresh();
    scene.sql(table);
    scene.sql("INSERT INTO account(name) VALUES ('Mine')");
    let refused = scene.run();
    assert_ne!(refused.code, 0);
    let error = refused.json()["error"].as_str().expect("an error").to_owned();
    contains(&error, &["account", "crm.db"]);
    assert_eq!(scene.rows("SELECT name FROM account"), [json!(["Mine"])], "left alone");
    scene.sql(&statements(&error));
    scene.run().exits(0);
    let names: Vec<Json> = ["Acme", "Mine"].map(|name| json!([name])).into();
    assert_eq!(scene.rows("SELECT name FROM account ORDER BY name"), names);
    assert_eq!(scene.crm().count("Account"), 2);
}

#[test]
fn a_table_that_lacks_columns_is_refused_with_the_statements_that_add_them() {
    refused_until_its_statements_are_executed(
        "CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
    );
}

#[test]
fn a_table_whose_ids_come_back_is_refused_with_the_statements_that_rebuild_it() {
    refused_until_its_statements_are_executed("CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT)");
}

/// A table is no metadata: what is wrong with the store fails the run.
#[test]
fn a_table_that_cannot_be_used_fails_the_run() {
    let scene = fresh();
    scene.sql("CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)");
    fails(&scene, 1);
}

/// Another program at work on the store is no damage: the run says so, and the next one is complete.
#[test]
fn a_store_that_another_program_holds_fails_the_run() {
    let scene = fresh();
    scene.run().exits(0);
    let other = Connection::open(scene.path("crm.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    contains(&fails(&scene, 1), &["crm.db"]);
    other.execute_batch("ROLLBACK").unwrap();
    is_complete(&scene);
}

/// A link whose target nobody knows stays empty, as one that is mistyped would: so a run says it.
#[test]
fn a_link_to_an_object_that_nobody_describes_is_told() {
    let scene = Scene::new(&["contact"]);
    scene.crm().insert("Contact", &[("Last Name", "Doe"), ("First Name", "Jo")]).unwrap();
    let told = scene.run().exits(0).err;
    contains(&told, &["no plugin describes the object `account` that contact.account_id links to"]);
    scene.install(&stock_plugin("account"));
    assert!(!scene.run().exits(0).err.contains("links to"));
    scene.configure("[objects.account]\nenabled = false\n");
    assert!(!scene.run().exits(0).err.contains("links to"), "it is known, and switched off");
}
