//! How many instructions the compare and the mapping of a record take. Unlike time, this does not depend on how busy
//! the machine is: what takes a tenth more than it used to is a regression.
//!
//! In the component, wasmtime's fuel counts; on the host's side, callgrind does, where it is installed. Another
//! toolchain makes other code of the same source: with one, the counts are shown and nothing is demanded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use host::plugin::{Function, Loader, Terms};
use serde_json::{Map, json};
use std::path::PathBuf;
use std::process::Command;
use sync_core::value::{Kind, Row, Value};
use tests::{Json, hostile_plugin, root};

/// What both commands below have in common.
const RENEW: &str = "UPDATE_INSTRUCTIONS=1 cargo test --workspace --test instructions";
/// Records of one time, as in `host/core/examples/instructions.rs`.
const RECORDS: u64 = 10_000;

#[test]
fn a_record_takes_no_more_instructions_than_it_used_to() {
    let (mut counts, toolchain) = (Map::new(), toolchain());
    counts.extend(fuel());
    counts.extend(callgrind().into_iter().flatten());
    let file = root().join("tests/instructions.json");
    if std::env::var_os("UPDATE_INSTRUCTIONS").is_some() {
        let text = json!({ "toolchain": toolchain, "per_record": counts, "renew_with": RENEW });
        std::fs::write(file, format!("{text:#}\n")).unwrap();
        return;
    }
    let known: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut verdicts = Vec::new();
    for (name, count) in &counts {
        let (now, before) = (count.as_f64().unwrap(), known["per_record"][name].as_f64());
        let Some(before) = before else {
            verdicts.push(format!("{name}: {now:.0} a record, and none are on file"));
            continue;
        };
        eprintln!("{name}: {now:.0} a record, {before:.0} on file");
        if now > before * 1.1 {
            verdicts
                .push(format!("{name}: {now:.0} instructions a record, {before:.0} on file: a regression"));
        } else if now < before * 0.9 {
            verdicts.push(format!(
                "{name}: {now:.0} instructions a record, {before:.0} on file: faster, well done"
            ));
        }
    }
    if known["toolchain"] != toolchain {
        eprintln!("SKIPPED: the counts on file are of {}, this is {toolchain}", known["toolchain"]);
        return;
    }
    assert!(verdicts.is_empty(), "{}\nwhere this is intended, renew the file: {RENEW}", verdicts.join("\n"));
}

/// What makes code of the sources.
fn toolchain() -> String {
    let rustc = Command::new("rustc").arg("--version").output().expect("rustc runs");
    format!("{} on {}", String::from_utf8(rustc.stdout).unwrap().trim(), std::env::consts::ARCH)
}

/// In a component: a record with twenty fields alone, the start of the instance included.
fn fuel() -> Map<String, Json> {
    let mapper = Loader::new().unwrap().load(&hostile_plugin("wide-account"), Terms::default()).unwrap();
    let functions = [
        (Function::ToLocal, "map to local (fuel)"),
        (Function::ToRemote, "map to remote (fuel)"),
        (Function::Validate, "validate (fuel)"),
    ];
    functions
        .map(|(function, name)| {
            let row: Row = mapper.input(function).iter().map(|field| value(&field.kind)).collect();
            (name.to_owned(), json!(mapper.measure(function, &row).spent.fuel))
        })
        .into_iter()
        .collect()
}

fn value(kind: &Kind) -> Value {
    match kind {
        Kind::Integer => Value::Integer(250),
        Kind::Decimal(_) => Value::Decimal("1200000.5".into()),
        Kind::Timestamp => Value::Timestamp(1_714_979_289_000_000),
        Kind::Reference(_) => Value::Reference("88-3DS000".into()),
        _ => Value::Text("34 Bahnhofstrasse".into()),
    }
}

/// On the host's side, or `None` where nothing counts.
fn callgrind() -> Option<Map<String, Json>> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("SKIPPED: valgrind is not installed, so nothing counts the host's own instructions");
        return None;
    }
    let work = example();
    let per_record = |name: &str| {
        let counted = [1, 3].map(|times| count(&work, name, times));
        json!((counted[1] - counted[0]) / 2 / RECORDS)
    };
    let works = [
        ("sieve", "sieve keys that are listed"),
        ("compare", "compare keys with the baseline"),
        ("check", "check a mapped row"),
    ];
    Some(works.map(|(work, name)| (name.to_owned(), per_record(work))).into_iter().collect())
}

/// The work to count, optimized. It needs the core alone, so that the rest is not built twice.
fn example() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--package", "sync-core", "--example", "instructions"]);
    let folder = root().join("target/instructions");
    let output = cargo.arg("--target-dir").arg(&folder).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("release/examples/instructions")
}

/// The instructions of the work done so many times, its preparation included.
fn count(program: &PathBuf, work: &str, times: u32) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let output = valgrind.args([work, &times.to_string()]).output().expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let line = said.lines().find_map(|line| line.split_once("Collected :")).expect("callgrind says how many");
    line.1.trim().parse().expect("a number")
}
