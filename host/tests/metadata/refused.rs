//! What is refused.

use crate::{MINIMAL, account, and, assert_mistake, drawn, mistake, parse, printed, refused, remote, url};
use host::metadata::{Policy, ProblemKind, suggestion};
use miette::Diagnostic;

#[test]
fn an_unknown_key_names_the_nearest() {
    use ProblemKind::UnknownKey;
    assert_mistake(
        &remote("timout = \"1s\""),
        UnknownKey,
        &["conf/sync.toml:6:1: unknown key `remote.timout`; did you mean `timeout`?"],
    );
    assert_mistake(&remote("retry_for = \"1s\""), UnknownKey, &["did you mean `retry-for`?"]);
    assert_mistake(&and("[delets]"), UnknownKey, &[":14:2: unknown key `delets`", "`deletes`?"]);
    assert_mistake(&and("[deletes]\ncuont = 1"), UnknownKey, &["`deletes.cuont`", "`count`?"]);
    assert_mistake(&account("on-conflit = \"ask\""), UnknownKey, &["`on-conflict`?"]);
    assert_mistake(
        &account("limits = { memroy = 1 }"),
        UnknownKey,
        &[":15:12: unknown key `objects.account.limits.memroy`", "`memory`?"],
    );
    let fields = "fields = { name = { on-conflict = \"ask\", colour = 1 } }";
    assert_mistake(&account(fields), UnknownKey, &["known here, the nearest first: `on-conflict`"]);
    assert_mistake(
        &and("[local2]").replace("[local2]", "[deletes]\nmaximum = 3"),
        UnknownKey,
        &["known here, the nearest first: `", "`count`", "`percent`"],
    );
}

#[test]
fn suggestions() {
    assert_eq!(suggestion("acount", ["contact", "account"]), "did you mean `account`?");
    assert_eq!(
        suggestion("invoice", ["contact", "account"]),
        "known here, the nearest first: `account`, `contact`"
    );
    assert_eq!(suggestion("invoice", []), "there is none to choose from");
}

#[test]
fn the_version_must_be_one_that_is_understood() {
    use ProblemKind::{InvalidValue, MissingKey, Version};
    // Nothing else is said about a file of another version: its keys may have other meanings.
    let text = MINIMAL.replace("version = 1", "version = 2\nnews = true");
    assert_mistake(&text, Version, &["conf/sync.toml:1:11:", "version that this host", "version 1"]);
    assert_mistake(&MINIMAL.replace("version = 1", ""), MissingKey, &[":1:1: `version` is missing"]);
    let text = MINIMAL.replace("version = 1", "version = \"1\"");
    assert_mistake(&text, InvalidValue, &["`version` must be a whole number, and is a text"]);
}

#[test]
fn what_must_be_there_is_named_when_missing() {
    use ProblemKind::MissingKey;
    assert_mistake(
        &MINIMAL.replace("kind = \"siebel\"\n", ""),
        MissingKey,
        &[":3:2: `kind` is missing in `remote`"],
    );
    assert_mistake(&MINIMAL.replace("url =", "#"), MissingKey, &["`url` is missing in `remote`"]);
    assert_mistake(&MINIMAL.replace("path =", "#"), MissingKey, &["`path` is missing in `local`"]);
    assert_mistake(&MINIMAL.replace("dir =", "#"), MissingKey, &["`dir` is missing in `plugins`"]);
    assert_mistake(
        &MINIMAL.replace("kind = \"sqlite\"", ""),
        MissingKey,
        &[":7:2: `kind` is missing in `local`"],
    );
    let error = refused("");
    assert!(error.problems().all(|problem| problem.kind() == MissingKey));
    assert_eq!(error.problems().count(), 4, "{}", error.plain());
    drawn(&error);
}

#[test]
fn types_are_checked() {
    use ProblemKind::InvalidValue;
    assert_mistake(&MINIMAL.replace("\"crm.db\"", "7"), InvalidValue, &["text in quotes, and is an integer"]);
    assert_mistake(&MINIMAL.replace("\"crm.db\"", "\"\""), InvalidValue, &["`local.path` must not be empty"]);
    assert_mistake(
        &account("enabled = \"yes\""),
        InvalidValue,
        &["must be `true` or `false`, and is a text"],
    );
    assert_mistake(&and("[objects]\naccount = true"), InvalidValue, &["must be a table, and is a boolean"]);
    assert_mistake(&and("[[objects]]"), InvalidValue, &["must be a table, and is a list"]);
    assert_mistake(&account("fields = 1.5"), InvalidValue, &["and is a number with a fraction"]);
    assert_mistake(&account("filter = 2026-01-01"), InvalidValue, &["and is a date or time"]);
}

#[test]
fn words_are_checked() {
    use ProblemKind::InvalidValue;
    let text = MINIMAL.replace("\"siebel\"", "\"seibel\"");
    assert_mistake(&text, InvalidValue, &[":4:8: `remote.kind` cannot be \"seibel\"", "`siebel`?"]);
    assert_mistake(&MINIMAL.replace("\"sqlite\"", "\"oracle\""), InvalidValue, &["`sqlite`"]);
    assert_mistake(&account("on-conflict = \"newest\""), InvalidValue, &["`keep-remote`", "`merge`"]);
    assert_mistake(&account("on-conflict = \"skip\""), InvalidValue, &["`ask`"]);
    assert_mistake(
        &account("grants = [\"wasy\"]"),
        InvalidValue,
        &[":15:11: `objects.account.grants` cannot be \"wasy\"", "`wasi`?"],
    );
    assert_mistake(&account("grants = [1]"), InvalidValue, &["must be a text in quotes"]);
    assert_mistake(&account("grants = \"wasi\""), InvalidValue, &["must be a list"]);
}

#[test]
fn numbers_have_ranges() {
    use ProblemKind::InvalidValue;
    assert_mistake(&and("[deletes]\npercent = 101"), InvalidValue, &["must be from 0 to 100"]);
    assert_mistake(&and("[deletes]\npercent = 2.5"), InvalidValue, &["must be a whole number"]);
    assert_mistake(&and("[deletes]\ncount = -1"), InvalidValue, &["must be at least 0"]);
    for fuel in ["0", "-1"] {
        let text = account(&format!("limits.fuel-per-record = {fuel}"));
        assert_mistake(&text, InvalidValue, &["fuel-per-record` must be at least 1"]);
    }
    for memory in ["0", "\"0KiB\""] {
        let text = account(&format!("limits.memory = {memory}"));
        assert_mistake(&text, InvalidValue, &["memory` must be at least 1 byte"]);
    }
    for memory in ["\"64MB\"", "\"64 MiB\"", "\"MiB\"", "\"64\"", "\"-1MiB\"", "\"99999999999999GiB\""] {
        let text = account(&format!("limits.memory = {memory}"));
        assert_mistake(&text, InvalidValue, &["is no size", "\"64MiB\""]);
    }
}

#[test]
fn durations_have_ranges() {
    use ProblemKind::InvalidValue;
    assert_mistake(&remote("timeout = \"0ms\""), InvalidValue, &["must be longer than zero"]);
    assert_mistake(&remote("timeout = \"1441m\""), InvalidValue, &["a day"]);
    for text in [
        "\"10\"",
        "10",
        "\"1.5s\"",
        "\"10 s\"",
        "\"s\"",
        "\"-1s\"",
        "\"99999999999999999999s\"",
        "\"\"",
        "\"1w\"",
    ] {
        assert_mistake(&remote(&format!("retry-for = {text}")), InvalidValue, &["is no duration", "\"10s\""]);
    }
}

#[test]
fn siebel_keys_are_for_siebel_only() {
    for line in ["view-mode = \"All\"", "user-key-view-mode = \"All\"", "timezone = \"UTC\""] {
        let text = remote(line).replace("\"siebel\"", "\"tryton\"");
        let parts = [":6:1: ", "is for `kind = \"siebel\"` only, and this remote is \"tryton\""];
        assert_mistake(&text, ProblemKind::Misplaced, &parts);
    }
    // With an unknown kind there is one mistake, not two.
    let text = remote("timezone = \"UTC\"").replace("\"siebel\"", "\"sap\"");
    assert_mistake(&text, ProblemKind::InvalidValue, &["`remote.kind`"]);
}

#[test]
fn time_zones_must_exist() {
    let text = remote("timezone = \"Europe/Atlantis\"");
    assert_mistake(&text, ProblemKind::InvalidValue, &["\"Europe/Atlantis\" is not known", "IANA"]);
}

#[test]
fn addresses_are_http_without_credentials() {
    use ProblemKind::InvalidValue;
    assert_mistake(&url("ftp://127.0.0.1/"), InvalidValue, &["`remote.url` must begin with `http://`"]);
    assert_mistake(&url("127.0.0.1:8080"), InvalidValue, &["is no address"]);
    for address in [
        "http://SADMIN:hunter2@127.0.0.1/",
        "http://hunter2@127.0.0.1/",
        "https://:hunter2@127.0.0.1/",
        "http:SADMIN:hunter2@127.0.0.1/",
        "ftp://SADMIN:hunter2@127.0.0.1/",
        r"http://SADMIN:hunter2\u0040127.0.0.1/",
    ] {
        let error = refused(&url(address));
        assert!(error.to_string().contains("must not contain a user name"), "{error}");
        assert!(!printed(&error).contains("hunter2"), "{}", printed(&error));
    }
    // An address that cannot be parsed may have credentials all the same.
    for address in
        ["http://SADMIN:hunter2/x@127.0.0.1/", "http://SADMIN:hunter2@:x/", "SADMIN:hunter2@127.0.0.1"]
    {
        let error = refused(&url(address));
        assert!(!printed(&error).contains("hunter2"), "{}", printed(&error));
    }
}

#[test]
fn object_names_are_kebab_case() {
    let long = "a".repeat(65);
    for name in [
        "Account",
        "sales_order",
        "\"sales order\"",
        "sales--order",
        "-x",
        "x-",
        "\"\"",
        "7up",
        "sqlite",
        &long,
    ] {
        let text = and(&format!("[objects.{name}]"));
        assert_mistake(&text, ProblemKind::InvalidValue, &[":14:10: ", "is no name of an object"]);
    }
    // As the contract with plugins has it.
    for name in ["sales-order2", "task-2", "a", &"a".repeat(64)] {
        assert!(parse(&and(&format!("[objects.{name}]"))).is_ok(), "{name}");
    }
}

#[test]
fn digests_have_64_digits() {
    for digest in ["abc".to_owned(), "g".repeat(64), "0".repeat(63), "é".repeat(32)] {
        let text = account(&format!("sha256 = {digest:?}"));
        assert_mistake(&text, ProblemKind::InvalidValue, &["is no SHA-256 digest", "64"]);
    }
}

#[test]
fn fields_have_one_of_three_rules() {
    use ProblemKind::{InvalidValue, MissingKey};
    let merge = account("fields.name.on-conflict = \"merge\"");
    assert_mistake(&merge, InvalidValue, &["nothing to merge", "`keep-local` or `keep-remote`"]);
    let other = account("fields.name.on-conflict = \"keep\"");
    assert_mistake(&other, InvalidValue, &["`keep-local`"]);
    assert_mistake(&account("fields.name = {}"), MissingKey, &["`on-conflict` is missing"]);
    for (text, policy) in [("ask", Policy::Ask), ("keep-remote", Policy::KeepRemote)] {
        let metadata = parse(&account(&format!("fields.name.on-conflict = {text:?}"))).unwrap();
        assert_eq!(metadata.objects["account"].fields["name"].on_conflict, policy);
    }
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    let error =
        refused(&account("enabld = true").replace("dir = ", "folder = ").replace("\"siebel\"", "\"sap\""));
    let positions: Vec<_> = error.problems().map(|problem| problem.position().unwrap()).collect();
    assert_eq!(positions, [(4, 8), (11, 2), (12, 1), (15, 1)]);
    assert!(error.to_string().starts_with("conf/sync.toml:4:8: "), "{error}");
    assert!(error.to_string().ends_with(" (and 3 more)"), "{error}");
    assert_eq!(error.related().unwrap().count(), 3);
    assert_eq!(error.plain().lines().count(), 4);
}

#[test]
fn what_is_not_toml_says_where() {
    let (kind, plain) = mistake(&MINIMAL.replace("[local]", "[local"));
    assert_eq!(kind, ProblemKind::Syntax);
    assert!(plain.starts_with("conf/sync.toml:7:7: this is not TOML: "), "{plain}");
    let error = refused(&MINIMAL.replace("[local]", "[local").replace("url =", "url"));
    assert_eq!(error.problems().count(), 2, "{}", error.plain());
    assert_mistake(&remote("kind = \"odata\""), ProblemKind::Syntax, &[":6:1: ", "duplicate key"]);
    drawn(&refused("a = \""));
    drawn(&refused("[a"));
}

#[test]
fn columns_count_characters() {
    let text = account("filter = \"é\"\nfields = { \"é\" = { x = 1, on-conflict = \"ask\" } }");
    assert_mistake(&text, ProblemKind::UnknownKey, &["conf/sync.toml:16:20: unknown key"]);
    let crlf = remote("timout = \"1s\"").replace('\n', "\r\n");
    assert_mistake(&crlf, ProblemKind::UnknownKey, &["conf/sync.toml:6:1: "]);
}
