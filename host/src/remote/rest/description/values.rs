//! The rules of `[values]`.

use crate::remote::rest::moments::Moments;
use crate::remote::rest::wire::Forms;
use crate::toml_file::found::Found;
use crate::toml_file::read::{Item, Table};

/// Reads `[values]`.
pub(super) fn forms(table: &Table<'_>, found: &mut Found<'_>) -> Forms {
    let known = ["timestamps", "dates", "booleans", "numbers", "ids", "versions", "choices", "null", "nulls"];
    table.only_known(&known, found);
    let default = Forms::default();
    let text_or_number = [("text", true), ("number", false)];
    let as_text = |key: &str, found: &mut Found<'_>| {
        table.optional(key, |item, found| item.choice(&text_or_number, found), found)
    };
    Forms {
        timestamps: table.optional("timestamps", timestamps, found).unwrap_or(default.timestamps),
        dates: table.optional("dates", dates, found).unwrap_or(default.dates),
        booleans: table.optional("booleans", booleans, found),
        numbers_as_text: as_text("numbers", found).unwrap_or(default.numbers_as_text),
        ids_as_text: as_text("ids", found).unwrap_or(default.ids_as_text),
        versions_as_text: as_text("versions", found).unwrap_or(default.versions_as_text),
        choices: table.optional_text("choices", found),
        null: table.item("null").and_then(|item| {
            let text = item.as_text();
            if text.is_none() {
                item.wrong_type("a text in quotes", found);
            }
            text.map(str::to_owned)
        }),
        nulls: texts(table, "nulls", found),
    }
}

fn texts(table: &Table<'_>, key: &str, found: &mut Found<'_>) -> Vec<String> {
    let list = table.optional(key, Item::list, found).unwrap_or_default();
    list.iter().filter_map(|item| item.text(found).map(str::to_owned)).collect()
}

fn booleans(item: &Item<'_>, found: &mut Found<'_>) -> Option<(String, String)> {
    let list = item.list(found)?;
    let mut texts = list.iter().filter_map(|item| item.text(found).map(str::to_owned));
    let pair = texts.next().zip(texts.next());
    match (pair, texts.next()) {
        (Some((yes, no)), None) if yes != no => Some((yes, no)),
        _ => {
            item.invalid("must be two texts, for yes and for no", None, found);
            None
        }
    }
}

fn timestamps(item: &Item<'_>, found: &mut Found<'_>) -> Option<Moments> {
    let known = [
        ("rfc3339", Moments::Iso),
        ("seconds", Moments::Seconds),
        ("milliseconds", Moments::Milliseconds),
        ("microseconds", Moments::Microseconds),
    ];
    moments(item, &known, found)
}

fn dates(item: &Item<'_>, found: &mut Found<'_>) -> Option<Moments> {
    let known =
        [("iso", Moments::Iso), ("seconds", Moments::Seconds), ("milliseconds", Moments::Milliseconds)];
    moments(item, &known, found)
}

/// One of the known forms, or a pattern.
fn moments(item: &Item<'_>, known: &[(&str, Moments)], found: &mut Found<'_>) -> Option<Moments> {
    let text = item.text(found)?;
    if !text.contains('%') {
        let names: Vec<(&str, usize)> = known.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        return item.choice(&names, found).and_then(|at| known.get(at)).map(|(_, form)| form.clone());
    }
    let pattern = Moments::Pattern(text.to_owned());
    // A day with two digits in every part tells whether what is written can be read.
    let day = "2024-11-23";
    if pattern.date_written(day).and_then(|text| pattern.date(&text)).as_deref() != Some(day) {
        let help = "such as `%Y-%m-%d %H:%M:%S`; year, month and day must be in it".to_owned();
        item.invalid("is no pattern that can be written and read", Some(help), found);
        return None;
    }
    Some(pattern)
}
