//! What a killed run had to do, and what must have come of it after the next one.

use std::collections::BTreeSet;
use tests::Scene;

/// Some accounts and opportunities on both sides, then everything that can happen to them.
fn scene() -> Scene {
    let scene = Scene::new(&["account", "opportunity"]);
    let crm = scene.crm();
    scene.configure("[objects.account]\non-conflict = \"keep-local\"");
    let names =
        ["Stays", "Changes there", "Goes there", "Changes here", "Goes here", "Kept", "Changes on both"];
    let ids: Vec<String> = names
        .iter()
        .map(|name| crm.insert("Account", &[("Name", name), ("Location", "Here")]).unwrap())
        .collect();
    crm.insert("Opportunity", &[("Name", "Old deal"), ("Account Id", &ids[0])]).unwrap();
    crm.insert("Opportunity", &[("Name", "Its deal"), ("Account Id", &ids[5])]).unwrap();
    scene.run().exits(0);
    crm.insert("Account", &[("Name", "New there"), ("Parent Account Id", &ids[0])]).unwrap();
    crm.update("Account", &ids[1], &[("Main Phone Number", "1")]).unwrap();
    crm.delete("Account", &ids[2]).unwrap();
    // A rule keeps the local side: the one is created anew, the other is written over.
    crm.delete("Account", &ids[5]).unwrap();
    crm.update("Account", &ids[6], &[("Main Phone Number", "3")]).unwrap();
    // The first of the new ones links to the second: a link that points forward.
    scene.sql(
        "INSERT INTO account(id, name, parent_id) VALUES (50, 'New here', 51), (51, 'Its parent', NULL);
         INSERT INTO opportunity(name, amount, account_id) VALUES ('New deal', '10.5', 50);
         UPDATE account SET phone = '2' WHERE name IN ('Changes here', 'Kept', 'Changes on both');
         DELETE FROM account WHERE name = 'Goes here';",
    );
    scene
}

/// What both sides have: each record by its name, with the fields that the scene touches.
fn assert_equal_sides(scene: &Scene, when: &str) {
    let parents = "LEFT JOIN account parent ON parent.id = record.";
    let local = |table: &str, fields: &str, link: &str| -> Vec<String> {
        let rows = scene.rows(&format!(
            "SELECT record.name, {fields}, ifnull(parent.name, '') FROM {table} record {parents}{link}"
        ));
        let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        rows.sort();
        rows
    };
    let crm = scene.crm();
    let name_of = |id: &str| crm.get("Account", id).map_or_else(String::new, |record| record["Name"].clone());
    let remote = |component: &str, field: &str, link: &str| -> Vec<String> {
        let row = |record: crm::Fields| {
            serde_json::json!([record["Name"], record[field], name_of(&record[link])]).to_string()
        };
        let mut rows: Vec<String> = crm.list(component).into_iter().map(row).collect();
        rows.sort();
        rows
    };
    let accounts = local("account", "ifnull(record.phone, '')", "parent_id");
    assert_eq!(accounts, remote("Account", "Main Phone Number", "Parent Account Id"), "accounts {when}");
    let deals = local("opportunity", "ifnull(record.amount, '')", "account_id");
    assert_eq!(deals, remote("Opportunity", "Primary Revenue Amount", "Account Id"), "opportunities {when}");
    let names: BTreeSet<String> =
        crm.list("Account").into_iter().map(|record| record["Name"].clone()).collect();
    let expected = [
        "Changes here",
        "Changes on both",
        "Changes there",
        "Its parent",
        "Kept",
        "New here",
        "New there",
        "Stays",
    ];
    assert!(names.iter().eq(expected), "{names:?} {when}");
    assert_eq!((accounts.len(), deals.len()), (8, 3), "nothing is doubled {when}");
    assert!(accounts.contains(&r#"["New here","","Its parent"]"#.to_owned()), "{accounts:?} {when}");
    assert!(deals.contains(&r#"["New deal","10.5","New here"]"#.to_owned()), "{deals:?} {when}");
    assert!(deals.contains(&r#"["Its deal","","Kept"]"#.to_owned()), "its link follows: {deals:?} {when}");
    assert!(accounts.contains(&r#"["Changes on both","2",""]"#.to_owned()), "{accounts:?} {when}");
}

/// The run after the kill heals everything, and the next one has nothing to do.
fn assert_heals(scene: &Scene, when: &str) {
    let again = scene.run();
    assert_eq!(again.code, 0, "{when}: {}{}", again.out, again.err);
    assert_equal_sides(scene, when);
    let quiet = scene.run().exits(0).object("account");
    assert_eq!(quiet["requests"]["write"], 0, "{when}");
}

/// A scene after the other is killed at one point further, until a run ends before its point. `what` the points are,
/// and the `moment` of each, are for messages.
pub(crate) fn survives(what: &str, killed_at: impl Fn(&Scene, u32) -> bool, moment: &str) {
    let mut points = 0;
    for number in 1.. {
        let scene = scene();
        if !killed_at(&scene, number) {
            assert_equal_sides(&scene, "without a kill");
            break;
        }
        points += 1;
        assert_heals(&scene, &format!("after a kill at number {number} of the {what}, {moment}"));
    }
    eprintln!("{points} kill points at {what}, {moment}");
    assert!(points > 20, "a run with all operations has more {what} than {points}");
}
