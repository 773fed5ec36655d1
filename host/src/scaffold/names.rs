//! From a remote's names to columns.

use std::collections::BTreeSet;

/// Columns that the store keeps itself, and names that SQLite gives every row.
const KEPT: [&str; 6] = ["id", "modified_at", "oid", "revision", "rowid", "_rowid_"];

/// Names not given yet.
#[derive(Debug, Default)]
pub(super) struct Columns(BTreeSet<String>);

impl Columns {
    /// A column for a remote name: `Main Phone #` is `main_phone`, and where that is taken `main_phone_2`. A link
    /// ends in `_id`, as those of the stock plugins do.
    pub(super) fn name(&mut self, remote: &str, is_link: bool) -> String {
        let mut plain = snake_case(remote);
        if plain.is_empty() || plain.starts_with(|c: char| c.is_ascii_digit()) {
            plain = format!("field_{plain}").trim_end_matches('_').to_owned();
        }
        if is_link && !plain.ends_with("_id") {
            plain.push_str("_id");
        }
        if KEPT.contains(&plain.as_str()) {
            plain = format!("remote_{}", plain.trim_matches('_'));
        }
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !self.0.contains(name));
        let name = free.unwrap_or(plain);
        self.0.insert(name.clone());
        name
    }
}

/// Words of letters and digits, in lower case. A capital after a small letter begins a word, and so does the last
/// of several before a small one: `firstName`, `HTTPCode`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins = letter.is_ascii_uppercase()
            && (before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                || (before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase)));
        if (begins || !letter.is_ascii_alphanumeric()) && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            snake.push(letter.to_ascii_lowercase());
        }
    }
    snake.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_columns() {
        let mut columns = Columns::default();
        for (remote, column) in [
            ("Main Phone Number", "main_phone_number"),
            ("Work Phone #", "work_phone"),
            ("Work Phone", "work_phone_2"),
            ("firstName", "first_name"),
            ("HTTPCode", "http_code"),
            ("conversion_probability", "conversion_probability"),
            ("contact_mechanism:phone", "contact_mechanism_phone"),
            ("Id", "remote_id"),
            ("Revision", "remote_revision"),
            ("modified_at", "remote_modified_at"),
            ("_rowid_", "remote_rowid"),
            ("2nd Address", "field_2nd_address"),
            ("#", "field"),
            ("Größe", "gr_e"),
            ("order", "order"),
        ] {
            assert_eq!(columns.name(remote, false), column, "{remote}");
        }
        assert_eq!(columns.name("Account Id", true), "account_id");
        assert_eq!(columns.name("party", true), "party_id");
    }
}
