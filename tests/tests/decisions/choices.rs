//! Choices, and what carries them out: decision 17.

use super::{both, clash, resolve, settled};
use crm::{Action, Change, Fault};
use tests::json;

#[test]
fn decision_17_keeping_the_local_side_adopts_the_remotes_version() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    assert_eq!(scene.run().exits(0).object("account")["push"]["update"], 1);
    settled(&scene, &acme, json!(["Lyon", null, "ours"]));
}

#[test]
fn decision_17_keeping_the_remote_side_drops_the_local_edit() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "remote");
    scene.forget_requests();
    assert_eq!(scene.run().exits(0).object("account")["pull"]["update"], 1);
    assert_eq!(scene.writes(), [""; 0]);
    settled(&scene, &acme, json!(["Paris", "1", "theirs"]));
}

#[test]
fn decision_17_a_choice_is_not_carried_out_on_content_that_changed_since() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.crm().update("Account", &acme, &[("Main Fax Number", "theirs, again")]).unwrap();
    scene.forget_requests();
    scene.run().exits(3);
    assert_eq!(scene.writes(), [""; 0]);
    let conflict = &scene.conflicts()[0];
    assert!(conflict["fields"].as_array().unwrap().iter().any(|field| field["remote"] == "theirs, again"));
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.sql("UPDATE account SET fax = 'ours, again'");
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.run().exits(0);
    settled(&scene, &acme, json!(["Lyon", null, "ours, again"]));
}

#[test]
fn decision_17_a_choice_whose_write_is_refused_is_an_issue_and_not_asked_again() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    scene.fault(Fault::new("PUT", "", Action::Status(400, "no".into())));
    scene.run().exits(3);
    assert_eq!((scene.conflicts().len(), scene.issues().len()), (0, 1));
    scene.run().exits(0);
    settled(&scene, &acme, json!(["Lyon", null, "ours"]));
}

#[test]
fn decision_17_an_edit_between_compare_and_write_is_an_issue_and_then_a_conflict() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    resolve(&scene, "local");
    let edit = Change::update("Account", &acme, &[("Main Fax Number", "in between")]);
    scene.fault(Fault::new("GET", "searchspec=", Action::After(edit)));
    let report = scene.run().exits(3).object("account");
    assert_eq!(report["push"]["update"], 0);
    scene.run().exits(3);
    assert_eq!(scene.conflicts().len(), 1);
    assert_eq!(both(&scene, &acme).1, json!(["Paris", "1", "in between"]), "it is not overwritten");
}

#[test]
fn decision_17_resolve_says_when_the_content_has_changed_since() {
    let (scene, acme) = clash();
    scene.run().exits(3);
    let id = scene.conflicts()[0]["id"].to_string();
    let resolve = || scene.host(&["conflicts", "resolve", &id, "--keep", "local"]);
    scene.sql("UPDATE account SET fax = 'ours, again'");
    let refused = resolve().exits(1);
    assert!(refused.err.contains("changed since"), "{}", refused.err);
    scene.sql("UPDATE account SET fax = 'ours'");
    resolve().exits(0);
    scene.crm().update("Account", &acme, &[("Main Fax Number", "theirs, again")]).unwrap();
    resolve().exits(1);
    scene.run().exits(3);
    resolve().exits(0);
}
