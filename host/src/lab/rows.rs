//! Rows made from a descriptor: every kind's extremes, what people type, and, as plugins often take only some texts,
//! the rows of the case files with a few values changed.

use super::Options;
use super::case::{Case, Expected};
use super::laws::{Over, Sample};
use crate::plugin::{Function, WasmMapper};
use crate::ports::Mapper;
use fastrand::Rng;
use sync_core::object::Field;
use sync_core::value::{Kind, Row, Value};

/// Longest text that is made often; the longest that its field holds is made now and then.
const SHORT: usize = 24;

/// Longest text that is made at all: a field may be declared as long as it likes.
const LONG: usize = 10_000;
/// Longest text of a record that is measured.
const LONGEST: usize = 1 << 20;

/// Where rows come from.
pub(super) struct Rows {
    remote: Side,
    local: Side,
    count: usize,
    seed: u64,
}

/// The fields of one side, and rows of it that are known to make sense.
struct Side {
    fields: Vec<Field>,
    known: Vec<Row>,
}

impl Rows {
    /// Rows for the plugin: those of its cases are varied, and what it makes of them on the other side, too.
    pub(super) fn new(plugin: &WasmMapper, cases: &[Case], options: &Options) -> Rows {
        let (mut remote, mut local) = (Vec::new(), Vec::new());
        for case in cases {
            if let Expected::Mapped { remote: there, local: here, .. } = &case.expected {
                remote.push(there.clone());
                local.push(here.clone());
            }
            if let Expected::Sent { local: here, .. } = &case.expected {
                local.push(here.clone());
            }
        }
        let mapped = |function, rows: &[Row]| plugin.ask(function, rows).into_iter().flatten().flatten();
        let there: Vec<Row> = mapped(Function::ToRemote, &local).collect();
        local.extend(mapped(Function::ToLocal, &remote));
        remote.extend(there);
        let side = |fields: &[Field], mut known: Vec<Row>| {
            known.dedup();
            Side { fields: fields.to_vec(), known }
        };
        let object = plugin.object();
        Rows {
            remote: side(&object.remote, remote),
            local: side(&object.local, local),
            count: options.rows,
            seed: options.seed,
        }
    }

    /// The samples of a law: always the same.
    pub(super) fn samples(&self, over: Over) -> Vec<Sample> {
        let mut rng = Rng::with_seed(self.seed);
        (0..self.count)
            .map(|_| match over {
                Over::Remote => vec![self.remote.row(&mut rng)],
                Over::Local => vec![self.local.row(&mut rng)],
                Over::Conflicts => {
                    let base = self.local.row(&mut rng);
                    let mut edited = || {
                        let mut row = base.clone();
                        let edits = rng.usize(0..3);
                        self.local.vary(&mut row, edits, &mut rng);
                        row
                    };
                    let (ours, theirs) = (edited(), edited());
                    vec![base, ours, theirs]
                }
            })
            .collect()
    }

    /// The rows of a side on which a record costs most: every field as long as it may be.
    pub(super) fn largest(&self, over: Over) -> Vec<Row> {
        let fields = match over {
            Over::Remote => &self.remote.fields,
            Over::Local | Over::Conflicts => &self.local.fields,
        };
        ["a", "😀", " a"].map(|text| fields.iter().map(|field| largest(&field.kind, text)).collect()).into()
    }

    /// Rows of a side that the cases know.
    pub(super) fn known(&self, over: Over) -> &[Row] {
        match over {
            Over::Remote => &self.remote.known,
            Over::Local | Over::Conflicts => &self.local.known,
        }
    }
}

impl Side {
    fn row(&self, rng: &mut Rng) -> Row {
        if !self.known.is_empty() && rng.bool() {
            let mut row = self.known[rng.usize(..self.known.len())].clone();
            let edits = rng.usize(0..4);
            self.vary(&mut row, edits, rng);
            return row;
        }
        // Full, usual and nearly empty rows.
        let nulls = [0, 10, 70][rng.usize(..3)];
        let mut row: Row = self
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| {
                let empty = rng.u32(..100) < if field.traits.required { nulls / 10 } else { nulls };
                if empty { Value::Null } else { self.value(at, field, rng) }
            })
            .collect();
        if rng.u32(..8) == 0 {
            let at = rng.usize(..row.len());
            row[at] = Value::Absent;
        }
        row
    }

    /// Changes some values of a row.
    fn vary(&self, row: &mut Row, edits: usize, rng: &mut Rng) {
        for _ in 0..edits {
            let at = rng.usize(..self.fields.len());
            row[at] = if rng.u32(..8) == 0 { Value::Null } else { self.value(at, &self.fields[at], rng) };
        }
    }

    fn value(&self, at: usize, field: &Field, rng: &mut Rng) -> Value {
        if !self.known.is_empty() && rng.u32(..3) == 0 {
            return self.known[rng.usize(..self.known.len())][at].clone();
        }
        any(&field.kind, rng)
    }
}

/// A canonical value of a kind.
fn any(kind: &Kind, rng: &mut Rng) -> Value {
    match kind {
        Kind::Boolean => Value::Boolean(rng.bool()),
        Kind::Integer => Value::Integer(match rng.u32(..4) {
            0 => [i64::MIN, -1, 0, 1, 1 << 53, (1 << 53) + 1, i64::MAX][rng.usize(..7)],
            1 => rng.i64(..),
            _ => rng.i64(-1_000..100_000),
        }),
        Kind::Decimal(scale) => Value::Decimal(decimal(*scale, rng)),
        Kind::Text(longest) => Value::text(text(*longest as usize, rng)),
        Kind::Choices => {
            let mut choices: Vec<String> = (0..rng.usize(..4)).map(|_| text(SHORT, rng)).collect();
            choices.sort();
            choices.dedup();
            Value::Choices(choices)
        }
        Kind::Date => Value::Date(match rng.u32(..3) {
            0 => {
                ["0001-01-01", "1970-01-01", "2000-02-29", "2024-02-29", "9999-12-31"][rng.usize(..5)].into()
            }
            _ => format!("{:04}-{:02}-{:02}", rng.u32(1900..2100), rng.u32(1..13), rng.u32(1..29)),
        }),
        Kind::Timestamp => Value::Timestamp(match rng.u32(..4) {
            // The ends of the years 0001 and 9999, and the microseconds around 1970.
            0 => [-62_135_596_800_000_000, -1, 0, 1, 253_402_300_799_999_999][rng.usize(..5)],
            1 => rng.i64(0..4_000_000_000_000_000),
            _ => rng.i64(0..4_000_000_000) * 1_000_000,
        }),
        Kind::Bytes => Value::Bytes((0..rng.usize(..40)).map(|_| rng.u8(..)).collect()),
        Kind::Reference(_) => Value::Reference(
            ["1", "42", "88-3DS000", "1-AB", "8f14e45f-ceea-467f-9575-7e3d8a2a1f6c", "a b", "é"]
                [rng.usize(..7)]
            .into(),
        ),
    }
}

fn decimal(scale: u8, rng: &mut Rng) -> String {
    let whole = match rng.u32(..6) {
        0 => "0".to_owned(),
        1 => "123456789012345678901234567890".to_owned(),
        _ => rng.u32(..2_000_000).to_string(),
    };
    let digits: String = (0..rng.u8(..=scale)).map(|_| rng.digit(10)).collect();
    let fraction = digits.trim_end_matches('0');
    let sign = if rng.u32(..5) == 0 && (whole != "0" || !fraction.is_empty()) { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A text of 1 to `longest` characters.
fn text(longest: usize, rng: &mut Rng) -> String {
    const PEOPLE_TYPE: [&str; 14] = [
        "Acme",
        "O'Neill & Söhne",
        "Jo van Doe",
        "x@y.example",
        "+49 30 1234",
        " padded ",
        "two  spaces",
        "\"quoted\"",
        "a,b;c|d",
        "line\nbreak",
        "N/A",
        "0",
        "Ünïcödé 中文",
        "👩‍👩‍👧‍👦",
    ];
    const LETTERS: [char; 16] =
        ['a', 'Z', '7', ' ', '\'', '"', '\\', '%', '*', '\t', 'é', 'ß', 'İ', '中', '\u{301}', '😀'];
    match rng.u32(..10) {
        0..6 => PEOPLE_TYPE[rng.usize(..14)].chars().take(longest).collect(),
        6..9 => (0..rng.usize(1..=longest.clamp(1, SHORT))).map(|_| LETTERS[rng.usize(..16)]).collect(),
        _ => (0..longest.clamp(1, LONG)).map(|_| LETTERS[rng.usize(..16)]).collect(),
    }
}

fn largest(kind: &Kind, text: &str) -> Value {
    match kind {
        Kind::Boolean => Value::Boolean(true),
        Kind::Integer => Value::Integer(i64::MIN),
        Kind::Decimal(scale) => Value::Decimal(
            format!("-{}.{}", "9".repeat(30), "1".repeat(usize::from(*scale))).trim_end_matches('.').into(),
        ),
        Kind::Text(longest) => {
            Value::text(text.chars().cycle().take((*longest as usize).min(LONGEST)).collect::<String>())
        }
        Kind::Choices => Value::Choices((10..60).map(|number| format!("{text}{number}")).collect()),
        Kind::Date => Value::Date("9999-12-31".into()),
        Kind::Timestamp => Value::Timestamp(253_402_300_799_999_999),
        Kind::Bytes => Value::Bytes(vec![7; 4096]),
        Kind::Reference(_) => Value::Reference("1-".repeat(20)),
    }
}
