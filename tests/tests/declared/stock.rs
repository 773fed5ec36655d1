//! The four stock objects as declarations do exactly what their components do.

use crate::{declaration, declared};
use host::plugin::{Function, Loader, Terms, WasmMapper};
use host::ports::Mapper;
use proptest::prelude::*;
use std::sync::OnceLock;
use sync_core::calendar::format_timestamp;
use sync_core::object::Field;
use sync_core::value::{Kind, Row, Value, canonical_decimal};
use tests::{Json, Scene, root, stock_plugin};

const OBJECTS: [&str; 4] = ["account", "contact", "opportunity", "activity"];

/// Each object twice: as a component, and declared.
fn both() -> &'static [(WasmMapper, WasmMapper)] {
    static BOTH: OnceLock<Vec<(WasmMapper, WasmMapper)>> = OnceLock::new();
    BOTH.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(stock_plugin("declared"), folder.path().join("declared.wasm")).unwrap();
        let loader = Loader::new().unwrap();
        let load = |path: &std::path::Path| loader.load(path, Terms::default()).unwrap();
        let pair = |object: &&str| {
            let file = folder.path().join(format!("{object}.object.toml"));
            std::fs::copy(declaration(object), &file).unwrap();
            (load(&stock_plugin(object)), load(&file))
        };
        OBJECTS.iter().map(pair).collect()
    })
}

/// Any value of a kind, and none.
fn value(kind: &Kind) -> BoxedStrategy<Value> {
    let filled = match kind {
        Kind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Integer => prop_oneof![any::<i64>(), -200..200_i64].prop_map(Value::Integer).boxed(),
        Kind::Decimal(digits) => {
            let scale = *digits;
            let written = move |number: i64| canonical_decimal(&format!("{number}e-{scale}")).unwrap();
            any::<i64>().prop_map(move |number| Value::Decimal(written(number))).boxed()
        }
        Kind::Text(longest) => {
            let longest = *longest as usize;
            "\\PC{1,60}"
                .prop_map(move |text| Value::text(text.chars().take(longest).collect::<String>()))
                .boxed()
        }
        Kind::Choices => proptest::collection::btree_set("\\PC{1,9}", 0..4)
            .prop_map(|choices| Value::Choices(choices.into_iter().collect()))
            .boxed(),
        Kind::Date => {
            instant().prop_map(|at| Value::Date(format_timestamp(at).unwrap()[..10].to_owned())).boxed()
        }
        Kind::Timestamp => instant().prop_map(Value::Timestamp).boxed(),
        Kind::Bytes => any::<Vec<u8>>().prop_map(Value::Bytes).boxed(),
        Kind::Reference(_) => "[0-9A-Z-]{1,12}".prop_map(Value::Reference).boxed(),
    };
    prop_oneof![1 => Just(Value::Absent), 1 => Just(Value::Null), 6 => filled].boxed()
}

/// Somewhere in the years 1000 to 3000.
fn instant() -> impl Strategy<Value = i64> {
    -30_610_224_000_000_000..32_503_680_000_000_000_i64
}

fn row(fields: &[Field]) -> impl Strategy<Value = Row> + use<> {
    fields.iter().map(|field| value(&field.kind)).collect::<Vec<_>>()
}

#[test]
fn they_describe_themselves_alike() {
    for (component, declared) in both() {
        assert_eq!(component.object(), declared.object());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn they_map_and_judge_every_record_alike(
        (index, remote, local) in (0..OBJECTS.len()).prop_flat_map(|index| {
            let object = both()[index].0.object();
            (Just(index), row(&object.remote), row(&object.local))
        })
    ) {
        let (component, declared) = &both()[index];
        prop_assert_eq!(component.to_local(&[&remote]), declared.to_local(&[&remote]));
        prop_assert_eq!(component.to_remote(&[&local]), declared.to_remote(&[&local]));
        prop_assert_eq!(component.validate(&[&local]), declared.validate(&[&local]));
    }
}

/// A side of a case file as a row; the text of a case is read by the field's kind.
fn side(case: &Json, side: &str, fields: &[Field]) -> Row {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let read = |field: &Field| match (&case[side][&field.name], &field.kind) {
        (Json::Null, _) => Value::Null,
        (value, Kind::Boolean) => Value::Boolean(value.as_bool().unwrap()),
        (value, Kind::Integer) => Value::Integer(value.as_i64().unwrap()),
        (value, Kind::Decimal(_)) => Value::Decimal(text(value)),
        (value, Kind::Date) => Value::Date(text(value)),
        (value, Kind::Timestamp) => {
            Value::Timestamp(sync_core::calendar::parse_timestamp(&text(value)).unwrap())
        }
        (value, Kind::Reference(_)) => Value::Reference(text(value)),
        (value, _) => Value::Text(text(value)),
    };
    fields.iter().map(read).collect()
}

#[test]
fn the_cases_of_the_components_hold() {
    for (name, (_, declared)) in OBJECTS.iter().zip(both()) {
        let mut cases = 0;
        for file in std::fs::read_dir(root().join("plugins").join(name).join("cases")).unwrap() {
            let case: Json = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
            let object = declared.object();
            let (remote, local) =
                (side(&case, "remote", &object.remote), side(&case, "local", &object.local));
            assert_eq!(declared.to_local(&[&remote]), [Ok(local.clone())], "{name}: {case}");
            assert_eq!(declared.to_remote(&[&local]), [Ok(remote)], "{name}: {case}");
            cases += 1;
        }
        assert!(cases >= 2, "{name} has cases");
    }
}

/// A first load, edits on both sides, and a run that carries them: what both sides hold then, ids and stamps too.
fn after_two_runs(scene: &Scene) -> (Vec<Vec<Json>>, Vec<Vec<crm::Fields>>) {
    scene.stop_clock();
    let crm = scene.crm();
    crm.seed(crm::Seed {
        accounts: 12,
        contacts: 20,
        opportunities: 15,
        activities: 25,
        seed: 7,
        ..Default::default()
    });
    scene.run().exits(0);
    scene.sql(
        "INSERT INTO account(name, location, revenue) VALUES ('Acme', 'Paris', '10.5');
         INSERT INTO opportunity(name, amount, account_id) SELECT 'Big deal', 1000.50, id FROM account WHERE name = 'Acme';
         UPDATE contact SET birth_date = '1985-12-10', no_email = 1 WHERE id % 3 = 0;
         UPDATE opportunity SET probability = 150 WHERE id = 2;
         UPDATE activity SET planned_start = '2026-03-21T12:00:00Z', planned_end = '2026-03-21T11:00:00Z' WHERE id = 3;
         DELETE FROM activity WHERE id = 5;",
    );
    let deal = crm.list("Opportunity")[3]["Id"].clone();
    crm.update("Opportunity", &deal, &[("Sales Stage", "Lost"), ("Key Contact Id", "")]).unwrap();
    scene.run().exits(3);
    let tables = OBJECTS.map(|object| scene.rows(&format!("SELECT * FROM {object} ORDER BY id")));
    let issues = scene.list(&["issues", "list"]);
    let components = ["Account", "Contact", "Opportunity", "Action"].map(|component| crm.list(component));
    let without_time = |rows: Vec<Json>| -> Vec<Json> {
        let row = |row: Json| row.as_array().unwrap().iter().filter(|it| !is_a_stamp(it)).cloned().collect();
        rows.into_iter().map(row).collect()
    };
    let mut all: Vec<Vec<Json>> = tables.into_iter().map(without_time).collect();
    all.push(issues.into_iter().map(|issue| issue["message"].clone()).collect());
    (all, components.into())
}

/// `modified_at` tells the time of this machine, in milliseconds.
fn is_a_stamp(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.')
}

#[test]
fn runs_with_them_come_to_the_same() {
    let (tables, records) = after_two_runs(&declared(&OBJECTS));
    let (expected_tables, expected_records) = after_two_runs(&Scene::new(&OBJECTS));
    assert_eq!(tables, expected_tables);
    assert_eq!(records, expected_records);
    assert_eq!(tables[4].len(), 2, "{:?}", tables[4]);
}

/// Nothing is parsed, and the rules are few. Telling the component what it is is charged to no record.
#[test]
fn a_record_takes_little_more_than_in_a_component() {
    let (component, declared) = &both()[0];
    let row = |fields: &[Field]| fields.iter().map(|_| Value::Null).collect::<Row>();
    let spent = |plugin: &WasmMapper| plugin.measure(Function::ToLocal, &row(&plugin.object().remote)).spent;
    let (component, declared) = (spent(component), spent(declared));
    assert!(declared.fuel < 4 * component.fuel, "{} against {}", declared.fuel, component.fuel);
}
