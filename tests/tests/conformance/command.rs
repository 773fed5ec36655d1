//! `host remote check` through the binary.

use crm::{Action, Fault};
use tests::{Json, Scene, json};

/// A scene with some accounts and contacts.
fn scene() -> Scene {
    let scene = Scene::new(&["account", "contact"]);
    for number in 0..3 {
        let acme = scene.crm().insert("Account", &[("Name", &format!("Acme {number}"))]).unwrap();
        scene.crm().insert("Contact", &[("Last Name", "Doe"), ("Account Id", &acme)]).unwrap();
    }
    scene
}

const CHECK: [&str; 2] = ["remote", "check"];

fn checked(scene: &Scene, arguments: &[&str]) -> Json {
    scene.host(&[&CHECK, arguments, &["--format", "json"]].concat()).exits(0).json()
}

#[test]
fn without_being_told_to_it_writes_nothing_anywhere() {
    let scene = scene();
    scene.forget_requests();
    let document = checked(&scene, &[]);
    assert_eq!(scene.writes(), [] as [&str; 0]);
    assert!(!scene.path("crm.db").exists(), "the local store is not even made");
    let objects: Vec<&Json> =
        document["objects"].as_array().unwrap().iter().map(|it| &it["object"]).collect();
    assert_eq!(objects, ["account", "contact"]);
    for object in document["objects"].as_array().unwrap() {
        assert_eq!(object["requests"]["write"], 0);
        let parts = object["findings"].as_array().unwrap().iter().map(|it| &it["part"]);
        assert!(parts.into_iter().all(|part| part == "reading"));
    }
    let sent: u64 = document["objects"].as_array().unwrap().iter().map(requests).sum();
    assert_eq!(sent, scene.requests("GET").len() as u64, "what it says it asked is what it asked");
}

fn requests(object: &Json) -> u64 {
    object["requests"].as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum()
}

#[test]
fn records_are_made_of_the_named_resource_alone_and_are_gone_afterwards() {
    let scene = scene();
    let before = (scene.crm().list("Account"), scene.crm().list("Contact"));
    scene.forget_requests();
    let document = checked(&scene, &["--write", "Account/Account"]);
    assert!(
        (scene.crm().list("Account"), scene.crm().list("Contact")) == before,
        "every record is as it was"
    );
    let written = |object: usize| document["objects"][object]["requests"]["write"].as_u64().unwrap();
    assert!(written(0) > 50 && written(1) == 0, "{} and {}", written(0), written(1));
    let server = scene.server.as_ref().unwrap();
    let writes = server.requests().into_iter().filter(|it| it.method != "GET");
    assert!(writes.into_iter().all(|it| it.decoded.contains("/Account/Account")));
    // An object's name will do, and the object need not be named twice.
    let document = checked(&scene, &["account", "--write", "contact"]);
    assert_eq!(document["objects"].as_array().unwrap().len(), 2);
    assert_eq!(document["objects"][0]["requests"]["write"], 0);
    assert!((scene.crm().list("Account"), scene.crm().list("Contact")) == before);
}

#[test]
fn each_finding_says_what_the_runtime_does_about_it() {
    let scene = scene();
    let document = checked(&scene, &["account"]);
    assert_eq!(document["objects"][0]["resource"], "Account/Account");
    for finding in document["objects"][0]["findings"].as_array().unwrap() {
        for part in ["check", "found", "means"] {
            assert!(!finding[part].as_str().unwrap().is_empty(), "{finding}");
        }
    }
    let text = scene.host(&[&CHECK[..], &["account"]].concat()).exits(0).out;
    assert!(text.starts_with("account (Account/Account)\n  holds   connects"), "{text}");
    assert!(text.contains("counts                3 records\n"), "{text}");
    assert!(text.contains("→ every listing is held against this number"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.contains(" hold, ") && last.contains(" 0 broken; ") && last.ends_with("0 of them writes"),
        "{last}"
    );
}

#[test]
fn a_filter_is_checked_as_it_is_synchronized() {
    let scene = scene();
    scene.configure("[objects.account]\nfilter = \"[Name] = 'Acme 1'\"\n[objects.contact]\nenabled = false");
    let document = checked(&scene, &[]);
    assert_eq!(document["objects"].as_array().unwrap().len(), 1, "what is switched off is not checked");
    let object = &document["objects"][0];
    assert_eq!(object["filter"], "[Name] = 'Acme 1'");
    let counts = object["findings"].as_array().unwrap().iter().find(|it| it["check"] == "counts").unwrap();
    assert_eq!(counts["found"], "1 records");
}

#[test]
fn a_server_that_is_broken_or_not_there_ends_with_1() {
    let scene = scene();
    scene.fault(Fault::new("GET", "Account/Account?", Action::Status(500, String::new())).always());
    let output = scene.host(&[&CHECK[..], &["account", "--format", "json"]].concat()).exits(1);
    assert_eq!(output.json()["verdict"], "broken");
    let nobody = Scene::with_remote(
        "kind = \"siebel\"\nurl = \"http://127.0.0.1:1/\"\nretry-for = \"1s\"\n\
         auth = { kind = \"basic\", username = \"SADMIN\", password = { file = \"password\" } }\n",
    );
    nobody.install(&tests::stock_plugin("account"));
    let output = nobody.host(&CHECK).exits(1);
    assert!(output.out.contains("broken  "), "{}", output.out);
    assert!(!output.out.contains("SADMIN"), "{}", output.out);
}

#[test]
fn what_is_not_there_is_refused_before_anything_is_contacted() {
    let scene = scene();
    scene.forget_requests();
    let output = scene.host(&[&CHECK[..], &["--write", "Acount/Account"]].concat()).exits(2);
    for part in ["`Acount/Account`", "Account/Account (account)", "Contact/Contact (contact)", "help: "] {
        assert!(output.err.contains(part), "{part}: {}", output.err);
    }
    scene.host(&[&CHECK[..], &["acount"]].concat()).exits(2);
    scene.host(&[&CHECK[..], &["--records", "5"]].concat()).exits(2);
    scene.host(&["remote"]).exits(2);
    scene.configure("[objects.contact]\nenabled = false");
    let output = scene.host(&[&CHECK[..], &["--write", "Contact/Contact"]].concat()).exits(2);
    assert!(!output.err.contains("Contact/Contact (contact)"), "{}", output.err);
    assert!(scene.requests("GET").is_empty() && scene.writes().is_empty());
}

#[test]
fn what_cannot_be_removed_is_named() {
    let scene = scene();
    scene.fault(Fault::new("DELETE", "Account/Account/", Action::Status(403, String::new())).always());
    let output = scene.host(&[&CHECK[..], &["account", "--write", "account", "--format", "json"]].concat());
    let document = output.json();
    let left = document["objects"][0]["left_behind"].as_array().unwrap();
    let there: Vec<Json> = scene
        .crm()
        .list("Account")
        .into_iter()
        .filter(|it| it["Name"].contains("sync-check"))
        .map(|it| json!(it["Id"]))
        .collect();
    assert!(!there.is_empty());
    let mut named: Vec<Json> = left.iter().map(|it| it["id"].clone()).collect();
    named.sort_by_key(Json::to_string);
    assert_eq!(named, there);
    output.exits(1);
}
