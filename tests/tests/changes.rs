//! What changes around a store: the server or the user, the mapping, the objects that take part, the filter. Each leads
//! to the full compare that it needs, and to no delete that nobody asked for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Action, Clock, Config, Fault, Server, Store, Visibility};
use tests::{Json, Output, Scene, hostile_plugin, json, stock_plugin};

const NOTHING: [i64; 3] = [0, 0, 0];

/// `[insert, update, delete]` of one direction of an object.
fn tally(report: &Json, direction: &str) -> [i64; 3] {
    ["insert", "update", "delete"].map(|operation| report[direction][operation].as_i64().unwrap())
}

/// Puts another text into the metadata.
fn replace(scene: &Scene, old: &str, new: &str) {
    let text = std::fs::read_to_string(scene.config()).unwrap();
    assert!(text.contains(old), "{old} is in {text}");
    std::fs::write(scene.config(), text.replace(old, new)).unwrap();
}

/// Takes a component out of the plugins folder.
fn take_out(scene: &Scene, component: &str) {
    std::fs::remove_file(scene.path("plugins").join(component)).unwrap();
}

/// Lets the scene talk to this server from now on; the answer is the one that it talked to.
fn exchange_server(scene: &mut Scene, server: Server) -> Server {
    let old = scene.server.replace(server).unwrap();
    replace(scene, &old.url(), &scene.server.as_ref().unwrap().url());
    old
}

/// Lets the scene talk to a server on this data from now on, under an address of its own.
fn move_to(scene: &mut Scene, data: Store) -> Server {
    exchange_server(scene, Server::start_blocking_on(Config::default(), data).unwrap())
}

/// Asserts that a run finds everything equal and sends no write.
fn nothing_to_do(scene: &Scene) {
    scene.forget_requests();
    let run = scene.run().exits(0);
    for object in run.json()["objects"].as_array().unwrap() {
        assert_eq!((tally(object, "pull"), tally(object, "push")), (NOTHING, NOTHING), "{object}");
        assert_eq!(object["requests"]["details"], 0, "the tokens are trusted: {object}");
    }
    assert_eq!(scene.writes(), [""; 0]);
}

fn confirmed(scene: &Scene) -> Output {
    scene.host(&["run", "--confirm-deletes", "--format", "json"])
}

/// A clock that stands still, later than everything else: created-stamps tell servers apart.
fn later() -> Store {
    Store::new(Clock::at("01/02/2030 03:04:05").unwrap())
}

/// Three accounts and two opportunities of one of them, synchronized.
fn synchronized() -> Scene {
    let scene = Scene::new(&["account", "opportunity"]);
    let crm = scene.crm();
    let acme = crm.insert("Account", &[("Name", "Acme")]).unwrap();
    crm.insert("Account", &[("Name", "Bolt")]).unwrap();
    crm.insert("Account", &[("Name", "Core")]).unwrap();
    for deal in ["Big deal", "Small deal"] {
        crm.insert("Opportunity", &[("Name", deal), ("Account Id", &acme)]).unwrap();
    }
    scene.run().exits(0);
    nothing_to_do(&scene);
    scene
}

// ------------------------------------------------------------------------------ server and user

#[test]
fn the_same_server_under_another_address_is_compared_and_nothing_is_written() {
    let scene = synchronized();
    replace(&scene, "127.0.0.1", "localhost");
    scene.forget_requests();
    let run = scene.run().exits(0);
    for object in ["account", "opportunity"] {
        let report = run.object(object);
        assert_eq!(report["remote_changed"], true);
        assert_eq!((tally(&report, "pull"), tally(&report, "push")), (NOTHING, NOTHING));
        assert_ne!(report["requests"]["details"], 0, "every content is read");
    }
    assert_eq!(scene.writes(), [""; 0]);
    // From now on this is the server.
    assert!(scene.run().exits(0).object("account")["remote_changed"].is_null());
    nothing_to_do(&scene);
}

#[test]
fn a_run_says_that_the_server_is_another_one() {
    let scene = synchronized();
    replace(&scene, "127.0.0.1", "localhost");
    for command in ["plan", "run"] {
        let text = scene.host(&[command]).exits(0).out;
        assert!(text.contains("another server or user"), "{text}");
    }
    assert!(!scene.host(&["run"]).exits(0).out.contains("another server or user"));
}

#[test]
fn edits_go_both_ways_when_the_server_only_has_another_address() {
    let scene = synchronized();
    let (acme, bolt) = (scene.crm().list("Account")[0].clone(), scene.crm().list("Account")[1].clone());
    scene.crm().update("Account", &bolt["Id"], &[("City", "Lyon")]).unwrap();
    scene.sql("UPDATE account SET fax = '1' WHERE name = 'Acme'; INSERT INTO account(name) VALUES ('Dune')");
    replace(&scene, "127.0.0.1", "localhost");
    let report = scene.run().exits(0).object("account");
    assert_eq!((tally(&report, "pull"), tally(&report, "push")), ([0, 1, 0], [1, 1, 0]));
    assert_eq!(scene.crm().get("Account", &acme["Id"]).unwrap()["Main Fax Number"], "1");
    assert_eq!(scene.value("SELECT city FROM account WHERE name = 'Bolt'"), "Lyon");
    nothing_to_do(&scene);
}

#[test]
fn an_empty_other_server_deletes_nothing_until_that_is_confirmed() {
    let mut scene = synchronized();
    move_to(&mut scene, later());
    // Again and again: it is not the second run that deletes.
    for _ in 0..3 {
        let run = scene.run().exits(3);
        for (object, held) in [("account", 3), ("opportunity", 2)] {
            let report = run.object(object);
            assert_eq!((&report["held_deletes"], &report["remote_changed"]), (&json!(held), &json!(true)));
            assert_eq!((tally(&report, "pull"), tally(&report, "push")), (NOTHING, NOTHING));
        }
        assert_eq!(scene.writes(), [""; 0]);
        assert_eq!(scene.value("SELECT count(*) FROM account"), 3);
    }
    let plan = scene.host(&["plan", "--format", "json"]).exits(0);
    assert_eq!(plan.object("account")["held_deletes"], 3);
    assert_eq!(tally(&confirmed(&scene).exits(0).object("account"), "pull"), [0, 0, 3]);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 0);
    nothing_to_do(&scene);
}

#[test]
fn a_single_record_that_another_server_lacks_is_held_at_any_threshold() {
    let mut scene = synchronized();
    let copy = later();
    copy.set_clock(Clock::Real);
    for (index, record) in scene.crm().list("Account").iter().enumerate().take(2) {
        copy.set_clock(Clock::at(&record["Created"]).unwrap());
        copy.insert_as("Account", &record["Id"], &[("Name", ["Acme", "Bolt"][index])]).unwrap();
    }
    take_out(&scene, "opportunity.wasm");
    move_to(&mut scene, copy);
    scene.sql("DELETE FROM account WHERE name = 'Bolt'");
    let report = scene.run().exits(3).object("account");
    // One that is gone there, and one that is gone here.
    assert_eq!(report["held_deletes"], 2);
    assert_eq!((scene.crm().count("Account"), scene.value("SELECT count(*) FROM account")), (2, json!(2)));
    let report = confirmed(&scene).exits(0).object("account");
    assert_eq!((tally(&report, "pull"), tally(&report, "push")), ([0, 0, 1], [0, 0, 1]));
    nothing_to_do(&scene);
}

#[test]
fn going_back_to_the_first_server_finds_everything_as_it_was() {
    let mut scene = synchronized();
    // Deleted here, and not sent yet.
    scene.sql("DELETE FROM account WHERE name = 'Core'");
    let other = later();
    other.insert("Account", &[("Name", "Elsewhere")]).unwrap();
    let first = move_to(&mut scene, other);
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["held_deletes"], tally(&report, "pull")), (&json!(3), [1, 0, 0]));
    exchange_server(&mut scene, first);
    let run = scene.run().exits(3);
    // What was pulled from the other one is held now, and so is the delete that was under way.
    assert_eq!((&run.object("account")["held_deletes"], scene.writes()), (&json!(2), vec![]));
    assert_eq!(tally(&run.object("opportunity"), "pull"), NOTHING);
    let report = confirmed(&scene).exits(0).object("account");
    assert_eq!((tally(&report, "pull"), tally(&report, "push")), ([0, 0, 1], [0, 0, 1]));
    assert_eq!(scene.rows("SELECT name FROM account ORDER BY name"), [json!(["Acme"]), json!(["Bolt"])]);
    assert_eq!(scene.crm().count("Account"), 2);
    nothing_to_do(&scene);
}

#[test]
fn records_that_reappear_are_held_no_longer() {
    let mut scene = synchronized();
    let first = move_to(&mut scene, later());
    scene.run().exits(3);
    // Under a third address.
    move_to(&mut scene, first.store());
    let report = scene.run().exits(0).object("account");
    assert_eq!((tally(&report, "pull"), tally(&report, "push")), (NOTHING, NOTHING));
    nothing_to_do(&scene);
}

#[test]
fn other_records_under_the_same_ids_are_other_records() {
    let mut scene = synchronized();
    // Had the ids been trusted, this edit would go to somebody else's record.
    scene.sql("UPDATE account SET fax = '1' WHERE name = 'Bolt'");
    let other = later();
    for record in scene.crm().list("Account") {
        other.insert_as("Account", &record["Id"], &[("Name", &format!("Other {}", record["Name"]))]).unwrap();
    }
    let before = other.list("Account");
    move_to(&mut scene, other);
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["held_deletes"], tally(&report, "pull")), (&json!(2), [3, 0, 0]));
    assert_eq!((scene.writes(), scene.crm().list("Account")), (vec![], before));
    assert_eq!(scene.conflicts()[0]["kind"], "update/delete", "the edit is not lost");
    assert_eq!(scene.value("SELECT count(*) FROM account"), 6);
    // A link to a record that is not here is not sent as the id of another one.
    scene.sql("INSERT INTO opportunity(name, account_id) SELECT 'New', id FROM account WHERE name = 'Acme'");
    scene.run().exits(3);
    assert_eq!(scene.crm().count("Opportunity"), 0);
    let waits = scene.issues().into_iter().find(|issue| issue["object"] == "opportunity").unwrap();
    assert_eq!((&waits["code"], &waits["operation"]), (&json!("waits-for-parent"), &json!("push-insert")));
    // Nor is a choice a way round the confirmation.
    let keep_remote = || {
        let id = scene.conflicts()[0]["id"].to_string();
        scene.host(&["conflicts", "resolve", &id, "--keep", "remote"]).exits(0)
    };
    keep_remote();
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 3);
    scene.run().exits(3);
    keep_remote();
    confirmed(&scene).exits(3);
    let names = "SELECT name FROM account ORDER BY name";
    assert_eq!(scene.rows(names), [json!(["Other Acme"]), json!(["Other Bolt"]), json!(["Other Core"])]);
    scene.sql("UPDATE opportunity SET account_id = (SELECT id FROM account WHERE name = 'Other Acme')");
    scene.run().exits(0);
    assert_eq!(scene.crm().list("Opportunity")[0]["Account Id"], scene.crm().list("Account")[0]["Id"]);
    nothing_to_do(&scene);
}

/// A synchronized account of an endpoint without created-stamps, and the id of its record.
fn without_created_stamps() -> (Scene, String) {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("no-created-stamp"));
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    (scene, acme)
}

#[test]
fn without_created_stamps_content_tells_other_records() {
    for edit in ["SELECT 1", "UPDATE account SET location = 'Rome'"] {
        let (mut scene, id) = without_created_stamps();
        scene.sql(&edit.replace("SELECT 1", ""));
        let other = later();
        other.insert_as("Account", &id, &[("Name", "Bolt"), ("Location", "Oslo")]).unwrap();
        move_to(&mut scene, other);
        let report = scene.run().exits(3).object("account");
        assert_eq!((tally(&report, "pull"), scene.writes()), ([1, 0, 0], vec![]), "{edit}");
        assert_eq!(scene.value("SELECT count(*) FROM account"), 2);
        assert_eq!(scene.crm().list("Account")[0]["Location"], "Oslo");
        // Nor is it taken for the record in the run after that.
        let report = scene.run().exits(3).object("account");
        assert_eq!((tally(&report, "pull"), scene.writes()), (NOTHING, vec![]), "{edit}");
    }
}

#[test]
fn without_created_stamps_content_tells_the_same_records() {
    let (mut scene, id) = without_created_stamps();
    let bolt = scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    scene.run().exits(0);
    // A copy in which one record was edited since; the other is edited here.
    let copy = later();
    copy.insert_as("Account", &id, &[("Name", "Acme"), ("Location", "Paris"), ("City", "Lyon")]).unwrap();
    copy.insert_as("Account", &bolt, &[("Name", "Bolt"), ("Location", "Oslo")]).unwrap();
    move_to(&mut scene, copy);
    scene.sql("UPDATE account SET location = 'Rome' WHERE name = 'Acme'");
    let report = scene.run().exits(0).object("account");
    assert_eq!((tally(&report, "pull"), tally(&report, "push")), ([0, 1, 0], [0, 1, 0]));
    assert_eq!(scene.value("SELECT location FROM account WHERE name = 'Bolt'"), "Oslo");
    let acme = scene.crm().get("Account", &id).unwrap();
    assert_eq!((&*acme["Location"], &*acme["City"]), ("Rome", "Lyon"));
    nothing_to_do(&scene);
}

#[test]
fn another_user_who_sees_less_deletes_nothing() {
    let mut scene = synchronized();
    let seen = scene.crm();
    let core = seen.list("Account")[2]["Id"].clone();
    // The other user's view leaves out what only the first one sees.
    let config = Config { username: "GUEST".into(), ..Config::default() };
    exchange_server(&mut scene, Server::start_blocking_on(config, seen.clone()).unwrap());
    replace(&scene, "SADMIN", "GUEST");
    seen.set_visibility("Account", &core, Visibility::All).unwrap();
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 1);
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 1);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 3);
    seen.set_visibility("Account", &core, Visibility::SalesRep).unwrap();
    scene.run().exits(0);
    nothing_to_do(&scene);
}

#[test]
fn another_view_mode_that_shows_less_deletes_nothing() {
    let scene = synchronized();
    replace(&scene, "kind = \"siebel\"", "kind = \"siebel\"\nview-mode = \"All\"");
    let core = scene.crm().list("Account")[2]["Id"].clone();
    scene.crm().set_visibility("Account", &core, Visibility::All).unwrap();
    scene.run().exits(0);
    replace(&scene, "view-mode = \"All\"", "view-mode = \"Sales Rep\"");
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 1);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 3);
    replace(&scene, "view-mode = \"Sales Rep\"", "view-mode = \"All\"");
    scene.run().exits(0);
    nothing_to_do(&scene);
}

#[test]
fn another_password_is_no_other_server_and_no_secret_is_stored() {
    let scene = synchronized();
    let stored = scene.value("SELECT remote FROM _sync_object WHERE name = 'account'");
    let url = scene.server.as_ref().unwrap().url();
    assert_eq!(stored, json!(format!("siebel {url} as SADMIN in view Sales Rep")));
    replace(&scene, "file = \"password\"", "file = \"other\"");
    std::fs::write(scene.path("other"), "SADMIN").unwrap();
    nothing_to_do(&scene);
}

#[test]
fn a_run_that_is_cut_off_on_another_server_leaves_it_unsettled() {
    let mut scene = synchronized();
    let other = later();
    other.insert("Account", &[("Name", "Elsewhere")]).unwrap();
    other.insert("Opportunity", &[("Name", "Elsewhere")]).unwrap();
    let first = move_to(&mut scene, other);
    // The login ends when the first object's records are there and the second one's are asked for.
    let over = Action::Status(401, "{}".into());
    scene.fault(Fault::new("GET", "Opportunity/Opportunity", over).skip(2).always());
    scene.run().exits(1);
    assert_eq!(scene.value("SELECT count(*) FROM account"), 4);
    exchange_server(&mut scene, first);
    let run = scene.run().exits(3);
    assert_eq!(run.object("account")["held_deletes"], 1, "what the other server had is not deleted unasked");
    assert_eq!(run.object("opportunity")["remote_changed"], true);
}

#[test]
fn a_changed_filter_on_another_server_lets_nothing_go() {
    let mut scene = synchronized();
    scene.configure("[objects.account]\nfilter = \"[Name] = 'Acme'\"");
    let first = scene.crm();
    move_to(&mut scene, first);
    let report = scene.run().exits(3).object("account");
    assert_eq!((&report["filter_changed"], &report["remote_changed"]), (&json!(true), &json!(true)));
    assert_eq!((&report["held_deletes"], scene.value("SELECT count(*) FROM account")), (&json!(2), json!(3)));
    // Confirmed, they only leave the local side: out of the filter is no delete.
    assert_eq!(tally(&confirmed(&scene).exits(0).object("account"), "pull"), [0, 0, 2]);
    assert_eq!(scene.crm().count("Account"), 3);
    nothing_to_do(&scene);
}

// -------------------------------------------------------------------------------------- mapping

/// Two accounts, synchronized with the older mapping, which knows the location and not the city.
fn with_the_older_mapping() -> (Scene, Vec<String>) {
    let scene = Scene::new(&[]);
    scene.install(&hostile_plugin("older-mapping"));
    let insert = |name: &str| {
        scene.crm().insert("Account", &[("Name", name), ("Location", "Here"), ("City", "Lyon")]).unwrap()
    };
    let ids = vec![insert("Acme"), insert("Bolt")];
    scene.run().exits(0);
    (scene, ids)
}

/// Puts a component in the place of another one.
fn exchange(scene: &Scene, old: &str, new: &str) {
    let file = hostile_plugin(old);
    take_out(scene, file.file_name().unwrap().to_str().unwrap());
    scene.install(&hostile_plugin(new));
}

#[test]
fn a_new_mapping_compares_every_content_once_and_fills_what_the_object_gained() {
    let (scene, _) = with_the_older_mapping();
    exchange(&scene, "older-mapping", "newer-mapping");
    let plan = scene.host(&["plan", "--format", "json"]).exits(0);
    assert_eq!(plan.json()["operations"][0]["fields"], json!(["city"]));
    scene.forget_requests();
    let report = scene.run().exits(0).object("account");
    assert_eq!((tally(&report, "pull"), tally(&report, "push")), ([0, 2, 0], NOTHING));
    assert_eq!(scene.writes(), [""; 0]);
    // The field that went stays in the table, as the person's own.
    let rows = "SELECT name, city, location FROM account ORDER BY name";
    assert_eq!(scene.rows(rows), [json!(["Acme", "Lyon", "Here"]), json!(["Bolt", "Lyon", "Here"])]);
    nothing_to_do(&scene);
    scene.sql("UPDATE account SET location = 'There'");
    assert_eq!(tally(&scene.run().exits(0).object("account"), "push"), NOTHING);
}

#[test]
fn a_local_edit_goes_before_a_new_mapping_fills_the_record() {
    let (scene, ids) = with_the_older_mapping();
    scene.sql(
        "UPDATE account SET name = 'Acme Inc.' WHERE name = 'Acme'; DELETE FROM account WHERE name = 'Bolt'",
    );
    exchange(&scene, "older-mapping", "newer-mapping");
    let report = scene.run().exits(0).object("account");
    assert_eq!(tally(&report, "push"), [0, 1, 1], "no conflict: nobody wrote the remote records");
    let acme = scene.crm().get("Account", &ids[0]).unwrap();
    assert_eq!((&*acme["Name"], &*acme["City"]), ("Acme Inc.", "Lyon"), "the unknown city is not emptied");
    scene.run().exits(0);
    assert_eq!(scene.rows("SELECT name, city FROM account"), [json!(["Acme Inc.", "Lyon"])]);
    nothing_to_do(&scene);
}

#[test]
fn a_gained_field_that_is_filled_here_already_is_a_conflict() {
    let (scene, ids) = with_the_older_mapping();
    scene.sql(
        "ALTER TABLE account ADD COLUMN city TEXT; UPDATE account SET city = 'Oslo' WHERE name = 'Acme'",
    );
    exchange(&scene, "older-mapping", "newer-mapping");
    scene.run().exits(3);
    let conflict = &scene.conflicts()[0];
    assert_eq!(
        conflict["fields"],
        json!([{"field": "city", "base": null, "local": "Oslo", "remote": "Lyon"}])
    );
    assert_eq!(scene.crm().get("Account", &ids[0]).unwrap()["City"], "Lyon");
}

#[test]
fn a_field_that_went_and_came_back_is_read_anew() {
    let (scene, ids) = with_the_older_mapping();
    exchange(&scene, "older-mapping", "newer-mapping");
    scene.run().exits(0);
    scene.crm().update("Account", &ids[0], &[("Location", "Elsewhere")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT location FROM account WHERE id = 1"), "Here");
    exchange(&scene, "newer-mapping", "older-mapping");
    let report = scene.run().exits(0).object("account");
    assert_eq!(tally(&report, "push"), NOTHING);
    assert_eq!(scene.value("SELECT location FROM account WHERE id = 1"), "Elsewhere");
    nothing_to_do(&scene);
}

// ----------------------------------------------------------------- objects that come and go

/// Switches an object off, or on again.
fn switch(scene: &Scene, object: &str, on: bool) {
    let section = format!("[objects.{object}]\nenabled = false\n");
    if on { replace(scene, &section, "") } else { scene.configure(&section) }
}

/// Takes an object out of the runs by either way, and puts it back.
type Absence = (fn(&Scene, &str), fn(&Scene, &str));
const ABSENCES: [Absence; 2] = [
    (|scene, object| switch(scene, object, false), |scene, object| switch(scene, object, true)),
    (
        |scene, object| take_out(scene, &format!("{object}.wasm")),
        |scene, object| scene.install(&stock_plugin(object)),
    ),
];

#[test]
fn an_object_that_was_away_is_compared_as_if_time_had_passed() {
    for (away, back) in ABSENCES {
        let scene = synchronized();
        away(&scene, "account");
        let crm = scene.crm();
        let ids: Vec<String> = crm.list("Account").iter().map(|record| record["Id"].clone()).collect();
        crm.update("Account", &ids[0], &[("City", "Lyon")]).unwrap();
        crm.delete("Account", &ids[1]).unwrap();
        crm.insert("Account", &[("Name", "Dune")]).unwrap();
        scene.sql(
            "UPDATE account SET fax = '1' WHERE name = 'Core'; INSERT INTO account(name) VALUES ('Echo')",
        );
        let run = scene.run().exits(0);
        assert_eq!(run.json()["objects"].as_array().unwrap().len(), 1);
        assert_eq!(scene.value("SELECT count(*) FROM _sync_baseline WHERE object = 1"), 3);
        back(&scene, "account");
        let report = scene.run().exits(0).object("account");
        assert_eq!((tally(&report, "pull"), tally(&report, "push")), ([1, 1, 1], [1, 1, 0]));
        assert_eq!(
            scene.value("SELECT group_concat(name) FROM (SELECT name FROM account ORDER BY name)"),
            "Acme,Core,Dune,Echo"
        );
        assert_eq!(scene.crm().count("Account"), 4);
        nothing_to_do(&scene);
    }
}

const LINKS: &str =
    "SELECT o.name, a.name FROM opportunity o LEFT JOIN account a ON a.id = o.account_id ORDER BY 1";

#[test]
fn links_to_an_object_that_is_back_are_filled_in() {
    for (away, back) in ABSENCES {
        let scene = synchronized();
        away(&scene, "account");
        let crm = scene.crm();
        let dune = crm.insert("Account", &[("Name", "Dune")]).unwrap();
        let new = crm.insert("Opportunity", &[("Name", "New deal"), ("Account Id", &dune)]).unwrap();
        let small = crm.list("Opportunity")[1]["Id"].clone();
        crm.update("Opportunity", &small, &[("Account Id", &dune)]).unwrap();
        scene.run().exits(0);
        assert_eq!(
            scene.rows(LINKS),
            [json!(["Big deal", "Acme"]), json!(["New deal", null]), json!(["Small deal", null])]
        );
        nothing_to_do(&scene);
        // An edit of such a record is sent without the link that is not known here.
        scene.sql("UPDATE opportunity SET stage = 'Won' WHERE name = 'New deal'");
        scene.run().exits(0);
        assert_eq!(crm.get("Opportunity", &new).unwrap()["Account Id"], dune);
        back(&scene, "account");
        scene.forget_requests();
        let run = scene.run().exits(0);
        assert_eq!(
            scene.rows(LINKS),
            [json!(["Big deal", "Acme"]), json!(["New deal", "Dune"]), json!(["Small deal", "Dune"])]
        );
        assert_eq!((tally(&run.object("opportunity"), "pull"), scene.writes()), ([0, 2, 0], vec![]));
        nothing_to_do(&scene);
    }
}

#[test]
fn links_to_an_object_whose_plugin_is_added_later_are_filled_in() {
    let scene = Scene::new(&["opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    // Edited here meanwhile: the edit goes, and the link is not sent as none.
    scene.sql("UPDATE opportunity SET stage = 'Won'");
    scene.install(&stock_plugin("account"));
    let run = scene.run().exits(0);
    assert_eq!(
        tally(&run.object("opportunity"), "push"),
        [0, 1, 0],
        "no conflict: nobody wrote the remote record"
    );
    scene.run().exits(0);
    let there = scene.crm().get("Opportunity", &deal).unwrap();
    assert_eq!((&*there["Sales Stage"], &there["Account Id"]), ("Won", &acme));
    assert_eq!(scene.rows(LINKS), [json!(["Deal", "Acme"])]);
    nothing_to_do(&scene);
}

#[test]
fn a_parent_that_went_while_its_children_were_away_leaves_no_dangling_link() {
    for (away, back) in ABSENCES {
        let scene = synchronized();
        away(&scene, "opportunity");
        let acme = scene.crm().list("Account")[0]["Id"].clone();
        scene.crm().delete("Account", &acme).unwrap();
        scene.run().exits(0);
        back(&scene, "opportunity");
        scene.forget_requests();
        scene.run().exits(0);
        assert_eq!(scene.value("SELECT count(*) FROM opportunity WHERE account_id IS NULL"), 2);
        assert_eq!(scene.writes(), [""; 0], "and is not pushed back");
        nothing_to_do(&scene);
    }
}

#[test]
fn a_parent_that_was_deleted_here_leaves_no_dangling_link() {
    let scene = synchronized();
    scene.sql("DELETE FROM account WHERE name = 'Acme'");
    assert_eq!(tally(&scene.run().exits(0).object("account"), "push"), [0, 0, 1]);
    assert_eq!(scene.value("SELECT count(*) FROM opportunity WHERE account_id IS NULL"), 2);
    nothing_to_do(&scene);
}
