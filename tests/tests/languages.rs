//! One object in several languages, and without any: the same description, and the same answers, byte by byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use host::plugin::{Loader, Terms, WasmMapper};
use host::ports::{MapError, Mapper};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use sync_core::object::{Field, conform_row};
use sync_core::value::{Kind, Row, Value};
use tests::{Json, Scene, example_plugin, host_binary, hostile_plugin, root, stock_plugin};

/// What the others are compared with.
static RUST: LazyLock<PathBuf> = LazyLock::new(|| hostile_plugin("task"));
static JAVASCRIPT: LazyLock<PathBuf> = LazyLock::new(|| example("javascript", "npm"));
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| example("python", "python3"));

/// No language at all: a declaration, and beside it what carries it out.
static DECLARED: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = root().join("target/examples/declared");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("task.object.toml");
    std::fs::copy(root().join("plugins/examples/declared/task.object.toml"), &file).unwrap();
    std::fs::copy(stock_plugin("declared"), folder.join("declared.wasm")).unwrap();
    file
});

/// One toolchain at a time: each takes both processors.
fn example(language: &str, tool: &str) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(());
    let guard = BUILDING.lock();
    let component = example_plugin(language, tool);
    drop(guard);
    component
}

/// The component as a run would load it where metadata says nothing: no grants, the usual limits.
fn load(component: &Path) -> WasmMapper {
    let plugin = Loader::new().unwrap().load(component, Terms::default()).unwrap();
    assert_eq!(plugin.inspection().imports, Vec::<String>::new());
    plugin
}

/// The code of the rejection by which a language refuses a row that it cannot carry.
type Refuses = fn(&Row) -> Option<&'static str>;

fn refuses_nothing(_: &Row) -> Option<&'static str> {
    None
}

/// A number is a double there.
fn refuses_large_numbers(row: &Row) -> Option<&'static str> {
    const LARGEST: u64 = (1 << 53) - 1;
    let large =
        |it: &Value| matches!(it, Value::Integer(it) | Value::Timestamp(it) if it.unsigned_abs() > LARGEST);
    row.iter().any(large).then_some("number-too-large")
}

/// Whether `other` is the object that `reference` is: the same description, and the same answer to every generated row,
/// in both directions. Works for any implementation of an object.
fn assert_same(reference: &dyn Mapper, other: &dyn Mapper, refuses: Refuses) {
    assert_eq!(other.object(), reference.object());
    let (local, remote) = (rows(&reference.object().local), rows(&reference.object().remote));
    let these: Vec<&Row> = remote.iter().collect();
    compare(&remote, reference.to_local(&these), other.to_local(&these), refuses);
    let these: Vec<&Row> = local.iter().collect();
    compare(&local, reference.to_remote(&these), other.to_remote(&these), refuses);
    // Whether a row can be carried is asked when it is mapped.
    compare(&local, reference.validate(&these), other.validate(&these), refuses_nothing);
}

fn compare<T: PartialEq + std::fmt::Debug>(
    rows: &[Row],
    expected: Vec<Result<T, MapError>>,
    found: Vec<Result<T, MapError>>,
    refuses: Refuses,
) {
    assert_eq!((expected.len(), found.len()), (rows.len(), rows.len()));
    for (row, (expected, found)) in rows.iter().zip(expected.into_iter().zip(found)) {
        // Messages name the component's file.
        let of = |error: MapError| (error.code, error.field);
        match (refuses(row), found.map_err(of)) {
            (Some(code), Err((found, field))) => {
                assert_eq!(found, code, "{row:?}");
                assert!(field.is_some(), "{code} without a field");
            }
            (Some(code), Ok(found)) => panic!("{found:?} instead of {code} for {row:?}"),
            (None, found) => assert_eq!(found, expected.map_err(of), "{row:?}"),
        }
    }
}

/// Rows that a host may hand out, the same in every run.
fn rows(fields: &[Field]) -> Vec<Row> {
    let row: Vec<_> = fields.iter().map(|field| values(&field.kind)).collect();
    let mut runner = TestRunner::deterministic();
    let mut rows: Vec<Row> = (0..600).map(|_| row.new_tree(&mut runner).unwrap().current()).collect();
    for row in &mut rows {
        conform_row(row, fields).unwrap();
    }
    rows
}

/// Values of a kind: the edges of what is canonical, and anything between.
fn values(kind: &Kind) -> BoxedStrategy<Value> {
    const SAFE: i64 = (1 << 53) - 1;
    // Of the years 1, 1969, 2000 and 2024 (their leap days), 2255 (the last that JavaScript counts), and 9999.
    const MOMENTS: [i64; 9] = [
        -62_135_596_800_000_000,
        -1,
        0,
        951_782_400_000_000,
        1_709_164_800_123_456,
        SAFE,
        SAFE + 1,
        SAFE + 2,
        253_402_300_799_999_999,
    ];
    const DAYS: [&str; 5] = ["0001-01-01", "1900-02-28", "2000-02-29", "2024-02-29", "9999-12-31"];
    let filled = match kind {
        Kind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Integer => {
            let edges = select(vec![i64::MIN, -SAFE - 1, -SAFE, -1, 0, SAFE, SAFE + 1, SAFE + 2, i64::MAX]);
            prop_oneof![edges, any::<i64>()].prop_map(Value::Integer).boxed()
        }
        Kind::Decimal(_) => any::<i64>().prop_map(|it| Value::Decimal(it.to_string())).boxed(),
        Kind::Text(longest) => text(*longest as usize).prop_map(Value::Text).boxed(),
        Kind::Choices => {
            btree_set(text(20), 1..5).prop_map(|it| Value::Choices(it.into_iter().collect())).boxed()
        }
        Kind::Date => select(&DAYS[..]).prop_map(|it| Value::Date(it.to_owned())).boxed(),
        Kind::Timestamp => prop_oneof![select(&MOMENTS[..]), -SAFE..=SAFE, MOMENTS[0]..=MOMENTS[8]]
            .prop_map(Value::Timestamp)
            .boxed(),
        Kind::Bytes => vec(any::<u8>(), 0..40).prop_map(Value::Bytes).boxed(),
        Kind::Reference(_) => text(30).prop_map(Value::Reference).boxed(),
    };
    prop_oneof![1 => Just(Value::Absent), 1 => Just(Value::Null), 6 => filled].boxed()
}

/// Texts that some language or other gets wrong, and any others.
fn text(longest: usize) -> BoxedStrategy<String> {
    const AWKWARD: [&str; 12] = [
        " ",
        "\0",
        "a\0b",
        "\"'`\\",
        "\r\n\t",
        "\u{feff}x",
        "e\u{301}",
        "ﷺ",
        "𝒳🙂",
        "👩‍👩‍👧‍👦",
        "\u{10ffff}",
        "null",
    ];
    let long = select(vec!['x', 'é', '漢', '🙂']).prop_map(move |it| it.to_string().repeat(longest));
    prop_oneof![
        2 => select(&AWKWARD[..]).prop_map(str::to_owned),
        1 => long,
        3 => vec(any::<char>(), 1..=longest.min(60)).prop_map(|it| it.into_iter().collect()),
    ]
    .boxed()
}

#[test]
fn javascript_answers_as_rust_does() {
    assert_same(&load(&RUST), &load(&JAVASCRIPT), refuses_large_numbers);
}

#[test]
fn python_answers_as_rust_does() {
    assert_same(&load(&RUST), &load(&PYTHON), refuses_nothing);
}

#[test]
fn a_declaration_answers_as_rust_does() {
    assert_same(&load(&RUST), &load(&DECLARED), refuses_nothing);
}

/// The same tests for all of them, each with the case files of its own project.
#[test]
fn each_passes_the_tests_of_a_plugin() {
    for (component, project) in [(&*JAVASCRIPT, "javascript"), (&*PYTHON, "python"), (&*DECLARED, "declared")]
    {
        let cases = root().join("plugins/examples").join(project).join("cases");
        let mut host = Command::new(host_binary());
        host.args(["plugin", "test"]).arg(component).arg("--cases").arg(cases).args(["--rows", "64"]);
        let output = host.current_dir(root().join("target/examples")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.contains("test case filled.json ... ok"),
            "{project}: {text}"
        );
    }
}

/// What a run with this component leaves on both sides, from the same records and edits.
fn synchronized(component: &Path) -> (Vec<Json>, Vec<crm::Fields>) {
    let scene = Scene::new(&["account"]);
    scene.install(component);
    scene.install(&stock_plugin("declared"));
    scene.stop_clock();
    let acme = scene.crm().insert("Account", &[("Name", "Acme")]).unwrap();
    for number in 0..40 {
        let name = format!("Task {number} “é漢🙂”");
        let due = format!("02/29/2024 {:02}:00:00", number % 24);
        let done = if number % 2 == 0 { "Y" } else { "N" };
        let parent = if number % 3 == 0 { acme.as_str() } else { "" };
        let task = [("Name", name.as_str()), ("Due", &due), ("Done Flag", done), ("Account Id", parent)];
        scene.crm().insert("Task", &task).unwrap();
    }
    assert_eq!(scene.run().exits(0).object("task")["pull"]["insert"], 40);
    scene.sql(
        "UPDATE task SET description = 'By \"mail\"', due = NULL WHERE name LIKE 'Task 1%';
         INSERT INTO task(name, priority, done) VALUES ('New', '1-High', 1);
         DELETE FROM task WHERE name LIKE 'Task 39%'",
    );
    let pushed = scene.run().exits(0).object("task")["push"].clone();
    assert_eq!(pushed, tests::json!({"insert": 1, "update": 11, "delete": 1}));
    let local =
        scene.rows("SELECT id, name, description, priority, due, done, account_id FROM task ORDER BY id");
    (local, scene.crm().list("Task"))
}

#[test]
fn a_run_with_any_of_them_leaves_the_same_on_both_sides() {
    let expected = synchronized(&RUST);
    assert_eq!((expected.0.len(), expected.1.len()), (40, 40));
    assert_eq!(synchronized(&JAVASCRIPT), expected);
    assert_eq!(synchronized(&PYTHON), expected);
    assert_eq!(synchronized(&DECLARED), expected);
}
