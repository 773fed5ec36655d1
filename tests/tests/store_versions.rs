//! Stores of other versions: an older one is brought up to date by the first run and read as it is by everything
//! else; a newer one is refused. The fixtures are what hosts of that version left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crm::{Clock, Fields};
use rusqlite::types::Value as Sql;
use std::collections::{BTreeMap, BTreeSet};
use tests::{Json, Scene, json, root};

/// The version that this host writes.
const CURRENT: i64 = 5;

fn fixture(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/fixtures").join(name)).unwrap()
}

/// The store of version 1, and the server that it was synchronized with.
fn version_1() -> Scene {
    let scene = Scene::new(&["account", "opportunity"]);
    scene.configure("[objects.account]\nfilter = \"[Account Status] = 'Active'\"");
    let state: BTreeMap<String, Vec<Fields>> = serde_json::from_str(&fixture("store-v1.crm.json")).unwrap();
    for (component, records) in &state {
        for record in records {
            restore(&scene, component, record);
        }
    }
    scene.sql(&fixture("store-v1.sql"));
    // The mode is in the file's head, which a dump does not tell.
    scene.store().pragma_update(None, "journal_mode", "WAL").unwrap();
    scene.crm().set_clock(Clock::at("05/06/2024 08:00:00").unwrap());
    scene
}

/// Makes a record as it was, with its stamps and its version.
fn restore(scene: &Scene, component: &str, record: &Fields) {
    const SYSTEM: [&str; 6] = ["Id", "Created", "Created By", "Updated", "Updated By", "Mod Id"];
    let fields: Vec<(&str, &str)> = record
        .iter()
        .filter(|(name, _)| !SYSTEM.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (crm, id) = (scene.crm(), &record["Id"]);
    crm.set_clock(Clock::at(&record["Created"]).unwrap());
    crm.insert_as(component, id, &fields).unwrap();
    crm.set_clock(Clock::at(&record["Updated"]).unwrap());
    for _ in 0..record["Mod Id"].parse().unwrap() {
        crm.update(component, id, &[]).unwrap();
    }
    let restored = crm.get(component, id).unwrap();
    assert!(["Created", "Updated", "Mod Id"].iter().all(|stamp| restored[*stamp] == record[*stamp]));
}

/// The baseline as version 1 has it, of the tables from version 4 on.
const BASELINE_4: &str = r#"(SELECT p.*, a.fields, a."row", EXISTS
    (SELECT 1 FROM _sync_beyond AS b WHERE (b.object, b.local_id) = (p.object, p.local_id)) AS beyond_filter
  FROM _sync_baseline AS p JOIN _sync_agreed AS a USING (object, local_id))"#;

/// Everything in the file, table by table, with the columns that version 1 has.
fn content(scene: &Scene) -> BTreeMap<String, Vec<Vec<Sql>>> {
    let old = rusqlite::Connection::open_in_memory().unwrap();
    old.execute_batch(&fixture("store-v1.sql")).unwrap();
    let tables = "SELECT m.name, group_concat('\"' || c.name || '\"') FROM sqlite_schema m, \
                  pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name";
    let mut tables = old.prepare(tables).unwrap();
    let tables =
        tables.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let store = scene.store();
    let rows = |(table, columns): (String, String)| {
        let from = match table.as_str() {
            "_sync_baseline" if version(scene) != 1 => BASELINE_4,
            name => name,
        };
        let mut query = store.prepare(&format!("SELECT {columns} FROM {from} ORDER BY 1, 2")).unwrap();
        let width = query.column_count();
        let rows = query.query_map([], |row| (0..width).map(|at| row.get(at)).collect()).unwrap();
        (table, rows.collect::<Result<_, _>>().unwrap())
    };
    tables.map(|table| rows(table.unwrap())).collect()
}

fn version(scene: &Scene) -> Json {
    scene.value("SELECT value FROM _sync_meta WHERE key = 'version'")
}

fn bytes(scene: &Scene) -> Vec<u8> {
    std::fs::read(scene.path("crm.db")).unwrap()
}

/// What the file has of everything, as version 1 would read it.
fn schema(scene: &Scene) -> Vec<Json> {
    scene.rows("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
}

#[test]
fn a_store_of_version_1_is_brought_up_to_date_and_keeps_every_entry() {
    let scene = version_1();
    let before = content(&scene);
    // Whatever opens the store for writing brings it up to date; this changes nothing else.
    scene.host(&["issues", "dismiss", "3"]);
    assert_eq!(version(&scene), CURRENT);
    let mut after = content(&scene);
    after.insert("_sync_meta".into(), before["_sync_meta"].clone());
    assert_eq!(after, before);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_image"), 0);
}

#[test]
fn a_run_on_a_store_of_version_1_carries_on_where_the_older_host_stopped() {
    let scene = version_1();
    let plan = scene.host(&["plan", "--format", "json"]).exits(0);
    assert_eq!(plan.object("account")["push"]["update"], 3, "the choice, and the two that are too long");
    scene.forget_requests();
    let run = scene.run().exits(3);
    assert_eq!(version(&scene), CURRENT);
    // The choice that was recorded, and nothing more: the insert of unknown fate had happened.
    assert_eq!(scene.writes(), ["PUT"]);
    let crm = scene.crm();
    assert_eq!((crm.count("Account"), crm.count("Opportunity")), (7, 2));
    assert_eq!(crm.get("Account", "88-3DS001").unwrap()["City"], "Oslo");
    assert!(scene.rows("SELECT * FROM _sync_conflict").is_empty());
    let linked = "SELECT remote_id FROM _sync_baseline WHERE object = 1 AND local_id = 7";
    assert_eq!(scene.value(linked), "88-3DS008");
    assert!(scene.rows("SELECT * FROM _sync_journal").is_empty());
    // What changed on the remote since, and the record beyond the filter, which is still linked to.
    assert_eq!(scene.value("SELECT stage FROM opportunity WHERE id = 2"), "Won");
    assert_eq!(run.object("opportunity")["pull"]["update"], 1);
    assert_eq!(
        scene.value("SELECT a.name FROM opportunity o JOIN account a ON a.id = o.account_id"),
        "Beyond the filter"
    );
    // The issues are the entries they were; the dismissed one failed again, and is back.
    let issues: Vec<(Json, Json, Json)> = scene
        .issues()
        .into_iter()
        .map(|issue| (issue["id"].clone(), issue["code"].clone(), issue["attempts"].clone()))
        .collect();
    let issue = |id: i64, code: &str| (json!(id), json!(code), json!(2));
    assert_eq!(
        issues,
        [issue(1, "user-key-match"), issue(2, "too-long"), issue(3, "too-long"), issue(4, "required")]
    );
    assert_eq!(scene.value("SELECT count(*) FROM account WHERE name = 'Twin'"), 1, "its twin is not pulled");
    // Mended, it is a store like any other.
    scene.sql(
        "UPDATE account SET location = NULL; UPDATE account SET city = 'Oslo' WHERE name = 'Twin';
         UPDATE opportunity SET name = 'Won deal' WHERE name IS NULL",
    );
    assert_eq!(scene.run().exits(0).object("account")["adopted"], 1);
    scene.forget_requests();
    scene.run().exits(0);
    assert_eq!(scene.writes(), [""; 0]);
    assert_eq!(scene.value("SELECT count(*) FROM _sync_run"), 6, "the runs are still known");
}

#[test]
fn what_only_reads_leaves_a_store_of_version_1_as_it_is() {
    let scene = version_1();
    let before = bytes(&scene);
    let plan = scene.host(&["plan", "--format", "json"]).exits(0);
    // The baseline is seen: nothing that is linked would be inserted.
    assert_eq!(plan.object("account")["counted"], json!({"local": 7, "remote": 6}));
    assert_eq!(plan.object("opportunity")["pull"], json!({"insert": 0, "update": 1, "delete": 0}));
    scene.host(&["run", "--dry-run"]).exits(0);
    let status = scene.list(&["status"]);
    assert_eq!((&status[0]["object"], &status[0]["linked"]), (&json!("account"), &json!(5)));
    assert_eq!((&status[0]["conflicts"], &status[0]["issues"]), (&json!(1), &json!(2)));
    assert_eq!((scene.issues().len(), scene.conflicts().len()), (3, 1));
    scene.host(&["conflicts", "show", "1"]).exits(0);
    scene.host(&["issues", "show", "1"]).exits(0);
    assert_eq!(bytes(&scene), before);
    assert_eq!(version(&scene), 1);
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_not_touched() {
    let scene = version_1();
    scene.run().exits(3);
    // Another journal mode than this host would choose: it must not choose for a newer one.
    scene.sql("UPDATE _sync_meta SET value = 99 WHERE key = 'version'; PRAGMA journal_mode = DELETE");
    let before = bytes(&scene);
    scene.forget_requests();
    for arguments in [
        &["run"][..],
        &["run", "--dry-run"],
        &["plan"],
        &["status"],
        &["issues"],
        &["issues", "dismiss", "1"],
        &["conflicts"],
        &["conflicts", "resolve", "1", "--keep", "local"],
    ] {
        let output = scene.host(arguments).exits(1);
        assert!(output.err.contains("newer host") && output.err.contains("version 99"), "{}", output.err);
        assert_eq!(bytes(&scene), before, "{arguments:?}");
    }
    let asked = scene.server.as_ref().unwrap().requests();
    assert!(asked.is_empty(), "the remote is not asked: {asked:?}");
}

#[test]
fn a_migration_that_fails_leaves_version_1_as_it_was() {
    let scene = version_1();
    // A table in the way of what the second statement of the migration makes.
    scene.sql("CREATE TABLE _sync_image(mine)");
    let before = (schema(&scene), content(&scene));
    scene.forget_requests();
    let failed = scene.host(&["run"]).exits(1);
    assert!(failed.err.contains("up to date") && failed.err.contains("rename or drop"), "{}", failed.err);
    assert!(!failed.err.contains("CREATE"), "no statement of ours: {}", failed.err);
    assert_eq!((schema(&scene), content(&scene)), before);
    assert_eq!(version(&scene), 1);
    assert!(scene.server.as_ref().unwrap().requests().is_empty());
    // Without it, all is well.
    scene.sql("DROP TABLE _sync_image");
    scene.run().exits(3);
    assert_eq!(version(&scene), CURRENT);
    let names: BTreeSet<String> =
        scene.crm().list("Account").iter().map(|record| record["Name"].clone()).collect();
    assert_eq!(names.len(), scene.crm().count("Account"), "nothing is doubled");
}
