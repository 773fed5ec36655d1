//! The laws of every mapping, on generated declarations and records: what comes back is what went, up to white space
//! and letter case; the normal form is stable; absent stays absent; and any row is mapped or refused.

mod records;

use crate::bindings::{Field, Kind, ObjectDeclaration, Row, Rule, Side, Value};
use crate::mapping::Mapping;
use crate::text::alike;
use proptest::prelude::*;
use records::records;

/// Whether a value came back, up to what texts may lose. A text of white space alone is as good as none.
fn came_back(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Text(before), Value::Text(after)) => alike(before, after),
        (Value::Text(before), Value::Null) => before.trim().is_empty(),
        _ => before == after,
    }
}

/// Fields of a side that need not come back: what is only shown, and what a constant, or others that are absent beside
/// them, take the place of.
fn exempt(declaration: &ObjectDeclaration, side: Side, row: &Row) -> Vec<u32> {
    let mut exempt = Vec::new();
    for rule in &declaration.rules {
        match rule {
            Rule::Pair(pair) if pair.to_local_only && side == Side::Local => exempt.push(pair.local),
            Rule::Parts(parts)
                if parts.whole_side != side
                    && parts.parts.iter().any(|part| row[*part as usize] == Value::Absent) =>
            {
                exempt.extend(&parts.parts);
            }
            Rule::Constant(constant)
                if constant.side == side
                    && (side == Side::Local || row[constant.field as usize] == Value::Absent) =>
            {
                exempt.push(constant.field);
            }
            _ => {}
        }
    }
    exempt
}

fn is_canonical(row: &Row, fields: &[Field]) -> bool {
    row.len() == fields.len()
        && row.iter().zip(fields).all(|(value, field)| match (value, &field.kind) {
            (Value::Absent | Value::Null, _)
            | (Value::Boolean(_), Kind::Boolean)
            | (Value::Integer(_), Kind::Integer)
            | (Value::Decimal(_), Kind::Decimal(_))
            | (Value::Choices(_), Kind::Choices)
            | (Value::Date(_), Kind::Date)
            | (Value::Timestamp(_), Kind::Timestamp)
            | (Value::Bytes(_), Kind::Bytes)
            | (Value::Reference(_), Kind::Reference(_)) => true,
            (Value::Text(text), Kind::Text(longest)) => {
                !text.is_empty() && text.chars().count() <= *longest as usize
            }
            _ => false,
        })
}

type Map = fn(&Mapping, Row) -> Result<Row, crate::bindings::Rejection>;

fn check(
    declaration: &ObjectDeclaration,
    side: Side,
    row: &Row,
    there: Map,
    back: Map,
) -> Result<(), TestCaseError> {
    let mapping = Mapping::new(declaration.clone());
    let object = &declaration.object;
    let (own, other) = match side {
        Side::Local => (&object.local, &object.remote),
        Side::Remote => (&object.remote, &object.local),
    };
    let mapped = match there(&mapping, row.clone()) {
        Ok(mapped) => mapped,
        Err(rejection) => {
            let kebab = rejection.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            prop_assert!(kebab && rejection.message.starts_with(char::is_lowercase), "{:?}", rejection);
            prop_assert!(
                rejection.field.is_some_and(|field| (field as usize) < own.len()),
                "{:?}",
                rejection
            );
            return Ok(());
        }
    };
    prop_assert!(is_canonical(&mapped, other), "{:?}", mapped);
    let returned = match back(&mapping, mapped.clone()) {
        Ok(returned) => returned,
        Err(rejection) => {
            return Err(TestCaseError::fail(format!("{mapped:?} does not come back: {rejection:?}")));
        }
    };
    let exempt = exempt(declaration, side, row);
    for (at, (before, after)) in row.iter().zip(&returned).enumerate() {
        prop_assert!(
            exempt.contains(&(at as u32)) || came_back(before, after),
            "{:?} came back as {:?} by {:?}",
            before,
            after,
            mapped
        );
    }
    prop_assert_eq!(there(&mapping, returned), Ok(mapped), "the normal form is stable");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn what_came_from_the_remote_goes_back_to_it((declaration, remote, _) in records()) {
        check(&declaration, Side::Remote, &remote, Mapping::to_local, Mapping::to_remote)?;
    }

    #[test]
    fn what_was_sent_comes_back((declaration, _, local) in records()) {
        check(&declaration, Side::Local, &local, Mapping::to_remote, Mapping::to_local)?;
    }

    #[test]
    fn absent_stays_absent_and_null_stays_null((declaration, remote, local) in records()) {
        let mapping = Mapping::new(declaration.clone());
        let constant = |side: Side| -> Vec<u32> {
            let of = |rule: &Rule| match rule {
                Rule::Constant(constant) if constant.side == side => Some(constant.field),
                _ => None,
            };
            declaration.rules.iter().filter_map(of).collect()
        };
        for nothing in [Value::Absent, Value::Null] {
            let all = |row: &Row| vec![nothing.clone(); row.len()];
            if let Ok(row) = mapping.to_local(all(&remote)) {
                let kept = constant(Side::Local);
                prop_assert!(row.iter().enumerate().all(|(at, it)| kept.contains(&(at as u32)) || *it == nothing));
            }
            if let Ok(row) = mapping.to_remote(all(&local)) {
                let sent = constant(Side::Remote);
                prop_assert!(row.iter().enumerate().all(|(at, it)| sent.contains(&(at as u32)) || *it == nothing));
            }
        }
    }
}
