//! What `host plugin inspect` says of a new version of an object, and that the next run does just that.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tests::{Json, Scene, host_binary, json, stock_plugin};

const NAME: &str = "local = \"name\"\nremote = \"Name\"\nkind = \"text(100)\"\nrequired = true";
const PRIORITY: &str = "local = \"priority\"\nremote = \"Priority\"\nkind = \"text(30)\"";
const DUE: &str = "local = \"due\"\nremote = \"Due\"\nkind = \"timestamp\"";

/// The object `task`, declared with these fields.
fn task(version: u32, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("\n[[fields]]\n{field}\n")).collect();
    format!(
        "mapping-version = {version}\nuser-keys = [[\"Name\"]]\n\n[resource]\npath = \"Task/Task\"\nid = \"Id\"\n\
         updated = \"Updated\"\nversion = \"Mod Id\"\ncreated = \"Created\"\n{fields}"
    )
}

fn install(scene: &Scene, declaration: &str) {
    std::fs::write(scene.path("plugins/task.object.toml"), declaration).unwrap();
}

/// One synchronized task, of version 1 with a name and a priority.
fn scene() -> Scene {
    let scene = Scene::new(&["declared"]);
    install(&scene, &task(1, &[NAME, PRIORITY]));
    let values = [("Name", "Call"), ("Priority", "1-ASAP"), ("Due", "03/21/2026 09:30:00")];
    scene.crm().insert("Task", &values).unwrap();
    scene.run().exits(0);
    scene
}

/// What `inspect` says of a declaration that is not installed yet: document and text.
fn inspected(scene: &Scene, declaration: &str) -> (Json, String) {
    std::fs::create_dir_all(scene.path("new")).unwrap();
    std::fs::write(scene.path("new/task.object.toml"), declaration).unwrap();
    std::fs::copy(stock_plugin("declared"), scene.path("new/declared.wasm")).unwrap();
    let inspect = ["plugin", "inspect", "new/task.object.toml"];
    let document = scene.host(&[&inspect[..], &["--format", "json"]].concat()).exits(0).json();
    (document, scene.host(&inspect).exits(0).out)
}

/// The kinds of the changes, and all their meanings.
fn changes(document: &Json) -> (Vec<String>, String) {
    let all = document["changes"].as_array().unwrap();
    let kind = |it: &Json| {
        let side = it["side"].as_str().map(|side| format!("{side} ")).unwrap_or_default();
        format!("{side}{}", it["change"].as_str().unwrap())
    };
    let means: Vec<&str> = all.iter().map(|it| it["means"].as_str().unwrap()).collect();
    (all.iter().map(kind).collect(), means.join("\n"))
}

#[test]
fn a_field_that_is_added_without_raising_the_version_is_filled_as_records_change() {
    let scene = scene();
    let added = task(1, &[NAME, PRIORITY, DUE]);
    let (document, text) = inspected(&scene, &added);
    let (kinds, means) = changes(&document);
    assert_eq!(kinds, ["mapping-version-kept", "local added", "remote added"]);
    for words in
        ["the mapping version is the same although fields changed", "`due` is added", "filled as records"]
    {
        assert!(means.contains(words) && text.contains(words), "no {words} in {text}");
    }
    assert_eq!(document["changes"][1]["field"]["name"], "due");
    assert!(
        document["installed"]["file"].as_str().unwrap().ends_with("plugins/task.object.toml"),
        "{document}"
    );
    install(&scene, &added);
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT due FROM task"), Json::Null);
    let id = scene.crm().list("Task")[0]["Id"].clone();
    scene.crm().update("Task", &id, &[("Priority", "2-High")]).unwrap();
    scene.run().exits(0);
    assert_eq!(scene.value("SELECT due FROM task"), "2026-03-21T09:30:00.000000Z");
}

#[test]
fn a_raised_version_compares_every_record_and_fills_what_is_new() {
    let scene = scene();
    let raised = task(2, &[NAME, DUE]);
    let (document, text) = inspected(&scene, &raised);
    let (kinds, means) = changes(&document);
    let expected = ["mapping-version", "local added", "local removed", "remote added", "remote removed"];
    assert_eq!(kinds, expected);
    for words in ["compares every record once", "filled from the remote", "`priority` stays in your table"] {
        assert!(means.contains(words) && text.contains(words), "no {words} in {text}");
    }
    install(&scene, &raised);
    assert_eq!(scene.run().exits(0).object("task")["requests"]["details"], 1);
    assert_eq!(
        scene.rows("SELECT priority, due FROM task"),
        [json!(["1-ASAP", "2026-03-21T09:30:00.000000Z"])]
    );
}

#[test]
fn a_kind_that_the_column_does_not_keep_stops_the_run_before_anything_is_contacted() {
    let scene = scene();
    let number = PRIORITY.replace("text(30)", "integer");
    let changed = task(2, &[NAME, &number]);
    let (document, text) = inspected(&scene, &changed);
    let (kinds, means) = changes(&document);
    assert_eq!(kinds, ["mapping-version", "local kind", "remote kind"]);
    assert!(means.contains("cannot keep its new kind"), "{means}");
    assert!(text.contains("~ local priority: text(30) → integer"), "{text}");
    install(&scene, &changed);
    scene.forget_requests();
    let stopped = scene.run().exits(1);
    assert!(stopped.err.contains("\"priority\"") && stopped.err.contains("DROP TABLE"), "{}", stopped.err);
    assert!(scene.requests("GET").is_empty());
}

#[test]
fn traits_are_told_apart_by_side() {
    let scene = scene();
    let required = format!("{PRIORITY}\nrequired = true");
    let changed = task(1, &[NAME, &required]);
    let (document, _) = inspected(&scene, &changed);
    let (kinds, means) = changes(&document);
    assert_eq!(kinds, ["mapping-version-kept", "local traits", "remote traits"]);
    assert!(means.contains("a record without `priority` is no longer sent, but an issue"), "{means}");
    install(&scene, &changed);
    scene.sql("INSERT INTO task(name) VALUES ('No priority')");
    scene.run().exits(3);
    assert_eq!(scene.issues()[0]["code"], "required");
    assert_eq!(scene.crm().count("Task"), 1);
}

#[test]
fn resource_and_user_keys_are_compared_too() {
    let scene = scene();
    let changed = task(1, &[NAME, PRIORITY])
        .replace("[[\"Name\"]]", "[[\"Name\", \"Priority\"]]")
        .replace("version = \"Mod Id\"\n", "")
        .replace("Task/Task", "Task/Other");
    let (document, text) = inspected(&scene, &changed);
    let (kinds, means) = changes(&document);
    assert_eq!(kinds, ["resource", "resource", "user-keys"]);
    assert!(means.contains("`Task/Other`") && means.contains("every change key is another one"), "{means}");
    assert!(text.contains("resource version Mod Id → none") && text.contains("(Name, Priority)"), "{text}");
}

/// The change key is another one, and nothing but that is: no record counts as changed.
#[test]
fn a_version_field_that_is_given_up_reads_every_record_and_changes_none() {
    let scene = scene();
    install(&scene, &task(1, &[NAME, PRIORITY]).replace("version = \"Mod Id\"\n", ""));
    let report = scene.run().exits(0).object("task");
    assert_eq!((&report["pull"]["update"], &report["push"]["update"]), (&json!(0), &json!(0)));
    assert_eq!(report["requests"]["details"], 1);
}

#[test]
fn two_files_are_compared_where_nothing_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let host = |arguments: &[&str]| {
        let mut host = std::process::Command::new(host_binary());
        host.args(["plugin", "inspect"]).args(arguments).current_dir(folder.path());
        let output = host.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    };
    let stock = |object: &str| stock_plugin(object).to_str().unwrap().to_owned();
    let (account, contact) = (stock("account"), stock("contact"));
    let (out, _, code) = host(&[&account, "--format", "json"]);
    let document: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document["installed"], &document["changes"]), (Some(0), &Json::Null, &json!([])));
    let (out, _, code) = host(&[&account, "--against", &account]);
    assert_eq!(code, Some(0));
    assert!(out.contains("the same component"), "{out}");
    let (_, err, code) = host(&[&account, "--against", &contact]);
    assert_eq!(code, Some(2));
    assert!(err.contains("contact") && err.contains("help:"), "{err}");
}

#[test]
fn fields_stand_in_aligned_columns() {
    let scene = Scene::new(&["opportunity"]);
    let file = scene.path("plugins/opportunity.wasm");
    let out = scene.host(&["plugin", "inspect", file.to_str().unwrap()]).exits(0).out;
    let fields: Vec<&str> = out
        .lines()
        .skip_while(|line| !line.starts_with("LOCAL FIELD"))
        .take_while(|line| !line.is_empty())
        .collect();
    let kinds = fields[0].find("KIND").unwrap();
    assert_eq!(fields.len(), 11, "{out}");
    for line in &fields {
        // The column begins where its title does, after blanks and with no blank of its own.
        assert!(line[..kinds].ends_with("  ") && !line[kinds..].starts_with(' '), "{out}");
    }
    for words in ["user keys   (Name, Account Id), (Name)", "account_id → account", "read-only, computed"] {
        assert!(out.contains(words), "no {words} in {out}");
    }
}
