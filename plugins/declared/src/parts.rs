//! Several texts that are one text on the other side: names, addresses.
//!
//! Both ways are checked against each other: what would not come back is refused.

use crate::bindings::Parts;
use crate::text::{alike, normal};

/// Why a text cannot be taken apart, or texts not be put together.
pub(crate) type Refused = (&'static str, &'static str);

const EMPTY_PART: Refused = ("empty-part", "a part is empty that stands before a filled one");
const SEPARATOR: Refused =
    ("separator-in-part", "a part contains the separator, so that it would not come back");
const INSEPARABLE: Refused = ("inseparable", "the text cannot be taken apart so that it comes back");

/// The parts of a text; a part that is missing is none.
pub(crate) fn apart(text: &str, rule: &Parts) -> Result<Vec<Option<String>>, Refused> {
    let parts = split(text, rule);
    if rule.to_local_only {
        return Ok(parts);
    }
    let whole = joined(&parts, rule)?;
    let comes_back =
        if rule.form.trim || rule.form.letter_case.is_some() { alike(&whole, text) } else { whole == text };
    if comes_back && split(&whole, rule) == parts { Ok(parts) } else { Err(INSEPARABLE) }
}

/// The text of parts; none where all are empty.
pub(crate) fn together(parts: &[Option<&str>], rule: &Parts) -> Result<Option<String>, Refused> {
    let normal =
        |part: &Option<&str>| part.map(|part| normal(part, &rule.form)).filter(|part| !part.is_empty());
    let mut parts: Vec<Option<String>> = parts.iter().map(normal).collect();
    if parts.iter().all(Option::is_none) {
        return Ok(None);
    }
    if rule.to_local_only {
        parts.retain(Option::is_some);
    }
    let whole = joined(&parts, rule)?;
    if rule.to_local_only || split(&whole, rule) == parts { Ok(Some(whole)) } else { Err(SEPARATOR) }
}

fn split(text: &str, rule: &Parts) -> Vec<Option<String>> {
    let text = if rule.form.trim { text.trim() } else { text };
    let mut found = text.splitn(rule.parts.len(), rule.separator.as_str());
    let part = |_: &u32| found.next().map(|part| normal(part, &rule.form)).filter(|part| !part.is_empty());
    rule.parts.iter().map(part).collect()
}

fn joined(parts: &[Option<String>], rule: &Parts) -> Result<String, Refused> {
    let filled: Vec<&str> = parts.iter().map_while(Option::as_deref).collect();
    if parts.iter().skip(filled.len()).any(Option::is_some) {
        return Err(EMPTY_PART);
    }
    Ok(filled.join(&rule.separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::{Side, TextForm};

    fn rule(separator: &str, trim: bool) -> Parts {
        Parts {
            whole_side: Side::Remote,
            whole: 0,
            parts: vec![0, 1],
            separator: separator.into(),
            form: TextForm { trim, letter_case: None },
            to_local_only: false,
        }
    }

    fn parts<'a>(first: &'a str, second: &'a str) -> [Option<&'a str>; 2] {
        [first, second].map(|part| Some(part).filter(|part| !part.is_empty()))
    }

    fn taken(text: &str, rule: &Parts) -> Result<Vec<String>, &'static str> {
        let texts = |parts: Vec<Option<String>>| parts.into_iter().map(Option::unwrap_or_default).collect();
        apart(text, rule).map(texts).map_err(|(code, _)| code)
    }

    fn put(first: &str, second: &str, rule: &Parts) -> Result<String, &'static str> {
        together(&parts(first, second), rule).map(Option::unwrap_or_default).map_err(|(code, _)| code)
    }

    #[test]
    fn only_the_last_part_may_contain_the_separator() {
        let blank = rule(" ", false);
        assert_eq!(taken("Anna Maria Smith", &blank).unwrap(), ["Anna", "Maria Smith"]);
        assert_eq!(put("Anna", "Maria Smith", &blank).unwrap(), "Anna Maria Smith");
        assert_eq!(put("Anna Maria", "Smith", &blank), Err("separator-in-part"));
        assert_eq!(put("a-", "b", &rule("--", false)), Err("separator-in-part"));
    }

    #[test]
    fn an_empty_part_stands_last() {
        let comma = rule(", ", false);
        assert_eq!(taken("Smith", &comma).unwrap(), ["Smith", ""]);
        assert_eq!(put("Smith", "", &comma).unwrap(), "Smith");
        assert_eq!(put("", "", &comma).unwrap(), "");
        assert_eq!(put("", "Anna", &comma), Err("empty-part"));
        assert_eq!(taken(", Anna", &comma), Err("empty-part"));
        assert_eq!(taken("Smith, ", &comma), Err("inseparable"));
    }

    #[test]
    fn white_space_may_go_where_it_is_trimmed() {
        assert_eq!(taken(" Anna   Smith ", &rule(" ", true)).unwrap(), ["Anna", "Smith"]);
        assert_eq!(put(" Anna ", "Smith ", &rule(" ", true)).unwrap(), "Anna Smith");
        assert_eq!(taken("Smith ,Anna", &rule(",", true)), Err("inseparable"));
    }

    #[test]
    fn what_is_only_shown_needs_not_come_back() {
        let shown = Parts { to_local_only: true, ..rule(" ", false) };
        assert_eq!(put("", "Smith", &shown).unwrap(), "Smith");
        assert_eq!(put("Anna Maria", "Smith", &shown).unwrap(), "Anna Maria Smith");
    }
}
