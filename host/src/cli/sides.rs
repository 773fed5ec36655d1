//! A record as base, local side and remote have it, field by field.

use crate::natural::natural_json;
use crate::ports::ConflictField;
use crate::shown::plain;
use console::{Alignment, measure_text_width, pad_str, style};
use sync_core::value::Value;

/// Widest column of values, in characters: three of them and the names fit a terminal of 120.
const WIDEST: usize = 28;

/// How much of a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All of it, for standard output.
    Whole,
    /// What fits a column, those that differ in bold, for a question on a terminal.
    Column,
}

/// All fields, base, local and remote side by side; those that differ are marked. A field that is empty everywhere
/// is left out of a question.
pub(super) fn side_by_side(fields: &[ConflictField], detail: Detail) -> String {
    let mut rows = vec![(false, ["", "BASE", "LOCAL", "REMOTE"].map(str::to_owned))];
    let filled = |field: &&ConflictField| {
        detail == Detail::Whole
            || [&field.base, &field.local, &field.remote].iter().any(|value| value.is_filled())
    };
    rows.extend(fields.iter().filter(filled).map(|field| {
        let [base, local, remote] = [&field.base, &field.local, &field.remote].map(shown);
        (field.differs, [field.field.clone(), base, local, remote])
    }));
    let width = |column: usize| {
        let widest = rows.iter().map(|(_, cells)| measure_text_width(&cells[column])).max().unwrap_or(0);
        widest.min(WIDEST)
    };
    let widths = [0, 1, 2, 3].map(width);
    let cut = match detail {
        Detail::Whole => None,
        Detail::Column => Some("…"),
    };
    let mut text = String::new();
    for (differs, cells) in &rows {
        let cells = cells.iter().zip(widths).map(|(cell, width)| match cut {
            // Without something to cut with, `pad_str` leaves what is longer as it is.
            None => pad_str(cell, width, Alignment::Left, None).into_owned(),
            Some(cut) => pad_str(cell, width, Alignment::Left, Some(cut)).into_owned(),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let line = format!("{} {}", if *differs { "*" } else { " " }, line.trim_end());
        let bold = *differs && detail == Detail::Column;
        text.push_str(&if bold { style(&line).bold().for_stderr().to_string() } else { line });
        text.push('\n');
    }
    text
}

/// A value on one line, without what could steer a terminal.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Absent => "-".into(),
        value => match natural_json(value) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        },
    };
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, [base, local, remote]: [&str; 3]) -> ConflictField {
        let value = |text: &str| if text.is_empty() { Value::Null } else { Value::Text(text.into()) };
        ConflictField {
            field: name.into(),
            base: value(base),
            local: value(local),
            remote: value(remote),
            differs: local != remote,
        }
    }

    #[test]
    fn columns_line_up_and_differences_are_marked() {
        let fields = [field("name", ["Acme", "Acme", "Acme"]), field("city", ["", "Lyon", "Rome\u{1b}[2J"])];
        assert_eq!(
            side_by_side(&fields, Detail::Whole),
            "        BASE  LOCAL  REMOTE\n  name  Acme  Acme   Acme\n* city  null  Lyon   Rome [2J\n"
        );
    }

    #[test]
    fn a_question_leaves_out_what_is_empty_and_cuts_what_is_long() {
        let long = "x".repeat(100);
        let fields = [field("fax", ["", "", ""]), field("note", ["", &long, "y"])];
        let text = side_by_side(&fields, Detail::Column);
        assert!(!text.contains("fax") && text.contains('…'), "{text}");
        assert!(text.lines().all(|line| measure_text_width(line) < 120), "{text}");
    }
}
