//! Parents and children: decision 16.

use super::{nothing_to_do, runs_without_a_write};
use crm::{Action, Fault};
use std::collections::HashMap;
use tests::{Scene, json};

#[test]
fn decision_16_the_children_of_a_failed_parent_are_deferred() {
    let scene = Scene::new(&["account", "contact", "opportunity"]);
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO account(id, fax) VALUES(7, '1');
         INSERT INTO opportunity(name, account_id) VALUES('Deal', 7);
         INSERT INTO contact(first_name, last_name, email, account_id) VALUES('Ada', 'Byron', 'a@b.c', 7)",
    );
    runs_without_a_write(&scene, 3);
    let issues = scene.issues();
    assert_eq!(issues.len(), 3);
    for child in issues.iter().filter(|issue| issue["object"] != "account") {
        let message = child["message"].as_str().unwrap();
        assert!(message.contains("account") && message.contains('7'), "it names the parent: {message}");
    }
    scene.sql("UPDATE account SET name = 'Acme'");
    scene.run().exits(0);
    assert!(scene.issues().is_empty());
    let acme = scene.crm().list("Account")[0]["Id"].clone();
    assert_eq!(scene.crm().list("Opportunity")[0]["Account Id"], acme);
    assert_eq!(scene.crm().list("Contact")[0]["Account Id"], acme);
}

#[test]
fn decision_16_deletes_go_children_first() {
    let scene = Scene::new(&["account", "opportunity"]);
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    let deal = scene.crm().insert("Opportunity", &[("Name", "Deal"), ("Account Id", &acme)]).unwrap();
    scene.run().exits(0);
    scene.sql("DELETE FROM account; DELETE FROM opportunity");
    scene.forget_requests();
    scene.run().exits(0);
    let deletes = scene.requests("DELETE");
    assert!(deletes[0].decoded.ends_with(&deal) && deletes[1].decoded.ends_with(&acme));
}

/// Two accounts, six deals of the first; it and they are deleted here.
fn deleted_with_its_deals() -> Scene {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.configure("[deletes]\ncount = 5\npercent = 50");
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    scene.crm().insert("Account", &[("Name", "Bolt")]).unwrap();
    for deal in 0..6 {
        let deal = format!("Deal {deal}");
        scene.crm().insert("Opportunity", &[("Name", &deal), ("Account Id", &acme)]).unwrap();
    }
    scene.run().exits(0);
    scene.sql("DELETE FROM account WHERE name = 'Acme'; DELETE FROM opportunity");
    scene
}

/// Whatever keeps the children's deletes: with the parent gone, the server might take them along.
#[test]
fn decision_16_a_parent_is_not_deleted_before_children_whose_deletes_wait() {
    let scene = deleted_with_its_deals();
    let report = runs_without_a_write(&scene, 3);
    assert_eq!(report.object("opportunity")["held_deletes"], 6);
    assert_eq!(scene.issues()[0]["code"], "waits-for-children");
    scene.host(&["run", "--confirm-deletes"]).exits(0);
    assert_eq!((scene.crm().count("Account"), scene.crm().count("Opportunity")), (1, 0));
    nothing_to_do(&scene);

    let scene = deleted_with_its_deals();
    scene.fault(Fault::new("GET", "Opportunity", Action::Status(500, "{}".into())).always());
    let failed = ["run", "--confirm-deletes", "--format", "json"];
    assert_eq!(scene.host(&failed).exits(1).object("account")["push"]["delete"], 0);
    assert_eq!(scene.crm().count("Account"), 2);
    scene.clear_faults();
    scene.host(&["run", "--confirm-deletes"]).exits(0);
    assert_eq!((scene.crm().count("Account"), scene.crm().count("Opportunity")), (1, 0));
}

#[test]
fn decision_16_deletes_of_one_object_go_children_first_too() {
    let scene = Scene::new(&["account"]);
    let insert = |name: &str, parent: &str| {
        scene.crm().insert("Account", &[("Name", name), ("Parent Account Id", parent)]).unwrap()
    };
    let parent = insert("Parent", "");
    let child = insert("Child", &parent);
    let grandchild = insert("Grandchild", &child);
    // A circle goes, too.
    let (left, right) = (insert("Left", ""), insert("Right", ""));
    for (from, to) in [(&left, &right), (&right, &left)] {
        scene.crm().update("Account", from, &[("Parent Account Id", to)]).unwrap();
    }
    scene.run().exits(0);
    scene.sql("DELETE FROM account");
    scene.forget_requests();
    let report = scene.host(&["run", "--confirm-deletes", "--format", "json"]).exits(0).object("account");
    assert_eq!(report["push"]["delete"], 5);
    let deletes = scene.requests("DELETE");
    let place = |id: &String| deletes.iter().position(|it| it.decoded.ends_with(id)).unwrap();
    assert!(place(&grandchild) < place(&child) && place(&child) < place(&parent));
    assert_eq!(scene.crm().count("Account"), 0);
}

#[test]
fn decision_16_a_new_account_may_point_at_a_later_one() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(id, name, parent_id) VALUES(1, 'Child', 2), (2, 'Parent', NULL)");
    scene.run().exits(0);
    let records = scene.crm().list("Account");
    let named = |name: &str| records.iter().find(|record| record["Name"] == name).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(named("Child")["Parent Account Id"], named("Parent")["Id"]);
    assert_eq!(scene.value("SELECT parent_id FROM account WHERE id = 1"), 2);
    nothing_to_do(&scene);
}

#[test]
fn decision_16_new_accounts_may_point_at_each_other() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql("INSERT INTO account(id, name, parent_id) VALUES(1, 'A', 2), (2, 'B', 1)");
    scene.run().exits(0);
    let records = scene.crm().list("Account");
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["Parent Account Id"], records[1]["Id"]);
    assert_eq!(records[1]["Parent Account Id"], records[0]["Id"]);
    nothing_to_do(&scene);
}

#[test]
fn decision_16_of_many_new_accounts_each_may_point_at_the_one_before() {
    let scene = Scene::new(&["account"]);
    scene.run().exits(0);
    scene.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
         INSERT INTO account(id, name, parent_id) SELECT i, 'A' || i, nullif(i - 1, 0) FROM n",
    );
    let report = scene.run().exits(0).object("account");
    assert_eq!(report["push"]["insert"], 400);
    let records = scene.crm().list("Account");
    let ids: HashMap<&str, &str> = records.iter().map(|it| (&*it["Name"], &*it["Id"])).collect();
    assert_eq!(ids.len(), 400);
    for record in &records {
        let number: u32 = record["Name"][1..].parse().unwrap();
        let parent = ids.get(&*format!("A{}", number - 1)).copied().unwrap_or_default();
        assert_eq!(record["Parent Account Id"], parent, "the parent of A{number}");
    }
    nothing_to_do(&scene);
}

/// Accounts and tasks that link to each other: whether an account requires its task, and a task its account.
fn accounts_and_tasks(required: [bool; 2]) -> Scene {
    let scene = Scene::new(&["declared"]);
    let objects = [
        ("account", "Account/Account", "task_id", "Main Fax Number", "task"),
        ("task", "Task/Task", "account_id", "Account Id", "account"),
    ];
    for ((name, path, local, remote, target), required) in objects.into_iter().zip(required) {
        let text = format!(
            "mapping-version = 1\nuser-keys = [[\"Name\"]]\n\
             resource = {{ path = \"{path}\", id = \"Id\", updated = \"Updated\", version = \"Mod Id\" }}\n\
             [[fields]]\nlocal = \"name\"\nremote = \"Name\"\nkind = \"text(100)\"\n\
             [[fields]]\nlocal = \"{local}\"\nremote = \"{remote}\"\nkind = \"reference({target})\"\nrequired = {required}\n"
        );
        std::fs::write(scene.path(&format!("plugins/{name}.object.toml")), text).unwrap();
    }
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO account(id, name, task_id) VALUES(1, 'A', 1); INSERT INTO task(id, name, account_id) VALUES(1, 'T', 1)",
    );
    scene
}

#[test]
fn decision_16_circular_links_go_through_the_one_that_may_be_empty() {
    for required in [[true, false], [false, true], [false, false]] {
        let scene = accounts_and_tasks(required);
        scene.run().exits(0);
        let (account, task) = (&scene.crm().list("Account")[0], &scene.crm().list("Task")[0]);
        assert_eq!(account["Main Fax Number"], task["Id"]);
        assert_eq!(task["Account Id"], account["Id"]);
        nothing_to_do(&scene);
    }
}

#[test]
fn decision_16_deletes_in_a_circle_do_not_wait_for_each_other() {
    for required in [[true, false], [false, true], [false, false]] {
        let scene = accounts_and_tasks(required);
        scene.run().exits(0);
        scene.sql("DELETE FROM account; DELETE FROM task");
        scene.run().exits(0);
        assert_eq!((scene.crm().count("Account"), scene.crm().count("Task")), (0, 0));
        nothing_to_do(&scene);
    }
}

#[test]
fn decision_16_links_of_a_circle_that_are_all_required_are_named() {
    let scene = accounts_and_tasks([true, true]);
    runs_without_a_write(&scene, 3);
    let issues = scene.issues();
    assert_eq!(issues.len(), 2);
    let first = issues.iter().find(|issue| issue["object"] == "account").unwrap();
    assert_eq!(
        first["message"],
        "task_id: waits for task 1, which is not on the remote yet; new records in a circle can be sent only if one of \
         the links is not required, be it this one or one that leads back from task to account"
    );
}

#[test]
fn decision_16_a_pulled_account_may_point_at_a_later_one() {
    let scene = Scene::new(&["account"]);
    let child = scene.crm().insert("Account", &[("Name", "Child")]).unwrap();
    let parent = scene.crm().insert("Account", &[("Name", "Parent")]).unwrap();
    scene.crm().update("Account", &child, &[("Parent Account Id", &parent)]).unwrap();
    scene.crm().update("Account", &parent, &[("Parent Account Id", &child)]).unwrap();
    runs_without_a_write(&scene, 0);
    let parents = "SELECT c.name, p.name FROM account c JOIN account p ON p.id = c.parent_id ORDER BY 1";
    assert_eq!(scene.rows(parents), [json!(["Child", "Parent"]), json!(["Parent", "Child"])]);
    nothing_to_do(&scene);
}

#[test]
fn decision_16_the_link_of_a_pulled_account_is_filled_in_whatever_a_trigger_makes_of_the_record() {
    for made in ["fax = upper(NEW.fax)", "seen = 1"] {
        let scene = Scene::new(&["account"]);
        scene.run().exits(0);
        scene.sql(&format!(
            "ALTER TABLE account ADD COLUMN seen;
             CREATE TRIGGER mine AFTER INSERT ON account BEGIN UPDATE account SET {made} WHERE id = NEW.id; END"
        ));
        let child = scene.crm().insert("Account", &[("Name", "Child"), ("Main Fax Number", "a")]).unwrap();
        let parent = scene.crm().insert("Account", &[("Name", "Parent")]).unwrap();
        scene.crm().update("Account", &child, &[("Parent Account Id", &parent)]).unwrap();
        scene.run().exits(0);
        let parents = "SELECT c.name, p.name FROM account c JOIN account p ON p.id = c.parent_id";
        assert_eq!(scene.rows(parents), [json!(["Child", "Parent"])], "{made}");
        scene.run().exits(0);
        let fax = scene.crm().get("Account", &child).unwrap()["Main Fax Number"].clone();
        assert_eq!(scene.value("SELECT fax FROM account WHERE name = 'Child'"), json!(fax), "{made}");
        assert_eq!(fax, if made.starts_with("fax") { "A" } else { "a" });
        nothing_to_do(&scene);
    }
}
