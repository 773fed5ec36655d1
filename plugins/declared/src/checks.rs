//! Business rules on local rows.

use crate::bindings::{Check, Condition, Rejection, Value};
use crate::decimal;
use std::cmp::Ordering;

/// What a row is refused with, where it breaks a rule. An empty field breaks none.
pub(crate) fn broken(check: &Check, row: &[Value]) -> Option<Rejection> {
    let value = row.get(check.field as usize)?;
    let code = match &check.condition {
        Condition::Range((least, most)) => {
            let beyond = |bound: &Option<Value>, order| {
                bound.as_ref().is_some_and(|bound| compare(value, bound) == Some(order))
            };
            (beyond(least, Ordering::Less) || beyond(most, Ordering::Greater)).then_some("out-of-range")
        }
        Condition::NotBefore(start) => {
            let start = row.get(*start as usize)?;
            (compare(value, start) == Some(Ordering::Less)).then_some("ends-before-start")
        }
    };
    code.map(|code| Rejection { field: Some(check.field), code: code.into(), message: check.message.clone() })
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) | (Value::Timestamp(left), Value::Timestamp(right)) => {
            Some(left.cmp(right))
        }
        (Value::Decimal(left), Value::Decimal(right)) => Some(decimal::compare(left, right)),
        // As RFC 3339 writes them, dates are ordered like texts.
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: Condition) -> Check {
        Check { field: 0, condition, message: "no".into() }
    }

    #[test]
    fn a_range_includes_its_ends() {
        let percent = check(Condition::Range((Some(Value::Integer(0)), Some(Value::Integer(100)))));
        for fine in [Value::Null, Value::Absent, Value::Integer(0), Value::Integer(100)] {
            assert_eq!(broken(&percent, &[fine]), None);
        }
        for wrong in [-1, 101] {
            let rejection = broken(&percent, &[Value::Integer(wrong)]).unwrap();
            assert_eq!((rejection.code.as_str(), rejection.field), ("out-of-range", Some(0)));
        }
        let priced = check(Condition::Range((Some(Value::Decimal("0.5".into())), None)));
        assert_eq!(broken(&priced, &[Value::Decimal("10".into())]), None);
        assert!(broken(&priced, &[Value::Decimal("0.05".into())]).is_some());
    }

    #[test]
    fn an_end_is_not_before_its_start() {
        let ends = check(Condition::NotBefore(1));
        let date = |date: &str| Value::Date(date.into());
        assert_eq!(broken(&ends, &[date("2026-01-02"), date("2026-01-02")]), None);
        assert_eq!(broken(&ends, &[date("2026-01-02"), Value::Null]), None);
        assert!(broken(&ends, &[date("2025-12-31"), date("2026-01-01")]).is_some());
    }
}
