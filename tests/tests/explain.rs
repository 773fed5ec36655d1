//! What `host explain` says of a record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Scene, json};

/// A synchronized account, changed on both sides: `city` here, `phone` there, and `fax` on both, differently.
fn clash() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("City", "Paris")]).unwrap();
    scene.run().exits(0);
    edit_both(&scene, &acme);
    (scene, acme)
}

fn edit_both(scene: &Scene, acme: &str) {
    scene.sql("UPDATE account SET city = 'Lyon', fax = 'ours'");
    let theirs = [("Main Phone Number", "1"), ("Main Fax Number", "theirs")];
    scene.crm().update("Account", acme, &theirs).unwrap();
}

/// What `host explain` says of a record.
fn explained(scene: &Scene, arguments: &[&str]) -> Json {
    let arguments = [&["explain", "account"], arguments, &["--format", "json"]].concat();
    scene.host(&arguments).exits(0).json()
}

#[test]
fn explain_tells_the_baseline_the_keys_the_rule_and_the_outcome() {
    let (scene, acme) = clash();
    let before = scene.rows("SELECT * FROM _sync_baseline");
    let found = explained(&scene, &[&acme]);
    assert_eq!((&found["local_id"], &found["remote_id"]), (&json!(1), &json!(acme)));
    assert_eq!((&found["local_side"], &found["remote_side"]), (&json!("changed"), &json!("changed")));
    assert_eq!(found["outcome"], json!(["conflict"]));
    assert!(found["rule"].as_str().unwrap().contains("decision"), "{found}");
    assert_ne!(found["baseline"]["remote"]["version"], found["remote"]["version"]);
    assert_ne!(found["baseline"]["revision"], found["local"]["revision"]);
    let fax = json!({"field": "fax", "base": null, "local": "ours", "remote": "theirs"});
    assert!(found["fields"].as_array().unwrap().contains(&fax), "{found}");
    assert_eq!(explained(&scene, &["1"])["remote_id"], json!(acme), "by the local id, too");
    assert_eq!(scene.rows("SELECT * FROM _sync_baseline"), before);
    assert_eq!(scene.conflicts(), [] as [Json; 0], "nothing is entered");
    let text = scene.host(&["explain", "account", "1"]).exits(0).out;
    for part in ["baseline", "rule", "outcome", "conflict", "ours", "theirs"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(scene.host(&["explain", "account", "77"]).code, 1);
    assert_eq!(scene.host(&["explain", "acount", "1"]).exits(2).out, "");
}

#[test]
fn explain_follows_every_kind_of_record() {
    let scene = Scene::new(&["account"]);
    let crm = scene.crm();
    let id = |name: &str| crm.insert("Account", &[("Name", name)]).unwrap();
    let (same, there, gone) = (id("Same"), id("There"), id("Gone"));
    id("Here");
    scene.run().exits(0);
    crm.update("Account", &there, &[("City", "Lyon")]).unwrap();
    crm.delete("Account", &gone).unwrap();
    let new = id("New there");
    scene.sql(
        "UPDATE account SET city = 'Rome' WHERE name = 'Here';
         INSERT INTO account(id, name) VALUES(50, 'New here');
         UPDATE account SET name = name WHERE name = 'Same';",
    );
    let outcome = |id: &str| explained(&scene, &[id])["outcome"].clone();
    assert_eq!(outcome(&same), json!(["refresh"]));
    assert_eq!(outcome(&there), json!(["pull-update"]));
    assert_eq!(outcome(&gone), json!(["pull-delete"]));
    assert_eq!(outcome(&new), json!(["pull-insert"]));
    assert_eq!(outcome("4"), json!(["push-update"]));
    assert_eq!(outcome("50"), json!(["push-insert"]));
}

#[test]
fn explain_asks_which_side_where_an_id_is_of_two_records() {
    let scene = Scene::new(&["account"]);
    let crm = scene.crm();
    crm.insert_as("Account", "2", &[("Name", "Two there")]).unwrap();
    crm.insert_as("Account", "9", &[("Name", "Two here")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT name FROM account WHERE id = 2"), "Two here");
    let refused = scene.host(&["explain", "account", "2"]).exits(2);
    assert!(refused.err.contains("--side"), "{}", refused.err);
    assert_eq!(explained(&scene, &["2", "--side", "local"])["remote_id"], "9");
    assert_eq!(explained(&scene, &["2", "--side", "remote"])["remote_id"], "2");
    assert_eq!(explained(&scene, &["9"])["local_id"], 2);
}

/// Whether a delete is held shows only beside the others of its object (decision 23).
#[test]
fn explain_tells_deletes_that_a_run_would_hold() {
    let scene = Scene::new(&["account"]);
    scene.configure("[deletes]\ncount = 2\npercent = 10\n\n[objects.account]\non-conflict = \"keep-remote\"");
    let crm = scene.crm();
    let insert = |index: usize| crm.insert("Account", &[("Name", &format!("Account {index}"))]).unwrap();
    let ids: Vec<String> = (0..8).map(insert).collect();
    scene.run().exits(0);
    let outcome = |id: &str| explained(&scene, &[id])["outcome"].clone();
    let locally = |index: usize, statement: &str| {
        scene.sql(&format!("{statement} WHERE name = 'Account {index}'"));
    };
    crm.delete("Account", &ids[0]).unwrap();
    locally(1, "DELETE FROM account");
    assert_eq!(outcome(&ids[0]), json!(["pull-delete"]));
    assert_eq!(outcome(&ids[1]), json!(["push-delete"]));

    crm.delete("Account", &ids[2]).unwrap();
    locally(2, "UPDATE account SET city = 'Oslo'");
    locally(3, "DELETE FROM account");
    assert_eq!(outcome(&ids[0]), json!(["held-delete"]));
    assert_eq!(outcome(&ids[1]), json!(["held-delete"]));
    assert_eq!(outcome(&ids[2]), json!(["conflict", "held-delete"]), "the rule would delete it, too");
    assert_eq!(outcome(&ids[4]), json!(["nothing"]));
    assert_eq!(scene.run().exits(3).object("account")["held_deletes"], 4);
}
