//! The parts of a run, alone: `cargo bench --workspace --bench parts`. Criterion keeps the last figures and says what
//! became faster or slower.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

// The mapping of the component, compiled for this machine.
#[allow(unreachable_pub, reason = "it is public in the plugin")]
#[path = "../plugins/wide-account/src/mapping.rs"]
mod mapping;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use host::local::{Mode, SqliteStore};
use host::plugin::{Function, Loader, Terms, WasmMapper};
use host::ports::{Change, Mapper, Store};
use host::remote::Settings;
use host::remote::siebel::{Siebel, SiebelOptions};
use std::hint::black_box;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::compare::compare;
use sync_core::object::conform_row;
use sync_core::value::{Kind, Row, Value};
use sync_object_sdk as sdk;

/// Records of one call of the mapper, as of one batch of a run.
const BATCH: usize = 100;
/// Records that are listed and compared.
const LISTED: i64 = 100_000;

fn component() -> WasmMapper {
    Loader::new().unwrap().load(&tests::hostile_plugin("wide-account"), Terms::default()).unwrap()
}

fn compare_keys(criterion: &mut Criterion) {
    let listed = || {
        let pairs = (0..LISTED).map(|id| Pair {
            local: LocalId(id),
            remote: remote_key(id, 0),
            revision: Revision(id),
        });
        let local = (0..LISTED)
            .map(|id| LocalKey { id: LocalId(id), revision: Revision(id + i64::from(id % 100 == 10)) });
        let remote = (0..LISTED).map(|id| remote_key(id, i64::from(id % 100 == 20)));
        (pairs.collect::<Vec<_>>(), local.collect::<Vec<_>>(), remote.collect::<Vec<_>>())
    };
    let mut group = criterion.benchmark_group("compare");
    group.throughput(Throughput::Elements(LISTED.unsigned_abs()));
    group.sample_size(20);
    group.bench_function("both listings with the baseline", |bencher| {
        bencher.iter_batched(
            listed,
            |(pairs, local, remote)| black_box(compare(pairs, &local, remote).collect::<Vec<_>>()),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn map(criterion: &mut Criterion) {
    let mapper = component();
    let mut group = criterion.benchmark_group("map");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (function, name) in [(Function::ToLocal, "to local"), (Function::ToRemote, "to remote")] {
        let rows: Vec<Row> = (0..BATCH).map(|number| row(&mapper, function, number)).collect();
        group.bench_function(format!("{name}, component"), |bencher| {
            bencher.iter(|| black_box(mapper.ask(function, &rows)));
        });
        assert!(mapper.ask(function, &rows).iter().all(Result::is_ok));
        let output = mapper.output(function).1;
        // What the component does and what the host does around it, but for the border between them: the rows are
        // read where they are, and new ones are written.
        group.bench_function(format!("{name}, native"), |bencher| {
            bencher.iter(|| {
                let mapped = rows.iter().map(|row| {
                    let given: sdk::Row = row.iter().map(to_plugin).collect();
                    let answer = match function {
                        Function::ToLocal => mapping::WIDE_ACCOUNT.to_local(given),
                        _ => mapping::WIDE_ACCOUNT.to_remote(given),
                    };
                    let mut row: Row = answer.unwrap().into_iter().map(from_plugin).collect();
                    conform_row(&mut row, output).unwrap();
                    row
                });
                black_box(mapped.collect::<Vec<Row>>())
            });
        });
    }
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let mapper = component();
    let object = mapper.object();
    let items: Vec<serde_json::Value> = (0..BATCH)
        .map(|number| {
            let fields = object.remote.iter().zip(row(&mapper, Function::ToLocal, number));
            let mut item: serde_json::Map<String, serde_json::Value> =
                fields.map(|(field, value)| (field.name.clone(), written(&value).into())).collect();
            item.insert("Id".into(), format!("88-{number:06}").into());
            item.insert("Updated".into(), "05/06/2024 07:08:09".into());
            item.insert("Mod Id".into(), "3".into());
            item.into()
        })
        .collect();
    let page = serde_json::to_vec(&serde_json::json!({ "items": items })).unwrap();
    let settings = Settings::new("http://127.0.0.1:1/".parse().unwrap());
    let siebel = Siebel::new(settings, SiebelOptions::default()).unwrap();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("a page of records", |bencher| {
        bencher.iter(|| black_box(siebel.read(object, &page).unwrap()));
    });
    group.finish();
}

fn baseline(criterion: &mut Criterion) {
    let mapper = component();
    let object = mapper.object();
    let folder = tempfile::tempdir().unwrap();
    let mut files = 0;
    let mut open = || {
        files += 1;
        let mut store =
            SqliteStore::open(&folder.path().join(format!("{files}.db")), Mode::ReadWrite).unwrap();
        store.attach(object).unwrap();
        store
    };
    let insert = |number: usize| Change::Insert {
        row: row(&mapper, Function::ToRemote, number),
        remote: remote_key(number as i64, 0),
        beyond_filter: false,
    };
    let mut group = criterion.benchmark_group("baseline");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("write with its record", |bencher| {
        let (mut store, mut from) = (open(), 0);
        bencher.iter_batched(
            || {
                from += BATCH;
                (from..from + BATCH).map(insert).collect::<Vec<_>>()
            },
            |changes| black_box(store.commit(object, changes).unwrap()),
            BatchSize::LargeInput,
        );
    });
    let mut store = open();
    let count = 10_000;
    for from in (0..count).step_by(BATCH) {
        store.commit(object, (from..from + BATCH).map(insert).collect()).unwrap();
    }
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("read the change keys", |bencher| {
        bencher.iter(|| {
            let (mut pair, mut half, mut key) = (None, None, None);
            while let Some(last) = store
                .pairs(&object.name, pair.as_ref().map(|it: &Pair| (&it.remote.id, it.local)))
                .unwrap()
                .pop()
            {
                pair = Some(last);
            }
            while let Some(last) = store.local_halves(&object.name, half).unwrap().pop() {
                half = Some(last.id);
            }
            while let Some(last) = store.local_keys(object, key).unwrap().pop() {
                key = Some(last.id);
            }
            black_box((pair, half, key))
        });
    });
    let ids: Vec<LocalId> =
        store.local_keys(object, None).unwrap().iter().take(BATCH).map(|key| key.id).collect();
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("read the agreed records", |bencher| {
        bencher.iter(|| black_box(store.baselines(object, &ids).unwrap()));
    });
    group.finish();
}

fn remote_key(id: i64, version: i64) -> RemoteKey {
    RemoteKey {
        id: RemoteId(format!("88-{id:06}")),
        token: RemoteToken {
            updated: format!("05/06/2024 07:08:{:02}", id % 60),
            version: Some(version.to_string()),
        },
        created: Some("05/06/2024 07:08:09".to_owned()),
        fresh: false,
    }
}

/// A record of the side that a function takes; links point at nothing.
fn row(mapper: &WasmMapper, function: Function, number: usize) -> Row {
    let value = |kind: &Kind| match kind {
        Kind::Integer => Value::Integer(number as i64),
        Kind::Decimal(_) => Value::Decimal(format!("{number}.5")),
        Kind::Timestamp => Value::Timestamp(1_714_979_289_000_000),
        Kind::Reference(_) => Value::Null,
        _ => Value::Text(format!("{number} Bahnhofstr.")),
    };
    mapper.input(function).iter().map(|field| value(&field.kind)).collect()
}

fn written(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Decimal(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Timestamp(_) => "05/06/2024 07:08:09".to_owned(),
        _ => String::new(),
    }
}

fn to_plugin(value: &Value) -> sdk::Value {
    match value {
        Value::Integer(it) => sdk::Value::Integer(*it),
        Value::Decimal(it) => sdk::Value::Decimal(it.clone()),
        Value::Text(it) => sdk::Value::Text(it.clone()),
        Value::Timestamp(it) => sdk::Value::Timestamp(*it),
        Value::Null => sdk::Value::Null,
        other => panic!("no {other:?} is made here"),
    }
}

fn from_plugin(value: sdk::Value) -> Value {
    match value {
        sdk::Value::Integer(it) => Value::Integer(it),
        sdk::Value::Decimal(it) => Value::Decimal(it),
        sdk::Value::Text(it) => Value::Text(it),
        sdk::Value::Timestamp(it) => Value::Timestamp(it),
        sdk::Value::Null => Value::Null,
        other => panic!("no {other:?} is made here"),
    }
}

criterion_group!(parts, compare_keys, map, decode, baseline);
criterion_main!(parts);
