//! Secrets, and that no error gives one away.

use crate::{account, assert_mistake, drawn, parse, printed, refused, remote, url};
use host::metadata::{Auth, Metadata, ProblemKind};

/// The minimal file with basic authentication, `password` being the TOML for the password.
pub(crate) fn basic(password: &str) -> String {
    remote(&format!("auth = {{ kind = \"basic\", username = \"SADMIN\", password = {password} }}"))
}

#[test]
fn secrets_come_from_the_environment_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "hunter2\r\n").unwrap();
    std::fs::write(folder.path().join("blank"), "\n").unwrap();
    let file = folder.path().join("sync.toml");
    let token = |source: &str| remote(&format!("auth = {{ kind = \"bearer\", token = {{ {source} }} }}"));
    let read = |source: &str| Metadata::parse(&file, &token(source), &|_| None);

    std::fs::write(folder.path().join("marked"), "\u{feff}hunter2\n").unwrap();
    for name in ["token", "marked"] {
        match read(&format!("file = \"{name}\"")).unwrap().remote.auth {
            Some(Auth::Bearer { token }) => assert_eq!(token.expose(), "hunter2"),
            other => panic!("{other:?}"),
        }
    }
    for (source, reason) in [("file = \"tokn\"", "No such file"), ("file = \"blank\"", "it is empty")] {
        let error = read(source).unwrap_err();
        assert_eq!(error.problems().next().unwrap().kind(), ProblemKind::UnreadableSecret);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let metadata = parse(&token("env = \"CRM_PASSWORD\"")).unwrap();
    assert!(!format!("{metadata:?}").contains("hunter2"));
    assert!(format!("{metadata:?}").contains("***"));
}

#[test]
fn a_missing_variable_is_an_error_of_its_own() {
    use ProblemKind::MissingVariable;
    assert_mistake(
        &basic("{ env = \"CRM_PASWORD\" }"),
        MissingVariable,
        &["the environment variable `CRM_PASWORD` is not set, and `remote.auth.password.env` needs it"],
    );
    assert_mistake(&basic("{ env = \"EMPTY\" }"), MissingVariable, &["`EMPTY` is empty"]);
    assert_mistake(&basic("{ env = \"LATIN_1\" }"), MissingVariable, &["`LATIN_1` is not UTF-8 text"]);
}

#[test]
fn secrets_name_one_source() {
    use ProblemKind::{Misplaced, MissingKey, UnknownKey};
    let both = "{ env = \"CRM_PASSWORD\", file = \"token\" }";
    assert_mistake(&basic(both), Misplaced, &["both `env` and `file`"]);
    assert_mistake(&basic("{}"), MissingKey, &["names no source", "`env = ", "`file = "]);
    let text = basic("{ env = \"CRM_PASSWORD\", fiel = \"x\" }");
    assert_mistake(&text, UnknownKey, &["did you mean `file`?"]);
}

#[test]
fn auth_has_the_keys_of_its_kind() {
    use ProblemKind::{InvalidValue, Misplaced, MissingKey};
    let auth = |inner: &str| remote(&format!("auth = {{ {inner} }}"));
    let secret = "{ env = \"CRM_PASSWORD\" }";
    let text = auth(&format!("kind = \"bearer\", username = \"x\", token = {secret}"));
    assert_mistake(&text, Misplaced, &["`remote.auth.username` only goes with `kind = \"basic\"`"]);
    let text = auth(&format!("kind = \"basic\", username = \"x\", password = {secret}, token = {secret}"));
    assert_mistake(&text, Misplaced, &["`remote.auth.token` only goes with `kind = \"bearer\"`"]);
    assert_mistake(&auth("kind = \"bearer\""), MissingKey, &["`token` is missing in `remote.auth`"]);
    let text = auth(&format!("kind = \"basic\", password = {secret}"));
    assert_mistake(&text, MissingKey, &["`username` is missing in `remote.auth`"]);
    assert_mistake(&auth("kind = \"digest\""), InvalidValue, &["`basic`", "`bearer`"]);
    let text = auth(&format!("kind = \"basic\", username = \"a:b\", password = {secret}"));
    assert_mistake(&text, InvalidValue, &["must not contain a colon"]);
}

#[test]
fn a_secret_in_plain_text_is_refused_and_never_repeated() {
    let plain = [
        basic("\"hunter2\""),
        basic("'hunter2'"),
        basic("\"\"\"\nhunter2\"\"\""),
        basic("[\"hunter2\"]"),
        remote("auth = { kind = \"bearer\", token = \"hunter2\" }"),
    ];
    for text in plain {
        assert_mistake(
            &text,
            ProblemKind::PlainSecret,
            &["conf/sync.toml:6:", "`env`", "`file`", "{ env = \"CRM_"],
        );
        assert!(!printed(&refused(&text)).contains("hunter2"), "{}", printed(&refused(&text)));
    }
}

#[test]
fn no_other_error_repeats_a_secret_either() {
    let texts = [
        // Next to another mistake.
        format!("{}\ncolour = 1", basic("\"hunter2\"")),
        basic("\"hunter2\"").replace("kind = \"basic\"", "kynd = \"basic\""),
        basic("\"hunter2\"").replace("version = 1", "version = 2"),
        basic("\"hunter2\"").replace("version = 1", ""),
        // Where it does not belong.
        remote("pasword = \"hunter2\""),
        remote("passwrd = \"hunter2\""),
        remote("[remote.auth]\nkind = \"basic\"\nusername = \"x\"\nanything = \"hunter2\""),
        remote("auth = \"hunter2\""),
        remote("auth = [\"hunter2\"]"),
        remote("password = { value = \"hunter2\" }"),
        basic("{ value = \"hunter2\" }"),
        basic("{ env = \"hunter2!\" }"),
        account("token = \"hunter2\""),
        // In a comment beside the mistake.
        remote("# password = \"hunter2\"\ntimout = \"1s\""),
        remote("# password = \"a\\\"hunter2\"\ntimout = \"1s\""),
        remote("# password = { \"hunter2\" }\ntimout = \"1s\""),
        remote("# http://SADMIN:hunter2@127.0.0.1\ntimout = \"1s\""),
        // Where the text cannot be parsed.
        basic("\"hunter2\"").replace(" }", ""),
        basic("\"hunter2\"").replace("username =", "username"),
        basic("\"hunter2"),
        basic("hunter2"),
        basic("\"x\"hunter2\""),
        basic("\"\"\"\nhunter2\""),
        basic("{ \"hunter2\" }"),
        basic("[\n\"hunter2\"\n").replace(" }", ""),
        remote("password \"hunter2\""),
        remote("password: hunter2"),
        remote("password =\n\"hunter2\""),
        remote("auth.password = = \"hunter2\""),
        url("http://SADMIN:hunter2@127.0.0.1").replace("[local]", "[local"),
        url("http://SADMIN:hunter2@127.0.0.1").replace("127.0.0.1\"", "127.0.0.1"),
    ];
    for text in texts {
        let printed = printed(&refused(&text));
        assert!(!printed.contains("hunter2"), "{text}\n{printed}");
    }
}

#[test]
fn no_slip_of_the_keyboard_gives_a_secret_away() {
    let texts = [
        basic("\"hunter2\""),
        remote("[remote.auth]\nkind = \"bearer\"\ntoken = 'hunter2'"),
        url("http://SADMIN:hunter2@127.0.0.1/"),
    ];
    for text in texts {
        let secret = text.find("hunter2").unwrap();
        for at in (0..text.len()).filter(|at| !(secret..secret + 7).contains(at)) {
            let (before, after) = text.split_at(at);
            // A character left out, one typed twice, one typed in its place, and a file that ends early.
            for slip in [
                format!("{before}{}", &after[1..]),
                format!("{before}{}{after}", &after[..1]),
                format!("{before}x{}", &after[1..]),
                format!("{before}\"{after}"),
                format!("{before}\n{after}"),
                format!("{before}#{after}"),
                before.to_owned(),
            ] {
                if let Err(error) = parse(&slip) {
                    let printed = printed(&error);
                    assert!(!printed.contains("hunter2"), "{slip}\n{printed}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_secret_stays_readable() {
    let error = refused(&basic("{ env = \"MISSING_PASSWORD\" }"));
    let line =
        "auth = { kind = \"basic\", username = \"SADMIN\", password = { env = \"MISSING_PASSWORD\" } }";
    assert!(drawn(&error).contains(line), "{}", drawn(&error));
    let line = "fields = { token = { on-conflict = \"kep-local\" } }";
    assert!(drawn(&refused(&account(line))).contains(line));
}

#[test]
fn redaction_keeps_places_right() {
    let text = remote("auth = { kind = \"bearer\", token = \"pässwörd\", username = \"x\" }");
    let error = refused(&text);
    let positions: Vec<_> = error.problems().map(|problem| problem.position().unwrap()).collect();
    assert_eq!(positions, [(6, 27), (6, 47)]);
    assert!(drawn(&error).contains("token = \"**********\", username = \"x\""), "{}", drawn(&error));
}
