//! Values that servers are known to do something to, and what became of one.

use sync_core::calendar::parse_timestamp;
use sync_core::value::{Kind, Value};

/// Values of one sort.
pub(super) struct Family {
    /// What they are, for people.
    pub(super) name: &'static str,
    /// Those that fit a field; each is tried for itself.
    pub(super) values: fn(&Kind) -> Vec<Value>,
}

/// Longest text that is tried.
const LONGEST: usize = 2_000;

pub(super) const PLAIN: Family = Family {
    name: "plain values",
    values: |kind| match kind {
        Kind::Boolean => vec![Value::Boolean(true), Value::Boolean(false)],
        Kind::Integer => integers(&[7, 0]),
        Kind::Decimal(_) => decimals(kind, &["7", "0"]),
        Kind::Text(_) => texts(kind, &["Plain"]),
        Kind::Date => vec![Value::Date("2024-03-15".into())],
        Kind::Timestamp => timestamps(&["2024-03-15T10:20:30Z"]),
        Kind::Choices | Kind::Bytes | Kind::Reference(_) => Vec::new(),
    },
};

pub(super) const UNICODE: Family = Family {
    name: "Unicode",
    values: |kind| texts(kind, &["Zoë Ünï 中文", "e\u{301} n\u{303}", "😀👩‍👩‍👧‍👦 𝒳", "שלום مرحبا", "İıßﬁ"]),
};

pub(super) const QUOTES: Family = Family {
    name: "quotes and backslashes",
    values: |kind| texts(kind, &["O'Neill", "\"a\" 'b' `c`", "\\n \\ C:\\x\\", "''"]),
};

pub(super) const SIGNS: Family = Family {
    name: "signs of URLs and query languages",
    values: |kind| {
        texts(kind, &["50% & 1+1=2 #3", "%41%20?a=b/c;d:e,f", "<b>&amp;</b> [x] {y} * _ |", "$1 @x ~!"])
    },
};

pub(super) const LINES: Family = Family {
    name: "line breaks and tabs",
    values: |kind| texts(kind, &["one\ntwo", "one\r\ntwo\r\n\r\nthree", "a\tb"]),
};

pub(super) const BLANKS: Family =
    Family { name: "blanks at the ends", values: |kind| texts(kind, &[" before", "after ", "two  between"]) };

pub(super) const LOOKALIKES: Family = Family {
    name: "texts that look like other values",
    values: |kind| texts(kind, &["null", "true", "0", "007", "1e5", "2024-02-29", "{}", "N/A"]),
};

pub(super) const LONG: Family = Family {
    name: "texts as long as the field",
    values: |kind| match kind {
        Kind::Text(limit) => {
            let length = (*limit as usize).min(LONGEST);
            ["abcdefghi ", "äöüß中"]
                .map(|part| part.chars().cycle().take(length - 1).chain(['z']).collect())
                .map(Value::Text)
                .into()
        }
        _ => Vec::new(),
    },
};

pub(super) const NUMBERS: Family = Family {
    name: "numbers at their ends",
    values: |kind| match kind {
        Kind::Integer => integers(&[-1, 2_147_483_647, -2_147_483_648, (1 << 53) + 1, i64::MAX, i64::MIN]),
        Kind::Decimal(digits) => {
            let smallest = format!("-0.{:0>width$}", 1, width = usize::from(*digits));
            let with_fraction = ["-1234567890", "9007199254740993", "123456789012345678"];
            let mut all: Vec<String> = with_fraction.map(str::to_owned).into();
            if *digits > 0 {
                all.extend([smallest, format!("90071992547409.{}", "3".repeat(usize::from(*digits).min(2)))]);
            }
            all.into_iter().map(Value::Decimal).collect()
        }
        _ => Vec::new(),
    },
};

pub(super) const DAYS: Family = Family {
    name: "leap days and far dates",
    values: |kind| match kind {
        Kind::Date => ["2024-02-29", "2000-02-29", "1970-01-01", "1899-12-31", "9999-12-31"]
            .map(|it| Value::Date(it.into()))
            .into(),
        _ => Vec::new(),
    },
};

pub(super) const TIMES: Family = Family {
    name: "times at the ends of days, and fractions of seconds",
    values: |kind| match kind {
        Kind::Timestamp => timestamps(&[
            "2024-02-29T00:00:00Z",
            "2024-02-29T23:59:59Z",
            "2024-03-31T01:30:00Z",
            "2024-10-27T01:30:00Z",
            "2000-02-29T12:00:00.5Z",
            "2024-12-31T23:59:59.999999Z",
        ]),
        _ => Vec::new(),
    },
};

pub(super) const CHOICES: Family = Family {
    name: "choices and bytes",
    values: |kind| match kind {
        Kind::Choices => [&["a"][..], &["a", "b"], &["with, comma", "é"]]
            .map(|all| Value::Choices(all.iter().map(|it| (*it).to_owned()).collect()))
            .into(),
        Kind::Bytes => vec![Value::Bytes(vec![0, 255, 10, 13]), Value::Bytes((0..=255).collect())],
        _ => Vec::new(),
    },
};

fn texts(kind: &Kind, all: &[&str]) -> Vec<Value> {
    let Kind::Text(limit) = kind else { return Vec::new() };
    let fits = |text: &&&str| text.chars().count() <= *limit as usize;
    all.iter().filter(fits).map(|text| Value::Text((*text).to_owned())).collect()
}

fn integers(all: &[i64]) -> Vec<Value> {
    all.iter().copied().map(Value::Integer).collect()
}

fn decimals(kind: &Kind, all: &[&str]) -> Vec<Value> {
    let Kind::Decimal(_) = kind else { return Vec::new() };
    all.iter().map(|it| Value::Decimal((*it).to_owned())).collect()
}

fn timestamps(all: &[&str]) -> Vec<Value> {
    all.iter().filter_map(|it| parse_timestamp(it)).map(Value::Timestamp).collect()
}

/// What became of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is there as it was sent.
    Kept,
    /// The server refused it, and said why.
    Refused(String),
    /// The server keeps it in another form.
    Changed(String),
    /// The server said yes, and it is gone in part or whole.
    Lost(String),
}

/// What became of a value that was written over another one.
pub(super) fn fate(before: &Value, sent: &Value, found: &Value) -> Fate {
    if sent == found {
        return Fate::Kept;
    }
    match (sent, found) {
        (_, found) if found == before => {
            Fate::Lost("the write is ignored: the value before it is still there".into())
        }
        (Value::Null, Value::Boolean(false)) => Fate::Changed("no is put for nothing".into()),
        (Value::Null, found) => Fate::Changed(format!("{found:?} is put for nothing")),
        (_, Value::Null | Value::Absent) => Fate::Lost("nothing is kept of it".into()),
        (Value::Text(sent), Value::Text(found)) => of_text(sent, found),
        (Value::Decimal(sent), Value::Decimal(found)) => of_decimal(sent, found),
        (Value::Timestamp(sent), Value::Timestamp(found)) => match sent.abs_diff(*found) {
            0..1_000_000 => Fate::Changed("the fraction of its second is cut or rounded".into()),
            1_000_000..=60_000_000 => Fate::Changed("its seconds are cut or rounded".into()),
            _ => Fate::Lost("it is another time".into()),
        },
        _ => Fate::Lost(format!("it comes back as {found:?}")),
    }
}

fn of_text(sent: &str, found: &str) -> Fate {
    let plain_lines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    let blanks = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain_lines(sent) == plain_lines(found) {
        return Fate::Changed("its line breaks are written otherwise".into());
    }
    if sent.trim() == found.trim() {
        return Fate::Changed("blanks at its ends are cut".into());
    }
    if blanks(sent) == blanks(found) {
        return Fate::Changed("its blanks or line breaks are others".into());
    }
    if sent.to_lowercase() == found.to_lowercase() {
        return Fate::Changed("capitals and small letters are others".into());
    }
    if !found.is_empty() && sent.starts_with(found) {
        let (kept, of) = (found.chars().count(), sent.chars().count());
        return Fate::Lost(format!("it is cut to {kept} of {of} characters"));
    }
    let lost: String =
        sent.chars().filter(|letter| !letter.is_whitespace() && !found.contains(*letter)).take(8).collect();
    match lost.is_empty() {
        true => Fate::Changed(format!("it comes back as {found:?}")),
        // What is composed or decomposed by a norm of Unicode is the same text.
        false
            if sent.contains(['\u{301}', '\u{303}'])
                && !found.contains(['?', '\u{fffd}'])
                && found.chars().count() + 2 >= sent.chars().count() =>
        {
            Fate::Changed("its combined letters are composed".into())
        }
        false => Fate::Lost(format!("these letters of it are lost: {lost}")),
    }
}

fn of_decimal(sent: &str, found: &str) -> Fate {
    match (sent.parse::<f64>(), found.parse::<f64>()) {
        // Equal as binary fractions: some 16 digits of it are kept.
        (Ok(a), Ok(b)) if (a - b).abs() <= a.abs() * 1e-14 => {
            Fate::Changed("it is kept with some 16 digits".into())
        }
        _ => Fate::Lost(format!("it comes back as {found}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_does_to_a_value_is_told_from_losing_it() {
        let text = |text: &str| Value::Text(text.into());
        for (sent, found, changed) in [
            (" a ", "a", true),
            ("a\r\nb", "a\nb", true),
            ("Acme", "ACME", true),
            ("e\u{301}", "é", true),
            ("abc", "ab", false),
            ("Zoë", "Zo", false),
            ("Zoë", "Zo?", false),
            ("😀x", "x", false),
        ] {
            let fate = fate(&text("old"), &text(sent), &text(found));
            assert_eq!(matches!(fate, Fate::Changed(_)), changed, "{sent:?} {found:?} {fate:?}");
            assert_eq!(matches!(fate, Fate::Lost(_)), !changed, "{sent:?} {found:?} {fate:?}");
        }
        assert_eq!(fate(&text("old"), &text("a"), &text("a")), Fate::Kept);
        assert!(matches!(fate(&text("old"), &text("a"), &text("old")), Fate::Lost(_)));
        assert!(matches!(fate(&text("old"), &Value::Null, &text("old")), Fate::Lost(_)));
        assert!(matches!(
            fate(&Value::Boolean(true), &Value::Null, &Value::Boolean(false)),
            Fate::Changed(_)
        ));
    }

    #[test]
    fn every_value_fits_its_field() {
        let families =
            [PLAIN, UNICODE, QUOTES, SIGNS, LINES, BLANKS, LOOKALIKES, LONG, NUMBERS, DAYS, TIMES, CHOICES];
        let kinds = [
            Kind::Boolean,
            Kind::Integer,
            Kind::Decimal(0),
            Kind::Decimal(1),
            Kind::Decimal(6),
            Kind::Text(1),
            Kind::Text(30),
            Kind::Text(100_000),
            Kind::Date,
            Kind::Timestamp,
            Kind::Choices,
            Kind::Bytes,
        ];
        for family in families {
            for kind in &kinds {
                for value in (family.values)(kind) {
                    assert_eq!(value.clone().conform(kind), Ok(()), "{}: {value:?}", family.name);
                }
            }
        }
    }
}
