//! Names of files, and other texts, as people are shown them. They may hold anything, also what a terminal takes for a
//! command or what turns the direction of text around.

use std::path::Path;

pub(crate) use sync_core::harmless::is_harmless;

/// A file's name or path for a message, with what is not for the eye escaped: `\u{1b}`.
pub(crate) fn shown(path: impl AsRef<Path>) -> String {
    let mut shown = String::new();
    for c in path.as_ref().to_string_lossy().chars() {
        if is_harmless(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// A text on one line, with a blank for each character that is not for the eye.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { ' ' }).collect()
}

/// What a component calls its imports, which may be anything as well.
pub(crate) fn names(names: &[String]) -> String {
    names.iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_the_eye_is_escaped() {
        assert_eq!(shown("plugins/Größe 1.wasm"), "plugins/Größe 1.wasm");
        assert_eq!(shown("a\u{1b}[31m\nb\u{202e}c\u{9b}"), "a\\u{1b}[31m\\u{a}b\\u{202e}c\\u{9b}");
    }
}
