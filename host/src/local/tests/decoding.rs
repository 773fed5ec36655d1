//! What people type, as values.

use super::*;

fn read(kind: Kind, declared: &str, typed: &str) -> Result<Value, String> {
    let place = Place::new();
    let object = object_with("account", &[("field", kind)]);
    let columns = "id INTEGER PRIMARY KEY AUTOINCREMENT, revision INTEGER, modified_at TEXT";
    place.sql(&format!("CREATE TABLE account({columns}, field {declared})"));
    let store = place.with(&object);
    place.sql(&format!("INSERT INTO account(field) VALUES ({typed})"));
    let records = store.local_records(&object, &[LocalId(1)]).unwrap();
    records[0].row.clone().map(|row| row[0].clone()).map_err(|unfit| {
        assert_eq!(unfit.field, 0);
        format!("{}: {}", unfit.code, unfit.message)
    })
}

#[test]
fn what_people_type_is_understood() {
    let text = |text: &str| Value::Text(text.into());
    let decimal = |text: &str| Value::Decimal(text.into());
    let reference = || Kind::Reference("account".into());
    for (kind, declared, typed, expected) in [
        (Kind::Text(9), "TEXT", "''", Value::Null),
        (Kind::Text(9), "TEXT", "' '", text(" ")),
        (Kind::Text(9), "TEXT", "007", text("7")),
        (Kind::Text(9), "", "12", text("12")),
        (Kind::Integer, "INTEGER", "42", Value::Integer(42)),
        (Kind::Integer, "INTEGER", "' 42 '", Value::Integer(42)),
        (Kind::Integer, "", "' +42 '", Value::Integer(42)),
        (Kind::Integer, "", "42.0", Value::Integer(42)),
        (Kind::Integer, "INTEGER", "''", Value::Null),
        (Kind::Integer, "INTEGER", "9223372036854775807", Value::Integer(i64::MAX)),
        (Kind::Decimal(2), "TEXT", "10.50", decimal("10.5")),
        (Kind::Decimal(2), "TEXT", "'+1e3'", decimal("1000")),
        (Kind::Decimal(2), "", "10.50", decimal("10.5")),
        (Kind::Decimal(2), "", "7", decimal("7")),
        (Kind::Decimal(2), "", "1e20", decimal("100000000000000000000")),
        (Kind::Boolean, "INTEGER", "1", Value::Boolean(true)),
        (Kind::Boolean, "BOOLEAN", "FALSE", Value::Boolean(false)),
        (Kind::Boolean, "INTEGER", "'True'", Value::Boolean(true)),
        (Kind::Date, "TEXT", "'2024-2-9'", Value::Date("2024-02-09".into())),
        (Kind::Date, "DATE", "'2024-02-09'", Value::Date("2024-02-09".into())),
        (Kind::Timestamp, "TEXT", "'1970-01-01 01:00:00.5+01:00'", Value::Timestamp(500_000)),
        (Kind::Timestamp, "DATETIME", "'1970-01-01T00:00:01Z'", Value::Timestamp(1_000_000)),
        (Kind::Choices, "TEXT", "'[\"b\", \"a\", \"b\"]'", Value::Choices(vec!["a".into(), "b".into()])),
        (Kind::Bytes, "BLOB", "x'00FF'", Value::Bytes(vec![0, 255])),
        (Kind::Bytes, "BLOB", "'ab'", Value::Bytes(b"ab".to_vec())),
        (reference(), "INTEGER", "5", Value::Reference("5".into())),
        (reference(), "INTEGER", "'5'", Value::Reference("5".into())),
        (reference(), "INTEGER", "NULL", Value::Null),
    ] {
        assert_eq!(read(kind.clone(), declared, typed), Ok(expected), "{kind:?} {declared} {typed}");
    }
}

#[test]
fn what_cannot_be_such_a_value_is_the_records_affair() {
    for (kind, typed, expected) in [
        (Kind::Text(3), "'secret'", "too-long: has 6 characters, the field holds 3"),
        (Kind::Text(3), "x'00'", "wrong-kind: does not read as text of at most 3 characters"),
        (Kind::Text(3), "CAST(x'FF' AS TEXT)", "not-utf8: is not valid UTF-8 text"),
        (Kind::Integer, "'many'", "wrong-kind: does not read as integer"),
        (Kind::Integer, "4.5", "wrong-kind: does not read as integer"),
        (Kind::Boolean, "2", "wrong-kind: does not read as boolean"),
        (Kind::Decimal(1), "'0.25'", "too-precise: has 2 digits after the point, the field holds 1"),
        (Kind::Decimal(1), "'1,5'", "wrong-kind: does not read as decimal with 1 digits after the point"),
        (Kind::Date, "'2023-02-29'", "wrong-kind: does not read as date"),
        (Kind::Date, "20240101", "wrong-kind: does not read as date"),
        (Kind::Timestamp, "'yesterday'", "wrong-kind: does not read as timestamp"),
        (Kind::Choices, "'a;b'", "wrong-kind: does not read as choices"),
        (Kind::Reference("account".into()), "'R1'", "wrong-kind: does not read as reference to account"),
    ] {
        assert_eq!(read(kind, "", typed), Err(expected.to_owned()), "{typed}");
    }
}

#[test]
fn values_are_written_as_people_expect_them() {
    for (value, expected) in [
        (Value::Boolean(true), "integer 1"),
        (Value::Timestamp(1), "text 1970-01-01T00:00:00.000001Z"),
        (Value::Decimal("10.5".into()), "text 10.5"),
        (Value::Reference("5".into()), "integer 5"),
        (Value::Choices(vec!["a".into()]), "text [\"a\"]"),
        (Value::Date("2024-02-09".into()), "text 2024-02-09"),
        (Value::Absent, "null null"),
    ] {
        let place = Place::new();
        let kind = match value {
            Value::Boolean(_) => Kind::Boolean,
            Value::Timestamp(_) => Kind::Timestamp,
            Value::Decimal(_) => Kind::Decimal(2),
            Value::Choices(_) => Kind::Choices,
            Value::Date(_) => Kind::Date,
            _ => Kind::Reference("account".into()),
        };
        let object = object_with("account", &[("field", kind)]);
        let mut store = place.with(&object);
        done(&mut store, &object, insert("R1", vec![value]));
        assert_eq!(place.ask("SELECT typeof(field) || ' ' || ifnull(field, 'null') FROM account"), expected);
    }
}
