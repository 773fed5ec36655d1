//! The smallest row that still breaks a law.

use super::laws::{Check, Over, Sample, Verdict};
use crate::plugin::WasmMapper;
use sync_core::value::Value;

/// Most checks: a plugin may take milliseconds for each, and a person waits.
const MOST_CHECKS: usize = 1_000;

/// Makes the sample simpler, value by value, as long as it breaks the law. A row that breaks it only among others
/// stays as it is.
pub(super) fn shrink(
    plugin: &WasmMapper,
    over: Over,
    sample: &Sample,
    message: String,
    check: Check,
) -> (Sample, String) {
    let mut checks = 0;
    let mut broken = |candidate: &Sample| {
        checks += 1;
        if checks > MOST_CHECKS {
            return None;
        }
        match check(plugin, over, std::slice::from_ref(candidate)).pop() {
            Some(Verdict::Broken(message)) => Some(message),
            _ => None,
        }
    };
    let (mut best, mut message) = match broken(sample) {
        Some(message) => (sample.clone(), message),
        None => return (sample.clone(), message),
    };
    loop {
        let mut simplified = false;
        for row in 0..best.len() {
            for at in 0..best[row].len() {
                let mut candidates = simpler(&best[row][at]);
                while let Some(value) = candidates.pop() {
                    let mut candidate = best.clone();
                    candidate[row][at] = value;
                    if let Some(told) = broken(&candidate) {
                        candidates = simpler(&candidate[row][at]);
                        (best, message, simplified) = (candidate, told, true);
                    }
                }
            }
        }
        if !simplified {
            return (best, message);
        }
    }
}

/// Simpler values, the simplest last. Each is strictly simpler than the value, so that shrinking ends.
fn simpler(value: &Value) -> Vec<Value> {
    let mut simpler = match value {
        Value::Null => return Vec::new(),
        Value::Absent | Value::Boolean(_) => Vec::new(),
        Value::Integer(0) => Vec::new(),
        Value::Integer(it) => vec![Value::Integer(it / 2), Value::Integer(0)],
        Value::Timestamp(0) => Vec::new(),
        Value::Timestamp(it) => vec![Value::Timestamp(it / 2), Value::Timestamp(0)],
        Value::Decimal(it) => {
            let whole = it.split('.').next().unwrap_or_default();
            let shorter = [whole, "1", "0"]
                .into_iter()
                .filter(|text| text.len() < it.len() || (it == "1" && *text == "0"));
            shorter.map(|text| Value::Decimal(text.into())).collect()
        }
        Value::Text(it) => texts(it).into_iter().map(Value::Text).collect(),
        Value::Reference(it) => texts(it).into_iter().map(Value::Reference).collect(),
        Value::Date(it) if it == "2000-01-01" => Vec::new(),
        Value::Date(_) => vec![Value::Date("2000-01-01".into())],
        Value::Choices(it) => (0..it.len())
            .map(|without| {
                let kept = it.iter().enumerate().filter(|(at, _)| *at != without);
                Value::Choices(kept.map(|(_, choice)| choice.clone()).collect())
            })
            .collect(),
        Value::Bytes(it) if it.is_empty() => Vec::new(),
        Value::Bytes(it) => {
            vec![Value::Bytes(it[..it.len() - 1].to_vec()), Value::Bytes(it[..it.len() / 2].to_vec())]
        }
    };
    simpler.push(Value::Null);
    simpler
}

/// Shorter or plainer texts, none of them empty: without one character, the same length of one letter, and halves.
fn texts(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let length = characters.len();
    if length < 2 {
        // One letter is as simple as a text gets.
        return if text == "a" || characters.first().is_some_and(|it| *it < 'a') {
            Vec::new()
        } else {
            vec!["a".into()]
        };
    }
    // Cutting single characters out of long texts would take too many checks.
    let mut shorter: Vec<String> = if length <= 24 {
        let without =
            |at| characters.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, it)| *it);
        (0..length).map(|at| without(at).collect()).collect()
    } else {
        vec![characters[..length - 1].iter().collect(), characters[..length - length / 8].iter().collect()]
    };
    let plain = "a".repeat(length);
    if plain != text {
        shorter.push(plain);
    }
    shorter.push(characters[length / 2..].iter().collect());
    shorter.push(characters[..length / 2].iter().collect());
    shorter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_ends_as_null() {
        for value in [
            Value::Integer(-77),
            Value::Timestamp(1_774_085_400_000_000),
            Value::Decimal("-123.45".into()),
            Value::Text("Ünïcödé 中文, and a text that is a little longer".into()),
            Value::Text("\u{1}".into()),
            Value::Reference("88-3DS000".into()),
            Value::Date("2024-02-29".into()),
            Value::Choices(vec!["a".into(), "b".into()]),
            Value::Bytes(vec![1, 2, 3]),
            Value::Boolean(true),
            Value::Absent,
        ] {
            // The most roundabout way: always the least simple of the simpler ones.
            let mut now = value.clone();
            for _ in 0..200 {
                match simpler(&now).into_iter().next() {
                    Some(next) => now = next,
                    None => break,
                }
            }
            assert_eq!(now, Value::Null, "{value:?}");
        }
    }
}
