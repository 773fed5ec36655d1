//! The normal form of texts.

use crate::bindings::{LetterCase, TextForm};

/// A text in its normal form. Taking it again changes nothing, and it differs in surrounding white space and letter
/// case only.
pub(crate) fn normal(text: &str, form: &TextForm) -> String {
    let text = if form.trim { text.trim() } else { text };
    match form.letter_case {
        None => text.to_owned(),
        Some(LetterCase::Small) => small(text),
        Some(LetterCase::Capital) => upper(text),
    }
}

/// Whether two texts are the same but for surrounding and repeated white space and letter case.
pub(crate) fn alike(left: &str, right: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    left == right || plain(left) == plain(right)
}

/// In small letters, one for one: of `İ`, which would become two, a field may have room for one only.
fn small(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut letters = lower.chars();
    let mut one = |letter: char| {
        let small = letters.next().unwrap_or(letter);
        if letter == 'İ' {
            letters.next();
            return letter;
        }
        small
    };
    text.chars().map(&mut one).collect()
}

/// In capitals, where a letter has one that is the same letter: `ß` is not `SS`.
fn upper(text: &str) -> String {
    let all: String = text.chars().map(|letter| capital(letter, true)).collect();
    // A sigma's form depends on where it stands.
    if all.to_lowercase() == text.to_lowercase() {
        all
    } else {
        text.chars().map(|letter| capital(letter, false)).collect()
    }
}

fn capital(letter: char, sigmas: bool) -> char {
    if matches!(letter, 'σ' | 'ς') {
        return if sigmas { 'Σ' } else { letter };
    }
    let mut capitals = letter.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) if capital.to_lowercase().eq(letter.to_lowercase()) => capital,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(trim: bool, letter_case: Option<LetterCase>) -> TextForm {
        TextForm { trim, letter_case }
    }

    #[test]
    fn a_text_is_brought_into_its_form() {
        assert_eq!(normal(" Ab ", &form(true, None)), "Ab");
        assert_eq!(normal(" Ab ", &form(false, Some(LetterCase::Capital))), " AB ");
        assert_eq!(normal(" ÄÖ ", &form(true, Some(LetterCase::Small))), "äö");
    }

    #[test]
    fn a_letter_without_a_capital_stays() {
        let upper = |text| normal(text, &form(false, Some(LetterCase::Capital)));
        assert_eq!(upper("straße"), "STRAßE");
        assert_eq!(upper("οδος"), "ΟΔΟΣ");
        assert_eq!(upper("ı"), "ı");
        let lower = |text| normal(text, &form(false, Some(LetterCase::Small)));
        assert_eq!(lower("İSTANBUL ΟΔΟΣ"), "İstanbul οδος");
    }

    #[test]
    fn texts_are_alike_but_for_white_space_and_case() {
        assert!(alike(" Big  deal", "big deal "));
        assert!(!alike("big deal", "bigdeal"));
    }
}
