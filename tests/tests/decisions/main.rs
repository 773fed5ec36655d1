//! The decisions of a synchronization, one by one, as far as they can be seen from outside. A test is named after its
//! decision.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod anew;
mod choices;
mod content;
mod deletes;
mod failures;
mod filter;
mod identity;
mod links;
mod races;
mod recovery;
mod rules;

use tests::{Json, Output, Scene, json};

/// A synchronized account.
pub(crate) fn one_account() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("Location", "Paris")]).unwrap();
    scene.run().exits(0);
    (scene, acme)
}

/// So many synchronized accounts, named `A0`, `A1` and so on.
pub(crate) fn accounts(count: usize) -> (Scene, Vec<String>) {
    let scene = Scene::new(&["account"]);
    let insert = |index| scene.crm().insert("Account", &[("Name", &format!("A{index}"))]).unwrap();
    let ids = (0..count).map(insert).collect();
    scene.run().exits(0);
    (scene, ids)
}

/// The field of a remote account.
pub(crate) fn remote(scene: &Scene, id: &str, field: &str) -> String {
    scene.crm().get("Account", id).unwrap()[field].clone()
}

/// Asserts that a run finds everything equal: it carries nothing out, and sends no write.
pub(crate) fn nothing_to_do(scene: &Scene) {
    scene.forget_requests();
    let run = scene.run().exits(0);
    for object in run.json()["objects"].as_array().unwrap() {
        assert_eq!(object["pull"], json!({"insert": 0, "update": 0, "delete": 0}), "{object}");
        assert_eq!(object["push"], json!({"insert": 0, "update": 0, "delete": 0}), "{object}");
    }
    assert_eq!(scene.writes(), [""; 0]);
}

/// Asserts that a run sends no write.
pub(crate) fn runs_without_a_write(scene: &Scene, code: i32) -> Output {
    scene.forget_requests();
    let output = scene.run().exits(code);
    assert_eq!(scene.writes(), [""; 0]);
    output
}

/// A synchronized account, changed on both sides: `city` here, `phone` there, and `fax` on both, differently.
pub(crate) fn clash() -> (Scene, String) {
    let scene = Scene::new(&["account"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme"), ("City", "Paris")]).unwrap();
    scene.run().exits(0);
    edit_both(&scene, &acme);
    (scene, acme)
}

pub(crate) fn edit_both(scene: &Scene, acme: &str) {
    scene.sql("UPDATE account SET city = 'Lyon', fax = 'ours'");
    let theirs = [("Main Phone Number", "1"), ("Main Fax Number", "theirs")];
    scene.crm().update("Account", acme, &theirs).unwrap();
}

/// City, phone and fax, local and remote.
pub(crate) fn both(scene: &Scene, id: &str) -> (Json, Json) {
    let local = scene.rows("SELECT city, phone, fax FROM account").remove(0);
    let record = scene.crm().get("Account", id).unwrap();
    let field = |name: &str| Some(record[name].clone()).filter(|value| !value.is_empty());
    (local, json!([field("City"), field("Main Phone Number"), field("Main Fax Number")]))
}

pub(crate) fn resolve(scene: &Scene, keep: &str) {
    let id = scene.conflicts()[0]["id"].to_string();
    scene.host(&["conflicts", "resolve", &id, "--keep", keep]).exits(0);
}

/// Asserts that both sides have this, nothing is pending, and a run finds nothing to do.
pub(crate) fn settled(scene: &Scene, id: &str, record: Json) {
    assert_eq!(both(scene, id), (record.clone(), record));
    assert_eq!(scene.conflicts(), [] as [Json; 0]);
    scene.forget_requests();
    scene.run().exits(0);
    assert_eq!(scene.writes(), [""; 0]);
}
